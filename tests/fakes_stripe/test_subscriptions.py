"""Subscriptions: a year of renewals, cards that fail, endings, other plans, pauses."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import stripe

from tests.fakes.clock import FakeClock
from tests.fakes.stripe.calendar_of_cycles import period_end
from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Card, PageRefusal
from tests.fakes_stripe.buying import subscribe, types
from tests.fakes_stripe.conftest import Shop

pytestmark = pytest.mark.loopback

MONTH = {"interval": "month", "interval_count": 1}


def at(*moment: int) -> int:
    """Return seconds since the epoch."""
    return int(datetime(*moment, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("anchor", "start", "end"),
    [
        (at(2026, 1, 31), at(2026, 1, 31), at(2026, 2, 28)),
        (at(2026, 1, 31), at(2026, 2, 28), at(2026, 3, 31)),
        (at(2028, 1, 30), at(2028, 1, 30), at(2028, 2, 29)),
        (at(2026, 12, 15), at(2026, 12, 15), at(2027, 1, 15)),
    ],
    ids=["short month", "back to the day", "leap year", "new year"],
)
def test_months_keep_the_day_of_their_anchor(anchor: int, start: int, end: int) -> None:
    """A month without that day ends on its last."""
    assert period_end(anchor, start, MONTH) == end


async def test_a_year_of_renewals(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """Twelve invoices are paid, period by period; the invoice's own period is the one before."""
    subscription = await subscribe(local, client, shop.starter)
    local.advance(days=340)
    invoices = await client.v1.invoices.list_async({"subscription": subscription.id, "limit": 100})
    found = [one async for one in invoices.auto_paging_iter()][::-1]
    assert [one.billing_reason for one in found] == ["subscription_create"] + ["subscription_cycle"] * 11
    assert {one.status for one in found} == {"paid"}
    periods = [(one.lines.data[0].period.start, one.lines.data[0].period.end) for one in found]
    assert periods[0] == (at(2026, 1, 1), at(2026, 2, 1))
    assert all(before[1] == after[0] for before, after in pairwise(periods))
    assert [(one.period_start, one.period_end) for one in found[1:]] == periods[:-1]
    assert len({one.number for one in found}) == 12
    assert len(local.events("invoice.upcoming")) == 11


async def test_a_renewal_tells_itself_in_order(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """Reminder, draft, an hour later the money; each event is dated at its own moment."""
    await subscribe(local, client, shop.starter)
    since = len(local.events())
    local.advance(days=32)
    told = [
        *("invoice.upcoming", "invoice.created", "customer.subscription.updated", "invoice.finalized"),
        *("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "invoice_payment.paid"),
        *("invoice.updated", "invoice.paid", "invoice.payment_succeeded"),
    ]
    assert types(local, since) == told
    moments = [event["created"] for event in local.events()[since:]]
    assert moments[:4] == [at(2026, 1, 25), at(2026, 2, 1), at(2026, 2, 1), at(2026, 2, 1, 1)]
    upcoming, draft, updated = local.events()[since : since + 3]
    assert "id" not in upcoming["data"]["object"]
    assert draft["data"]["object"]["status"] == "draft"
    before = updated["data"]["previous_attributes"]["items"]["data"][0]["current_period_end"]
    assert before == at(2026, 2, 1)


@pytest.mark.parametrize("ending", ["canceled", "unpaid", "past_due"])
async def test_a_renewal_that_fails_for_good(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, ending: str
) -> None:
    """Past due at once, tried again on the account's days, then what the account has set."""
    local.world.after_retries = ending
    subscription = await subscribe(local, client, shop.starter)
    local.set_card(str(subscription.customer), Card.DECLINED)
    local.advance(days=32)
    assert (await client.v1.subscriptions.retrieve_async(subscription.id)).status == "past_due"
    invoice = local.all("invoice")[-1]
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    assert invoice["next_payment_attempt"] == at(2026, 2, 4, 1)
    local.advance(days=10)
    assert (await client.v1.subscriptions.retrieve_async(subscription.id)).status == ending
    failed = local.events("invoice.payment_failed")
    assert [one["created"] for one in failed] == [at(2026, 2, day, 1) for day in (1, 4, 6, 8)]
    assert local.all("invoice")[-1]["next_payment_attempt"] is None
    ended = local.events("customer.subscription.deleted")
    assert [one["data"]["object"]["cancellation_details"]["reason"] for one in ended] == (
        ["payment_failed"] if ending == "canceled" else []
    )


async def test_a_new_card_heals_a_renewal(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """The next retry takes the money, and the subscription is active again."""
    subscription = await subscribe(local, client, shop.starter)
    local.set_card(str(subscription.customer), Card.NO_FUNDS)
    local.advance(days=32)
    local.set_card(str(subscription.customer), Card.OK)
    local.advance(days=4)
    assert local.all("subscription")[0]["status"] == "active"
    assert [one["status"] for one in local.all("invoice")] == ["paid", "paid"]
    assert local.all("invoice")[-1]["attempt_count"] == 2


async def test_a_card_that_wants_its_owner(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """3-D Secure is told as such, and the hosted invoice page can be paid by the owner."""
    subscription = await subscribe(local, client, shop.starter)
    local.set_card(str(subscription.customer), Card.NEEDS_3DS)
    local.advance(days=32)
    (told,) = local.events("invoice.payment_action_required")
    url = told["data"]["object"]["hosted_invoice_url"]
    assert local.pay_invoice(url)
    assert local.all("subscription")[0]["status"] == "active"
    with pytest.raises(PageRefusal):
        local.pay_invoice(url)


async def test_canceling_at_the_end_of_the_period(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """It runs on until the end, is not renewed, and can be kept until then."""
    subscription = await subscribe(local, client, shop.starter)
    changed = await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    assert (changed.status, changed.cancel_at) == ("active", at(2026, 2, 1))
    kept = await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    local.advance(days=40)
    (ended,) = local.events("customer.subscription.deleted")
    about = ended["data"]["object"]
    assert (ended["created"], about["status"], about["ended_at"]) == (at(2026, 2, 1), "canceled", at(2026, 2, 1))
    assert about["cancellation_details"]["reason"] == "cancellation_requested"
    assert len(local.all("invoice")) == 1
    assert local.events("invoice.upcoming") == []


async def test_canceling_now(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """It ends at once; then it is not found to be canceled, not listed, and not changed."""
    subscription = await subscribe(local, client, shop.starter)
    ended = await client.v1.subscriptions.cancel_async(subscription.id)
    assert ended.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        await client.v1.subscriptions.cancel_async(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription can only update"):
        await client.v1.subscriptions.update_async(subscription.id, {"cancel_at_period_end": True})
    await client.v1.subscriptions.update_async(subscription.id, {"metadata": {"a": "1"}})
    assert (await client.v1.subscriptions.list_async()).data == []
    assert len((await client.v1.subscriptions.list_async({"status": "all"})).data) == 1
    local.advance(days=40)
    assert len(local.all("invoice")) == 1


async def test_a_deleted_customer_takes_the_subscription_along(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """Its subscriptions end, and it is only known to be deleted."""
    subscription = await subscribe(local, client, shop.starter)
    since = len(local.events())
    who = str(subscription.customer)
    assert (await client.v1.customers.delete_async(who)).deleted
    assert types(local, since) == ["customer.subscription.deleted", "customer.deleted"]
    assert (await client.v1.customers.retrieve_async(who)).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        await client.v1.customers.update_async(who, {"name": "x"})


async def _switch(
    client: stripe.StripeClient, subscription: stripe.Subscription, price: str, **more: Any
) -> stripe.Subscription:
    params: Any = {"items": [{"id": subscription["items"].data[0].id, "price": price}], **more}
    return await client.v1.subscriptions.update_async(subscription.id, params)


async def test_an_upgrade_is_paid_at_once(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, clock: FakeClock
) -> None:
    """Half of the period is given back at the old price and charged at the new one; the period stays."""
    subscription = await subscribe(local, client, shop.starter)
    clock.move(15.5 * 86400)
    changed = await _switch(client, subscription, shop.pro["id"], proration_behavior="always_invoice")
    assert changed["items"].data[0].price.id == shop.pro["id"]
    assert changed["items"].data[0].current_period_end == at(2026, 2, 1)
    invoice = await client.v1.invoices.retrieve_async(str(changed.latest_invoice))
    assert (invoice.billing_reason, invoice.amount_paid) == ("subscription_update", 3950 - 1450)
    assert [line.amount for line in invoice.lines.data] == [-1450, 3950]
    details = [line.parent and line.parent.subscription_item_details for line in invoice.lines.data]
    assert [one and one.proration for one in details] == [True, True]
    event = local.events("customer.subscription.updated")[-1]
    before = event["data"]["previous_attributes"]["items"]["data"][0]["price"]["id"]
    assert before == shop.starter["id"]


async def test_prorations_wait_for_the_next_invoice(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, clock: FakeClock
) -> None:
    """By default, and not at all when told so; the preview says the same as comes."""
    subscription = await subscribe(local, client, shop.starter)
    clock.move(15.5 * 86400)
    await _switch(client, subscription, shop.pro["id"])
    assert len(local.all("invoice")) == 1
    preview = await client.v1.invoices.create_preview_async({"subscription": subscription.id})
    clock.move(17 * 86400)
    coming = local.all("invoice")[-1]
    assert [line["amount"] for line in coming["lines"]["data"]] == [-1450, 3950, 7900]
    assert preview.total == coming["total"] == 10400
    await _switch(client, subscription, shop.starter["id"], proration_behavior="none")
    local.advance(days=31)
    assert [line["amount"] for line in local.all("invoice")[-1]["lines"]["data"]] == [2900]


async def test_a_downgrade_leaves_a_credit(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, clock: FakeClock
) -> None:
    """What is given back beyond what is due stays with the customer and pays the next invoice."""
    subscription = await subscribe(local, client, shop.pro)
    clock.move(15.5 * 86400)
    await _switch(client, subscription, shop.starter["id"], proration_behavior="always_invoice")
    invoice = local.all("invoice")[-1]
    assert (invoice["total"], invoice["amount_due"], invoice["status"]) == (-2500, 0, "paid")
    assert local.all("customer")[0]["balance"] == -2500
    local.advance(days=20)
    assert (local.all("invoice")[-1]["amount_due"], local.all("customer")[0]["balance"]) == (400, 0)


async def test_a_preview_changes_nothing(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """It tells what an upgrade would cost now, and that is what it costs."""
    subscription = await subscribe(local, client, shop.starter)
    local.advance(days=10)
    since = len(local.events())
    items: Any = [{"id": subscription["items"].data[0].id, "price": shop.pro["id"]}]
    details: Any = {"items": items, "proration_behavior": "always_invoice"}
    preview = await client.v1.invoices.create_preview_async(
        {"subscription": subscription.id, "subscription_details": details}
    )
    assert preview.id.startswith("upcoming_in")
    assert (types(local, since), len(local.all("invoice"))) == ([], 1)
    await _switch(client, subscription, shop.pro["id"], proration_behavior="always_invoice")
    assert local.all("invoice")[-1]["total"] == preview.total


async def test_an_upgrade_that_cannot_be_paid(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, clock: FakeClock
) -> None:
    """It is refused whole if asked so; otherwise it stands and is past due."""
    subscription = await subscribe(local, client, shop.starter)
    local.set_card(str(subscription.customer), Card.DECLINED)
    clock.move(86400)
    now: Any = {"proration_behavior": "always_invoice"}
    with pytest.raises(stripe.CardError) as caught:
        await _switch(client, subscription, shop.pro["id"], payment_behavior="error_if_incomplete", **now)
    assert (caught.value.code, caught.value.http_status) == ("card_declined", 402)
    assert local.all("subscription")[0]["items"]["data"][0]["price"]["id"] == shop.starter["id"]
    assert len(local.all("invoice")) == 1
    changed = await _switch(client, subscription, shop.pro["id"], **now)
    assert (changed.status, changed["items"].data[0].price.id) == ("past_due", shop.pro["id"])


async def test_another_interval_begins_a_new_period(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, clock: FakeClock
) -> None:
    """From months to years: billed at once, with the unused month given back; renewals follow the new anchor."""
    yearly = local.add_price("Pro, yearly", 79000, interval="year")
    subscription = await subscribe(local, client, shop.starter)
    clock.move(15.5 * 86400)
    changed = await _switch(client, subscription, yearly["id"])
    assert changed["items"].data[0].current_period_end == at(2027, 1, 16, 12)
    assert local.all("invoice")[-1]["total"] == 79000 - 1450
    local.advance(days=60)
    assert len(local.all("invoice")) == 2


async def test_an_item_without_its_id_is_a_second_item(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """As with Stripe: who forgets the id pays both."""
    subscription = await subscribe(local, client, shop.starter)
    changed = await client.v1.subscriptions.update_async(subscription.id, {"items": [{"price": shop.pro["id"]}]})
    assert [one.price.id for one in changed["items"].data] == [shop.starter["id"], shop.pro["id"]]
    with pytest.raises(stripe.InvalidRequestError, match="same plan"):
        await client.v1.subscriptions.update_async(subscription.id, {"items": [{"price": shop.pro["id"]}]})
    items = await client.v1.subscription_items.list_async({"subscription": subscription.id})
    assert len(items.data) == 2
    changed_item = await client.v1.subscription_items.update_async(items.data[0].id, {"quantity": 3})
    assert changed_item.quantity == 3


@pytest.mark.parametrize(
    ("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible"), ("keep_as_draft", "draft")]
)
async def test_paused_collection(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop, behavior: Any, status: str
) -> None:
    """The subscription stays active and renews, and its invoices are not collected."""
    subscription = await subscribe(local, client, shop.starter)
    pause: Any = {"behavior": behavior, "resumes_at": at(2026, 2, 15)}
    paused = await client.v1.subscriptions.update_async(subscription.id, {"pause_collection": pause})
    assert paused.status == "active"
    local.advance(days=32)
    assert local.all("invoice")[-1]["status"] == status
    local.advance(days=31)
    assert local.all("subscription")[0]["pause_collection"] is None
    assert local.all("invoice")[-1]["status"] == "paid"


async def test_paused_and_resumed(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """A paused subscription makes no invoices; resumed it begins a new period and is billed for it."""
    subscription = await subscribe(local, client, shop.starter)
    paused = await client.v1.subscriptions.pause_async(subscription.id)
    assert paused.status == "paused"
    local.advance(days=59)
    assert len(local.all("invoice")) == 1
    resumed = await client.v1.subscriptions.resume_async(subscription.id)
    assert (resumed.status, resumed["items"].data[0].current_period_start) == ("active", at(2026, 3, 1))
    assert local.all("invoice")[-1]["status"] == "paid"
    assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(types(local))
    local.advance(days=32)
    assert len(local.all("invoice")) == 3
