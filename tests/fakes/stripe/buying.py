"""What somebody does on a checkout page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fakes.stripe import charging, invoicing, subscribing
from tests.fakes.stripe.charging import Due
from tests.fakes.stripe.checkout_methods import tax_of, totals
from tests.fakes.stripe.customer_methods import new_customer
from tests.fakes.stripe.invoicing import Bill
from tests.fakes.stripe.lines import full
from tests.fakes.stripe.model import Card, Json, PageRefusal
from tests.fakes.stripe.world import World

_NOWHERE: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


@dataclass(frozen=True)
class Buyer:
    """What somebody fills in on a checkout page.

    Attributes:
        tax_id: Kind and number, ``("eu_vat", "DE123456789")``.
        fields: Answers to the custom fields, by key.
    """

    card: Card = Card.OK
    email: str = "buyer@example.test"
    name: str = "Ann Buyer"
    business: str | None = None
    country: str = "US"
    postal_code: str = "94107"
    tax_id: tuple[str, str] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def pay(world: World, session: Json, buyer: Buyer) -> str:
    """Press "Pay" and return where the browser goes then.

    Raises:
        PageRefusal: If the page is used or expired, a field is missing, or the card is declined: then it stays open.
    """
    world.catch_up()
    if session["status"] != "open":
        raise PageRefusal("You're all done here" if session["status"] == "complete" else "This page has expired")
    _fill_in(session, buyer)
    automatic = session["automatic_tax"]["enabled"]
    session |= totals(world, world.checkouts[session["id"]]["items"], automatic=automatic)
    if automatic:
        session["automatic_tax"] = {**session["automatic_tax"], "status": "complete"}
    if session["mode"] == "payment":
        _buy(world, session, buyer)
    else:
        _subscribe(world, session, buyer)
    session |= {"status": "complete", "url": None}
    world.emit("checkout.session.completed", session)
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _fill_in(session: Json, buyer: Buyer) -> None:
    for one in session["custom_fields"]:
        value = buyer.fields.get(one["key"])
        if value is None and not one["optional"]:
            raise PageRefusal(f"{one['label']['custom']}: required")
        one[one["type"]] = {**one[one["type"]], "value": value}
    takes_tax_id = session["tax_id_collection"]["enabled"]
    tax_ids = [{"type": buyer.tax_id[0], "value": buyer.tax_id[1]}] if takes_tax_id and buyer.tax_id else []
    known = session["customer_details"] or {}
    address = {**_NOWHERE, "country": buyer.country, "postal_code": buyer.postal_code}
    session["customer_details"] = {
        "address": address,
        "business_name": buyer.business,
        "email": known.get("email") or buyer.email,
        "individual_name": None,
        "name": buyer.business or buyer.name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": tax_ids,
    }


def _customer(world: World, session: Json) -> Json | None:
    """Return who buys, with what the page may change of them; None for a guest."""
    details = session["customer_details"]
    if session["customer"] is None:
        if session["mode"] == "payment" and session["customer_creation"] != "always":
            return None
        fields = {name: details[name] for name in ("email", "name", "address")}
        customer = new_customer(world, livemode=session["livemode"], **fields)
    else:
        customer = world.of(session["customer"])
        changing = world.checkouts[session["id"]]["given"].get("customer_update") or {}
        changed = {name: details[name] for name in ("name", "address") if changing.get(name) == "auto"}
        world.change("customer.updated", customer, **changed)
    for one in details["tax_ids"]:
        _keep_tax_id(world, customer, one)
    return customer


def _keep_tax_id(world: World, customer: Json, given: Json) -> None:
    made = {
        "id": world.next_id("txi"),
        "object": "tax_id",
        "country": given["value"][:2],
        "created": world.now(),
        "customer": customer["id"],
        "customer_account": None,
        "livemode": customer["livemode"],
        "owner": {"type": "customer", "customer": customer["id"], "account": None, "application": None},
        "type": given["type"],
        "value": given["value"],
        "verification": {"status": "pending", "verified_address": None, "verified_name": None},
    }
    world.emit("customer.tax_id.created", world.add(made))


def _due(world: World, session: Json, customer: str | None) -> Due:
    data = world.checkouts[session["id"]]["given"].get("payment_intent_data") or {}
    return Due(
        amount=session["amount_total"],
        currency=session["currency"],
        livemode=session["livemode"],
        customer=customer,
        description=data.get("description"),
        email=data.get("receipt_email") or session["customer_details"]["email"],
        metadata=data.get("metadata") or {},
        descriptor_suffix=data.get("statement_descriptor_suffix"),
        descriptor=_descriptor_of(world, session) if session["mode"] == "subscription" else None,
    )


def _descriptor_of(world: World, session: Json) -> str | None:
    """Return what statements say of a subscription: its product's descriptor. docs: products, only for subscriptions."""
    given = world.checkouts[session["id"]]["given"]["line_items"]
    products = (world.of(world.of(item["price"])["product"]) for item in given if "price" in item)
    return next((item["statement_descriptor"] for item in products if item["statement_descriptor"]), None)


def _take(world: World, session: Json, buyer: Buyer) -> Json:
    """Take the money of a session, or begin to; every try on one page is for the same intent."""
    kept = world.checkouts[session["id"]]
    intent = world.objects.get(kept.get("intent", ""))
    if intent is None:
        intent = charging.ask_for(world, _due(world, session, session["customer"]))
        kept["intent"] = intent["id"]
    intent["amount"] = session["amount_total"]
    if not charging.attempt(world, intent, buyer.card) and buyer.card is not Card.DEBIT:
        raise PageRefusal(charging.declined(buyer.card).message)
    return intent


def _buy(world: World, session: Json, buyer: Buyer) -> None:
    if session["amount_total"] == 0:
        session["payment_status"] = "no_payment_required"
        return
    intent = _take(world, session, buyer)
    customer = _customer(world, session)
    if customer is not None:
        intent["customer"] = session["customer"] = customer["id"]
        world.of(intent["latest_charge"])["customer"] = customer["id"]
    session |= {"payment_intent": intent["id"], "payment_status": "unpaid"}
    if buyer.card is not Card.DEBIT:
        _bought(world, session, intent)


def _bought(world: World, session: Json, intent: Json) -> None:
    session["payment_status"] = "paid"
    creation = session["invoice_creation"]
    if creation is None or not creation["enabled"] or session["customer"] is None:
        return
    now, items = world.now(), world.checkouts[session["id"]]["items"]
    bill = Bill(
        customer=world.of(session["customer"]),
        entries=[full(world, price, quantity, (now, now)) for price, quantity in items],
        reason="manual",
        period=(now, now),
        automatic_tax=session["automatic_tax"]["enabled"],
        metadata=creation["invoice_data"]["metadata"] or {},
    )
    session["invoice"] = _paid_invoice(world, bill, intent)["id"]


def _paid_invoice(world: World, bill: Bill, intent: Json) -> Json:
    invoice = invoicing.draft(world, bill)
    invoicing.finalize(world, invoice)
    if invoice["status"] == "open":
        invoicing.attach(world, invoice, intent)
        invoicing.settled(world, invoice)
    return invoice


def _subscribe(world: World, session: Json, buyer: Buyer) -> None:
    """Take the money first: a subscription and its invoice exist only once there is a payment."""
    intent = _take(world, session, buyer) if session["amount_total"] else None
    customer = _customer(world, session)
    assert customer is not None
    session["customer"] = customer["id"]
    kept = world.checkouts[session["id"]]
    data = kept["given"].get("subscription_data") or {}
    order = subscribing.Order(
        customer=customer,
        items=[(price, quantity) for price, quantity in kept["items"] if price["recurring"]],
        metadata=data.get("metadata") or {},
        description=data.get("description"),
        automatic_tax=session["automatic_tax"]["enabled"],
    )
    subscription = subscribing.begin(world, order)
    now = world.now()
    once = [full(world, price, quantity, (now, now)) for price, quantity in kept["items"] if not price["recurring"]]
    bill = Bill(
        customer=customer,
        entries=[*once, *subscribing.whole_period(world, subscription)],
        reason="subscription_create",
        period=(now, now),
        subscription=subscription,
        automatic_tax=order.automatic_tax,
    )
    world.cards[customer["id"]] = buyer.card
    session |= {"subscription": subscription["id"], "payment_status": "unpaid"}
    if intent is not None:
        intent["customer"] = world.of(intent["latest_charge"])["customer"] = customer["id"]
    if intent is None or buyer.card is not Card.DEBIT:
        invoice = _paid_invoice(world, bill, intent or {})
        session["payment_status"] = "paid" if intent is not None else "no_payment_required"
    else:
        invoice = invoicing.draft(world, bill)
        invoicing.finalize(world, invoice)
        invoicing.attach(world, invoice, intent)
    session["invoice"] = invoice["id"]
    world.emit("customer.subscription.created", subscription)


def settle(world: World, session: Json, *, succeeds: bool) -> None:
    """End the bank debit that a completed session waits for.

    Raises:
        PageRefusal: If it does not wait for one.
    """
    world.catch_up()
    intent = world.objects.get(world.checkouts[session["id"]].get("intent", ""))
    if intent is None or intent["status"] != "processing":
        raise PageRefusal("no debit is under way")
    charging.settle(world, intent, succeeds=succeeds)
    if session["mode"] == "payment":
        if succeeds:
            _bought(world, session, intent)
    else:
        _settle_first_invoice(world, session, succeeds=succeeds)
    session["payment_status"] = "paid" if succeeds else "unpaid"
    world.emit(f"checkout.session.async_payment_{'succeeded' if succeeds else 'failed'}", session)


def _settle_first_invoice(world: World, session: Json, *, succeeds: bool) -> None:
    invoice, subscription = world.of(session["invoice"]), world.of(session["subscription"])
    if succeeds:
        invoicing.settled(world, invoice)
        subscribing.recovered(world, subscription)
        return
    invoicing.failed(world, invoice)
    if subscription["status"] == "active":
        world.change("customer.subscription.updated", subscription, status="past_due")


def item_lines(world: World, session: Json) -> list[tuple[str, int]]:
    """Return what the page lists: names and amounts."""
    return [
        (world.of(item[0]["product"])["name"], tax_of(world, item, automatic=False).total)
        for item in world.checkouts[session["id"]]["items"]
    ]
