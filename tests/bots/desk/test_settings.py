"""Settings, the set-up, the home page and what is said on arrival and departure."""

from typing import TYPE_CHECKING, Any

import pytest

from bots.commands import Place
from bots.desk.door import Standing
from bots.desk.requests import Actor, RequestKind
from bots.views.elements import Button
from core.errors import TransientError
from core.sessions.model import Status
from core.workspaces.model import Workspace
from storage.database import Database
from tests.bots.desk.room import HOME, REPORT, Room
from tests.fakes.clock import FakeClock
from tests.fakes.door import admin

if TYPE_CHECKING:
    from bots.parsing import Value


async def settings_of(room: Room) -> Workspace:
    found = await room.store.read(lambda tx: tx.workspaces.find(HOME))
    assert found is not None
    return found


async def test_everybody_sets_their_own_limit(room: Room) -> None:
    """Nobody else's, and nothing of the workspace's."""
    await room.command("settings", values={"my-no-ask": 50})
    member = await room.store.read(lambda tx: tx.workspaces.find_member(f"{HOME}/ann"))
    assert member is not None
    assert member.preferences.no_ask_microcredits == 50_000_000
    assert "up to 50 credits" in room.last.text
    await room.command("settings", values={"rounds": 5})
    assert "Only admins" in room.last.text
    assert (await settings_of(room)).settings.rounds == 3


async def test_admins_set_everybodys(room: Room) -> None:
    """By typed options; names are checked before they are kept, and it is written who did it."""
    room.door.standings["eve"] = admin()
    values: dict[str, Value] = {
        "rounds": 5,
        "team": "quick",
        "consent": "no",
        "guests": "yes",
        "allowance": 200,
        "budget": 0,
        "show": "full",
    }
    await room.command("settings", "eve", values=values)
    settings = (await settings_of(room)).settings
    assert (settings.rounds, settings.cast, settings.asks_consent, settings.guests_may_start) == (
        5,
        "quick",
        False,
        True,
    )
    assert (settings.member_cap_microcredits, settings.monthly_cap_microcredits) == (200_000_000, None)
    assert settings.verbosity.value == "full"
    wrong: list[dict[str, Value]] = [{"model": "no-such"}, {"team": "no-such"}, {"good-enough": 11}]
    for bad in wrong:
        await room.command("settings", "eve", values=bad)
        assert (await settings_of(room)).settings == settings
    entries = await room.store.read(lambda tx: tx.audit.list_entries(workspace_id=HOME))
    assert [entry.actor for entry in entries if entry.action == "settings_changed"] == [f"{HOME}/eve"]


@pytest.mark.parametrize("group", ["people", "defaults", "limits", "setup"])
async def test_forms_hold_what_is_set_and_save_it(room: Room, group: str) -> None:
    """Five fields at most, as Discord's modals; saved unchanged they change nothing; only admins get them."""
    room.door.standings["eve"] = admin()
    press: dict[str, Any] = {"action": "settings", "argument": group}
    assert await room.desk.form_for(room.request(RequestKind.PRESS, **press)) is None
    form = await room.desk.form_for(room.request(RequestKind.PRESS, "eve", **press))
    assert form is not None
    assert len(form.fields) <= 5
    assert all(len(field.label) <= 45 for field in form.fields)
    before = (await settings_of(room)).settings
    await room.command("settings", "eve", values={**{field.name: field.value for field in form.fields}, **form.kept})
    after = (await settings_of(room)).settings
    assert after.is_set_up
    for name in before.__slots__:
        if name != "is_set_up":
            assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize("group", ["people", "limits"])
async def test_a_form_saves_what_its_reader_changed_and_nothing_else(room: Room, group: str) -> None:
    """Two admins open one form; each changes one field. Who saves later does not put the other's back to what it was."""
    changes: dict[str, list[tuple[str, Value, str, Any]]] = {
        "people": [("guests", "yes", "guests_may_start", True), ("start-channels", "c1", "start_channels", ("c1",))],
        "limits": [("allowance", "50", "member_cap_microcredits", 50_000_000), ("language", "de", "language", "de")],
    }
    opened = []
    for name in ("eve", "zoe"):
        room.door.standings[name] = admin()
        form = await room.desk.form_for(room.request(RequestKind.PRESS, name, action="settings", argument=group))
        assert form is not None
        values: dict[str, Value] = {field.name: field.value for field in form.fields}
        opened.append((name, {**values, **form.kept}))
    for (name, values), (option, value, _, _) in zip(opened, changes[group], strict=True):
        await room.command("settings", name, values={**values, option: value})
    after = (await settings_of(room)).settings
    for _, _, field, expected in changes[group]:
        assert getattr(after, field) == expected


async def test_lists_are_set_and_emptied_by_the_form(room: Room) -> None:
    """Channels and roles are chosen; none means all again."""
    room.door.standings["eve"] = admin()
    await room.command("settings", "eve", values={"form": "people", "start-channels": "c1,c2", "start-roles": "r1"})
    settings = (await settings_of(room)).settings
    assert (settings.start_channels, settings.start_roles) == (("c1", "c2"), ("r1",))
    await room.mention("tighten this", files=(REPORT,))
    assert "Your roles may not" in room.last.text
    room.door.standings["ann"] = Standing("Ann", roles=("r1",))
    await room.mention("tighten this", files=(REPORT,), channel="c9")
    assert "Sessions may not be started in this channel" in room.last.text
    await room.mention("tighten this", files=(REPORT,))
    assert len(await room.sessions()) == 1
    await room.command("settings", "eve", values={"form": "people"})
    settings = (await settings_of(room)).settings
    assert (settings.start_channels, settings.start_roles) == ((), ())


async def set_up_room(store: Database) -> Room:
    room = Room(store, FakeClock(auto=True), asks_setup=frozenset({"fake"}))
    await room.found()
    room.door.standings["eve"] = admin()
    return room


async def test_until_an_admin_looked_only_admins_may_start(memory_store: Database) -> None:
    """The first admin is shown the settings privately; their request waits, and goes on as it was."""
    room = await set_up_room(memory_store)
    await room.mention("tighten this", files=(REPORT,))
    assert "Nobody has set Atelier up here yet" in room.last.text
    await room.mention("tighten this", "eve", files=(REPORT,))
    assert "Set up Atelier" in room.last.text
    assert await room.sessions() == []
    use = room.last.button("use_settings")
    await room.press(use, "ann")
    assert "Only admins" in room.last.text
    await room.press(use, "eve")
    assert (await settings_of(room)).settings.is_set_up
    assert (await room.only()).member_id == f"{HOME}/eve"
    await room.mention("tighten this", files=(REPORT,))
    assert len(await room.sessions()) == 2


async def test_the_set_up_form_releases_what_waited(memory_store: Database) -> None:
    """Changing something is as good as leaving all as it is."""
    room = await set_up_room(memory_store)
    await room.mention("tighten this", "eve", files=(REPORT,))
    change = room.last.button("settings")
    pressed = room.request(RequestKind.PRESS, "eve", action="settings", target=change.target, argument=change.argument)
    form = await room.desk.form_for(pressed)
    assert form is not None
    await room.command("settings", "eve", values={"guests": "yes", **form.kept})
    assert (await settings_of(room)).settings.guests_may_start
    assert len(await room.sessions()) == 1


async def test_an_empty_new_of_the_first_admin_opens_the_set_up(memory_store: Database) -> None:
    """A modal is the answer to a modal."""
    room = await set_up_room(memory_store)
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, "eve", command="new"))
    assert form is not None
    assert form.command == "settings"
    await room.command("settings", "eve", values={"allowance": "50", **form.kept})
    assert (await settings_of(room)).settings.member_cap_microcredits == 50_000_000
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, "eve", command="new"))
    assert form is not None
    assert form.command == "new"


async def test_a_press_at_home_shows_home_anew(room: Room) -> None:
    """What came of it is seen at once; where the page cannot be shown, what was done is done all the same."""
    await room.press(Button("sample", "Run free sample", "sample"), channel="home", place=Place.DIRECT)
    session = await room.only()
    assert session.status is Status.QUEUED
    (page,) = room.door.homes
    assert page.to == "ann"
    assert session.title in page.text
    room.door.home_faults = [TransientError("later")]
    await room.press(Button("stop", "Stop session", session.id), channel="home", place=Place.DIRECT)
    assert len(room.door.homes) == 1
    assert (await room.only()).status is not Status.QUEUED
    await room.press(Button("status", "Show it", session.id), channel="general", place=Place.CHANNEL)
    assert len(room.door.homes) == 1, "a press anywhere else changes no page"


async def test_home_shows_what_is_mine(room: Room) -> None:
    """Sessions, balance and what can be done; the same as a command and as the platform's own page."""
    session = await room.running()
    view = await room.desk.home(Actor(HOME, "ann"))
    await room.command("home")
    assert room.last.view == view
    assert "report.md" in room.last.text
    assert "Balance" in room.last.text
    assert {"new", "sample", "settings", "help", "status"} <= {button.action for button in room.last.buttons}
    assert room.last.button("status").target == session.id
    await room.command("home", "bob")
    assert "There are none yet" in room.last.text


async def test_without_a_shop_amounts_are_dollars(memory_store: Database) -> None:
    """No balance, no credits to buy."""
    room = Room(memory_store, FakeClock(auto=True), checks_balance=False)
    await room.found(grant=0)
    await room.mention("tighten this", files=(REPORT,))
    assert "$" in room.last.text
    assert "Balance" not in room.last.text
    assert (await room.only()).status is Status.QUEUED


async def test_without_a_shop_amounts_are_written_in_dollars(memory_store: Database) -> None:
    """What people type, and what a form holds, is in the unit that they see; underneath the ledger keeps credits."""
    room = Room(memory_store, FakeClock(auto=True), checks_balance=False)
    room.door.standings["eve"] = admin()
    await room.found(grant=0)
    await room.mention("tighten this --cap 0.50", "eve", files=(REPORT,))
    assert (await room.only()).cap_microcredits == 50_000_000
    await room.command("settings", "eve", values={"allowance": 5, "budget": "$20", "my-no-ask": 1})
    assert "$5.00" in room.last.text
    settings = (await settings_of(room)).settings
    assert (settings.member_cap_microcredits, settings.monthly_cap_microcredits) == (500_000_000, 2_000_000_000)
    form = await room.desk.form_for(room.request(RequestKind.PRESS, "eve", action="settings", argument="limits"))
    assert form is not None
    assert {field.name: field.value for field in form.fields if field.name in {"allowance", "budget"}} == {
        "allowance": "5",
        "budget": "20",
    }
    assert not [field.label for field in form.fields if "credit" in field.label.lower()]
    await room.command("settings", "eve", values={**{field.name: field.value for field in form.fields}, **form.kept})
    assert (await settings_of(room)).settings == settings


async def test_whoever_installs_is_told_once(room: Room) -> None:
    """One message with three things to try; a repeat says nothing; a new installation does."""
    workspace = Workspace("fake:w9", "fake", "Nine", room.clock.now())
    installer = Actor("fake:w9", "ann")
    await room.desk.installed(workspace, installer)
    await room.desk.installed(workspace, installer)
    assert len(room.door.told) == 1
    assert {"sample", "settings", "help"} <= {button.action for button in room.door.told[0].buttons}
    assert "can be wrong" in room.door.told[0].text
    await room.desk.removed("fake:w9")
    await room.desk.installed(workspace, installer)
    assert len(room.door.told) == 2


async def test_a_workspace_that_leaves_stops_and_keeps_its_ledger(room: Room) -> None:
    """Sessions are told to stop, entries stay, and what arrives afterwards does nothing."""
    session = await room.running()
    await room.desk.removed(HOME)
    stopped = await room.harness.service.get(session.id)
    assert stopped.desired.value == "stop"
    assert (await settings_of(room)).removed_at is not None
    assert await room.desk.tools.balance(HOME) > 0
    answers = len(room.door.whispers)
    await room.mention("tighten this", files=(REPORT,))
    await room.press(Button("resume", "Resume session", session.id))
    assert len(room.door.whispers) == answers
    assert len(await room.sessions()) == 1


async def test_who_waits_for_an_answer_hears_that_none_comes(room: Room) -> None:
    """A fault of ours is said, not swallowed."""
    room.door.faults = [ValueError("a fault")]
    await room.command("help")
    assert "went wrong on our side" in room.last.text


async def test_what_may_be_meant_is_offered(room: Room) -> None:
    """At most 25: sessions that fit the verb, models, teams, commands."""
    session = await room.running()
    actor = Actor(HOME, "ann")
    assert await room.desk.complete(actor, "pause", "session", "rep") == [(session.id, "report.md: working")]
    assert await room.desk.complete(actor, "more", "session", "") == []
    assert await room.desk.complete(Actor(HOME, "bob"), "pause", "session", "") == []
    assert [value for value, _ in await room.desk.complete(actor, "new", "team", "qu")] == ["quick"]
    assert ("new", "new: Start a session from a brief or a file") in await room.desk.complete(
        actor, "help", "command", "new"
    )
    assert len(await room.desk.complete(actor, "help", "command", "")) <= 25
    editors = await room.desk.complete(actor, "new", "editors", "")
    assert editors[:2] == [("1", "1 editor: Content editor"), ("2", "2 editors: Content editor, Style editor")]
    assert all(len(label) <= 100 for _, label in editors)
    checked = await room.desk.complete(actor, "new", "editors", "fact")
    assert checked[0] == ("3", "3 editors: Content editor, Style editor, Fact checker")
    technical = await room.desk.complete(actor, "new", "editors", "2", given={"team": "technical"})
    assert technical[0] == ("2", "2 editors: Accuracy editor, Reader's advocate")
    assert await room.desk.complete(actor, "nothing", "at all", "") == []
