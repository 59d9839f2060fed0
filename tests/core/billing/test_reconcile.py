"""Lost webhooks are repaired, and what differs is said."""

import gc
from dataclasses import replace

import pytest
import structlog

from core.billing.buyers import Buyer
from core.billing.errors import BillingUnavailable
from core.billing.model import EventState, NoticeKind
from core.credits.model import LotKind
from storage.figures import read_figures
from tests.core.billing.till import ANN, PACK, STARTER, Till, W
from tests.fakes.stripe.faults import Trouble

pytestmark = pytest.mark.loopback


async def laws(till: Till) -> set[str]:
    """Return which laws are broken."""
    return {item.law for item in await till.reconcile()}


async def test_without_a_difference_there_is_nothing_to_say(till: Till) -> None:
    """A life that was heard of in order leaves nothing to compare."""
    page = await till.buy_pack()
    await till.subscribe()
    till.stripe.refund(page, 100)
    await till.deliver()
    await till.pass_days(33)
    await till.shop.service.cancel(ANN)
    assert await till.reconcile() == ()


async def test_every_webhook_lost_is_repaired(till: Till) -> None:
    """Nothing came for a month: one run of the job and everything is as if it had."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
    till.stripe.refund(till.stripe.all("checkout.session")[0]["id"], 500)
    till.stripe.webhooks.drop()
    assert await laws(till) == {"pack", "month", "subscription", "tier"}
    repair = await till.shop.reconciler.repair()
    assert (repair.events > 0, repair.found, repair.left) == (True, (), ())
    assert (await till.credits(), await till.tier()) == (STARTER + PACK / 2, "starter")
    assert till.woken


async def test_what_events_do_not_tell_any_more_is_taken_from_the_objects(till: Till) -> None:
    """After Stripe has forgotten the events, the payments themselves are still there."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
    till.stripe.webhooks.drop()
    for event in till.stripe.events():
        del till.stripe.world.objects[event["id"]]
    repair = await till.shop.reconciler.repair()
    assert repair.events == 0
    assert {item.law for item in repair.found} == {"pack", "month", "subscription", "tier"}
    assert repair.left == ()
    assert (await till.credits(), await till.tier()) == (STARTER + PACK, "starter")


async def test_repairing_twice_changes_nothing(till: Till) -> None:
    """A second run finds nothing, and two at once grant once."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    await till.shop.reconciler.repair()
    assert await till.shop.reconciler.take_lost_events() == 0
    assert await till.credits() == PACK


async def test_a_lost_refund_is_seen_and_repaired(till: Till) -> None:
    """A refund, or a dispute, that nobody told is a difference until it is taken."""
    first, second = await till.buy_pack(), await till.buy_pack()
    till.stripe.refund(first, 400)
    till.stripe.dispute(second)
    till.stripe.webhooks.drop()
    assert await laws(till) == {"refund", "dispute"}
    for event in till.stripe.events():
        del till.stripe.world.objects[event["id"]]
    repair = await till.shop.reconciler.repair()
    assert repair.left == ()
    assert await till.credits() == PACK * 0.6


async def test_one_contradiction_keeps_nothing_else_from_being_repaired(till: Till) -> None:
    """A refund that cannot be right stays a difference; what another workspace paid is granted all the same."""
    other = Buyer("slack:T2", "slack:T2/CY", is_admin=True)
    await till.add_workspace(other.workspace_id)
    page = await till.buy_pack()
    refund = till.stripe.refund(page, 400)
    refund["currency"] = "eur"
    till.stripe.pay((await till.shop.service.buy(other)).url)
    till.stripe.webhooks.drop()
    for event in till.stripe.events():
        del till.stripe.world.objects[event["id"]]
    repair = await till.shop.reconciler.repair()
    assert {item.law for item in repair.left} == {"refund"}
    assert (await till.credits(), await till.credits(other.workspace_id)) == (PACK, PACK)


async def test_a_stripe_that_goes_away_during_a_sync_is_said(till: Till) -> None:
    """What was not asked for any more leaves nothing behind that nobody awaits."""
    await till.subscribe()
    till.stripe.faults.add(Trouble.UNAVAILABLE, "GET /v1/checkout/sessions", times=3)
    with pytest.raises(BillingUnavailable):
        await till.shop.service.sync(W)
    gc.collect()
    assert await till.shop.service.sync(W) == 0


async def test_a_customer_that_was_deleted_unheard_is_noted(till: Till) -> None:
    """And what it paid is not called unfounded only because it is not listed any more."""
    await till.buy_pack()
    customer = till.stripe.all("customer")[0]["id"]
    await till.shop.gateway._client.v1.customers.delete_async(customer)
    till.stripe.webhooks.drop()
    assert await laws(till) == {"customer"}
    assert (await till.shop.reconciler.repair()).left == ()
    assert await till.credits() == PACK


async def test_a_grant_without_a_payment_is_left_to_people(till: Till) -> None:
    """What Stripe never heard of is reported, and not taken away by a machine."""
    await till.buy_pack()
    [purchase] = await till.read(lambda tx: tx.billing.list_purchases(W))
    forged = replace(purchase, source_key="cs:cs_x", root_id="cs_x")
    await till.store.write(lambda tx: tx.billing.add_purchase(forged))
    assert await laws(till) == {"unfounded", "lot"}
    assert len((await till.shop.reconciler.repair()).left) == 2
    assert await till.credits() == PACK


async def test_what_was_repaired_and_what_is_left_is_told(till: Till) -> None:
    """In the log line by line, and stored for metrics and the command line: the newest comparison counts."""
    await till.buy_pack()
    [purchase] = await till.read(lambda tx: tx.billing.list_purchases(W))
    forged = replace(purchase, source_key="cs:cs_x", root_id="cs_x")
    await till.store.write(lambda tx: tx.billing.add_purchase(forged))
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    for event in till.stripe.events():
        del till.stripe.world.objects[event["id"]]
    with structlog.testing.capture_logs() as events:
        repair = await till.shop.reconciler.repair()
    assert ({item.law for item in repair.repaired}, {item.law for item in repair.left}) == (
        {"pack"},
        {"unfounded", "lot"},
    )
    told = [(event["event"], event["log_level"], event.get("law")) for event in events if "law" in event]
    assert sorted(told) == [
        ("billing_differs", "error", "lot"),
        ("billing_differs", "error", "unfounded"),
        ("billing_repaired", "warning", "pack"),
    ]
    stored = await till.read(lambda tx: tx.billing.last_reconciliation())
    assert stored is not None
    assert (stored.repaired, stored.remaining) == (repair.repaired, repair.left)
    assert (await read_figures(till.store)).reconciliation == {"lost_events": 0, "repaired": 1, "remaining": 2}
    till.clock.move(1)
    await till.shop.reconciler.repair()
    assert (await read_figures(till.store)).reconciliation == {"lost_events": 0, "repaired": 0, "remaining": 2}


async def test_a_month_under_many_later_invoices_is_still_founded(till: Till) -> None:
    """Packs have invoices too: what was paid before the last hundred of them was paid all the same."""
    await till.subscribe()
    (month,) = till.stripe.all("invoice")
    for number in range(120):
        later = {**month, "id": f"in_later{number}", "created": month["created"] + number + 1}
        till.stripe.world.add({**later, "parent": None, "billing_reason": "manual"})
    assert await till.reconcile() == ()


async def test_two_subscriptions_are_reported(till: Till) -> None:
    """Somebody made a second one by hand: the dearer tier counts, and an operator should look."""
    await till.subscribe()
    page = await till.shop.gateway._client.v1.checkout.sessions.create_async(
        {
            "mode": "subscription",
            "customer": till.stripe.all("customer")[0]["id"],
            "line_items": [{"price": till.shop.catalogue.get("pro").price_id, "quantity": 1}],
            "success_url": "https://atelier.test",
        }
    )
    await till.pay(page.id)
    assert await till.tier() == "pro"
    assert await laws(till) == {"two_subscriptions"}


async def test_what_is_quarantined_or_waits_too_long_is_reported(till: Till) -> None:
    """Until somebody has looked."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.all("checkout.session")[0]["metadata"]["atelier_workspace"] = "slack:T9"
    await till.deliver()
    assert "quarantined" in await laws(till)
    [event] = await till.read(lambda tx: tx.billing.list_events(state=EventState.QUARANTINED))
    waiting = replace(event, state=EventState.STORED)
    await till.store.write(lambda tx: tx.billing.save_event(waiting))
    assert "waiting" not in await laws(till)
    till.clock.move(2 * 3_600)
    assert "waiting" in await laws(till)


async def test_one_workspace_can_be_asked_for_alone(till: Till) -> None:
    """A sync repairs one workspace; the comparison can be narrowed to it."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    assert {item.law for item in await till.shop.reconciler.compare(W)} == {"pack"}
    assert await till.shop.reconciler.compare("slack:T9") == ()
    assert await till.shop.service.sync(W) == 1
    assert await till.shop.service.sync("slack:T9") == 0
    assert await till.shop.reconciler.compare(W) == ()
    assert len(await till.notices(NoticeKind.CREDITS_BOUGHT)) == 1


async def test_an_operators_gift_is_no_difference(till: Till) -> None:
    """Credits that nobody paid for are the ledger's business, not Stripe's."""
    await till.store.write(
        lambda tx: till.ledger.grant(
            tx.credits,
            workspace_id=W,
            kind=LotKind.ADMIN,
            amount_microcredits=5,
            source_key="admin:x",
            actor="operator",
        )
    )
    assert await till.reconcile() == ()


async def test_the_set_up_is_checked(till: Till) -> None:
    """Prices that are gone, archived, or say something else than the price list are named."""
    assert await till.shop.check_setup() == ()
    starter = till.stripe.world.objects[till.shop.catalogue.get("starter").price_id]
    starter["active"] = False
    till.stripe.world.objects[till.shop.catalogue.get("pro").price_id]["unit_amount"] = 1
    del till.stripe.world.objects[till.shop.catalogue.packs[0].price_id]
    found = {item.subject: item.text for item in await till.shop.check_setup()}
    assert "archived" in found["starter"]
    assert "tiers.toml says 7900" in found["pro"]
    assert "knows no price" in found["pack_1000"]


async def test_what_statements_say_of_a_plan_is_its_products(till: Till) -> None:
    """Stripe has no descriptor for a subscription: the charge carries the product's, and one that is missing is told."""
    await till.subscribe()
    assert till.stripe.all("charge")[-1]["calculated_statement_descriptor"] == "ATELIER PLAN"
    await till.buy_pack()
    assert till.stripe.all("charge")[-1]["calculated_statement_descriptor"] == "ATELIER* CREDITS"
    price = till.stripe.world.objects[till.shop.catalogue.get("pro").price_id]
    till.stripe.world.objects[price["product"]]["statement_descriptor"] = None
    [problem] = await till.shop.check_setup()
    assert (problem.subject, problem.is_warning) == ("pro", True)
    assert "statement descriptor" in problem.text
