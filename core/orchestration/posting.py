"""The outbox: a post is meant in the transaction that makes it true, sent afterwards, and sent once.

One process at a time posts for a session (`PostLocks`), and each row is read again once it may: docs/decisions/0105.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from core.clock import Clock
from core.ids import derived_key
from core.money import Unit
from core.orchestration.delivery import Delivery, count_changes
from core.orchestration.ports import ChatPort, PostKind, PostLocks, Snapshot
from core.orchestration.snapshot import PriceNext, read_snapshot
from core.sessions.model import Session
from core.sessions.ports import OutboxRow, OutboxState, Store, Transaction

_log = structlog.get_logger(__name__)
PARKED = "parked"
"""The code of the notice that a session waits."""
_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.1
# Posts that were meant in one transaction share their moment; this is the order in which people read them.
_ORDER = tuple(
    kind.value
    for kind in (
        PostKind.SESSION_CARD,
        PostKind.ROUND_CARD,
        PostKind.TURN,
        PostKind.DRAFT,
        PostKind.NOTICE,
        PostKind.RESULT,
        PostKind.RECEIPT,
    )
)


def post_key(
    session_id: str, kind: PostKind, *, round_number: int | None = None, role_key: str = "", name: str = ""
) -> str:
    """Return the key of the one post that says this about a session."""
    return derived_key(session_id, kind.value, "" if round_number is None else round_number, role_key, name)


def receipt_name(session: Session) -> str:
    """Return what tells the result and the receipt of this end from those of earlier ones."""
    return f"end{session.segment}"


def receipt_key(session: Session) -> str:
    """Return the key of this end's receipt."""
    return post_key(session.id, PostKind.RECEIPT, name=receipt_name(session))


def is_closed(tx: Transaction, session: Session) -> bool:
    """Return whether this segment's end was written: its receipt was meant in the same transaction."""
    return tx.outbox.find(receipt_key(session)) is not None


def intend(
    tx: Transaction,
    session: Session,
    kind: PostKind,
    *,
    now: datetime,
    round_number: int | None = None,
    role_key: str = "",
    name: str = "",
    **facts: Any,
) -> str:
    """Mean a post, once: a repeat does nothing. Return its key.

    *name* tells posts of one kind apart (``parked2``); *facts* is what `content_of` reads besides: ``code``,
    ``facts``, ``mention``, ``file_ids``; ``channel`` for a post that goes to another place than the session's thread. The row counts one try from the start, so that whoever finds it after a crash
    looks on the platform before sending; the caller passes the key to `Poster.flush` as fresh, and no look-up is made.
    """
    key = post_key(session.id, kind, round_number=round_number, role_key=role_key, name=name)
    facts |= {"round": round_number, "role_key": role_key}
    tx.outbox.add(OutboxRow(key=key, session_id=session.id, kind=kind.value, created_at=now, facts=facts, attempts=1))
    return key


def freshen(tx: Transaction, session_id: str, kinds: Iterable[PostKind], *, round_number: int | None = None) -> None:
    """Mark posts as no longer true, so that a flush edits them; the caller holds the session's lock.

    With *round_number*, posts about other rounds are left alone.

    What is being sent this very moment counts the change: whoever sends it finds that it must be edited once more.
    """
    wanted = {kind.value for kind in kinds}
    for row in tx.outbox.list_session(session_id):
        about = row.facts.get("round")
        elsewhere = about is not None and round_number not in {None, about}
        if row.kind not in wanted or row.state is OutboxState.REFUSED or elsewhere:
            continue
        _mark_changed(tx, row)


def freshen_waits(tx: Transaction, session_id: str) -> None:
    """Mark each notice that the session waits as no longer true, once; see `freshen`.

    For whoever lets it go on or end: what could be pressed on the notice leads nowhere any more.
    """
    for row in tx.outbox.list_session(session_id):
        if row.facts.get("code") == PARKED and row.state is not OutboxState.REFUSED and not count_changes(row):
            _mark_changed(tx, row)


def _mark_changed(tx: Transaction, row: OutboxRow) -> None:
    state = OutboxState.STALE if row.state is OutboxState.SENT else row.state
    tx.outbox.save(replace(row, state=state, facts={**row.facts, "changes": count_changes(row) + 1}))


class Poster:
    """Sends what the outbox holds, in order, one session at a time.

    Args:
        locks: What keeps other processes from posting for the same session; None where there are none.
        unit: In which unit people see amounts.
        price_next: Prices what a session may go on with; None where posts name no such price.
    """

    def __init__(
        self,
        *,
        store: Store,
        chats: Mapping[str, ChatPort],
        clock: Clock,
        locks: PostLocks | None = None,
        unit: Unit = Unit.CREDITS,
        price_next: PriceNext | None = None,
    ) -> None:
        self._store = store
        self._chats = chats
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}
        self._locks = locks
        self._unit = unit
        self._price_next = price_next
        self.unknown = 0

    def chat(self, platform: str) -> ChatPort | None:
        """Return the adapter of *platform*, None when this process cannot post there."""
        return self._chats.get(platform)

    async def flush(self, session_id: str, *, fresh: frozenset[str] = frozenset()) -> bool:
        """Send or edit every open post of a session, oldest first; return whether nothing is left open.

        A post that cannot be sent now keeps its place and holds back the later ones: order in a thread matters more
        than speed. Never raises for a platform's sake: a post must not fail a turn. While another process posts for the
        session this one waits, and after a while leaves its posts to the next flush.
        """
        turn = self._turns.setdefault(session_id, asyncio.Lock())
        try:
            async with turn:
                if not fresh and not await self._store.read(lambda tx: tx.outbox.list_open(session_id=session_id)):
                    return True
                if not await self._take(session_id):
                    _log.warning("posts_left", session=session_id)
                    return False
                try:
                    return await self._flush(session_id, fresh)
                finally:
                    if self._locks is not None:
                        await asyncio.shield(self._locks.give(session_id))
        finally:
            if not turn.locked():
                self._turns.pop(session_id, None)

    async def _take(self, session_id: str) -> bool:
        """Return whether this process may post now, having waited for its turn."""
        if self._locks is None:
            return True
        deadline = self._clock.monotonic() + _PATIENCE_SECONDS
        while not await self._locks.take(session_id):
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(_POLL_SECONDS)
        return True

    async def _flush(self, session_id: str, fresh: frozenset[str]) -> bool:
        """Send until nothing is open: what changed while it was being sent is open again."""
        while True:
            rows, snapshot = await self._store.read(lambda tx: self._look(tx, session_id))
            if snapshot is None:
                return True
            chat = self._chats.get(snapshot.session.thread.platform)
            if chat is None:
                return False
            delivery = Delivery(store=self._store, clock=self._clock, chat=chat, snapshot=snapshot)
            for row in rows:
                # More than one try means that somebody else began to send it, however fresh it is here.
                settled = await delivery.deliver(row, again=row.key not in fresh or row.attempts > 1)
                if not settled:
                    await delivery.settle()
                    self.unknown += delivery.unknown
                    return False
            if not await delivery.settle():
                return True

    def _look(self, tx: Transaction, session_id: str) -> tuple[list[OutboxRow], Snapshot | None]:
        """Return the open posts in the order in which people read them, and what they say; None where none is open."""
        found = tx.outbox.list_open(session_id=session_id)
        rows = sorted(found, key=lambda row: (row.created_at, _ORDER.index(row.kind)))
        if not rows:
            return rows, None
        return rows, read_snapshot(tx, session_id, self._unit, price_next=self._price_next)
