"""Events that contradict, come too early, or meet a Stripe that is away: nothing is granted by mistake, nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.billing.fulfilment import next_try
from core.billing.model import Audience, Customer, EventState, NoticeKind
from core.billing.ports import BillingTransaction
from core.credits.errors import SourceUsed
from core.credits.model import LotKind
from core.errors import TransientError
from storage.database import Database, connection_of
from tests.core.billing.till import ANN, PACK, Till, W, open_till
from tests.fakes.clock import FakeClock
from tests.fakes.stripe import forging
from tests.fakes.stripe.faults import Trouble

pytestmark = pytest.mark.loopback


async def states(till: Till) -> dict[str, EventState]:
    """Return what became of the newest event of each type."""
    found = await till.read(lambda tx: tx.billing.list_events(limit=1_000))
    return {item.type: item.state for item in reversed(found)}


async def paid(till: Till) -> dict[str, Any]:
    """Let a pack be paid and return its event; nothing is delivered."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    return till.stripe.events("checkout.session.completed")[0]


class TestQuarantine:
    @pytest.mark.parametrize("how", ["account", "mode"])
    async def test_another_account_or_mode_grants_nothing(self, till: Till, how: str) -> None:
        """It is stored, quarantined, and told to the operator; the real event still grants."""
        event = await paid(till)
        forged = forging.of_account(event) if how == "account" else forging.of_mode(event, livemode=True)
        await till.stripe.webhooks.send(forging.again_as(forged, "evt_forged"))
        await till.shop.intake.settle()
        assert await till.credits() == 0
        assert await states(till) == {"checkout.session.completed": EventState.QUARANTINED}
        [notice] = await till.notices(NoticeKind.QUARANTINED)
        assert (notice.audience, notice.facts["event"]) == (Audience.OPERATOR, "evt_forged")
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == PACK

    async def test_our_own_account_is_no_stranger(self, till: Till) -> None:
        """An event that names the account of the key is like one that names none."""
        event = forging.of_account(await paid(till), till.stripe.world.account_id)
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == PACK

    async def test_an_object_that_stripe_does_not_know_grants_nothing(self, till: Till) -> None:
        """Whatever an event says, what is fetched counts, and here there is nothing."""
        event = await paid(till)
        event["data"]["object"]["id"] = "cs_test_forged"
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == 0
        assert await states(till) == {"checkout.session.completed": EventState.QUARANTINED}

    @pytest.mark.parametrize(("off_cents", "currency"), [(-1, "usd"), (1, "usd"), (0, "eur")], ids=str)
    async def test_another_amount_or_currency_grants_nothing(
        self, memory_store: Database, clock: FakeClock, off_cents: int, currency: str
    ) -> None:
        """Less, more, or other money than the catalogue says: for packs and for months."""
        async with open_till(memory_store, clock, off_cents=off_cents, currency=currency) as till:
            await till.buy_pack()
            assert (await states(till))["checkout.session.completed"] is EventState.QUARANTINED
            await till.subscribe()
            assert (await states(till))["invoice.paid"] is EventState.QUARANTINED
            assert await till.credits() == 0

    async def test_metadata_cannot_move_a_payment(self, till: Till) -> None:
        """Who can write metadata can only contradict: the customer's workspace counts, and the event is set aside."""
        await till.add_workspace("slack:T2")
        event = await paid(till)
        till.stripe.all("checkout.session")[0]["metadata"]["atelier_workspace"] = "slack:T2"
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert (await till.credits(), await till.credits("slack:T2")) == (0, 0)
        assert await states(till) == {"checkout.session.completed": EventState.QUARANTINED}

    async def test_metadata_cannot_raise_an_amount(self, till: Till) -> None:
        """Credits come from the price; what the metadata says of them is never read."""
        event = await paid(till)
        till.stripe.all("checkout.session")[0]["metadata"] |= {"credits": "1000000", "quantity": "99"}
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == PACK

    async def test_an_operator_can_have_it_tried_again(self, till: Till) -> None:
        """When what stood in the way was put right, a retry grants; a second one does not."""
        event = await paid(till)
        page = till.stripe.all("checkout.session")[0]
        page["metadata"]["atelier_workspace"] = "slack:T2"
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        page["metadata"]["atelier_workspace"] = W
        for _ in range(2):
            assert await till.shop.fulfilment.retry(str(event["id"])) is EventState.DONE
        assert await till.credits() == PACK

    async def test_one_payment_never_pays_two_workspaces(self, till: Till) -> None:
        """If a payment granted to another workspace before, somebody has to look."""
        event = await paid(till)
        page = till.stripe.all("checkout.session")[0]["id"]
        await till.shop.service.confirm(page)
        with pytest.raises(SourceUsed):
            await till.store.write(lambda tx: _grant_elsewhere(till, tx, page))
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await till.credits() == PACK


def _grant_elsewhere(till: Till, tx: BillingTransaction, page: str) -> None:
    till.ledger.grant(
        tx.credits,
        workspace_id="slack:T9",
        kind=LotKind.PACK,
        amount_microcredits=1,
        source_key=f"cs:{page}",
        actor="stripe",
    )


class TestStrangers:
    async def test_other_customers_of_the_account_are_ignored(self, till: Till) -> None:
        """The operator sells other things too: what has no mark of ours is stored, and nothing follows."""
        price = till.stripe.add_price("A book", 1_500)
        client = till.shop.gateway._client.v1
        page = await client.checkout.sessions.create_async(
            {
                "mode": "payment",
                "line_items": [{"price": price["id"], "quantity": 1}],
                "success_url": "https://books.test",
                "customer_creation": "always",
            }
        )
        till.stripe.pay(page.id)
        till.stripe.refund(page.id)
        await till.deliver()
        assert EventState.QUARANTINED not in (await states(till)).values()
        assert await till.notices() == []
        assert await till.reconcile() == ()

    async def test_a_page_whose_customer_we_do_not_know_yet_waits(self, till: Till) -> None:
        """An event may overtake our own transaction: it is tried again, not dropped."""
        event = await paid(till)
        customer = (await till.read(lambda tx: tx.billing.list_customers(W)))[0]
        await till.store.write(lambda tx: _forget(tx, customer))
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert await states(till) == {"checkout.session.completed": EventState.STORED}
        await till.store.write(lambda tx: tx.billing.add_customer(customer))
        till.clock.move(60)
        assert await till.shop.fulfilment.handle_due() == 1
        assert await till.credits() == PACK


def _forget(tx: BillingTransaction, customer: Customer) -> None:
    connection_of(tx).execute(sa.text("DELETE FROM billing_customers WHERE id = :id"), {"id": customer.id})


class TestOutages:
    async def test_an_event_survives_a_stripe_that_is_away(self, till: Till) -> None:
        """Stored and answered, then tried again by the job until Stripe answers."""
        event = await paid(till)
        till.stripe.faults.add(Trouble.UNAVAILABLE, "GET *", times=3)
        answer = await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        assert (answer.status, await till.credits()) == (200, 0)
        assert await till.shop.fulfilment.handle_due() == 0, "not before its time"
        till.clock.move(20)
        assert await till.shop.fulfilment.handle_due() == 1
        assert await till.credits() == PACK

    async def test_what_never_works_is_left_to_an_operator(self, till: Till) -> None:
        """After three days of tries it is quarantined, not lost."""
        event = await paid(till)
        till.stripe.faults.add(Trouble.RATE_LIMITED, "GET *", times=-1)
        await till.stripe.webhooks.send(event)
        await till.shop.intake.settle()
        tries = 1
        while (await states(till))["checkout.session.completed"] is EventState.STORED:
            till.clock.move(6 * 3_600)
            tries += await till.shop.fulfilment.handle_due()
        assert tries == 20
        till.stripe.faults.clear()
        assert await till.shop.fulfilment.retry(str(event["id"])) is EventState.DONE
        assert await till.credits() == PACK

    def test_pauses_grow_to_six_hours(self) -> None:
        """Soon at first, then seldom; never before Stripe said."""
        now = FakeClock().now()
        pauses = [(next_try(now, number, ValueError()) - now).total_seconds() for number in range(1, 20)]
        assert pauses[:3] == [15, 30, 60]
        assert max(pauses) == 21_600
        asked = next_try(now, 1, TransientError("", retry_after_seconds=100)) - now
        assert asked == timedelta(seconds=100)

    async def test_a_process_that_dies_after_storing_loses_nothing(self, till: Till) -> None:
        """The intake is cut before it acts: the job takes the event up."""
        event = await paid(till)
        released = till.stripe.faults.add(Trouble.HANGS, "GET /v1/checkout/sessions/*", times=1)
        await till.stripe.webhooks.send(event)
        await till.shop.intake.aclose()
        till.stripe.faults.released.set()
        assert released.times in {0, 1}
        assert await till.credits() == 0
        await till.shop.fulfilment.handle_due()
        assert await till.credits() == PACK


async def test_an_event_that_was_handled_is_not_handled_again(till: Till) -> None:
    """Nor one that nobody knows."""
    await till.buy_pack()
    calls = len(till.stripe.api.calls)
    event = till.stripe.events("checkout.session.completed")[0]["id"]
    assert await till.shop.fulfilment.handle(event) is EventState.DONE
    assert await till.shop.fulfilment.handle("evt_unknown") is None
    assert await till.shop.fulfilment.retry(event) is EventState.DONE
    assert len(till.stripe.api.calls) == calls


async def test_two_events_about_one_fact_grant_once(till: Till) -> None:
    """Keyed by what was paid, not by the event alone."""
    event = await paid(till)
    for name in ("evt_a", "evt_b"):
        await till.stripe.webhooks.send(forging.again_as(event, name))
    await till.shop.intake.settle()
    assert await till.credits() == PACK


async def test_pruned_events_grant_nothing_again(till: Till) -> None:
    """When old events are forgotten, what they granted is still known by its payment."""
    event = await paid(till)
    await till.stripe.webhooks.send(event)
    await till.shop.intake.settle()
    till.clock.move(100 * 86_400)
    assert await till.store.write(lambda tx: tx.billing.delete_events_before(till.clock.now())) == 1
    await till.stripe.webhooks.send(event)
    await till.shop.intake.settle()
    assert await till.credits() == PACK


async def test_every_kind_of_the_table_has_a_rule(till: Till) -> None:
    """The kinds that docs/billing.md lists are the kinds that are handled."""
    assert set(till.shop.fulfilment.event_types) >= {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "radar.early_fraud_warning.created",
        "customer.deleted",
    }
