"""Money that goes back: credits follow, in whatever order it is heard of, and come back when it does."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.errors import PurchasesFrozen
from core.billing.model import Audience, NoticeKind, Purchase, Take, TakeKind
from core.billing.ports import BillingTransaction
from core.billing.takes import shares
from core.credits.errors import InsufficientCredits
from tests.core.billing.till import ANN, PACK, Till, W
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.loopback
NOW = FakeClock().now()
MICRO = 1_000_000


async def test_a_refund_takes_its_part(till: Till) -> None:
    """Half of the money is half of the credits; the buyers are told once."""
    page = await till.buy_pack()
    till.stripe.refund(page, 500)
    till.stripe.webhooks.duplicate(times=2)
    await till.deliver()
    assert await till.credits() == PACK / 2
    [notice] = await till.notices(NoticeKind.REFUNDED)
    assert notice.facts["microcredits"] == PACK * MICRO / 2


async def test_partial_refunds_add_up_to_all(till: Till) -> None:
    """Three parts that make the whole take the whole, to the micro-credit, each once."""
    page = await till.buy_pack()
    for amount in (333, 333, 334):
        till.stripe.refund(page, amount)
        await till.deliver()
    assert await till.credits() == 0


async def test_a_refund_may_come_before_its_payment(till: Till) -> None:
    """Heard of first, it grants what was paid and takes it back; the payment's own event changes nothing then."""
    url = (await till.shop.service.buy(ANN)).url
    till.stripe.pay(url)
    till.stripe.refund(till.stripe.all("checkout.session")[0]["id"], 400)
    till.stripe.webhooks.reorder()
    await till.deliver()
    assert await till.credits() == PACK * 0.6


async def test_a_refund_of_a_month_is_found_through_its_invoice(till: Till) -> None:
    """A charge does not name its invoice any more; the payment does."""
    await till.subscribe()
    invoice = till.stripe.all("invoice")[0]["id"]
    till.stripe.refund(invoice)
    await till.deliver()
    assert await till.credits() == 0
    assert await till.shop.service.sync(W) == 0


async def test_a_pending_refund_takes_nothing_yet(till: Till) -> None:
    """Only a refund that succeeded took money; one that fails takes none."""
    till.stripe.world.refunds_settle = False
    page = await till.buy_pack()
    first, second = till.stripe.refund(page, 300), till.stripe.refund(page, 200)
    await till.deliver()
    assert await till.credits() == PACK
    till.stripe.end_refund(first["id"], succeeds=True)
    till.stripe.end_refund(second["id"], succeeds=False)
    await till.deliver()
    assert await till.credits() == PACK * 0.7


async def test_a_refund_that_comes_back_gives_back(till: Till) -> None:
    """The bank returns it: the credits are there again, and what waited may go on."""
    page = await till.buy_pack()
    refund = till.stripe.refund(page)
    await till.deliver()
    assert await till.credits() == 0
    woken = len(till.woken)
    till.stripe.end_refund(refund["id"], succeeds=False)
    await till.deliver()
    assert await till.credits() == PACK
    assert len(till.woken) > woken


async def test_what_was_used_becomes_debt_and_the_next_credits_repay_it(till: Till) -> None:
    """A refund after spending leaves a debt; nothing new starts until it is repaid."""
    page = await till.buy_pack()
    await till.use(700)
    till.stripe.refund(page)
    await till.deliver()
    assert await till.credits() == -700

    def hold(tx: BillingTransaction) -> None:
        till.ledger.hold(tx.credits, hold_id="t", workspace_id=W, session_id="s", amount_microcredits=1, seconds=60)

    with pytest.raises(InsufficientCredits):
        await till.store.write(hold)
    await till.buy_pack()
    assert await till.credits() == PACK - 700
    await till.store.write(hold)


async def test_a_refund_during_a_session_leaves_the_turn_its_charge(till: Till) -> None:
    """What a turn has set aside may become debt, but it is charged, once, and the books add up."""
    page = await till.buy_pack()

    def hold(tx: BillingTransaction) -> None:
        till.ledger.hold(
            tx.credits, hold_id="t", workspace_id=W, session_id="s", amount_microcredits=50 * MICRO, seconds=600
        )

    await till.store.write(hold)
    till.stripe.refund(page)
    await till.deliver()
    assert (await till.balance()).available_microcredits == -50 * MICRO
    await till.store.write(
        lambda tx: till.ledger.settle(tx.credits, hold_id="t", amount_microcredits=30 * MICRO, actor="session")
    )
    balance = await till.balance()
    assert (balance.debt_microcredits, balance.reserved_microcredits) == (30 * MICRO, 0)


class TestDisputes:
    async def test_one_that_is_lost_takes_for_good(self, till: Till) -> None:
        """A chargeback after spending: debt, nothing is sold while it is undecided, and it can be bought off after."""
        page = await till.buy_pack()
        await till.use(400)
        dispute = till.stripe.dispute(page)
        await till.deliver()
        assert await till.credits() == -400
        with pytest.raises(PurchasesFrozen):
            await till.shop.service.buy(ANN)
        assert (await till.reader.overview(W)).is_frozen
        till.stripe.close_dispute(dispute["id"], won=False)
        await till.deliver()
        assert await till.credits() == -400
        await till.buy_pack()
        assert await till.credits() == PACK - 400

    async def test_one_that_is_won_gives_back(self, till: Till) -> None:
        """Withdrawn and reinstated: as if nothing had been."""
        page = await till.buy_pack()
        await till.use(400)
        dispute = till.stripe.dispute(page)
        await till.deliver()
        till.stripe.close_dispute(dispute["id"], won=True)
        await till.deliver()
        assert await till.credits() == PACK - 400
        assert not (await till.reader.overview(W)).is_frozen

    async def test_its_events_may_come_in_any_order(self, till: Till) -> None:
        """Backwards, and before the payment's own: what is, counts."""
        till.stripe.pay((await till.shop.service.buy(ANN)).url)
        dispute = till.stripe.dispute(till.stripe.all("checkout.session")[0]["id"])
        till.stripe.close_dispute(dispute["id"], won=True)
        till.stripe.webhooks.reorder()
        await till.deliver()
        assert await till.credits() == PACK

    async def test_an_inquiry_takes_nothing(self, till: Till) -> None:
        """It moves no money; the operator is told, the buyers are not."""
        page = await till.buy_pack()
        till.stripe.dispute(page, is_warning=True)
        await till.deliver()
        assert await till.credits() == PACK
        assert {item.audience for item in await till.notices(NoticeKind.DISPUTED)} == {Audience.OPERATOR}
        assert (await till.shop.service.buy(ANN)).url

    async def test_a_warning_of_fraud_is_told_to_the_operator(self, till: Till) -> None:
        """Nothing moves yet, but a refund now may save a dispute."""
        page = await till.buy_pack()
        till.stripe.warn_of_fraud(page)
        await till.deliver()
        [notice] = await till.notices(NoticeKind.FRAUD_WARNING)
        assert notice.audience is Audience.OPERATOR

    async def test_what_was_refunded_in_part_is_disputed_for_the_rest(self, till: Till) -> None:
        """Together they take everything, and no more; won, the refund's part stays away."""
        page = await till.buy_pack()
        till.stripe.refund(page, 250)
        await till.deliver()
        dispute = till.stripe.dispute(page)
        await till.deliver()
        assert await till.credits() == 0
        till.stripe.close_dispute(dispute["id"], won=True)
        await till.deliver()
        assert await till.credits() == PACK * 0.75


def take(number: int, cents: int, *, active: bool) -> Take:
    return Take(f"re_{number}", TakeKind.REFUND, "cs:1", W, cents, "succeeded", active=active, at=NOW)


@given(
    total=st.integers(1, 10**12),
    paid=st.integers(1, 10**6),
    parts=st.lists(st.tuples(st.integers(1, 10**6), st.booleans()), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_shares_never_exceed_and_do_not_depend_on_the_order(
    total: int, paid: int, parts: list[tuple[int, bool]], order: Random
) -> None:
    """Everything refunded is everything taken, less is taken in proportion, what is not in force takes nothing."""
    purchase = Purchase("cs:1", "cs_1", W, "pack", paid, "usd", total, NOW)
    takes = [take(number, cents, active=active) for number, (cents, active) in enumerate(parts)]
    found = shares(purchase, takes)
    order.shuffle(takes)
    assert shares(purchase, takes) == found
    money = sum(cents for cents, active in parts if active)
    taken = sum(found.values())
    assert taken <= total
    assert taken == total if money >= paid else 0 <= taken * paid - money * total < len(parts) * paid or not money
    assert all(found[one.id] == 0 for one in takes if not one.active)
