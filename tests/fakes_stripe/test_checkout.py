"""Checkout: what a session may say, what its page does, and what is told when it is paid."""

from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import stripe

from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Card, PageRefusal
from tests.fakes_stripe.buying import DONE, checkout, customer, types
from tests.fakes_stripe.conftest import Shop

pytestmark = pytest.mark.loopback


async def test_a_pack_is_bought_once(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """Paying completes the session, tells it once, and sends the browser back; a second time is refused."""
    session = await checkout(client, shop.pack, client_reference_id="intent-1", metadata={"workspace": "slack:T1"})
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    since = len(local.events())
    assert local.pay(session.id) == DONE.replace("{CHECKOUT_SESSION_ID}", session.id)
    told = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    assert types(local, since) == told
    paid = local.events()[-1]["data"]["object"]
    assert (paid["status"], paid["payment_status"], paid["amount_total"]) == ("complete", "paid", 1000)
    assert (paid["client_reference_id"], paid["metadata"]) == ("intent-1", {"workspace": "slack:T1"})
    assert (paid["customer"], paid["url"]) == (None, None)
    with pytest.raises(PageRefusal):
        local.pay(session.id)
    assert len(local.all("charge")) == 1


async def test_metadata_of_the_session_stays_there(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """What should stand at the intent or the subscription is given for them."""
    data: Any = {"metadata": {"a": "1"}, "statement_descriptor_suffix": "CREDITS"}
    session = await checkout(client, shop.pack, metadata={"b": "2"}, payment_intent_data=data)
    local.pay(session.id)
    charge = local.all("charge")[0]
    assert charge["metadata"] == local.all("payment_intent")[0]["metadata"] == {"a": "1"}
    assert charge["calculated_statement_descriptor"] == "ATELIER* CREDITS"
    plan = await checkout(client, shop.pro, metadata={"b": "2"}, subscription_data={"metadata": {"c": "3"}})
    local.pay(plan.id)
    assert local.all("subscription")[0]["metadata"] == {"c": "3"}
    invoice = local.all("invoice")[0]
    assert invoice["parent"]["subscription_details"]["metadata"] == {"c": "3"}
    assert invoice["lines"]["data"][0]["metadata"] == {"c": "3"}


async def test_a_subscription_begins_after_its_payment(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """A declined card leaves neither subscription nor invoice, and the page open; the next try makes both."""
    session = await checkout(client, shop.starter, customer=await customer(client))
    with pytest.raises(PageRefusal, match="insufficient funds"):
        local.pay(session.id, card=Card.NO_FUNDS)
    assert local.all("subscription") == local.all("invoice") == []
    local.pay(session.url or "")
    (subscription,), (invoice,) = local.all("subscription"), local.all("invoice")
    assert subscription["status"] == "active"
    assert "current_period_end" not in subscription
    item = subscription["items"]["data"][0]
    line = invoice["lines"]["data"][0]
    assert line["period"] == {"start": item["current_period_start"], "end": item["current_period_end"]}
    assert line["pricing"]["price_details"] == {"price": shop.starter["id"], "product": shop.starter["product"]}
    assert line["parent"]["subscription_item_details"]["subscription"] == subscription["id"]
    assert (invoice["billing_reason"], invoice["status"], invoice["amount_paid"]) == (
        "subscription_create",
        "paid",
        2900,
    )
    assert len(local.all("payment_intent")) == 1
    assert "subscription" not in invoice
    assert types(local)[-1] == "checkout.session.completed"


async def test_a_bank_debit_is_paid_later(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """A debit completes the session unpaid; days later it succeeds or fails."""
    good, bad = await checkout(client, shop.pack), await checkout(client, shop.pack)
    for session in (good, bad):
        local.pay(session.id, card=Card.DEBIT)
        done = local.events("checkout.session.completed")[-1]["data"]["object"]
        assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
    local.settle(good.id)
    local.settle(bad.id, succeeds=False)
    assert types(local)[-6:] == [
        *("charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded"),
        *("charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"),
    ]
    assert [one["payment_status"] for one in local.all("checkout.session")] == ["paid", "unpaid"]
    with pytest.raises(PageRefusal):
        local.settle(good.id)


@pytest.mark.parametrize("succeeds", [True, False], ids=["paid", "failed"])
async def test_a_debit_for_a_plan(local: LocalStripe, client: stripe.StripeClient, shop: Shop, succeeds: bool) -> None:
    """The first invoice stays open until the debit is through."""
    session = await checkout(client, shop.starter)
    local.pay(session.id, card=Card.DEBIT)
    assert local.all("invoice")[0]["status"] == "open"
    local.settle(session.id, succeeds=succeeds)
    (invoice,), (subscription,) = local.all("invoice"), local.all("subscription")
    expected = ("paid", "active") if succeeds else ("open", "past_due")
    assert (invoice["status"], subscription["status"]) == expected


async def test_a_page_expires(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """By time or by request, once; an expired page takes no money."""
    now = local.world.now()
    timed = await checkout(client, shop.pack, expires_at=now + 1800)
    asked = await checkout(client, shop.pack)
    await client.v1.checkout.sessions.expire_async(asked.id)
    local.advance(1800)
    found = await client.v1.checkout.sessions.retrieve_async(timed.id)
    assert (found.status, found.url) == ("expired", None)
    event = local.events("checkout.session.expired")[-1]
    assert event["created"] == now + 1800
    for one in (timed, asked):
        with pytest.raises(PageRefusal, match="expired"):
            local.pay(one.id)
        with pytest.raises(stripe.InvalidRequestError, match="expired"):
            await client.v1.checkout.sessions.expire_async(one.id)
    assert len(local.events("checkout.session.expired")) == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"payment_intent_data": {"metadata": {}}, "mode": "subscription"}, "can not pass|recurring"),
        ({"subscription_data": {"metadata": {"a": "1"}}}, "can not pass `subscription_data`"),
        ({"expires_at": 1_767_225_600 + 60}, "at least 30 minutes"),
        ({"expires_at": 1_767_225_600 + 90_000}, "less than 24 hours"),
        ({"success_url": "done"}, "Not a valid URL"),
        ({"client_reference_id": "slack:T1"}, "client_reference_id"),
        ({"mode": "subscription"}, "at least one recurring price"),
        ({"customer": "cus_none"}, "No such customer: 'cus_none'"),
        ({"customer_update": {"name": "auto"}}, "customer_update"),
        ({"line_items": []}, "line_items"),
        ({"discounts": [{"coupon": "x"}]}, "does not simulate"),
    ],
    ids=[
        "intent data",
        "plan data",
        "soon",
        "late",
        "url",
        "reference",
        "mode",
        "customer",
        "update",
        "empty",
        "unplayed",
    ],
)
async def test_sessions_that_cannot_be(
    client: stripe.StripeClient, shop: Shop, more: dict[str, Any], message: str
) -> None:
    """What Stripe would not take is refused."""
    with pytest.raises(stripe.StripeError, match=message):
        await checkout(client, shop.pack, **more)


async def test_tax_needs_to_know_where_the_customer_is(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """For a customer without an address, the page has to be allowed to write it down."""
    who = await customer(client)
    more: dict[str, Any] = {"automatic_tax": {"enabled": True}, "tax_id_collection": {"enabled": True}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await checkout(client, shop.pack, customer=who, **more)
    assert caught.value.code == "customer_tax_location_invalid"
    with pytest.raises(stripe.InvalidRequestError, match="Tax ID collection requires updating business name"):
        await checkout(client, shop.pack, customer=who, customer_update={"address": "auto"}, **more)
    both = {"address": "auto", "name": "auto"}
    session = await checkout(client, shop.pack, customer=who, customer_update=both, **more)
    local.world.tax_percent = Decimal(19)
    local.pay(session.id, country="DE", business="Nord GmbH", tax_id=("eu_vat", "DE123456789"))
    paid = local.all("checkout.session")[0]
    assert (paid["amount_subtotal"], paid["amount_total"], paid["total_details"]["amount_tax"]) == (1000, 1190, 190)
    found = await client.v1.customers.retrieve_async(who, {"expand": ["tax_ids"]})
    assert found.address is not None
    assert found.tax_ids is not None
    assert (found.name, found.address.country, found.tax_ids.data[0].value) == ("Nord GmbH", "DE", "DE123456789")


async def test_tax_can_be_contained(local: LocalStripe, client: stripe.StripeClient) -> None:
    """A price with tax in it stays what it is."""
    local.world.tax_percent = Decimal(25)
    price = local.add_price("Plan", 1000, interval="month", tax_behavior="inclusive")
    local.pay((await checkout(client, price, automatic_tax={"enabled": True})).id)
    invoice = local.all("invoice")[0]
    assert (invoice["total"], invoice["total_excluding_tax"], invoice["total_taxes"][0]["amount"]) == (1000, 800, 200)


async def test_fields_of_our_own_are_asked_for(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """A field that is not optional has to be filled in."""
    label: Any = {"type": "custom", "custom": "Cost centre"}
    fields: Any = [{"key": "centre", "label": label, "type": "text"}]
    session = await checkout(client, shop.pack, custom_fields=fields)
    with pytest.raises(PageRefusal, match="Cost centre"):
        local.pay(session.id)
    local.pay(session.id, fields={"centre": "42"})
    assert local.all("checkout.session")[0]["custom_fields"][0]["text"]["value"] == "42"


async def test_a_pack_can_have_an_invoice(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """It is paid, and its reason is no subscription's."""
    who = await customer(client)
    creation: Any = {"enabled": True, "invoice_data": {"metadata": {"a": "1"}}}
    local.pay((await checkout(client, shop.pack, customer=who, invoice_creation=creation)).id)
    invoice = local.all("invoice")[0]
    assert (invoice["billing_reason"], invoice["parent"], invoice["status"]) == ("manual", None, "paid")
    assert invoice["metadata"] == {"a": "1"}
    payments = await client.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": local.all("payment_intent")[0]["id"]}}
    )
    assert [one.invoice for one in payments.data] == [invoice["id"]]


async def test_the_page_is_a_page(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """A browser sees what is sold, can be declined, can pay, and is sent back."""
    session = await checkout(client, shop.pack)
    url = session.url or ""
    async with aiohttp.ClientSession() as browser:
        async with browser.get(url) as answer:
            assert "1,000 credits: 10.00 usd" in await answer.text()
        async with browser.post(url, data={"card": "card_declined"}, allow_redirects=False) as answer:
            assert answer.status == 402
        async with browser.post(url, data={"card": "ok"}, allow_redirects=False) as answer:
            assert answer.headers["Location"].endswith(session.id)
        async with browser.get(url) as answer:
            assert answer.status == 410


async def test_sessions_are_found_by_what_they_are_about(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """Lists filter by customer and status, and the line items are theirs."""
    who = await customer(client)
    mine, _ = await checkout(client, shop.pack, customer=who), await checkout(client, shop.pack)
    listed = await client.v1.checkout.sessions.list_async({"customer": who, "status": "open"})
    assert [one.id for one in listed.data] == [mine.id]
    items = await client.v1.checkout.sessions.line_items.list_async(mine.id)
    assert [(one.amount_total, one.quantity) for one in items.data] == [(1000, 1)]
