"""Charges are exact, holds are upper bounds, budgets are respected to the token."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credits.tariff import Tariff
from core.credits.tiers import load_price_list
from core.money import Unit
from core.providers.base import Usage
from core.providers.catalogue import Catalogue, ModelSpec

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
CATALOGUE = Catalogue.load()
SPECS = CATALOGUE.list()
SONNET = CATALOGUE.get("claude-sonnet-5-5")
HAIKU = CATALOGUE.get("claude-haiku-5-5")
REHEARSAL = CATALOGUE.get("rehearsal")
TARIFF = Tariff(load_price_list())
CHAINS = st.lists(st.sampled_from(SPECS), min_size=1, max_size=3)
TOKENS = st.integers(0, 400_000)


def test_a_charge_is_list_cost_times_the_multiplier() -> None:
    """A million tokens in and out of a model at $2 and $10 are $12 list, $24 or 2,400 credits."""
    usage = Usage(input_uncached_tokens=1_000_000, output_tokens=1_000_000)
    assert TARIFF.charge_microcredits(SONNET, usage, at=AT) == 2_400_000_000
    assert TARIFF.cost_microdollars(SONNET, usage, at=AT) == 12_000_000
    assert TARIFF.multiplier(SONNET) == Decimal(2)


def test_a_charge_is_rounded_up_once() -> None:
    """A fraction of a micro-credit is charged as a whole one."""
    haiku_read = Usage(cache_read_tokens=1)
    assert TARIFF.charge_microcredits(HAIKU, haiku_read, at=AT) == 2
    assert TARIFF.cost_microdollars(HAIKU, haiku_read, at=AT) == 1


@given(
    chain=CHAINS,
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    index=st.integers(0, 2),
)
def test_a_hold_covers_whoever_answers(
    chain: list[ModelSpec], input_tokens: int, output_tokens: int, shares: tuple[float, float], index: int
) -> None:
    """However the input is cached and whichever of the chain answers, the charge is at most the hold."""
    spec = chain[index % len(chain)]
    read = int(input_tokens * shares[0])
    written = int((input_tokens - read) * shares[1])
    usage = Usage(
        input_uncached_tokens=input_tokens - read - written,
        cache_read_tokens=read,
        cache_write_5m_tokens=written,
        output_tokens=min(output_tokens, spec.max_output_tokens),
    )
    held = TARIFF.hold_microcredits(chain, input_tokens=input_tokens, max_output_tokens=output_tokens, at=AT)
    assert TARIFF.charge_microcredits(spec, usage, at=AT) <= held


@given(chain=CHAINS, input_tokens=TOKENS, budget=st.integers(0, 10**9))
def test_a_budget_buys_the_longest_reply_that_it_can(chain: list[ModelSpec], input_tokens: int, budget: int) -> None:
    """The affordable output fits the budget, and one token more does not, unless the model ends there."""
    tokens = TARIFF.affordable_output_tokens(chain, input_tokens=input_tokens, budget_microcredits=budget, at=AT)
    most = min(spec.max_output_tokens for spec in chain)

    def hold(output_tokens: int) -> int:
        return TARIFF.hold_microcredits(chain, input_tokens=input_tokens, max_output_tokens=output_tokens, at=AT)

    assert 0 <= tokens <= most
    if tokens:
        assert hold(tokens) <= budget
    if tokens < most:
        assert hold(tokens + 1) > budget


def test_rehearsal_is_free_unless_it_is_priced_like_a_model() -> None:
    """In the demo rehearsal costs what the default model would, and the operator still nothing."""
    usage = Usage(input_uncached_tokens=1_000, output_tokens=1_000)
    demo = Tariff(load_price_list(), rehearsal_priced_as=SONNET)
    assert TARIFF.charge_microcredits(REHEARSAL, usage, at=AT) == 0
    assert TARIFF.hold_microcredits([REHEARSAL], input_tokens=1_000, max_output_tokens=1_000, at=AT) == 0
    assert demo.charge_microcredits(REHEARSAL, usage, at=AT) == demo.charge_microcredits(SONNET, usage, at=AT)
    assert demo.cost_microdollars(REHEARSAL, usage, at=AT) == 0
    assert demo.affordable_output_tokens([REHEARSAL], input_tokens=0, budget_microcredits=2_000_000, at=AT) == 1_000


def test_a_free_model_answers_at_full_length_whatever_the_budget() -> None:
    """Nothing is enough for what costs nothing."""
    tokens = TARIFF.affordable_output_tokens([REHEARSAL], input_tokens=9, budget_microcredits=0, at=AT)
    assert tokens == REHEARSAL.max_output_tokens


@pytest.mark.parametrize("day", [30, 1])
def test_a_hold_knows_tomorrows_price(day: int) -> None:
    """A model whose price doubles at midnight is held at the price of the day after."""
    argon = CATALOGUE.get("gemini-4-argon")
    at = datetime(2026, 11 if day == 30 else 12, day, 23, 59, tzinfo=UTC)
    assert TARIFF.hold_microcredits([argon], input_tokens=0, max_output_tokens=1_000, at=at) == 4_000_000


def test_where_nothing_is_sold_people_see_what_the_operator_pays() -> None:
    """No multiplier, dollars instead of credits, no tier that limits, no balance that must cover anything."""
    tariff = Tariff(load_price_list(), checks_balance=False)
    usage = Usage(input_uncached_tokens=1_000_000, output_tokens=1_000_000)
    assert tariff.charge_microcredits(SONNET, usage, at=AT) == 1_200_000_000  # $12 are 1,200 cents
    assert (tariff.sells, tariff.unit, tariff.first_tier) == (False, Unit.DOLLARS, "unlimited")


def test_where_credits_are_sold_they_are_what_people_see() -> None:
    """Unless somebody says otherwise, whoever must have credits is sold them."""
    assert (TARIFF.sells, TARIFF.unit, TARIFF.first_tier, TARIFF.checks_balance) == (True, Unit.CREDITS, "free", True)
    assert Tariff(load_price_list(), checks_balance=False, sells=True).multiplier(SONNET) == Decimal(2)
