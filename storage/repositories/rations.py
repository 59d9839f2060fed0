"""Budgets of calls that processes share."""

from datetime import datetime

import sqlalchemy as sa

from core.workspaces.rations import Ration
from storage.models.rations import rations
from storage.rows import Rows

_ROWS = Rows(rations, Ration)
_OPEN = _ROWS.insert_ignoring()
# SQLite has no row locks and needs none: its one writer holds the whole database.
_LOCK = _ROWS.query(_ROWS.select.where(rations.c.key == sa.bindparam("key")).with_for_update())
_SAVE = _ROWS.upsert()
_DELETE = sa.delete(rations).where(rations.c.used_at < sa.bindparam("moment"))


class SqlRationRepository:
    """See `core.workspaces.rations.RationRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock(self, key: str, *, now: datetime) -> Ration:
        found = _LOCK.first(self._connection, key=key)
        if found is not None:
            return found
        fresh = Ration(key, now)
        _OPEN.run(self._connection, fresh)
        return _LOCK.first(self._connection, key=key) or fresh

    def save(self, ration: Ration) -> None:
        _SAVE.run(self._connection, ration)

    def delete_before(self, moment: datetime) -> int:
        return self._connection.execute(_DELETE, {"moment": moment}).rowcount
