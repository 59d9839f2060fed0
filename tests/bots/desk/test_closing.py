"""A channel that is closed to the app: its sessions wait, and their starters know."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bots.desk.closing import Pausing, Telling, pause_in
from bots.slack.door import SlackDoor
from bots.views.elements import View
from core.errors import TransientError
from core.sessions.errors import NotPossibleNow
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.service import SessionService
from core.workspaces.model import Member, Workspace
from storage.database import Database
from tests.bots.views.samples import SESSION

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PAUSING: type[Pausing] = SessionService  # mypy: the service and the door are what `pause_in` asks for
_TELLING: type[Telling] = SlackDoor


@dataclass
class Room:
    """Pauses and tells, and remembers it.

    Attributes:
        ends: The session that ends before it can be paused.
        is_away: Whether Slack is, when somebody is to be told.
    """

    paused: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    ends: str = ""
    is_away: bool = False

    async def pause(self, session_id: str, *, actor: str) -> Session:
        if session_id == self.ends:
            raise NotPossibleNow("pause", Status.COMPLETED)
        self.paused.append(session_id)
        return SESSION

    async def tell(self, member_id: str, view: View) -> bool:
        if self.is_away:
            raise TransientError("away")
        self.told.append((member_id, view.fallback))
        return True


def session(name: str, workspace: str, channel: str, status: Status = Status.RUNNING) -> Session:
    thread = ThreadRef("slack", f"T1/{channel}", "1.1")
    changes: dict[str, Any] = {"workspace_id": workspace, "member_id": f"{workspace}/U1", "project_id": None}
    return replace(SESSION, id=f"s_{name}", title=name, thread=thread, status=status, **changes)


@pytest.fixture
async def store(memory_store: Database) -> Database:
    """Two workspaces with sessions in two channels."""
    rows = [
        session("here", "slack:T1", "C1"),
        session("elsewhere", "slack:T1", "C2"),
        session("waits", "slack:T1", "C1", Status.PAUSED),
        session("over", "slack:T1", "C1", Status.COMPLETED),
        session("theirs", "slack:T2", "C1"),
    ]

    def save(tx: Any) -> None:
        for workspace in ("slack:T1", "slack:T2"):
            tx.workspaces.save(Workspace(workspace, "slack", workspace, NOW))
            tx.workspaces.save_member(Member(f"{workspace}/U1", workspace, "U1", "Someone", NOW))
        for row in rows:
            tx.sessions.add(row)

    await memory_store.write(save)
    return memory_store


async def close(store: Database, room: Room) -> int:
    return await pause_in(
        "C1", workspace_id="slack:T1", why="Its channel was archived.", store=store, sessions=room, door=room
    )


async def test_what_runs_there_waits_and_its_starter_knows(store: Database) -> None:
    """Neither other channels nor other workspaces are touched, nor who waits already."""
    room = Room()
    assert await close(store, room) == 1
    assert (room.paused, room.told) == (["s_here"], [("slack:T1/U1", "here is paused. Its channel was archived.")])


@pytest.mark.parametrize(("room", "paused"), [(Room(ends="s_here"), 0), (Room(is_away=True), 1)], ids=["over", "away"])
async def test_nothing_of_it_fails_the_event(store: Database, room: Room, paused: int) -> None:
    """A session that just ended is no error, and one that was paused stays so where nobody can be told."""
    assert (await close(store, room), room.told) == (paused, [])
