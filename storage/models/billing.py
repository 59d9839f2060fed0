"""Billing: Stripe's customers, purchases and subscriptions as we know them, events that came in, notices that go out.

Like the ledger, nothing here refers to a session or a workspace row: what was paid outlives both.
"""

from typing import Any

import sqlalchemy as sa

from core.billing.model import Audience, BillingDifference, CheckoutState, EventState, NoticeKind, NoticeState, TakeKind
from storage.models.base import metadata
from storage.types import FreeText, Json, Utc, choice

SLOT_CONDITION = "state IN ('creating', 'open', 'pending')"
STORED_CONDITION = "state = 'stored'"
OPEN_NOTICE_CONDITION = "state = 'open'"

billing_accounts = sa.Table(
    "billing_accounts",
    metadata,
    sa.Column("workspace_id", sa.String, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

billing_customers = sa.Table(
    "billing_customers",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.String, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("deleted_at", Utc),
    # one live customer a workspace: two processes that make one at once end up with the same
    sa.Index(
        "uq_billing_customers_live",
        "workspace_id",
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    ),
)

billing_checkouts = sa.Table(
    "billing_checkouts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.String, nullable=False),
    sa.Column("slot", sa.String, nullable=False),
    sa.Column("product", sa.String, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("member_id", sa.String, nullable=False),
    sa.Column("customer_id", sa.String, nullable=False),
    sa.Column("price_id", sa.String, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("state", choice(CheckoutState), nullable=False),
    sa.Column("session_id", sa.String, nullable=False),
    sa.Column("stripe_id", sa.String, unique=True),
    sa.Column("also_ids", Json[tuple[str, ...]](tuple[str, ...]), nullable=False),
    sa.CheckConstraint("quantity >= 1", name="quantity"),
    sa.Index(
        "uq_billing_checkouts_slot",
        "workspace_id",
        "slot",
        unique=True,
        sqlite_where=sa.text(SLOT_CONDITION),
        postgresql_where=sa.text(SLOT_CONDITION),
    ),
    sa.Index("ix_billing_checkouts_workspace_id_created_at", "workspace_id", "created_at"),
)

billing_subscriptions = sa.Table(
    "billing_subscriptions",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.String, nullable=False, index=True),
    sa.Column("customer_id", sa.String, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("price_id", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("period_start", Utc, nullable=False),
    sa.Column("period_end", Utc, nullable=False),
    sa.Column("cancel_at", Utc),
)

billing_purchases = sa.Table(
    "billing_purchases",
    metadata,
    sa.Column("source_key", sa.String, primary_key=True),
    sa.Column("root_id", sa.String, nullable=False, unique=True),
    sa.Column("workspace_id", sa.String, nullable=False, index=True),
    sa.Column("product", sa.String, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("microcredits", sa.BigInteger, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.CheckConstraint("amount_cents >= 0", name="amount"),
    sa.CheckConstraint("microcredits > 0", name="microcredits"),
)

billing_takes = sa.Table(
    "billing_takes",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("kind", choice(TakeKind), nullable=False),
    sa.Column("source_key", sa.ForeignKey("billing_purchases.source_key"), nullable=False, index=True),
    sa.Column("workspace_id", sa.String, nullable=False, index=True),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("taken_microcredits", sa.BigInteger, nullable=False),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.CheckConstraint("taken_microcredits >= 0", name="taken"),
)

stripe_events = sa.Table(
    "stripe_events",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("object_id", sa.String, nullable=False),
    sa.Column("livemode", sa.Boolean, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("received_at", Utc, nullable=False, index=True),
    sa.Column("due_at", Utc, nullable=False),
    sa.Column("customer_id", sa.String, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("api_version", sa.String, nullable=False),
    sa.Column("state", choice(EventState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("handled_at", Utc),
    sa.Column("detail", FreeText, nullable=False),
    sa.Index(
        "ix_stripe_events_due",
        "due_at",
        sqlite_where=sa.text(STORED_CONDITION),
        postgresql_where=sa.text(STORED_CONDITION),
    ),
)

billing_notices = sa.Table(
    "billing_notices",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.String, nullable=False, index=True),
    sa.Column("kind", choice(NoticeKind), nullable=False),
    sa.Column("audience", choice(Audience), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("member_ids", Json[tuple[str, ...]](tuple[str, ...]), nullable=False),
    sa.Column("facts", Json[dict[str, Any]](dict[str, Any]), nullable=False),
    sa.Column("state", choice(NoticeState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("sent_at", Utc),
    sa.Index(
        "ix_billing_notices_open",
        "created_at",
        sqlite_where=sa.text(OPEN_NOTICE_CONDITION),
        postgresql_where=sa.text(OPEN_NOTICE_CONDITION),
    ),
)

billing_reconciliations = sa.Table(
    "billing_reconciliations",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("at", Utc, nullable=False, index=True),
    sa.Column("lost_events", sa.Integer, nullable=False),
    sa.Column("repaired", Json[tuple[BillingDifference, ...]](tuple[BillingDifference, ...]), nullable=False),
    sa.Column("remaining", Json[tuple[BillingDifference, ...]](tuple[BillingDifference, ...]), nullable=False),
)
