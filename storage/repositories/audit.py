"""The audit log."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.sessions.ports import AuditEntry
from storage.models.operations import audit_log
from storage.rows import Rows

_ENTRIES = Rows(audit_log, AuditEntry)
_ADD = _ENTRIES.insert()
_NEWEST_FIRST = _ENTRIES.select.order_by(audit_log.c.id.desc()).limit(sa.bindparam("limit"))
_LIST = _ENTRIES.query(_NEWEST_FIRST)
_LIST_OF_WORKSPACE = _ENTRIES.query(_NEWEST_FIRST.where(audit_log.c.workspace_id == sa.bindparam("workspace_id")))


class SqlAuditRepository:
    """See `core.sessions.ports.AuditRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, entry: AuditEntry) -> None:
        _ADD.run(self._connection, entry)

    def list_entries(self, *, workspace_id: str | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        if workspace_id is None:
            return _LIST.all(self._connection, limit=limit)
        return _LIST_OF_WORKSPACE.all(self._connection, limit=limit, workspace_id=workspace_id)
