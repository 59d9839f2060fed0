"""Whole sessions in Discord: real store, ledger and outbox, a scripted model: see also the laws of rooms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from bots.discord import limits
from bots.discord.marks import read_mark
from storage.database import Database
from tests.bots.discord.room import DiscordRoom
from tests.bots.discord.stage import CREATE, EDIT, Stage, stage
from tests.contracts.chat_room import Room, open_room
from tests.fakes.clock import FakeClock
from tests.fakes.discord.mentions import shown_text

pytestmark = pytest.mark.loopback


@asynccontextmanager
async def _room(store: Database, *, pause_seconds: float = 4.0) -> AsyncIterator[tuple[Room, Stage]]:
    async with stage(FakeClock()) as on, open_room(store, DiscordRoom(on), pause_seconds=pause_seconds) as room:
        yield room, on


async def test_a_first_draft_grows_and_stays_on_the_first_rounds_card(memory_store: Database) -> None:
    """People see it while it is written, at most every two seconds, and find it there afterwards."""
    async with _room(memory_store) as (room, on):
        session = await room.run(upload=None, rounds=2)
        card = on.posts(session.thread)[0]
        assert "Second paragraph." in shown_text(card)
        seen = [len(str(one.components)) for one in card.editions]
        assert len(set(seen)) > 3
        after = [read_mark(one) for one in (*(edition.components for edition in card.editions[1:]), card.components)]
        moments = [one.until for one, mark in zip(card.editions, after, strict=True) if mark and not mark.is_settled]
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
        assert all(gap >= limits.EDIT_GAP_SECONDS - 0.1 for gap in gaps)


async def test_another_process_goes_on_where_one_died(memory_store: Database) -> None:
    """What the first process alone knew is lost, and nothing that people need with it; nothing stands there twice."""
    async with _room(memory_store) as (room, on):
        session = await room.begin(upload=None, rounds=3)
        assert (await room.harness.runner.step(session.id, session.segment))["next"] == "continue"
        room.use(on.another())
        assert (await room.harness.run(session.id))["next"] == "ended"
        session = await room.harness.service.get(session.id)
        said = [shown_text(one) for one in on.posts(session.thread)]
        assert sum("Round 2" in text.strip().split("\n")[0] for text in said) == 1
        assert len(said) == 4
        assert "Done" in shown_text(on.in_channel()[0])


async def test_sessions_at_once_meet_no_limit(memory_store: Database) -> None:
    """With Discord's limits on every channel, nobody is told to wait, and every session says all that it has to."""
    async with _room(memory_store, pause_seconds=0.5) as (room, on):
        on.discord.rates.limits |= {CREATE: (5, 0.05), EDIT: (5, 0.05)}
        sessions = [await room.begin(upload=None, rounds=3) for _ in range(3)]
        outcomes = await asyncio.gather(*(room.harness.run(one.id) for one in sessions))
        assert [outcome["next"] for outcome in outcomes] == ["ended"] * 3
        for one in sessions:
            assert await room.unsent(one.id) == 0
        assert len(on.in_channel()) == 3
