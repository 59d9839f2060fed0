"""Slots and heartbeats, with real processes that die, and inside one process where a clock can be moved."""

import asyncio
import signal
import sqlite3
import sys
import threading
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import urls
from storage.database import Database, connection_of
from storage.durable import AdvisorySlots, FileSlots, executor_slots, sqlite_engine
from storage.heartbeat import DatabaseHeartbeat, Pace
from storage.models.operations import executor_heartbeats
from tests.fakes.clock import FakeClock

QUICK = Pace(beat_seconds=0.02, limit_seconds=0.6)


class Recovery:
    """Remembers what was to be recovered."""

    def __init__(self, *, failures: int = 0) -> None:
        self.calls: list[list[str]] = []
        self._failures = failures
        self._called = asyncio.Condition()

    async def __call__(self, executors: list[str]) -> int:
        async with self._called:
            self.calls.append(executors)
            self._called.notify_all()
        if len(self.calls) <= self._failures:
            raise RuntimeError("the engine is not ready")
        return len(executors)

    async def reached(self, number: int) -> None:
        async with self._called:
            await asyncio.wait_for(self._called.wait_for(lambda: len(self.calls) >= number), 20)


def never(reason: str) -> None:
    raise AssertionError(reason)


async def rows(database: Database) -> dict[str, str]:
    query = sa.select(executor_heartbeats.c.id, executor_heartbeats.c.state)
    found = await database.read(lambda tx: connection_of(tx).execute(query).all())
    return {row.id: row.state for row in found}


async def execute(database: Database, statement: str) -> None:
    await database.write(lambda tx: connection_of(tx).execute(sa.text(statement)))


async def child(url: str) -> tuple[Process, str]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.storage.slot_child", url, stdout=PIPE)
    return process, await line(process)


async def line(process: Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


@pytest.mark.slow
async def test_processes_that_die_and_that_hang(database_url: str, store: Database) -> None:
    """Two live processes hold two slots; kill -9 frees one at once; one that hangs is taken over and then gives up."""
    slots = executor_slots(database_url)
    (killed, killed_id), (hung, hung_id) = await asyncio.gather(child(database_url), child(database_url))
    assert {killed_id, hung_id} == {"slot-0", "slot-1"}
    killed.kill()
    await killed.wait()
    slot = await slots.take(never)
    assert slot.id == killed_id
    heartbeat = DatabaseHeartbeat(store, slot.id, pace=QUICK)
    await heartbeat.start(never)

    recovery = Recovery()
    watching = asyncio.ensure_future(heartbeat.watch(recovery))
    hung.send_signal(signal.SIGSTOP)
    await recovery.reached(1)
    assert recovery.calls == [[hung_id]]
    hung.send_signal(signal.SIGCONT)
    assert await line(hung) == "lost declared_dead"
    assert await hung.wait() == 3
    watching.cancel()
    await heartbeat.resign()
    await slot.release()


class TestSlots:
    async def test_each_holder_has_its_own(self, database_url: str) -> None:
        """Slots are given out from the lowest; a released one is given out again, releasing twice is harmless."""
        slots = executor_slots(database_url)
        first = await slots.take(never)
        second = await slots.take(never)
        assert (first.id, second.id) == ("slot-0", "slot-1")
        await first.release()
        await first.release()
        third = await slots.take(never)
        assert third.id == "slot-0"
        await second.release()
        await third.release()

    @pytest.mark.loopback
    async def test_a_lock_that_is_lost_is_told(self, postgres_url: str, postgres_store: Database) -> None:
        """When the server drops the connection that holds a slot, its holder is told."""
        lost = asyncio.Event()
        slot = await executor_slots(postgres_url).take(lambda _: lost.set())
        await execute(
            postgres_store,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'atelier-slot'",
        )
        await asyncio.wait_for(lost.wait(), 10)
        await slot.release()

    def test_the_kind_follows_from_the_url(self) -> None:
        """SQLite's slots are files, PostgreSQL's are locks in the server; memory has none."""
        assert isinstance(executor_slots("sqlite+aiosqlite:///./a.db"), FileSlots)
        assert isinstance(executor_slots("postgres://u@/db"), AdvisorySlots)
        with pytest.raises(ValueError, match="not in memory"):
            executor_slots("sqlite://")


class TestHeartbeat:
    async def test_the_living_are_left_alone(self, store: Database) -> None:
        """An executor that beats is not taken over."""
        beating, watching = (DatabaseHeartbeat(store, f"slot-{n}", clock=FakeClock()) for n in range(2))
        await beating.start(never)
        await watching.start(never)
        recovery = Recovery()
        await watching._reap(recovery)
        assert recovery.calls == []
        assert await rows(store) == {"slot-0": "alive", "slot-1": "alive"}
        await beating.resign()
        await watching.resign()

    async def test_who_resigns_is_taken_over_at_once_and_once(self, store: Database) -> None:
        """Of several that look, one takes over from an executor that resigned, without waiting for the limit."""
        leaver = DatabaseHeartbeat(store, "slot-0")
        watchers = [DatabaseHeartbeat(store, f"slot-{n}") for n in range(1, 4)]
        await leaver.start(never)
        await leaver.resign()
        await leaver.resign()
        recovery = Recovery()
        await asyncio.gather(*(watcher._reap(recovery) for watcher in watchers))
        assert recovery.calls == [["slot-0"]]
        assert await rows(store) == {}

    async def test_a_new_holder_waits_for_the_one_that_takes_over(self, store: Database) -> None:
        """While somebody takes over what a slot left, the slot's next holder does not begin."""
        clock = FakeClock()
        leaver = DatabaseHeartbeat(store, "slot-0")
        await leaver.start(never)
        await leaver.resign()
        taken = await store.write(DatabaseHeartbeat(store, "slot-1")._claim_dead)
        assert taken == ["slot-0"]

        successor = DatabaseHeartbeat(store, "slot-0", clock=clock)
        starting = asyncio.ensure_future(successor.start(never))
        await clock.sleepers()
        assert not starting.done()
        await store.write(DatabaseHeartbeat(store, "slot-1")._bury(taken))
        await clock.advance(3)
        await starting
        assert await rows(store) == {"slot-0": "alive"}
        await successor.resign()

    async def test_one_that_dies_over_taking_over_is_replaced(self, store: Database) -> None:
        """A claim that is older than the limit counts no more: another takes over, or the slot's holder begins."""
        await execute(
            store,
            "INSERT INTO executor_heartbeats (id, beat_seconds, state, claimed_by)"
            " VALUES ('slot-0', 1, 'reaping', 'slot-8'), ('slot-1', 1, 'reaping', 'slot-8')",
        )
        holder = DatabaseHeartbeat(store, "slot-0")
        await holder.start(never)
        recovery = Recovery()
        await holder._reap(recovery)
        assert recovery.calls == [["slot-1"]]
        assert await rows(store) == {"slot-0": "alive"}
        await holder.resign()

    async def test_a_recovery_that_fails_is_tried_again(self, store: Database) -> None:
        """What could not be taken over stays, and is claimed again after the limit; the watch goes on."""
        leaver = DatabaseHeartbeat(store, "slot-0")
        await leaver.start(never)
        await leaver.resign()
        watcher = DatabaseHeartbeat(store, "slot-1", pace=Pace(beat_seconds=0.01, limit_seconds=0.05))
        recovery = Recovery(failures=1)
        watching = asyncio.ensure_future(watcher.watch(recovery))
        await recovery.reached(2)
        watching.cancel()
        assert recovery.calls == [["slot-0"], ["slot-0"]]

    async def test_executors_without_a_row_are_found(self, store: Database) -> None:
        """Whoever the engine believes to run something and the table does not know is dead; the known are untouched."""
        living = DatabaseHeartbeat(store, "slot-0")
        await living.start(never)
        recovery = Recovery()

        async def executors() -> set[str]:
            return {"slot-0", "slot-7"}

        watching = asyncio.ensure_future(living.watch(recovery, executors))
        await recovery.reached(1)
        watching.cancel()
        assert recovery.calls == [["slot-7"]]
        await living.resign()

    async def test_who_was_declared_dead_is_told(self, store: Database) -> None:
        """An executor whose row is gone learns it at its next beat."""
        clock = FakeClock()
        lost: asyncio.Queue[str] = asyncio.Queue()
        heartbeat = DatabaseHeartbeat(store, "slot-0", clock=clock)
        await heartbeat.start(lost.put_nowait)
        await execute(store, "DELETE FROM executor_heartbeats")
        await clock.sleepers()
        await clock.advance(3)
        assert await asyncio.wait_for(lost.get(), 10) == "declared_dead"
        await heartbeat.resign()

    async def test_who_misses_its_beats_gives_up(self, store: Database) -> None:
        """After half the limit without a beat an executor is told, even when its loop hangs."""
        clock = FakeClock()
        lost = threading.Event()
        heartbeat = DatabaseHeartbeat(store, "slot-0", pace=Pace(beat_seconds=0.01, limit_seconds=100), clock=clock)
        reasons: list[str] = []

        def on_lost(reason: str) -> None:
            reasons.append(reason)
            lost.set()

        await heartbeat.start(on_lost)
        clock.move(51)
        assert lost.wait(10)  # on purpose without giving the loop a chance
        assert reasons == ["heartbeat_missed"]
        await heartbeat.resign()


def test_nobody_is_in_a_hurry_on_one_machine() -> None:
    """With SQLite a machine may stand still for half a minute before its worker ends itself."""
    assert Pace.on("sqlite").limit_seconds / 2 == 30
    assert Pace.on("postgresql") == Pace()


class TestEngine:
    def test_sqlite_is_made_fit_for_the_engine(self, tmp_path: Path) -> None:
        """WAL, references and sub-second time work on every SQLite that Python comes with."""
        engine = sqlite_engine(f"sqlite:///{tmp_path}/e.db")
        assert engine is not None
        with engine.connect() as connection:
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "foreign_keys", "synchronous")
            ]
            assert pragmas == ["wal", 1, 1]
            assert connection.exec_driver_sql("SELECT unixepoch('subsec')").scalar_one() > 1e9
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            assert driver.isolation_level == "IMMEDIATE"
        engine.dispose()

    def test_postgresql_needs_none(self) -> None:
        """On PostgreSQL the engine's own engine is right."""
        assert sqlite_engine("postgresql://u@h/d") is None

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("sqlite+aiosqlite:///./atelier.db", "sqlite:///atelier-engine.db"),
            ("sqlite:////data/room.sqlite3", "sqlite:////data/room-engine.sqlite3"),
            ("postgresql+asyncpg://u:p%40@h:5/d?ssl=require", "postgresql+psycopg://u:p%40@h:5/d?sslmode=require"),
            ("postgres://u@/d?host=/run", "postgresql+psycopg://u@/d?host=%2Frun"),
        ],
    )
    def test_its_url_follows_from_the_databases(self, url: str, expected: str) -> None:
        """One URL in the settings is enough."""
        assert urls.engine_url(url) == expected

    def test_asyncpg_speaks_another_ssl(self) -> None:
        """The sslmode of libpq is given to asyncpg under the name that it knows."""
        url = urls.asynchronous("postgres://u@h/d?sslmode=require&application_name=x")
        assert url.render_as_string() == "postgresql+asyncpg://u@h/d?application_name=x&ssl=require"
