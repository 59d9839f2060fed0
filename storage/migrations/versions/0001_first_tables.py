"""The first tables.

Revision: 0001, after none.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("details", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_workspace_id"), "audit_log", ["workspace_id"], unique=False)

    op.create_table(
        "credit_accounts",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("posted_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("reserved_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("debt_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("debt_microcredits >= 0", name=op.f("ck_credit_accounts_debt")),
        sa.CheckConstraint("reserved_microcredits >= 0", name=op.f("ck_credit_accounts_reserved")),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_credit_accounts_seq")),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_credit_accounts")),
    )
    op.create_table(
        "executor_heartbeats",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("beat_seconds", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("claimed_by", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('alive', 'reaping')", name=op.f("ck_executor_heartbeats_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executor_heartbeats")),
    )
    op.create_table(
        "inbound_events",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_inbound_events")),
    )
    op.create_index(op.f("ix_inbound_events_at"), "inbound_events", ["at"], unique=False)
    op.create_table(
        "arrivals",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", name=op.f("pk_arrivals")),
    )
    op.create_table(
        "rations",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("closed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rations")),
    )
    op.create_index(op.f("ix_rations_used_at"), "rations", ["used_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new", "held", "done", "failed", name="inboxstate", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("waits_for", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("answered", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_created_at"), "inbox", ["created_at"], unique=False)
    op.create_index(
        "ix_inbox_due",
        "inbox",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )

    op.create_table(
        "installation_owners",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "team", name=op.f("pk_installation_owners")),
    )
    op.create_table(
        "installations",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("installed_by", sa.String(), nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scopes", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("facts", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.String(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("platform", "tenant", "person", name=op.f("pk_installations")),
    )
    op.create_table(
        "pending_states",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pending_states")),
    )
    op.create_index(op.f("ix_pending_states_expires_at"), "pending_states", ["expires_at"], unique=False)

    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("settings", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
    )
    op.create_table(
        "credit_holds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("amount_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "captured",
                "released",
                "expired",
                name="holdstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("captured_microcredits", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'captured') = (captured_microcredits IS NOT NULL)", name=op.f("ck_credit_holds_captured_state")
        ),
        sa.CheckConstraint("amount_microcredits >= 0", name=op.f("ck_credit_holds_amount")),
        sa.CheckConstraint("captured_microcredits >= 0", name=op.f("ck_credit_holds_captured")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["credit_accounts.workspace_id"], name=op.f("fk_credit_holds_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_holds")),
    )
    op.create_index(
        "ix_credit_holds_open",
        "credit_holds",
        ["workspace_id", "expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_credit_holds_session_id"), "credit_holds", ["session_id"], unique=False)

    op.create_table(
        "credit_lots",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "monthly",
                "promo",
                "pack",
                "admin",
                name="lotkind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("amount_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("remaining_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_microcredits > 0", name=op.f("ck_credit_lots_amount")),
        sa.CheckConstraint(
            "remaining_microcredits BETWEEN 0 AND amount_microcredits", name=op.f("ck_credit_lots_remaining")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["credit_accounts.workspace_id"], name=op.f("fk_credit_lots_workspace_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_lots")),
        sa.UniqueConstraint("source_key", name=op.f("uq_credit_lots_source_key")),
    )
    op.create_index(
        "ix_credit_lots_workspace_id_created_at", "credit_lots", ["workspace_id", "created_at"], unique=False
    )

    op.create_table(
        "members",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("is_buyer", sa.Boolean(), nullable=False),
        sa.Column("is_blocked", sa.Boolean(), nullable=False),
        sa.Column("preferences", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_members_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("workspace_id", "external_id", name=op.f("uq_members_workspace_id_external_id")),
    )
    op.create_index("ix_members_external_id", "members", ["external_id"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_projects_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("workspace_id", "key", name=op.f("uq_projects_workspace_id_key")),
    )

    op.create_table(
        "templates",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("editors", sa.Integer(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("cap_microcredits", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column(
            "verbosity",
            sa.Enum("quiet", "normal", "full", name="verbosity", native_enum=False, create_constraint=True, length=24),
            nullable=True,
        ),
        sa.Column("reference_notes", sa.Text(), nullable=False),
        sa.Column("notes_only", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_templates_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("workspace_id", "key", name=op.f("uq_templates_workspace_id_key")),
    )

    op.create_table(
        "credit_entries",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "grant",
                "capture",
                "expire",
                "clawback",
                "adjust",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("amount_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("posted_after_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=True),
        sa.Column("hold_id", sa.String(), nullable=True),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_credit_entries_seq")),
        sa.ForeignKeyConstraint(["hold_id"], ["credit_holds.id"], name=op.f("fk_credit_entries_hold_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["credit_lots.id"], name=op.f("fk_credit_entries_lot_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["credit_accounts.workspace_id"], name=op.f("fk_credit_entries_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "seq", name=op.f("pk_credit_entries")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_credit_entries_idempotency_key")),
    )
    op.create_index(op.f("ix_credit_entries_hold_id"), "credit_entries", ["hold_id"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        sa.Column("cast", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "queued",
                "running",
                "pausing",
                "paused",
                "waiting",
                "completed",
                "stopped",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "desired",
            sa.Enum("run", "pause", "stop", name="desired", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("effort", sa.String(), nullable=False),
        sa.Column("cap_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("quote_low_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("quote_high_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("notes_only", sa.Boolean(), nullable=False),
        sa.Column("has_upload", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column(
            "verbosity",
            sa.Enum("quiet", "normal", "full", name="verbosity", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("providers", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "end_reason",
            sa.Enum(
                "threshold",
                "rounds",
                "plateau",
                "credits",
                "time",
                "stopped",
                "failed",
                "notes_only",
                name="endreason",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.Column(
            "park_reason",
            sa.Enum(
                "paused",
                "balance",
                "provider",
                "review",
                "question",
                name="parkreason",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=True,
        ),
        sa.Column("failure_code", sa.String(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("best_version", sa.Integer(), nullable=True),
        sa.Column("working_seconds", sa.Double(), nullable=False),
        sa.Column("min_rounds", sa.Integer(), nullable=False),
        sa.Column("starred", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("origin_name", sa.Text(), nullable=False),
        sa.Column("notices", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_after_days", sa.Integer(), nullable=True),
        sa.CheckConstraint("cap_microcredits >= 0", name=op.f("ck_sessions_cap")),
        sa.CheckConstraint("segment >= 1", name=op.f("ck_sessions_segment")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_sessions_project_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_sessions_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_member_id_created_at", "sessions", ["member_id", "created_at"], unique=False)
    op.create_index("ix_sessions_platform_channel_thread", "sessions", ["platform", "channel", "thread"], unique=False)
    op.create_index(op.f("ix_sessions_project_id"), "sessions", ["project_id"], unique=False)
    op.create_index("ix_sessions_status_wake_at", "sessions", ["status", "wake_at"], unique=False)
    op.create_index("ix_sessions_workspace_id_created_at", "sessions", ["workspace_id", "created_at"], unique=False)

    op.create_table(
        "document_versions",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edits", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("rewritten", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.CheckConstraint("number >= 0", name=op.f("ck_document_versions_number")),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name=op.f("ck_document_versions_score")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_document_versions_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_document_versions")),
    )
    op.create_table(
        "guidance",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_round", sa.Integer(), nullable=True),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("is_heard", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_guidance_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "id", name=op.f("pk_guidance")),
    )
    op.create_table(
        "notes",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("role_key", sa.String(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("quote_found", sa.Boolean(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=False),
        sa.Column(
            "severity",
            sa.Enum(
                "minor", "major", "critical", name="severity", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column(
            "fate",
            sa.Enum(
                "open",
                "applied",
                "declined",
                "regressed",
                name="fate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("fate_reason", sa.Text(), nullable=False),
        sa.Column("fate_round", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_notes_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "id", name=op.f("pk_notes")),
    )
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "intent",
                "sent",
                "stale",
                "unknown",
                "refused",
                name="outboxstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("facts", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("post_id", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_outbox_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('intent', 'unknown', 'stale')"),
        postgresql_where=sa.text("state IN ('intent', 'unknown', 'stale')"),
    )
    op.create_index(op.f("ix_outbox_session_id"), "outbox", ["session_id"], unique=False)

    op.create_table(
        "rounds",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("plan", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("questions", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("left_out", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("number >= 0", name=op.f("ck_rounds_number")),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name=op.f("ck_rounds_score")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_rounds_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_rounds")),
    )
    op.create_table(
        "session_files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("storage_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("extracted", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('upload', 'reference', 'result')", name=op.f("ck_session_files_kind")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_files_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_files")),
    )
    op.create_index(op.f("ix_session_files_session_id"), "session_files", ["session_id"], unique=False)

    op.create_table(
        "turn_attempts",
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "complete",
                "interrupted",
                "failed",
                name="attemptstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=False),
        sa.Column("input_uncached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_5m_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_turn_attempts_number")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_turn_attempts_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turn_id", "number", name=op.f("pk_turn_attempts")),
    )
    op.create_index(op.f("ix_turn_attempts_session_id"), "turn_attempts", ["session_id"], unique=False)

    op.create_table(
        "turns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("role_key", sa.String(), nullable=False),
        sa.Column(
            "phase",
            sa.Enum(
                "writer", "editor", "synthesizer", name="phase", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("input_uncached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_5m_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
        sa.Column("charged_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("cost_microdollars", sa.BigInteger(), nullable=False),
        sa.Column("price_version", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column(
            "tier",
            sa.Enum(
                "json", "prose", "fallback", name="evaluationtier", native_enum=False, create_constraint=True, length=24
            ),
            nullable=True,
        ),
        sa.Column("criteria", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("self_assessment", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("notices", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint("charged_microcredits >= 0", name=op.f("ck_turns_charged")),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name=op.f("ck_turns_score")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_turns_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
    )
    op.create_index(op.f("ix_turns_session_id"), "turns", ["session_id"], unique=False)
    make_billing_tables()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION atelier_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END $$
            """
        )
    for table in ("credit_entries", "audit_log"):
        make_append_only(table)


def make_billing_tables() -> None:
    """Make what remembers purchases, events and notices."""
    op.create_table(
        "billing_accounts",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_billing_accounts")),
    )
    op.create_table(
        "billing_checkouts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("price_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "creating",
                "open",
                "pending",
                "complete",
                "failed",
                "expired",
                name="checkoutstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("stripe_id", sa.String(), nullable=True),
        sa.Column("also_ids", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint("quantity >= 1", name=op.f("ck_billing_checkouts_quantity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_checkouts")),
        sa.UniqueConstraint("stripe_id", name=op.f("uq_billing_checkouts_stripe_id")),
    )
    op.create_index(
        "ix_billing_checkouts_workspace_id_created_at",
        "billing_checkouts",
        ["workspace_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_billing_checkouts_slot",
        "billing_checkouts",
        ["workspace_id", "slot"],
        unique=True,
        sqlite_where=sa.text("state IN ('creating', 'open', 'pending')"),
        postgresql_where=sa.text("state IN ('creating', 'open', 'pending')"),
    )
    op.create_table(
        "billing_customers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_customers")),
    )
    op.create_index(
        "uq_billing_customers_live",
        "billing_customers",
        ["workspace_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "billing_notices",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "credits_bought",
                "plan_started",
                "plan_changed",
                "plan_ended",
                "payment_pending",
                "checkout_failed",
                "checkout_expired",
                "payment_failed",
                "renewal_soon",
                "refunded",
                "disputed",
                "low_balance",
                "digest",
                "ask_admin",
                "plan_ending",
                "texts_expire",
                "app_left",
                "fraud_warning",
                "quarantined",
                name="noticekind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "audience",
            sa.Enum(
                "members", "buyers", "operator", name="audience", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("member_ids", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("facts", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open", "sent", "given_up", name="noticestate", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_billing_notices")),
    )
    op.create_index(
        "ix_billing_notices_open",
        "billing_notices",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_billing_notices_workspace_id"), "billing_notices", ["workspace_id"], unique=False)
    op.create_table(
        "billing_purchases",
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("root_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("microcredits", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_billing_purchases_amount")),
        sa.CheckConstraint("microcredits > 0", name=op.f("ck_billing_purchases_microcredits")),
        sa.PrimaryKeyConstraint("source_key", name=op.f("pk_billing_purchases")),
        sa.UniqueConstraint("root_id", name=op.f("uq_billing_purchases_root_id")),
    )
    op.create_index(op.f("ix_billing_purchases_workspace_id"), "billing_purchases", ["workspace_id"], unique=False)
    op.create_table(
        "billing_reconciliations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lost_events", sa.Integer(), nullable=False),
        sa.Column("repaired", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("remaining", sa.Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_reconciliations")),
    )
    op.create_index(op.f("ix_billing_reconciliations_at"), "billing_reconciliations", ["at"], unique=False)
    op.create_table(
        "doomed_files",
        sa.Column("storage_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("storage_key", name=op.f("pk_doomed_files")),
    )
    op.create_table(
        "retention_terms",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("shorter_days", sa.Integer(), nullable=True),
        sa.Column("shorter_from", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_retention_terms")),
    )
    op.create_table(
        "billing_subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("price_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancel_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_subscriptions")),
    )
    op.create_index(
        op.f("ix_billing_subscriptions_workspace_id"), "billing_subscriptions", ["workspace_id"], unique=False
    )
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("api_version", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "stored",
                "done",
                "ignored",
                "quarantined",
                name="eventstate",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
    )
    op.create_index(
        "ix_stripe_events_due",
        "stripe_events",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'stored'"),
        postgresql_where=sa.text("state = 'stored'"),
    )
    op.create_index(op.f("ix_stripe_events_received_at"), "stripe_events", ["received_at"], unique=False)
    op.create_table(
        "billing_takes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("refund", "dispute", name="takekind", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_microcredits", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken_microcredits >= 0", name=op.f("ck_billing_takes_taken")),
        sa.ForeignKeyConstraint(
            ["source_key"], ["billing_purchases.source_key"], name=op.f("fk_billing_takes_source_key")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_takes")),
    )
    op.create_index(op.f("ix_billing_takes_source_key"), "billing_takes", ["source_key"], unique=False)
    op.create_index(op.f("ix_billing_takes_workspace_id"), "billing_takes", ["workspace_id"], unique=False)


def make_append_only(table: str) -> None:
    """Refuse every change of *table* but an insert."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION atelier_refuse_change()
            """
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def downgrade() -> None:
    op.drop_table("billing_takes")
    op.drop_table("billing_purchases")
    op.drop_table("billing_subscriptions")
    op.drop_table("retention_terms")
    op.drop_table("doomed_files")
    op.drop_table("billing_reconciliations")
    op.drop_table("stripe_events")
    op.drop_table("billing_notices")
    op.drop_table("billing_customers")
    op.drop_table("billing_checkouts")
    op.drop_table("billing_accounts")
    op.drop_table("pending_states")
    op.drop_table("installations")
    op.drop_table("installation_owners")
    op.drop_table("turns")
    op.drop_table("turn_attempts")
    op.drop_table("session_files")
    op.drop_table("rounds")
    op.drop_table("outbox")
    op.drop_table("notes")
    op.drop_table("guidance")
    op.drop_table("document_versions")
    op.drop_table("sessions")
    op.drop_table("credit_entries")
    op.drop_table("templates")
    op.drop_table("projects")
    op.drop_table("members")
    op.drop_table("credit_lots")
    op.drop_table("credit_holds")
    op.drop_table("workspaces")
    op.drop_table("inbox")
    op.drop_table("rations")
    op.drop_table("arrivals")
    op.drop_table("inbound_events")
    op.drop_table("executor_heartbeats")
    op.drop_table("credit_accounts")
    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION atelier_refuse_change()")
