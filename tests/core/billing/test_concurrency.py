"""What only a database with many writers shows: everything at once, and still exact."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.billing.model import EventState
from core.billing.plans import align_tiers
from core.billing.ports import BillingTransaction
from core.credits.model import LotKind
from storage.database import Database
from tests.core.billing.till import ANN, PACK, STARTER, Till, W, open_till
from tests.fakes.clock import FakeClock
from tests.fakes.stripe import forging

pytestmark = pytest.mark.loopback


@pytest.fixture
async def till(postgres_store: Database, clock: FakeClock) -> AsyncIterator[Till]:
    """A shop on PostgreSQL."""
    async with open_till(postgres_store, clock) as found:
        yield found


async def test_fifty_replays_of_one_event_grant_once(till: Till) -> None:
    """The same event, fifty times at once."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    event = till.stripe.events("checkout.session.completed")[0]
    answers = await asyncio.gather(*(till.stripe.webhooks.send(event) for _ in range(50)))
    await till.shop.intake.settle()
    assert {answer.status for answer in answers} == {200}
    assert await till.credits() == PACK
    assert len(await till.read(lambda tx: tx.billing.list_events())) == 1


async def test_one_fact_told_in_every_way_at_once_grants_once(till: Till) -> None:
    """Twenty events of their own, the browser, a sync and the reconciliation."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    event = till.stripe.events("checkout.session.completed")[0]
    page = till.stripe.all("checkout.session")[0]["id"]
    await asyncio.gather(
        *(till.stripe.webhooks.send(forging.again_as(event, f"evt_{number}")) for number in range(20)),
        *(till.shop.service.confirm(page) for _ in range(5)),
        *(till.shop.service.sync(W) for _ in range(3)),
        till.shop.reconciler.repair(),
    )
    await till.shop.intake.settle()
    assert await till.credits() == PACK
    states = {item.state for item in await till.read(lambda tx: tx.billing.list_events())}
    assert states <= {EventState.DONE, EventState.IGNORED}


async def test_fifty_replays_of_one_grant_and_a_hundred_captures_are_exact(till: Till) -> None:
    """One lot from fifty grants; a hundred charges, each sent twice, take exactly what they cost."""

    def grant(tx: BillingTransaction) -> bool:
        return till.ledger.grant(
            tx.credits,
            workspace_id=W,
            kind=LotKind.PACK,
            amount_microcredits=1_000,
            source_key="cs:1",
            actor="stripe",
        )

    assert sum(await asyncio.gather(*(till.store.write(grant) for _ in range(50)))) == 1

    async def hold(number: int) -> None:
        await till.store.write(
            lambda tx: till.ledger.hold(
                tx.credits, hold_id=f"t{number}", workspace_id=W, session_id="s", amount_microcredits=9, seconds=60
            )
        )

    async def capture(number: int) -> None:
        await till.store.write(
            lambda tx: till.ledger.settle(tx.credits, hold_id=f"t{number}", amount_microcredits=7, actor="session")
        )

    await asyncio.gather(*(hold(number) for number in range(100)))
    await asyncio.gather(*(capture(number) for number in [*range(100), *range(100)]))
    balance = await till.balance()
    assert (balance.posted_microcredits, balance.reserved_microcredits) == (300, 0)


async def test_twenty_buyers_at_once_get_one_page(till: Till) -> None:
    """One customer, one intent, one page."""
    links = await asyncio.gather(*(till.shop.service.buy(ANN) for _ in range(20)))
    assert len({link.url for link in links}) == 1
    assert len(till.stripe.all("customer")) == len(till.stripe.all("checkout.session")) == 1


async def test_states_that_race_end_in_the_newest(till: Till) -> None:
    """A plan is cancelled and taken on again while old news arrives in many processes: what is, counts."""
    subscription = await till.subscribe()
    for cancelled in (True, False, True):
        changing = till.shop.gateway.set_cancelled(subscription, cancelled=cancelled)
        old = [till.shop.fulfilment.subscription(subscription) for _ in range(8)]
        await asyncio.gather(changing, *old)
        await till.shop.fulfilment.subscription(subscription)
    stored = (await till.read(lambda tx: tx.billing.list_subscriptions(W)))[0]
    assert stored.cancel_at is not None
    assert await till.reconcile() == ()


async def test_refunds_and_use_at_once_keep_the_books(till: Till) -> None:
    """Refunds, a dispute, charges and a purchase, all at once: the sum is right, and so is every lot."""
    await till.subscribe()
    page = await till.buy_pack()
    for amount in (100, 200, 50):
        till.stripe.refund(page, amount)
    till.stripe.dispute(till.stripe.all("invoice")[0]["id"], 1_450)
    till.stripe.webhooks.duplicate(times=2)
    events = [delivery.event for delivery in till.stripe.webhooks.pending]
    till.stripe.webhooks.drop()
    await asyncio.gather(*(till.stripe.webhooks.send(event) for event in events), *(till.use(10) for _ in range(10)))
    await till.shop.intake.settle()
    assert await till.credits() == PACK * 0.65 + STARTER / 2 - 100


async def test_servers_that_start_at_once_align_each_workspace_once(till: Till) -> None:
    """Five processes open the shop at once: every workspace changes once, and one that pays has what it pays for."""
    for number in range(30):
        await till.add_workspace(f"slack:T{number + 2:03}", tier="unlimited")
    await till.subscribe()
    await till.store.write(lambda tx: tx.workspaces.set_tier(W, "unlimited"))
    changed = await asyncio.gather(
        *(align_tiers(till.store, till.shop.catalogue, clock=till.clock) for _ in range(5)),
    )
    assert sum(changed) == 31
    assert (await till.tier(), await till.tier("slack:T002")) == ("starter", "free")
    entries = await till.read(lambda tx: tx.audit.list_entries(limit=1_000))
    assert len([one for one in entries if one.actor == "system" and one.action == "tier_changed"]) == 31
