"""Invoices from draft to paid, in the shape since 2025-03-31.basil."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import stripe

from tests.fakes.stripe import charging
from tests.fakes.stripe.lines import Entry, line
from tests.fakes.stripe.model import Card, Json
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World, listed


@dataclass(frozen=True)
class Bill:
    """What an invoice is made of.

    Attributes:
        reason: Stripe's ``billing_reason``.
        period: ``period_start`` and ``period_end`` of the invoice, which on a renewal are those of the period before.
        subscription: Empty for what is sold once.
    """

    customer: Json
    entries: Sequence[Entry]
    reason: str
    period: tuple[int, int]
    subscription: Json | None = None
    automatic_tax: bool = False
    metadata: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)


def draft(world: World, bill: Bill) -> Json:
    """Make an invoice and tell it."""
    made = world.add(drawn(world, bill, world.next_id("in")))
    if bill.subscription is not None:
        bill.subscription["latest_invoice"] = made["id"]
    world.emit("invoice.created", made)
    return made


def drawn(world: World, bill: Bill, given: str) -> Json:
    """Return an invoice that nobody was told of: a preview, or the draft before it is kept."""
    customer, subscription = bill.customer, bill.subscription
    livemode = customer["livemode"]
    metadata = subscription["metadata"] if subscription else {}
    parent = None
    if subscription is not None:
        details = {"metadata": dict(metadata), "subscription": subscription["id"], "subscription_proration_date": None}
        parent = {"subscription_details": details, "type": "subscription_details"}
    lines = [
        line(world, one, invoice=given, livemode=livemode, automatic_tax=bill.automatic_tax, metadata=metadata)
        for one in bill.entries
    ]
    sums = _sums(lines, customer["balance"])
    status = "complete" if bill.automatic_tax else None
    return shaped(
        stripe.Invoice,
        **{
            "id": given,
            "account_country": "US",
            "account_name": "Atelier",
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_shipping": 0,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": subscription is not None,
            "automatic_tax": {"enabled": bill.automatic_tax, "status": status, "liability": None},
            "automatically_finalizes_at": world.now() + world.draft_seconds if subscription else None,
            "billing_reason": bill.reason,
            "collection_method": "charge_automatically",
            "created": world.now(),
            "currency": bill.entries[0].price["currency"],
            "customer": customer["id"],
            "customer_address": customer["address"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_tax_exempt": customer["tax_exempt"],
            "customer_tax_ids": [],
            "default_tax_rates": [],
            "discounts": [],
            "issuer": {"type": "self"},
            "lines": listed(f"/v1/invoices/{given}/lines", lines),
            "livemode": livemode,
            "metadata": dict(bill.metadata),
            "parent": parent,
            "payment_settings": {},
            "period_end": bill.period[1],
            "period_start": bill.period[0],
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "starting_balance": customer["balance"],
            "status": "draft",
            "status_transitions": {},
            "total_discount_amounts": [],
            "total_pretax_credit_amounts": [],
            **sums,
            **bill.more,
        },
    )


def _sums(lines: list[Json], balance: int) -> Json:
    taxes = [tax for one in lines for tax in one["taxes"]]
    subtotal = sum(one["amount"] for one in lines)
    total = subtotal + sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    inclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    due = max(0, total + balance) if total > 0 else 0
    totals: dict[str, Json] = {}
    for tax in taxes:
        sums = totals.setdefault(tax["tax_behavior"], {**tax, "amount": 0, "taxable_amount": 0})
        sums["amount"] += tax["amount"]
        sums["taxable_amount"] += tax["taxable_amount"]
    return {
        "amount_due": due,
        "amount_remaining": due,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "total": total,
        "total_excluding_tax": total - sum(tax["amount"] for tax in taxes),
        "total_taxes": list(totals.values()),
    }


def finalize(world: World, invoice: Json) -> None:
    """Turn a draft into an invoice that is to be paid; one of nothing is paid by that."""
    if invoice["status"] != "draft":
        return
    customer = world.of(invoice["customer"])
    before = customer["balance"]
    used = invoice["amount_due"] - invoice["total"]
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    if used:
        world.change("customer.updated", customer, balance=before + invoice["total"] - invoice["amount_due"])
    transitions = {**invoice["status_transitions"], "finalized_at": world.now()}
    invoice |= {
        "automatically_finalizes_at": None,
        "effective_at": world.now(),
        "ending_balance": customer["balance"],
        "hosted_invoice_url": f"{world.base}/i/{invoice['id']}",
        "invoice_pdf": f"{world.base}/i/{invoice['id']}/pdf",
        "number": number,
        "starting_balance": before,
        "status": "open",
        "status_transitions": transitions,
    }
    world.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        _paid(world, invoice)


def intent_of(world: World, invoice: Json) -> Json:
    """Return the payment intent that pays an open invoice; it is made when it is first needed."""
    for payment in payments_of(world, invoice):
        if payment["payment"]["type"] == "payment_intent":
            return world.of(payment["payment"]["payment_intent"])
    due = charging.Due(
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        livemode=invoice["livemode"],
        customer=invoice["customer"],
        description="Subscription update" if invoice["billing_reason"] == "subscription_update" else "Subscription",
        email=invoice["customer_email"],
        descriptor=_descriptor_of(world, invoice),
    )
    return charging.ask_for(world, due)


def _descriptor_of(world: World, invoice: Json) -> str | None:
    """Return what statements say of a subscription: the first descriptor of its products. docs: products, only there."""
    for item in invoice["lines"]["data"]:
        details = (item["pricing"] or {}).get("price_details") or {}
        if (product := world.objects.get(details.get("product") or "")) and product["statement_descriptor"]:
            return str(product["statement_descriptor"])
    return None


def attach(world: World, invoice: Json, intent: Json) -> Json:
    """Let a payment intent pay an invoice."""
    for payment in payments_of(world, invoice):
        if payment["payment"]["payment_intent"] == intent["id"]:
            return payment
    made = shaped(
        stripe.InvoicePayment,
        id=world.next_id("inpay"),
        amount_requested=invoice["amount_due"],
        created=world.now(),
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        livemode=invoice["livemode"],
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
        status_transitions={},
    )
    return world.add(made)


def payments_of(world: World, invoice: Json) -> list[Json]:
    """Return the payments of an invoice, oldest first."""
    found = world.every("invoice_payment", livemode=invoice["livemode"])
    return [one for one in found if one["invoice"] == invoice["id"]]


def collect(world: World, invoice: Json, card: Card) -> bool:
    """Try to take an open invoice's money; return whether it is paid."""
    if invoice["status"] != "open":
        return bool(invoice["status"] == "paid")
    intent = intent_of(world, invoice)
    attach(world, invoice, intent)
    if charging.attempt(world, intent, card):
        settled(world, invoice)
        return True
    if card is not Card.DEBIT:
        failed(world, invoice, needs_action=card is Card.NEEDS_3DS)
    return False


def settled(world: World, invoice: Json) -> None:
    """Mark an open invoice as paid by its payment."""
    for payment in payments_of(world, invoice):
        payment |= {"status": "paid", "amount_paid": invoice["amount_due"]}
        payment["status_transitions"] = {**payment["status_transitions"], "paid_at": world.now()}
        world.emit("invoice_payment.paid", payment)
    invoice["attempt_count"] += 1
    _paid(world, invoice)


def _paid(world: World, invoice: Json) -> None:
    changed: dict[str, Any] = {
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempted": True,
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": "paid",
        "status_transitions": {**invoice["status_transitions"], "paid_at": world.now()},
    }
    world.change("invoice.updated", invoice, **changed)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)


def failed(world: World, invoice: Json, *, needs_action: bool = False) -> None:
    """Write down a payment of an open invoice that failed."""
    invoice |= {"attempt_count": invoice["attempt_count"] + 1, "attempted": True}
    world.emit("invoice.payment_failed", invoice)
    if needs_action:
        world.emit("invoice.payment_action_required", invoice)


def close(world: World, invoice: Json, status: str) -> None:
    """Write an invoice off (``uncollectible``) or make it ``void``."""
    moment = {"uncollectible": "marked_uncollectible_at", "void": "voided_at"}[status]
    transitions = {**invoice["status_transitions"], moment: world.now()}
    invoice |= {"status": status, "status_transitions": transitions, "next_payment_attempt": None}
    invoice |= {"auto_advance": False, "amount_remaining": 0 if status == "void" else invoice["amount_remaining"]}
    world.emit({"uncollectible": "invoice.marked_uncollectible", "void": "invoice.voided"}[status], invoice)
