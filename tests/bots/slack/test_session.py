"""Whole sessions in Slack: real store, ledger and outbox, a scripted model: see also the laws of rooms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bots.slack.chat import SlackChat
from core.workspaces.model import Verbosity
from storage.database import Database
from tests.bots.slack.room import SlackRoom
from tests.bots.slack.rush import RushClock, RushPacer
from tests.bots.slack.stage import Stage, stage
from tests.contracts.chat_room import Room, open_room
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.loopback


@asynccontextmanager
async def _room(store: Database, clock: FakeClock | None = None) -> AsyncIterator[tuple[Room, Stage]]:
    async with stage(clock or FakeClock(), store=store) as on, open_room(store, SlackRoom(on)) as room:
        yield room, on


async def test_a_first_draft_is_not_lost_when_its_message_makes_way(memory_store: Database) -> None:
    """The text that was streamed stands on the first round's card."""
    async with _room(memory_store) as (room, on):
        session = await room.run(upload=None, rounds=2)
        first = on.posts(session.thread)[0].visible_text
        assert "Second paragraph." in first
        assert "First paragraph of the draft." in first


async def test_another_process_goes_on_where_one_died(memory_store: Database) -> None:
    """What the first process alone knew is lost, and nothing that people need with it; nothing stands there twice."""
    async with _room(memory_store) as (room, on):
        session = await room.begin(upload=None, rounds=3)
        assert (await room.harness.runner.step(session.id, session.segment))["next"] == "continue"
        second = on.another()
        room.use(second)
        assert (await room.harness.run(session.id))["next"] == "ended"
        await second.aclose()
        session = await room.harness.service.get(session.id)
        said = [one.visible_text for one in on.posts(session.thread)]
        assert sum("Round 2" in text.split("\n")[0] for text in said) == 1
        assert len(said) == 5, "the message of the first process's draft went away"
        assert "Done" in on.slack.messages(on.slack.general)[0].visible_text


async def test_five_sessions_at_once_meet_no_limit(memory_store: Database) -> None:
    """One budget for all: nobody is told to wait by Slack, and every session says everything that it has to."""
    async with _room(memory_store) as (room, on):
        sessions = [await room.begin(upload=None, rounds=3) for _ in range(5)]
        outcomes = await asyncio.gather(*(room.harness.run(one.id) for one in sessions))
        assert [outcome["next"] for outcome in outcomes] == ["ended"] * 5
        assert dict(on.slack.rates.refused) == {}
        for one in sessions:
            assert await room.unsent(one.id) == 0
        assert len(on.slack.messages(on.slack.general)) == 5


async def test_five_sessions_in_two_processes_meet_no_limit(memory_store: Database) -> None:
    """Two workers share one budget: Slack, which adds up both, tells neither to wait."""
    clock = RushClock()
    async with _room(memory_store, clock) as (room, on):
        chats = [
            SlackChat(
                on.clients,
                files=on.files,
                clock=clock,
                pacer=RushPacer(clock, store=memory_store, rush=clock.rush),
            )
            for _ in range(2)
        ]
        room.use(chats[0])
        other = room.beside(chats[1])
        sessions = [await room.begin(upload=None, rounds=3, verbosity=Verbosity.FULL) for _ in range(5)]
        workers = [room.harness, other, other, room.harness, other]
        outcomes = await asyncio.gather(*(worker.run(one.id) for worker, one in zip(workers, sessions, strict=True)))
        for chat in chats:
            await chat.aclose()
        assert [outcome["next"] for outcome in outcomes] == ["ended"] * 5
        assert dict(on.slack.rates.refused) == {}
        assert [await room.unsent(one.id) for one in sessions] == [0] * 5
