"""Whole sessions in Discord: real store, ledger and outbox, a scripted model, and the budget of messages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise

import pytest

from bots.discord import limits
from bots.discord.marks import read_mark
from core.providers.base import Listener, Reply, Request, StopReason, Usage
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.ports import Transaction
from core.workspaces.model import Member, Verbosity
from storage.database import Database
from tests.bots.discord.stage import CREATE, EDIT, Stage, stage
from tests.core.orchestration.harness import WORKSPACE, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.mentions import shown_text
from tests.fakes.model import Script, helpful

pytestmark = pytest.mark.loopback
RISING = {0: 6.0, 1: 7.0, 2: 7.5, 3: 8.0}
POSTS = {Verbosity.QUIET: 1, Verbosity.NORMAL: 4, Verbosity.FULL: 18}
_PIECES = 12
_IDLE_SECONDS = 0.002


@dataclass
class UnhurriedModel:
    """A model that takes its time: about 50 seconds a turn, in pieces, on the test's clock."""

    script: Script
    clock: FakeClock
    pause_seconds: float = 4.0

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        text = self.script(request)
        assert isinstance(text, str)
        length = len(text) // _PIECES + 1
        for start in range(0, len(text), length):
            if listener is not None:
                listener.text(text[start : start + length])
            await self.clock.advance(self.pause_seconds)
        return Reply(text, StopReason.COMPLETE, Usage(400, output_tokens=80), request.model, "scripted")


@dataclass
class Room:
    """A room whose chat is Discord."""

    on: Stage
    harness: Harness

    async def run(self, **changes: object) -> Session:
        """Run a session of Ann's to its end."""
        session = await self.begin(**changes)
        assert (await self.harness.run(session.id))["next"] == "ended"
        return await self.harness.service.get(session.id)

    async def begin(self, **changes: object) -> Session:
        """Start a session of Ann's."""
        member = f"{WORKSPACE}/{self.on.discord.ann.id}"
        thread = ThreadRef("fake", self.on.place.channel)
        session = await self.harness.service.create(
            self.harness.request(**{"thread": thread, "member_id": member, **changes})
        )
        return await self.harness.service.start(session.id, actor=member)

    async def unsent(self, session_id: str) -> int:
        """Return how many posts of a session are still to be sent."""
        return await self.harness.store.read(lambda tx: len(tuple(tx.outbox.list_open(session_id=session_id))))


@asynccontextmanager
async def _room(store: Database, *, pause_seconds: float = 4.0) -> AsyncIterator[Room]:
    clock = FakeClock()
    async with stage(clock) as on:
        harness = Harness(store, clock, UnhurriedModel(helpful(RISING), clock, pause_seconds))
        harness.chat = on.chat  # type: ignore[assignment]  # the real adapter instead of the fake
        harness.files = on.files
        harness.rebuild()
        await harness.found()
        ann = Member(f"{WORKSPACE}/{on.discord.ann.id}", WORKSPACE, on.discord.ann.id, "Ann", clock.now())

        def hire(tx: Transaction) -> None:
            tx.workspaces.save_member(ann)

        await store.write(hire)
        ticking = asyncio.ensure_future(_tick(clock))
        try:
            yield Room(on, harness)
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking


async def _tick(clock: FakeClock) -> None:
    """Let time pass while nobody works, so that waits end."""
    while True:
        await asyncio.sleep(_IDLE_SECONDS)
        await clock.advance(0.05)


@pytest.mark.parametrize("upload", [True, False], ids=["a file", "a brief"])
@pytest.mark.parametrize("verbosity", list(Verbosity))
async def test_a_session_keeps_to_its_budget(memory_store: Database, verbosity: Verbosity, *, upload: bool) -> None:
    """One card in the channel, few posts, one person called once, no 429, and nothing left unsent."""
    async with _room(memory_store) as room:
        wanted = {} if upload else {"upload": None, "rounds": 3}
        session = await room.run(verbosity=verbosity, **wanted)
        on = room.on
        assert session.status is Status.COMPLETED
        assert len((await room.harness.snapshot(session.id)).rounds) == 3
        assert len(on.in_channel()) == 1
        assert len(on.posts(session.thread)) <= POSTS[verbosity]
        assert dict(on.discord.rates.refused) == {}
        assert on.invalid.total == 0
        (ping,) = on.discord.world.pings
        assert ping.user_id == on.discord.ann.id
        assert ping.message.attachments
        assert "Done" in shown_text(on.in_channel()[0])
        assert "Receipt" in shown_text(on.posts(session.thread)[-1])
        assert await room.unsent(session.id) == 0
        edits = [call.at for call in on.discord.api.calls if call.route == EDIT]
        assert len(edits) <= 60, len(edits)


async def test_a_first_draft_grows_and_stays_on_the_first_rounds_card(memory_store: Database) -> None:
    """People see it while it is written, at most every two seconds, and find it there afterwards."""
    async with _room(memory_store) as room:
        session = await room.run(upload=None, rounds=2)
        card = room.on.posts(session.thread)[0]
        assert "Second paragraph." in shown_text(card)
        seen = [len(str(one.components)) for one in card.editions]
        assert len(set(seen)) > 3
        after = [read_mark(one) for one in (*(edition.components for edition in card.editions[1:]), card.components)]
        moments = [one.until for one, mark in zip(card.editions, after, strict=True) if mark and not mark.is_settled]
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
        assert all(gap >= limits.EDIT_GAP_SECONDS - 0.1 for gap in gaps)


async def test_another_process_goes_on_where_one_died(memory_store: Database) -> None:
    """What the first process alone knew is lost, and nothing that people need with it; nothing stands there twice."""
    async with _room(memory_store) as room:
        session = await room.begin(upload=None, rounds=3)
        assert (await room.harness.runner.step(session.id, session.segment))["next"] == "continue"
        room.harness.chat = room.on.another()  # type: ignore[assignment]  # the real adapter instead of the fake
        room.harness.rebuild()
        assert (await room.harness.run(session.id))["next"] == "ended"
        session = await room.harness.service.get(session.id)
        said = [shown_text(one) for one in room.on.posts(session.thread)]
        assert sum("Round 2" in text.strip().split("\n")[0] for text in said) == 1
        assert len(said) == 4
        assert "Done" in shown_text(room.on.in_channel()[0])


async def test_sessions_at_once_meet_no_limit(memory_store: Database) -> None:
    """With Discord's limits on every channel, nobody is told to wait, and every session says all that it has to."""
    async with _room(memory_store, pause_seconds=0.5) as room:
        room.on.discord.rates.limits |= {CREATE: (5, 0.05), EDIT: (5, 0.05)}
        sessions = [await room.begin(upload=None, rounds=3) for _ in range(3)]
        outcomes = await asyncio.gather(*(room.harness.run(one.id) for one in sessions))
        assert [outcome["next"] for outcome in outcomes] == ["ended"] * 3
        for one in sessions:
            assert await room.unsent(one.id) == 0
        assert len(room.on.in_channel()) == 3


@pytest.mark.parametrize("seed", range(3))
async def test_a_flaky_discord_gets_everything_once(memory_store: Database, seed: int) -> None:
    """Whatever is lost on the way, each post stands there once and the result arrives."""
    async with _room(memory_store) as room:
        kinds = [Trouble.LOST_ANSWER, Trouble.LOST_REQUEST, Trouble.RATE_LIMITED]
        room.on.discord.faults.seed(seed, 0.2, kinds)
        session = await room.run(verbosity=Verbosity.NORMAL)
        room.on.discord.faults.clear()
        for _ in range(10):
            if await room.harness.poster.flush(session.id):
                break
        assert await room.unsent(session.id) == 0
        session = await room.harness.service.get(session.id)
        posts = room.on.posts(session.thread)
        marks = [mark.numbers[0] for one in posts if (mark := read_mark(one.components)) is not None]
        assert len(set(marks)) == len(marks) == len(posts) == 4
        assert len([one for one in posts if one.attachments]) == 1
