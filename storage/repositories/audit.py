"""The audit log."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.sessions.ports import AuditEntry
from storage.models.operations import audit_log
from storage.rows import Rows

_ENTRIES = Rows(audit_log, AuditEntry)
_NEWEST_FIRST = _ENTRIES.select.order_by(audit_log.c.id.desc()).limit(sa.bindparam("limit"))


class SqlAuditRepository:
    """See `core.sessions.ports.AuditRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, entry: AuditEntry) -> None:
        self._connection.execute(_ENTRIES.insert, _ENTRIES.dump(entry))

    def list_entries(self, *, workspace_id: str | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        query = _NEWEST_FIRST
        if workspace_id is not None:
            query = query.where(audit_log.c.workspace_id == workspace_id)
        return _ENTRIES.load_all(self._connection.execute(query, {"limit": limit}))
