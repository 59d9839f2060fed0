"""Requests of people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.sessions.ports import InboxRow, InboxState
from storage.models.operations import DUE_CONDITION, inbox
from storage.rows import Rows

_ROWS = Rows(inbox, InboxRow)
_ADD = _ROWS.insert_ignoring()
_FIND = _ROWS.query(_ROWS.select.where(inbox.c.id == sa.bindparam("id")))
_LIST_BEFORE = _ROWS.query(_ROWS.select.where(inbox.c.created_at < sa.bindparam("moment")))
_IS_DUE = sa.text(DUE_CONDITION)  # as text, so that the database may use the index that has this condition
_LIST_DUE = (
    sa.select(inbox.c.id)
    .where(_IS_DUE, inbox.c.due_at <= sa.bindparam("now"))
    .order_by(inbox.c.due_at, inbox.c.id)
    .limit(sa.bindparam("limit"))
)
_CLAIM = (
    sa.update(inbox)
    .where(inbox.c.id == sa.bindparam("request_id"), _IS_DUE, inbox.c.due_at <= sa.bindparam("now"))
    .values(due_at=sa.bindparam("until"), attempts=inbox.c.attempts + 1)
    .returning(*(inbox.c[name] for name in InboxRow.__dataclass_fields__))
)


class SqlInboxRepository:
    """See `core.sessions.ports.InboxRepository`. Every change is one statement whose condition is its guard."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, row: InboxRow) -> bool:
        return _ADD.run(self._connection, row) == 1

    def find(self, request_id: str) -> InboxRow | None:
        return _FIND.first(self._connection, id=request_id)

    def claim(self, request_id: str, *, now: datetime, until: datetime) -> InboxRow | None:
        claimed = self._connection.execute(_CLAIM, {"request_id": request_id, "now": now, "until": until}).first()
        return None if claimed is None else _ROWS.load(claimed)

    def finish(self, request_id: str, *, attempts: int, state: InboxState, due_at: datetime, error: str) -> bool:
        mine = (inbox.c.state == InboxState.NEW) & (inbox.c.attempts == attempts)
        return self._change(request_id, mine, state=state, due_at=due_at, error=error)

    def hold(self, request_id: str, *, payload: dict[str, Any], waits_for: str) -> bool:
        return self._change(request_id, sa.true(), state=InboxState.HELD, payload=payload, waits_for=waits_for)

    def release(self, request_id: str, *, payload: dict[str, Any], due_at: datetime) -> bool:
        held = inbox.c.state == InboxState.HELD
        return self._change(
            request_id, held, state=InboxState.NEW, payload=payload, due_at=due_at, waits_for="", answered=()
        )

    def add_answer(self, request_id: str, key: str) -> None:
        row = self.find(request_id)
        if row is not None:
            self._change(request_id, sa.true(), answered=(*row.answered, key))

    def list_due(self, now: datetime, *, limit: int) -> Sequence[str]:
        return list(self._connection.execute(_LIST_DUE, {"now": now, "limit": limit}).scalars())

    def list_before(self, moment: datetime) -> Sequence[InboxRow]:
        return _LIST_BEFORE.all(self._connection, moment=moment)

    def delete_before(self, moment: datetime) -> int:
        return self._connection.execute(sa.delete(inbox).where(inbox.c.created_at < moment)).rowcount

    def _change(self, request_id: str, condition: sa.ColumnElement[bool], **values: Any) -> bool:
        statement = sa.update(inbox).where(inbox.c.id == request_id, condition).values(**values)
        return self._connection.execute(statement).rowcount == 1
