"""What a call costs at the provider's list price. Our own table decides and fails closed; nothing is looked up online."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from core.providers.base import Usage
from core.providers.catalogue import ModelSpec, Price

PRICE_VERSION = "2026-11-23"
"""Version of the price list, stored with every charge; a test holds it to `models.toml`, which is not read at import."""

_MILLION = Decimal(1_000_000)
_DAY = timedelta(days=1)


def cost_dollars(spec: ModelSpec, usage: Usage, *, at: datetime) -> Decimal:
    """Return the exact list price of *usage*, in US dollars.

    Args:
        spec: The model that answered.
        usage: What it reported.
        at: When it was called; prices change by day, UTC.

    Raises:
        ValueError: If a number of *usage* is negative.
    """
    counts = (
        usage.input_uncached_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
    )
    if min(counts) < 0:
        raise ValueError(f"negative usage: {usage}")
    price = spec.price(_day(at), usage.input_tokens)
    rates = (price.input, price.cache_read, price.cache_write_5m, price.cache_write_1h, price.output)
    return sum((count * rate for count, rate in zip(counts, rates, strict=True)), Decimal(0)) / _MILLION


def worst_case_dollars(spec: ModelSpec, input_tokens: int, max_output_tokens: int, *, at: datetime) -> Decimal:
    """Return an upper bound of what a call may cost, in US dollars: nothing cached, everything written, all output used.

    A call that starts before midnight may be billed after it, so the dearer of today's and tomorrow's price counts.

    Args:
        spec: The model to be asked.
        input_tokens: Upper bound of its input.
        max_output_tokens: The request's bound; the model's own is used where it is lower.
        at: When it will be called.
    """
    output_tokens = min(max_output_tokens, spec.max_output_tokens)
    prices = (spec.price(_day(at), input_tokens), spec.price(_day(at + _DAY), input_tokens))
    return max((input_tokens * _dearest_input(price) + output_tokens * price.output) / _MILLION for price in prices)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _dearest_input(price: Price) -> Decimal:
    return max(price.input, price.cache_write_5m, price.cache_write_1h)
