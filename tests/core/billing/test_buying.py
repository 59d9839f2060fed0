"""Buying: the balance is there, the buyer hears of it, and nothing is sold twice."""

import pytest

from core.billing.model import NoticeKind
from tests.core.billing.till import ANN, PACK, STARTER, Till

pytestmark = pytest.mark.loopback


async def test_a_pack_is_paid_and_the_balance_is_there(till: Till) -> None:
    """Credits come with the webhook, do not expire, wake what waits, and the buyer is told."""
    await till.buy_pack()
    balance = await till.balance()
    assert await till.credits() == PACK
    assert [lot.expires_at for lot in balance.lots] == [None]
    assert len(till.woken) == 1
    [notice] = await till.notices(NoticeKind.CREDITS_BOUGHT)
    assert notice.member_ids == (ANN.member_id,)


async def test_a_plan_is_taken_and_its_month_is_there(till: Till) -> None:
    """A subscription gives the tier and one month of credits, once."""
    await till.subscribe()
    assert await till.credits() == STARTER
    assert await till.tier() == "starter"
