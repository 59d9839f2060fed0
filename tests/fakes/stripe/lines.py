"""The lines of invoices, and what tax adds to them."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import stripe

from tests.fakes.stripe.model import Json
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World


@dataclass(frozen=True)
class Entry:
    """What becomes a line.

    Attributes:
        amount: In cents, below zero for time that is given back; what it says of tax stands at its price.
        period: What it pays for, in seconds since the epoch.
        item: The subscription item, empty for what is sold once.
        proration: True for a part of a period.
    """

    price: Json
    quantity: int
    amount: int
    period: tuple[int, int]
    description: str
    subscription: str = ""
    item: str = ""
    proration: bool = False


def full(
    world: World, price: Json, quantity: int, period: tuple[int, int], *, subscription: str = "", item: str = ""
) -> Entry:
    """Return the entry of a whole period, or of something sold once."""
    name = world.of(price["product"])["name"]
    every = f" (at ${price['unit_amount'] / 100:.2f} / {price['recurring']['interval']})" if price["recurring"] else ""
    said = f"{quantity} × {name}{every}"  # noqa: RUF001 - as Stripe writes it
    return Entry(price, quantity, price["unit_amount"] * quantity, period, said, subscription, item)


@dataclass(frozen=True)
class Taxed:
    """An amount and the tax on it.

    Attributes:
        tax: Contained in `amount` when *inclusive*, to be added otherwise.
    """

    amount: int
    tax: int
    inclusive: bool

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.amount if self.inclusive else self.amount + self.tax


def taxed(world: World, price: Json, amount: int, *, automatic: bool) -> Taxed:
    """Return an amount with the tax that automatic tax finds."""
    inclusive = price["tax_behavior"] == "inclusive"
    percent = world.tax_percent if automatic else Decimal(0)
    part = amount * percent / (100 + percent) if inclusive else amount * percent / 100
    return Taxed(amount, int(part.quantize(Decimal(1), ROUND_HALF_UP)), inclusive)


def line(world: World, entry: Entry, *, invoice: str, livemode: bool, automatic_tax: bool, metadata: Json) -> Json:
    """Return a line item of an invoice."""
    tax = taxed(world, entry.price, entry.amount, automatic=automatic_tax)
    return shaped(
        stripe.InvoiceLineItem,
        id=world.next_id("il"),
        amount=entry.amount,
        currency=entry.price["currency"],
        description=entry.description,
        discount_amounts=[],
        discountable=not entry.proration,
        discounts=[],
        invoice=invoice,
        livemode=livemode,
        metadata=dict(metadata),
        parent=_parent(world, entry),
        period={"start": entry.period[0], "end": entry.period[1]},
        pretax_credit_amounts=[],
        pricing={
            "price_details": {"price": entry.price["id"], "product": entry.price["product"]},
            "type": "price_details",
            "unit_amount_decimal": entry.price["unit_amount_decimal"],
        },
        quantity=entry.quantity,
        quantity_decimal=str(entry.quantity),
        subscription=entry.subscription or None,
        subtotal=entry.amount,
        taxes=[tax_line(world, tax)] if tax.tax else [],
    )


def _parent(world: World, entry: Entry) -> Json:
    details: Json = {"proration": entry.proration, "subscription": entry.subscription or None}
    if not entry.item:
        details["invoice_item"] = world.next_id("ii")
        return {"invoice_item_details": details, "type": "invoice_item_details"}
    details |= {"subscription_item": entry.item, "invoice_item": world.next_id("ii") if entry.proration else None}
    if entry.proration:
        details["proration_details"] = {"credited_items": None}
    return {"subscription_item_details": details, "type": "subscription_item_details"}


def tax_line(world: World, tax: Taxed) -> Json:
    """Return how a line or a total tells its tax."""
    return {
        "amount": tax.tax,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": f"txr_{str(world.tax_percent).replace('.', '_')}"},
        "taxability_reason": "standard_rated",
        "taxable_amount": tax.amount - tax.tax if tax.inclusive else tax.amount,
        "type": "tax_rate_details",
    }
