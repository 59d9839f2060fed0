"""What a store promises, whatever it runs on; what only one kind can get wrong is at the end."""

import asyncio
import sqlite3
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.sessions.ports import Transaction
from core.workspaces.model import Workspace
from storage.database import Database
from storage.errors import DatabaseClosed, DatabaseUnavailable
from storage.unit_of_work import UnitOfWork
from tests.storage import samples
from tests.storage.samples import NOW, WORKSPACE

WORKSPACES = [replace(WORKSPACE, id=f"w{number:02}") for number in range(40)]


class Gate:
    """Holds a unit of work on its thread until the test opens it."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    def work(self, _tx: Transaction) -> None:
        self._reached.set()
        assert self._opened.wait(10)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 10)

    def open(self) -> None:
        self._opened.set()


def execute(tx: Transaction, statement: str) -> None:
    assert isinstance(tx, UnitOfWork)
    tx.connection.execute(sa.text(statement))


def save(workspace: Workspace, *, fail: bool = False) -> "Work":
    return Work(workspace, fail)


class Work:
    """Saves a workspace, and may fail after it did."""

    def __init__(self, workspace: Workspace, fail: bool) -> None:
        self.workspace = workspace
        self.fail = fail
        self.runs = 0

    def __call__(self, tx: Transaction) -> str:
        self.runs += 1
        tx.workspaces.save(self.workspace)
        if self.fail:
            raise RuntimeError(self.workspace.id)
        return self.workspace.id


async def names(database: Database) -> set[str]:
    return {item.id for item in await database.read(lambda tx: tx.workspaces.list_all())}


async def test_results_come_back_after_the_commit(store: Database) -> None:
    """A write returns what its unit returned, and the next read sees what it wrote."""
    assert await store.write(save(WORKSPACE)) == WORKSPACE.id
    assert await store.read(lambda tx: tx.workspaces.find(WORKSPACE.id)) == WORKSPACE


async def test_a_unit_that_fails_leaves_nothing_and_disturbs_nobody(store: Database) -> None:
    """Of many concurrent units some fail: each caller gets its own outcome, and only the failed ones left no trace."""
    works = [save(workspace, fail=number % 3 == 0) for number, workspace in enumerate(WORKSPACES)]
    outcomes = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
    for work, outcome in zip(works, outcomes, strict=True):
        if work.fail:
            assert isinstance(outcome, RuntimeError)
            assert str(outcome) == work.workspace.id
        else:
            assert outcome == work.workspace.id
    assert await names(store) == {work.workspace.id for work in works if not work.fail}
    assert store.stats.failed == sum(work.fail for work in works)


async def test_the_database_refuses_what_breaks_a_rule(store: Database) -> None:
    """A statement that the database refuses raises in its caller and rolls its whole unit back."""

    def work(tx: Transaction) -> None:
        tx.workspaces.save(WORKSPACE)
        tx.sessions.save_round(samples.round_())

    with pytest.raises(sa.exc.IntegrityError):
        await store.write(work)
    assert await names(store) == set()


async def test_stop_iteration_is_an_error_like_any_other(store: Database) -> None:
    """A unit that lets StopIteration out raises, instead of hanging its caller."""
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(store.write(lambda _: next(iter(()))), 10)


async def test_a_read_cannot_write(store: Database) -> None:
    """The database refuses a change that comes by way of a read."""
    with pytest.raises(sa.exc.DBAPIError):
        await store.read(save(WORKSPACE))
    assert await names(store) == set()


async def test_a_closed_store_says_so(store: Database) -> None:
    """Work that comes after closing raises; closing twice is harmless."""
    await store.aclose()
    await store.aclose()
    with pytest.raises(DatabaseClosed):
        await store.write(save(WORKSPACE))
    with pytest.raises(DatabaseClosed):
        await store.ping()


async def test_closing_finishes_what_was_begun(store: Database, database_url: str) -> None:
    """Units that were accepted before the close are committed."""
    tasks = [asyncio.ensure_future(store.write(save(workspace))) for workspace in WORKSPACES]
    await asyncio.sleep(0)
    await store.aclose()
    assert await asyncio.gather(*tasks) == [workspace.id for workspace in WORKSPACES]
    again = Database.from_url(database_url)
    assert await names(again) == {workspace.id for workspace in WORKSPACES}
    await again.aclose()


async def test_a_cancelled_caller_disturbs_nobody(store: Database) -> None:
    """Cancelling some callers leaves the others' units whole."""
    tasks = [asyncio.ensure_future(store.write(save(workspace))) for workspace in WORKSPACES]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await store.write(lambda _: None)
    assert outcomes[1::2] == [workspace.id for workspace in WORKSPACES[1::2]]
    assert await names(store) >= {workspace.id for workspace in WORKSPACES[1::2]}


async def test_ping(store: Database) -> None:
    """A database that answers is pinged without an error."""
    await store.ping()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all/a.db", "postgresql+asyncpg://u@/db?host=/nowhere"])
async def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    """What may pass by itself is a TransientError, with the driver's own error as its cause."""
    database = Database.from_url(url)
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.ping()
    assert caught.value.__cause__ is not None
    await database.aclose()


def test_other_databases_are_refused() -> None:
    """A URL of a third kind is refused by name."""
    with pytest.raises(ValueError, match="mysql"):
        Database.from_url("mysql://x/y")


class TestSqlite:
    async def test_units_that_wait_share_a_commit(self, sqlite_url: str) -> None:
        """Everything that waits while the writer is busy is committed together, at most 64 at a time."""
        database = Database.from_url(sqlite_url)
        gate = Gate()
        first = asyncio.ensure_future(database.write(gate.work))
        await gate.reached()
        tasks = [asyncio.ensure_future(database.write(save(workspace))) for workspace in WORKSPACES]
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(first, *tasks)
        assert (database.stats.commits, database.stats.units) == (2, 41)
        await database.aclose()

    async def test_a_commit_that_fails_is_taken_apart(self, sqlite_url: str) -> None:
        """When a batch cannot commit, each unit runs again alone: the guilty one fails, the others are committed."""

        def guilty(tx: Transaction) -> None:
            execute(tx, "PRAGMA defer_foreign_keys = ON")  # the violation shows at the commit only
            tx.sessions.save_round(samples.round_())

        database = Database.from_url(sqlite_url)
        gate = Gate()
        first = asyncio.ensure_future(database.write(gate.work))
        await gate.reached()
        works = [save(workspace) for workspace in WORKSPACES[:6]]
        tasks = [asyncio.ensure_future(database.write(work)) for work in works[:3]]
        bad = asyncio.ensure_future(database.write(guilty))
        tasks += [asyncio.ensure_future(database.write(work)) for work in works[3:]]
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(first, *tasks)
        with pytest.raises(sqlite3.IntegrityError):
            await bad
        assert [work.runs for work in works] == [2] * 6
        assert await names(database) == {workspace.id for workspace in WORKSPACES[:6]}
        assert (database.stats.retries, database.stats.failed) == (7, 1)
        await database.aclose()

    async def test_a_unit_that_ends_the_transaction_costs_the_others_nothing(self, sqlite_url: str) -> None:
        """Even a unit that makes SQLite roll everything back (a full disk does) harms only itself."""

        def guilty(tx: Transaction) -> None:
            execute(tx, "ROLLBACK")
            raise RuntimeError("the disk is full")

        database = Database.from_url(sqlite_url)
        gate = Gate()
        first = asyncio.ensure_future(database.write(gate.work))
        await gate.reached()
        good = asyncio.ensure_future(database.write(save(WORKSPACE)))
        bad = asyncio.ensure_future(database.write(guilty))
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(first, good)
        with pytest.raises(RuntimeError, match="the disk is full"):
            await bad
        assert await names(database) == {WORKSPACE.id}
        await database.aclose()

    async def test_a_unit_that_nobody_waits_for_is_not_begun(self, sqlite_url: str) -> None:
        """A caller that is cancelled while its unit waits takes the unit with it."""
        database = Database.from_url(sqlite_url)
        gate = Gate()
        first = asyncio.ensure_future(database.write(gate.work))
        await gate.reached()
        work = save(WORKSPACE)
        task = asyncio.ensure_future(database.write(work))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gate.open()
        await first
        await database.write(lambda _: None)
        assert work.runs == 0
        await database.aclose()

    async def test_readers_do_not_wait_for_the_writer(self, sqlite_url: str) -> None:
        """While a unit of work is open, reads see the state before it."""
        database = Database.from_url(sqlite_url)
        gate = Gate()

        def slow(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            gate.work(tx)

        writing = asyncio.ensure_future(database.write(slow))
        await gate.reached()
        assert await names(database) == set()
        gate.open()
        await writing
        assert await names(database) == {WORKSPACE.id}
        await database.aclose()

    async def test_memory_needs_no_file(self, memory_store: Database) -> None:
        """A database in memory reads what it wrote, and is gone when it is closed."""
        await memory_store.write(save(WORKSPACE))
        assert await names(memory_store) == {WORKSPACE.id}
        other = Database.from_url("sqlite+aiosqlite:///:memory:")
        await other.create_schema()
        assert await names(other) == set()
        await other.aclose()

    async def test_the_pragmas_that_matter(self, sqlite_url: str) -> None:
        """The ledger's commits reach the disk, references are checked, and readers do not block the writer."""

        def pragmas(tx: Transaction) -> list[object]:
            assert isinstance(tx, UnitOfWork)
            wanted = ("synchronous", "foreign_keys", "journal_mode")
            return [tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted]

        database = Database.from_url(sqlite_url)
        assert await database.write(pragmas) == [2, 1, "wal"]
        await database.aclose()

    async def test_what_was_acknowledged_survives_kill_9(self, sqlite_url: str) -> None:
        """Everything whose write returned before a kill -9 is there afterwards."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.storage.writing_child", sqlite_url, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        lines = [await child.stdout.readline() for _ in range(50)]
        child.kill()
        lines += [line async for line in child.stdout if line.endswith(b"\n")]
        await child.wait()
        acknowledged = {line.decode().strip() for line in lines}
        database = Database.from_url(sqlite_url)
        kept = await database.read(lambda tx: tx.workspaces.list_all(limit=100_000))
        assert acknowledged <= {item.id for item in kept}
        await database.aclose()

    async def test_two_processes_share_a_file(self, sqlite_url: str, tmp_path: Path) -> None:
        """A writer of another process waits for its turn instead of failing."""
        database = Database.from_url(sqlite_url)
        other = sqlite3.connect(tmp_path / "atelier.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(database.write(save(WORKSPACE)))
        await asyncio.sleep(0.05)
        assert not writing.done()
        other.execute("COMMIT")
        other.close()
        assert await writing == WORKSPACE.id
        await database.aclose()


@pytest.mark.loopback
class TestPostgres:
    async def test_a_lock_locks(self, postgres_store: Database) -> None:
        """Twenty units that read, wait and raise one session's segment end at exactly twenty more."""

        def seed(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            tx.workspaces.save_project(samples.PROJECT)
            tx.sessions.add(samples.session(segment=1))

        def raise_segment(tx: Transaction) -> None:
            session = tx.sessions.lock("s_1")
            assert session is not None
            execute(tx, "SELECT pg_sleep(0.005)")
            tx.sessions.save(replace(session, segment=session.segment + 1))

        await postgres_store.write(seed)
        await asyncio.gather(*(postgres_store.write(raise_segment) for _ in range(20)))
        session = await postgres_store.read(lambda tx: tx.sessions.find("s_1"))
        assert session is not None
        assert session.segment == 21

    async def test_records_do_not_wait_for_a_locked_session(self, postgres_store: Database) -> None:
        """While one transaction holds a session's lock, another may add records that refer to it."""

        def seed(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            tx.sessions.add(samples.session(project_id=None))

        await postgres_store.write(seed)
        added = asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold(tx: Transaction) -> None:
            tx.sessions.lock("s_1")
            loop.create_task(_add_round(postgres_store, added))  # noqa: RUF006 - ends before the unit does
            for _ in range(200):
                execute(tx, "SELECT pg_sleep(0.01)")
                if added.is_set():
                    return

        await postgres_store.write(hold)
        assert added.is_set()

    async def test_a_deadlock_is_run_again(self, postgres_store: Database) -> None:
        """Units that lock in opposite orders all end, because the loser runs again."""

        def seed(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            tx.sessions.add(samples.session("s_1", project_id=None))
            tx.sessions.add(samples.session("s_2", project_id=None))

        def lock_both(first: str, second: str) -> "LockBoth":
            return LockBoth(first, second)

        await postgres_store.write(seed)
        works = [lock_both("s_1", "s_2"), lock_both("s_2", "s_1")]
        await asyncio.gather(*(postgres_store.write(work) for work in works))
        assert postgres_store.stats.retries == 1

    async def test_a_lost_connection_is_replaced(self, postgres_store: Database, postgres_url: str) -> None:
        """A unit whose connection was cut before its commit runs again on a new one."""
        await postgres_store.write(save(WORKSPACE))
        other = Database.from_url(postgres_url)
        await other.write(
            lambda tx: execute(
                tx,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        )
        await other.aclose()
        assert await names(postgres_store) == {WORKSPACE.id}

    async def test_a_read_sees_one_moment(self, postgres_store: Database, postgres_url: str) -> None:
        """Two statements of one read see the same state, whatever is committed between them."""
        other = Database.from_url(postgres_url)
        loop = asyncio.get_running_loop()
        written = asyncio.Event()

        def twice(tx: Transaction) -> tuple[int, int]:
            before = len(tx.workspaces.list_all())
            loop.create_task(_write(other, written))  # noqa: RUF006 - ends before the unit does
            while not written.is_set():
                execute(tx, "SELECT pg_sleep(0.005)")
            return before, len(tx.workspaces.list_all())

        assert await postgres_store.read(twice) == (0, 0)
        assert await names(postgres_store) == {WORKSPACE.id}
        await other.aclose()


class LockBoth:
    """Locks one session, gives another unit time to lock the other, then asks for that one."""

    def __init__(self, first: str, second: str) -> None:
        self._order = (first, second)

    def __call__(self, tx: Transaction) -> None:
        tx.sessions.lock(self._order[0])
        execute(tx, "SELECT pg_sleep(0.05)")
        tx.sessions.lock(self._order[1])


async def _add_round(database: Database, added: asyncio.Event) -> None:
    await database.write(lambda tx: tx.sessions.save_round(samples.round_(started_at=NOW)))
    added.set()


async def _write(database: Database, written: asyncio.Event) -> None:
    await database.write(save(WORKSPACE))
    written.set()
