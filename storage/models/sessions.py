"""Sessions and everything they record; all of it goes when the session goes."""

import sqlalchemy as sa

from core.casts.model import Cast, Phase
from core.documents.edits import Edit
from core.sessions.model import (
    AttemptState,
    Desired,
    EndReason,
    EvaluationTier,
    Fate,
    ParkReason,
    Severity,
    Status,
)
from core.workspaces.model import Verbosity
from storage.models.base import metadata
from storage.types import DocumentBlob, FreeText, Json, Utc, choice

USAGE_COLUMNS = (
    "input_uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
)
Texts = tuple[str, ...]


def _session_id(*, primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    reference = sa.ForeignKey("sessions.id", ondelete="CASCADE")
    return sa.Column("session_id", reference, primary_key=primary_key, nullable=False, index=index)


def _usage() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in USAGE_COLUMNS]


sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.ForeignKey("workspaces.id"), nullable=False),
    sa.Column("member_id", sa.String, nullable=False),  # no reference: a session outlives the person's data
    sa.Column("title", FreeText, nullable=False),
    sa.Column("brief", FreeText, nullable=False),
    sa.Column("cast", Json[Cast](Cast, cached=True), nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("thread", sa.String, nullable=False),
    sa.Column("card", sa.String, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("status", choice(Status), nullable=False),
    sa.Column("desired", choice(Desired), nullable=False),
    sa.Column("segment", sa.Integer, nullable=False),
    sa.Column("project_id", sa.ForeignKey("projects.id", ondelete="SET NULL"), index=True),
    sa.Column("effort", sa.String, nullable=False),
    sa.Column("cap_microcredits", sa.BigInteger, nullable=False),
    sa.Column("quote_low_microcredits", sa.BigInteger, nullable=False),
    sa.Column("quote_high_microcredits", sa.BigInteger, nullable=False),
    sa.Column("notes_only", sa.Boolean, nullable=False),
    sa.Column("has_upload", sa.Boolean, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("verbosity", choice(Verbosity), nullable=False),
    sa.Column("providers", Json[Texts](Texts), nullable=False),
    sa.Column("end_reason", choice(EndReason)),
    sa.Column("park_reason", choice(ParkReason)),
    sa.Column("failure_code", sa.String, nullable=False),
    sa.Column("wake_at", Utc),
    sa.Column("best_version", sa.Integer),
    sa.Column("working_seconds", sa.Double, nullable=False),
    sa.Column("min_rounds", sa.Integer, nullable=False),
    sa.Column("starred", sa.Boolean, nullable=False),
    sa.Column("origin", sa.String, nullable=False),
    sa.Column("origin_name", FreeText, nullable=False),
    sa.Column("notices", Json[Texts](Texts), nullable=False),
    sa.Column("started_at", Utc),
    sa.Column("ended_at", Utc),
    sa.Column("forgotten_at", Utc),
    sa.Column("forgotten_after_days", sa.Integer),
    sa.CheckConstraint("segment >= 1", name="segment"),
    sa.CheckConstraint("cap_microcredits >= 0", name="cap"),
    sa.Index("ix_sessions_workspace_id_created_at", "workspace_id", "created_at"),
    sa.Index("ix_sessions_member_id_created_at", "member_id", "created_at"),
    sa.Index("ix_sessions_status_wake_at", "status", "wake_at"),
    sa.Index("ix_sessions_platform_channel_thread", "platform", "channel", "thread"),
)

session_files = sa.Table(
    "session_files",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    _session_id(index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("name", FreeText, nullable=False),
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("storage_key", sa.String, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("extracted", FreeText, nullable=False),
    sa.CheckConstraint("kind IN ('upload', 'reference', 'result')", name="kind"),
)

rounds = sa.Table(
    "rounds",
    metadata,
    _session_id(primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("plan", Json[Texts](Texts), nullable=False),
    sa.Column("summary", FreeText, nullable=False),
    sa.Column("questions", Json[Texts](Texts), nullable=False),
    sa.Column("left_out", Json[Texts](Texts), nullable=False),
    sa.Column("finished_at", Utc),
    sa.CheckConstraint("number >= 0", name="number"),
    sa.CheckConstraint("score BETWEEN 0 AND 10", name="score"),
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    _session_id(index=True),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("role_key", sa.String, nullable=False),
    sa.Column("phase", choice(Phase), nullable=False),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("provider", sa.String, nullable=False),
    sa.Column("text", FreeText, nullable=False),
    *_usage(),
    sa.Column("charged_microcredits", sa.BigInteger, nullable=False),
    sa.Column("cost_microdollars", sa.BigInteger, nullable=False),
    sa.Column("price_version", sa.String, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("finished_at", Utc, nullable=False),
    sa.Column("score", sa.Double),
    sa.Column("tier", choice(EvaluationTier)),
    sa.Column("criteria", Json[tuple[tuple[str, float], ...]](tuple[tuple[str, float], ...]), nullable=False),
    sa.Column("self_assessment", FreeText, nullable=False),
    sa.Column("summary", FreeText, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("notices", Json[Texts](Texts), nullable=False),
    sa.CheckConstraint("charged_microcredits >= 0", name="charged"),
    sa.CheckConstraint("score BETWEEN 0 AND 10", name="score"),
)

turn_attempts = sa.Table(
    "turn_attempts",
    metadata,
    sa.Column("turn_id", sa.String, primary_key=True),  # no reference: an attempt comes before its turn
    _session_id(index=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", choice(AttemptState), nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("text", FreeText, nullable=False),
    sa.Column("error_code", sa.String, nullable=False),
    *_usage(),
    sa.CheckConstraint("number >= 1", name="number"),
)

notes = sa.Table(
    "notes",
    metadata,
    _session_id(primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("role_key", sa.String, nullable=False),
    sa.Column("comment", FreeText, nullable=False),
    sa.Column("ref", sa.String, nullable=False),
    sa.Column("quote", FreeText, nullable=False),
    sa.Column("quote_found", sa.Boolean, nullable=False),
    sa.Column("suggestion", FreeText, nullable=False),
    sa.Column("severity", choice(Severity), nullable=False),
    sa.Column("fate", choice(Fate), nullable=False),
    sa.Column("fate_reason", FreeText, nullable=False),
    sa.Column("fate_round", sa.Integer),
)

document_versions = sa.Table(
    "document_versions",
    metadata,
    _session_id(primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", DocumentBlob, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("edits", Json[tuple[Edit, ...]](tuple[Edit, ...]), nullable=False),
    sa.Column("rewritten", sa.Boolean, nullable=False),
    sa.Column("score", sa.Double),
    sa.CheckConstraint("number >= 0", name="number"),
    sa.CheckConstraint("score BETWEEN 0 AND 10", name="score"),
)

guidance = sa.Table(
    "guidance",
    metadata,
    _session_id(primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("member_id", sa.String, nullable=False),
    sa.Column("text", FreeText, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("taken_round", sa.Integer),
    sa.Column("muted", sa.Boolean, nullable=False),
    sa.Column("revision", sa.String, nullable=False),
    sa.Column("is_heard", sa.Boolean, nullable=False),
)
