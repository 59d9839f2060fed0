"""What people do to sessions: who may, twice pressed, and the card afterwards."""

import re
from dataclasses import replace

import pytest

from bots.desk.requests import RequestKind
from bots.views.elements import Button
from bots.views.plain import plain_text
from bots.views.session_card import session_card
from core.sessions.model import Session, Status
from core.sessions.ports import OutboxState
from tests.bots.desk.room import CHANNEL, HOME, OTHER, REPORT, Room
from tests.fakes.door import admin


async def fresh(room: Room, session: Session) -> Session:
    return await room.harness.service.get(session.id)


async def card_edits(room: Room) -> int:
    return sum(call.verb == "edit" for call in room.harness.chat.calls)


async def test_pressed_twice_is_answered_twice_and_done_once(room: Room) -> None:
    """Pause, resume and stop may be repeated; each press is told where it stands."""
    session = await room.running()
    for action, status in (("pause", Status.PAUSING), ("resume", Status.RUNNING), ("stop", Status.RUNNING)):
        before = len(room.door.whispers)
        await room.press(Button(action, "Press", session.id))
        await room.press(Button(action, "Press", session.id))
        assert len(room.door.whispers) == before + 2
        assert (await fresh(room, session)).status is status
    stopped = await fresh(room, session)
    assert stopped.segment == session.segment + 1
    assert room.harness.engine.cancelled == [(session.id, session.segment)]


async def test_the_card_is_current_after_a_verb(room: Room) -> None:
    """Whoever looks at the channel sees what was done."""
    session = await room.running()
    before = await card_edits(room)
    await room.press(Button("pause", "Pause session", session.id))
    assert await card_edits(room) == before + 1
    rows = await room.store.read(lambda tx: tx.outbox.list_session(session.id))
    assert {row.state for row in rows} == {OutboxState.SENT}


async def test_only_the_starter_and_admins_control(room: Room) -> None:
    """Others are refused in words; an admin need not be in the channel."""
    session = await room.running()
    for action in ("pause", "stop", "delete", "rename", "star"):
        await room.press(Button(action, "Press", session.id), "bob")
        assert "Only whoever started the session, and admins" in room.last.text or "needs title" in room.last.text
    assert await fresh(room, session) == session
    room.door.standings["eve"] = admin()
    await room.press(Button("pause", "Pause session", session.id), "eve", channel="elsewhere")
    assert (await fresh(room, session)).status is Status.PAUSING


async def test_one_more_round_is_run_once_a_press(room: Room) -> None:
    """A repeat of the same press after a crash adds nothing; a second press is told that it works."""
    session = await room.ended()
    press = await room.press(Button("more", "Run one more round", session.id))
    await room.make_desk().handle(press)
    await room.press(Button("more", "Run one more round", session.id))
    extended = await fresh(room, session)
    assert (extended.status, extended.segment, extended.min_rounds) == (Status.QUEUED, 2, 2)
    assert "starts in a moment" in room.last.text


async def test_a_verb_that_does_not_fit_is_explained(room: Room) -> None:
    """What may be done instead is said."""
    session = await room.running()
    await room.press(Button("more", "Run one more round", session.id))
    await room.press(Button("retry", "Retry session", session.id))
    await room.command("delete", values={"session": session.id})
    assert "cannot be deleted" in room.last.text


async def test_delete_asks_once(room: Room) -> None:
    """The question, then the deed; the ledger stays."""
    session = await room.ended()
    await room.command("delete", values={"session": session.id})
    assert len(await room.sessions()) == 1
    confirm = room.last.button("delete")
    await room.press(confirm)
    assert await room.sessions() == []
    assert "its receipt stays" in room.last.text
    await room.press(confirm)
    assert "deleted" in room.last.text
    totals = await room.store.read(lambda tx: tx.credits.session_totals(session.id))
    assert totals[0] > 0


async def test_rename_and_star(room: Room) -> None:
    """The card has the new title; a star is given and taken."""
    session = await room.running()
    await room.command("rename", values={"title": "Launch  note", "session": session.id})
    assert (await fresh(room, session)).title == "Launch note"
    star = await room.command("star", values={"session": session.id})
    assert (await fresh(room, session)).starred
    await room.make_desk().handle(star)
    assert (await fresh(room, session)).starred
    await room.command("star", values={"session": session.id})
    assert not (await fresh(room, session)).starred


async def test_going_on_names_its_price_before_it_is_pressed(room: Room) -> None:
    """On the card, on the result, in the form and in the question; a session of another workspace has no price here."""
    session = await room.ended()
    price = await room.desk.tools.next_price(session)
    assert re.fullmatch(r"One more round costs .*credits \(\$.*\)\.", price)
    shown = plain_text(session_card(await room.desk.tools.snapshot(session.id)))
    assert price.removeprefix("One more round costs ").removesuffix(".") in shown
    press = room.request(RequestKind.PRESS, action="continue", target=session.id)
    form = await room.desk.form_for(press)
    assert form is not None
    assert form.intro == price
    await room.say("and shorter", thread=session.thread.thread)
    assert price in room.last.text
    await room.command("more")
    assert f"- {session.title}: one more round costs" in room.last.text
    assert room.last.button("pick", session.id).target
    await room.found(OTHER)
    stranger = room.request(RequestKind.PRESS, action="continue", target=session.id, workspace_id=OTHER)
    form = await room.desk.form_for(stranger)
    assert form is not None
    assert form.intro == ""
    await room.change(session, model="gone-5")
    assert await room.desk.tools.next_price(await room.only()) == ""


async def test_continue_by_form(room: Room) -> None:
    """The button asks what to do next and goes on with that."""
    session = await room.ended()
    button = Button("continue", "Continue with guidance", session.id)
    form = await room.desk.form_for(room.request(RequestKind.PRESS, action="continue", target=session.id))
    assert form is not None
    await room.command("continue", values={"text": "shorter", **form.kept})
    assert (await fresh(room, session)).status is Status.QUEUED
    assert await room.guidance(session) == [("shorter", False)]
    assert button.action == form.command


async def test_a_session_of_another_workspace_is_never_found(room: Room) -> None:
    """By id, by title, by thread, by press, by a member with the same name, or by an admin there."""
    session = await room.running()
    await room.found(OTHER, grant=0)
    room.door.standings["ann"] = admin()
    there = {"workspace_id": OTHER, "channel": CHANNEL}
    for name in ("status", "pause", "stop", "files", "star", "delete"):
        for wanted in (session.id, session.title, ""):
            await room.command(name, values={"session": wanted}, **there)
            assert "no such session here" in room.last.text
            await room.command(name, values={"session": wanted}, thread=session.thread.thread, **there)
            assert "no such session here" in room.last.text
    for action in ("comments", "exchange", "share", "steer", "more", "answer"):
        await room.press(Button(action, "Press", session.id), **there)
        assert session.title not in room.last.text
    await room.say("make it mine", thread=session.thread.thread, **there)
    await room.mention("make it mine", thread=session.thread.thread, **there)
    assert await room.guidance(session) == []
    await room.command("sessions", values={"all": True}, **there)
    assert session.title not in room.last.text
    found = await room.desk.complete(room.request(RequestKind.COMMAND).actor, "status", "session", "")
    assert [value for value, _ in found] == [session.id]
    other = replace(room.request(RequestKind.COMMAND).actor, workspace_id=OTHER)
    assert await room.desk.complete(other, "status", "session", "") == []
    assert await fresh(room, session) == session


async def test_a_held_request_of_another_workspace_is_never_found(room: Room) -> None:
    """Ids of requests do not cross either."""
    room.door.closed = {CHANNEL}
    await room.mention("tighten this", files=(REPORT,))
    again = room.last.button("again")
    await room.found(OTHER)
    room.door.closed = set()
    await room.press(again, workspace_id=OTHER)
    assert await room.sessions(None) == []


async def test_a_private_session_is_its_starters_alone(room: Room) -> None:
    """Nobody reads it, wherever they ask; an admin may stop what costs."""
    await room.command("new", values={"brief": "Write a secret note", "private": True})
    session = await room.only()
    room.door.standings["eve"] = admin()
    for who in ("bob", "eve"):
        for channel in (CHANNEL, "dm-ann"):
            await room.command("status", who, values={"session": session.id}, channel=channel)
            assert "no such session here" in room.last.text
            await room.press(Button("comments", "Show all comments", session.id), who, channel=channel)
            assert "no such session here" in room.last.text
    await room.command("sessions", "bob", values={"all": True})
    assert "secret" not in room.last.text
    await room.command("stop", "eve", values={"session": session.id})
    assert (await fresh(room, session)).status is Status.STOPPED


async def test_a_blocked_member_can_do_nothing(room: Room) -> None:
    """Neither start nor control, not even what is theirs."""
    session = await room.running()
    member = await room.store.read(lambda tx: tx.workspaces.find_member(f"{HOME}/ann"))
    assert member is not None
    await room.store.write(lambda tx: tx.workspaces.save_member(replace(member, is_blocked=True)))
    await room.press(Button("pause", "Pause session", session.id))
    assert "blocked" in room.last.text
    await room.mention("tighten this", files=(REPORT,))
    assert "blocked" in room.last.text
    await room.say("make it mine", thread=session.thread.thread)
    assert await room.guidance(session) == []
    assert len(await room.sessions()) == 1


@pytest.mark.parametrize("action", ["no-such-thing", "pick", "choose", "again", "allow", "go", "use_settings"])
async def test_an_old_button_is_answered(room: Room, action: str) -> None:
    """Whatever a button was for, who presses it hears something."""
    await room.press(Button(action, "Press", "q_gone", "s_gone"))
    assert room.last.text
