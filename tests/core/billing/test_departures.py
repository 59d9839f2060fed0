"""The app leaves a workspace that pays: nobody pays for what is gone, and whoever comes back finds it as it was."""

import asyncio
from dataclasses import replace

import pytest

from core.billing.errors import BillingUnavailable
from core.billing.model import Audience, NoticeKind
from core.billing.ports import BillingTransaction
from storage.database import Database
from tests.core.billing.till import ANN, PACK, STARTER, Till, W, open_till
from tests.fakes.clock import FakeClock
from tests.fakes.stripe.faults import Trouble
from tests.fakes.stripe.model import PageRefusal

pytestmark = pytest.mark.loopback


async def leave(till: Till, *, comes_back: bool = False) -> None:
    """Mark the workspace as one without the app, or as one that has it again."""
    now = None if comes_back else till.clock.now()

    def work(tx: BillingTransaction) -> None:
        workspace = tx.workspaces.lock(W)
        assert workspace is not None
        tx.workspaces.save(replace(workspace, removed_at=now))

    await till.store.write(work)


def is_ending(till: Till) -> bool:
    return bool(till.stripe.all("subscription")[-1]["cancel_at_period_end"])


async def test_a_plan_ends_with_its_period_when_the_app_is_gone(till: Till) -> None:
    """Nothing is charged again, what was bought stays, and the operator has it in the log."""
    await till.buy_pack()
    await till.subscribe()
    assert await till.shop.departures.settle() == 0
    await leave(till)
    assert [await till.shop.departures.settle() for _ in range(2)] == [1, 0]
    assert is_ending(till)
    [notice] = await till.notices(NoticeKind.APP_LEFT)
    assert (notice.audience, notice.facts["tier"]) == (Audience.OPERATOR, "starter")
    assert await till.tier() == "starter", "what is paid for is kept until its end"
    await till.deliver()
    charges = len(till.stripe.all("charge"))
    await till.pass_days(40)
    assert len(till.stripe.all("charge")) == charges
    assert (await till.tier(), await till.credits()) == ("free", PACK)


async def test_whoever_comes_back_in_time_can_go_on(till: Till) -> None:
    """The buyers are told once that the plan is ending, and reactivating lets it go on."""
    await till.subscribe()
    await leave(till)
    await till.shop.departures.settle()
    await till.pass_days(5)
    await leave(till, comes_back=True)
    assert [await till.shop.departures.settle() for _ in range(2)] == [1, 0]
    [notice] = await till.notices(NoticeKind.PLAN_ENDING)
    assert (notice.audience, notice.facts["tier"]) == (Audience.BUYERS, "starter")
    assert (await till.shop.service.reactivate(ANN)).cancel_at is None
    await till.pass_days(30)
    assert (await till.tier(), await till.credits()) == ("starter", STARTER)


async def test_an_app_that_comes_back_at_once_loses_nothing(till: Till) -> None:
    """Removed and installed again before anybody looked: nothing is cancelled."""
    await till.subscribe()
    await leave(till)
    await leave(till, comes_back=True)
    assert await till.shop.departures.settle() == 0
    assert not is_ending(till)


async def test_what_a_person_takes_up_again_stays_theirs(till: Till) -> None:
    """Reactivated at Stripe while the app is gone: it is not ended again in this period."""
    subscription = await till.subscribe()
    await leave(till)
    await till.shop.departures.settle()
    await till.shop.gateway.set_cancelled(subscription, cancelled=False)
    await till.deliver()
    assert await till.shop.departures.settle() == 0
    assert not is_ending(till)


async def test_an_end_that_was_chosen_before_is_not_told_as_ours(till: Till) -> None:
    """Who cancelled by themselves and then removed the app has one cancellation in the audit log: their own."""
    await till.subscribe()
    await till.shop.service.cancel(ANN)
    await leave(till)
    await till.shop.departures.settle()
    entries = await till.read(lambda tx: tx.audit.list_entries(workspace_id=W))
    assert [entry.actor for entry in entries if entry.action == "subscription_cancelled"] == [ANN.member_id]


async def test_pages_to_pay_on_are_closed(till: Till) -> None:
    """Nobody can pay for a workspace that is gone."""
    page = await till.shop.service.buy(ANN)
    await leave(till)
    assert await till.shop.departures.settle() == 1
    with pytest.raises(PageRefusal, match="expired"):
        till.stripe.pay(page.url)
    assert await till.shop.departures.settle() == 0


async def test_a_page_that_was_paid_first_is_granted(till: Till) -> None:
    """Paid in the moment before: the credits are there for whoever comes back."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    await leave(till)
    await till.shop.departures.settle()
    assert await till.credits() == PACK


async def test_a_stripe_that_is_away_is_asked_again(till: Till) -> None:
    """What could not be cancelled is found at the next tick."""
    await till.subscribe()
    await leave(till)
    till.stripe.faults.add(Trouble.LOST_REQUEST, "POST /v1/subscriptions/*", times=3)
    with pytest.raises(BillingUnavailable):
        await till.shop.departures.settle()
    assert await till.shop.departures.settle() == 1
    assert is_ending(till)


async def test_any_number_of_processes_ends_it_once(postgres_store: Database, clock: FakeClock) -> None:
    """Five processes at once: one end, one entry in the audit log, one notice."""
    async with open_till(postgres_store, clock) as till:
        await till.subscribe()
        await leave(till)
        await asyncio.gather(*(till.shop.departures.settle() for _ in range(5)))
        entries = await till.read(lambda tx: tx.audit.list_entries(workspace_id=W))
        assert len([entry for entry in entries if entry.action == "subscription_cancelled"]) == 1
        assert len(await till.notices(NoticeKind.APP_LEFT)) == 1
        assert is_ending(till)
