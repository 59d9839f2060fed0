"""Billing: customers, purchases, subscriptions, what was taken back, events that came in, notices that go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.billing.model import (
    Checkout,
    CheckoutState,
    Customer,
    Event,
    EventState,
    Notice,
    NoticeState,
    Purchase,
    Reconciliation,
    Spend,
    Subscription,
    Take,
)
from core.credits.model import EntryKind
from storage.models.billing import (
    OPEN_NOTICE_CONDITION,
    SLOT_CONDITION,
    STORED_CONDITION,
    billing_accounts,
    billing_checkouts,
    billing_customers,
    billing_notices,
    billing_purchases,
    billing_reconciliations,
    billing_subscriptions,
    billing_takes,
    stripe_events,
)
from storage.models.credits import credit_entries, credit_holds
from storage.models.sessions import sessions
from storage.rows import Rows
from storage.statements import Query

_WORKSPACE: sa.BindParameter[str] = sa.bindparam("workspace_id")
_ID: sa.BindParameter[str] = sa.bindparam("id")
_KEY: sa.BindParameter[str] = sa.bindparam("key")
_LIMIT: sa.BindParameter[int] = sa.bindparam("limit")


@dataclass(frozen=True, slots=True)
class _Revision:
    workspace_id: str
    revision: int


_REVISIONS = Rows(billing_accounts, _Revision)
_FIND_REVISION = _REVISIONS.query(_REVISIONS.select.where(billing_accounts.c.workspace_id == _WORKSPACE))
_SAVE_REVISION = _REVISIONS.upsert()

_CUSTOMERS = Rows(billing_customers, Customer)
_ADD_CUSTOMER = _CUSTOMERS.insert_ignoring()
_SAVE_CUSTOMER = _CUSTOMERS.update("deleted_at")
_FIND_CUSTOMER = _CUSTOMERS.query(_CUSTOMERS.select.where(billing_customers.c.id == _ID))
_OLDEST_CUSTOMERS = _CUSTOMERS.select.order_by(billing_customers.c.created_at, billing_customers.c.id)
_ALL_CUSTOMERS = _CUSTOMERS.query(_OLDEST_CUSTOMERS)
_CUSTOMERS_OF_WORKSPACE = _CUSTOMERS.query(_OLDEST_CUSTOMERS.where(billing_customers.c.workspace_id == _WORKSPACE))

_CHECKOUTS = Rows(billing_checkouts, Checkout)
_ADD_CHECKOUT = _CHECKOUTS.insert_ignoring()
_SAVE_CHECKOUT = _CHECKOUTS.update("state", "stripe_id", "also_ids")
_FIND_CHECKOUT = _CHECKOUTS.query(_CHECKOUTS.select.where(billing_checkouts.c.id == _ID))
_FIND_BY_STRIPE = _CHECKOUTS.query(_CHECKOUTS.select.where(billing_checkouts.c.stripe_id == sa.bindparam("stripe_id")))
_CHECKOUTS_OF_WORKSPACE = _CHECKOUTS.select.where(billing_checkouts.c.workspace_id == _WORKSPACE)
_FIND_OPEN_CHECKOUT = _CHECKOUTS.query(
    # as text, so that the database may use the index that has this condition
    _CHECKOUTS_OF_WORKSPACE.where(billing_checkouts.c.slot == sa.bindparam("slot"), sa.text(SLOT_CONDITION))
)
_UNFINISHED_CHECKOUTS = _CHECKOUTS.query(
    _CHECKOUTS.select.where(sa.text(SLOT_CONDITION)).order_by(billing_checkouts.c.created_at, billing_checkouts.c.id)
)
_LIST_CHECKOUTS = _CHECKOUTS.query(
    _CHECKOUTS_OF_WORKSPACE.order_by(billing_checkouts.c.created_at.desc(), billing_checkouts.c.id.desc())
)

_SUBSCRIPTIONS = Rows(billing_subscriptions, Subscription)
_SAVE_SUBSCRIPTION = _SUBSCRIPTIONS.upsert()
_OLDEST_SUBSCRIPTIONS = _SUBSCRIPTIONS.select.order_by(billing_subscriptions.c.started_at, billing_subscriptions.c.id)
_ALL_SUBSCRIPTIONS = _SUBSCRIPTIONS.query(_OLDEST_SUBSCRIPTIONS)
_SUBSCRIPTIONS_OF_WORKSPACE = _SUBSCRIPTIONS.query(
    _OLDEST_SUBSCRIPTIONS.where(billing_subscriptions.c.workspace_id == _WORKSPACE)
)

_PURCHASES = Rows(billing_purchases, Purchase)
_ADD_PURCHASE = _PURCHASES.insert_ignoring()
_FIND_PURCHASE = _PURCHASES.query(_PURCHASES.select.where(billing_purchases.c.root_id == sa.bindparam("root_id")))
_LIST_PURCHASES = _PURCHASES.query(
    _PURCHASES.select.where(billing_purchases.c.workspace_id == _WORKSPACE).order_by(
        billing_purchases.c.at, billing_purchases.c.source_key
    )
)

_TAKES = Rows(billing_takes, Take)
_SAVE_TAKE = _TAKES.upsert(keep=("kind", "source_key", "workspace_id", "at"))
_TAKES_OF_WORKSPACE = _TAKES.select.where(billing_takes.c.workspace_id == _WORKSPACE).order_by(billing_takes.c.id)
_LIST_TAKES = _TAKES.query(_TAKES_OF_WORKSPACE)
_TAKES_OF_SOURCE = _TAKES.query(_TAKES_OF_WORKSPACE.where(billing_takes.c.source_key == sa.bindparam("source_key")))

_EVENTS = Rows(stripe_events, Event)
_ADD_EVENT = _EVENTS.insert_ignoring()
_SAVE_EVENT = _EVENTS.update("due_at", "state", "attempts", "handled_at", "detail")
_EVENT = _EVENTS.select.where(stripe_events.c.id == _ID)
_FIND_EVENT = _EVENTS.query(_EVENT)
_LOCK_EVENT = _EVENTS.query(_EVENT.with_for_update())
_DUE_EVENTS = _EVENTS.query(
    _EVENTS.select.where(sa.text(STORED_CONDITION), stripe_events.c.due_at <= sa.bindparam("now"))
    .order_by(stripe_events.c.due_at, stripe_events.c.id)
    .limit(_LIMIT)
)
_NEWEST_EVENTS = _EVENTS.select.order_by(stripe_events.c.received_at.desc(), stripe_events.c.id.desc()).limit(_LIMIT)
_LIST_EVENTS = _EVENTS.query(_NEWEST_EVENTS)
_EVENTS_IN_STATE = _EVENTS.query(_NEWEST_EVENTS.where(stripe_events.c.state == sa.bindparam("state")))
_DELETE_EVENTS = sa.delete(stripe_events).where(
    stripe_events.c.received_at < sa.bindparam("moment"),
    stripe_events.c.state.in_([EventState.DONE, EventState.IGNORED]),
)

_NOTICES = Rows(billing_notices, Notice)
_ADD_NOTICE = _NOTICES.insert_ignoring()
_FIND_NOTICE = _NOTICES.query(_NOTICES.select.where(billing_notices.c.key == _KEY))
_IS_OPEN_NOTICE = sa.text(OPEN_NOTICE_CONDITION)
_OPEN_NOTICES = (
    _NOTICES.select.where(_IS_OPEN_NOTICE).order_by(billing_notices.c.created_at, billing_notices.c.key).limit(_LIMIT)
)
_LIST_OPEN_NOTICES = _NOTICES.query(_OPEN_NOTICES)
_OPEN_NOTICES_OF_WORKSPACE = _NOTICES.query(_OPEN_NOTICES.where(billing_notices.c.workspace_id == _WORKSPACE))
# guards and keys of an update need names beside the columns' own
_THE_OPEN_NOTICE = (billing_notices.c.key == sa.bindparam("notice_key"), _IS_OPEN_NOTICE)
_MARK_SENT = (
    sa.update(billing_notices).where(*_THE_OPEN_NOTICE).values(state=NoticeState.SENT, sent_at=sa.bindparam("at"))
)
_COUNT_ATTEMPT = (
    sa.update(billing_notices)
    .where(*_THE_OPEN_NOTICE)
    .values(
        attempts=billing_notices.c.attempts + 1,
        state=sa.case(
            (billing_notices.c.attempts + 1 >= sa.bindparam("most"), NoticeState.GIVEN_UP.value),
            else_=NoticeState.OPEN.value,
        ),
    )
)

_RECONCILIATIONS = Rows(billing_reconciliations, Reconciliation)
_ADD_RECONCILIATION = _RECONCILIATIONS.insert()
_LAST_RECONCILIATION = _RECONCILIATIONS.query(
    _RECONCILIATIONS.select.order_by(billing_reconciliations.c.at.desc(), billing_reconciliations.c.id.desc()).limit(1)
)
_DELETE_RECONCILIATIONS = sa.delete(billing_reconciliations).where(
    billing_reconciliations.c.at < sa.bindparam("moment")
)

_CHARGES = sa.and_(
    credit_entries.c.workspace_id == _WORKSPACE,
    credit_entries.c.kind == sa.literal_column(f"'{EntryKind.CAPTURE.value}'"),
)
_CHARGED = sa.func.coalesce(sa.func.sum(-credit_entries.c.amount_microcredits), 0)
_USED = Query(sa.select(_CHARGED).where(_CHARGES), lambda row: int(row[0]))
_USED_SINCE = Query(
    sa.select(_CHARGED).where(_CHARGES, credit_entries.c.at >= sa.bindparam("since")), lambda row: int(row[0])
)
_MEMBER = sa.func.coalesce(sessions.c.member_id, "")
_PROJECT = sa.func.coalesce(sessions.c.project_id, "")
_SPEND = Query(
    sa.select(_MEMBER, _PROJECT, _CHARGED.label("charged"))
    .select_from(
        credit_entries.outerjoin(credit_holds, credit_holds.c.id == credit_entries.c.hold_id).outerjoin(
            sessions, sessions.c.id == credit_holds.c.session_id
        )
    )
    .where(_CHARGES, credit_entries.c.at >= sa.bindparam("since"), credit_entries.c.at < sa.bindparam("until"))
    .group_by(sa.literal_column("1"), sa.literal_column("2"))
    .order_by(sa.literal_column("3").desc(), sa.literal_column("1"), sa.literal_column("2")),
    lambda row: Spend(row[0], row[1], int(row[2])),
)


class SqlBillingRepository:
    """See `core.billing.ports.BillingRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def revision(self, workspace_id: str) -> int:
        found = _FIND_REVISION.first(self._connection, workspace_id=workspace_id)
        return 0 if found is None else found.revision

    def bump_revision(self, workspace_id: str) -> None:
        _SAVE_REVISION.run(self._connection, _Revision(workspace_id, self.revision(workspace_id) + 1))

    def add_customer(self, customer: Customer) -> None:
        _ADD_CUSTOMER.run(self._connection, customer)

    def find_customer(self, customer_id: str) -> Customer | None:
        return _FIND_CUSTOMER.first(self._connection, id=customer_id)

    def list_customers(self, workspace_id: str | None = None) -> Sequence[Customer]:
        if workspace_id is None:
            return _ALL_CUSTOMERS.all(self._connection)
        return _CUSTOMERS_OF_WORKSPACE.all(self._connection, workspace_id=workspace_id)

    def save_customer(self, customer: Customer) -> None:
        _SAVE_CUSTOMER.run(self._connection, customer)

    def add_checkout(self, checkout: Checkout) -> bool:
        return _ADD_CHECKOUT.run(self._connection, checkout) == 1

    def find_checkout(self, checkout_id: str) -> Checkout | None:
        return _FIND_CHECKOUT.first(self._connection, id=checkout_id)

    def find_checkout_by_stripe(self, stripe_id: str) -> Checkout | None:
        return _FIND_BY_STRIPE.first(self._connection, stripe_id=stripe_id)

    def find_open_checkout(self, workspace_id: str, slot: str) -> Checkout | None:
        return _FIND_OPEN_CHECKOUT.first(self._connection, workspace_id=workspace_id, slot=slot)

    def list_checkouts(self, workspace_id: str, *, states: Sequence[CheckoutState] = ()) -> Sequence[Checkout]:
        found = _LIST_CHECKOUTS.all(self._connection, workspace_id=workspace_id)
        return [item for item in found if item.state in states] if states else found

    def list_unfinished_checkouts(self) -> Sequence[Checkout]:
        return _UNFINISHED_CHECKOUTS.all(self._connection)

    def save_checkout(self, checkout: Checkout) -> None:
        _SAVE_CHECKOUT.run(self._connection, checkout)

    def save_subscription(self, subscription: Subscription) -> None:
        _SAVE_SUBSCRIPTION.run(self._connection, subscription)

    def list_subscriptions(self, workspace_id: str | None = None) -> Sequence[Subscription]:
        if workspace_id is None:
            return _ALL_SUBSCRIPTIONS.all(self._connection)
        return _SUBSCRIPTIONS_OF_WORKSPACE.all(self._connection, workspace_id=workspace_id)

    def add_purchase(self, purchase: Purchase) -> None:
        _ADD_PURCHASE.run(self._connection, purchase)

    def find_purchase_of(self, root_id: str) -> Purchase | None:
        return _FIND_PURCHASE.first(self._connection, root_id=root_id)

    def list_purchases(self, workspace_id: str) -> Sequence[Purchase]:
        return _LIST_PURCHASES.all(self._connection, workspace_id=workspace_id)

    def save_take(self, take: Take) -> None:
        _SAVE_TAKE.run(self._connection, take)

    def list_takes(self, workspace_id: str, *, source_key: str | None = None) -> Sequence[Take]:
        if source_key is None:
            return _LIST_TAKES.all(self._connection, workspace_id=workspace_id)
        return _TAKES_OF_SOURCE.all(self._connection, workspace_id=workspace_id, source_key=source_key)

    def add_event(self, event: Event) -> bool:
        return _ADD_EVENT.run(self._connection, event) == 1

    def find_event(self, event_id: str) -> Event | None:
        return _FIND_EVENT.first(self._connection, id=event_id)

    def lock_event(self, event_id: str) -> Event | None:
        return _LOCK_EVENT.first(self._connection, id=event_id)

    def save_event(self, event: Event) -> None:
        _SAVE_EVENT.run(self._connection, event)

    def list_due_events(self, now: datetime, *, limit: int = 100) -> Sequence[Event]:
        return _DUE_EVENTS.all(self._connection, now=now, limit=limit)

    def list_events(self, *, state: EventState | None = None, limit: int = 100) -> Sequence[Event]:
        if state is None:
            return _LIST_EVENTS.all(self._connection, limit=limit)
        return _EVENTS_IN_STATE.all(self._connection, state=state, limit=limit)

    def delete_events_before(self, moment: datetime) -> int:
        return self._connection.execute(_DELETE_EVENTS, {"moment": moment}).rowcount

    def add_reconciliation(self, reconciliation: Reconciliation) -> None:
        _ADD_RECONCILIATION.run(self._connection, reconciliation)

    def last_reconciliation(self) -> Reconciliation | None:
        return _LAST_RECONCILIATION.first(self._connection)

    def delete_reconciliations_before(self, moment: datetime) -> int:
        return self._connection.execute(_DELETE_RECONCILIATIONS, {"moment": moment}).rowcount

    def add_notice(self, notice: Notice) -> bool:
        return _ADD_NOTICE.run(self._connection, notice) == 1

    def find_notice(self, key: str) -> Notice | None:
        return _FIND_NOTICE.first(self._connection, key=key)

    def list_open_notices(self, *, workspace_id: str | None = None, limit: int = 100) -> Sequence[Notice]:
        if workspace_id is None:
            return _LIST_OPEN_NOTICES.all(self._connection, limit=limit)
        return _OPEN_NOTICES_OF_WORKSPACE.all(self._connection, workspace_id=workspace_id, limit=limit)

    def mark_sent(self, key: str, at: datetime) -> bool:
        return self._connection.execute(_MARK_SENT, {"notice_key": key, "at": at}).rowcount == 1

    def count_attempt(self, key: str, *, give_up_after: int) -> None:
        self._connection.execute(_COUNT_ATTEMPT, {"notice_key": key, "most": give_up_after})

    def used_microcredits(self, workspace_id: str, *, since: datetime | None = None) -> int:
        if since is None:
            return _USED.one(self._connection, workspace_id=workspace_id)
        return _USED_SINCE.one(self._connection, workspace_id=workspace_id, since=since)

    def list_spend(self, workspace_id: str, *, since: datetime, until: datetime) -> Sequence[Spend]:
        return _SPEND.all(self._connection, workspace_id=workspace_id, since=since, until=until)
