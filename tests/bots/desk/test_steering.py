"""Steering: what people say in a session's thread."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from bots.commands import Place
from bots.desk.door import Mark, Standing
from bots.desk.requests import RequestKind
from bots.views.elements import Buttons
from bots.views.round_card import round_card
from core.providers.base import Request as ModelRequest
from core.sessions.model import Round, Session, Status, ThreadRef
from tests.bots.desk.room import REPORT, Room
from tests.fakes.model import ScriptedModel


def thread_of(session: Session) -> str:
    assert session.thread.thread
    return session.thread.thread


async def test_a_reply_is_guidance_and_is_marked(room: Room) -> None:
    """One sign on the message, no answer in words."""
    session = await room.running()
    answers = len(room.door.whispers)
    said = await room.say("keep the second paragraph", "bob", thread=thread_of(session))
    assert await room.guidance(session) == [("keep the second paragraph", False)]
    assert room.door.marks[said.spot.message_id] == {Mark.TAKEN}
    assert len(room.door.whispers) == answers


async def test_colleagues_can_talk_aside(room: Room) -> None:
    """Two strokes keep a message out: not marked, not taken, its words not even stored."""
    session = await room.running()
    await room.say("// lunch?", thread=thread_of(session))
    assert await room.guidance(session) == [("", True)]
    assert room.door.marks == {}


async def test_an_edit_takes_the_old_words_out(room: Room) -> None:
    """The new ones count; two strokes in front take a message out, and taking them away puts it in."""
    session = await room.running()
    thread = thread_of(session)
    said = await room.say("make it longer", thread=thread, message_id="m1")
    edit: dict[str, Any] = {"thread": thread, "message_id": "m1"}
    await room.send(room.request(RequestKind.EDITED, text="make it shorter", **edit))
    assert await room.guidance(session) == [("make it shorter", False)]
    await room.send(room.request(RequestKind.EDITED, text="// make it shorter", **edit))
    assert await room.guidance(session) == [("", True)]
    assert room.door.marks[said.spot.message_id] == set()
    await room.send(room.request(RequestKind.EDITED, text="make it short", **edit))
    assert await room.guidance(session) == [("make it short", False)]
    assert room.door.marks["m1"] == {Mark.TAKEN}


async def test_nobody_edits_what_was_never_taken(room: Room) -> None:
    """A message from before the session, or of somebody else, stays what it was."""
    session = await room.running()
    thread = thread_of(session)
    await room.send(room.request(RequestKind.EDITED, text="hello", thread=thread, message_id="old"))
    assert await room.guidance(session) == [("hello", True)]
    await room.say("make it longer", thread=thread, message_id="m1")
    await room.send(room.request(RequestKind.EDITED, "bob", text="no", thread=thread, message_id="m1"))
    assert (await room.guidance(session))[1:] == [("make it longer", False)]


async def test_a_deleted_message_does_not_count(room: Room) -> None:
    """Deleting takes it out, and its words with it."""
    session = await room.running()
    thread = thread_of(session)
    await room.say("make it longer", thread=thread, message_id="m1")
    await room.send(room.request(RequestKind.DELETED, thread=thread, message_id="m1"))
    assert await room.guidance(session) == [("", True)]


FACTS: list[dict[str, Any]] = [
    {"kind": RequestKind.SAID, "text": "make it longer"},
    {"kind": RequestKind.EDITED, "text": "make it shorter", "revision": "1700.1"},
    {"kind": RequestKind.EDITED, "text": "make it kinder", "revision": "1700.2"},
    {"kind": RequestKind.DELETED},
]


@pytest.mark.parametrize("number", [2, 3, 4], ids=["one edit", "two edits", "deleted"])
async def test_what_becomes_of_a_message_does_not_hang_on_the_order(room: Room, number: int) -> None:
    """A deletion or an edit that overtakes its message is remembered, and every event may come twice."""
    session = await room.running()
    thread = thread_of(session)
    for order, facts in enumerate(permutations(FACTS[:number])):
        for fact in (*facts, facts[0]):
            await room.send(room.request(**fact, thread=thread, message_id=f"m{order}"))
        found = await room.store.read(lambda tx: tx.sessions.list_guidance(session.id))
        [text] = [item.text for item in found if item.id == f"m{order}"]
        assert text == ["make it shorter", "make it kinder", ""][number - 2]
        assert not text or room.door.marks[f"m{order}"] == {Mark.TAKEN}


async def test_a_deletion_while_a_turn_runs_stays(room: Room) -> None:
    """The turn that had read the words does not bring them back when it is written."""
    session = await room.running()
    thread = thread_of(session)
    await room.say("make it longer", thread=thread, message_id="m1")
    await room.say("make it kinder", thread=thread, message_id="m2")
    model, begun = room.harness.model, asyncio.Event()
    assert isinstance(model, ScriptedModel)
    model.gate, script = asyncio.Event(), model.script

    def answer(request: ModelRequest) -> Any:
        begun.set()
        return script(request)

    model.script = answer
    running = asyncio.create_task(room.harness.run(session.id))
    await begun.wait()
    await room.send(room.request(RequestKind.DELETED, thread=thread, message_id="m1"))
    model.gate.set()
    await running
    assert await room.guidance(session) == [("", True), ("make it kinder", False)]


async def test_mute_takes_the_last_directions_out(room: Room) -> None:
    """One's own last ones; an edit does not bring them back."""
    session = await room.running()
    thread = thread_of(session)
    await room.say("first", thread=thread, message_id="m1")
    await room.say("second", thread=thread, message_id="m2")
    await room.say("of somebody else", "bob", thread=thread, message_id="m3")
    await room.mention("mute", thread=thread)
    assert await room.guidance(session) == [("first", False), ("second", True), ("of somebody else", False)]
    assert room.door.marks["m2"] == {Mark.MUTED}
    await room.send(room.request(RequestKind.EDITED, text="second, changed", thread=thread, message_id="m2"))
    assert (await room.guidance(session))[1] == ("second", True)
    await room.mention("mute", thread=thread)
    await room.mention("mute", thread=thread)
    assert "no directions of yours" in room.last.text


@pytest.mark.parametrize(
    "text",
    ["stop using the passive voice", "more examples please, of all kinds", "help the reader along a bit", "shorter"],
    ids=["stop", "more", "help", "plain"],
)
async def test_a_mention_in_prose_is_guidance(room: Room, text: str) -> None:
    """A verb at its start does not make an order of a sentence."""
    session = await room.running()
    await room.mention(text, thread=thread_of(session))
    assert await room.guidance(session) == [(text, False)]
    assert (await room.only()).status is Status.RUNNING


async def test_thread_verbs_work_by_mention(room: Room) -> None:
    """Slash commands do not reach threads, so every verb can be mentioned."""
    session = await room.running()
    await room.mention("pause please", thread=thread_of(session))
    assert (await room.only()).status is Status.PAUSING
    assert await room.guidance(session) == []


async def test_guests_are_not_heard(room: Room) -> None:
    """Nothing of a guest's is taken, and they are not bothered with it; naming the app they are told."""
    session = await room.running()
    room.door.standings["gus"] = Standing("Gus", is_guest=True)
    answers = len(room.door.whispers)
    await room.say("make it pink", "gus", thread=thread_of(session))
    assert len(room.door.whispers) == answers
    await room.mention("make it pink", "gus", thread=thread_of(session))
    assert "Guests may not" in room.last.text
    assert await room.guidance(session) == []
    assert room.door.marks == {}


async def test_after_the_end_there_is_one_question(room: Room) -> None:
    """One a member and end; nothing is taken or spent before somebody says so."""
    session = await room.ended()
    thread = thread_of(session)
    answers = len(room.door.whispers)
    await room.say("// lunch?", thread=thread)
    assert len(room.door.whispers) == answers
    await room.say("make it shorter", thread=thread)
    assert len(room.door.whispers) == answers + 1
    assert "Continue with this?" in room.last.text
    await room.say("and nicer", thread=thread)
    await room.mention("and more so", thread=thread)
    await room.say("nice work", "bob", thread=thread)
    assert len(room.door.whispers) == answers + 1
    assert await room.guidance(session) == []
    assert (await room.only()).status is Status.COMPLETED


async def test_continue_with_this(room: Room) -> None:
    """The button goes on with those words, once."""
    session = await room.ended()
    await room.say("make it shorter", thread=thread_of(session))
    go = room.last.button("go")
    await room.press(go, "bob")
    assert "for somebody else" in room.last.text
    await room.press(go)
    changed = await room.only()
    assert (changed.status, changed.segment) == (Status.QUEUED, session.segment + 1)
    assert await room.guidance(session) == [("make it shorter", False)]
    await room.press(go)
    assert (await room.only()).segment == session.segment + 1


async def test_an_ended_thread_takes_a_new_file_as_a_new_session(room: Room) -> None:
    """A mention with a file asks for work, whatever ended there."""
    session = await room.ended()
    await room.mention("tighten this one too", thread=thread_of(session), files=(REPORT,))
    assert len(await room.sessions()) == 2


async def test_a_thread_that_is_nobodys_is_left_alone(room: Room) -> None:
    """Nothing is stored of what is said there."""
    assert not await room.desk.owns_thread(ThreadRef("fake", "c1", "elsewhere"))
    await room.say("hello", thread="elsewhere")
    session = await room.running()
    assert await room.desk.owns_thread(session.thread)
    assert await room.guidance(session) == []


async def test_steer_by_command_and_by_form(room: Room) -> None:
    """Where plain replies are not read, the command and the button do it."""
    session = await room.running()
    form = await room.desk.form_for(room.request(RequestKind.PRESS, action="steer", target=session.id))
    assert form is not None
    assert form.kept == {"session": session.id}
    await room.command("steer", values={"text": "be brief", **form.kept})
    assert await room.guidance(session) == [("be brief", False)]
    assert "Taken for what comes next" in room.last.text


async def test_a_question_is_answered_with_its_words(room: Room) -> None:
    """The editors read what they asked beside the answer."""
    session = await room.running()
    asked = Round(
        session.id, 0, room.clock.now(), questions=("Who reads this?", "How long?"), finished_at=room.clock.now()
    )
    await room.store.write(lambda tx: tx.sessions.save_round(asked))
    press = room.request(RequestKind.PRESS, action="answer", target=session.id, argument="0:1")
    form = await room.desk.form_for(press)
    assert form is not None
    assert form.intro == "How long?"
    await room.command("steer", values={"text": "Two pages", **form.kept})
    assert await room.guidance(session) == [('You asked: "How long?" The answer: Two pages', False)]
    shown = round_card(await room.harness.snapshot(session.id), 0)
    buttons = [button for row in shown.elements if isinstance(row, Buttons) for button in row.buttons]
    assert [button.argument for button in buttons if button.action == "answer"] == ["0:0"]
    late = room.request(RequestKind.PRESS, action="answer", target=session.id, argument="0:7")
    assert await room.desk.form_for(late) is None


async def test_a_message_counts_once_however_often_it_is_handled(room: Room) -> None:
    """Guidance has the message's id."""
    session = await room.running()
    said = room.request(RequestKind.SAID, text="keep it", thread=thread_of(session), place=Place.THREAD)
    await room.desk.handle(said)
    await room.desk.handle(said)
    assert await room.guidance(session) == [("keep it", False)]
