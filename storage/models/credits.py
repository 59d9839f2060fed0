"""The ledger: cached accounts, lots, holds, and the append-only entries that are the truth.

Amounts are integer micro-credits. Nothing here refers to a session or a workspace row: money outlives both.
"""

import sqlalchemy as sa

from core.credits.model import EntryKind, HoldState, LotKind
from storage.models.base import make_append_only, metadata
from storage.types import FreeText, Utc, choice

credit_accounts = sa.Table(
    "credit_accounts",
    metadata,
    sa.Column("workspace_id", sa.String, primary_key=True),
    sa.Column("posted_microcredits", sa.BigInteger, nullable=False),
    sa.Column("reserved_microcredits", sa.BigInteger, nullable=False),
    sa.Column("debt_microcredits", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.CheckConstraint("reserved_microcredits >= 0", name="reserved"),
    sa.CheckConstraint("debt_microcredits >= 0", name="debt"),
    sa.CheckConstraint("seq >= 0", name="seq"),
)

credit_lots = sa.Table(
    "credit_lots",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.ForeignKey("credit_accounts.workspace_id"), nullable=False),
    sa.Column("kind", choice(LotKind), nullable=False),
    sa.Column("amount_microcredits", sa.BigInteger, nullable=False),
    sa.Column("remaining_microcredits", sa.BigInteger, nullable=False),
    sa.Column("source_key", sa.String, nullable=False, unique=True),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("expires_at", Utc),
    sa.CheckConstraint("amount_microcredits > 0", name="amount"),
    sa.CheckConstraint("remaining_microcredits BETWEEN 0 AND amount_microcredits", name="remaining"),
    sa.Index("ix_credit_lots_workspace_id_created_at", "workspace_id", "created_at"),
)

credit_holds = sa.Table(
    "credit_holds",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.ForeignKey("credit_accounts.workspace_id"), nullable=False),
    sa.Column("session_id", sa.String, nullable=False, index=True),
    # zero: a model without a price is held and captured like any other
    sa.Column("amount_microcredits", sa.BigInteger, nullable=False),
    sa.Column("expires_at", Utc, nullable=False),
    sa.Column("state", choice(HoldState), nullable=False),
    sa.Column("captured_microcredits", sa.BigInteger),
    sa.CheckConstraint("amount_microcredits >= 0", name="amount"),
    sa.CheckConstraint("captured_microcredits >= 0", name="captured"),
    sa.CheckConstraint("(state = 'captured') = (captured_microcredits IS NOT NULL)", name="captured_state"),
    sa.Index(
        "ix_credit_holds_open",
        "workspace_id",
        "expires_at",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
)

credit_entries = sa.Table(
    "credit_entries",
    metadata,
    sa.Column("workspace_id", sa.ForeignKey("credit_accounts.workspace_id"), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", choice(EntryKind), nullable=False),
    sa.Column("amount_microcredits", sa.BigInteger, nullable=False),
    sa.Column("posted_after_microcredits", sa.BigInteger, nullable=False),
    sa.Column("idempotency_key", sa.String, nullable=False, unique=True),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("reason", FreeText, nullable=False),
    sa.Column("lot_id", sa.ForeignKey("credit_lots.id")),
    sa.Column("hold_id", sa.ForeignKey("credit_holds.id"), index=True),
    sa.CheckConstraint("seq >= 1", name="seq"),
)
make_append_only(credit_entries)
