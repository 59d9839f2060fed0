"""Whole sessions in Slack: real store, ledger and outbox, a scripted model, and the budget of messages and calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bots.slack.chat import SlackChat
from core.providers.base import Listener, Reply, Request, StopReason, Usage
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.ports import Transaction
from core.workspaces.model import Member, Verbosity
from storage.database import Database
from tests.bots.slack.rush import RushClock, RushPacer, passing
from tests.bots.slack.stage import Stage, stage
from tests.core.orchestration.harness import WORKSPACE, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import Script, helpful
from tests.fakes.slack.faults import Trouble

pytestmark = pytest.mark.loopback
RISING = {0: 6.0, 1: 7.0, 2: 7.5, 3: 8.0}
POSTS = {Verbosity.QUIET: 2, Verbosity.NORMAL: 5, Verbosity.FULL: 20}
CALLS = {Verbosity.QUIET: 15, Verbosity.NORMAL: 40, Verbosity.FULL: 10_000}
_PIECES = 12


@dataclass
class UnhurriedModel:
    """A model that takes its time: about 50 seconds a turn, in pieces, on the test's clock."""

    script: Script
    clock: FakeClock

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        text = self.script(request)
        assert isinstance(text, str)
        length = len(text) // _PIECES + 1
        for start in range(0, len(text), length):
            if listener is not None:
                listener.text(text[start : start + length])
            await self.clock.advance(4)
        return Reply(text, StopReason.COMPLETE, Usage(400, output_tokens=80), request.model, "scripted")


@dataclass
class Room:
    """A room whose chat is Slack."""

    on: Stage
    harness: Harness

    async def run(self, **changes: object) -> Session:
        """Run a session of Ann's to its end."""
        session = await self.begin(**changes)
        assert (await self.harness.run(session.id))["next"] == "ended"
        return await self.harness.service.get(session.id)

    async def begin(self, **changes: object) -> Session:
        """Start a session of Ann's."""
        member = f"{WORKSPACE}/{self.on.slack.ann.id}"
        thread = ThreadRef("fake", self.on.place.channel)
        session = await self.harness.service.create(
            self.harness.request(**{"thread": thread, "member_id": member, **changes})
        )
        return await self.harness.service.start(session.id, actor=member)

    async def unsent(self, session_id: str) -> int:
        """Return how many posts of a session are still to be sent."""
        return await self.harness.store.read(lambda tx: len(tuple(tx.outbox.list_open(session_id=session_id))))


@asynccontextmanager
async def _room(store: Database, clock: FakeClock | None = None) -> AsyncIterator[Room]:
    clock = clock or FakeClock()
    async with stage(clock, store=store) as on:
        harness = Harness(store, clock, UnhurriedModel(helpful(RISING), clock))
        harness.chat = on.chat  # type: ignore[assignment]  # the real adapter instead of the fake
        harness.files = on.files
        harness.rebuild()
        await harness.found()
        ann = Member(f"{WORKSPACE}/{on.slack.ann.id}", WORKSPACE, on.slack.ann.id, "Ann", clock.now())

        def hire(tx: Transaction) -> None:
            tx.workspaces.save_member(ann)

        await store.write(hire)
        async with passing(clock, pause=0.002):
            yield Room(on, harness)


@pytest.mark.parametrize("upload", [True, False], ids=["a file", "a brief"])
@pytest.mark.parametrize("verbosity", list(Verbosity))
async def test_a_session_keeps_to_its_budget(memory_store: Database, verbosity: Verbosity, *, upload: bool) -> None:
    """One card in the channel, few posts, few calls, one mention, no 429, and nothing left unsent."""
    async with _room(memory_store) as room:
        wanted = {} if upload else {"upload": None, "rounds": 3}
        session = await room.run(verbosity=verbosity, **wanted)
        slack = room.on.slack
        assert session.status is Status.COMPLETED
        assert len((await room.harness.snapshot(session.id)).rounds) == 3
        assert len(slack.messages(slack.general)) == 1
        assert len(room.on.posts(session.thread)) <= POSTS[verbosity]
        assert room.on.calls(streams=False) <= CALLS[verbosity], slack.api.counts
        assert [call.outcome for call in slack.api.calls if call.outcome != "ok"] == []
        assert slack.api.count("chat.startStream") == (0 if upload or verbosity is Verbosity.QUIET else 1)
        mentions = [one for one in slack.said_by_app() if f"<@{slack.ann.id}>" in one.text]
        assert len(mentions) == 1
        assert mentions[0].files
        assert "Done" in slack.messages(slack.general)[0].visible_text
        assert await room.unsent(session.id) == 0


async def test_a_first_draft_is_not_lost_when_its_message_makes_way(memory_store: Database) -> None:
    """The text that was streamed stands on the first round's card."""
    async with _room(memory_store) as room:
        session = await room.run(upload=None, rounds=2)
        first = room.on.posts(session.thread)[0].visible_text
        assert "Second paragraph." in first
        assert "First paragraph of the draft." in first


async def test_another_process_goes_on_where_one_died(memory_store: Database) -> None:
    """What the first process alone knew is lost, and nothing that people need with it; nothing stands there twice."""
    async with _room(memory_store) as room:
        session = await room.begin(upload=None, rounds=3)
        assert (await room.harness.runner.step(session.id, session.segment))["next"] == "continue"
        second = room.on.another()
        room.harness.chat = second  # type: ignore[assignment]  # the real adapter instead of the fake
        room.harness.rebuild()
        assert (await room.harness.run(session.id))["next"] == "ended"
        await second.aclose()
        session = await room.harness.service.get(session.id)
        said = [one.visible_text for one in room.on.posts(session.thread)]
        assert sum("Round 2" in text.split("\n")[0] for text in said) == 1
        assert len(said) == 5, "the message of the first process's draft went away"
        assert "Done" in room.on.slack.messages(room.on.slack.general)[0].visible_text


async def test_five_sessions_at_once_meet_no_limit(memory_store: Database) -> None:
    """One budget for all: nobody is told to wait by Slack, and every session says everything that it has to."""
    async with _room(memory_store) as room:
        sessions = [await room.begin(upload=None, rounds=3) for _ in range(5)]
        outcomes = await asyncio.gather(*(room.harness.run(one.id) for one in sessions))
        assert [outcome["next"] for outcome in outcomes] == ["ended"] * 5
        assert dict(room.on.slack.rates.refused) == {}
        for one in sessions:
            assert await room.unsent(one.id) == 0
        assert len(room.on.slack.messages(room.on.slack.general)) == 5


async def test_five_sessions_in_two_processes_meet_no_limit(memory_store: Database) -> None:
    """Two workers share one budget: Slack, which adds up both, tells neither to wait."""
    clock = RushClock()
    async with _room(memory_store, clock) as room:
        other = Harness(memory_store, clock, room.harness.model)
        chats = [
            SlackChat(
                room.on.clients,
                files=room.on.files,
                clock=clock,
                pacer=RushPacer(clock, store=memory_store, rush=clock.rush),
            )
            for _ in range(2)
        ]
        for harness, chat in zip((room.harness, other), chats, strict=True):
            harness.chat = chat  # type: ignore[assignment]  # the real adapter instead of the fake
            harness.files = room.on.files
            harness.rebuild()
        sessions = [await room.begin(upload=None, rounds=3, verbosity=Verbosity.FULL) for _ in range(5)]
        workers = [room.harness, other, other, room.harness, other]
        outcomes = await asyncio.gather(*(worker.run(one.id) for worker, one in zip(workers, sessions, strict=True)))
        for chat in chats:
            await chat.aclose()
        assert [outcome["next"] for outcome in outcomes] == ["ended"] * 5
        assert dict(room.on.slack.rates.refused) == {}
        assert [await room.unsent(one.id) for one in sessions] == [0] * 5


@pytest.mark.parametrize("seed", range(3))
async def test_a_flaky_slack_gets_everything_once(memory_store: Database, seed: int) -> None:
    """Whatever is lost on the way, each post stands there once and the result arrives."""
    async with _room(memory_store) as room:
        kinds = [
            Trouble.LOST_ANSWER,
            Trouble.LOST_REQUEST,
            Trouble.RATE_LIMITED,
            Trouble.SERVER_ERROR,
            Trouble.ERROR_AFTER,
        ]
        room.on.slack.faults.seed(seed, 0.2, kinds)
        session = await room.run(verbosity=Verbosity.NORMAL)
        room.on.slack.faults.clear()
        for _ in range(10):
            if await room.harness.poster.flush(session.id):
                break
        assert await room.unsent(session.id) == 0
        session = await room.harness.service.get(session.id)
        keys = [one.metadata["event_payload"]["key"] for one in room.on.slack.said_by_app() if one.metadata]
        assert sorted(keys) == sorted(set(keys))
        assert len(room.on.posts(session.thread)) == 5
        results = [one for one in room.on.posts(session.thread) if one.files]
        assert len(results) == 1
