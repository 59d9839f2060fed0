"""Posts that were meant, and what became of them."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.sessions.ports import OutboxRow, OutboxState
from storage.models.operations import outbox
from storage.rows import Rows

_ROWS = Rows(outbox, OutboxRow)
_ADD = _ROWS.insert_ignoring()
_CHANGING = ("state", "facts", "post_id", "attempts")
_UPDATE = _ROWS.update(*_CHANGING)
_FIND = _ROWS.select.where(outbox.c.key == sa.bindparam("key"))
_OLDEST_FIRST = _ROWS.select.order_by(outbox.c.created_at, outbox.c.key)
_OPEN = _OLDEST_FIRST.where(outbox.c.state.in_([OutboxState.INTENT, OutboxState.UNKNOWN, OutboxState.STALE]))
_SESSION = outbox.c.session_id == sa.bindparam("session_id")
_OF_SESSION = _OLDEST_FIRST.where(_SESSION)
_OPEN_OF_SESSION = _OPEN.where(_SESSION)


class SqlOutboxRepository:
    """See `core.sessions.ports.OutboxRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, row: OutboxRow) -> bool:
        return self._connection.execute(_ADD[self._connection.dialect.name], _ROWS.dump(row)).rowcount == 1

    def find(self, key: str) -> OutboxRow | None:
        return _ROWS.load_first(self._connection.execute(_FIND, {"key": key}))

    def save(self, row: OutboxRow) -> None:
        self._connection.execute(_UPDATE, _ROWS.dump_update(row, *_CHANGING))

    def list_open(self, *, session_id: str | None = None) -> Sequence[OutboxRow]:
        if session_id is None:
            return _ROWS.load_all(self._connection.execute(_OPEN))
        return _ROWS.load_all(self._connection.execute(_OPEN_OF_SESSION, {"session_id": session_id}))

    def list_session(self, session_id: str) -> Sequence[OutboxRow]:
        return _ROWS.load_all(self._connection.execute(_OF_SESSION, {"session_id": session_id}))
