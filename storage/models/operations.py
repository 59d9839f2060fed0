"""What keeps the service honest: events seen, posts meant, acts recorded, executors alive, what is to be forgotten."""

from typing import Any

import sqlalchemy as sa

from core.sessions.ports import InboxState, OutboxState
from storage.models.base import make_append_only, metadata
from storage.types import Json, Utc, choice

DUE_CONDITION = "state = 'new'"
OPEN_CONDITION = "state IN ('intent', 'unknown', 'stale')"

inbound_events = sa.Table(
    "inbound_events",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("event_id", sa.String, primary_key=True),
    sa.Column("at", Utc, nullable=False, index=True),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("created_at", Utc, nullable=False, index=True),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("payload", Json[dict[str, Any]](dict[str, Any]), nullable=False),
    sa.Column("state", choice(InboxState), nullable=False),
    sa.Column("waits_for", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.String, nullable=False),
    sa.Column("answered", Json[tuple[str, ...]](tuple[str, ...]), nullable=False),
    sa.Index(
        "ix_inbox_due",
        "due_at",
        sqlite_where=sa.text(DUE_CONDITION),
        postgresql_where=sa.text(DUE_CONDITION),
    ),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("session_id", sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("state", choice(OutboxState), nullable=False),
    sa.Column("facts", Json[dict[str, Any]](dict[str, Any]), nullable=False),
    sa.Column("post_id", sa.String, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Index(
        "ix_outbox_open",
        "created_at",
        sqlite_where=sa.text(OPEN_CONDITION),
        postgresql_where=sa.text(OPEN_CONDITION),
    ),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("workspace_id", sa.String, nullable=False, index=True),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("details", Json[dict[str, Any]](dict[str, Any]), nullable=False),
)
make_append_only(audit_log)

executor_heartbeats = sa.Table(
    "executor_heartbeats",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("beat_seconds", sa.Double, nullable=False),  # since 1970, by the database's clock, never by ours
    sa.Column("state", sa.String, nullable=False),
    sa.Column("claimed_by", sa.String, nullable=False),
    sa.CheckConstraint("state IN ('alive', 'reaping')", name="state"),
)

retention_terms = sa.Table(
    "retention_terms",
    metadata,
    sa.Column("workspace_id", sa.String, primary_key=True),
    sa.Column("days", sa.Integer),
    sa.Column("shorter_days", sa.Integer),
    sa.Column("shorter_from", Utc),
)

doomed_files = sa.Table(
    "doomed_files",
    metadata,
    sa.Column("storage_key", sa.String, primary_key=True),
)
