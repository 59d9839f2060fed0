"""What the scheduler's ticks do, on whichever worker takes them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from bots.scheduler import logged
from core.billing.retention import Retention
from core.clock import Clock
from core.credits.service import Ledger
from core.orchestration.posting import Poster
from core.sessions.model import WORKING
from core.sessions.ports import Store, Transaction
from core.sessions.service import SessionService

_INBOUND_DAYS = 7
_ENGINE_DAYS = 7
_POST_PATIENCE_MINUTES = 2


class Forgetful(Protocol):
    """What can forget; `core.orchestration.engine.DbosEngine` is one."""

    async def delete_finished(self, before: datetime) -> int:
        """Delete what is remembered of workflows that ended before a moment; return how many."""
        ...


class Sweeping(Protocol):
    """What can catch up and forget; `bots.desk.inbox.Inbox` is one."""

    async def sweep(self) -> int:
        """Do what was left behind; return how much."""
        ...

    async def forget(self, before: datetime) -> int:
        """Delete what came before a moment, with all that was put aside for it; return how much."""
        ...


def make_jobs(
    *,
    store: Store,
    sessions: SessionService,
    ledger: Ledger,
    poster: Poster,
    engine: Forgetful,
    clock: Clock,
    retention: Retention,
    inbox: Sweeping | None = None,
) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return what the scheduler's ticks do; see `bots.scheduler.SCHEDULES`. Without *inbox* no platform is reached."""

    async def requests() -> int:
        return await inbox.sweep() if inbox is not None else 0

    async def expire() -> int:
        expired = await store.write(lambda tx: ledger.expire_due(tx.credits))
        return len(expired.holds)

    async def posts() -> int:
        """Send what was left behind; a session that works is its worker's, who may be sending this very moment.

        Where the app was removed it waits until that is there again.
        """
        before = clock.now() - timedelta(minutes=_POST_PATIENCE_MINUTES)

        def left_behind(tx: Transaction) -> list[str]:
            found = dict.fromkeys(row.session_id for row in tx.outbox.list_open() if row.created_at < before)
            sessions = (tx.sessions.find(session_id) for session_id in found)
            idle = [one for one in sessions if one is not None and one.status not in WORKING]
            away = {name for name in {one.workspace_id for one in idle} if _is_away(tx, name)}
            return [one.id for one in idle if one.workspace_id not in away]

        waiting = await store.read(left_behind)
        for session_id in waiting:
            await poster.flush(session_id)
        return len(waiting)

    async def engine_cleanup() -> int:
        return await engine.delete_finished(clock.now() - timedelta(days=_ENGINE_DAYS))

    async def inbound_cleanup() -> int:
        before = clock.now() - timedelta(days=_INBOUND_DAYS)
        requests = await inbox.forget(before) if inbox is not None else 0
        return requests + await store.write(
            lambda tx: (
                tx.inbound.delete_before(before) + tx.inbox.delete_before(before) + tx.rations.delete_before(before)
            )
        )

    return logged(
        {
            "sweep": sessions.sweep,
            "requests": requests,
            "expire": expire,
            "posts": posts,
            "engine_cleanup": engine_cleanup,
            "inbound_cleanup": inbound_cleanup,
            "retention": retention.run,
        }
    )


def _is_away(tx: Transaction, workspace_id: str) -> bool:
    workspace = tx.workspaces.find(workspace_id)
    return workspace is not None and workspace.removed_at is not None
