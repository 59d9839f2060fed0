"""Posts in words: what people read, to the letter."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.views.elements import Buttons, Fields, Table, View
from bots.views.plain import plain_text
from bots.views.posts import view_of
from core.credits.estimate import Range
from core.money import Unit
from core.orchestration.ports import Content, PostKind, Snapshot
from core.sessions.model import Desired, EndReason, Fate, Guidance, ParkReason, Round, Status
from core.workspaces.model import Verbosity
from tests.bots.views.samples import SESSION, SNAPSHOT, TURNS, VERSIONS
from tests.contracts.chat_port import NOON

# Words of the core that people never see (issue of the Slack adapter); buttons and fallbacks included.
_FORBIDDEN = re.compile(
    r"\b(cast|synthesi[sz]er|threshold|workspace|ledger|microcredits?|micro-credits?|segment|turns?|hold|settled?)\b",
    re.IGNORECASE,
)


def _content(kind: PostKind, snapshot: Snapshot = SNAPSHOT, **facts: object) -> Content:
    return Content(kind=kind, snapshot=snapshot, **facts)  # type: ignore[arg-type]


def _fields(view: View) -> dict[str, str]:
    return {name: value for item in view.elements if isinstance(item, Fields) for name, value in item.pairs}


def _labels(view: View) -> list[str]:
    return [button.label for item in view.elements if isinstance(item, Buttons) for button in item.buttons]


_ALL = (
    *(_content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=replace(SESSION, status=status))) for status in Status),
    *(_content(PostKind.RESULT, replace(SNAPSHOT, session=replace(SESSION, end_reason=why))) for why in EndReason),
    *(
        _content(
            PostKind.NOTICE,
            replace(SNAPSHOT, session=replace(SESSION, status=status)),
            code="parked",
            facts={"reason": why.value, "failure": "provider_overloaded", "segment": "1"},
        )
        for why in ParkReason
        for status in (Status.WAITING, Status.RUNNING)
    ),
    *(_content(PostKind.ROUND_CARD, round=number) for number in (0, 1, 2)),
    *(_content(PostKind.TURN, round=turn.round, role_key=turn.role_key) for turn in TURNS),
    _content(PostKind.DRAFT, round=1),
    _content(PostKind.RECEIPT),
    _content(PostKind.NOTICE, code="provider_account"),
)


@pytest.mark.parametrize("content", _ALL, ids=lambda content: f"{content.kind}-{content.code}-{content.round}")
def test_no_word_of_the_core_is_seen(content: Content) -> None:
    """Views speak of editors, comments, what changes next: never of what stands behind."""
    view = view_of(content)
    for text in (plain_text(view), view.fallback, *_labels(view)):
        assert not _FORBIDDEN.search(text), text


@pytest.mark.parametrize("content", _ALL, ids=lambda content: f"{content.kind}-{content.code}-{content.round}")
def test_a_rehearsal_says_so(content: Content) -> None:
    """No post of the rehearsal model may pass for the work of an AI, its notification neither."""
    view = view_of(content)
    assert "rehearsal" in plain_text(view).lower()
    assert "rehearsal" in view.fallback.lower()


def test_an_ai_is_not_called_a_rehearsal() -> None:
    """The word is kept for the rehearsal model."""
    turns = tuple(replace(turn, model="claude-opus-5-5", provider="anthropic") for turn in TURNS)
    snapshot = replace(SNAPSHOT, session=replace(SESSION, model="claude-opus-5-5"), turns=turns)
    for kind in PostKind:
        assert "rehearsal" not in plain_text(view_of(_content(kind, snapshot, round=1, role_key="style"))).lower()


@pytest.mark.parametrize("content", _ALL, ids=lambda content: f"{content.kind}-{content.code}-{content.round}")
def test_buttons_say_verb_and_object(content: Content) -> None:
    """A label of one word says too little out of its place; Discord takes 80 characters."""
    for label in _labels(view_of(content)):
        assert len(label.split()) >= 2
        assert len(label) <= 80


def test_the_session_card() -> None:
    """Title, editors, price and cap, state, score so far, balance."""
    running = replace(SESSION, status=Status.RUNNING, end_reason=None)
    rounds = (SNAPSHOT.rounds[0], Round(SESSION.id, 1, NOON))
    view = view_of(_content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=running, rounds=rounds)))
    assert _fields(view) == {
        "State": "Working on round 1 of up to 1",
        "Editors": "🧭 Content editor, ✒️ Style editor, 🔎 Fact checker",
        "Price": "10 to 20 credits ($0.10 to $0.20), never more than 40 credits ($0.40); 10 credits ($0.10) charged so far",
        "Score": "6.1",
        "Good enough at": "8",
        "Balance": "90 credits ($0.90)",
    }
    assert _labels(view) == ["Pause session", "Stop session", "Steer session", "Show files"]


@pytest.mark.parametrize(
    ("has_upload", "state"), [(True, "Reading the document"), (False, "Working on round 1 of up to 1")]
)
def test_the_first_card_says_what_comes_first(*, has_upload: bool, state: str) -> None:
    """Before the first round began, too: else the card would have to change a second later."""
    running = replace(SESSION, status=Status.RUNNING, end_reason=None, has_upload=has_upload)
    view = view_of(_content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=running, rounds=())))
    assert _fields(view)["State"] == state


def test_the_reading_card() -> None:
    """Three weightiest comments first to last by weight, declined ones, plan, questions, what was left out."""
    text = plain_text(view_of(_content(PostKind.ROUND_CARD, round=0)))
    assert text.splitlines() == [
        "Reading (rehearsal)",
        "Score: 6.1",
        "Comments: 3 new comments",
        "A fair start.",
        "---",
        "**🧭 Content editor** on paragraph 1 (must change)",
        "  > do it",
        "Say who pays.",
        "Suggested: do it for you",
        "---",
        "**✒️ Style editor** on paragraph 1 (should change)",
        "  > will will",
        "Doubled word.",
        "_Done_",
        "---",
        "**🔎 Fact checker** on the whole (could change)",
        "No source.",
        "_Declined: the appendix has it_",
        "What changes next",
        "- Cut the doubled word.",
        "Questions to you",
        "- Who pays?",
        "Old notes.",
    ]


def test_a_round_card_shows_before_and_after() -> None:
    """Score before and after, edits made, what became of earlier comments."""
    view = view_of(_content(PostKind.ROUND_CARD, round=1))
    assert _fields(view) == {"Score": "6.1 > 7.8", "Changed": "1 edit", "Comments": "1 new comment, 1 done, 1 declined"}
    text = plain_text(view)
    assert "_This passage does not stand in the document as quoted._" in text
    assert "Declined\n- 🔎 Fact checker: No source. _Declined: the appendix has it_" in text


def test_a_round_that_works_says_who_is_done() -> None:
    """Editors appear as they finish, with their score."""
    rounds = (SNAPSHOT.rounds[0], Round(SESSION.id, 1, NOON))
    running = replace(SESSION, status=Status.RUNNING, end_reason=None)
    snapshot = replace(SNAPSHOT, session=running, rounds=rounds, turns=TURNS[:6])
    view = view_of(_content(PostKind.ROUND_CARD, snapshot, round=1))
    assert plain_text(view).splitlines()[1] == (
        "✍️ Writer: done · 🧭 Content editor: 7.9 · ✒️ Style editor: not done yet · "
        "🔎 Fact checker: not done yet · 🎯 Lead editor: not done yet: 2 of 5"
    )


def test_a_round_that_was_cut_off_says_so() -> None:
    """Nobody waits for editors of a session that is over; what the others said can be read."""
    rounds = (SNAPSHOT.rounds[0], Round(SESSION.id, 1, NOON))
    stopped = replace(SESSION, status=Status.STOPPED, end_reason=EndReason.STOPPED)
    view = view_of(
        _content(PostKind.ROUND_CARD, replace(SNAPSHOT, session=stopped, rounds=rounds, turns=TURNS[:6]), round=1)
    )
    text = plain_text(view)
    assert "not done yet" not in text
    assert text.splitlines()[0] == "Round 1 (rehearsal), cut off"
    assert "🧭 Content editor: 7.9 · ✒️ Style editor: cut off" in text
    assert "The session ended before this round was done." in text
    assert _labels(view) == ["Show all comments", "Show whole exchange"]


def test_a_session_that_is_being_stopped_says_so() -> None:
    """Whoever pressed Stop does not read that the room goes on reading; afterwards it was stopped, once."""
    stopping = replace(SESSION, status=Status.RUNNING, end_reason=None, desired=Desired.STOP)
    view = view_of(_content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=stopping)))
    assert _fields(view)["State"] == "Stopping; the best version is kept"
    stopped = replace(SESSION, status=Status.STOPPED, end_reason=EndReason.STOPPED, desired=Desired.STOP)
    view = view_of(_content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=stopped)))
    assert _fields(view)["State"] == "Stopped"
    assert "Ended because: it was stopped" in plain_text(
        view_of(_content(PostKind.RESULT, replace(SNAPSHOT, session=stopped)))
    )


@pytest.mark.parametrize("unit", list(Unit), ids=str)
@pytest.mark.parametrize("why", list(ParkReason), ids=str)
def test_a_wait_that_is_over_leaves_nothing_to_press(why: ParkReason, unit: Unit) -> None:
    """What the buttons were for is done: the notice says what became of the wait, also of one before the last."""

    def said(status: Status, segment: int) -> View:
        snapshot = replace(SNAPSHOT, session=replace(SESSION, status=status, segment=segment), unit=unit)
        return view_of(_content(PostKind.NOTICE, snapshot, code="parked", facts={"reason": why.value, "segment": "3"}))

    waits = said(Status.WAITING, 3)
    assert "Resume session" in _labels(waits)
    assert said(Status.PAUSED, 3) == waits
    for status, segment, became in (
        (Status.RUNNING, 4, "It went on."),
        (Status.WAITING, 4, "It went on."),
        (Status.STOPPED, 4, "It is over."),
    ):
        over = said(status, segment)
        assert _labels(over) == []
        assert plain_text(over).startswith("The session waited")
        assert became in over.fallback
        assert "add" not in plain_text(over)


def test_a_shared_result_says_who_shared_it() -> None:
    """The channel did not see it come about."""
    shared = view_of(_content(PostKind.RESULT, facts={"shared": "yes", "by": "Ann"}))
    assert "Ann shares this from a session of their own." in plain_text(shared)
    assert "Ann shares this" in shared.fallback
    assert "shares this" not in plain_text(view_of(_content(PostKind.RESULT)))


def test_a_card_holds_no_more_of_a_brief_than_is_needed_to_know_it() -> None:
    """One message in the channel: a brief of pages would make it many."""
    session = replace(SESSION, brief="Write about lights. " * 500)
    text = plain_text(view_of(_content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=session))))
    assert len(text) < 1_000
    assert re.search(r"Write about lights\. .{100,300}\.\.\.\n", text)


@pytest.mark.parametrize(
    ("best", "verdict"),
    [
        (1, "The best version is that of round 1, which scored 7.8."),
        (0, "No revision scored higher than your original (6.1), so it comes back unchanged."),
        (None, "There is no finished version."),
    ],
)
def test_the_result_names_the_version_that_won(best: int | None, verdict: str) -> None:
    """The best version wins, not the last one; that nothing beat the original is said."""
    view = view_of(_content(PostKind.RESULT, replace(SNAPSHOT, session=replace(SESSION, best_version=best))))
    assert verdict in plain_text(view)


def test_a_result_that_scored_less_than_an_earlier_version_says_why() -> None:
    """Whoever went on with words of their own gets a version that heard them, and reads what that cost."""
    versions = (VERSIONS[0], VERSIONS[1], replace(VERSIONS[1], number=2, score=7.4))
    session = replace(SESSION, best_version=2)
    text = plain_text(view_of(_content(PostKind.RESULT, replace(SNAPSHOT, session=session, versions=versions))))
    said = "The best version with what you went on with in it is that of round 2, which scored 7.4"
    assert f"{said}; an earlier one scored 7.8." in text


def test_a_document_that_no_round_rewrote_was_not_beaten_by_anything() -> None:
    """Where the reading was good enough, nothing is said of revisions that never were."""
    session, versions = replace(SESSION, best_version=0), SNAPSHOT.versions[:1]
    view = view_of(_content(PostKind.RESULT, replace(SNAPSHOT, session=session, versions=versions)))
    assert "No round rewrote anything: your document comes back as it was (6.1)." in plain_text(view)


def test_the_result_says_what_would_come_next() -> None:
    """Comments that are still open are the next steps."""
    text = plain_text(view_of(_content(PostKind.RESULT)))
    assert (
        "What we would do next\n- 🧭 Content editor, paragraph 1: Say who pays.\n- ✒️ Style editor, paragraph 1: Passive."
        in text
    )
    assert "Ended because: the round is done" in text


def test_the_result_says_how_much_changed_and_what_was_asked() -> None:
    """Edits up to the version that won; questions without an answer, with the way to answer them, but not where shared."""
    view = view_of(_content(PostKind.RESULT, replace(SNAPSHOT, session=replace(SESSION, has_upload=True))))
    assert _fields(view)["Changed"] == "1 edit in 1 round"
    asked = "Questions nobody answered\n- Who pays?\nAnswer with Continue with guidance."
    assert asked in plain_text(view)
    assert "Continue with guidance" in _labels(view)
    told = Guidance("m1", SESSION.id, SESSION.member_id, 'You asked: "Who pays?" The answer: we do', NOON)
    answered = replace(SNAPSHOT, guidance=(told,))
    assert "Who pays?" not in plain_text(view_of(_content(PostKind.RESULT, answered)))
    shared = Content(PostKind.RESULT, SNAPSHOT, facts={"shared": "yes"})
    assert "Who pays?" not in plain_text(view_of(shared))


def test_a_round_that_declined_much_says_the_weightiest_and_how_many_more() -> None:
    """Nobody reads twenty reasons; they are all in the comments."""
    note = next(one for one in SNAPSHOT.notes if one.fate is Fate.DECLINED)
    notes = tuple(replace(note, id=f"n{number}", comment=f"Point {number}.") for number in range(20, 40))
    text = plain_text(view_of(_content(PostKind.ROUND_CARD, replace(SNAPSHOT, notes=notes), round=1)))
    assert text.count("_Declined: the appendix has it_") == 3
    assert "- and 17 more: see all comments" in text


def test_the_receipt_is_short() -> None:
    """What was paid, for what, what is left, and each round where there are several; single charges are a press away."""
    view = view_of(_content(PostKind.RECEIPT))
    assert _fields(view) == {
        "Charged": "10.00 credits ($0.10)",
        "For": "the reading and 1 round, with 3 editors on rehearsal",
        "Set aside at most": "40.00 credits ($0.40)",
        "Given back": "30.00 credits ($0.30)",
        "Balance": "90.00 credits ($0.90)",
    }
    assert plain_text(view).splitlines()[-1] == "Reading: 4.00 ($0.04) · Round 1: 6.00 ($0.06)"
    assert _labels(view) == ["Show every charge"]
    assert not any(isinstance(item, Table) for item in view.elements)
    alone = replace(SNAPSHOT, turns=TURNS[4:])
    assert "Round 1:" not in plain_text(view_of(_content(PostKind.RECEIPT, alone)))


def test_the_whole_receipt_adds_up() -> None:
    """A line a round and a role, totals where there are several rounds, as many decimals everywhere."""
    view = view_of(_content(PostKind.RECEIPT), has_buttons=False)
    lines, totals = [item for item in view.elements if isinstance(item, Table)]
    assert lines.rows[0] == ("Reading", "Content editor", "rehearsal", "6.0", "1.20 ($0.0120)")
    assert lines.rows[3][1] == "Lead editor"
    assert totals.rows == (("Reading", "4.00 ($0.0400)"), ("Round 1", "6.00 ($0.0600)"))
    assert _fields(view)["Quoted"] == "10.00 ($0.1000) to 20.00 ($0.2000)"
    assert _labels(view) == []
    assert {len(found) for found in re.findall(r"\$\d+\.(\d+)", plain_text(view))} == {4}
    alone = view_of(_content(PostKind.RECEIPT, replace(SNAPSHOT, turns=TURNS[4:])), has_buttons=False)
    assert sum(isinstance(item, Table) for item in alone.elements) == 1


def test_a_round_says_whose_wishes_it_heard() -> None:
    """Who said something that went into it, each once; not that it was followed, which nobody recorded."""
    told = tuple(
        Guidance(f"m{number}", SESSION.id, who, "Shorter.", NOON, taken_round=taken, muted=muted)
        for number, (who, taken, muted) in enumerate(
            [("w/ann", 1, False), ("w/ann", 1, False), ("w/bo", 1, False), ("w/cy", 1, True), ("w/bo", 0, False)]
        )
    )
    snapshot = replace(SNAPSHOT, guidance=told, names={"w/ann": "Ann", "w/bo": "Bo", "w/cy": "Cy"})
    assert "Heard: 3 wishes from Ann and Bo." in plain_text(view_of(_content(PostKind.ROUND_CARD, snapshot, round=1)))
    assert "Heard: 1 wish from Bo." in plain_text(view_of(_content(PostKind.ROUND_CARD, snapshot, round=0)))
    assert "Heard" not in plain_text(view_of(_content(PostKind.RECEIPT, snapshot)))
    quiet = replace(snapshot, session=replace(SESSION, verbosity=Verbosity.QUIET))
    assert "Heard: 4 wishes from Ann and Bo." in plain_text(view_of(_content(PostKind.RECEIPT, quiet)))
    unnamed = replace(snapshot, names={})
    assert "Heard: 1 wish." in plain_text(view_of(_content(PostKind.ROUND_CARD, unnamed, round=0)))
    assert "too late" not in plain_text(view_of(_content(PostKind.RESULT, snapshot)))


def test_a_wish_that_came_too_late_is_told() -> None:
    """It was marked as taken, and no round was left to read it: whoever said it knows how it is heard."""
    told = (Guidance("m1", SESSION.id, "w/ann", "Shorter.", NOON),)
    text = plain_text(view_of(_content(PostKind.RESULT, replace(SNAPSHOT, guidance=told))))
    assert "1 wish came too late to be heard; one more round hears it." in text


@pytest.mark.parametrize(
    ("unit", "price"), [(Unit.CREDITS, "3 to 8 credits ($0.03 to $0.08)"), (Unit.DOLLARS, "$0.03 to $0.08")], ids=str
)
def test_one_more_round_has_a_price_before_anybody_presses(unit: Unit, price: str) -> None:
    """It stands with the button, on the result and on the card, in the unit that people see; not where it was shared."""
    snapshot = replace(SNAPSHOT, unit=unit, next_round=Range(3_000_000, 8_000_000))
    text = plain_text(view_of(_content(PostKind.RESULT, snapshot)))
    assert f"One more round costs {price}." in text
    assert _fields(view_of(_content(PostKind.SESSION_CARD, snapshot)))["One more round"] == price
    assert "One more round" not in plain_text(view_of(_content(PostKind.RESULT, snapshot, facts={"shared": "yes"})))


@pytest.mark.parametrize("unit", list(Unit), ids=str)
@given(spent=st.integers(0, 50_000_000), more=st.integers(0, 50_000_000))
def test_what_was_set_aside_is_what_was_charged_and_given_back(unit: Unit, spent: int, more: int) -> None:
    """The three amounts add up for the eye, to the hundredth of a credit that each of them is rounded to."""
    snapshot = replace(
        SNAPSHOT,
        session=replace(SESSION, cap_microcredits=spent + more),
        spent_microcredits=spent,
        held_microcredits=0,
        unit=unit,
    )
    fields = _fields(view_of(_content(PostKind.RECEIPT, snapshot)))
    names = ("Set aside at most", "Charged", "Given back")
    aside, charged, back = (Decimal(fields[name].rpartition("$")[2].rstrip(")")) for name in names)
    assert abs(aside - charged - back) <= Decimal("0.0001")


def test_only_the_starter_is_mentioned_and_only_when_asked() -> None:
    """A mention is one member id on the view, never in its text."""
    silent, loud = (view_of(_content(PostKind.RESULT, mention=mention)) for mention in (False, True))
    assert (silent.mention, loud.mention) == ("", SESSION.member_id)
    assert silent.elements == loud.elements


def test_files_go_with_their_post() -> None:
    """A result carries its files by id."""
    assert view_of(_content(PostKind.RESULT, file_ids=("f_1",))).file_ids == ("f_1",)


def test_a_long_draft_is_a_file() -> None:
    """Up to 3,000 characters a draft is shown, beyond that it is announced."""
    short = view_of(_content(PostKind.DRAFT, round=1))
    block = replace(VERSIONS[1].document.blocks[0], markdown="word " * 700)
    long = replace(VERSIONS[1], document=replace(VERSIONS[1].document, blocks=(block,)))
    announced = view_of(_content(PostKind.DRAFT, replace(SNAPSHOT, versions=(long,)), round=1))
    assert "We will will do it." in plain_text(short)
    assert plain_text(announced).splitlines()[1] == "It is long, so it comes as a file."


def test_who_stood_in_is_said_where_it_is_read() -> None:
    """Who stood in for a model is on the round's card, also while it works; without cards it is in the receipt."""
    said = "b answered because a could not."
    turns = tuple(replace(turn, notices=(said,)) for turn in TURNS if turn.round == 1)
    working = Round(SESSION.id, 1, NOON)
    for round_ in (working, replace(working, finished_at=NOON)):
        shot = replace(SNAPSHOT, rounds=(SNAPSHOT.rounds[0], round_), turns=turns)
        assert plain_text(view_of(_content(PostKind.ROUND_CARD, shot, round=1))).count(said) == 1
        assert said not in plain_text(view_of(_content(PostKind.RECEIPT, shot)))
        quiet = replace(shot, session=replace(SESSION, verbosity=Verbosity.QUIET))
        assert plain_text(view_of(_content(PostKind.RECEIPT, quiet))).count(said) == 1


def test_without_a_shop_amounts_are_dollars_and_there_is_no_balance() -> None:
    """Whoever hosts for itself sees what its providers are paid, and no word of credits or buying."""
    seen = " ".join(
        plain_text(view_of(Content(kind, replace(SNAPSHOT, unit=Unit.DOLLARS))))
        for kind in (PostKind.SESSION_CARD, PostKind.RECEIPT)
    )
    assert "$0.10" in seen
    assert not re.search(r"credit|balance|buy", seen, re.IGNORECASE)
