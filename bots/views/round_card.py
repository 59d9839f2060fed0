"""One card a round: a progress line while it works, then what changed and what the editors say."""

from bots.views.comments import comment_elements, fate_words, made_in, one_line, settled_in, weightiest
from bots.views.elements import Button, Buttons, Divider, Element, Fields, Heading, ProgressLine, Small, Text, View
from bots.views.words import REHEARSAL, count, find_role, is_rehearsal, people, role_name, round_name, score, signature
from core.casts.model import Phase, Role
from core.orchestration.ports import Snapshot
from core.sessions.model import ENDED, Fate, Round, Version

SHOWN_COMMENTS = 3
SHOWN_QUESTIONS = 5
SHOWN_DECLINED = 3


def round_card(snapshot: Snapshot, number: int) -> View:
    """Return the card of round *number* as it reads now."""
    round_ = next((item for item in snapshot.rounds if item.number == number), None)
    if round_ is None or round_.finished_at is None:
        return _working(snapshot, number)
    return _finished(snapshot, round_)


def roles_of(snapshot: Snapshot, number: int) -> tuple[Role, ...]:
    """Return the roles that act in a round: the reading has no Writer."""
    return tuple(role for role in snapshot.session.cast.roles if number > 0 or role.phase is not Phase.WRITER)


def _title(snapshot: Snapshot, number: int) -> str:
    return f"{round_name(number)} ({REHEARSAL})" if is_rehearsal(snapshot) else round_name(number)


def _working(snapshot: Snapshot, number: int) -> View:
    done = {turn.role_key: turn for turn in snapshot.turns if turn.round == number}
    roles = roles_of(snapshot, number)
    is_over = snapshot.session.status in ENDED
    pieces = []
    for role in roles:
        turn = done.get(role.key)
        if turn is None:
            pieces.append(f"{signature(role)}: {'cut off' if is_over else 'not done yet'}")
        else:
            pieces.append(f"{signature(role)}: {score(turn.score) if turn.score is not None else 'done'}")
    if is_over:
        return _cut_off(snapshot, number, " · ".join(pieces), has_words=bool(done))
    finished = [role_name(role) for role in roles if role.key in done]
    line = ProgressLine(" · ".join(pieces), len(finished), len(roles))
    return View(
        elements=(Heading(_title(snapshot, number)), line, *_said(snapshot, number)),
        fallback=f"{_title(snapshot, number)}: {len(finished)} of {len(roles)} have finished.",
    )


def _cut_off(snapshot: Snapshot, number: int, line: str, *, has_words: bool) -> View:
    """Return the card of a round that the end of its session cut off: nobody works on it any more."""
    title = f"{_title(snapshot, number)}, cut off"
    why = "The session ended before this round was done."
    buttons = _reading_buttons(snapshot.session.id, number) if has_words else None
    elements: list[Element] = [Heading(title), Text(line), Small(why), *_said(snapshot, number)]
    return View((*elements, buttons) if buttons else tuple(elements), f"{title}. {why}")


def _reading_buttons(session_id: str, number: int) -> Buttons:
    return Buttons(
        (
            Button("comments", "Show all comments", session_id, str(number)),
            Button("exchange", "Show whole exchange", session_id, str(number)),
        )
    )


def _finished(snapshot: Snapshot, round_: Round) -> View:
    number = round_.number
    session = snapshot.session
    title = _title(snapshot, number)
    made = made_in(snapshot.notes, number)
    change = score_change(snapshot, number)
    pairs = [("Score", change)]
    edits = edits_made(snapshot, number)
    if edits:
        pairs.append(("Changed", edits))
    pairs.append(("Comments", _comment_count(snapshot, number)))
    elements: list[Element] = [Heading(title), Fields(tuple(pairs))]
    if round_.summary:
        elements.append(Text(round_.summary))
    for note in weightiest(made, session.cast, SHOWN_COMMENTS):
        role = find_role(session.cast, note.role_key)
        elements += [Divider(role.colour if role else ""), *comment_elements(note, session.cast)]
    elements += _outcomes(snapshot, round_)
    elements.append(_reading_buttons(session.id, number))
    return View(
        elements=tuple(elements),
        fallback=f"{title}: score {change}, {count(len(made), 'comment')}."
        + (f" {round_.summary}" if round_.summary else ""),
    )


def _outcomes(snapshot: Snapshot, round_: Round) -> list[Element]:
    """Return what the round leaves behind: declined comments, the plan, questions, what was left out."""
    cast = snapshot.session.cast
    elements: list[Element] = []
    declined = settled_in(snapshot.notes, round_.number, Fate.DECLINED)
    if declined:
        reasons = [
            f"{one_line(note, cast)} _{fate_words(note)}_" for note in weightiest(declined, cast, SHOWN_DECLINED)
        ]
        if len(declined) > SHOWN_DECLINED:
            reasons.append(f"- and {len(declined) - SHOWN_DECLINED} more: see all comments")
        elements += [Heading("Declined", 2), Text("\n".join(reasons))]
    returned = settled_in(snapshot.notes, round_.number, Fate.REGRESSED)
    if returned:
        lines = "\n".join(f"{one_line(note, cast)} _{fate_words(note)}_" for note in returned)
        elements += [Heading("Came back", 2), Text(lines)]
    if round_.plan:
        elements += [Heading("What changes next", 2), Text("\n".join(f"- {step}" for step in round_.plan))]
    if round_.questions:
        elements += [Heading("Questions to you", 2), Text("\n".join(f"- {item}" for item in round_.questions))]
        elements += _answers(snapshot, round_)
    return elements + _said(snapshot, round_.number)


def _answers(snapshot: Snapshot, round_: Round) -> list[Element]:
    """Return a button for each question that is open: nobody answered it yet, and the room still listens."""
    if snapshot.session.status in ENDED:
        return []
    still = unanswered(snapshot, round_)
    buttons = tuple(
        Button("answer", f"Answer question {index + 1}", snapshot.session.id, f"{round_.number}:{index}")
        for index, question in enumerate(round_.questions[:SHOWN_QUESTIONS])
        if question in still
    )
    return [Buttons(buttons)] if buttons else []


def unanswered(snapshot: Snapshot, round_: Round) -> tuple[str, ...]:
    """Return the questions of a round that nobody answered."""
    answers = [item.text for item in snapshot.guidance if not item.muted]
    return tuple(one for one in round_.questions if not any(f'"{one}"' in text for text in answers))


def said_in(snapshot: Snapshot, number: int) -> tuple[str, ...]:
    """Return who stood in for a model in a round and what did not fit its window, a sentence each, each once."""
    of_round = (text for item in snapshot.rounds if item.number == number for text in item.left_out)
    of_turns = (text for turn in snapshot.turns if turn.round == number for text in turn.notices)
    return tuple(dict.fromkeys((*of_round, *of_turns)))


def heard_in(snapshot: Snapshot, *numbers: int) -> str:
    """Return whose wishes first went into these rounds, empty for none; whether they were followed nobody recorded."""
    heard = [item for item in snapshot.guidance if not item.muted and item.taken_round in numbers]
    if not heard:
        return ""
    names = people(snapshot.names[item.member_id] for item in heard if snapshot.names.get(item.member_id))
    return f"Heard: {count(len(heard), 'wish', 'wishes')}{f' from {names}' if names else ''}."


def _said(snapshot: Snapshot, number: int) -> list[Element]:
    heard = heard_in(snapshot, number)
    return [Small(sentence) for sentence in (*((heard,) if heard else ()), *said_in(snapshot, number))]


def score_change(snapshot: Snapshot, number: int) -> str:
    """Return ``6.1 > 7.0``, or the score alone in the first round."""
    scores = {item.number: item.score for item in snapshot.rounds}
    before = next((scores[n] for n in sorted(scores, reverse=True) if n < number and scores[n] is not None), None)
    now = score(scores.get(number))
    return now if before is None else f"{score(before)} > {now}"


def edits_made(snapshot: Snapshot, number: int) -> str:
    """Return what the Writer did in a round, empty where no Writer acted."""
    version = version_of(snapshot, number)
    if version is None or number == 0:
        return ""
    if version.rewritten:
        return f"the whole text rewritten, {count(version.document.words, 'word')}"
    if version.edits:
        return count(len(version.edits), "edit")
    first = not any(item.number < number for item in snapshot.versions)
    return f"first draft, {count(version.document.words, 'word')}" if first else "nothing"


def version_of(snapshot: Snapshot, number: int) -> Version | None:
    """Return the version that a round judged, None before the Writer is done."""
    return next((item for item in snapshot.versions if item.number == number), None)


def _comment_count(snapshot: Snapshot, number: int) -> str:
    made = count(len(made_in(snapshot.notes, number)), "new comment")
    pieces = [made]
    applied = len(settled_in(snapshot.notes, number, Fate.APPLIED))
    declined = len(settled_in(snapshot.notes, number, Fate.DECLINED))
    if applied:
        pieces.append(f"{applied} done")
    if declined:
        pieces.append(f"{declined} declined")
    return ", ".join(pieces)
