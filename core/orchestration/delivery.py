"""One delivery: the open posts of one session, sent or edited in order, and what became of them.

Whoever delivers is alone with the session's posts: see `core.orchestration.posting.Poster`.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from core.clock import Clock
from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import (
    ChatPort,
    Content,
    HistoryUnreadable,
    NotInstalled,
    Part,
    PostKind,
    PostRefused,
    PostUncertain,
    Snapshot,
)
from core.sessions.model import Session, ThreadRef
from core.sessions.ports import OutboxRow, OutboxState, Store, Transaction

_log = structlog.get_logger(__name__)
_TRIES = 4
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
_LASTING = frozenset({PostKind.SESSION_CARD, PostKind.RESULT, PostKind.RECEIPT})
"""What is worth saying also to somebody who has the app again after some time."""


class Delivery:
    """Sends and edits posts of one session.

    What an edit came to is written with the next write, because an edit may be repeated; what a send came to is written
    at once, because a post must not.

    Attributes:
        unknown: How many posts were given up without knowing whether they arrived.
    """

    def __init__(self, *, store: Store, clock: Clock, chat: ChatPort, snapshot: Snapshot) -> None:
        self._store = store
        self._clock = clock
        self._chat = chat
        self._snapshot = snapshot
        self._edited: list[OutboxRow] = []
        self.unknown = 0

    async def deliver(self, row: OutboxRow, *, again: bool) -> bool:
        """Deliver one post; return whether it is settled. With *again* it may have been sent before, and is looked up."""
        wait = _FIRST_WAIT_SECONDS
        for attempt in range(_TRIES):
            try:
                await self._try(row, again=again or attempt > 0)
            except PostRefused as error:
                # where a result is shared is another place than the session's, which may be open: it is shared again
                is_kept = isinstance(error, NotInstalled) and not row.facts.get("channel")
                await (self._keep_all(row, error) if is_kept else self._refuse(row, error))
                return not is_kept
            except (HistoryUnreadable, PostUncertain) as error:
                if attempt == _TRIES - 1:
                    self.unknown += 1
                    _log.warning("post_unknown", session=row.session_id, key=row.key, kind=row.kind)
                    await self._save(replace(row, state=OutboxState.UNKNOWN))
                    return False
                pause = error.retry_after_seconds
            except TransientError as error:
                if attempt == _TRIES - 1:
                    _log.warning("post_delayed", session=row.session_id, key=row.key, kind=row.kind, error=str(error))
                    return False
                pause = error.retry_after_seconds
            else:
                return True
            row = await self._reload(row)
            await self._clock.sleep(min(pause if pause is not None else wait, _LONGEST_WAIT_SECONDS))
            wait *= 2
        return False

    async def _refuse(self, row: OutboxRow, error: PostRefused) -> None:
        _log.warning("post_refused", session=row.session_id, key=row.key, kind=row.kind, reason=error.reason)
        await self._save(replace(row, state=OutboxState.REFUSED))

    async def _keep_all(self, row: OutboxRow, error: PostRefused) -> None:
        _log.warning("posts_kept", session=row.session_id, key=row.key, kind=row.kind, reason=error.reason)
        await self._drop_passing(row.session_id)

    async def settle(self) -> bool:
        """Write what is not written yet; return whether a post of the session is open, perhaps since a moment ago."""
        edited, self._edited = self._edited, []
        session_id = self._snapshot.session.id

        def work(tx: Transaction) -> bool:
            if edited:
                tx.sessions.guard(session_id)
                _write(tx, edited)
            return bool(tx.outbox.list_open(session_id=session_id))

        return await (self._store.write(work) if edited else self._store.read(work))

    async def _try(self, row: OutboxRow, *, again: bool) -> None:
        parts = _render(self._chat, row, self._snapshot)
        if row.state is OutboxState.STALE:
            await self._edit(row, parts)
        else:
            await self._send(row, parts, again=again)

    async def _send(self, row: OutboxRow, parts: Sequence[Part], *, again: bool) -> None:
        """Send the parts that were not sent yet, looking up the one that an earlier try may have sent."""
        sent: list[str] = list(row.facts.get("sent", ()))
        thread = _place(row, self._snapshot)
        if again:
            row = replace(row, attempts=row.attempts + 1)
            await self._save(row)
        for number, part in enumerate(parts):
            if number < len(sent):
                continue
            key = row.key if number == 0 else derived_key(row.key, number)
            if row.kind == PostKind.SESSION_CARD and number == 0:
                since = row.created_at if again else None
                thread = await self._chat.open_thread(self._snapshot.session, part, key=key, since=since)
                await self._moved(thread)
                post_id: str | None = thread.card
            else:
                post_id = await self._chat.find(thread, key, row.created_at) if again else None
                if post_id is None:
                    post_id = await self._chat.send(thread, part, key=key)
            sent.append(post_id or "")
            last = number == len(parts) - 1
            row = replace(
                row,
                facts={**row.facts, "sent": list(sent)},
                post_id=sent[0],
                state=OutboxState.SENT if last else row.state,
            )
            await self._save(row)

    async def _edit(self, row: OutboxRow, parts: Sequence[Part]) -> None:
        """Bring a sent post up to date. Edits are idempotent, so a repeat after a crash does no harm."""
        before: list[str] = list(row.facts.get("sent", ()))
        sent = list(before)
        thread = _place(row, self._snapshot)
        for number, part in enumerate(parts[: len(sent)]):
            sent[number] = await self._chat.edit(thread, sent[number], part)
        row = replace(row, facts={**row.facts, "sent": sent}, post_id=sent[0], state=OutboxState.SENT)
        if len(parts) > len(sent):
            await self._save(replace(row, state=OutboxState.INTENT))
            await self._send(row, parts, again=True)
        elif sent != before:
            await self._save(row)  # posted afresh: forgetting that would post it once more
        else:
            self._edited.append(row)

    async def _moved(self, thread: ThreadRef) -> None:
        """Remember where the session lives."""

        def work(tx: Transaction) -> Session:
            session = tx.sessions.lock(self._snapshot.session.id)
            if session is None:
                return self._snapshot.session
            session = replace(session, thread=thread)
            tx.sessions.save(session)
            return session

        self._snapshot = replace(self._snapshot, session=await self._store.write(work))

    async def _drop_passing(self, session_id: str) -> None:
        """Give up what nobody wants to read once the app is back; the rest, and edits, wait for that."""

        def work(tx: Transaction) -> None:
            tx.sessions.guard(session_id)
            for row in tx.outbox.list_open(session_id=session_id):
                is_new = row.state is not OutboxState.STALE and not row.facts.get("sent")
                if is_new and row.kind not in _LASTING:
                    tx.outbox.save(replace(row, state=OutboxState.REFUSED))

        await self._store.write(work)

    async def _reload(self, row: OutboxRow) -> OutboxRow:
        return await self._store.read(lambda tx: tx.outbox.find(row.key)) or row

    async def _save(self, row: OutboxRow) -> None:
        """Write what became of a post, and of those that were edited before it."""
        rows, self._edited = [*self._edited, row], []

        def work(tx: Transaction) -> None:
            tx.sessions.guard(row.session_id)
            _write(tx, rows)

        await self._store.write(work)


def count_changes(row: OutboxRow | None) -> int:
    """Return how often a post was freshened."""
    return int(row.facts.get("changes", 0)) if row is not None else 0


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


def _write(tx: Transaction, rows: Sequence[OutboxRow]) -> None:
    """Write what became of posts; one that changed since it was read is stale as soon as it is sent."""
    for row in rows:
        changes = count_changes(tx.outbox.find(row.key))
        overtaken = row.state is OutboxState.SENT and changes != count_changes(row)
        state = OutboxState.STALE if overtaken else row.state
        tx.outbox.save(replace(row, state=state, facts={**row.facts, "changes": changes} if changes else row.facts))


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
