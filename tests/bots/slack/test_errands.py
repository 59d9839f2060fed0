"""Errands: which of them are waited for, and that none outlives the process."""

import asyncio

from bots.slack.errands import Errands
from tests.fakes.clock import FakeClock


async def test_nobody_waits_for_what_was_put_off(clock: FakeClock) -> None:
    """It is under way from the moment on that it was put off to."""
    errands, done, may_end = Errands(), [], asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        done.append("late")

    errands.put_off("late", lambda: clock.sleep(600), work)
    await clock.sleepers()
    await errands.drain()
    await clock.advance(600)
    draining = asyncio.create_task(errands.drain())
    await clock.settle()
    assert not draining.done()
    may_end.set()
    await draining
    assert done == ["late"]


async def test_at_the_end_both_are_given_up(clock: FakeClock) -> None:
    """Neither what is under way nor what was put off acts on things that are closed."""
    errands, done = Errands(), []

    async def work() -> None:
        await clock.sleep(1)
        done.append("acted")

    errands.begin("now", work())
    errands.put_off("late", lambda: clock.sleep(600), work)
    errands.put_off("next", lambda: clock.sleep(0), work)
    await clock.sleepers(2)
    await errands.aclose()
    await clock.advance(1_000)
    assert done == []
