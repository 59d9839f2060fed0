"""What nobody asked for again, and what waits for its time: looked for now and then."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import structlog

from core.clock import Clock
from core.errors import ConflictError, UserFacingError
from core.sessions.admission import Admission
from core.sessions.model import Desired, ParkReason, Session, Status
from core.sessions.ports import Engine, Store, Transaction

_log = structlog.get_logger(__name__)
_MOST = 500


class Verbs(Protocol):
    """What a sweeper does to sessions; `core.sessions.service.SessionService` is one."""

    async def resume(self, session_id: str, *, actor: str) -> Session: ...
    async def stop(self, session_id: str, *, actor: str) -> Session: ...


class Sweeper:
    """Asks the engine again for what was lost between a commit and its enqueue, and wakes what is due."""

    def __init__(self, *, store: Store, admission: Admission, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._admission = admission
        self._engine = engine
        self._clock = clock

    async def sweep(self, verbs: Verbs) -> int:
        """Sweep once; return how many sessions were looked after.

        A session that waited for credits goes on when there are some, and is stopped when it waited too long.
        """
        lost, payable, due = await self._store.read(self._find)
        for session in lost:
            await self._engine.enqueue(session.id, session.segment)
        for session in payable:
            await _quietly(verbs.resume(session.id, actor="system"))
        resumed = {session.id for session in payable}
        for session in due:
            if session.id not in resumed:
                verb = verbs.stop if session.park_reason is ParkReason.BALANCE else verbs.resume
                await _quietly(verb(session.id, actor="system"))
        return len(lost) + len(payable) + len(due)

    def _find(self, tx: Transaction) -> tuple[Sequence[Session], Sequence[Session], Sequence[Session]]:
        queued = tx.sessions.list_sessions(statuses=[Status.QUEUED], limit=_MOST)
        stopping = tx.sessions.list_sessions(statuses=[Status.RUNNING, Status.PAUSING], limit=_MOST)
        waiting = tx.sessions.list_sessions(statuses=[Status.WAITING], limit=_MOST)
        lost = [*queued, *(item for item in stopping if item.desired is Desired.STOP)]
        payable = [
            item for item in waiting if item.park_reason is ParkReason.BALANCE and self._admission.can_pay(tx, item)
        ]
        return lost, payable, tx.sessions.list_due(self._clock.now())


async def _quietly(verb: Awaitable[Session]) -> None:
    """Await *verb*; what somebody else did first, or what may still not be, must not keep the others from their turn."""
    try:
        await verb
    except (ConflictError, UserFacingError) as error:
        _log.debug("sweep_skipped", error=type(error).__name__)
