"""What durable execution needs of the machine below it: an engine for DBOS on SQLite, and executor slots."""

import fcntl
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from core.orchestration.slots import ExecutorSlot, ExecutorSlots, NoFreeSlot, OnLost
from storage import urls

_ENGINE_CONNECTIONS = 8
_HAS_SUBSECONDS = (3, 42)  # SQLite: unixepoch('subsec')
_FILE_SLOTS = 64
_ADVISORY_SLOTS = 1_024
_ADVISORY_NAMESPACE = 7_283_544  # any number that no other advisory lock of ours uses
_KEEPALIVE = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
_TRY_LOCK = sa.text("SELECT pg_try_advisory_lock(:namespace, :number)")


def sqlite_engine(url: str) -> sa.Engine | None:
    """Return the engine that DBOS shall use for *url*, or None where its own is right (PostgreSQL).

    DBOS's own engine for SQLite never sets WAL, and fails on SQLite before 3.42 (Debian 12 has 3.40), where
    ``unixepoch('subsec')`` does not exist. Commits are not forced to the disk: what a power cut takes from this
    database is healed by the turns that the application's own database kept.
    """
    parsed = urls.parse(url)
    if not urls.is_sqlite(parsed):
        return None
    engine = sa.create_engine(parsed, pool_size=_ENGINE_CONNECTIONS, max_overflow=0)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        if sqlite3.sqlite_version_info < _HAS_SUBSECONDS:
            connection.create_function("unixepoch", 1, lambda unit: time.time() if unit == "subsec" else None)

    return engine


def executor_slots(url: str) -> ExecutorSlots:
    """Return the slots of the installation whose database is at *url*."""
    parsed = urls.parse(url)
    return FileSlots(urls.database_file(parsed).parent) if urls.is_sqlite(parsed) else AdvisorySlots(parsed)


class FileSlots:
    """Slots as locked files ``executor-0.lock`` ... in the folder of a SQLite database.

    See `core.orchestration.slots.ExecutorSlots`. The kernel drops the lock with the process, at kill -9 too. The
    descriptor is not inherited by programs that are started, so no child keeps a dead parent's slot.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def take(self, on_lost: OnLost) -> ExecutorSlot:  # noqa: ARG002 - a file lock cannot be lost
        for number in range(_FILE_SLOTS):
            descriptor = os.open(self._folder / f"executor-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
            else:
                return _FileSlot(_slot_id(number), descriptor)
        raise NoFreeSlot(f"all {_FILE_SLOTS} executor slots in {self._folder} are held")


@dataclass(slots=True)
class _FileSlot:
    id: str
    _descriptor: int | None

    async def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)  # the file stays: deleting it would let two processes lock two files of one name
            self._descriptor = None


class AdvisorySlots:
    """Slots as session-level advisory locks of PostgreSQL, each on a connection of its own.

    See `core.orchestration.slots.ExecutorSlots`. The connection must reach the server directly: a pooler that lends
    connections for single transactions would lend the lock too.
    """

    def __init__(self, url: sa.URL) -> None:
        self._url = urls.asynchronous(url)

    async def take(self, on_lost: OnLost) -> ExecutorSlot:
        engine = create_async_engine(
            self._url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={"server_settings": {"application_name": "atelier-slot", **_KEEPALIVE}},
        )
        connection = await engine.connect()
        for number in range(_ADVISORY_SLOTS):
            parameters = {"namespace": _ADVISORY_NAMESPACE, "number": number}
            if (await connection.execute(_TRY_LOCK, parameters)).scalar_one():
                slot = _AdvisorySlot(_slot_id(number), engine, connection, on_lost)
                await slot.guard()
                return slot
        await connection.close()
        await engine.dispose()
        raise NoFreeSlot(f"all {_ADVISORY_SLOTS} executor slots are held")


class _AdvisorySlot:
    def __init__(self, slot_id: str, engine: AsyncEngine, connection: AsyncConnection, on_lost: OnLost) -> None:
        self.id = slot_id
        self._engine = engine
        self._connection: AsyncConnection | None = connection
        self._on_lost = on_lost

    async def guard(self) -> None:
        """Tell when the connection, and the lock with it, goes without being released."""
        assert self._connection is not None  # noqa: S101 - just made
        driver: Any = (await self._connection.get_raw_connection()).driver_connection
        driver.add_termination_listener(self._connection_ended)

    async def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
            await self._engine.dispose()

    def _connection_ended(self, _driver: object) -> None:
        if self._connection is not None:
            self._on_lost("slot_lost")


def _slot_id(number: int) -> str:
    return f"slot-{number}"
