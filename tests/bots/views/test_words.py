"""Amounts, scores and counts as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.views.streams import harmless, readable
from bots.views.words import amount, count, duration, left, money, price_range, score, score_line
from core.money import Unit


@pytest.mark.parametrize(
    ("microcredits", "shown"),
    [
        (0, "0"),
        (1, "0.01"),
        (250_000, "0.25"),
        (1_250_000, "1.3"),
        (1_000_000, "1"),
        (9_999_999, "10"),
        (10_000_001, "11"),
        (1_240_000_000, "1,240"),
        (-2_500_000, "-2.5"),
    ],
)
def test_an_amount_is_rounded_up(microcredits: int, shown: str) -> None:
    """A cost is never shown smaller than it is."""
    assert amount(microcredits) == shown


def test_what_is_left_is_rounded_down() -> None:
    """A balance is never shown larger than it is."""
    assert (left(997_900_000), left(2_780_000), left(1_000_000)) == (
        "997 credits ($9.97)",
        "2.7 credits ($0.02)",
        "1 credit ($0.01)",
    )


def test_whoever_owes_has_nothing_left() -> None:
    """A balance below zero reads as none on every view; an amount below zero has its sign before the dollars."""
    assert (left(-440_000), left(-1, Unit.DOLLARS)) == ("0 credits ($0.00)", "$0.00")
    assert (money(-440_000), money(-250_000_000, Unit.DOLLARS)) == ("-0.44 credits ($0.00)", "-$2.50")


def test_amounts_have_units() -> None:
    """Credits or dollars, a range only where both ends differ."""
    assert (money(1_000_000), money(2_300_000)) == ("1 credit ($0.01)", "2.3 credits ($0.03)")
    assert (money(123_000_000, Unit.DOLLARS), left(199_900_000, Unit.DOLLARS)) == ("$1.23", "$1.99")
    assert price_range(8_000_000, 12_000_000) == "8 to 12 credits ($0.08 to $0.12)"
    assert price_range(11_500_000, 12_000_000) == "12 credits ($0.12)"
    assert price_range(100_000_000, 150_000_000, Unit.DOLLARS) == "$1.00 to $1.50"


def test_scores_counts_durations() -> None:
    """One decimal, a dash for nothing, singular for one."""
    assert (score(7.75), score(None), score_line([6.1, None, 7.0])) == ("7.8", "–", "6.1 > 7.0")  # noqa: RUF001
    assert (count(0, "edit"), count(1, "edit"), count(1200, "edit")) == ("no edits", "1 edit", "1,200 edits")
    assert (duration(45), duration(60), duration(185)) == ("45 s", "1 min", "3 min 5 s")


@given(st.integers(min_value=0, max_value=10**13))
def test_an_amount_is_never_below_the_truth(microcredits: int) -> None:
    """What is shown, read back, is at least what is charged."""
    assert float(amount(microcredits).replace(",", "")) * 1_000_000 >= microcredits * (1 - 1e-9)


@pytest.mark.parametrize(
    ("partial", "shown"),
    [
        ("Plain prose.", "Plain prose."),
        ('{"notes": [{"block": "p1#aaaa", "quote": "will will", "comment": "Doub', "will will\nDoub"),
        ('```json\n{"summary": "Two\\nlines \\u00e9 \\"so\\""', 'Two\nlines é "so"'),
        ('{"score": 7, "fate": "applied"', ""),
    ],
)
def test_a_streaming_reply_is_readable(partial: str, shown: str) -> None:
    """Of JSON, only what is meant for people is shown, however far it has come."""
    assert readable(partial) == shown


@given(st.text(max_size=200))
def test_no_text_moves_the_cursor(text: str) -> None:
    """Control characters of a model or a file never reach a terminal; line ends and tabs do."""
    assert not any(ord(char) < 32 and char not in "\n\t" for char in harmless(text))
    assert "\x1b" not in harmless(f"\x1b[2J{text}")
    readable(f'{{"comment": "{text}')
