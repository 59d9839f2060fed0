"""Stripe's objects, as far as they are read; everything else in them is ignored.

They are validated once, at the gateway. Which fields there are is the business of the API version that the gateway
pins; events, which come in their endpoint's version, are read by `core.billing.webhook` alone.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

WORKSPACE_KEY = "atelier_workspace"


def _to_id(value: Any) -> Any:
    """Return the id of what may be an id, a whole object, or nothing."""
    if isinstance(value, dict):
        return value.get("id", "")
    return "" if value is None else value


def _to_items(value: Any) -> Any:
    return value.get("data", []) if isinstance(value, dict) else value or []


Id = Annotated[str, BeforeValidator(_to_id)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Cents = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)]
Metadata = Annotated[dict[str, str], BeforeValidator(lambda value: value or {})]


class StripeObject(BaseModel):
    """What all have in common."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", frozen=True)

    id: str


class CustomerObject(StripeObject):
    """A customer; of one that was deleted only the id is left."""

    livemode: bool = False
    deleted: bool = False
    metadata: Metadata = Field(default_factory=dict)


class PriceObject(StripeObject):
    """A price.

    Attributes:
        interval: ``month`` and so on; empty for a price that is paid once.
        descriptor: What card statements say of the product, where the product was asked for too; empty for nothing.
    """

    livemode: bool
    active: bool
    currency: str
    unit_amount: Cents = 0
    product: Id = ""
    interval: Annotated[str, BeforeValidator(lambda value: (value or {}).get("interval", ""))] = Field(
        default="", validation_alias="recurring"
    )
    descriptor: Annotated[
        str,
        BeforeValidator(lambda value: (value.get("statement_descriptor") or "") if isinstance(value, dict) else ""),
    ] = Field(default="", validation_alias="product")


class CheckoutLine(BaseModel):
    """A line of a payment page."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", frozen=True)

    price: Id = ""
    quantity: Cents = 0
    amount_subtotal: Cents = 0


class CheckoutObject(StripeObject):
    """A payment page.

    Attributes:
        payment_failed: Whether a payment that takes days came to nothing.
    """

    livemode: bool
    mode: str
    status: Text = ""
    payment_status: str
    client_reference_id: Text = ""
    customer: Id = ""
    subscription: Id = ""
    invoice: Id = ""
    payment: Id = Field(default="", validation_alias="payment_intent")
    payment_failed: Annotated[
        bool,
        BeforeValidator(
            lambda value: isinstance(value, dict) and value.get("status") in {"requires_payment_method", "canceled"}
        ),
    ] = Field(default=False, validation_alias="payment_intent")
    currency: Text = ""
    amount_subtotal: Cents = 0
    amount_total: Cents = 0
    created: datetime
    expires_at: datetime
    url: Text = ""
    metadata: Metadata = Field(default_factory=dict)
    lines: Annotated[tuple[CheckoutLine, ...], BeforeValidator(_to_items)] = Field(
        default=(), validation_alias="line_items"
    )


class SubscriptionItem(BaseModel):
    """What is subscribed to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", frozen=True)

    id: str
    price: Id
    quantity: Cents = 1
    current_period_start: datetime
    current_period_end: datetime


class SubscriptionObject(StripeObject):
    """A subscription.

    Attributes:
        schedule: What will change it at the end of its period, such as a downgrade; empty for nothing.
    """

    livemode: bool
    customer: Id
    status: str
    created: datetime
    start_date: datetime
    cancel_at: datetime | None = None
    cancel_at_period_end: bool = False
    ended_at: datetime | None = None
    schedule: Id = ""
    metadata: Metadata = Field(default_factory=dict)
    items: Annotated[tuple[SubscriptionItem, ...], BeforeValidator(_to_items)] = ()


class _Period(BaseModel):
    start: datetime
    end: datetime


def _to_price(value: Any) -> Any:
    details = (value or {}).get("price_details") or {}
    return _to_id(details.get("price"))


def _to_proration(value: Any) -> Any:
    parent = value or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return bool(details.get("proration"))


class InvoiceLine(BaseModel):
    """A line of an invoice.

    Attributes:
        amount: Before discounts and without taxes that come on top; below 0 for what is credited.
        proration: Whether it is a part of a month.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", frozen=True)

    id: str
    amount: int
    currency: str
    quantity: Cents = 1
    period: _Period
    price: Annotated[str, BeforeValidator(_to_price)] = Field(default="", validation_alias="pricing")
    proration: Annotated[bool, BeforeValidator(_to_proration)] = Field(default=False, validation_alias="parent")


def _to_subscription(value: Any) -> Any:
    """Return the subscription's id; parents of other kinds have none."""
    return _to_id(((value or {}).get("subscription_details") or {}).get("subscription"))


def _to_metadata(value: Any) -> Any:
    return ((value or {}).get("subscription_details") or {}).get("metadata") or {}


class InvoiceObject(StripeObject):
    """An invoice.

    Attributes:
        metadata: Of its subscription.
        hosted_invoice_url: Where it can be paid and read; private.
    """

    livemode: bool
    customer: Id
    status: Text = ""
    billing_reason: Text = ""
    number: Text = ""
    currency: str
    total: int
    amount_due: int = 0
    amount_paid: int = 0
    attempt_count: int = 0
    created: datetime
    hosted_invoice_url: Text = ""
    subscription: Annotated[str, BeforeValidator(_to_subscription)] = Field(default="", validation_alias="parent")
    metadata: Annotated[dict[str, str], BeforeValidator(_to_metadata)] = Field(
        default_factory=dict, validation_alias="parent"
    )
    lines: Annotated[tuple[InvoiceLine, ...], BeforeValidator(_to_items)] = ()


class RefundObject(StripeObject):
    """Money on its way back."""

    amount: int
    currency: str
    status: Text = ""
    created: datetime
    payment: Id = Field(default="", validation_alias="payment_intent")


class DisputeObject(StripeObject):
    """A payment that the card's owner contests."""

    livemode: bool
    amount: int
    currency: str
    status: str
    reason: Text = ""
    created: datetime
    payment: Id = Field(default="", validation_alias="payment_intent")


class EventHint(StripeObject):
    """An event, reduced to what tells what to ask Stripe for.

    Attributes:
        object_id: What it is about; empty for objects without an id.
        customer_id: Whose; empty where the object does not say.
        account: The connected account it is for; empty for the key's own.
    """

    id: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[str, Field(min_length=1, max_length=255)]
    livemode: bool
    created: datetime
    object_id: str = ""
    customer_id: str = ""
    account: str = ""
    api_version: str = ""
