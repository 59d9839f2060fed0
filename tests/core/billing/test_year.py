"""A year of events in any order, as often as anybody likes, ends in the one right balance."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stripe import StripeError

from core.billing.intake import store_event
from core.billing.model import EventState
from core.billing.objects import EventHint
from core.billing.ports import BillingTransaction
from core.billing.shop import open_shop
from core.billing.webhook import hint_of
from core.errors import AtelierError
from core.workspaces.model import Workspace
from storage.database import Database
from tests.core.billing.till import ANN, Till, W, open_till
from tests.fakes.clock import FakeClock
from tests.fakes.stripe.model import Card, PageRefusal

pytestmark = [pytest.mark.loopback, pytest.mark.slow]
DAYS = st.integers(1, 40)

# what people, banks and the operator do in a year; each ignores what is not possible at that moment
ACTS = (
    "buy",
    "buy_slowly",
    "subscribe",
    "upgrade",
    "downgrade",
    "switch",
    "cancel",
    "keep",
    "refund",
    "refund_part",
    "refund_fails",
    "dispute",
    "win",
    "lose",
    "card_fails",
    "card_works",
    "abandon",
    "pause",
    "warn",
    "needs_owner",
    "forget_customer",
)

# a year in which everything happens that the table of events knows
WHOLE_YEAR: tuple[tuple[str, int], ...] = (
    ("abandon", 3),
    ("buy_fast", 9),
    ("upgrade", 3),
    ("pause", 12),
    ("refund_part", 5),
    ("refund_slowly", 5),
    ("contest", 10),
    ("win", 12),
    ("downgrade", 34),
    ("debit", 6),
    ("debit_fails", 6),
    ("warn", 4),
    ("inquiry", 4),
    ("win", 8),
    ("refund_fails", 9),
    ("cancel", 5),
    ("keep", 16),
    ("card_fails", 32),
    ("card_works", 12),
    ("needs_owner", 33),
    ("card_works", 12),
    ("switch", 20),
    ("buy_fast", 10),
    ("contest", 10),
    ("lose", 12),
    ("cancel", 40),
    ("subscribe", 20),
    ("forget_customer", 8),
    ("buy", 10),
    ("subscribe", 33),
    ("refund", 3),
)
YEAR_DAYS = 365
NEVER_SENT_HERE = {"charge.dispute.updated"}  # the local Stripe changes nothing of a dispute but its end


class Year:
    """Does things at Stripe; webhooks are collected, not sent."""

    def __init__(self, till: Till, rng: random.Random) -> None:
        self.till = till
        self.stripe = till.stripe
        self.rng = rng

    async def act(self, name: str) -> None:
        await getattr(self, name)()

    def paid(self) -> list[str]:
        """Return what can be refunded or disputed."""
        charges = [one for one in self.stripe.all("charge") if one["status"] == "succeeded" and not one["disputed"]]
        return [one["id"] for one in charges if one["amount_refunded"] < one["amount"]]

    async def buy(self) -> None:
        self.stripe.pay((await self.till.shop.service.buy(ANN, quantity=self.rng.randint(1, 3))).url)

    async def buy_slowly(self) -> None:
        page = (await self.till.shop.service.buy(ANN)).url
        self.stripe.pay(page, card=Card.DEBIT)
        self.stripe.settle(page, succeeds=self.rng.random() < 0.5)

    async def subscribe(self) -> None:
        link = await self.till.shop.service.upgrade(ANN, self.rng.choice(["starter", "pro"]))
        if "/pay/" in link.url:  # else it is the portal's
            self.stripe.pay(link.url)

    async def change(self, tier: str) -> None:
        link = await self.till.shop.service.upgrade(ANN, tier)
        if "/pay/" not in link.url:
            self.stripe.portal(link.url).change_plan(self.till.shop.catalogue.get(tier).price_id)

    async def upgrade(self) -> None:
        await self.change("pro")

    async def downgrade(self) -> None:
        await self.change("starter")

    async def switch(self) -> None:
        """Change the plan at once, as an operator can in the dashboard."""
        for one in self.stripe.all("subscription"):
            if one["status"] == "active":
                item = one["items"]["data"][0]
                plans = self.till.shop.catalogue.plans
                other = next(plan.price_id for plan in plans if plan.price_id != item["price"]["id"])
                await self.till.shop.gateway._client.v1.subscriptions.update_async(
                    one["id"],
                    {"items": [{"id": item["id"], "price": other}], "proration_behavior": "always_invoice"},
                )

    async def cancel(self) -> None:
        await self.till.shop.service.cancel(ANN)

    async def keep(self) -> None:
        await self.till.shop.service.reactivate(ANN)

    async def refund(self) -> None:
        if paid := self.paid():
            self.stripe.refund(self.rng.choice(paid))

    async def refund_part(self) -> None:
        if paid := self.paid():
            self.stripe.refund(self.rng.choice(paid), self.rng.randint(1, 50))

    async def refund_fails(self) -> None:
        if done := [one for one in self.stripe.all("refund") if one["status"] == "succeeded"]:
            self.stripe.end_refund(self.rng.choice(done)["id"], succeeds=False)

    async def dispute(self) -> None:
        if paid := self.paid():
            self.stripe.dispute(self.rng.choice(paid), is_warning=self.rng.random() < 0.2)

    async def win(self) -> None:
        self.close(won=True)

    async def lose(self) -> None:
        self.close(won=False)

    def close(self, *, won: bool) -> None:
        if open_ := [one for one in self.stripe.all("dispute") if one["status"].endswith("needs_response")]:
            self.stripe.close_dispute(self.rng.choice(open_)["id"], won=won)

    async def card_fails(self) -> None:
        self.set_card(Card.DECLINED)

    async def card_works(self) -> None:
        self.set_card(Card.OK)

    def set_card(self, card: Card) -> None:
        for customer in self.stripe.all("customer"):
            self.stripe.set_card(customer["id"], card)

    async def abandon(self) -> None:
        await self.till.shop.service.buy(ANN)

    async def buy_fast(self) -> None:
        self.stripe.pay((await self.till.shop.service.buy(ANN, quantity=2)).url)

    async def debit(self, *, succeeds: bool = True) -> None:
        page = (await self.till.shop.service.buy(ANN)).url
        self.stripe.pay(page, card=Card.DEBIT)
        self.stripe.settle(page, succeeds=succeeds)

    async def debit_fails(self) -> None:
        await self.debit(succeeds=False)

    async def refund_slowly(self) -> None:
        """Refund so that the bank's word comes later."""
        self.stripe.world.refunds_settle = False
        refund = self.stripe.refund(self.paid()[0], 30)
        self.stripe.world.refunds_settle = True
        self.stripe.end_refund(refund["id"], succeeds=True)

    async def contest(self) -> None:
        """Dispute the newest payment, so that its money goes."""
        self.stripe.dispute(self.paid()[-1])

    async def inquiry(self) -> None:
        self.stripe.dispute(self.paid()[-1], is_warning=True)

    async def warn(self) -> None:
        if paid := self.paid():
            self.stripe.warn_of_fraud(self.rng.choice(paid))

    async def needs_owner(self) -> None:
        self.set_card(Card.NEEDS_3DS)

    async def pause(self) -> None:
        """Pause the plan at Stripe, and resume it."""
        for one in self.stripe.all("subscription"):
            if one["status"] == "active":
                self.stripe.world.change("customer.subscription.paused", one, status="paused")
                self.stripe.world.change("customer.subscription.resumed", one, status="active")

    async def forget_customer(self) -> None:
        """Delete the customer, as the operator can; the next purchase makes another."""
        for one in self.stripe.all("customer")[-1:]:
            await self.till.shop.gateway._client.v1.customers.delete_async(one["id"])


async def live(till: Till, acts: list[tuple[str, int]], rng: random.Random) -> None:
    """Live through a year, hearing of everything at once and in order."""
    year, until = Year(till, rng), till.clock.now() + timedelta(days=YEAR_DAYS)
    for name, days in [("subscribe", 2), ("buy", 1), *acts]:
        try:
            await year.act(name)
        except (AtelierError, PageRefusal, StripeError):
            continue  # not possible at this moment
        finally:
            await till.pass_days(days)
    while till.clock.now() < until:
        await till.pass_days(35)
    await till.pass_days(3)


async def hear_late(till: Till, store: Database, order: list[EventHint]) -> Till:
    """Let a shop with an empty ledger, but the same customers, hear everything at the end, in *order*."""
    customers = await till.read(lambda tx: tx.billing.list_customers())

    def begin(tx: BillingTransaction) -> None:
        tx.workspaces.save(Workspace(W, "slack", "A team", till.clock.now(), "free"))
        for customer in customers[:-1]:  # one of a workspace is live: those before it were deleted
            tx.billing.add_customer(customer)
        for customer in customers[-1:]:
            tx.billing.add_customer(replace(customer, deleted_at=None))

    await store.write(begin)
    shop = open_shop(
        till.shop.gateway._config,
        till.shop.catalogue,
        store=store,
        ledger=till.ledger,
        clock=till.clock,
        wake=lambda: asyncio.sleep(0),
    )
    late = replace(till, store=store, shop=shop)
    try:
        for hint in order:
            if await store_event(store, hint, till.clock):
                assert await shop.fulfilment.handle(hint.id) in {EventState.DONE, EventState.IGNORED}
            else:
                await shop.fulfilment.handle(hint.id)
        assert await late.reconcile() == ()
    finally:
        await shop.aclose()
    return late


async def told(till: Till) -> tuple[float, str, list[tuple[str, int]]]:
    """Return balance, tier, and what each refund or dispute took."""
    takes = await till.read(lambda tx: tx.billing.list_takes(W))
    return await till.credits(), await till.tier(), [(take.id, take.taken_microcredits) for take in takes]


@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), DAYS), min_size=1, max_size=14),
    rng=st.randoms(use_true_random=False),
)
@settings(max_examples=6, deadline=None)
def test_any_order_and_any_number_ends_in_the_one_right_balance(
    acts: list[tuple[str, int]], rng: random.Random
) -> None:
    """Heard in order and at once, or all at the end, shuffled and doubled: the same balance, tier and refunds."""

    async def compare() -> None:
        clock = FakeClock()
        async with (
            aclosing(Database.from_url("sqlite://")) as first,
            aclosing(Database.from_url("sqlite://")) as second,
        ):
            await first.create_schema()
            await second.create_schema()
            async with open_till(first, clock) as till:
                await live(till, acts, rng)
                assert await till.reconcile() == ()
                events = [hint_of(event) for event in till.stripe.events()]
                order = [*events, *rng.sample(events, len(events) // 3)]
                rng.shuffle(order)
                assert await told(await hear_late(till, second, order)) == await told(till)

    asyncio.run(compare())


@dataclass(repr=False)
class Lived:
    """A whole year that was heard of as it happened.

    Attributes:
        events: All of it, in order.
        outcome: What it came to.
    """

    loop: asyncio.AbstractEventLoop
    till: Till
    events: list[EventHint]
    outcome: tuple[float, str, list[tuple[str, int]]]


@pytest.fixture(scope="module")
def lived() -> Iterator[Lived]:
    """A year in which everything happens, lived once; Stripe stays open for whoever hears of it late."""
    loop = asyncio.new_event_loop()
    stack = AsyncExitStack()

    async def begin() -> Lived:
        database = await stack.enter_async_context(aclosing(Database.from_url("sqlite://")))
        await database.create_schema()
        till = await stack.enter_async_context(open_till(database, FakeClock()))
        await live(till, list(WHOLE_YEAR), random.Random(7))  # noqa: S311 - the same year each time
        assert await till.reconcile() == ()
        return Lived(loop, till, [hint_of(event) for event in till.stripe.events()], await told(till))

    yield loop.run_until_complete(begin())
    loop.run_until_complete(stack.aclose())
    loop.close()


def test_the_year_has_every_kind_of_event(lived: Lived) -> None:
    """What is permuted below is a year, and the whole of the table."""
    kinds = {event.type for event in lived.events}
    assert set(lived.till.shop.fulfilment.event_types) - kinds == NEVER_SENT_HERE
    assert lived.events[-1].created - lived.events[0].created >= timedelta(days=YEAR_DAYS)
    assert len([event for event in lived.events if event.type == "invoice.paid"]) >= 12
    assert lived.outcome[2], "and something went back"


@given(seed=st.integers(0, 2**32), doubled=st.floats(0, 1))
@settings(max_examples=6, deadline=None, phases=(Phase.reuse, Phase.generate))
def test_any_permutation_and_duplication_of_a_year_ends_in_the_one_right_balance(
    lived: Lived, seed: int, doubled: float
) -> None:
    """Every event of the year, in any order, none to all of them twice: balance, tier and refunds are those of the year."""

    async def hear() -> None:
        rng = random.Random(seed)  # noqa: S311 - an order, not a secret
        order = [*lived.events, *rng.sample(lived.events, int(len(lived.events) * doubled))]
        rng.shuffle(order)
        async with aclosing(Database.from_url("sqlite://")) as store:
            await store.create_schema()
            assert await told(await hear_late(lived.till, store, order)) == lived.outcome

    lived.loop.run_until_complete(hear())
