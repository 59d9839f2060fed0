"""The engine runs segments once, cuts them when people stop, and takes none that moved on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.clock import SystemClock
from core.orchestration import runtime
from core.orchestration.engine import DbosEngine, EngineClient, EngineConfig
from core.sessions.model import AttemptState, EndReason, Status
from storage.database import Database
from storage.durable import sqlite_engine
from tests.core.orchestration.harness import Harness
from tests.fakes.model import ScriptedModel, helpful
from tests.waiting import until


@pytest.fixture
async def room(store: Database, database_url: str) -> AsyncIterator[Harness]:
    """A room whose sessions a real engine runs."""
    clock = SystemClock()
    harness = Harness(store, clock, ScriptedModel(helpful({0: 5.0, 1: 6.0, 2: 7.0})))
    await harness.found()
    runtime.set_runner(harness.runner)
    url = database_url.replace("+asyncpg", "+psycopg").replace("+aiosqlite", "").replace("atelier.db", "engine.db")
    database = sqlite_engine(url)
    engine = DbosEngine(EngineConfig(url, "test-0", sqlite_engine=database, polling_seconds=0.02))
    await engine.start()
    harness.use(engine)
    yield harness
    await engine.aclose(finish_seconds=5)
    runtime.set_runner(None)
    if database is not None:
        database.dispose()


async def _is(room: Harness, session_id: str, *statuses: Status) -> bool:
    return (await room.service.get(session_id)).status in statuses


async def test_a_segment_runs_to_its_end_once(room: Harness) -> None:
    """Enqueueing a segment twice is one run: every turn is called once and every post stands once."""
    session = await room.begin()
    await room.service.sweep()
    await until(lambda: _is(room, session.id, Status.COMPLETED))
    await until(lambda: room.poster.flush(session.id))
    shot = await room.snapshot(session.id)
    assert len(shot.turns) == 14
    assert len(room.scripted.requests) == 14
    assert room.chat.duplicates == []
    assert await room.differences() == ()


async def test_stop_cuts_turns_in_flight_and_settles_them(room: Harness) -> None:
    """Stop ends a running session at once: what was used is paid, texts are kept, and nothing more is called."""
    room.scripted.gate = asyncio.Event()
    session = await room.begin()
    await until(lambda: _true(room.scripted.waiting == 3))
    await room.service.stop(session.id, actor="test")
    await until(lambda: _is(room, session.id, Status.STOPPED))
    shot = await room.snapshot(session.id)
    attempts = await room.store.read(lambda tx: tx.sessions.list_attempts(session.id))
    assert shot.session.end_reason is EndReason.STOPPED
    assert shot.turns == ()
    assert [item.state for item in attempts] == [AttemptState.INTERRUPTED] * 3
    assert {item.error_code for item in attempts} == {"stopped"}
    assert shot.held_microcredits == 0
    assert shot.spent_microcredits > 0
    assert len(room.scripted.requests) == 3
    assert await room.differences() == ()


async def test_pause_parks_after_the_turns_in_flight_and_resume_goes_on(room: Harness) -> None:
    """Pausing throws no paid token away; resuming calls no finished turn again."""
    room.scripted.gate = asyncio.Event()
    session = await room.begin()
    await until(lambda: _true(room.scripted.waiting == 3))
    paused = await room.service.pause(session.id, actor="test")
    assert paused.status is Status.PAUSING
    room.scripted.gate.set()
    await until(lambda: _is(room, session.id, Status.PAUSED))
    assert len((await room.snapshot(session.id)).turns) == 3
    await room.service.resume(session.id, actor="test")
    await until(lambda: _is(room, session.id, Status.COMPLETED))
    assert len(room.scripted.requests) == 14
    assert (await room.service.get(session.id)).segment == 2


async def test_another_process_pauses_and_stops(room: Harness, database_url: str) -> None:
    """Who runs no sessions asks through the engine's database: the verbs reach the worker from there."""
    room.scripted.gate = asyncio.Event()
    session = await room.begin()
    await until(lambda: _true(room.scripted.waiting == 3))
    url = database_url.replace("+asyncpg", "+psycopg").replace("+aiosqlite", "").replace("atelier.db", "engine.db")
    elsewhere = sqlite_engine(url)
    client = EngineClient(EngineConfig(url, "elsewhere", sqlite_engine=elsewhere))
    room.use(client)
    assert (await room.service.pause(session.id, actor="test")).status is Status.PAUSING
    await room.service.stop(session.id, actor="test")
    await until(lambda: _is(room, session.id, Status.STOPPED))
    assert (await room.snapshot(session.id)).held_microcredits == 0
    assert len(room.scripted.requests) == 3
    await client.aclose()
    if elsewhere is not None:
        elsewhere.dispose()


async def _true(value: bool) -> bool:
    return value
