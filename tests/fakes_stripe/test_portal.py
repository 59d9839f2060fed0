"""The billing portal: links that die, and only what the configuration allows."""

from typing import Any

import aiohttp
import pytest
import stripe

from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Card, PageRefusal
from tests.fakes_stripe.buying import customer, subscribe, types
from tests.fakes_stripe.conftest import Shop

pytestmark = pytest.mark.loopback


async def test_a_customer_cancels_and_stays(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """With the default configuration: at the end of the period, with a reason, and back again."""
    subscription = await subscribe(local, client, shop.starter)
    link = await client.v1.billing_portal.sessions.create_async({"customer": str(subscription.customer)})
    page = local.portal(link.url)
    page.cancel(feedback="too_expensive")
    event = local.events("customer.subscription.updated")[-1]["data"]
    assert event["object"]["cancel_at_period_end"]
    assert event["object"]["cancellation_details"]["feedback"] == "too_expensive"
    assert event["previous_attributes"]["cancel_at_period_end"] is False
    page.keep()
    assert not local.all("subscription")[0]["cancel_at_period_end"]
    assert [one["status"] for one in page.invoices] == ["paid"]


async def test_a_customer_changes_to_what_is_offered(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """Only the plans of the configuration, and only if it enables changes."""
    subscription = await subscribe(local, client, shop.starter)
    who = str(subscription.customer)
    plain = await client.v1.billing_portal.sessions.create_async({"customer": who})
    with pytest.raises(PageRefusal, match="subscription_update is not enabled"):
        local.portal(plain.id).change_plan(shop.pro["id"])
    products: Any = [{"product": shop.pro["product"], "prices": [shop.pro["id"]]}]
    update: Any = {"enabled": True, "default_allowed_updates": ["price"], "products": products}
    update["proration_behavior"] = "always_invoice"
    made = await client.v1.billing_portal.configurations.create_async({"features": {"subscription_update": update}})
    link = await client.v1.billing_portal.sessions.create_async({"customer": who, "configuration": made.id})
    page = local.portal(link.url)
    with pytest.raises(PageRefusal, match="not offered"):
        page.change_plan(shop.starter["id"])
    with pytest.raises(PageRefusal, match="subscription_cancel is not enabled"):
        page.cancel()
    page.change_plan(shop.pro["id"])
    assert local.all("subscription")[0]["items"]["data"][0]["price"]["id"] == shop.pro["id"]
    assert local.all("invoice")[-1]["amount_paid"] == 5000


async def _offering(client: stripe.StripeClient, shop: Shop) -> str:
    """Make a configuration of both plans in which cheaper ones wait for the end of the period."""
    plans = (shop.starter, shop.pro)
    update: Any = {
        "enabled": True,
        "default_allowed_updates": ["price"],
        "products": [{"product": one["product"], "prices": [one["id"]]} for one in plans],
        "proration_behavior": "always_invoice",
        "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
    }
    features: Any = {"subscription_update": update, "subscription_cancel": {"enabled": True}}
    return (await client.v1.billing_portal.configurations.create_async({"features": features})).id


async def test_a_change_is_confirmed_on_a_page_of_its_own(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """The link names the plan, the customer confirms, and the browser goes where it was told to."""
    subscription = await subscribe(local, client, shop.starter)
    item, done = subscription["items"].data[0].id, "https://app.test/done"

    async def link(price: str) -> str:
        flow: Any = {
            "type": "subscription_update_confirm",
            "subscription_update_confirm": {"subscription": subscription.id, "items": [{"id": item, "price": price}]},
            "after_completion": {"type": "redirect", "redirect": {"return_url": done}},
        }
        wanted: Any = {"customer": str(subscription.customer), "configuration": offering, "flow_data": flow}
        return (await client.v1.billing_portal.sessions.create_async(wanted)).url

    offering = await _offering(client, shop)
    assert local.portal(await link(shop.pro["id"])).confirm() == done
    assert local.all("invoice")[-1]["billing_reason"] == "subscription_update"
    for wrong, message in ((shop.pro["id"], "do not change"), (shop.pack["id"], "not in the configuration")):
        with pytest.raises(stripe.InvalidRequestError, match=message):
            await link(wrong)


async def test_a_cheaper_plan_waits_for_the_end_of_the_period(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """A schedule holds the subscription until then: its end cannot be set before the schedule is released."""
    subscription = await subscribe(local, client, shop.pro)
    wanted: Any = {"customer": str(subscription.customer), "configuration": await _offering(client, shop)}
    page = local.portal((await client.v1.billing_portal.sessions.create_async(wanted)).url)
    page.change_plan(shop.starter["id"])
    held = local.all("subscription")[0]
    assert (held["items"]["data"][0]["price"]["id"], len(local.all("invoice"))) == (shop.pro["id"], 1)
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    await client.v1.subscription_schedules.release_async(held["schedule"])
    await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    page.change_plan(shop.starter["id"])
    page.keep()
    local.advance(days=32)
    assert local.all("invoice")[-1]["amount_paid"] == 2900
    renewed = local.all("subscription")[0]
    assert (renewed["items"]["data"][0]["price"]["id"], renewed["schedule"]) == (shop.starter["id"], None)


async def test_a_new_card_pays_what_is_open(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """The invoice that failed is tried with it at once."""
    subscription = await subscribe(local, client, shop.starter)
    who = str(subscription.customer)
    local.set_card(who, Card.EXPIRED)
    local.advance(days=32)
    link = await client.v1.billing_portal.sessions.create_async({"customer": who})
    local.portal(link.url).update_card()
    assert [one["status"] for one in local.all("invoice")] == ["paid", "paid"]
    assert local.all("subscription")[0]["status"] == "active"
    assert "customer.updated" in types(local)


async def test_a_link_dies(local: LocalStripe, client: stripe.StripeClient) -> None:
    """After five minutes it opens nothing, in a browser neither."""
    link = await client.v1.billing_portal.sessions.create_async({"customer": await customer(client)})
    async with aiohttp.ClientSession() as browser:
        async with browser.get(link.url) as answer:
            assert answer.status == 200
        local.advance(301)
        with pytest.raises(PageRefusal, match="expired"):
            local.portal(link.url)
        async with browser.get(link.url) as answer:
            assert answer.status == 410


async def test_a_page_is_opened_for_what_it_is(local: LocalStripe, client: stripe.StripeClient) -> None:
    """A link to the portal takes no payment."""
    link = await client.v1.billing_portal.sessions.create_async({"customer": await customer(client)})
    with pytest.raises(PageRefusal, match=r"is no page of a checkout\.session"):
        local.pay(link.url)


async def test_flows_are_those_of_the_configuration(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """A deep link into a feature that is off, or to another's subscription, is refused."""
    subscription = await subscribe(local, client, shop.starter)
    flow: Any = {"type": "subscription_cancel", "subscription_cancel": {"subscription": subscription.id}}
    mine: Any = {"customer": str(subscription.customer), "flow_data": flow}
    assert (await client.v1.billing_portal.sessions.create_async(mine)).flow is not None
    others: Any = {**mine, "customer": await customer(client)}
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        await client.v1.billing_portal.sessions.create_async(others)
    off: Any = {**mine, "flow_data": {"type": "subscription_update", "subscription_update": {"subscription": "x"}}}
    with pytest.raises(stripe.InvalidRequestError, match="does not enable"):
        await client.v1.billing_portal.sessions.create_async(off)


async def test_configurations_can_be_changed_and_switched_off(client: stripe.StripeClient) -> None:
    """One that is not active opens no page."""
    configurations = client.v1.billing_portal.configurations
    made = await configurations.create_async({"features": {"invoice_history": {"enabled": True}}})
    changed = await configurations.update_async(made.id, {"active": False, "metadata": {"a": "1"}})
    assert changed.features.invoice_history.enabled
    assert [one.id for one in (await configurations.list_async({"active": False})).data] == [made.id]
    wanted: Any = {"customer": await customer(client), "configuration": made.id}
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        await client.v1.billing_portal.sessions.create_async(wanted)
