"""Slack's pace, on a clock that a test moves."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from itertools import pairwise

import pytest

from bots.posting.cards import NoRoom
from bots.slack.limits import CALLS_A_MINUTE
from bots.slack.pacing import Pacer
from storage.database import Database
from tests.bots.slack.rush import RushClock, RushPacer, passing
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
    await pacer.close("T1", "chat.update", "", 5)
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
    await pacer.close("T1", "chat.postMessage", "C1", 30)
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
    await pacer.close("T1", "chat.update", "", 3_600)
    with pytest.raises(NoRoom) as refused:
        async with pacer.call("T1", "chat.update"):
            pass
    assert refused.value.retry_after_seconds == 3_600


async def _made_by(
    stores: Sequence[Database], clock: RushClock, calls: int, *, channel: str = "", method: str
) -> list[float]:
    """Return when *calls* of each of several processes were made, all of which want to call at once."""
    made = list[float]()
    pacers = [RushPacer(clock, store=store, rush=clock.rush) for store in stores]
    tasks = [_call(pacer, clock, made, channel=channel, method=method) for pacer in pacers for _ in range(calls)]
    async with passing(clock, step=0.2):
        await asyncio.gather(*tasks)
    return made


async def _others(url: str, number: int, stack: AsyncExitStack) -> list[Database]:
    return [await stack.enter_async_context(aclosing(Database.from_url(url))) for _ in range(number)]


@pytest.mark.parametrize("method", ["chat.update", "chat.startStream"])
async def test_processes_share_one_budget(database_url: str, method: str) -> None:
    """Slack adds up all processes of an app: no minute holds more calls of three of them than the tier."""
    clock, most = RushClock(), CALLS_A_MINUTE[method]
    async with AsyncExitStack() as stack:
        made = await _made_by(await _others(database_url, 3, stack), clock, most, method=method)
    assert len(made) == 3 * most
    assert all(sum(begin <= at < begin + 60 for at in made) <= most for begin in made)
    assert max(made) <= 60 * 3 * 1.4, "most of the budget is used, by whoever needs it"


async def test_processes_share_a_channel(database_url: str) -> None:
    """Two processes that post into one channel keep their distance from each other, too."""
    clock = RushClock()
    async with AsyncExitStack() as stack:
        stores = await _others(database_url, 2, stack)
        made = await _made_by(stores, clock, 4, channel="C1", method="chat.postMessage")
    assert len(made) == 8
    assert all(later - earlier >= 1 for earlier, later in pairwise(sorted(made)))


async def test_one_busy_process_gets_what_the_others_leave(memory_store: Database) -> None:
    """A process that calls nobody costs the others nothing."""
    clock = RushClock()
    Pacer(clock, store=memory_store)
    made = await _made_by([memory_store], clock, 50, method="chat.update")
    assert len(made) == 50
    assert max(made) < 5


async def test_what_slack_closes_is_closed_for_all_processes(memory_store: Database) -> None:
    """A Retry-After that one process got is obeyed by the next one."""
    clock = RushClock()
    await Pacer(clock, store=memory_store).close("T1", "chat.update", "", 40)
    (made,) = await _made_by([memory_store], clock, 1, method="chat.update")
    assert 40 <= made < 42


async def test_progress_of_all_processes_leaves_room_for_posts(memory_store: Database) -> None:
    """Signs of life take their part of the common budget, not of each process's own."""
    clock = FakeClock()
    first, second = (Pacer(clock, store=memory_store) for _ in range(2))
    for pacer, calls in ((first, 20), (second, 10)):
        for _ in range(calls):
            async with pacer.call("T1", "chat.update", patient=False):
                pass
    with pytest.raises(NoRoom):
        async with second.call("T1", "chat.update", patient=False):
            pass
    async with second.call("T1", "chat.update"):
        pass
