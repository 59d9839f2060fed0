"""What objects look like: as the pinned version has them, and as older endpoints get them."""

from typing import Any

import pytest
import stripe

from tests.fakes.stripe import forging
from tests.fakes.stripe.forms import decoded
from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Refusal
from tests.fakes.stripe.old_shapes import OLD_VERSION
from tests.fakes.stripe.spec import shaped, sparse
from tests.fakes_stripe.buying import checkout, customer, subscribe
from tests.fakes_stripe.conftest import Shop
from tests.fakes_stripe.listening import Listener

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("a", "1")], {"a": "1"}),
        ([("a[b]", "1"), ("a[c]", "2")], {"a": {"b": "1", "c": "2"}}),
        ([("a[0][b]", "1"), ("a[1][b]", "2")], {"a": [{"b": "1"}, {"b": "2"}]}),
        ([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}),
        ([("a[b][0]", "1")], {"a": {"b": ["1"]}}),
    ],
    ids=["flat", "object", "array", "brackets", "deep"],
)
def test_forms_are_read(pairs: list[tuple[str, str]], expected: dict[str, Any]) -> None:
    """Brackets nest; numbers from 0 are a list."""
    assert decoded(pairs) == expected


@pytest.mark.parametrize("pairs", [[("a", "1"), ("a[b]", "2")], [("a[", "1")]], ids=["both", "torn"])
def test_forms_that_cannot_be(pairs: list[tuple[str, str]]) -> None:
    """A name is a value or a container, and its brackets close."""
    with pytest.raises(Refusal):
        decoded(pairs)


def test_an_object_of_another_shape_cannot_be_made() -> None:
    """Fields that are unknown, missing or of another kind are mistakes of the local Stripe."""
    good: dict[str, Any] = {"id": "cus_1", "created": 1, "livemode": False}
    assert shaped(stripe.Customer, **good)["delinquent"] is None
    for wrong in ({"town": "x"}, {"created": "1"}, {"tax_exempt": "maybe"}):
        with pytest.raises(TypeError):
            shaped(stripe.Customer, **good, **wrong) if "created" not in wrong else shaped(
                stripe.Customer, **{**good, **wrong}
            )
    with pytest.raises(TypeError, match="needs id"):
        shaped(stripe.Customer, created=1, livemode=False)
    assert "delinquent" not in sparse(stripe.Customer, **good)


async def test_old_endpoints_get_old_shapes(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, app: Listener
) -> None:
    """Before basil the period stands at the subscription, and the subscription at the invoice."""
    local.webhooks.version = OLD_VERSION
    subscription = await subscribe(local, client, shop.starter)
    await local.deliver()
    by_type = {one["type"]: one for one in app.taken}
    assert {one["api_version"] for one in app.taken} == {OLD_VERSION}
    told = by_type["customer.subscription.created"]["data"]["object"]
    assert told["current_period_end"] > told["current_period_start"]
    assert "current_period_end" not in told["items"]["data"][0]
    invoice = by_type["invoice.paid"]["data"]["object"]
    assert (invoice["subscription"], invoice["paid"], "parent" in invoice) == (subscription.id, True, False)
    assert invoice["payment_intent"] == local.all("payment_intent")[0]["id"]
    line = invoice["lines"]["data"][0]
    assert (line["type"], line["price"]["id"], line["proration"]) == ("subscription", shop.starter["id"], False)


async def test_an_old_charge_knows_its_invoice(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, app: Listener
) -> None:
    """Today it takes the payment of the invoice to find out."""
    await subscribe(local, client, shop.starter)
    event = local.events("charge.succeeded")[0]
    assert "invoice" not in event["data"]["object"]
    local.webhooks.version = OLD_VERSION
    await local.webhooks.send(event)
    assert app.taken[0]["data"]["object"]["invoice"] == local.all("invoice")[0]["id"]


async def test_events_that_are_forged(local: LocalStripe, app: Listener, shop: Shop) -> None:
    """Each differs from a true one in what it says, and arrives well signed."""
    event = local.events()[0]
    forged = [
        forging.without(event, "id"),
        forging.without(event, "data", "object"),
        forging.of_account(event),
        forging.of_mode(event, livemode=True),
        forging.of_type(event, "made.up"),
        forging.again_as(event, "evt_2"),
        forging.thin(event),
    ]
    assert [(await local.webhooks.send(one)).status for one in forged] == [200] * 7
    assert event not in app.taken
    assert "id" not in app.taken[0]
    assert app.taken[2]["account"] != local.world.account_id
    assert app.taken[3]["livemode"]
    assert local.events()[0] == event


async def test_products_and_prices_can_be_kept_up(local: LocalStripe, client: stripe.StripeClient) -> None:
    """Prices are found by lookup key, the key can move, the amount cannot change."""
    product = await client.v1.products.create_async({"name": "Pro", "id": "prod_pro"})
    recurring: Any = {"interval": "month"}
    wanted: Any = {"product": product.id, "currency": "USD", "unit_amount": 7900, "recurring": recurring}
    wanted |= {"lookup_key": "pro", "tax_behavior": "exclusive"}
    old = await client.v1.prices.create_async(wanted)
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        await client.v1.prices.create_async(wanted)
    wanted["transfer_lookup_key"] = True
    new = await client.v1.prices.create_async(wanted)
    found = await client.v1.prices.list_async({"lookup_keys": ["pro"], "active": True})
    assert [one.id for one in found.data] == [new.id]
    changed: Any = {"unit_amount": 1}
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        await client.v1.prices.update_async(old.id, changed)
    with pytest.raises(stripe.InvalidRequestError, match="tax_behavior"):
        await client.v1.prices.update_async(old.id, {"tax_behavior": "inclusive"})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        await client.v1.products.create_async({"name": "Pro", "id": "prod_pro"})
    assert (await client.v1.products.update_async(product.id, {"active": False})).active is False


async def test_customers_can_be_changed(client: stripe.StripeClient) -> None:
    """An address is changed in parts and unset as a whole."""
    who = await customer(client)
    await client.v1.customers.update_async(who, {"address": {"country": "DE", "city": "Kiel"}})
    changed = await client.v1.customers.update_async(who, {"address": {"city": "Bonn"}})
    assert changed.address is not None
    assert (changed.address.city, changed.address.country) == ("Bonn", "DE")
    assert (await client.v1.customers.update_async(who, {"address": ""})).address is None


async def test_every_answer_is_of_the_pinned_version(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """Whatever was made on the way of a pack and a plan is read by the SDK as its own objects."""
    await subscribe(local, client, shop.starter)
    session = await checkout(client, shop.pack)
    local.pay(session.id)
    local.refund(session.id, 100)
    kinds = {one["object"] for one in local.world.objects.values()}
    assert kinds >= {"balance_transaction", "charge", "event", "invoice", "invoice_payment", "payment_intent", "refund"}
    listed = await client.v1.events.list_async({"limit": 100})
    for event in listed.data:
        assert isinstance(event, stripe.Event)
        assert event.api_version == stripe.api_version
