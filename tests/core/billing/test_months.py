"""What invoices grant, as arithmetic: a month a month, and no way to make credits by changing plans."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.catalogue import make_catalogue
from core.billing.months import granted_by
from core.billing.objects import InvoiceObject
from core.billing.outcome import Contradiction
from core.credits.tiers import load_price_list

CATALOGUE = make_catalogue(load_price_list(), starter="price_s", pro="price_p", credit="price_c")
STARTER, PRO = CATALOGUE.get("starter"), CATALOGUE.get("pro")
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 2, 1, tzinfo=UTC)


def line(amount: int, price: str, *, proration: bool = False, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"il_{price}_{amount}",
        "amount": amount,
        "currency": "usd",
        "quantity": 1,
        "period": {"start": START.timestamp(), "end": END.timestamp()},
        "pricing": {"price_details": {"price": price, "product": "prod"}},
        "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": proration}},
        **changes,
    }


def invoice(reason: str, *lines: dict[str, Any], at: int = 0, **changes: Any) -> InvoiceObject:
    data = {
        "id": f"in_{at}",
        "livemode": False,
        "customer": "cus_1",
        "status": "paid",
        "billing_reason": reason,
        "currency": "usd",
        "total": sum(item["amount"] for item in lines),
        "created": (START + timedelta(hours=at)).timestamp(),
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "lines": {"data": list(lines)},
    }
    return InvoiceObject.model_validate({**data, **changes})


def switch(at: int, old: str, new: str, share: float) -> InvoiceObject:
    """Return what Stripe bills for a change when *share* of the month is left."""
    prices = {"price_s": STARTER.price_cents, "price_p": PRO.price_cents}
    return invoice(
        "subscription_update",
        line(-round(prices[old] * share), old, proration=True),
        line(round(prices[new] * share), new, proration=True),
        at=at,
    )


@pytest.mark.parametrize("reason", ["subscription_create", "subscription_cycle"])
def test_a_full_line_grants_its_month(reason: str) -> None:
    """Until the end of the line's own period, and a day."""
    month = granted_by(CATALOGUE, invoice(reason, line(2_900, "price_s")))
    assert month is not None
    assert (month.product, month.microcredits) == (STARTER, STARTER.microcredits)
    assert month.expires_at == END + timedelta(days=1)


@pytest.mark.parametrize(
    "found",
    [
        invoice("manual", line(2_900, "price_s")),
        invoice("subscription_cycle", line(2_900, "price_s"), status="open"),
        invoice("subscription_cycle", line(2_900, "price_s"), parent=None),
        invoice("subscription_cycle", line(0, "price_s")),
        invoice("subscription_update", line(-100, "price_p", proration=True)),
        invoice("upcoming"),
    ],
    ids=["by hand", "unpaid", "no subscription", "free of charge", "only credited", "no lines"],
)
def test_everything_else_grants_nothing(found: InvoiceObject) -> None:
    """Only paid invoices of a subscription, for what was charged."""
    assert granted_by(CATALOGUE, found) is None


@pytest.mark.parametrize(
    "found",
    [
        invoice("subscription_create", line(2_899, "price_s")),
        invoice("subscription_create", line(2_900, "price_x")),
        invoice("subscription_create", line(1_000, "price_c")),
        invoice("subscription_create", line(5_800, "price_s", quantity=2)),
        invoice("subscription_create", line(2_900, "price_s", currency="eur")),
        invoice("subscription_create", line(2_900, "price_s"), currency="eur"),
        invoice("subscription_update", line(2_901, "price_s", proration=True)),
    ],
    ids=["amount", "price", "pack", "quantity", "line currency", "currency", "proration"],
)
def test_what_is_not_the_catalogues_is_a_contradiction(found: InvoiceObject) -> None:
    """Other money, another amount, another number, another price."""
    with pytest.raises(Contradiction):
        granted_by(CATALOGUE, found)


@given(shares=st.lists(st.floats(0.01, 1), max_size=12), starts_with=st.sampled_from(["price_s", "price_p"]))
def test_changing_plans_makes_no_credits(shares: list[float], starts_with: str) -> None:
    """However often somebody goes up and down in a month: as much as the best plan's month, and never less than paid."""
    shares = sorted(shares, reverse=True)
    plans = [starts_with]
    for _ in shares:
        plans.append("price_p" if plans[-1] == "price_s" else "price_s")
    first = invoice("subscription_create", line(2_900 if starts_with == "price_s" else 7_900, starts_with))
    history = [first]
    for at, (share, (old, new)) in enumerate(zip(shares, pairwise(plans), strict=True), start=1):
        history.append(switch(at, old, new, share))
    granted = [granted_by(CATALOGUE, one, history) for one in history]
    total = sum(month.microcredits for month in granted if month is not None)
    slack = 3 * 1_000_000 * len(history)  # Stripe rounds to cents
    assert total <= PRO.microcredits + slack
    assert granted[0] is not None
    assert total >= granted[0].microcredits
    again = [granted_by(CATALOGUE, one, [*reversed(history), one]) for one in history]
    assert again == granted, "the order in which they are listed is no matter"


def test_a_new_month_begins_anew() -> None:
    """What was granted before the renewal does not lessen what a change after it grants."""
    history = [
        invoice("subscription_create", line(2_900, "price_s")),
        switch(1, "price_s", "price_p", 1.0),
        switch(2, "price_p", "price_s", 1.0),
        invoice("subscription_cycle", line(2_900, "price_s"), at=3),
        switch(4, "price_s", "price_p", 0.5),
    ]
    months = [granted_by(CATALOGUE, one, history) for one in history]
    assert [None if month is None else month.microcredits for month in months] == [
        STARTER.microcredits,
        PRO.microcredits - STARTER.microcredits,
        None,
        STARTER.microcredits,
        (PRO.microcredits - STARTER.microcredits) // 2,
    ]


def test_others_subscriptions_and_contradictions_do_not_count() -> None:
    """Another subscription's invoices, unpaid ones, later ones, and those that granted nothing themselves."""
    other = {"type": "subscription_details", "subscription_details": {"subscription": "sub_2"}}
    history = [
        invoice("subscription_create", line(2_900, "price_s"), at=1),
        invoice("subscription_update", line(7_900, "price_p", proration=True), at=2, parent=other),
        invoice("subscription_update", line(7_900, "price_p", proration=True), at=3, status="open"),
        invoice("subscription_update", line(9_999, "price_p"), at=4),
        invoice("subscription_update", line(7_900, "price_p", proration=True), at=9),
    ]
    month = granted_by(CATALOGUE, switch(5, "price_s", "price_p", 1.0), history)
    assert month is not None
    assert month.microcredits == PRO.microcredits - STARTER.microcredits
