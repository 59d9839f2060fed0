"""SQLite: one thread writes for everybody and commits many units of work at once; a few threads read.

Why threads of our own: aiosqlite costs a hop between threads a statement, a pool of writers costs SQLITE_BUSY, and a
commit that waits for the disk costs the same for one unit as for sixty-four.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.pool import NullPool

from storage import urls
from storage.errors import DatabaseClosed
from storage.unit_of_work import UnitOfWork
from storage.work import Stats, T, Work, translate

_log = structlog.get_logger(__name__)
_BATCH = 64
_READ_BATCH = 8
_BUSY_MILLISECONDS = 30_000  # other processes write too: the command line, another role
_WAL_LIMIT_BYTES = 64 * 1024 * 1024
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # the ledger survives a power cut; grouping pays for it
    f"busy_timeout={_BUSY_MILLISECONDS}",
    "foreign_keys=ON",
    f"journal_size_limit={_WAL_LIMIT_BYTES}",
    "temp_store=MEMORY",
)


@dataclass(slots=True)
class _Unit:
    """A unit of work on its way through a lane."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def run(self, connection: sa.Connection) -> None:
        """Run the work and keep what came of it."""
        self.result = self.error = None
        try:
            self.result = self.work(UnitOfWork(connection))
        except StopIteration as error:  # a future cannot carry one
            self.error = RuntimeError("a unit of work raised StopIteration")
            self.error.__cause__ = error
        except BaseException as error:  # noqa: BLE001 - raised again in the caller, like any executor does
            self.error = error

    def finish(self) -> None:
        """Hand the outcome to the caller, on the caller's loop."""
        if self.future.done():
            if self.error is not None:
                _log.warning("unit_failed_without_caller", error=type(self.error).__name__)
        elif self.error is not None:
            self.future.set_exception(translate(self.error))
        else:
            self.future.set_result(self.result)


class _Lane:
    """One thread with one connection that works off one queue, several units a transaction."""

    def __init__(self, engine: sa.Engine, *, name: str, begin: str, batch: int, stats: Stats, is_writer: bool) -> None:
        self._engine = engine
        self._begin = begin
        self._batch = batch
        self._stats = stats
        self._is_writer = is_writer
        self._queue: SimpleQueue[_Unit | None] = SimpleQueue()
        self._closed = False
        # a daemon: a program that forgot to close still ends, and SQLite forgives an end at any moment
        self._thread = Thread(target=self._work_off, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """Return the result of *work* once its transaction has ended."""
        if self._closed:
            raise DatabaseClosed("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Unit(work, loop, future))
        return await future

    async def aclose(self) -> None:
        """Finish what is queued, then end the thread. May be called twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work_off(self) -> None:
        connection: sa.Connection | None = None
        last = False
        while not last:
            batch, last = self._take()
            live = [unit for unit in batch if not unit.future.cancelled()]
            if not live:
                continue
            try:
                connection = connection or self._connect()
            except sa.exc.SQLAlchemyError as error:
                for unit in live:
                    unit.error = error
            else:
                self._settle(connection, live)
            _deliver(live)
        if connection is not None:
            connection.close()

    def _take(self) -> tuple[list[_Unit], bool]:
        """Return the units that wait, at least one unless the lane ends, and whether it ends."""
        batch: list[_Unit] = []
        unit = self._queue.get()
        while unit is not None:
            batch.append(unit)
            if len(batch) == self._batch:
                return batch, False
            try:
                unit = self._queue.get_nowait()
            except Empty:
                return batch, False
        return batch, True

    def _connect(self) -> sa.Connection:
        # AUTOCOMMIT keeps SQLAlchemy out of it: the lane itself begins and commits
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not self._is_writer:
            _driver(connection).execute("PRAGMA query_only=ON")
        return connection

    def _settle(self, connection: sa.Connection, batch: Sequence[_Unit]) -> None:
        """Commit *batch* as one; what cannot be committed together is run again, each unit alone."""
        driver = _driver(connection)
        try:
            driver.execute(self._begin)
        except (
            sqlite3.Error
        ) as error:  # somebody else holds the file for too long: to ask again for each would be worse
            for unit in batch:
                unit.error = error
            self._stats.failed += len(batch)
            return
        try:
            self._commit(connection, driver, batch)
        except sqlite3.Error as error:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            if len(batch) == 1:
                batch[0].error = batch[0].error or error
                self._stats.failed += 1
                return
            self._stats.retries += len(batch)
            for unit in batch:
                self._settle(connection, [unit])

    def _commit(self, connection: sa.Connection, driver: sqlite3.Connection, batch: Sequence[_Unit]) -> None:
        failed = 0
        for unit in batch:
            driver.execute("SAVEPOINT unit")
            unit.run(connection)
            if unit.error is not None:
                failed += 1
                driver.execute("ROLLBACK TO unit")
            driver.execute("RELEASE unit")
        driver.execute("COMMIT")
        done = len(batch) - failed
        self._stats.failed += failed
        if self._is_writer:
            self._stats.commits += 1
            self._stats.units += done
        else:
            self._stats.reads += done


class SqliteBackend:
    """See `storage.database.Database`.

    Args:
        url: ``sqlite:///path``; without a path, or ``:memory:``, nothing is kept.
        readers: Threads that read beside the writer. A database in memory is read by its writer.
    """

    def __init__(self, url: sa.URL, *, readers: int) -> None:
        self.stats = Stats()
        self._engine = sqlite_engine(url)
        self._writer = self._lane("writer", "BEGIN IMMEDIATE", _BATCH, is_writer=True)
        count = 0 if urls.is_memory(url) else readers
        self._readers = [self._lane(f"reader-{n}", "BEGIN", _READ_BATCH, is_writer=False) for n in range(count)]
        self._turn = 0

    @property
    def dialect(self) -> str:
        return "sqlite"

    async def write(self, work: Work[T]) -> T:
        return await self._writer.run(work)

    async def read(self, work: Work[T]) -> T:
        if not self._readers:
            return await self._writer.run(work)
        self._turn = (self._turn + 1) % len(self._readers)
        return await self._readers[self._turn].run(work)

    async def aclose(self) -> None:
        for lane in (*self._readers, self._writer):
            await lane.aclose()
        self._engine.dispose()

    def _lane(self, name: str, begin: str, batch: int, *, is_writer: bool) -> _Lane:
        return _Lane(
            self._engine,
            name=f"atelier-{name}",
            begin=begin,
            batch=batch,
            stats=self.stats,
            is_writer=is_writer,
        )


def sqlite_engine(url: sa.URL) -> sa.Engine:
    """Return a synchronous engine whose connections have our pragmas; each thread makes its own connection."""
    engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(driver)
    return driver


def _deliver(units: Sequence[_Unit]) -> None:
    """Wake the callers, with one wake-up a loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Unit]] = {}
    for unit in units:
        by_loop.setdefault(unit.loop, []).append(unit)
    for loop, theirs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_finish_all, theirs)
        except RuntimeError:  # the loop is closed: nobody waits any more
            _log.warning("units_without_loop", units=len(theirs))


def _finish_all(units: Sequence[_Unit]) -> None:
    for unit in units:
        unit.finish()
