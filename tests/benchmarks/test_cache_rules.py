"""The simulated caches follow the vendors' rules."""

import pytest

from benchmarks.cache_rules import AutomaticCache, Call, ExplicitCache, Piece
from core.providers.base import Usage

CLAUDE = ExplicitCache(min_tokens=1024, life_seconds=300, look_back=20)
OPENAI = ExplicitCache(min_tokens=1024, life_seconds=1800, marks_end=True)
OPENAI_BEFORE_56 = AutomaticCache(min_tokens=1024, life_seconds=600, step=128)

SHARED = Piece("shared", 2000, breakpoint=True)
UNMARKED = Piece("shared", 2000)
ONE, TWO = Piece("one", 100), Piece("two", 100)


def numbers(usage: Usage) -> tuple[int, int, int]:
    """Return what was read, written and sent plain."""
    return usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.input_uncached_tokens


def test_a_marked_prefix_is_written_once_and_read_after() -> None:
    """The first call writes up to its breakpoint, the next reads it; the rest is plain."""
    bills = CLAUDE.bill([Call((SHARED, ONE), at=0), Call((SHARED, TWO), at=10)])
    assert [numbers(bill) for bill in bills] == [(0, 2000, 100), (2000, 0, 100)]


def test_calls_fired_together_all_write() -> None:
    """What a call writes can be read only when its answer has begun."""
    bills = CLAUDE.bill([Call((SHARED, ONE), at=0), Call((SHARED, TWO), at=1)])
    assert [numbers(bill) for bill in bills] == [(0, 2000, 100), (0, 2000, 100)]


def test_an_entry_expires() -> None:
    """After its life an entry is written again."""
    bills = CLAUDE.bill([Call((SHARED, ONE), at=0), Call((SHARED, TWO), at=400)])
    assert numbers(bills[1]) == (0, 2000, 100)


def test_reading_renews_an_entry() -> None:
    """An entry that is read lives on."""
    bills = CLAUDE.bill([Call((SHARED, ONE), at=at) for at in (0, 290, 580)])
    assert numbers(bills[2]) == (2000, 0, 100)


def test_a_short_prefix_is_not_cached() -> None:
    """Below the model's minimum nothing is written, and nothing extra is paid."""
    short = Piece("short", 500, breakpoint=True)
    bills = CLAUDE.bill([Call((short,), at=0), Call((short,), at=9)])
    assert [numbers(bill) for bill in bills] == [(0, 0, 500), (0, 0, 500)]


def test_claude_looks_back_for_an_older_entry() -> None:
    """A breakpoint that moved on still reads the entry before it and writes the rest."""
    first = Call((UNMARKED, Piece("more", 500, breakpoint=True)), at=0)
    second = Call((UNMARKED, Piece("more", 500), Piece("yet more", 300, breakpoint=True)), at=9)
    assert numbers(CLAUDE.bill([first, second])[1]) == (2500, 300, 0)


def test_openai_reads_at_breakpoints_only() -> None:
    """Without look-back an entry is found only where this call marks a breakpoint too."""
    first = Call((UNMARKED, Piece("more", 500, breakpoint=True)), at=0)
    second = Call((UNMARKED, Piece("more", 500), Piece("yet more", 300, breakpoint=True)), at=9)
    assert numbers(OPENAI.bill([first, second])[1]) == (0, 2800, 0)


def test_openai_marks_the_end_where_nobody_marks_anything() -> None:
    """A changing end then costs the write every time and is never read."""
    bills = OPENAI.bill([Call((UNMARKED, ONE), at=0), Call((UNMARKED, TWO), at=9)])
    assert [numbers(bill) for bill in bills] == [(0, 2100, 0), (0, 2100, 0)]


def test_automatic_caches_read_in_steps() -> None:
    """The longest common prefix is read, rounded down to the step, and writing is free."""
    long = Piece("shared", 1100)
    bills = OPENAI_BEFORE_56.bill([Call((long, ONE), at=0), Call((long, TWO), at=9)])
    assert [numbers(bill) for bill in bills] == [(0, 0, 1200), (1024, 0, 176)]


@pytest.mark.parametrize("cache", [CLAUDE, OPENAI, OPENAI_BEFORE_56])
def test_another_schema_shares_nothing(cache: ExplicitCache | AutomaticCache) -> None:
    """A schema stands first, so another one makes another prefix."""
    calls = [Call((Piece("schema a", 50), SHARED), at=0), Call((Piece("schema b", 50), SHARED), at=9)]
    assert cache.bill(calls)[1].cache_read_tokens == 0


def test_too_many_breakpoints_are_an_error() -> None:
    """Providers refuse more than four."""
    with pytest.raises(ValueError, match="5 breakpoints"):
        CLAUDE.bill([Call(tuple(Piece(str(n), 10, breakpoint=True) for n in range(5)), name="x")])
