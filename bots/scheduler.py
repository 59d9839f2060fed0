"""What happens by the clock. The only file that knows APScheduler.

The scheduler itself does nothing: each tick enqueues a job whose id names the tick, so that any number of schedulers
may run and each tick still happens once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]  # it has no types
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from core.billing.jobs import TICK_SECONDS
from core.clock import Clock
from core.errors import AtelierError

_log = structlog.get_logger(__name__)
_MISFIRE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs.

    Attributes:
        job: Its name.
        every_seconds: How long a tick lasts; a divisor of a day.
    """

    job: str
    every_seconds: int


SCHEDULES: tuple[Schedule, ...] = (
    Schedule("sweep", 30),
    Schedule("requests", 30),
    Schedule("expire", 300),
    Schedule("posts", 60),
    Schedule("engine_cleanup", 3_600),
    Schedule("inbound_cleanup", 3_600),
    Schedule("retention", 43_200),  # twice a day, so that a missed tick costs no day
)


def schedules(*, sells: bool) -> tuple[Schedule, ...]:
    """Return what happens by the clock: the shop's jobs only where something is sold."""
    shop = (Schedule(job, seconds) for job, seconds in TICK_SECONDS.items()) if sells else ()
    return (*SCHEDULES, *shop)


class JobQueue(Protocol):
    """Takes jobs; `core.orchestration.engine.DbosEngine` is one."""

    async def enqueue_job(self, name: str, tick: str) -> None:
        """Run job *name* once for *tick*, whatever number of processes asks."""
        ...


def tick_of(now: datetime, every_seconds: int) -> str:
    """Return the name of the tick that *now* lies in, equal in every process: ``20261123T081500``."""
    start = int(now.timestamp()) // every_seconds * every_seconds
    return datetime.fromtimestamp(start, UTC).strftime("%Y%m%dT%H%M%S")


class Scheduler:
    """Enqueues each job once a tick."""

    def __init__(self, queue: JobQueue, *, clock: Clock, schedules: tuple[Schedule, ...] = SCHEDULES) -> None:
        self._queue = queue
        self._clock = clock
        self._schedules = schedules
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin; call it on the loop that the queue lives on."""
        for schedule in self._schedules:
            self._scheduler.add_job(
                self.tick,
                _trigger(schedule.every_seconds),
                args=[schedule],
                id=schedule.job,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=_MISFIRE_SECONDS,
            )
        self._scheduler.start()

    async def tick(self, schedule: Schedule) -> None:
        """Enqueue the job of the tick that is now."""
        try:
            await self._queue.enqueue_job(schedule.job, tick_of(self._clock.now(), schedule.every_seconds))
        except Exception:  # noqa: BLE001 - logged with its traceback; see below
            # the outermost loop of this role: the next tick comes in any case
            _log.exception("tick_failed", job=schedule.job)

    async def aclose(self) -> None:
        """Enqueue nothing more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


def _trigger(every_seconds: int) -> CronTrigger:
    """Return a trigger on the ticks of the clock, so that schedulers of one installation agree on them."""
    minute, hour = 60, 3_600
    if every_seconds < minute:
        return CronTrigger(second=f"*/{every_seconds}", timezone=UTC)
    if every_seconds < hour:
        return CronTrigger(minute=f"*/{every_seconds // minute}", second=0, timezone=UTC)
    return CronTrigger(hour=f"*/{every_seconds // hour}", minute=0, second=0, timezone=UTC)


def logged(jobs: Mapping[str, Callable[[], Awaitable[object]]]) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return *jobs* so that each run is told in the log, failed ones too; a failure waits for the next tick."""

    def wrap(name: str, job: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            try:
                result = await job()
            except AtelierError as error:
                _log.warning("job_failed", job=name, error=type(error).__name__)
            else:
                _log.debug("job_finished", job=name, result=result)

        return run

    return {name: wrap(name, job) for name, job in jobs.items()}
