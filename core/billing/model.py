"""What we remember of Stripe: who pays, what was bought, what was told to whom. Amounts are integers with their unit."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

PLAN_SLOT = "plan"


class CheckoutState(StrEnum):
    """Where a purchase stands; see `SLOT_TAKEN` for those that keep others from starting."""

    CREATING = "creating"
    OPEN = "open"
    PENDING = "pending"
    COMPLETE = "complete"
    FAILED = "failed"
    EXPIRED = "expired"


SLOT_TAKEN = (CheckoutState.CREATING, CheckoutState.OPEN, CheckoutState.PENDING)


class EventState(StrEnum):
    """What became of an event.

    STORED waits for its turn. IGNORED is none of our business, or of a kind that nothing follows from. QUARANTINED
    contradicts what we know, so nothing was granted and an operator should look.
    """

    STORED = "stored"
    DONE = "done"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


class TakeKind(StrEnum):
    """Why credits go back."""

    REFUND = "refund"
    DISPUTE = "dispute"


class Audience(StrEnum):
    """Whom a notice is for: certain members, everybody who may buy, or whoever runs the installation."""

    MEMBERS = "members"
    BUYERS = "buyers"
    OPERATOR = "operator"


class NoticeState(StrEnum):
    """Whether it was told."""

    OPEN = "open"
    SENT = "sent"
    GIVEN_UP = "given_up"


class NoticeKind(StrEnum):
    """What happened; the facts of each stand in docs/billing.md."""

    CREDITS_BOUGHT = "credits_bought"
    PLAN_STARTED = "plan_started"
    PLAN_CHANGED = "plan_changed"
    PLAN_ENDED = "plan_ended"
    PAYMENT_PENDING = "payment_pending"
    CHECKOUT_FAILED = "checkout_failed"
    CHECKOUT_EXPIRED = "checkout_expired"
    PAYMENT_FAILED = "payment_failed"
    RENEWAL_SOON = "renewal_soon"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    LOW_BALANCE = "low_balance"
    DIGEST = "digest"
    ASK_ADMIN = "ask_admin"
    PLAN_ENDING = "plan_ending"
    TEXTS_EXPIRE = "texts_expire"
    APP_LEFT = "app_left"
    FRAUD_WARNING = "fraud_warning"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Customer:
    """Stripe's customer of a workspace; those before it stay, because refunds come late.

    Attributes:
        id: Stripe's.
        deleted_at: When we learned that Stripe forgot it; the next purchase makes a new one.
    """

    id: str
    workspace_id: str
    created_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """The intent to buy; it exists before Stripe hears of it, so that its id can be the idempotency key.

    Attributes:
        id: Ours; Stripe carries it as ``client_reference_id``.
        slot: What may be open once a workspace: ``plan``, or the key of a pack.
        product: Key of the tier or pack.
        member_id: Who asked first, and hears how it ended.
        session_id: The session that needed it, empty for none.
        price_id: Stripe's price, as configured when the intent was made.
        stripe_id: Stripe's session, once it is known.
        also_ids: Members who asked while it was open, and got the same page; they hear how it ended too.
    """

    id: str
    workspace_id: str
    slot: str
    product: str
    quantity: int
    member_id: str
    customer_id: str
    price_id: str
    created_at: datetime
    state: CheckoutState = CheckoutState.CREATING
    session_id: str = ""
    stripe_id: str | None = None
    also_ids: tuple[str, ...] = ()

    @property
    def told_ids(self) -> tuple[str, ...]:
        """Everybody who hears how it ended."""
        return (self.member_id, *self.also_ids)


@dataclass(frozen=True, slots=True)
class Subscription:
    """The state of a subscription when it was last fetched.

    Attributes:
        tier: Key of the tier that its price is for.
        status: Stripe's word.
        cancel_at: When it will end, if somebody cancelled it.
    """

    id: str
    workspace_id: str
    customer_id: str
    tier: str
    price_id: str
    status: str
    started_at: datetime
    period_start: datetime
    period_end: datetime
    cancel_at: datetime | None = None

    @property
    def entitles(self) -> bool:
        """Whether the workspace has the tier: a payment that is late does not end it yet."""
        return self.status in {"active", "trialing", "past_due"}

    @property
    def is_live(self) -> bool:
        """Whether it can still be managed, so that a second one must not be bought."""
        return self.status not in {"canceled", "incomplete_expired"}


@dataclass(frozen=True, slots=True)
class Purchase:
    """A payment that granted credits.

    Attributes:
        source_key: The lot's: ``cs:{session}`` or ``in:{invoice}:{line}``.
        root_id: The checkout session or invoice that was paid.
        product: Key of the tier or pack.
        amount_cents: What was paid, taxes included: what a refund is a part of.
        microcredits: What was granted.
    """

    source_key: str
    root_id: str
    workspace_id: str
    product: str
    amount_cents: int
    currency: str
    microcredits: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Take:
    """A refund or a dispute, and what it took back.

    Attributes:
        id: Stripe's.
        amount_cents: How much money it is about.
        status: Stripe's word.
        active: Whether the money is gone at this moment.
        taken_microcredits: What the ledger took for it and did not give back.
        turn: How often that changed: part of the ledger's key.
    """

    id: str
    kind: TakeKind
    source_key: str
    workspace_id: str
    amount_cents: int
    status: str
    active: bool
    at: datetime
    taken_microcredits: int = 0
    turn: int = 0

    @property
    def is_undecided(self) -> bool:
        """Whether it is a dispute, more than an inquiry, that nobody has decided yet."""
        return self.kind is TakeKind.DISPUTE and self.status in {"needs_response", "under_review"}


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook as it was received: a hint, and no more of it than is needed to ask Stripe.

    Attributes:
        object_id: What it is about; empty for objects without an id.
        customer_id: Whose, as the event says; empty where it does not.
        account: The connected account that it is for; empty for Stripe's usual events.
        created_at: Stripe's time.
        due_at: When to try (again) while STORED.
        detail: Why it is as it is.
    """

    id: str
    type: str
    object_id: str
    livemode: bool
    created_at: datetime
    received_at: datetime
    due_at: datetime
    customer_id: str = ""
    account: str = ""
    api_version: str = ""
    state: EventState = EventState.STORED
    attempts: int = 0
    handled_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell people privately, once.

    Attributes:
        key: Names the fact, so that it is told once whoever learns of it and how often.
        member_ids: For `Audience.MEMBERS`, to whom; for BUYERS, those whom we know of: the platform knows its admins.
        facts: What to say, never a link: links are made when they are clicked.
        attempts: Tries to deliver it.
    """

    key: str
    workspace_id: str
    kind: NoticeKind
    audience: Audience
    created_at: datetime
    member_ids: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    state: NoticeState = NoticeState.OPEN
    attempts: int = 0
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RetentionTerm:
    """How long the texts of a workspace's ended sessions are kept.

    Attributes:
        days: What is in force; None for without end.
        shorter_days: What is announced to come instead; None for nothing.
        shorter_from: When that begins.
    """

    workspace_id: str
    days: int | None = None
    shorter_days: int | None = None
    shorter_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class BillingDifference:
    """One thing in which we and Stripe differ.

    Attributes:
        law: ``customer``, ``subscription``, ``tier``, ``two_subscriptions``, ``pack``, ``month``, ``lot``,
            ``unfounded``, ``refund``, ``dispute``, ``quarantined`` or ``waiting``.
        subject: Stripe's id of what it is about, or the workspace's.
        expected: What Stripe, or what was paid, says.
        found: What is stored.
    """

    workspace_id: str
    law: str
    subject: str
    expected: str
    found: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about, whatever the two say of it."""
        return self.workspace_id, self.law, self.subject


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one comparison with Stripe came to.

    Attributes:
        id: ``rec_...``.
        lost_events: Events that never came, and were taken.
        repaired: What differed, and does not any more.
        remaining: What still differs after everything was taken again: an operator's business.
    """

    id: str
    at: datetime
    lost_events: int
    repaired: tuple[BillingDifference, ...]
    remaining: tuple[BillingDifference, ...]


@dataclass(frozen=True, slots=True)
class Spend:
    """What one member used in one project; empty ids for sessions that were deleted, or outside a project."""

    member_id: str
    project_id: str
    microcredits: int
