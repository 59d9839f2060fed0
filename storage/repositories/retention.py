"""How long texts are kept, which sessions are older, and the files whose bytes are still to be deleted."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.billing.model import RetentionTerm
from core.sessions.model import ENDED, Status
from storage.models.operations import doomed_files, retention_terms
from storage.models.sessions import session_files, sessions
from storage.rows import Rows

_TERMS = Rows(retention_terms, RetentionTerm)
_FIND = _TERMS.query(_TERMS.select.where(retention_terms.c.workspace_id == sa.bindparam("workspace_id")))
_SAVE = _TERMS.upsert()
_SINCE = sa.func.coalesce(sessions.c.ended_at, sessions.c.created_at)
_EXPIRED = (
    sa.select(sessions.c.id)
    .where(
        sessions.c.workspace_id == sa.bindparam("workspace_id"),
        sessions.c.status.in_([Status.DRAFT, *sorted(ENDED)]),
        sessions.c.forgotten_at.is_(None),
        sessions.c.starred.is_(False),
        sa.bindparam("before") > _SINCE,
    )
    .order_by(_SINCE, sessions.c.id)
    .limit(sa.bindparam("limit"))
)
# a key that stands in a row again, because the same request made its session anew, is nobody's to delete
_DOOMED = (
    sa.select(doomed_files.c.storage_key)
    .where(~sa.exists().where(session_files.c.storage_key == doomed_files.c.storage_key))
    .order_by(doomed_files.c.storage_key)
    .limit(sa.bindparam("limit"))
)


class SqlRetentionRepository:
    """See `core.billing.ports.RetentionRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find_term(self, workspace_id: str) -> RetentionTerm | None:
        return _FIND.first(self._connection, workspace_id=workspace_id)

    def save_term(self, term: RetentionTerm) -> None:
        _SAVE.run(self._connection, term)

    def list_expired(self, workspace_id: str, *, before: datetime, limit: int) -> Sequence[str]:
        values = {"workspace_id": workspace_id, "before": before, "limit": limit}
        return list(self._connection.execute(_EXPIRED, values).scalars())

    def list_doomed_files(self, *, limit: int) -> Sequence[str]:
        return list(self._connection.execute(_DOOMED, {"limit": limit}).scalars())

    def forget_doomed_files(self, storage_keys: Sequence[str]) -> None:
        self._connection.execute(sa.delete(doomed_files).where(doomed_files.c.storage_key.in_(storage_keys)))
