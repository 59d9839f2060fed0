"""Kill -9 at any moment, again and again: nothing is lost, nothing is paid or posted twice."""

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.sessions.model import Status
from core.sessions.ports import OutboxRow, Transaction
from storage.database import Database
from tests.core.orchestration.harness import WORKSPACE, Harness
from tests.fakes.model import ScriptedModel, helpful
from tests.scenarios.chaos_worker import SCORES, read_lines
from tests.waiting import until

KILLS = int(os.environ.get("CHAOS_KILLS", "3"))  # noqa: TID251 - how hard to try, for `make chaos`
SEED = int(os.environ.get("CHAOS_SEED", "7"))  # noqa: TID251 - the same
SESSIONS = 4
ROUNDS = 2 if KILLS <= 3 else 12  # enough work that the last kill still interrupts some
TURNS = 4 + 5 * ROUNDS
POSTS = ROUNDS + 4  # the card, the reading, each round, result and receipt
_LIFE_SECONDS = (0.02, 0.4)


@pytest.fixture
def engine_url(database_url: str) -> str:
    """The engine's own database beside the application's."""
    return database_url.replace("+asyncpg", "+psycopg").replace("+aiosqlite", "").replace("atelier.db", "engine.db")


async def _worked(worker: asyncio.subprocess.Process, calls: Path, begun: int) -> bool:
    return worker.returncode is not None or len(read_lines(calls)) > begun


def _outbox(session_id: str, tx: Transaction) -> Sequence[OutboxRow]:
    return tx.outbox.list_session(session_id)


@pytest.mark.slow
async def test_kill_9(database_url: str, engine_url: str, tmp_path: Path) -> None:
    """After any number of kills every session ends with each turn once, each post once, and an exact ledger."""
    chance = random.Random(SEED)  # noqa: S311 - a seeded test
    store = Database.from_url(database_url)
    calls, posts, ready = tmp_path / "calls", tmp_path / "posts", tmp_path / "ready"
    committed: dict[str, int] = {}

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.scenarios.chaos_worker", database_url, engine_url),
            *(str(tmp_path), str(SESSIONS), str(ROUNDS)),
        )

    async def live_and_die() -> bool:
        """Start a worker and kill it a moment after its first call, not while it imports; return whether it lived."""
        begun = len(read_lines(calls))
        worker = await start()
        await until(lambda: _worked(worker, calls, begun), seconds=120)
        await asyncio.sleep(chance.uniform(*_LIFE_SECONDS))
        alive = worker.returncode is None
        if alive:
            worker.kill()
        await worker.wait()
        return alive

    killed = 0
    for _ in range(KILLS):
        if not await live_and_die():
            break
        killed += 1
        turns = await store.read(
            lambda tx: [
                turn.id for session in tx.sessions.list_sessions() for turn in tx.sessions.list_turns(session.id)
            ]
        )
        seen = [line["turn"] for line in read_lines(calls)]
        committed |= {turn: seen.count(turn) for turn in turns if turn not in committed}
    last = await start()
    assert await asyncio.wait_for(last.wait(), 300) == 0
    room = Harness(store, SystemClock(), ScriptedModel(helpful(SCORES)))
    sessions = await room.service.list_sessions(limit=100)
    assert [session.status for session in sessions] == [Status.COMPLETED] * SESSIONS
    for session in sessions:
        shot = await room.snapshot(session.id)
        assert len(shot.turns) == TURNS
        assert shot.held_microcredits == 0
        assert shot.spent_microcredits == sum(turn.charged_microcredits for turn in shot.turns)
        rows = await store.read(partial(_outbox, session.id))
        assert {row.state for row in rows} == {"sent"}
    assert await room.store.read(lambda tx: room.ledger.check(tx.credits, WORKSPACE)) == ()
    keys = [line["key"] for line in read_lines(posts)]
    assert len(keys) == len(set(keys)) == SESSIONS * POSTS
    again = [line["turn"] for line in read_lines(calls)]
    assert {turn: again.count(turn) for turn in committed} == committed, "a turn was called after its commit"
    assert killed == KILLS
    assert ready.exists()
    await store.aclose()
