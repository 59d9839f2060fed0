"""The store: runs the core's units of work on SQLite or PostgreSQL."""

from typing import Self

import sqlalchemy as sa

from core.sessions.ports import Transaction
from storage import urls
from storage.models import metadata
from storage.sqlite import SqliteBackend
from storage.unit_of_work import UnitOfWork
from storage.work import Backend, Stats, T, Work

_POOL_SIZE = 10
_READERS = 2


class Database:
    """See `core.sessions.ports.Store`.

    A caller that is cancelled leaves its unit of work: it is then committed whole or not at all, and on SQLite not
    begun any more if it was still waiting.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @classmethod
    def from_url(cls, url: str | sa.URL, *, pool_size: int = _POOL_SIZE, readers: int = _READERS) -> Self:
        """Return the database at *url*; nothing is connected before the first unit of work.

        Args:
            url: ``sqlite+aiosqlite:///./atelier.db``, ``sqlite:///:memory:``, ``postgresql+asyncpg://user@host/name``.
            pool_size: Connections that PostgreSQL's pool keeps; it opens twice as many under load.
            readers: Threads that read from SQLite beside the writer.

        Raises:
            ValueError: If *url* names another kind of database.
        """
        parsed = urls.parse(url)
        if urls.is_sqlite(parsed):
            return cls(SqliteBackend(parsed, readers=readers))
        # asyncpg and the asynchronous half of SQLAlchemy are imported by those who use them
        from storage.postgres import PostgresBackend  # noqa: PLC0415

        return cls(PostgresBackend(parsed, pool_size=pool_size))

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._backend.dialect

    @property
    def stats(self) -> Stats:
        """Counters since the start."""
        return self._backend.stats

    async def write(self, work: Work[T]) -> T:
        return await self._backend.write(work)

    async def read(self, work: Work[T]) -> T:
        return await self._backend.read(work)

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseUnavailable: If it gives none.
        """
        await self.read(_ping)

    async def create_schema(self) -> None:
        """Create every table at once: for a database in memory, which no migration can reach."""
        await self.write(_create_all)

    async def aclose(self) -> None:
        """Finish what was begun and let go of the database. Work that comes later raises `DatabaseClosed`."""
        await self._backend.aclose()


def connection_of(transaction: Transaction) -> sa.Connection:
    """Return the connection that a unit of work of this store runs on, for statements of `storage` itself."""
    if not isinstance(transaction, UnitOfWork):
        raise TypeError(transaction)
    return transaction.connection


def _ping(transaction: Transaction) -> None:
    connection_of(transaction).execute(sa.select(1))


def _create_all(transaction: Transaction) -> None:
    metadata.create_all(connection_of(transaction))
