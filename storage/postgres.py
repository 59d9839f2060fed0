"""PostgreSQL: a pool of asyncpg connections; units of work run on them as the same synchronous functions."""

import asyncio
import random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.clock import Clock, SystemClock
from storage import urls
from storage.errors import DatabaseClosed
from storage.unit_of_work import UnitOfWork
from storage.work import Stats, T, Work, sqlstate, translate

_LOST_RACES = frozenset({"40001", "40P01"})  # serialization failure, deadlock: both ask for another try
_TRIES = 6
_PAUSE_SECONDS = 0.02
_POOL_TIMEOUT_SECONDS = 30
_RECYCLE_SECONDS = 1_800
_SERVER_SETTINGS = {
    "application_name": "atelier",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",  # short statements pay for compiling and never earn it back
}


class PostgresBackend:
    """See `storage.database.Database`.

    A unit of work that has begun runs to its end in a task of its own: a cancelled caller leaves it, and what it did
    is whole or not at all.
    """

    def __init__(self, url: sa.URL, *, pool_size: int, clock: Clock | None = None) -> None:
        self.stats = Stats()
        self._clock = clock or SystemClock()
        self._engine = postgres_engine(url, pool_size=pool_size)
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    @property
    def dialect(self) -> str:
        return "postgresql"

    async def write(self, work: Work[T]) -> T:
        result = await self._run(self._engine, work)
        self.stats.units += 1
        self.stats.commits += 1
        return result

    async def read(self, work: Work[T]) -> T:
        result = await self._run(self._snapshots, work)
        self.stats.reads += 1
        return result

    async def aclose(self) -> None:
        self._closed = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._engine.dispose()

    async def _run(self, engine: AsyncEngine, work: Work[T]) -> T:
        if self._closed:
            raise DatabaseClosed("the database is closed")
        task = asyncio.get_running_loop().create_task(self._persist(engine, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _persist(self, engine: AsyncEngine, work: Work[T]) -> T:
        """Run *work* until it is committed, again after a lost race or a lost connection."""
        for attempt in range(1, _TRIES + 1):
            committing = False
            try:
                async with engine.connect() as connection:
                    await connection.begin()  # `storage.statements` goes past what would begin by itself
                    result = await connection.run_sync(_call, work)
                    committing = True
                    await connection.commit()
                    return result
            except (sa.exc.SQLAlchemyError, OSError) as error:
                if attempt == _TRIES or not _may_run_again(error, committing=committing):
                    self.stats.failed += 1
                    translated = translate(error)
                    if translated is error:
                        raise
                    raise translated from error
            except BaseException:
                self.stats.failed += 1
                raise
            self.stats.retries += 1
            await self._clock.sleep(_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - jitter
        raise AssertionError("unreachable: the last attempt raises")


def postgres_engine(url: sa.URL, *, pool_size: int) -> AsyncEngine:
    """Return the pool. JSON passes through as text: `storage.types.Json` does the work."""
    return create_async_engine(
        urls.asynchronous(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        pool_recycle=_RECYCLE_SECONDS,
        hide_parameters=True,  # errors are logged, and a parameter may be document text
        json_serializer=str,
        json_deserializer=str,
        connect_args={"server_settings": _SERVER_SETTINGS},
    )


def _call(connection: sa.Connection, work: Work[T]) -> T:
    return work(UnitOfWork(connection))


def _may_run_again(error: BaseException, *, committing: bool) -> bool:
    """Return whether the transaction certainly left no trace, so that its unit may run again."""
    if sqlstate(error) in _LOST_RACES:
        return True
    lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    return lost and not committing
