"""Posts that were meant, and what became of them."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.sessions.ports import OutboxRow
from storage.models.operations import OPEN_CONDITION, outbox
from storage.rows import Rows

_ROWS = Rows(outbox, OutboxRow)
_ADD = _ROWS.insert_ignoring()
_UPDATE = _ROWS.update("state", "facts", "post_id", "attempts")
_FIND = _ROWS.query(_ROWS.select.where(outbox.c.key == sa.bindparam("key")))
_OLDEST_FIRST = _ROWS.select.order_by(outbox.c.created_at, outbox.c.key)
_IS_OPEN = sa.text(OPEN_CONDITION)  # as text, so that the database may use the index that has this condition
_OF_SESSION = outbox.c.session_id == sa.bindparam("session_id")
_LIST_OPEN = _ROWS.query(_OLDEST_FIRST.where(_IS_OPEN))
_LIST_OPEN_OF_SESSION = _ROWS.query(_OLDEST_FIRST.where(_OF_SESSION, _IS_OPEN))
_LIST_OF_SESSION = _ROWS.query(_OLDEST_FIRST.where(_OF_SESSION))


class SqlOutboxRepository:
    """See `core.sessions.ports.OutboxRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, row: OutboxRow) -> bool:
        return _ADD.run(self._connection, row) == 1

    def find(self, key: str) -> OutboxRow | None:
        return _FIND.first(self._connection, key=key)

    def save(self, row: OutboxRow) -> None:
        _UPDATE.run(self._connection, row)

    def list_open(self, *, session_id: str | None = None) -> Sequence[OutboxRow]:
        if session_id is None:
            return _LIST_OPEN.all(self._connection)
        return _LIST_OPEN_OF_SESSION.all(self._connection, session_id=session_id)

    def list_session(self, session_id: str) -> Sequence[OutboxRow]:
        return _LIST_OF_SESSION.all(self._connection, session_id=session_id)
