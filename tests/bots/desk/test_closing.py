"""A channel that is closed to the app: its sessions wait, and their starters know, once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bots.desk.closing import Closing, Pausing, Telling
from bots.desk.departing import is_left_behind, mark_left, stop_all
from bots.desk.inbox import Inbox
from bots.desk.requests import Request
from bots.discord.door import DiscordDoor
from bots.slack.door import SlackDoor
from bots.views.elements import View
from core.errors import TransientError
from core.sessions.model import Desired, Session, Status, ThreadRef
from core.sessions.ports import AuditEntry
from core.sessions.service import SessionService
from core.workspaces.model import Member, Workspace
from storage.database import Database
from tests.bots.views.samples import SESSION
from tests.core.orchestration.harness import Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHY = "Its channel was archived."
_PAUSING: type[Pausing] = SessionService  # mypy: the service and the doors are what `Closing` asks for
_TELLING: Sequence[type[Telling]] = (SlackDoor, DiscordDoor)


@dataclass
class Phone:
    """Tells people, and remembers it.

    Attributes:
        away: How often Slack is, before somebody is told.
    """

    told: list[tuple[str, str]] = field(default_factory=list)
    away: int = 0

    async def tell_once(self, member_id: str, view: View, *, key: str) -> bool:
        assert key
        if self.away:
            self.away -= 1
            raise TransientError("away")
        self.told.append((member_id, view.fallback))
        return True


class Process:
    """One process of ours: it shares with others nothing but the database and the people that it tells."""

    def __init__(self, store: Database, clock: FakeClock, phone: Phone) -> None:
        self.sessions = Harness(store, clock, ScriptedModel(helpful({}))).service
        self.inbox = Inbox(store=store, handle=self._handle, clock=clock)
        self.closing = Closing("slack", store=store, sessions=self.sessions, door=phone, inbox=self.inbox)

    async def _handle(self, request: Request) -> None:
        await self.closing.happenings[request.action](request)

    async def close(self) -> int:
        """Hear that the channel is closed, and do all that it sets off."""
        paused = await self.closing.pause_in("C1", workspace_id="slack:T1", why=WHY)
        await self.inbox.drain()
        return paused


def session(name: str, workspace: str, channel: str, status: Status = Status.RUNNING) -> Session:
    thread = ThreadRef("slack", f"T1/{channel}", "1.1")
    changes: dict[str, Any] = {"workspace_id": workspace, "member_id": f"{workspace}/U1", "project_id": None}
    return replace(SESSION, id=f"s_{name}", title=name, thread=thread, status=status, **changes)


async def furnish(store: Database) -> None:
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

    await store.write(save)


async def standing(store: Database) -> dict[str, Status]:
    found = await store.read(lambda tx: tx.sessions.list_sessions(limit=100))
    return {one.title: one.status for one in found}


TOLD = [("slack:T1/U1", "here is paused. Its channel was archived.")]


async def test_what_runs_there_waits_and_its_starter_knows(memory_store: Database) -> None:
    """Neither other channels nor other workspaces are touched, nor who waits already."""
    await furnish(memory_store)
    phone = Phone()
    process = Process(memory_store, FakeClock(auto=True), phone)
    assert (await process.close(), phone.told) == (1, TOLD)
    assert await standing(memory_store) == {
        "here": Status.PAUSING,
        "elsewhere": Status.RUNNING,
        "waits": Status.PAUSED,
        "over": Status.COMPLETED,
        "theirs": Status.RUNNING,
    }
    assert (await process.close(), phone.told) == (0, TOLD)


async def test_many_who_find_out_at_once_tell_once(store: Database) -> None:
    """Of several processes that hear of one channel at one moment, one pauses its session and one tells of it."""
    await furnish(store)
    phone, clock = Phone(), FakeClock(auto=True)
    processes = [Process(store, clock, phone) for _ in range(6)]
    paused = await asyncio.gather(*(one.close() for one in processes))
    await asyncio.gather(*(one.inbox.sweep() for one in processes))
    assert (sum(paused), phone.told) == (1, TOLD)


async def test_who_went_on_and_is_paused_again_is_told_again(memory_store: Database) -> None:
    """Each pause has its own notice."""
    await furnish(memory_store)
    phone = Phone()
    process = Process(memory_store, FakeClock(auto=True), phone)
    await process.close()
    await process.sessions.resume("s_here", actor="test")
    assert (await process.close(), phone.told) == (1, TOLD * 2)


async def test_a_session_that_ends_first_is_no_error(memory_store: Database) -> None:
    """It is told of by its result."""
    await furnish(memory_store)
    phone = Phone()
    process = Process(memory_store, FakeClock(auto=True), phone)
    running = await memory_store.read(lambda tx: tx.sessions.find("s_here"))
    assert running is not None
    await memory_store.write(lambda tx: tx.sessions.save(replace(running, status=Status.COMPLETED)))
    assert not await process.closing.pause(running, why=WHY)
    await process.inbox.drain()
    assert phone.told == []


@pytest.mark.parametrize("is_resumed", [False, True], ids=["still paused", "resumed"])
async def test_who_cannot_be_told_now_is_told_later_by_whoever_comes_next(
    memory_store: Database, *, is_resumed: bool
) -> None:
    """The pause stands; its notice comes when Slack does, unless somebody let the session go on meanwhile."""
    await furnish(memory_store)
    phone, clock = Phone(away=1), FakeClock(auto=True)
    assert await Process(memory_store, clock, phone).close() == 1
    assert phone.told == []
    other = Process(memory_store, clock, phone)
    if is_resumed:
        await other.sessions.resume("s_here", actor="test")
    clock.move(60)
    await other.inbox.sweep()
    assert phone.told == ([] if is_resumed else TOLD)
    found = await memory_store.read(lambda tx: tx.sessions.find("s_here"))
    assert found is not None
    assert found.desired is (Desired.RUN if is_resumed else Desired.PAUSE)


@pytest.mark.parametrize("comes_back", [False, True], ids=["away", "back"])
async def test_who_removed_the_app_hears_nothing_of_a_pause(memory_store: Database, *, comes_back: bool) -> None:
    """The departure stops the session; that its channel was found closed in the same moment is told to nobody."""
    await furnish(memory_store)
    phone, clock = Phone(away=1), FakeClock(auto=True)
    process = Process(memory_store, clock, phone)
    await process.close()
    await memory_store.write(lambda tx: mark_left(tx, "slack:T1", at=clock.now()))
    if comes_back:
        await stop_all(process.sessions, ["s_here"])
        await memory_store.write(lambda tx: _return(tx, "slack:T1"))
    clock.move(60)
    await process.inbox.sweep()
    assert phone.told == []


async def test_a_session_that_was_told_to_stop_is_not_paused(memory_store: Database) -> None:
    """Who finds its place closed while it stops keeps it from nothing."""
    await furnish(memory_store)
    phone = Phone()
    process = Process(memory_store, FakeClock(auto=True), phone)
    await stop_all(process.sessions, ["s_here"])
    assert (await process.close(), phone.told) == (0, [])
    found = await memory_store.read(lambda tx: tx.sessions.find("s_here"))
    assert found is not None
    assert found.desired is Desired.STOP


async def test_a_stop_is_of_a_departure_only_while_the_app_is_away(memory_store: Database) -> None:
    """Who comes back and stops a session is told of it as ever; what the departure stopped stays untold."""
    await furnish(memory_store)
    clock = FakeClock()
    process = Process(memory_store, clock, Phone())

    async def is_untold(session_id: str) -> bool:
        def read(tx: Any) -> bool:
            found = replace(tx.sessions.find(session_id), status=Status.STOPPED)
            return is_left_behind(tx, found)

        return await memory_store.read(read)

    await memory_store.write(lambda tx: mark_left(tx, "slack:T1", at=clock.now()))
    clock.move(1)
    await stop_all(process.sessions, ["s_here"])
    assert await is_untold("s_here")
    clock.move(1)
    await memory_store.write(lambda tx: _return(tx, "slack:T1", at=clock.now()))
    clock.move(1)
    await stop_all(process.sessions, ["s_elsewhere"])
    assert [await is_untold(one) for one in ("s_here", "s_elsewhere", "s_theirs")] == [True, False, False]


def _return(tx: Any, workspace_id: str, *, at: datetime = NOW) -> None:
    tx.workspaces.save(replace(tx.workspaces.find(workspace_id), removed_at=None))
    tx.audit.add(AuditEntry(at, "system", "app_installed", workspace_id, workspace_id))
