"""Laws of every clock."""

import asyncio
from datetime import timedelta

import pytest

from core.clock import Clock, SystemClock
from tests.fakes.clock import FakeClock


@pytest.fixture(params=[SystemClock(), FakeClock(auto=True)], ids=["system", "fake"])
def any_clock(request: pytest.FixtureRequest) -> Clock:
    clock: Clock = request.param
    return clock


async def test_time_goes_forward(any_clock: Clock) -> None:
    """Moments are aware and in UTC; a sleep moves both times on by at least what was asked."""
    before, started = any_clock.now(), any_clock.monotonic()
    assert before.utcoffset() == timedelta(0)
    await any_clock.sleep(0.01)
    assert any_clock.monotonic() - started >= 0.01 - 1e-9
    assert any_clock.now() > before


async def test_a_sleep_of_nothing_lets_others_run(any_clock: Clock) -> None:
    """A sleep of 0 gives the loop one turn."""
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)
    await any_clock.sleep(0)
    assert ran.is_set()


async def test_sleepers_wake_at_their_own_moment() -> None:
    """Whoever is due wakes in order, sees its own moment, and may sleep again within the same span."""
    clock = FakeClock()
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        while True:
            await clock.sleep(seconds)
            seen.append((name, clock.monotonic()))

    tasks = [asyncio.ensure_future(sleeper("b", 3)), asyncio.ensure_future(sleeper("a", 2))]
    await clock.sleepers(2)
    await clock.advance(5)
    for task in tasks:
        task.cancel()
    assert seen == [("a", 2), ("b", 3), ("a", 4)]
    assert clock.monotonic() == 5
