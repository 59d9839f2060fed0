"""Slack's pace, on a clock that a test moves."""

import asyncio

import pytest

from bots.posting.cards import NoRoom
from bots.slack.limits import CALLS_A_MINUTE
from bots.slack.pacing import Pacer
from tests.fakes.clock import FakeClock


async def _call(pacer: Pacer, clock: FakeClock, made: list[float], *, channel: str = "", method: str) -> None:
    async with pacer.call("T1", method, channel):
        made.append(clock.monotonic())


@pytest.mark.parametrize("method", ["chat.update", "chat.startStream", "something.else"])
async def test_no_minute_holds_more_calls_than_the_tier(method: str) -> None:
    """However many want to call at once, no window of a minute holds more than the budget."""
    clock = FakeClock(auto=True)
    pacer, made = Pacer(clock), list[float]()
    await asyncio.gather(*(_call(pacer, clock, made, method=method) for _ in range(130)))
    most = CALLS_A_MINUTE.get(method, 20)
    assert len(made) == 130
    assert all(sum(begin <= at < begin + 60 for at in made) <= most for begin in made)


async def test_a_channel_gets_one_post_a_second_and_others_do_not_wait_for_it() -> None:
    """Posts of one channel keep their distance; two channels are posted to side by side."""
    clock = FakeClock()
    pacer = Pacer(clock)
    made: dict[str, list[float]] = {"C1": [], "C2": []}
    posts = [
        asyncio.ensure_future(_call(pacer, clock, made[channel], channel=channel, method="chat.postMessage"))
        for channel in ("C1", "C1", "C1", "C2", "C2")
    ]
    await clock.advance(0)
    await clock.advance(3)
    await asyncio.gather(*posts)
    assert made == {"C1": [0.0, 1.0, 2.0], "C2": [0.0, 1.0]}


async def test_a_call_counts_until_a_minute_after_its_answer() -> None:
    """What takes long on the way cannot squeeze the calls behind it into Slack's same minute."""
    clock = FakeClock()
    pacer, made = Pacer(clock), list[float]()
    async with pacer.call("T1", "chat.postMessage", "C1"):
        waiting = asyncio.ensure_future(_call(pacer, clock, made, channel="C1", method="chat.postMessage"))
        await clock.advance(10)
        assert made == []
    await clock.advance(0.5)
    assert made == []
    await clock.advance(1)
    await waiting
    assert made == [11.0]


async def test_signs_of_life_leave_room_for_posts() -> None:
    """Progress takes a part of the budget at most, and finals find the rest at once."""
    clock = FakeClock()
    pacer, made = Pacer(clock), list[float]()
    for _ in range(30):
        async with pacer.call("T1", "chat.update", patient=False):
            pass
    with pytest.raises(NoRoom):
        async with pacer.call("T1", "chat.update", patient=False):
            pass
    await asyncio.gather(*(_call(pacer, clock, made, method="chat.update") for _ in range(20)))
    assert made == [0.0] * 20


async def test_signs_of_life_never_overtake_what_waits() -> None:
    """While a final waits for room, progress is refused."""
    clock = FakeClock()
    pacer, made = Pacer(clock), list[float]()
    pacer.close("T1", "chat.update", "", 5)
    waiting = asyncio.ensure_future(_call(pacer, clock, made, method="chat.update"))
    await clock.sleepers()
    with pytest.raises(NoRoom):
        async with pacer.call("T1", "chat.update", patient=False):
            pass
    await clock.advance(5)
    await waiting
    assert made == [5.0]


async def test_retry_after_closes_what_slack_closed_and_nothing_else() -> None:
    """A channel that is told to wait waits; another team and another channel go on."""
    clock = FakeClock()
    pacer = Pacer(clock)
    pacer.close("T1", "chat.postMessage", "C1", 30)
    for team, channel in (("T1", "C2"), ("T2", "C1")):
        async with pacer.call(team, "chat.postMessage", channel, patient=False):
            pass
    with pytest.raises(NoRoom) as refused:
        async with pacer.call("T1", "chat.postMessage", "C1", patient=False):
            pass
    assert refused.value.retry_after_seconds == 30


async def test_nobody_waits_for_hours() -> None:
    """A wait beyond what a step of work may take is an error that says how long it is."""
    clock = FakeClock()
    pacer = Pacer(clock)
    pacer.close("T1", "chat.update", "", 3_600)
    with pytest.raises(NoRoom) as refused:
        async with pacer.call("T1", "chat.update"):
            pass
    assert refused.value.retry_after_seconds == 3_600


async def test_several_processes_share_a_budget() -> None:
    """With half of the budget, half of the calls go through."""
    clock = FakeClock(auto=True)
    pacer, made = Pacer(clock, share=0.5), list[float]()
    await asyncio.gather(*(_call(pacer, clock, made, method="chat.update") for _ in range(60)))
    assert sum(at < 60 for at in made) == 25
