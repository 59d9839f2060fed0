"""A budget that processes share: whatever they ask, no span holds more than the budget, and nobody waits for ever."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.workspaces.rations import Ration, Terms, close, take

START = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(seconds=70)
ASKS = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 20)), max_size=60)


@given(asks=ASKS, most=st.integers(1, 20), portion=st.integers(1, 5))
def test_no_span_holds_more_than_the_budget(asks: list[tuple[float, int]], most: int, portion: int) -> None:
    """Calls that count at the same time are at most the budget; who gets none learns when there may be some."""
    ration, now, log = Ration("k", START), START, list[tuple[datetime, int]]()
    for later, share in asks:
        now += timedelta(seconds=later)
        terms = Terms(min(most, share), portion, SPAN)
        ration, calls, wait = take(ration, terms, now=now)
        log.append((now, calls))
        assert sum(n for at, n in log if now - at < SPAN) <= most
        assert calls <= portion
        assert (calls > 0) == (wait == 0)
        if wait:
            _, calls, _ = take(ration, terms, now=now + timedelta(seconds=wait))
            assert calls > 0


@given(seconds=st.floats(0.1, 500), shorter=st.floats(0, 1))
def test_what_is_closed_stays_closed_for_the_longest_time_said(seconds: float, shorter: float) -> None:
    """A second, shorter Retry-After opens nothing."""
    ration = close(Ration("k", START), now=START, seconds=seconds)
    ration = close(ration, now=START, seconds=seconds * shorter)
    terms = Terms(5, 1, SPAN)
    _, calls, wait = take(ration, terms, now=START)
    assert (calls, wait) == (0, timedelta(seconds=seconds).total_seconds())
    assert take(ration, terms, now=START + timedelta(seconds=seconds))[1] == 1
