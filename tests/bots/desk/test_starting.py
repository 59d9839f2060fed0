"""Starting: one message, no click, and nothing is spent, sent or posted that should not be."""

from dataclasses import replace
from typing import Any

import pytest

from bots.commands import Place
from bots.desk.door import Standing
from bots.desk.requests import Attachment, RequestKind
from bots.desk.starting import acknowledge, session_id_of
from bots.views.ask import price_view
from bots.views.plain import plain_text
from core.errors import TransientError
from core.money import Unit
from core.sessions.model import Status, ThreadRef
from storage.database import Database
from tests.bots.desk.room import CHANNEL, HOME, REPORT, Room
from tests.bots.desk.test_inbox import request
from tests.bots.views.samples import SESSION
from tests.fakes.clock import FakeClock

THEIRS = Attachment("F2", "rules.txt", author_id="bob")


async def set_limit(room: Room, who: str, microcredits: int) -> None:
    member = await room.store.read(lambda tx: tx.workspaces.find_member(f"{HOME}/{who}"))
    assert member is not None
    changed = replace(member, preferences=replace(member.preferences, no_ask_microcredits=microcredits))
    await room.store.write(lambda tx: tx.workspaces.save_member(changed))


async def test_tightening_a_file_is_one_message_and_no_click(room: Room) -> None:
    """A mention with a file below the limit starts, and says price and cap privately."""
    await room.mention("tighten this", files=(REPORT,))
    session = await room.only()
    assert session.status is Status.QUEUED
    assert (session.title, session.brief, session.has_upload) == ("report.md", "tighten this", True)
    assert (session.thread.channel, session.member_id, session.origin) == (CHANNEL, f"{HOME}/ann", "")
    assert "Starting: report.md" in room.last.text
    assert "never more than" in room.last.text
    assert room.last.to == "ann"
    assert room.harness.engine.enqueued == [(session.id, 1)]


async def test_a_few_words_without_a_file_are_asked_about(room: Room) -> None:
    """Who forgot the file pays for no text about two words; who meant them presses Start, and who says more is not asked."""
    await room.mention("tighten this please")
    assert (await room.only()).status is Status.DRAFT
    assert "No file came with this" in room.last.text
    assert "never more than" in room.last.text
    assert len(room.last.text.splitlines()) <= 2, "nobody asked for a list of settings"
    await room.press(room.last.button("discard"))
    await room.mention("Write a sea poem")
    await room.press(room.last.button("start"))
    assert (await room.only()).status is Status.QUEUED
    for text in ("new Sea poem", "Write a long poem about the sea", "For dealers --template tighten"):
        await room.mention(text)
        assert (await room.sessions())[0].status is Status.QUEUED, text
        assert "No file came" not in room.last.text


async def test_options_in_a_mention_are_options(room: Room) -> None:
    """Free text may end with what the command would take."""
    await room.mention("tighten this --rounds 2 --team quick", files=(REPORT,))
    session = await room.only()
    assert (session.brief, session.cast.stop.max_rounds, session.cast.key) == ("tighten this", 2, "quick")


async def test_above_the_limit_there_is_one_start_button(room: Room) -> None:
    """Nothing runs before it is pressed; pressed twice, it starts once and is answered twice."""
    await room.command("help")
    await set_limit(room, "ann", 1)
    await room.mention("tighten this", files=(REPORT,))
    session = await room.only()
    assert session.status is Status.DRAFT
    assert room.harness.engine.enqueued == []
    start = room.last.button("start")
    before = len(room.door.whispers)
    await room.press(start)
    await room.press(start)
    assert len(room.door.whispers) == before + 2
    assert (await room.only()).status is Status.QUEUED
    assert room.harness.engine.enqueued == [(session.id, 1)]


async def test_a_draft_can_be_discarded(room: Room) -> None:
    """Nothing stays of a session that nobody wanted at its price."""
    await room.command("help")
    await set_limit(room, "ann", 1)
    await room.mention("tighten this", files=(REPORT,))
    await room.press(room.last.button("discard"))
    assert await room.sessions() == []
    assert room.harness.chat.posts == []


async def test_the_workspace_limit_holds_for_who_has_none(memory_store: Database) -> None:
    """A member's own limit goes before the workspace's."""
    room = Room(memory_store, FakeClock(auto=True))
    await room.found(no_ask_microcredits=1)
    await room.mention("tighten this", files=(REPORT,))
    assert (await room.only()).status is Status.DRAFT
    await set_limit(room, "ann", 10**12)
    await room.mention("tighten that", files=(REPORT,))
    assert (await room.sessions())[0].status is Status.QUEUED


async def test_a_repeat_of_a_request_makes_nothing_twice(room: Room) -> None:
    """A process that died after its work leaves one session, started once."""
    asked = room.request(RequestKind.MENTION, text="tighten this", files=(REPORT,))
    await room.desk.handle(asked)
    await room.make_desk().handle(asked)
    assert [item.id for item in await room.sessions()] == [session_id_of(asked)]
    assert set(room.harness.engine.enqueued) == {(session_id_of(asked), 1)}


async def test_trouble_that_passes_is_left_to_the_inbox(room: Room) -> None:
    """A platform that is away a moment costs neither the request nor a second session."""
    room.door.faults = [TransientError("later", retry_after_seconds=1)]
    await room.mention("tighten this", files=(REPORT,))
    assert room.door.whispers == []
    room.clock.move(10)
    await room.desk.inbox.sweep()
    assert len(await room.sessions()) == 1
    assert "Starting" in room.last.text


async def test_the_first_file_is_the_document_and_the_rest_is_read(room: Room) -> None:
    """References come with what they are for."""
    files = (Attachment("F3", "logo.png"), REPORT, Attachment("F2", "rules.txt"))
    await room.command("new", values={"brief": "tighten", "reference-notes": "house style"}, files=files[1:])
    session = await room.only()
    kept = await room.store.read(lambda tx: tx.sessions.list_files(session.id))
    assert sorted((file.kind, file.name) for file in kept) == [("reference", "rules.txt"), ("upload", "report.md")]
    assert session.brief.endswith("How to use the files to read: house style")


async def test_words_that_came_as_a_file_are_not_fetched(room: Room) -> None:
    """A long message is a document that the platform gave already."""
    words = "\n\n".join(f"Paragraph {number} of the note." for number in range(400))
    await room.command("new", files=(Attachment("message-1", "The note.txt", text=words),))
    session = await room.only()
    assert session.title == "The note.txt"
    assert room.door.fetched == []
    (version,) = await room.store.read(lambda tx: tx.sessions.list_versions(session.id))
    assert version.document.markdown.count("Paragraph") == 400


async def test_a_mention_in_a_thread_takes_the_file_that_was_given_there(room: Room) -> None:
    """The newest one that can be read."""
    room.door.nearby = [Attachment("F9", "photo.png"), REPORT, Attachment("F2", "rules.txt")]
    await room.mention("tighten this", thread="t1")
    session = await room.only()
    assert session.title == "report.md"
    assert session.thread.thread == "t1"


async def test_a_member_is_told_once_what_does_the_work(room: Room) -> None:
    """Before the first session, and never again."""
    await room.mention("tighten this", files=(REPORT,))
    first = [item.text for item in room.door.whispers]
    assert len(first) == 1, "the price goes along with it"
    assert "AI writes and edits here, and it can be wrong" in first[0]
    assert "goes to Anthropic" in first[0]
    await room.mention("tighten that", files=(REPORT,))
    assert len(room.door.whispers) == len(first) + 1
    assert "can be wrong" not in room.last.text


@pytest.mark.parametrize(
    ("platform", "words"),
    [("slack", "reply in its thread"), ("discord", "press Steer session on its card, or reply"), ("x", "press Steer")],
)
def test_whoever_starts_is_told_how_to_steer(platform: str, words: str) -> None:
    """In the words of the platform: it decides what we hear."""
    session = replace(SESSION, thread=ThreadRef(platform, "C1"))
    view = price_view(session, balance_microcredits=0, unit=Unit.CREDITS, is_started=True)
    assert words in plain_text(view)


async def test_whoever_is_told_first_has_not_sent_anything_yet(room: Room) -> None:
    """Where those words cannot be said, nothing starts."""
    room.door.faults = [TransientError("later", retry_after_seconds=1)]
    await room.mention("tighten this", files=(REPORT,))
    assert (await room.only()).status is Status.DRAFT
    assert room.harness.engine.enqueued == []


async def test_anothers_file_needs_their_leave(room: Room) -> None:
    """The author alone is asked and can allow; the session then starts for whoever asked."""
    await room.mention("tighten this", files=(replace(REPORT, author_id="bob"),))
    assert await room.sessions() == []
    assert room.door.fetched == []
    (question,) = room.door.asked
    assert question.to == "bob"
    await room.press(question.button("allow"), "ann")
    assert "for somebody else" in room.last.text
    await room.press(question.button("allow"), "cid")
    assert await room.sessions() == []
    await room.press(question.button("allow"), "bob")
    session = await room.only()
    assert session.member_id == f"{HOME}/ann"
    assert session.status is Status.QUEUED
    await room.press(question.button("allow"), "bob")
    assert "not open any more" in room.last.text
    assert len(await room.sessions()) == 1


async def test_every_author_is_asked(room: Room) -> None:
    """One after the other; the asker's own files need nobody."""
    files = (replace(REPORT, author_id="bob"), replace(THEIRS, author_id="cid"), Attachment("F3", "own.txt"))
    await room.mention("tighten this", files=files)
    await room.press(room.door.asked[0].button("allow"), "bob")
    assert await room.sessions() == []
    assert [item.to for item in room.door.asked] == ["bob", "cid"]
    await room.press(room.door.asked[1].button("allow"), "cid")
    assert len(await room.sessions()) == 1


async def test_a_refusal_ends_it(room: Room) -> None:
    """Nothing is read or started, and the asker hears it."""
    await room.mention("tighten this", files=(replace(REPORT, author_id="bob"),))
    await room.press(room.door.asked[0].button("refuse"), "ann")
    await room.press(room.door.asked[0].button("refuse"), "bob")
    assert await room.sessions() == []
    assert room.door.fetched == []
    heard = [item.text for item in room.door.whispers if item.to == "ann"]
    assert any("does not want the file to be used" in text for text in heard)


async def test_who_cannot_be_asked_is_said(room: Room) -> None:
    """Then the asker knows what to do."""
    room.door.shy = {"bob"}
    await room.mention("tighten this", files=(replace(REPORT, author_id="bob"),))
    assert "cannot be asked" in room.last.text
    assert await room.sessions() == []


async def test_consent_can_be_switched_off(memory_store: Database) -> None:
    """A workspace may decide that its files are everybody's."""
    room = Room(memory_store, FakeClock(auto=True))
    await room.found(asks_consent=False)
    await room.mention("tighten this", files=(replace(REPORT, author_id="bob"),))
    assert room.door.asked == []
    assert len(await room.sessions()) == 1


async def test_where_the_app_may_not_post_the_brief_is_kept(room: Room) -> None:
    """Nothing is held in credits; Try again goes on with the same request once it may."""
    room.door.closed = {CHANNEL}
    await room.mention("tighten this", files=(REPORT,))
    assert "/invite @Atelier" in room.last.text
    assert await room.sessions() == []
    again = room.last.button("again")
    await room.press(again, "bob")
    assert "for somebody else" in room.last.text
    await room.press(again)
    assert "/invite @Atelier" in room.last.text
    room.door.closed = set()
    await room.press(again)
    session = await room.only()
    assert (session.thread.channel, session.status) == (CHANNEL, Status.QUEUED)
    await room.press(again)
    assert len(await room.sessions()) == 1


async def test_it_can_run_in_direct_messages_instead(room: Room) -> None:
    """Its result may be shared later where it was asked for."""
    room.door.closed = {CHANNEL}
    await room.mention("tighten this", files=(REPORT,))
    await room.press(room.last.button("direct"))
    session = await room.only()
    assert (session.thread.channel, session.origin) == ("dm-ann", CHANNEL)


async def test_private_runs_in_the_apps_conversation(room: Room) -> None:
    """The channel sees nothing of it."""
    await room.command("new", values={"brief": "Write a note about the sea", "private": True})
    session = await room.only()
    assert (session.thread.channel, session.origin) == ("dm-ann", CHANNEL)
    assert "nly you see it" in room.last.text, "whoever waits in the channel waits in vain"


async def test_a_form_from_nowhere_runs_in_the_apps_conversation(room: Room) -> None:
    """A global shortcut has no channel."""
    await room.command("new", values={"brief": "Write a note about the sea"}, channel="T1/", place=Place.DIRECT)
    assert (await room.only()).thread.channel == "dm-ann"


async def test_one_thread_holds_one_session(room: Room) -> None:
    """Asked for another one in a session's thread, it begins in the channel."""
    session = await room.ended()
    await room.mention("new Write a note about the sea", thread=session.thread.thread)
    newest = (await room.sessions())[0]
    assert newest.id != session.id
    assert newest.thread.thread == ""


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing("Gus", is_guest=True), "Guests may not start"),
        (Standing("Out", is_outsider=True), "People of other organisations"),
        (Standing("Bot", is_bot=True), "Only people"),
    ],
    ids=["guest", "outsider", "bot"],
)
async def test_who_may_not_start_is_told_and_nothing_is_read(room: Room, standing: Standing, words: str) -> None:
    """Refused in words, privately, before any file is fetched."""
    room.door.standings["gus"] = standing
    await room.mention("tighten this", "gus", files=(REPORT,))
    assert words in room.last.text
    assert await room.sessions() == []
    assert room.door.fetched == []


async def test_guests_may_start_where_they_are_allowed(memory_store: Database) -> None:
    """The setting decides."""
    room = Room(memory_store, FakeClock(auto=True))
    await room.found(guests_may_start=True)
    room.door.standings["gus"] = Standing("Gus", is_guest=True)
    await room.mention("tighten this", "gus", files=(REPORT,))
    assert len(await room.sessions()) == 1


async def test_what_cannot_be_met_is_said_in_words(room: Room) -> None:
    """A missing file, a missing brief, an unknown model, a wrong number: each with its way out, and no session."""
    await room.mention("tighten this", files=(Attachment("F8", "gone.docx"),))
    assert "gone.docx" in room.last.text
    await room.command("new")
    assert "Say what to write" in room.last.text
    await room.command("new", values={"brief": "a note", "model": "no-such"})
    assert "no such model" in room.last.text.lower()
    await room.command("new", values={"brief": "a note", "rounds": 99})
    assert "rounds must be from 1 to 20" in room.last.text
    assert await room.sessions() == []


async def test_without_credits_the_draft_waits_with_its_button(memory_store: Database) -> None:
    """It says what is missing; after a top-up the same button starts it."""
    room = Room(memory_store, FakeClock(auto=True))
    await room.found(grant=1)
    await room.mention("tighten this", files=(REPORT,))
    session = await room.only()
    assert session.status is Status.DRAFT
    assert "not enough credits" in room.last.text
    start = room.last.button("start")
    await room.found(grant=0)
    await room.store.write(
        lambda tx: room.harness.ledger.adjust(
            tx.credits, workspace_id=HOME, amount_microcredits=10**10, key="k", actor="test", reason="test"
        )
    )
    await room.press(start)
    assert (await room.only()).status is Status.QUEUED


async def test_a_members_allowance_is_a_limit(store: Database) -> None:
    """What runs counts with all that it may still spend."""
    room = Room(store, FakeClock(auto=True))
    await room.found()
    await room.mention("tighten this", files=(REPORT,))
    cap = (await room.only()).cap_microcredits
    await room.found(grant=0, member_cap_microcredits=cap + 1)
    await room.mention("tighten that", files=(REPORT,))
    assert "allowance of this month does not cover it" in room.last.text
    assert [item.status for item in await room.sessions()] == [Status.DRAFT, Status.QUEUED]
    await room.mention("tighten that", "bob", files=(REPORT,))
    assert (await room.sessions())[0].status is Status.QUEUED


async def test_last_choices_are_remembered(room: Room) -> None:
    """The next form opens with them; what was left out is the workspace's again."""
    await room.command("new", values={"brief": "a note", "team": "quick", "rounds": 2})
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, command="new"))
    assert form is not None
    values = {field.name: field.value for field in form.fields}
    assert (values["team"], values["rounds"]) == ("quick", "2")
    assert [field.name for field in form.fields if not field.more] == ["brief", "files"]
    assert all(len(field.label) <= 45 for field in form.fields)
    assert max(len(form.title), len(form.submit)) <= 24
    await room.command("new", values={"brief": "a note"})
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, command="new"))
    assert form is not None
    assert {field.name: field.value for field in form.fields}["rounds"] == ""


async def test_a_form_opens_only_where_something_is_missing(room: Room) -> None:
    """A brief or a file goes straight to work; who may not start gets words instead of a form."""
    assert await room.desk.form_for(room.request(RequestKind.COMMAND, command="new", values={"brief": "x"})) is None
    assert await room.desk.form_for(room.request(RequestKind.COMMAND, command="new", files=(REPORT,))) is None
    assert await room.desk.form_for(room.request(RequestKind.PRESS, action="new")) is not None
    room.door.standings["gus"] = Standing("Gus", is_guest=True)
    assert await room.desk.form_for(room.request(RequestKind.COMMAND, "gus", command="new")) is None


async def test_a_filled_in_form_starts(room: Room) -> None:
    """Fields come as texts and files with their roles."""
    values = {"brief": "tighten", "rounds": "2", "good-enough": "7,5", "team": "quick", "private": "true", "model": ""}
    files = (replace(REPORT, role="reference"), replace(THEIRS, author_id="", role="document"))
    await room.command("new", values=dict(values), files=files)
    session = await room.only()
    assert (session.title, session.cast.stop.threshold, session.origin) == ("rules.txt", 7.5, CHANNEL)


def test_the_acknowledgement_says_what_happens() -> None:
    """One line at once, for what takes a moment; nothing for the rest."""
    assert acknowledge(request()) == "Reading brief.docx, price follows."
    new = replace(request(), kind=RequestKind.COMMAND, command="new", files=())
    assert acknowledge(replace(new, values={"brief": "x"})) == "Reading the brief, price follows."
    assert acknowledge(replace(new, values={})) == ""
    assert acknowledge(replace(request(), kind=RequestKind.COMMAND, command="pause", files=())) == ""


async def test_an_estimate_starts_nothing(room: Room) -> None:
    """The price by round, and no session."""
    await room.command("estimate", values={"rounds": 2}, files=(REPORT,))
    assert "Nothing was started or charged" in room.last.text
    assert "Round 2" in room.last.text
    assert await room.sessions() == []


async def test_the_sample_is_free_once(room: Room) -> None:
    """Whoever presses first runs it in their own conversation, and the balance is as before."""
    before = await room.desk.tools.balance(HOME)
    page = await room.desk.home(room.request(RequestKind.COMMAND).actor)
    assert "Run free sample" in str(page)
    await room.send(room.request(RequestKind.PRESS, action="sample", target="sample"))
    session = await room.only()
    assert (session.thread.channel, session.status) == ("dm-ann", Status.QUEUED)
    assert await room.desk.tools.balance(HOME) == before + session.cap_microcredits
    await room.send(room.request(RequestKind.PRESS, "bob", action="sample", target="sample"))
    assert "run already" in room.last.text
    assert len(await room.sessions()) == 1


@pytest.mark.parametrize("kind", [RequestKind.COMMAND, RequestKind.PRESS])
async def test_a_form_that_did_not_open_is_a_press_away(room: Room, kind: RequestKind) -> None:
    """Whoever handles the request instead says how to get to the form, and starts nothing."""
    named: dict[str, Any] = {"command": "new"} if kind is RequestKind.COMMAND else {"action": "new"}
    await room.send(room.request(kind, wants_form=True, **named))
    assert ("Type `/atelier new` again" in room.last.text) == (kind is RequestKind.COMMAND)
    assert await room.desk.form_for(room.request(RequestKind.PRESS, action=room.last.button("new").action)) is not None
    assert await room.sessions() == []
    await room.command("new", values={"brief": "Write a note"}, wants_form=True)
    assert len(await room.sessions()) == 1
