"""Plans over time: renewals, changes, endings. Credits come with a paid invoice, the tier with the subscription."""

from datetime import timedelta

import pytest

from core.billing.errors import NoSubscription
from core.billing.model import NoticeKind
from core.billing.plans import align_tiers
from core.credits.entitlements import Ask, check_admission
from core.credits.errors import NotEntitled
from core.credits.model import LotKind
from core.workspaces.model import Workspace
from tests.core.billing.till import ANN, FREE, PACK, PRICES, PRO, STARTER, Till, W
from tests.fakes.stripe.model import Card

pytestmark = pytest.mark.loopback
CENTS = {key: PRICES.tier(key).price_cents_month for key in ("starter", "pro")}


async def change_to(till: Till, tier: str) -> None:
    """Change the plan on Stripe's page."""
    link = await till.shop.service.upgrade(ANN, tier)
    till.stripe.portal(link.url).change_plan(till.shop.catalogue.get(tier).price_id)
    await till.deliver()


async def test_a_month_follows_a_month(till: Till) -> None:
    """Each renewal grants once; what was not used of the month before is gone a day after it."""
    await till.subscribe()
    await till.use(100)
    await till.pass_days(31.2)
    assert await till.credits() == 2 * STARTER - 100, "the day of grace: both months are there"
    for days in (1, 32, 32):
        await till.pass_days(days)
        assert await till.credits() == STARTER
    assert await till.tier() == "starter"


async def test_packs_outlive_months(till: Till) -> None:
    """A month's credits are used before a pack's, and a pack never expires."""
    await till.buy_pack()
    await till.subscribe()
    await till.use(STARTER + 10)
    assert {lot.kind: lot.remaining_microcredits for lot in (await till.balance()).lots} == {
        LotKind.PACK: (PACK - 10) * 1_000_000
    }
    await till.shop.service.cancel(ANN)
    await till.pass_days(400)
    assert await till.credits() == PACK - 10


async def test_an_upgrade_grants_the_difference_for_the_rest_of_the_month(till: Till) -> None:
    """In proportion to what was paid for the rest, once; the tier is there at once."""
    await till.subscribe()
    till.stripe.advance(days=15.5)
    await till.deliver()
    await change_to(till, "pro")
    [invoice] = [item for item in till.stripe.all("invoice") if item["billing_reason"] == "subscription_update"]
    amounts = sorted(line["amount"] for line in invoice["lines"]["data"])
    expected = STARTER + PRO * amounts[1] / CENTS["pro"] + STARTER * amounts[0] / CENTS["starter"]
    assert await till.credits() == pytest.approx(expected, abs=1e-5)
    assert STARTER < expected < PRO
    assert await till.tier() == "pro"
    assert len(await till.notices(NoticeKind.PLAN_CHANGED)) == 1
    until = {lot.expires_at for lot in (await till.balance()).lots}
    assert len(until) == 1, "the difference ends with the month that it is for"
    assert await till.shop.service.sync(W) == 0


async def test_a_downgrade_comes_with_the_next_month(till: Till) -> None:
    """What was paid for stays until its month is over."""
    await till.subscribe("pro")
    await till.pass_days(10)
    await change_to(till, "starter")
    assert (await till.tier(), await till.credits()) == ("pro", PRO)
    await till.pass_days(23)
    assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def test_cancelling_takes_a_waiting_downgrade_with_it(till: Till) -> None:
    """Stripe ends nothing for which a change is planned: the plan is released, and the end is the end."""
    await till.subscribe("pro")
    await change_to(till, "starter")
    assert (await till.shop.service.cancel(ANN)).cancel_at is not None
    await till.deliver()
    await till.pass_days(33)
    assert (await till.tier(), await till.credits()) == ("free", 0)


async def test_cancelling_what_has_ended_unheard_says_so(till: Till) -> None:
    """The operator ended it in the dashboard, and the webhook was lost."""
    subscription = await till.subscribe()
    await till.shop.gateway._client.v1.subscriptions.cancel_async(subscription)
    till.stripe.webhooks.drop()
    with pytest.raises(NoSubscription):
        await till.shop.service.cancel(ANN)
    assert await till.tier() == "free"


async def test_up_and_down_and_up_again_is_no_mint(till: Till) -> None:
    """An operator who changes plans at once, many times within a month, never grants more than was paid for."""
    subscription = await till.subscribe()
    for days, tier in ((5, "pro"), (3, "starter"), (2, "pro"), (1, "starter"), (1, "pro")):
        await till.pass_days(days)
        item = till.stripe.world.of(subscription)["items"]["data"][0]["id"]
        await till.shop.gateway._client.v1.subscriptions.update_async(
            subscription,
            {
                "items": [{"id": item, "price": till.shop.catalogue.get(tier).price_id}],
                "proration_behavior": "always_invoice",
            },
        )
        await till.deliver()
        assert await till.tier() == tier
    paid = sum(item["total"] for item in till.stripe.all("invoice") if item["status"] == "paid" and item["total"] > 0)
    # a cent buys at most what it buys in the plan that gives most for it
    assert STARTER < await till.credits() <= PRO * paid / CENTS["pro"] + 0.01


async def test_cancelling_keeps_the_month_and_ends_with_it(till: Till) -> None:
    """Until the end everything stays; then the workspace is free, told so, and what it bought stays."""
    await till.buy_pack()
    await till.subscribe()
    cancelled = await till.shop.service.cancel(ANN)
    assert cancelled.cancel_at == cancelled.period_end
    assert (await till.tier(), await till.credits()) == ("starter", STARTER + PACK)
    overview = await till.reader.overview(W)
    assert overview.next_grant is not None
    assert overview.next_grant.microcredits == FREE * 1_000_000
    assert overview.next_grant.at == cancelled.period_end
    await till.pass_days(33)
    assert (await till.tier(), await till.credits()) == ("free", PACK)
    assert await till.shop.monthly.grant_free() == 1  # what the card said comes with the next tick
    assert await till.credits() == PACK + FREE
    assert len(await till.notices(NoticeKind.PLAN_ENDED)) == 1
    with pytest.raises(NoSubscription):
        await till.shop.service.cancel(ANN)


async def test_a_cancelled_plan_can_go_on(till: Till) -> None:
    """Changing one's mind twice works, each time."""
    await till.subscribe()
    for _ in range(2):
        assert (await till.shop.service.cancel(ANN)).cancel_at is not None
        assert (await till.shop.service.reactivate(ANN)).cancel_at is None
    await till.pass_days(33)
    assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def test_a_renewal_that_fails_keeps_the_tier_for_a_while(till: Till) -> None:
    """Late is not gone: the buyers are told to pay, credits stay, nothing new comes; paying puts it right."""
    await till.subscribe()
    customer = till.stripe.all("customer")[0]["id"]
    till.stripe.set_card(customer, Card.DECLINED)
    await till.pass_days(31.2)
    assert await till.tier() == "starter"
    [told, *_] = await till.notices(NoticeKind.PAYMENT_FAILED)
    invoice = told.facts["invoice"]
    assert "http" not in str(told.facts)
    link = await till.shop.service.invoice_link(ANN, invoice)
    assert till.stripe.pay_invoice(link.url)
    await till.deliver()
    await till.pass_days(1)
    assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def test_a_renewal_that_is_never_paid_ends_the_plan(till: Till) -> None:
    """After Stripe's last try the workspace is free again."""
    await till.subscribe()
    till.stripe.set_card(till.stripe.all("customer")[0]["id"], Card.DECLINED)
    await till.pass_days(60)
    assert (await till.tier(), await till.credits()) == ("free", 0)


async def test_an_old_state_never_replaces_a_newer_one(till: Till) -> None:
    """Events that come in the wrong order, or twice, or much later end in the state that is."""
    await till.subscribe()
    till.stripe.webhooks.hold()
    await till.shop.service.cancel(ANN)
    await till.shop.service.reactivate(ANN)
    till.stripe.advance(days=3)
    await till.shop.service.cancel(ANN)
    till.stripe.webhooks.release()
    till.stripe.webhooks.duplicate()
    till.stripe.webhooks.reorder()
    await till.deliver()
    subscription = (await till.reader.overview(W)).subscription
    assert subscription is not None
    assert subscription.cancel_at is not None


async def test_a_tier_that_changes_meanwhile_is_the_tier_that_counts(till: Till) -> None:
    """A plan that ends mid-session does not cut what runs; what starts or resumes is checked against the new tier."""
    await till.subscribe("pro")
    ask = Ask(editors=PRICES.tier("pro").editors or 0)
    check_admission(PRICES, await till.tier(), ask)
    await till.shop.service.cancel(ANN)
    await till.pass_days(33)
    with pytest.raises(NotEntitled) as error:
        check_admission(PRICES, await till.tier(), ask)
    assert error.value.lifted_by == "pro"


async def test_workspaces_of_before_the_shop_are_aligned(till: Till) -> None:
    """When a shop opens nobody is unlimited any more; when it closes everybody is; subscribers keep what they pay."""
    await till.subscribe()
    await till.add_workspace("discord:2", tier="unlimited")
    now = till.clock.now()
    await till.store.write(
        lambda tx: tx.workspaces.save(Workspace("terminal:local", "terminal", "", now, tier="unlimited"))
    )
    assert await align_tiers(till.store, till.shop.catalogue, clock=till.clock) == 1
    assert (await till.tier(), await till.tier("discord:2")) == ("starter", "free")
    assert await align_tiers(till.store, None, clock=till.clock) == 2
    assert await till.tier() == "unlimited"
    assert await align_tiers(till.store, till.shop.catalogue, clock=till.clock) == 2
    assert (await till.tier(), await till.tier("terminal:local")) == ("starter", "unlimited")


async def test_the_first_renewal_is_announced(till: Till) -> None:
    """A week before it, once, to the buyer; later ones are not, nor one that was cancelled."""
    await till.subscribe()
    assert await till.shop.monthly.watch() == 0
    await till.pass_days(25)
    assert [await till.shop.monthly.watch() for _ in range(2)] == [1, 0]
    [notice] = await till.notices(NoticeKind.RENEWAL_SOON)
    assert notice.member_ids == (ANN.member_id,)
    assert notice.facts["price_cents"] == CENTS["starter"]
    await till.pass_days(31)
    await till.shop.monthly.watch()
    assert len(await till.notices(NoticeKind.RENEWAL_SOON)) == 1


async def test_a_cancelled_first_renewal_is_not_announced(till: Till) -> None:
    """Whoever cancelled hears of no renewal."""
    await till.subscribe()
    await till.shop.service.cancel(ANN)
    await till.pass_days(25)
    await till.shop.monthly.watch()
    assert await till.notices(NoticeKind.RENEWAL_SOON) == []


async def test_periods_are_those_of_the_lines(till: Till) -> None:
    """An invoice's own period is the one before; the month that was paid for is the line's."""
    await till.subscribe()
    await till.pass_days(31.2)
    newest = max((await till.balance()).lots, key=lambda lot: lot.created_at)
    subscription = (await till.reader.overview(W)).subscription
    assert subscription is not None
    assert newest.expires_at == subscription.period_end + timedelta(days=1)


async def test_a_paused_plan_entitles_to_nothing_until_it_is_resumed(till: Till) -> None:
    """Paused at Stripe: free meanwhile, what was granted stays; resumed: as before."""
    subscription = till.stripe.world.of(await till.subscribe())
    till.stripe.world.change("customer.subscription.paused", subscription, status="paused")
    await till.deliver()
    assert (await till.tier(), await till.credits()) == ("free", STARTER)
    till.stripe.world.change("customer.subscription.resumed", subscription, status="active")
    await till.deliver()
    assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def test_a_renewal_that_needs_the_owner_is_told(till: Till) -> None:
    """A bank that wants a confirmation: the buyers are asked to come to the invoice's page."""
    await till.subscribe()
    till.stripe.set_card(till.stripe.all("customer")[0]["id"], Card.NEEDS_3DS)
    await till.pass_days(31.2)
    assert till.stripe.events("invoice.payment_action_required")
    [told] = await till.notices(NoticeKind.PAYMENT_FAILED)
    assert told.facts["amount_cents"] == CENTS["starter"]


async def test_an_invoice_by_hand_grants_nothing(till: Till) -> None:
    """Only the invoices of a subscription bring months: what the operator bills by hand is not ours to interpret."""
    await till.buy_pack()
    reasons = {item["billing_reason"] for item in till.stripe.all("invoice")}
    assert reasons == {"manual"}, "a pack has an invoice too"
    assert await till.credits() == PACK
