"""Invoices and their payments, as the app reads them."""

from stripe import params

from tests.fakes.stripe import charging, invoicing
from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import applied, merged
from tests.fakes.stripe.expanding import includes
from tests.fakes.stripe.model import Json, Refusal
from tests.fakes.stripe.subscribing import recovered
from tests.fakes.stripe.world import World, listed


def subscription_of(invoice: Json) -> str | None:
    """Return the subscription that an invoice is about."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return details["subscription"] if details else None


@answers(
    "GET /v1/invoices", params.InvoiceListParams, f"{LIST} collection_method customer due_date status subscription"
)
def list_invoices(ask: Ask) -> Json:
    """Return invoices."""
    found = ask.world.every("invoice", livemode=ask.livemode)
    for name in ("collection_method", "customer", "status"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    if (wanted := ask.get("subscription")) is not None:
        found = [one for one in found if subscription_of(one) == wanted]
    return ask.listed(found)


@answers("GET /v1/invoices/{id}", params.InvoiceRetrieveParams)
def retrieve(ask: Ask) -> Json:
    """Return an invoice."""
    return ask.the("invoice")


@answers("POST /v1/invoices/{id}", params.InvoiceUpdateParams, "metadata description footer auto_advance")
def update(ask: Ask) -> Json:
    """Change an invoice."""
    invoice = ask.the("invoice")
    fields = applied(ask.given, "description footer auto_advance")
    if "metadata" in ask.given:
        fields["metadata"] = merged(invoice["metadata"], ask.given["metadata"])
    return ask.world.change("invoice.updated", invoice, **fields)


@answers("POST /v1/invoices/{id}/finalize", params.InvoiceFinalizeInvoiceParams)
def finalize(ask: Ask) -> Json:
    """Turn a draft into an invoice that is to be paid."""
    invoice = ask.the("invoice")
    if invoice["status"] != "draft":
        raise Refusal(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", "invoice_not_editable"
        )
    invoicing.finalize(ask.world, invoice)
    return invoice


@answers("POST /v1/invoices/{id}/pay", params.InvoicePayParams, "off_session")
def pay(ask: Ask) -> Json:
    """Try to take an invoice's money now."""
    invoice = ask.the("invoice")
    if invoice["status"] == "paid":
        raise Refusal("Invoice is already paid", "invoice_already_paid")
    invoicing.finalize(ask.world, invoice)
    if invoice["status"] not in {"open", "paid"}:
        raise Refusal(f"This invoice is {invoice['status']}.", "invoice_payment_intent_requires_action")
    card = ask.world.card_of(invoice["customer"])
    if not invoicing.collect(ask.world, invoice, card) and card.declines:
        raise charging.declined(card)
    if (given := subscription_of(invoice)) is not None:
        recovered(ask.world, ask.world.of(given))
    return invoice


@answers("POST /v1/invoices/{id}/void", params.InvoiceVoidInvoiceParams)
def void(ask: Ask) -> Json:
    """Make an open invoice void."""
    return _closed(ask, "void")


@answers("POST /v1/invoices/{id}/mark_uncollectible", params.InvoiceMarkUncollectibleParams)
def mark_uncollectible(ask: Ask) -> Json:
    """Write an open invoice off."""
    return _closed(ask, "uncollectible")


def _closed(ask: Ask, status: str) -> Json:
    invoice = ask.the("invoice")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise Refusal(f"You can only {status} an open invoice; this one is {invoice['status']}.")
    invoicing.close(ask.world, invoice, status)
    return invoice


@answers("GET /v1/invoices/{id}/lines", params.InvoiceLineItemListParams, "limit starting_after ending_before")
def list_lines(ask: Ask) -> Json:
    """Return an invoice's lines in their own order."""
    found = [{**one, "created": 0} for one in ask.the("invoice")["lines"]["data"]]
    answer = ask.listed(reversed(found))
    answer["data"] = [{name: value for name, value in one.items() if name != "created"} for one in answer["data"]]
    return answer


@answers(
    "GET /v1/invoice_payments",
    params.InvoicePaymentListParams,
    f"{LIST} invoice status payment.type payment.payment_intent",
)
def list_payments(ask: Ask) -> Json:
    """Return payments of invoices: the way from a charge to the invoice that it paid."""
    found = ask.world.every("invoice_payment", livemode=ask.livemode)
    for name in ("invoice", "status"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    if (payment := ask.get("payment")) is not None:
        found = [one for one in found if one["payment"]["payment_intent"] == payment.get("payment_intent")]
    return ask.listed(found)


@answers("GET /v1/invoice_payments/{id}", params.InvoicePaymentRetrieveParams)
def retrieve_payment(ask: Ask) -> Json:
    """Return a payment of an invoice."""
    return ask.the("invoice_payment")


@includes("invoice", "payments")
def include_payments(world: World, invoice: Json) -> Json:
    """Return an invoice's payments."""
    return listed(f"/v1/invoice_payments?invoice={invoice['id']}", invoicing.payments_of(world, invoice))
