"""What an invoice of a plan grants: months, and parts of months when the plan changes in between. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from core.billing.catalogue import CURRENCY, Catalogue, Product
from core.billing.objects import InvoiceLine, InvoiceObject
from core.billing.outcome import Contradiction

GRACE = timedelta(days=1)
_BEGINS = frozenset({"subscription_create", "subscription_cycle"})
UPDATE = "subscription_update"


@dataclass(frozen=True, slots=True)
class Month:
    """What an invoice grants.

    Attributes:
        line_id: The line that stands for all of it in the key.
        expires_at: The end of what was paid for, and a day.
    """

    product: Product
    line_id: str
    microcredits: int
    expires_at: datetime


def granted_by(catalogue: Catalogue, invoice: InvoiceObject, others: Sequence[InvoiceObject] = ()) -> Month | None:
    """Return what a paid invoice grants, None for nothing.

    A full line grants its month, a proration the part of one that its amount is of the price; what is credited counts
    below zero. By amounts and not by days, because the lines of a paid invoice never change.

    A change of plan grants only what goes beyond the most that was granted since the month began. Going down takes
    nothing back, but Stripe pays the way up again out of what it credited for the way down: without this rule the way
    up would grant again each time.

    Args:
        catalogue: What prices stand for.
        invoice: The invoice.
        others: The other invoices of the same customer, for a change of plan.

    Raises:
        Contradiction: If currency, price, quantity or amount are not the catalogue's.
    """
    if invoice.status != "paid" or not invoice.subscription:
        return None
    if invoice.billing_reason not in {*_BEGINS, UPDATE}:
        return None
    net = _net(catalogue, invoice)
    credited = sorted((line for line in invoice.lines if line.amount > 0), key=lambda line: (line.proration, line.id))
    if not credited:
        return None
    if invoice.billing_reason == UPDATE:
        before = [_lenient_net(catalogue, one) for one in _since_the_month_began(invoice, others)]
        sums = list(accumulate([*before, net]))
        net = max(0, *sums) - max(0, *sums[:-1])
    if net <= 0:
        return None
    return Month(
        product=_plan(catalogue, invoice, credited[0]),
        line_id=credited[0].id,
        microcredits=net,
        expires_at=max(line.period.end for line in credited) + GRACE,
    )


def _since_the_month_began(invoice: InvoiceObject, others: Iterable[InvoiceObject]) -> list[InvoiceObject]:
    """Return the paid invoices of the same subscription before this one, from the last that began a month."""
    earlier = sorted(
        (
            one
            for one in others
            if one.subscription == invoice.subscription
            and one.status == "paid"
            and (one.created, one.id) < (invoice.created, invoice.id)
        ),
        key=lambda one: (one.created, one.id),
    )
    begins = [number for number, one in enumerate(earlier) if one.billing_reason in _BEGINS]
    return earlier[begins[-1] :] if begins else earlier


def _lenient_net(catalogue: Catalogue, invoice: InvoiceObject) -> int:
    try:
        return _net(catalogue, invoice)
    except Contradiction:
        return 0  # it granted nothing itself


def _net(catalogue: Catalogue, invoice: InvoiceObject) -> int:
    if invoice.currency != CURRENCY:
        raise Contradiction(f"{invoice.id} is in {invoice.currency}")
    return sum(_microcredits(catalogue, invoice, line) for line in invoice.lines if line.amount)


def _microcredits(catalogue: Catalogue, invoice: InvoiceObject, line: InvoiceLine) -> int:
    product = _plan(catalogue, invoice, line)
    if line.quantity != 1 or line.currency != CURRENCY:
        raise Contradiction(f"{invoice.id}: {line.quantity} of {product.key} in {line.currency}")
    if line.proration:
        if abs(line.amount) > product.price_cents:
            raise Contradiction(f"{invoice.id}: {line.amount} is more than a month of {product.key}")
        return product.microcredits_for(line.amount)
    if line.amount != product.price_cents:
        raise Contradiction(f"{invoice.id}: {line.amount} instead of {product.price_cents}")
    return product.microcredits


def _plan(catalogue: Catalogue, invoice: InvoiceObject, line: InvoiceLine) -> Product:
    product = catalogue.find_by_price(line.price)
    if product is None or not product.is_plan:
        raise Contradiction(f"{invoice.id}: the price {line.price} is not one of a plan")
    return product
