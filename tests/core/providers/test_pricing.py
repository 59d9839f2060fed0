"""Prices, held against an independent table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.providers.base import Usage
from core.providers.catalogue import Catalogue, ModelSpec
from core.providers.pricing import PRICE_VERSION, cost_dollars, worst_case_dollars

CATALOGUE = Catalogue.load()
PAID = [spec for spec in CATALOGUE.list() if spec.provider != "rehearsal"]
DAYS = [datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)]
USAGES = [
    Usage(1_000, 0, 0, 0, 500, 0),
    Usage(700, 9_000, 2_000, 0, 1_500, 900),
    Usage(90_000, 5_000, 5_000, 0, 4_000, 0),
    Usage(100_001, 0, 0, 0, 100, 0),
    Usage(150_000, 60_000, 3_000, 0, 2_000, 0),
    Usage(200_000, 150_000, 1_000, 0, 2_000, 0),
]


@pytest.mark.parametrize("at", DAYS, ids=lambda at: at.date().isoformat())
@pytest.mark.parametrize("spec", PAID, ids=lambda spec: spec.id)
def test_prices_are_those_of_genai_prices(spec: ModelSpec, at: datetime) -> None:
    """For every model, date and size of request, our price is the one that genai-prices knows."""
    writes = spec.cache.writes_cost_extra
    for usage in USAGES:
        written = usage.cache_write_5m_tokens if writes else 0
        ours = Usage(usage.input_uncached_tokens, usage.cache_read_tokens, written, 0, usage.output_tokens)
        theirs = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=ours.input_tokens,
                cache_read_tokens=ours.cache_read_tokens,
                cache_write_tokens=written,
                output_tokens=ours.output_tokens,
            ),
            spec.id,
            provider_id=spec.provider,
            genai_request_timestamp=at,
        )
        assert cost_dollars(spec, ours, at=at) == theirs.total_price


def test_a_cache_of_an_hour_costs_twice_the_input() -> None:
    """Anthropic: writing to a cache that lives an hour costs twice the input price."""
    for spec in CATALOGUE.list("anthropic"):
        for price in spec.prices:
            assert price.cache_write_1h == 2 * price.input


def test_the_rehearsal_is_free() -> None:
    """The rehearsal costs nothing, whatever it reports."""
    assert cost_dollars(CATALOGUE.get("rehearsal"), Usage(1, 2, 3, 4, 5, 5), at=DAYS[0]) == 0


def test_a_price_changes_by_day_in_utc() -> None:
    """A price that starts on a day starts at midnight UTC, wherever the clock is."""
    spec = CATALOGUE.get("gemini-3.8-flash")
    usage = Usage(1_000_000)
    east = timezone(timedelta(hours=5))
    assert cost_dollars(spec, usage, at=datetime(2027, 1, 1, 4, 59, tzinfo=east)) == Decimal("0.75")
    assert cost_dollars(spec, usage, at=datetime(2027, 1, 1, 5, 0, tzinfo=east)) == Decimal("1.5")


counts = st.integers(0, 300_000)


@given(
    st.sampled_from(CATALOGUE.list()), st.builds(Usage, counts, counts, counts, counts, counts), st.sampled_from(DAYS)
)
def test_the_worst_case_is_one(spec: ModelSpec, usage: Usage, at: datetime) -> None:
    """No usage within the bounds costs more than the worst case, now or just after midnight."""
    within = replace(usage, output_tokens=min(usage.output_tokens, spec.max_output_tokens))
    bound = worst_case_dollars(spec, usage.input_tokens, usage.output_tokens, at=at)
    assert cost_dollars(spec, within, at=at) <= bound
    assert cost_dollars(spec, within, at=at + timedelta(hours=23)) <= bound


def test_negative_usage_is_no_credit() -> None:
    """A negative number fails; it never pays anybody."""
    with pytest.raises(ValueError, match="negative"):
        cost_dollars(PAID[0], Usage(-1), at=DAYS[0])


def test_the_version_is_the_tables() -> None:
    """The version that is stored with a charge is the table's own."""
    assert CATALOGUE.version == PRICE_VERSION
