"""The outbox: a post is meant in the transaction that makes it true, sent afterwards, and sent once.

One process at a time posts for a session (`PostLocks`), and each row is read again once it may: docs/decisions/0105.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from core.clock import Clock
from core.errors import TransientError
from core.ids import derived_key
from core.money import Unit
from core.orchestration.ports import (
    ChatPort,
    Content,
    HistoryUnreadable,
    Part,
    PostKind,
    PostLocks,
    PostRefused,
    PostUncertain,
    Snapshot,
)
from core.orchestration.snapshot import read_snapshot
from core.sessions.model import Session, ThreadRef
from core.sessions.ports import OutboxRow, OutboxState, Store, Transaction

_log = structlog.get_logger(__name__)
_TRIES = 4
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
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

    What is being sent this very moment counts the change: whoever sends it finds that it must be edited once more.
    """
    wanted = {kind.value for kind in kinds}
    for row in tx.outbox.list_session(session_id):
        about = row.facts.get("round")
        if row.kind not in wanted or row.state is OutboxState.REFUSED or round_number not in {None, about}:
            continue
        state = OutboxState.STALE if row.state is OutboxState.SENT else row.state
        tx.outbox.save(replace(row, state=state, facts={**row.facts, "changes": _changes(row) + 1}))


class Poster:
    """Sends what the outbox holds, in order, one session at a time.

    Args:
        locks: What keeps other processes from posting for the same session; None where there are none.
        unit: In which unit people see amounts.
    """

    def __init__(
        self,
        *,
        store: Store,
        chats: Mapping[str, ChatPort],
        clock: Clock,
        locks: PostLocks | None = None,
        unit: Unit = Unit.CREDITS,
    ) -> None:
        self._store = store
        self._chats = chats
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}
        self._locks = locks
        self._unit = unit
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
                if not fresh and not await self._open_rows(session_id):
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

    async def _open_rows(self, session_id: str) -> list[OutboxRow]:
        found = await self._store.read(lambda tx: tuple(tx.outbox.list_open(session_id=session_id)))
        return sorted(found, key=lambda row: (row.created_at, _ORDER.index(row.kind)))

    async def _flush(self, session_id: str, fresh: frozenset[str]) -> bool:
        """Send until nothing is open: what changed while it was being sent is open again."""
        while rows := await self._open_rows(session_id):
            if not await self._send_all(session_id, rows, fresh):
                return False
        return True

    async def _send_all(self, session_id: str, rows: Sequence[OutboxRow], fresh: frozenset[str]) -> bool:
        snapshot = await self._store.read(lambda tx: read_snapshot(tx, session_id, self._unit))
        chat = self._chats.get(snapshot.session.thread.platform)
        if chat is None:
            return False
        for row in rows:
            # More than one try means that somebody else began to send it, however fresh it is here.
            again = row.key not in fresh or row.attempts > 1
            snapshot, done = await self._deliver(chat, snapshot, row, again=again)
            if not done:
                return False
        return True

    async def _deliver(
        self, chat: ChatPort, snapshot: Snapshot, row: OutboxRow, *, again: bool
    ) -> tuple[Snapshot, bool]:
        """Deliver one row; return the snapshot (its thread may be new) and whether the row is settled."""
        wait = _FIRST_WAIT_SECONDS
        for attempt in range(_TRIES):
            try:
                return await self._try(chat, snapshot, row, again=again or attempt > 0), True
            except PostRefused as error:
                _log.warning("post_refused", session=row.session_id, key=row.key, kind=row.kind, reason=error.reason)
                await self._save(replace(row, state=OutboxState.REFUSED))
                return snapshot, True
            except (HistoryUnreadable, PostUncertain) as error:
                if attempt == _TRIES - 1:
                    self.unknown += 1
                    _log.warning("post_unknown", session=row.session_id, key=row.key, kind=row.kind)
                    await self._save(replace(row, state=OutboxState.UNKNOWN))
                    return snapshot, False
                pause = error.retry_after_seconds
            except TransientError as error:
                if attempt == _TRIES - 1:
                    _log.warning("post_delayed", session=row.session_id, key=row.key, kind=row.kind, error=str(error))
                    return snapshot, False
                pause = error.retry_after_seconds
            row = await self._reload(row)
            await self._clock.sleep(min(pause if pause is not None else wait, _LONGEST_WAIT_SECONDS))
            wait *= 2
        return snapshot, False

    async def _try(self, chat: ChatPort, snapshot: Snapshot, row: OutboxRow, *, again: bool) -> Snapshot:
        parts = _render(chat, row, snapshot)
        if row.state is OutboxState.STALE:
            return await self._edit(chat, snapshot, row, parts)
        return await self._send(chat, snapshot, row, parts, again=again)

    async def _send(
        self, chat: ChatPort, snapshot: Snapshot, row: OutboxRow, parts: Sequence[Part], *, again: bool
    ) -> Snapshot:
        """Send the parts that were not sent yet, looking up the one that an earlier try may have sent."""
        sent: list[str] = list(row.facts.get("sent", ()))
        thread = _place(row, snapshot)
        if again:
            row = replace(row, attempts=row.attempts + 1)
            await self._save(row)
        for number, part in enumerate(parts):
            if number < len(sent):
                continue
            key = row.key if number == 0 else derived_key(row.key, number)
            if row.kind == PostKind.SESSION_CARD and number == 0:
                since = row.created_at if again else None
                thread = await chat.open_thread(snapshot.session, part, key=key, since=since)
                snapshot = await self._moved(snapshot, thread)
                post_id: str | None = thread.card
            else:
                post_id = await chat.find(thread, key, row.created_at) if again else None
                if post_id is None:
                    post_id = await chat.send(thread, part, key=key)
            sent.append(post_id or "")
            last = number == len(parts) - 1
            row = replace(
                row,
                facts={**row.facts, "sent": list(sent)},
                post_id=sent[0],
                state=OutboxState.SENT if last else row.state,
            )
            await self._save(row)
        return snapshot

    async def _edit(self, chat: ChatPort, snapshot: Snapshot, row: OutboxRow, parts: Sequence[Part]) -> Snapshot:
        """Bring a sent post up to date. Edits are idempotent, so a repeat after a crash does no harm."""
        sent: list[str] = list(row.facts.get("sent", ()))
        thread = _place(row, snapshot)
        for number, part in enumerate(parts[: len(sent)]):
            sent[number] = await chat.edit(thread, sent[number], part)
        row = replace(row, facts={**row.facts, "sent": sent}, post_id=sent[0], state=OutboxState.SENT)
        if len(parts) > len(sent):
            await self._save(replace(row, state=OutboxState.INTENT))
            return await self._send(chat, snapshot, row, parts, again=True)
        await self._save(row)
        return snapshot

    async def _moved(self, snapshot: Snapshot, thread: ThreadRef) -> Snapshot:
        """Remember where the session lives, and return the snapshot that knows it."""

        def work(tx: Transaction) -> Session:
            session = tx.sessions.lock(snapshot.session.id)
            if session is None:
                return snapshot.session
            session = replace(session, thread=thread)
            tx.sessions.save(session)
            return session

        return replace(snapshot, session=await self._store.write(work))

    async def _reload(self, row: OutboxRow) -> OutboxRow:
        return await self._store.read(lambda tx: tx.outbox.find(row.key)) or row

    async def _save(self, row: OutboxRow) -> None:
        """Write what became of a row; one that changed since it was read is stale as soon as it is sent."""

        def work(tx: Transaction) -> None:
            tx.sessions.lock(row.session_id)
            changes = _changes(tx.outbox.find(row.key))
            overtaken = row.state is OutboxState.SENT and changes != _changes(row)
            state = OutboxState.STALE if overtaken else row.state
            tx.outbox.save(replace(row, state=state, facts={**row.facts, "changes": changes} if changes else row.facts))

        await self._store.write(work)


def _changes(row: OutboxRow | None) -> int:
    """Return how often a post was freshened."""
    return int(row.facts.get("changes", 0)) if row is not None else 0


def _place(row: OutboxRow, snapshot: Snapshot) -> ThreadRef:
    """Return where a post belongs: the session's thread, or the channel that it was meant for."""
    channel = row.facts.get("channel", "")
    thread = snapshot.session.thread
    return ThreadRef(thread.platform, channel) if channel else thread


def _render(chat: ChatPort, row: OutboxRow, snapshot: Snapshot) -> Sequence[Part]:
    """Return the messages of a post; one that cannot be rendered is posted as a plain line rather than never."""
    try:
        return chat.render(content_of(row, snapshot))
    except Exception:  # noqa: BLE001
        # Views are many and change often; none of them is worth a session that stops.
        _log.exception("render_failed", session=row.session_id, key=row.key, kind=row.kind)
        return (Part(text=f"{snapshot.session.title}: {row.kind.replace('_', ' ')}"),)


def content_of(row: OutboxRow, snapshot: Snapshot) -> Content:
    """Return what the post of *row* says now."""
    facts = row.facts
    return Content(
        kind=PostKind(row.kind),
        snapshot=snapshot,
        round=facts.get("round"),
        role_key=facts.get("role_key", ""),
        code=facts.get("code", ""),
        facts=dict(facts.get("facts", {})),
        mention=bool(facts.get("mention", False)),
        file_ids=tuple(facts.get("file_ids", ())),
    )
