"""Signs of life of executors in one table, by the database's own clock, and the reaper of those that give none."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Self

import sqlalchemy as sa
import structlog

from core.clock import Clock, SystemClock
from core.errors import TransientError
from core.orchestration.slots import ListExecutors, OnLost, Recover
from core.sessions.ports import Transaction
from storage.database import Database, connection_of
from storage.models.operations import executor_heartbeats as beats
from storage.rows import DIALECTS

_log = structlog.get_logger(__name__)
_ALIVE = "alive"
_REAPING = "reaping"
# seconds since 1970 in both dialects; SQLite before 3.42 has no sub-second unixepoch()
_NOW: dict[str, sa.ColumnElement[float]] = {
    "sqlite": sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Double),
    "postgresql": sa.literal_column("extract(epoch FROM clock_timestamp())::float8", sa.Double),
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How often executors beat, and when one counts as dead.

    Attributes:
        beat_seconds: Between two beats.
        limit_seconds: Without a beat for so long, an executor is dead; after half of it, it gives up by itself.
    """

    beat_seconds: float = 3.0
    limit_seconds: float = 15.0

    @classmethod
    def on(cls, dialect: str) -> Self:
        """Return the pace on a kind of database.

        With SQLite all processes share one machine, and whoever starts again takes its own slot back at once. So nobody is
        in a hurry, and a machine that stands still for a while must not end its only worker.
        """
        return cls(limit_seconds=60.0) if dialect == "sqlite" else cls()


class DatabaseHeartbeat:
    """See `core.orchestration.slots.Heartbeat`.

    Args:
        database: Where the table is.
        executor_id: The slot that this process holds.
        pace: How often to beat.
        clock: Measures how long ago the last beat was.
    """

    def __init__(
        self, database: Database, executor_id: str, *, pace: Pace | None = None, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._id = executor_id
        self._pace = pace or Pace.on(database.dialect)
        self._clock = clock or SystemClock()
        self._last_beat = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ended = Event()

    async def start(self, on_lost: OnLost) -> None:
        while not await self._database.write(self._claim_own):
            await self._clock.sleep(self._pace.beat_seconds)
        self._last_beat = self._clock.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._beat(on_lost))
        # a thread, because a loop that hangs cannot notice that it hangs
        Thread(target=self._guard, args=(on_lost,), name="atelier-heartbeat", daemon=True).start()

    async def watch(self, recover: Recover, list_executors: ListExecutors | None = None) -> None:
        while True:
            try:
                if list_executors is not None:
                    await self._database.write(self._register(await list_executors()))
                await self._reap(recover)
            except Exception:  # noqa: BLE001 - whatever the engine raises, the next look may succeed
                _log.warning("reaper_failed", exc_info=True)
            await self._clock.sleep(self._pace.beat_seconds)

    async def resign(self) -> None:
        self._ended.set()
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        await self._database.write(self._backdate)

    async def _beat(self, on_lost: OnLost) -> None:
        while True:
            await self._clock.sleep(self._pace.beat_seconds)
            try:
                alive = await self._database.write(self._renew)
            except TransientError as error:
                _log.warning("heartbeat_missed", executor=self._id, error=str(error))
                continue
            if not alive:
                on_lost("declared_dead")
                return
            self._last_beat = self._clock.monotonic()

    def _guard(self, on_lost: OnLost) -> None:
        """Give up before the others take over: half the limit is left for a process to end."""
        patience = self._pace.limit_seconds / 2
        while not self._ended.wait(self._pace.beat_seconds / 2):
            if self._clock.monotonic() - self._last_beat > patience:
                self._ended.set()
                on_lost("heartbeat_missed")

    async def _reap(self, recover: Recover) -> None:
        dead = await self._database.write(self._claim_dead)
        if dead:
            sessions = await recover(dead)
            # a slot that was left in the middle of nothing is nobody's trouble
            (_log.warning if sessions else _log.info)("executors_taken_over", executors=dead, sessions=sessions)
            await self._database.write(self._bury(dead))

    # Units of work

    def _claim_own(self, tx: Transaction) -> bool:
        """Enter this executor as alive, unless somebody is just taking over from it (and is alive to do so)."""
        connection, now = _on(tx)
        values = {"beat_seconds": now, "state": _ALIVE, "claimed_by": ""}
        insert = DIALECTS[connection.dialect.name](beats).values(id=self._id, **values)
        free = sa.or_(beats.c.state == _ALIVE, beats.c.beat_seconds < now - self._pace.limit_seconds)
        statement = insert.on_conflict_do_update(index_elements=["id"], set_=values, where=free)
        return _changed(connection.execute(statement))

    def _renew(self, tx: Transaction) -> bool:
        connection, now = _on(tx)
        own = sa.and_(beats.c.id == self._id, beats.c.state == _ALIVE)
        return _changed(connection.execute(sa.update(beats).where(own).values(beat_seconds=now)))

    def _backdate(self, tx: Transaction) -> None:
        connection, _ = _on(tx)
        own = sa.and_(beats.c.id == self._id, beats.c.state == _ALIVE)
        connection.execute(sa.update(beats).where(own).values(beat_seconds=0))

    def _claim_dead(self, tx: Transaction) -> list[str]:
        """Mark the dead as being taken over, by one reaper; a reaper that dies over it is replaced after the limit."""
        connection, now = _on(tx)
        dead = sa.and_(beats.c.beat_seconds < now - self._pace.limit_seconds, beats.c.id != self._id)
        claim = sa.update(beats).where(dead).values(state=_REAPING, claimed_by=self._id, beat_seconds=now)
        return sorted(connection.execute(claim.returning(beats.c.id)).scalars())

    def _bury(self, dead: list[str]) -> Callable[[Transaction], None]:
        def work(tx: Transaction) -> None:
            ours = sa.and_(beats.c.id.in_(dead), beats.c.state == _REAPING, beats.c.claimed_by == self._id)
            _on(tx)[0].execute(sa.delete(beats).where(ours))

        return work

    def _register(self, executors: Any) -> Callable[[Transaction], None]:
        """Enter executors that the engine knows and this table does not, as dead as they are."""

        def work(tx: Transaction) -> None:
            connection, _ = _on(tx)
            insert = DIALECTS[connection.dialect.name](beats).on_conflict_do_nothing()
            rows = [{"id": name, "beat_seconds": 0, "state": _ALIVE, "claimed_by": ""} for name in executors]
            if rows:
                connection.execute(insert, rows)

        return work


def _on(tx: Transaction) -> tuple[sa.Connection, sa.ColumnElement[float]]:
    connection = connection_of(tx)
    return connection, _NOW[connection.dialect.name]


def _changed(result: sa.CursorResult[Any]) -> bool:
    return result.rowcount == 1
