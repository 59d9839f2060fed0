"""Buying: the balance is there, the buyer hears of it, and nothing is sold twice."""

import asyncio
from dataclasses import replace

import pytest

from core.billing.buyers import Buyer, Link
from core.billing.errors import (
    AlreadySubscribed,
    BillingUnavailable,
    HighestPlan,
    NotABuyer,
    NothingSold,
    PaymentPending,
    UnknownProduct,
)
from core.billing.model import Audience, CheckoutState, NoticeKind
from storage.database import Database
from tests.core.billing.till import ANN, BEN, PACK, PRO, STARTER, Till, W, open_till
from tests.fakes.clock import FakeClock
from tests.fakes.stripe.faults import Trouble
from tests.fakes.stripe.model import Card, PageRefusal

pytestmark = pytest.mark.loopback
HOUR = 3_600


async def test_a_pack_is_paid_and_the_balance_is_there(till: Till) -> None:
    """Credits come with the webhook, do not expire, wake what waits, and the buyer is told."""
    await till.buy_pack()
    balance = await till.balance()
    assert await till.credits() == PACK
    assert [lot.expires_at for lot in balance.lots] == [None]
    assert len(till.woken) == 1
    [notice] = await till.notices(NoticeKind.CREDITS_BOUGHT)
    assert (notice.member_ids, notice.audience) == ((ANN.member_id,), Audience.MEMBERS)


async def test_several_packs_are_bought_at_once(till: Till) -> None:
    """The number that was paid for is the number that is granted."""
    await till.buy_pack(3)
    assert await till.credits() == 3 * PACK


async def test_a_plan_is_taken_and_its_month_is_there(till: Till) -> None:
    """A subscription gives the tier and one month of credits, until a day after its period."""
    await till.subscribe()
    assert await till.credits() == STARTER
    assert await till.tier() == "starter"
    [notice] = await till.notices(NoticeKind.PLAN_STARTED)
    assert notice.member_ids == (ANN.member_id,)
    subscription = (await till.reader.overview(W)).subscription
    assert subscription is not None
    [lot] = (await till.balance()).lots
    assert lot.expires_at is not None
    assert (lot.expires_at - subscription.period_end).days == 1


async def test_the_checkout_says_whose_it_is_and_asks_what_bills_need(till: Till) -> None:
    """Workspace in the reference and in the metadata of page, payment and subscription; business, address, VAT id."""
    for url in ((await till.shop.service.buy(ANN)).url, (await till.shop.service.upgrade(ANN, "pro")).url):
        till.stripe.pay(url, business="A GmbH", country="DE", tax_id=("eu_vat", "DE123456789"))
    pack, plan = (call.parameters for call in till.stripe.api.calls if call.route == "POST /v1/checkout/sessions")
    for page in (pack, plan):
        intent = await till.read(lambda tx, one=page: tx.billing.find_checkout(one["client_reference_id"]))  # type: ignore[misc]
        assert intent is not None
        assert (intent.workspace_id, page["metadata"]["atelier_workspace"]) == (W, W)
        assert page["billing_address_collection"] == "required"
        assert page["tax_id_collection"]["enabled"] == "true"
        assert page["name_collection"]["business"]["enabled"] == "true"
        assert page["adaptive_pricing"]["enabled"] == "false"
    assert plan["subscription_data"]["metadata"]["atelier_workspace"] == W
    assert pack["payment_intent_data"]["metadata"]["atelier_workspace"] == W
    assert pack["payment_intent_data"]["statement_descriptor_suffix"] == "CREDITS"


async def test_every_call_is_pinned_and_every_creation_has_our_key(till: Till) -> None:
    """The API version is ours, and what makes something carries a key that a repeat would carry too."""
    await till.buy_pack()
    assert {call.api_version for call in till.stripe.api.calls} == {"2026-10-28.endive"}
    keys = {call.route: call.idempotency_key for call in till.stripe.api.calls if call.method == "POST"}
    intent = (await till.read(lambda tx: tx.billing.list_checkouts(W)))[0]
    assert keys == {"POST /v1/customers": f"cust:{W}:0", "POST /v1/checkout/sessions": f"checkout:{intent.id}"}


class TestOnePage:
    async def test_a_double_click_gets_the_same_page(self, till: Till) -> None:
        """Whoever asks again gets the page that is open, and Stripe makes one page and one customer."""
        first = await till.shop.service.buy(ANN)
        second = await till.shop.service.buy(ANN)
        assert (first.url, first.reused, second.url, second.reused) == (first.url, False, first.url, True)
        assert len(till.stripe.all("checkout.session")) == len(till.stripe.all("customer")) == 1

    async def test_two_admins_at_once_get_the_same_page(self, till: Till) -> None:
        """Ten requests in one moment, of two people, end in one page and one customer."""
        other = replace(ANN, member_id=f"{W}/EVE")
        links = await asyncio.gather(*(till.shop.service.buy(who) for who in [ANN, other] * 5))
        assert len({link.url for link in links}) == 1
        assert len(till.stripe.all("checkout.session")) == len(till.stripe.all("customer")) == 1

    @pytest.mark.parametrize("plan", ["", "starter"])
    async def test_everybody_who_got_the_page_hears_that_it_was_paid(self, till: Till, plan: str) -> None:
        """One page for two admins, one payment, one grant, one private message for each of them; a repeat adds nobody."""
        other = replace(ANN, member_id=f"{W}/EVE")
        service = till.shop.service
        pages = [await (service.upgrade(who, plan) if plan else service.buy(who)) for who in (ANN, other, other, ANN)]
        await till.pay(pages[-1].url)
        [notice] = await till.notices(NoticeKind.CREDITS_BOUGHT, NoticeKind.PLAN_STARTED)
        assert (notice.audience, notice.member_ids) == (Audience.MEMBERS, (ANN.member_id, other.member_id))
        assert await till.credits() == (STARTER if plan else PACK)
        assert len(till.stripe.all("checkout.session")) == 1

    async def test_whoever_wants_something_else_gets_a_page_of_their_own(self, till: Till) -> None:
        """Another number is another page: only whoever got the page that was paid hears of it."""
        await till.shop.service.buy(ANN)
        other = replace(ANN, member_id=f"{W}/EVE")
        await till.pay((await till.shop.service.buy(other, quantity=2)).url)
        [notice] = await till.notices(NoticeKind.CREDITS_BOUGHT)
        assert notice.member_ids == (other.member_id,)

    async def test_paying_once_grants_once_however_often_it_is_told(self, till: Till) -> None:
        """Webhook twice, the browser that comes back, a sync: one grant."""
        url = (await till.shop.service.buy(ANN)).url
        till.stripe.pay(url)
        till.stripe.webhooks.duplicate(times=3)
        page = till.stripe.all("checkout.session")[0]["id"]
        assert await till.shop.service.confirm(page)
        await till.deliver()
        assert not await till.shop.service.confirm(page)
        assert await till.shop.service.sync(W) == 0
        assert await till.credits() == PACK
        assert len(await till.notices(NoticeKind.CREDITS_BOUGHT)) == 1
        with pytest.raises(PageRefusal):
            till.stripe.pay(url)

    async def test_after_paying_a_new_page_can_be_opened(self, till: Till) -> None:
        """A page that was paid makes room, with its webhook or without."""
        first = await till.shop.service.buy(ANN)
        till.stripe.pay(first.url)
        till.stripe.webhooks.drop()
        second = await till.shop.service.buy(ANN)
        assert second.url != first.url
        assert await till.credits() == PACK

    async def test_another_number_closes_the_first_page(self, till: Till) -> None:
        """Two pages for one thing are never open: the older one is closed at Stripe."""
        first = await till.shop.service.buy(ANN)
        second = await till.shop.service.buy(ANN, quantity=2)
        with pytest.raises(PageRefusal, match="expired"):
            till.stripe.pay(first.url)
        await till.pay(second.url)
        assert await till.credits() == 2 * PACK

    async def test_another_plan_closes_the_first_page(self, till: Till) -> None:
        """A workspace cannot be sold two plans by two pages."""
        starter = await till.shop.service.upgrade(ANN, "starter")
        pro = await till.shop.service.upgrade(ANN, "pro")
        with pytest.raises(PageRefusal, match="expired"):
            till.stripe.pay(starter.url)
        await till.pay(pro.url)
        assert (await till.tier(), await till.credits()) == ("pro", PRO)

    async def test_a_page_that_expired_makes_room(self, till: Till) -> None:
        """After a day the page is over: the buyer hears of it, and the next request opens a new one."""
        first = await till.shop.service.buy(ANN)
        await till.pass_days(2)
        [notice] = await till.notices(NoticeKind.CHECKOUT_EXPIRED)
        assert notice.member_ids == (ANN.member_id,)
        second = await till.shop.service.buy(ANN)
        assert second.url != first.url
        await till.pay(second.url)
        assert await till.credits() == PACK

    async def test_an_expiry_that_nobody_told_makes_room_too(self, till: Till) -> None:
        """A lost webhook does not block the slot."""
        await till.shop.service.buy(ANN)
        till.stripe.advance(days=2)
        till.stripe.webhooks.drop()
        await till.pay((await till.shop.service.buy(ANN)).url)
        assert await till.credits() == PACK


class TestCrashes:
    async def test_a_crash_after_asking_stripe_finds_the_same_page(self, till: Till) -> None:
        """The answer was lost with the process: the next one asks with the same keys and gets the same things."""
        till.stripe.faults.add(Trouble.LOST_ANSWER, "POST /v1/checkout/sessions", times=3)
        with pytest.raises(BillingUnavailable):
            await till.shop.service.buy(ANN)
        [made] = till.stripe.all("checkout.session")
        till.clock.move(HOUR)
        link = await till.shop.service.buy(ANN)
        assert link.url == made["url"]
        assert len(till.stripe.all("checkout.session")) == 1

    async def test_a_customer_whose_answer_was_lost_is_made_once(self, till: Till) -> None:
        """As for the page."""
        till.stripe.faults.add(Trouble.LOST_ANSWER, "POST /v1/customers", times=3)
        with pytest.raises(BillingUnavailable):
            await till.shop.service.buy(ANN)
        await till.shop.service.buy(ANN)
        assert len(till.stripe.all("customer")) == 1

    async def test_an_intent_that_is_too_old_gives_way(self, till: Till) -> None:
        """A process died before Stripe heard of it, a day ago: what cannot be asked for any more is given up."""
        till.stripe.faults.add(Trouble.LOST_REQUEST, "POST /v1/checkout/sessions", times=3)
        with pytest.raises(BillingUnavailable):
            await till.shop.service.buy(ANN)
        till.clock.move(23 * HOUR)
        await till.pay((await till.shop.service.buy(ANN)).url)
        assert await till.credits() == PACK
        states = {item.state for item in await till.read(lambda tx: tx.billing.list_checkouts(W))}
        assert states == {CheckoutState.EXPIRED, CheckoutState.COMPLETE}

    @pytest.mark.parametrize("route", ["POST /v1/customers", "POST /v1/checkout/sessions"], ids=["customer", "page"])
    async def test_a_key_that_fails_for_ever_is_left(self, till: Till, route: str) -> None:
        """Stripe keeps a failure under its key: another key gets through, at the next click at the latest."""
        till.stripe.faults.add(Trouble.ERROR_AFTER, route)
        try:
            link = await till.shop.service.buy(ANN)
        except BillingUnavailable:
            link = await till.shop.service.buy(ANN)
        await till.pay(link.url)
        assert await till.credits() == PACK

    @pytest.mark.parametrize("trouble", [Trouble.GARBAGE, Trouble.RATE_LIMITED], ids=str)
    async def test_whatever_stripe_answers_is_one_of_our_errors(self, till: Till, trouble: Trouble) -> None:
        """A web page instead of JSON, or "too many requests", is "not now", and the next click works."""
        till.stripe.faults.add(trouble, "POST /v1/customers", times=1)
        with pytest.raises(BillingUnavailable):
            await till.shop.service.buy(ANN)
        assert (await till.shop.service.buy(ANN)).url

    async def test_a_customer_that_was_deleted_is_followed_by_another(self, till: Till) -> None:
        """Whether the webhook says so or the next purchase finds out."""
        await till.buy_pack()
        for with_webhook in (True, False):
            customer = till.stripe.all("customer")[-1]["id"]
            await till.shop.gateway._client.v1.customers.delete_async(customer)
            if with_webhook:
                await till.deliver()
            till.stripe.webhooks.drop()
            await till.buy_pack()
        assert await till.credits() == 3 * PACK
        customers = await till.read(lambda tx: tx.billing.list_customers(W))
        assert [item.deleted_at is None for item in customers] == [False, False, True]


class TestSlowPayments:
    async def test_a_bank_debit_is_granted_when_it_is_through(self, till: Till) -> None:
        """Nothing is granted before the money is there, and nothing else is sold meanwhile."""
        await till.pay((await till.shop.service.buy(ANN)).url, card=Card.DEBIT)
        assert await till.credits() == 0
        assert len(await till.notices(NoticeKind.PAYMENT_PENDING)) == 1
        with pytest.raises(PaymentPending):
            await till.shop.service.buy(ANN)
        till.stripe.settle(till.stripe.all("checkout.session")[0]["id"])
        await till.deliver()
        assert await till.credits() == PACK

    async def test_a_bank_debit_that_fails_grants_nothing_and_makes_room(self, till: Till) -> None:
        """The buyer hears of it privately."""
        await till.pay((await till.shop.service.buy(ANN)).url, card=Card.DEBIT)
        till.stripe.settle(till.stripe.all("checkout.session")[0]["id"], succeeds=False)
        await till.deliver()
        assert await till.credits() == 0
        [notice] = await till.notices(NoticeKind.CHECKOUT_FAILED)
        assert notice.member_ids == (ANN.member_id,)
        await till.pay((await till.shop.service.buy(ANN)).url)
        assert await till.credits() == PACK

    async def test_a_declined_card_leaves_the_page_open(self, till: Till) -> None:
        """Another card on the same page will do."""
        link = await till.shop.service.buy(ANN)
        with pytest.raises(PageRefusal):
            till.stripe.pay(link.url, card=Card.DECLINED)
        assert (await till.shop.service.buy(ANN)).url == link.url
        await till.pay(link.url)
        assert await till.credits() == PACK


class TestWhoMayBuy:
    async def test_only_admins_and_those_they_named(self, till: Till) -> None:
        """The platform's admins may, a named member may; anybody else gets no link of any kind."""
        service = till.shop.service
        await till.add_member(BEN)
        for verb in (
            service.buy,
            service.upgrade,
            service.portal,
            service.cancel,
            service.reactivate,
            service.invoices,
        ):
            with pytest.raises(NotABuyer):
                await verb(BEN)
        await till.add_member(BEN, is_buyer=True)
        assert (await service.buy(BEN)).url

    async def test_who_is_blocked_or_from_elsewhere_may_not(self, till: Till) -> None:
        """A block outweighs a name, and a member of one workspace buys for no other."""
        await till.add_member(BEN, is_buyer=True, is_blocked=True)
        await till.add_workspace("slack:T2")
        stranger = Buyer("slack:T2", f"{W}/ANN", is_admin=True)
        await till.add_member(Buyer(W, f"{W}/ANN"))
        for buyer in (BEN, stranger):
            with pytest.raises(NotABuyer):
                await till.shop.service.buy(buyer)
        assert till.stripe.all("checkout.session") == []

    async def test_somebody_else_asks_those_who_may(self, till: Till) -> None:
        """One message a session and day to the buyers, with what is needed and for what."""
        await till.add_member(BEN, is_buyer=True)
        asked = [
            await till.shop.service.ask_admin(W, f"{W}/EVE", need_microcredits=5, session_id="s_1") for _ in range(2)
        ]
        assert asked == [True, False]
        [notice] = await till.notices(NoticeKind.ASK_ADMIN)
        assert (notice.audience, notice.member_ids) == (Audience.BUYERS, (BEN.member_id,))
        assert notice.facts == {"asked_by": f"{W}/EVE", "need_microcredits": 5, "session": "s_1", "plan": ""}


async def test_who_has_a_plan_gets_the_portal_instead(till: Till) -> None:
    """A second subscription is never sold; the same plan is said to be there."""
    await till.subscribe()
    with pytest.raises(AlreadySubscribed):
        await till.shop.service.upgrade(ANN, "starter")
    link = await till.shop.service.upgrade(ANN)
    assert link.product == "pro"
    assert len(till.stripe.all("checkout.session")) == 1
    assert till.stripe.portal(link.url).subscriptions


async def test_without_a_name_an_upgrade_only_leads_up(till: Till) -> None:
    """The cheapest plan at first, then the next one up; on the highest it is said, and no cheaper one is offered."""
    assert (await till.shop.service.upgrade(ANN)).product == "starter"
    await till.subscribe("pro")
    with pytest.raises(HighestPlan) as error:
        await till.shop.service.upgrade(ANN)
    assert error.value.tier == "pro"
    assert (await till.shop.service.upgrade(ANN, "starter")).product == "starter", "a plan that is named is given"


async def test_a_plan_that_was_paid_unheard_is_not_sold_again(till: Till) -> None:
    """The webhook was lost: the next request finds out, takes what was paid, and says so."""
    till.stripe.pay((await till.shop.service.upgrade(ANN, "starter")).url)
    till.stripe.webhooks.drop()
    with pytest.raises(AlreadySubscribed):
        await till.shop.service.upgrade(ANN, "starter")
    assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def test_what_is_not_sold_cannot_be_bought(till: Till) -> None:
    """Something that has no price is named as unknown, with what there is."""
    with pytest.raises(UnknownProduct) as error:
        await till.shop.service.buy(ANN, "gold")
    assert set(error.value.known) == {"starter", "pro", "pack_1000"}


async def test_where_nothing_could_do_the_work_nothing_is_sold(memory_store: Database, clock: FakeClock) -> None:
    """Without any provider, money would buy nothing."""
    async with open_till(memory_store, clock, may_sell=False) as till:
        for verb in (till.shop.service.buy, till.shop.service.upgrade):
            with pytest.raises(NothingSold):
                await verb(ANN)


def test_a_link_does_not_show_its_address() -> None:
    """A link that is printed by mistake tells nobody how to pay for somebody else."""
    link = Link("https://checkout.stripe.test/c/pay/cs_test_secret", "pro")
    assert "secret" not in repr(link)
    assert "secret" not in f"{link}"
