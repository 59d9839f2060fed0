"""The table of events and actions of docs/billing.md, row by row: one event comes, and nothing else is ever heard.

What else Stripe tells of the same fact is dropped, so each row is shown to do its work alone; then all of it comes, twice, and
changes nothing more than the rows that were dropped ask for.
"""

from collections.abc import Awaitable, Callable

import pytest

from core.billing.errors import PurchasesFrozen
from core.billing.model import Audience, CheckoutState, EventState, NoticeKind
from tests.core.billing.till import ANN, PACK, PRO, STARTER, Till, W
from tests.fakes.stripe.model import Card, Json

pytestmark = pytest.mark.loopback


async def only(till: Till, kind: str) -> list[Json]:
    """Let the events of one kind come that wait, drop all others, and return those that came."""
    events = [delivery.event for delivery in till.stripe.webhooks.pending]
    till.stripe.webhooks.drop()
    found = [event for event in events if event["type"] == kind]
    assert found, f"there was no {kind}, but {sorted({event['type'] for event in events})}"
    for event in found:
        assert (await till.stripe.webhooks.send(event)).status == 200
    await till.shop.intake.settle()
    return found


async def sources(till: Till) -> set[str]:
    """Return what credits came from, by the kind of their key."""
    return {item.source_key.partition(":")[0] for item in await till.read(lambda tx: tx.billing.list_purchases(W))}


async def state_of(till: Till) -> CheckoutState:
    return (await till.read(lambda tx: tx.billing.list_checkouts(W)))[0].state


class TestPages:
    async def test_a_paid_pack_is_granted(self, till: Till) -> None:
        """checkout.session.completed, payment, paid: keyed by the page."""
        till.stripe.pay((await till.shop.service.buy(ANN)).url)
        await only(till, "checkout.session.completed")
        assert (await till.credits(), await sources(till)) == (PACK, {"cs"})
        assert [notice.member_ids for notice in await till.notices(NoticeKind.CREDITS_BOUGHT)] == [(ANN.member_id,)]

    async def test_an_unpaid_one_waits(self, till: Till) -> None:
        """checkout.session.completed, unpaid: pending, nothing granted; the slot stays taken."""
        till.stripe.pay((await till.shop.service.buy(ANN)).url, card=Card.DEBIT)
        await only(till, "checkout.session.completed")
        assert (await till.credits(), await state_of(till)) == (0, CheckoutState.PENDING)

    async def test_a_slow_payment_is_granted_when_it_came(self, till: Till) -> None:
        """checkout.session.async_payment_succeeded: as a paid page."""
        page = (await till.shop.service.buy(ANN)).url
        till.stripe.pay(page, card=Card.DEBIT)
        till.stripe.settle(page)
        await only(till, "checkout.session.async_payment_succeeded")
        assert (await till.credits(), await sources(till)) == (PACK, {"cs"})

    async def test_a_slow_payment_that_failed_is_told(self, till: Till) -> None:
        """checkout.session.async_payment_failed: closed, the buyer hears privately, the slot is free."""
        page = (await till.shop.service.buy(ANN)).url
        till.stripe.pay(page, card=Card.DEBIT)
        till.stripe.settle(page, succeeds=False)
        await only(till, "checkout.session.async_payment_failed")
        assert (await till.credits(), await state_of(till)) == (0, CheckoutState.FAILED)
        [notice] = await till.notices(NoticeKind.CHECKOUT_FAILED)
        assert (notice.audience, notice.member_ids) == (Audience.MEMBERS, (ANN.member_id,))
        assert (await till.shop.service.buy(ANN)).url != page

    async def test_a_page_that_ended_is_told(self, till: Till) -> None:
        """checkout.session.expired: the same."""
        page = (await till.shop.service.buy(ANN)).url
        till.stripe.advance(days=2)
        await only(till, "checkout.session.expired")
        assert await state_of(till) == CheckoutState.EXPIRED
        [notice] = await till.notices(NoticeKind.CHECKOUT_EXPIRED)
        assert notice.member_ids == (ANN.member_id,)
        assert (await till.shop.service.buy(ANN)).url != page

    async def test_a_page_of_a_plan_links_and_grants_nothing_itself(self, till: Till) -> None:
        """checkout.session.completed, subscription: linked; the month is its invoice's, which grants nothing again."""
        till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
        events = till.stripe.events("invoice.paid")
        await only(till, "checkout.session.completed")
        assert (await till.tier(), await till.credits(), await sources(till)) == ("starter", STARTER, {"in"})
        for event in events:
            await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == STARTER


class TestInvoices:
    async def test_the_first_one_grants_the_month(self, till: Till) -> None:
        """invoice.paid, subscription_create: until the line's end and a day, with the tier that it is for."""
        till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
        await only(till, "invoice.paid")
        assert (await till.tier(), await till.credits(), await sources(till)) == ("starter", STARTER, {"in"})

    async def test_a_renewal_grants_the_next(self, till: Till) -> None:
        """invoice.paid, subscription_cycle."""
        await till.subscribe()
        till.stripe.advance(days=31.2)
        await only(till, "invoice.paid")
        assert await till.credits() == 2 * STARTER

    async def test_a_change_grants_its_part(self, till: Till) -> None:
        """invoice.paid, subscription_update: in proportion, once."""
        await till.subscribe()
        till.stripe.advance(days=15)
        till.stripe.webhooks.drop()
        link = await till.shop.service.upgrade(ANN, "pro")
        till.stripe.portal(link.url).change_plan(till.shop.catalogue.get("pro").price_id)
        [event] = await only(till, "invoice.paid")
        assert event["data"]["object"]["billing_reason"] == "subscription_update"
        granted = await till.credits()
        assert STARTER < granted < PRO
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == granted

    async def test_one_by_hand_grants_nothing(self, till: Till) -> None:
        """invoice.paid, manual: a pack's own invoice."""
        till.stripe.pay((await till.shop.service.buy(ANN)).url)
        [event] = await only(till, "invoice.paid")
        assert event["data"]["object"]["billing_reason"] == "manual"
        assert await till.credits() == 0

    async def test_the_other_word_for_paid_is_ignored(self, till: Till) -> None:
        """invoice.payment_succeeded: invoice.paid is the only monthly grant."""
        till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
        [event] = await only(till, "invoice.payment_succeeded")
        assert await till.shop.fulfilment.handle(event["id"]) is EventState.IGNORED
        assert await till.credits() == 0

    @pytest.mark.parametrize(
        ("kind", "card"),
        [("invoice.payment_failed", Card.DECLINED), ("invoice.payment_action_required", Card.NEEDS_3DS)],
        ids=["failed", "action"],
    )
    async def test_one_that_is_not_paid_is_told(self, till: Till, kind: str, card: Card) -> None:
        """Those who may buy are asked to pay; tier and credits stay; a link is made only for who presses."""
        await till.subscribe()
        till.stripe.set_card(till.stripe.all("customer")[0]["id"], card)
        till.stripe.advance(days=31.2)
        await only(till, kind)
        assert (await till.tier(), await till.credits()) == ("starter", STARTER)
        notice = (await till.notices(NoticeKind.PAYMENT_FAILED))[0]
        assert notice.audience is Audience.BUYERS
        assert (await till.shop.service.invoice_link(ANN, notice.facts["invoice"])).url.startswith("http")


class TestSubscriptions:
    async def test_one_that_begins_gives_the_tier(self, till: Till) -> None:
        """customer.subscription.created: the tier, and no credits."""
        till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
        await only(till, "customer.subscription.created")
        assert (await till.tier(), await till.credits()) == ("starter", 0)

    async def test_one_that_changes_is_fetched(self, till: Till) -> None:
        """customer.subscription.updated: plan, status, end and period are those of now."""
        subscription = await till.subscribe()
        await till.shop.gateway.set_cancelled(subscription, cancelled=True)
        await only(till, "customer.subscription.updated")
        stored = (await till.read(lambda tx: tx.billing.list_subscriptions(W)))[0]
        assert stored.cancel_at == stored.period_end

    async def test_one_that_ended_leaves_the_free_tier_and_what_was_bought(self, till: Till) -> None:
        """customer.subscription.deleted."""
        await till.buy_pack()
        await till.shop.gateway._client.v1.subscriptions.cancel_async(await till.subscribe())
        await only(till, "customer.subscription.deleted")
        assert (await till.tier(), await till.credits()) == ("free", PACK + STARTER)
        assert len(await till.notices(NoticeKind.PLAN_ENDED)) == 1

    @pytest.mark.parametrize("status", ["paused", "incomplete_expired", "unpaid", "incomplete"])
    async def test_one_that_entitles_to_nothing(self, till: Till, status: str) -> None:
        """paused, incomplete_expired and their like: no entitlement; active again: as before."""
        subscription = till.stripe.world.of(await till.subscribe())
        kind = "customer.subscription.paused" if status == "paused" else "customer.subscription.updated"
        till.stripe.world.change(kind, subscription, status=status)
        await only(till, kind)
        assert (await till.tier(), await till.credits()) == ("free", STARTER)
        again = "customer.subscription.resumed" if status == "paused" else "customer.subscription.updated"
        till.stripe.world.change(again, subscription, status="active")
        await only(till, again)
        assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def _refunded(till: Till) -> None:
    till.stripe.refund(await till.buy_pack(), 500)


async def _settled(till: Till) -> None:
    till.stripe.world.refunds_settle = False
    refund = till.stripe.refund(await till.buy_pack(), 500)
    till.stripe.webhooks.drop()
    till.stripe.end_refund(refund["id"], succeeds=True)


class TestReturns:
    @pytest.mark.parametrize(
        ("kind", "arrange"),
        [
            ("refund.created", _refunded),
            ("charge.refunded", _refunded),
            ("refund.updated", _settled),
            ("charge.refund.updated", _settled),
        ],
    )
    async def test_any_word_of_a_refund_takes_its_part(
        self, till: Till, kind: str, arrange: Callable[[Till], Awaitable[None]]
    ) -> None:
        """Each says enough; all of them together take no more."""
        await arrange(till)
        waiting = [delivery.event for delivery in till.stripe.webhooks.pending]
        await only(till, kind)
        assert await till.credits() == PACK / 2
        for event in [*waiting, *waiting]:
            await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == PACK / 2
        keys = [take.id for take in await till.read(lambda tx: tx.billing.list_takes(W))]
        assert keys == [refund["id"] for refund in till.stripe.all("refund")]

    async def test_one_that_fails_gives_back(self, till: Till) -> None:
        """refund.failed."""
        refund = till.stripe.refund(await till.buy_pack())
        await till.deliver()
        till.stripe.end_refund(refund["id"], succeeds=False)
        await only(till, "refund.failed")
        assert await till.credits() == PACK

    @pytest.mark.parametrize("kind", ["charge.dispute.created", "charge.dispute.funds_withdrawn"])
    async def test_a_dispute_freezes_and_takes(self, till: Till, kind: str) -> None:
        """Either word: the credits go, and nothing is sold; the buyers and the operator are told."""
        till.stripe.dispute(await till.buy_pack())
        await only(till, kind)
        assert await till.credits() == 0
        with pytest.raises(PurchasesFrozen):
            await till.shop.service.buy(ANN)
        told = await till.notices(NoticeKind.DISPUTED)
        assert {notice.audience for notice in told} == {Audience.BUYERS, Audience.OPERATOR}

    @pytest.mark.parametrize("kind", ["charge.dispute.closed", "charge.dispute.funds_reinstated"])
    async def test_a_dispute_that_is_won_gives_back(self, till: Till, kind: str) -> None:
        """Either word: as if nothing had been."""
        dispute = till.stripe.dispute(await till.buy_pack())
        await till.deliver()
        till.stripe.close_dispute(dispute["id"], won=True)
        await only(till, kind)
        assert await till.credits() == PACK
        assert (await till.shop.service.buy(ANN)).url

    async def test_a_dispute_that_is_lost_is_final(self, till: Till) -> None:
        """charge.dispute.closed, lost: taken for good, and sales go on."""
        dispute = till.stripe.dispute(await till.buy_pack())
        await till.deliver()
        till.stripe.close_dispute(dispute["id"], won=False)
        await only(till, "charge.dispute.closed")
        assert await till.credits() == 0
        assert (await till.shop.service.buy(ANN)).url

    async def test_an_inquiry_only_tells(self, till: Till) -> None:
        """charge.dispute.created, warning_...: no money moves, and none is taken."""
        till.stripe.dispute(await till.buy_pack(), is_warning=True)
        await only(till, "charge.dispute.created")
        assert await till.credits() == PACK
        assert {notice.audience for notice in await till.notices(NoticeKind.DISPUTED)} == {Audience.OPERATOR}

    async def test_a_warning_of_fraud_is_for_the_operator(self, till: Till) -> None:
        """radar.early_fraud_warning.created."""
        till.stripe.warn_of_fraud(await till.buy_pack())
        await only(till, "radar.early_fraud_warning.created")
        assert [notice.audience for notice in await till.notices(NoticeKind.FRAUD_WARNING)] == [Audience.OPERATOR]
        assert await till.credits() == PACK


async def test_a_customer_that_is_gone_is_unlinked(till: Till) -> None:
    """customer.deleted: the next purchase makes a new one; what was bought stays."""
    await till.buy_pack()
    old = till.stripe.all("customer")[0]["id"]
    await till.shop.gateway._client.v1.customers.delete_async(old)
    await only(till, "customer.deleted")
    await till.buy_pack()
    customers = await till.read(lambda tx: tx.billing.list_customers(W))
    assert [(item.id == old, item.deleted_at is None) for item in customers] == [(True, False), (False, True)]
    assert await till.credits() == 2 * PACK


async def test_anything_else_is_stored_and_answered(till: Till) -> None:
    """A kind that nothing follows from: 200, kept as ignored, and nothing happens."""
    await till.buy_pack()
    before = await till.credits()
    till.stripe.world.emit("product.updated", till.stripe.all("product")[0])
    [event] = await only(till, "product.updated")
    found = await till.read(lambda tx: tx.billing.find_event(event["id"]))
    assert found is not None
    assert found.state is EventState.IGNORED
    assert await till.credits() == before
