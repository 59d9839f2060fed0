"""Laws of billing's repository, each on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from core.billing.model import (
    Audience,
    Checkout,
    CheckoutState,
    Customer,
    Event,
    EventState,
    Notice,
    NoticeKind,
    NoticeState,
    Purchase,
    Spend,
    Subscription,
    Take,
    TakeKind,
)
from core.billing.ports import BillingTransaction
from core.credits.model import LotKind
from core.credits.service import Ledger
from storage.database import Database
from tests.fakes.clock import FakeClock
from tests.storage import samples
from tests.storage.samples import NOW, PROJECT, WORKSPACE

W = WORKSPACE.id
DAY = timedelta(days=1)
CUSTOMER = Customer("cus_1", W, NOW)
CHECKOUT = Checkout(
    id="co_1",
    workspace_id=W,
    slot="pack_1000",
    product="pack_1000",
    quantity=2,
    member_id=f"{W}/U1",
    customer_id="cus_1",
    price_id="price_1",
    created_at=NOW,
    session_id="s_1",
)
SUBSCRIPTION = Subscription("sub_1", W, "cus_1", "starter", "price_2", "active", NOW, NOW, NOW + 30 * DAY, NOW + DAY)
PURCHASE = Purchase("cs:cs_1", "cs_1", W, "pack_1000", 1_190, "usd", 1_000_000_000, NOW)
TAKE = Take("re_1", TakeKind.REFUND, "cs:cs_1", W, 300, "succeeded", active=True, at=NOW, taken_microcredits=5, turn=1)
EVENT = Event("evt_1", "invoice.paid", "in_1", False, NOW, NOW, NOW, "cus_1", "acct_1", "2026-10-28.endive")
NOTICE = Notice(
    key="low:1",
    workspace_id=W,
    kind=NoticeKind.LOW_BALANCE,
    audience=Audience.BUYERS,
    created_at=NOW,
    member_ids=(f"{W}/U1",),
    facts={"available_microcredits": 5},
)


async def test_everything_comes_back_as_it_went_in(store: Database) -> None:
    """Every row survives with every field, and what is not there is None or an empty list."""

    def write(tx: BillingTransaction) -> None:
        tx.billing.add_customer(CUSTOMER)
        assert tx.billing.add_checkout(CHECKOUT)
        tx.billing.save_subscription(SUBSCRIPTION)
        tx.billing.add_purchase(PURCHASE)
        tx.billing.save_take(TAKE)
        assert tx.billing.add_event(EVENT)
        assert tx.billing.add_notice(NOTICE)

    def check(tx: BillingTransaction) -> None:
        billing = tx.billing
        assert billing.find_customer("cus_1") == CUSTOMER
        assert billing.list_customers() == billing.list_customers(W) == [CUSTOMER]
        assert billing.find_checkout("co_1") == CHECKOUT == billing.find_open_checkout(W, "pack_1000")
        assert billing.list_subscriptions() == billing.list_subscriptions(W) == [SUBSCRIPTION]
        assert billing.find_purchase_of("cs_1") == PURCHASE
        assert billing.list_purchases(W) == [PURCHASE]
        assert billing.list_takes(W) == billing.list_takes(W, source_key="cs:cs_1") == [TAKE]
        assert billing.find_event("evt_1") == EVENT == billing.lock_event("evt_1")
        assert billing.find_notice("low:1") == NOTICE
        assert billing.list_open_notices() == billing.list_open_notices(workspace_id=W) == [NOTICE]

        assert [
            billing.find_customer("x"),
            billing.find_checkout("x"),
            billing.find_checkout_by_stripe("x"),
            billing.find_open_checkout(W, "plan"),
            billing.find_purchase_of("x"),
            billing.find_event("x"),
            billing.lock_event("x"),
            billing.find_notice("x"),
        ] == [None] * 8
        assert [*billing.list_takes("x"), *billing.list_purchases("x"), *billing.list_customers("x")] == []

    await store.write(write)
    await store.write(check)


async def test_saving_changes_what_can_change(store: Database) -> None:
    """States move on, what names a row stays."""
    cancelled = replace(SUBSCRIPTION, status="canceled", tier="pro", cancel_at=None)
    failed = replace(TAKE, status="failed", active=False, taken_microcredits=0, turn=2)
    opened = replace(CHECKOUT, state=CheckoutState.OPEN, stripe_id="cs_1")
    handled = replace(EVENT, state=EventState.DONE, attempts=2, handled_at=NOW, detail="granted", due_at=NOW + DAY)

    def write(tx: BillingTransaction) -> None:
        tx.billing.add_customer(CUSTOMER)
        tx.billing.save_customer(replace(CUSTOMER, deleted_at=NOW + DAY))
        tx.billing.add_checkout(CHECKOUT)
        tx.billing.save_checkout(opened)
        tx.billing.add_purchase(PURCHASE)
        tx.billing.add_purchase(replace(PURCHASE, microcredits=7))
        for subscription in (SUBSCRIPTION, cancelled):
            tx.billing.save_subscription(subscription)
        for take in (TAKE, replace(failed, at=NOW + DAY)):
            tx.billing.save_take(take)
        tx.billing.add_event(EVENT)
        tx.billing.save_event(handled)

    await store.write(write)
    assert await store.read(lambda tx: tx.billing.list_customers()) == [replace(CUSTOMER, deleted_at=NOW + DAY)]
    assert await store.read(lambda tx: tx.billing.find_checkout_by_stripe("cs_1")) == opened
    assert await store.read(lambda tx: tx.billing.list_subscriptions(W)) == [cancelled]
    assert await store.read(lambda tx: tx.billing.list_takes(W)) == [failed]
    assert await store.read(lambda tx: tx.billing.list_purchases(W)) == [PURCHASE]
    assert await store.read(lambda tx: tx.billing.find_event("evt_1")) == handled


async def test_a_slot_is_taken_once(store: Database) -> None:
    """A workspace has one checkout of a product on its way; another product, or workspace, is no obstacle."""
    others = [
        (replace(CHECKOUT, id="co_2"), False),
        (replace(CHECKOUT, id="co_3", slot="plan"), True),
        (replace(CHECKOUT, id="co_4", workspace_id="slack:T9"), True),
    ]
    assert await store.write(lambda tx: tx.billing.add_checkout(CHECKOUT))
    for other, added in others:
        assert await store.write(lambda tx, one=other: tx.billing.add_checkout(one)) is added  # type: ignore[misc]
    for state in (CheckoutState.COMPLETE, CheckoutState.EXPIRED, CheckoutState.FAILED):
        last = await store.read(lambda tx: tx.billing.find_open_checkout(W, "pack_1000"))
        assert last is not None
        ended = replace(last, state=state)
        await store.write(lambda tx, one=ended: tx.billing.save_checkout(one))  # type: ignore[misc]
        again = replace(CHECKOUT, id=f"again-{state}", created_at=NOW + DAY)
        assert await store.write(lambda tx, one=again: tx.billing.add_checkout(one))  # type: ignore[misc]
    newest = await store.read(lambda tx: tx.billing.list_checkouts(W, states=[CheckoutState.COMPLETE]))
    assert [item.id for item in newest] == ["co_1"]
    assert len(await store.read(lambda tx: tx.billing.list_checkouts(W))) == 5


async def test_a_workspace_has_one_live_customer(store: Database) -> None:
    """A second customer is only added when the first was deleted."""
    second = Customer("cus_2", W, NOW + DAY)
    for customer in (CUSTOMER, second):
        await store.write(lambda tx, one=customer: tx.billing.add_customer(one))  # type: ignore[misc]
    assert await store.read(lambda tx: tx.billing.list_customers(W)) == [CUSTOMER]
    await store.write(lambda tx: tx.billing.save_customer(replace(CUSTOMER, deleted_at=NOW)))
    await store.write(lambda tx: tx.billing.add_customer(second))
    assert [item.id for item in await store.read(lambda tx: tx.billing.list_customers(W))] == ["cus_1", "cus_2"]


async def test_events_are_taken_once_and_listed_when_due(store: Database) -> None:
    """A duplicate is not added; due are those that are stored and whose time has come; old ones that are done go."""
    later = replace(EVENT, id="evt_2", due_at=NOW + DAY, received_at=NOW + DAY)
    done = replace(EVENT, id="evt_3", state=EventState.DONE, received_at=NOW - DAY)
    odd = replace(EVENT, id="evt_4", state=EventState.QUARANTINED, received_at=NOW - DAY)
    for event in (EVENT, later, done, odd):
        assert await store.write(lambda tx, one=event: tx.billing.add_event(one))  # type: ignore[misc]
    assert not await store.write(lambda tx: tx.billing.add_event(replace(EVENT, type="other")))
    due = await store.read(lambda tx: tx.billing.list_due_events(NOW))
    assert [item.id for item in due] == ["evt_1"]
    due = await store.read(lambda tx: tx.billing.list_due_events(NOW + DAY, limit=1))
    assert [item.id for item in due] == ["evt_1"]
    assert await store.write(lambda tx: tx.billing.delete_events_before(NOW)) == 1
    assert [item.id for item in await store.read(lambda tx: tx.billing.list_events())] == ["evt_2", "evt_1", "evt_4"]
    quarantined = await store.read(lambda tx: tx.billing.list_events(state=EventState.QUARANTINED))
    assert [item.id for item in quarantined] == ["evt_4"]


async def test_a_notice_is_told_once(store: Database) -> None:
    """A key is added once and marked once; after enough tries that failed it is given up."""
    assert [await store.write(lambda tx: tx.billing.add_notice(NOTICE)) for _ in range(2)] == [True, False]
    assert [await store.write(lambda tx: tx.billing.mark_sent("low:1", NOW)) for _ in range(2)] == [True, False]
    sent = await store.read(lambda tx: tx.billing.find_notice("low:1"))
    assert sent == replace(NOTICE, state=NoticeState.SENT, sent_at=NOW)
    await store.write(lambda tx: tx.billing.add_notice(replace(NOTICE, key="low:2")))
    for left in (1, 0):
        await store.write(lambda tx: tx.billing.count_attempt("low:2", give_up_after=2))
        assert len(await store.read(lambda tx: tx.billing.list_open_notices())) == left
    given_up = await store.read(lambda tx: tx.billing.find_notice("low:2"))
    assert given_up == replace(NOTICE, key="low:2", state=NoticeState.GIVEN_UP, attempts=2)


async def test_revisions_count(store: Database) -> None:
    """A revision begins at 0 and goes up by one."""
    for expected in range(3):
        assert await store.read(lambda tx: tx.billing.revision(W)) == expected
        await store.write(lambda tx: tx.billing.bump_revision(W))


async def test_a_tier_is_set_alone(store: Database) -> None:
    """Nothing but the tier changes."""
    await store.write(lambda tx: tx.workspaces.save(WORKSPACE))
    await store.write(lambda tx: tx.workspaces.set_tier(W, "pro"))
    assert await store.read(lambda tx: tx.workspaces.find(W)) == replace(WORKSPACE, tier="pro")


async def test_spend_is_told_by_member_and_project(store: Database) -> None:
    """Charges are summed over their sessions; what a deleted session used is still there, without a name."""
    clock = FakeClock(NOW)
    ledger = Ledger(clock)

    def write(tx: BillingTransaction) -> None:
        tx.workspaces.save(WORKSPACE)
        tx.workspaces.save_project(PROJECT)
        tx.sessions.add(samples.session("s_1", member_id="ana"))
        tx.sessions.add(samples.session("s_2", member_id="ben", project_id=None))
        ledger.grant(
            tx.credits, workspace_id=W, kind=LotKind.PACK, amount_microcredits=90, source_key="k", actor="stripe"
        )
        for number, (session, amount) in enumerate([("s_1", 30), ("s_2", 5), ("s_1", 10), ("s_9", 7)]):
            ledger.hold(
                tx.credits, hold_id=f"t{number}", workspace_id=W, session_id=session, amount_microcredits=0, seconds=60
            )
            ledger.settle(tx.credits, hold_id=f"t{number}", amount_microcredits=amount, actor="session")

    await store.write(write)
    spend = await store.read(lambda tx: tx.billing.list_spend(W, since=NOW, until=NOW + DAY))
    assert spend == [Spend("ana", PROJECT.id, 40), Spend("", "", 7), Spend("ben", "", 5)]
    assert await store.read(lambda tx: tx.billing.list_spend(W, since=NOW - DAY, until=NOW)) == []
    assert await store.read(lambda tx: tx.billing.used_microcredits(W)) == 52
    assert await store.read(lambda tx: tx.billing.used_microcredits(W, since=NOW + DAY)) == 0
    assert await store.read(lambda tx: tx.billing.used_microcredits("other")) == 0


@pytest.mark.loopback
async def test_two_admins_get_one_slot(postgres_store: Database) -> None:
    """Of twenty checkouts that begin at once, one takes the slot."""
    added = await asyncio.gather(
        *(
            postgres_store.write(lambda tx, n=n: tx.billing.add_checkout(replace(CHECKOUT, id=f"co_{n}")))  # type: ignore[misc]
            for n in range(20)
        )
    )
    assert sum(added) == 1
