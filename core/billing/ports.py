"""What billing needs of storage and of Stripe."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from core.billing.model import (
    Checkout,
    CheckoutState,
    Customer,
    Event,
    EventState,
    Notice,
    Purchase,
    Reconciliation,
    RetentionTerm,
    Spend,
    Subscription,
    Take,
)
from core.billing.objects import (
    CheckoutObject,
    CustomerObject,
    DisputeObject,
    EventHint,
    InvoiceObject,
    PriceObject,
    RefundObject,
    SubscriptionObject,
)
from core.sessions.ports import Transaction

T = TypeVar("T")
Wake = Callable[[], Awaitable[object]]


class BillingRepository(Protocol):
    """Rows of billing, inside one transaction. Synchronous: see `core.sessions.ports.Store`."""

    def revision(self, workspace_id: str) -> int:
        """Return how often the state of a workspace was stored; 0 at first."""
        ...

    def bump_revision(self, workspace_id: str) -> None:
        """Count once more; the caller holds the lock of the workspace's account."""
        ...

    def add_customer(self, customer: Customer) -> None:
        """Insert; a repeat of the id is ignored."""
        ...

    def find_customer(self, customer_id: str) -> Customer | None: ...
    def list_customers(self, workspace_id: str | None = None) -> Sequence[Customer]:
        """Return customers, deleted ones too, oldest first; those of all workspaces if none is named."""
        ...

    def save_customer(self, customer: Customer) -> None: ...

    def add_checkout(self, checkout: Checkout) -> bool:
        """Insert; False if the workspace's slot is taken."""
        ...

    def find_checkout(self, checkout_id: str) -> Checkout | None: ...
    def find_checkout_by_stripe(self, stripe_id: str) -> Checkout | None: ...
    def find_open_checkout(self, workspace_id: str, slot: str) -> Checkout | None:
        """Return the checkout that takes the slot."""
        ...

    def list_checkouts(self, workspace_id: str, *, states: Sequence[CheckoutState] = ()) -> Sequence[Checkout]:
        """Return checkouts, newest first."""
        ...

    def list_unfinished_checkouts(self) -> Sequence[Checkout]:
        """Return the checkouts of all workspaces that take a slot, oldest first."""
        ...

    def save_checkout(self, checkout: Checkout) -> None:
        """Store state, Stripe's id, and who else got the page."""
        ...

    def save_subscription(self, subscription: Subscription) -> None:
        """Insert or update."""
        ...

    def list_subscriptions(self, workspace_id: str | None = None) -> Sequence[Subscription]:
        """Return subscriptions, oldest first; those of all workspaces if none is named."""
        ...

    def add_purchase(self, purchase: Purchase) -> None:
        """Insert; a repeat is ignored."""
        ...

    def find_purchase_of(self, root_id: str) -> Purchase | None:
        """Return what a checkout session or an invoice granted."""
        ...

    def list_purchases(self, workspace_id: str) -> Sequence[Purchase]:
        """Return purchases, oldest first."""
        ...

    def save_take(self, take: Take) -> None:
        """Insert or update."""
        ...

    def list_takes(self, workspace_id: str, *, source_key: str | None = None) -> Sequence[Take]:
        """Return refunds and disputes, by id."""
        ...

    def add_event(self, event: Event) -> bool:
        """Insert; False if it was received before."""
        ...

    def find_event(self, event_id: str) -> Event | None: ...
    def lock_event(self, event_id: str) -> Event | None:
        """Return the event, locked until the transaction ends."""
        ...

    def save_event(self, event: Event) -> None:
        """Store state, attempts, when it is due and was handled, and the detail."""
        ...

    def list_due_events(self, now: datetime, *, limit: int = 100) -> Sequence[Event]:
        """Return events that are STORED and due, longest waiting first."""
        ...

    def list_events(self, *, state: EventState | None = None, limit: int = 100) -> Sequence[Event]:
        """Return events, newest first."""
        ...

    def delete_events_before(self, moment: datetime) -> int:
        """Delete what was DONE or IGNORED before *moment*; return how many."""
        ...

    def add_reconciliation(self, reconciliation: Reconciliation) -> None: ...
    def last_reconciliation(self) -> Reconciliation | None:
        """Return the newest one."""
        ...

    def delete_reconciliations_before(self, moment: datetime) -> int:
        """Delete older ones; return how many."""
        ...

    def add_notice(self, notice: Notice) -> bool:
        """Insert; False if the key was used before."""
        ...

    def find_notice(self, key: str) -> Notice | None: ...
    def list_open_notices(self, *, workspace_id: str | None = None, limit: int = 100) -> Sequence[Notice]:
        """Return notices that nobody has told yet, oldest first."""
        ...

    def mark_sent(self, key: str, at: datetime) -> bool:
        """Remember that a notice was told; False if it was told before."""
        ...

    def count_attempt(self, key: str, *, give_up_after: int) -> None:
        """Count a failed try; the notice is given up after so many."""
        ...

    def used_microcredits(self, workspace_id: str, *, since: datetime | None = None) -> int:
        """Return what was charged for work, >= 0."""
        ...

    def list_spend(self, workspace_id: str, *, since: datetime, until: datetime) -> Sequence[Spend]:
        """Return what was charged by member and project, most first."""
        ...


class RetentionRepository(Protocol):
    """How long texts are kept, and what is older."""

    def find_term(self, workspace_id: str) -> RetentionTerm | None: ...
    def save_term(self, term: RetentionTerm) -> None:
        """Insert or update."""
        ...

    def list_expired(self, workspace_id: str, *, before: datetime, limit: int) -> Sequence[str]:
        """Return the ids of sessions that ended, or of drafts that were made, before a moment, oldest first.

        Favourites are not among them, nor those whose texts are gone.
        """
        ...

    def list_doomed_files(self, *, limit: int) -> Sequence[str]:
        """Return keys of files whose rows are gone, and whose bytes may still be there."""
        ...

    def forget_doomed_files(self, storage_keys: Sequence[str]) -> None:
        """Forget keys whose bytes are gone."""
        ...


class BillingTransaction(Transaction, Protocol):
    """A transaction that knows billing too."""

    @property
    def billing(self) -> BillingRepository: ...
    @property
    def retention(self) -> RetentionRepository: ...


class BillingStore(Protocol):
    """See `core.sessions.ports.Store`."""

    async def write(self, work: Callable[[BillingTransaction], T]) -> T: ...
    async def read(self, work: Callable[[BillingTransaction], T]) -> T: ...


class Gateway(Protocol):
    """Stripe, as far as it is used.

    Everything raises `BillingUnavailable` when Stripe does not answer and `BillingRefused` when it refuses. ``find_``
    returns None for what Stripe does not know.
    """

    @property
    def livemode(self) -> bool:
        """Whether the key is for real money."""
        ...

    async def account_id(self) -> str:
        """Return the id of the key's own account."""
        ...

    async def create_customer(self, workspace_id: str, *, key: str) -> CustomerObject:
        """Return a new customer, or the one that *key* made before."""
        ...

    async def find_customer(self, customer_id: str) -> CustomerObject | None:
        """Return the customer; one that was deleted says so."""
        ...

    async def create_checkout(self, checkout: Checkout, *, recurring: bool) -> CheckoutObject:
        """Return the payment page of an intent; the same one for the same intent."""
        ...

    async def find_checkout(self, stripe_id: str) -> CheckoutObject | None: ...
    async def expire_checkout(self, stripe_id: str) -> bool:
        """Close an open payment page; False if it was not open any more."""
        ...

    async def list_checkouts(self, customer_id: str) -> Sequence[CheckoutObject]:
        """Return the customer's payment pages, newest first, without their lines."""
        ...

    async def find_subscription(self, subscription_id: str) -> SubscriptionObject | None: ...
    async def list_subscriptions(self, customer_id: str) -> Sequence[SubscriptionObject]: ...
    async def set_cancelled(self, subscription_id: str, *, cancelled: bool) -> SubscriptionObject:
        """Let a subscription end with its period, or go on after all."""
        ...

    async def portal_url(self, customer_id: str, *, change: tuple[str, str, str] | None = None) -> str:
        """Return a link to the customer's portal, good for minutes.

        Args:
            customer_id: Whose.
            change: Subscription, item and price, to open the page that confirms this change of plan.
        """
        ...

    async def find_invoice(self, invoice_id: str) -> InvoiceObject | None: ...
    async def list_invoices(self, customer_id: str, *, limit: int | None = None) -> Sequence[InvoiceObject]:
        """Return invoices, newest first; as many as of everything else unless there is a *limit*."""
        ...

    async def find_refund(self, refund_id: str) -> RefundObject | None: ...
    async def find_dispute(self, dispute_id: str) -> DisputeObject | None: ...
    async def find_payment(self, charge_id: str) -> str:
        """Return the payment intent of a charge, empty for none."""
        ...

    async def list_refunds(self, *, payment: str = "", since: datetime | None = None) -> Sequence[RefundObject]: ...
    async def list_disputes(self, *, payment: str = "", since: datetime | None = None) -> Sequence[DisputeObject]: ...
    async def find_root(self, payment: str) -> str:
        """Return the invoice or checkout session that a payment intent paid; empty if it is none of either."""
        ...

    async def list_payments(self, root_id: str) -> Sequence[str]:
        """Return the payment intents that paid an invoice or a checkout session."""
        ...

    async def list_events(self, since: datetime) -> Sequence[EventHint]:
        """Return events of the last 30 days at most, oldest first."""
        ...

    async def find_price(self, price_id: str) -> PriceObject | None: ...
