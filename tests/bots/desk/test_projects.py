"""Folders of sessions: who makes and keeps them, what is seen in them, and that nothing crosses."""

from dataclasses import replace
from typing import Any

import pytest

from bots.desk.door import Standing
from bots.desk.requests import RequestKind
from core.workspaces.model import Project
from tests.bots.desk.room import HOME, OTHER, REPORT, Room
from tests.fakes.door import admin


async def made(room: Room, name: str = "Launch", who: str = "ann", workspace_id: str = HOME) -> Project:
    await room.command("project-new", who, values={"name": name}, workspace_id=workspace_id)
    found = await room.store.read(lambda tx: tx.workspaces.list_projects(workspace_id))
    return next(project for project in found if project.name == name)


async def fresh(room: Room, project: Project) -> Project:
    found = await room.store.read(lambda tx: tx.workspaces.find_project(project.id))
    assert found is not None
    return found


async def test_a_session_is_started_in_a_project(room: Room) -> None:
    """The name is enough, whatever its case, or how it begins; the project shows the session and what it cost."""
    project = await made(room, "Spring launch")
    await room.mention("tighten this --project spring --rounds 1", files=(REPORT,))
    session = await room.only()
    assert session.project_id == project.id
    await room.harness.run(session.id)
    await room.command("project-show", "bob", values={"project": "SPRING LAUNCH"})
    assert session.title in room.last.text
    spent, _ = await room.store.read(lambda tx: tx.credits.session_totals(session.id))
    assert spent > 0
    assert "charged for the sessions that you can see" in room.last.text
    await room.press(room.last.button("status"), "bob")
    assert session.title in room.last.text


async def test_names_are_unique_in_a_workspace(room: Room) -> None:
    """Case and spaces do not count, an archived one counts, another workspace's does not."""
    project = await made(room)
    await room.command("project-new", "bob", values={"name": " launch "})
    assert "taken" in room.last.text
    await room.command("project-archive", values={"project": "Launch"})
    await room.command("project-new", "bob", values={"name": "LAUNCH"})
    assert "archived" in room.last.text
    await room.found(OTHER)
    assert (await made(room, workspace_id=OTHER)).id != project.id


@pytest.mark.parametrize("name", ["", "x" * 81, "\u200b", "\n"])
async def test_what_is_no_name_is_refused(room: Room, name: str) -> None:
    """Empty, invisible or longer than 80 characters."""
    await room.command("project-new", values={"name": name})
    assert await room.store.read(lambda tx: tx.workspaces.list_projects(HOME)) == []
    assert "name" in room.last.text


async def test_a_repeat_makes_one(room: Room) -> None:
    """A process that died after making it says the same again."""
    asked = await room.command("project-new", values={"name": "Launch"})
    first = room.last.text
    await room.make_desk().handle(asked)
    assert room.last.text == first
    assert len(await room.store.read(lambda tx: tx.workspaces.list_projects(HOME))) == 1


async def test_makers_and_admins_keep_projects(room: Room) -> None:
    """Others use them, and are told who may change them."""
    project = await made(room)
    for name, values in (("project-rename", {"to": "Mine"}), ("project-archive", {})):
        await room.command(name, "bob", values={"project": "Launch", **values})
        assert "Only whoever made it, and admins" in room.last.text
    assert await fresh(room, project) == project
    room.door.standings["eve"] = admin()
    await room.command("project-rename", "eve", values={"project": "Launch", "to": "launch"})
    assert (await fresh(room, project)).name == "launch"
    await room.command("project-archive", values={"project": "launch"})
    assert (await fresh(room, project)).archived_at is not None
    await room.press(room.last.button("project-unarchive"))
    assert (await fresh(room, project)).archived_at is None


async def test_archived_ones_are_not_offered(room: Room) -> None:
    """Nothing new goes in, by whatever way; its sessions stay and can be read."""
    project = await made(room)
    session = await room.ended()
    await room.command("project-move", values={"project": "Launch", "session": session.id})
    await room.command("project-archive", values={"project": "Launch"})
    actor = room.request(RequestKind.COMMAND).actor
    assert await room.desk.complete(actor, "new", "project", "") == []
    assert await room.desk.complete(actor, "project-unarchive", "project", "la") == [("Launch", "Launch")]
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, command="new"))
    assert form is not None
    assert next(field for field in form.fields if field.name == "project").choices == ()
    await room.command("new", values={"brief": "Write a note", "project": project.id})
    assert "no such project here" in room.last.text
    await room.command("project-move", values={"project": "Launch", "session": session.id})
    assert "no such project here" in room.last.text
    assert [one.project_id for one in await room.sessions()] == [project.id]
    await room.command("project-show", values={"project": "Launch"})
    assert session.title in room.last.text
    assert "Archived on" in room.last.text
    await room.command("project")
    await room.press(room.last.button("project"))
    assert "Launch" in room.last.text


async def test_a_session_moves_in_and_out(room: Room) -> None:
    """This thread's by default; its starter and admins may, nobody else."""
    project = await made(room)
    session = await room.running()
    await room.mention("project move launch", thread=session.thread.thread)
    assert (await room.only()).project_id == project.id
    await room.command("project-move", "bob", values={"out": True, "session": session.id})
    assert "Only whoever started the session" in room.last.text
    assert (await room.only()).project_id == project.id
    await room.command("project-move", values={"out": True, "session": session.id})
    assert (await room.only()).project_id is None
    await room.command("project-move", values={"session": session.id})
    assert "Name the project" in room.last.text


async def test_of_several_sessions_one_is_chosen_first(room: Room) -> None:
    """What was asked is kept until somebody pressed the one."""
    project = await made(room)
    for brief in ("Write one", "Write two"):
        await room.command("new", values={"brief": brief})
    await room.command("project-move", values={"project": "Launch"})
    picks = [button for button in room.last.buttons if button.action == "pick"]
    assert [button.label for button in picks] == ["Move Write two", "Move Write one"]
    await room.press(picks[0])
    assert {one.title: one.project_id for one in await room.sessions()} == {"Write one": None, "Write two": project.id}


async def test_sessions_are_listed_by_project(room: Room) -> None:
    """The filter holds on every page."""
    await made(room)
    for number in range(7):
        await room.command("new", values={"brief": f"Write number {number}", "project": "launch"})
    await room.command("new", values={"brief": "Write elsewhere"})
    await room.command("sessions", values={"project": "launch"})
    assert "elsewhere" not in room.last.text
    await room.press(room.last.button("sessions"))
    assert "Your sessions in Launch" in room.last.text
    assert "number 0" in room.last.text
    assert "elsewhere" not in room.last.text


async def test_nothing_of_another_workspace(room: Room) -> None:
    """Neither by name, nor by id, nor by an old button, nor while typing."""
    project = await made(room)
    session = await room.ended()
    await room.found(OTHER)
    room.door.standings["ann"] = admin()
    there: Any = {"workspace_id": OTHER}
    for command in ("project-show", "project-rename", "project-archive", "project-move", "sessions"):
        for name in (project.id, "Launch"):
            values: Any = {"project": name, "to": "Mine", "session": session.id}
            await room.command(command, values=values, **there)
            assert "no such project here" in room.last.text
    await room.command("new", values={"brief": "Write a note", "project": project.id}, **there)
    assert "no such project here" in room.last.text
    for action in ("project-show", "project-archive", "sessions"):
        await room.send(room.request(RequestKind.PRESS, action=action, target=project.id, argument="0", **there))
        assert "Launch" not in room.last.text
    await room.command("project", **there)
    assert "Launch" not in room.last.text
    other = replace(room.request(RequestKind.COMMAND).actor, workspace_id=OTHER)
    assert await room.desk.complete(other, "new", "project", "") == []
    assert await fresh(room, project) == project
    assert await room.sessions(OTHER) == []


async def test_a_private_session_is_not_seen_in_its_project(room: Room) -> None:
    """Neither its title, nor that there is one, nor what it cost; an admin is nobody else here."""
    await made(room)
    await room.command("new", values={"brief": "Write a secret note", "private": True, "project": "launch"})
    session = await room.only()
    room.door.standings["eve"] = admin()
    for who in ("bob", "eve"):
        for channel in ("c1", session.thread.channel):
            await room.command("project-show", who, values={"project": "launch"}, channel=channel)
            assert "secret" not in room.last.text
            assert "$0.00" in room.last.text
            await room.command("project", who, channel=channel)
            assert "no sessions" in room.last.text
            await room.command("sessions", who, values={"all": True, "project": "launch"}, channel=channel)
            assert "secret" not in room.last.text
            await room.command("project-move", who, values={"out": True, "session": session.id}, channel=channel)
            assert "no such session here" in room.last.text
    assert (await room.only()).project_id is not None
    await room.command("project-show", values={"project": "launch"})
    assert "secret" in room.last.text


async def test_outsiders_see_no_project(room: Room) -> None:
    """Names of projects are the workspace's own."""
    await made(room)
    room.door.standings["oto"] = replace(Standing("Oto"), is_outsider=True)
    for command, values in (("project", {}), ("project-show", {"project": "Launch"}), ("project-new", {"name": "X"})):
        await room.command(command, "oto", values=dict(values))
        assert "Launch" not in room.last.text
        assert "other organisations" in room.last.text


async def test_many_projects_are_paged(room: Room) -> None:
    """By name; every one can be reached."""
    for number in range(12):
        await made(room, f"Project {number:02}")
    await room.command("project")
    seen = room.last.text
    for page in ("1", "2"):
        await room.press(room.last.button("project", f"open:{page}"))
        seen += room.last.text
    assert all(f"Project {number:02}" in seen for number in range(12))
