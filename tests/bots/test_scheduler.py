"""Jobs by the clock: once a tick, whatever number of schedulers runs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.scheduler import SCHEDULES, Schedule, Scheduler, _trigger, logged, tick_of
from core.clock import SystemClock
from core.errors import TransientError


@dataclass
class FakeQueue:
    fails: bool = False
    jobs: list[tuple[str, str]] = field(default_factory=list)

    async def enqueue_job(self, name: str, tick: str) -> None:
        if self.fails:
            raise OSError("no database")
        self.jobs.append((name, tick))


@pytest.mark.parametrize(
    ("every", "tick"), [(30, "20261123T081530"), (300, "20261123T081500"), (3_600, "20261123T080000")]
)
def test_a_tick_has_one_name(every: int, tick: str) -> None:
    """Every process names the same tick alike."""
    assert tick_of(datetime(2026, 11, 23, 8, 15, 42, tzinfo=UTC), every) == tick


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1)))  # noqa: DTZ001
def test_ticks_are_where_triggers_fire(moment: datetime) -> None:
    """A trigger's moment is the beginning of the tick that it enqueues, for every job there is."""
    for schedule in SCHEDULES:
        trigger = _trigger(schedule.every_seconds)
        fires = trigger.get_next_fire_time(None, moment)
        assert tick_of(fires, schedule.every_seconds) == fires.strftime("%Y%m%dT%H%M%S")
        assert tick_of(fires - timedelta(seconds=1), schedule.every_seconds) != tick_of(fires, schedule.every_seconds)


async def test_two_schedulers_enqueue_the_same_id() -> None:
    """The engine runs an id once, so two schedulers on one tick are one run."""
    queue = FakeQueue()
    for scheduler in (Scheduler(queue, clock=SystemClock()), Scheduler(queue, clock=SystemClock())):
        await scheduler.tick(Schedule("sweep", 86_400))
    assert len(set(queue.jobs)) == 1


async def test_a_tick_that_fails_leaves_the_scheduler_alive() -> None:
    """A database that is away costs a tick, not the role."""
    scheduler = Scheduler(FakeQueue(fails=True), clock=SystemClock())
    scheduler.start()
    await scheduler.tick(Schedule("sweep", 30))
    await scheduler.aclose()


async def test_a_job_that_fails_is_told_and_waits_for_its_next_tick() -> None:
    """Only errors that are ours on purpose are taken; a fault of the program is not hidden."""
    runs: list[str] = []

    async def fails() -> None:
        runs.append("fails")
        raise TransientError("later")

    async def breaks() -> None:
        raise ZeroDivisionError

    jobs = logged({"fails": fails, "breaks": breaks})
    await jobs["fails"]()
    assert runs == ["fails"]
    with pytest.raises(ZeroDivisionError):
        await jobs["breaks"]()
