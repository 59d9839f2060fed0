"""Time that stands still until a test moves it."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

_SETTLE_PASSES = 20  # loop passes in which what was woken may act and sleep again


class FakeClock:
    """See `core.clock.Clock`.

    Args:
        start: The first moment.
        auto: True for a clock that lets every sleep pass at once and moves itself.

    Attributes:
        slept: Every wait that was asked for, in seconds.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, auto: bool = False) -> None:
        self._now = start
        self._auto = auto
        self._elapsed = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrived = asyncio.Condition()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= 0 or self._auto:
            self.move(max(seconds, 0))
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), future))
        async with self._arrived:
            self._arrived.notify_all()
        await future

    def move(self, seconds: float) -> None:
        """Let *seconds* pass without waking anybody."""
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)

    async def advance(self, seconds: float) -> None:
        """Let *seconds* pass; who is due wakes at its own moment, and may sleep again within the span."""
        end = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self.move(max(due - self._elapsed, 0))
            if not future.done():
                future.set_result(None)
                await self.settle()
        self.move(max(end - self._elapsed, 0))
        await self.settle()

    async def sleepers(self, number: int = 1) -> None:
        """Return once at least *number* coroutines sleep."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: sum(not item[2].done() for item in self._sleepers) >= number)

    async def settle(self) -> None:
        """Let those who were woken act, and sleep again."""
        for _ in range(_SETTLE_PASSES):
            await asyncio.sleep(0)
