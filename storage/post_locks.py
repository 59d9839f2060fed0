"""Who may post for a session: locks between processes that end with the process that holds them.

They exclude other processes, and others of these objects; within one process `core.orchestration.posting.Poster` takes
turns by itself. Why not a claim in the row: docs/decisions/0105.
"""

import asyncio
import fcntl
import os
from collections import Counter
from pathlib import Path
from typing import Protocol
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from core.orchestration.ports import PostLocks
from storage import urls
from storage.work import translate

_STRIPES = 16
_ADVISORY_NAMESPACE = 7_283_545  # any number that no other advisory lock of ours uses
_SIGNED = 1 << 31  # PostgreSQL: the two keys of an advisory lock are signed, a checksum is not
_LOCK = sa.text("SELECT pg_try_advisory_lock(:namespace, :number)")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(:namespace, :number)")


class ClosablePostLocks(PostLocks, Protocol):
    """Locks that hold something open."""

    async def aclose(self) -> None:
        """Give everything back."""
        ...


def post_locks(url: str) -> ClosablePostLocks | None:
    """Return the locks of the installation whose database is at *url*, None for one that only this process has."""
    parsed = urls.parse(url)
    if urls.is_memory(parsed):
        return None
    return FilePostLocks(urls.database_file(parsed).parent) if urls.is_sqlite(parsed) else AdvisoryPostLocks(parsed)


class FilePostLocks:
    """See `core.orchestration.ports.PostLocks`: ``flock`` on a few files beside a SQLite database.

    Sessions share a file by their checksum, so a process may wait for another's session; posts are sent in moments.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, int] = {}
        self._holders: Counter[int] = Counter()

    async def take(self, session_id: str) -> bool:
        stripe = crc32(session_id.encode()) % _STRIPES
        if stripe not in self._open:
            path = self._folder / f"posting-{stripe}.lock"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
            self._open[stripe] = descriptor
        self._holders[stripe] += 1
        return True

    async def give(self, session_id: str) -> None:
        stripe = crc32(session_id.encode()) % _STRIPES
        self._holders[stripe] -= 1
        if self._holders[stripe] == 0:
            # The file stays: deleting it would let two processes lock two files of one name.
            os.close(self._open.pop(stripe))

    async def aclose(self) -> None:
        """Give everything back."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        self._holders.clear()


class AdvisoryPostLocks:
    """See `core.orchestration.ports.PostLocks`: session-level advisory locks, all on one connection of their own.

    Without the connection PostgreSQL gives the locks to others. Who was sending at that moment goes on, and whoever
    comes next looks on the platform before it sends, as after a crash.
    """

    def __init__(self, url: sa.URL) -> None:
        self._engine: AsyncEngine = create_async_engine(
            urls.asynchronous(url),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"server_settings": {"application_name": "atelier-posting"}},
        )
        self._connection: AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def take(self, session_id: str) -> bool:
        taking = asyncio.ensure_future(self._take(session_id))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # Nobody would give back what is taken after the caller has gone.
            await asyncio.wait([taking])
            if taking.exception() is None and taking.result():
                await self.give(session_id)
            raise

    async def _take(self, session_id: str) -> bool:
        async with self._one_at_a_time:
            try:
                return bool(await self._ask(_LOCK, session_id))
            except (sa.exc.DBAPIError, OSError):
                await self._drop()
            try:
                return bool(await self._ask(_LOCK, session_id))
            except (sa.exc.DBAPIError, OSError) as error:
                await self._drop()
                raise translate(error) from error

    async def give(self, session_id: str) -> None:
        async with self._one_at_a_time:
            try:
                await self._ask(_UNLOCK, session_id)
            except (sa.exc.DBAPIError, OSError):
                await self._drop()  # and the lock with it

    async def aclose(self) -> None:
        """Give everything back."""
        async with self._one_at_a_time:
            await self._drop()
        await self._engine.dispose()

    async def _ask(self, question: sa.TextClause, session_id: str) -> object:
        if self._connection is None:
            self._connection = await self._engine.connect()
        checksum = crc32(session_id.encode())
        number = checksum - 2 * _SIGNED if checksum >= _SIGNED else checksum
        return (
            await self._connection.execute(question, {"namespace": _ADVISORY_NAMESPACE, "number": number})
        ).scalar_one()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()
