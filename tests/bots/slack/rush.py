"""Several processes at one Slack, in time that passes only while none of them is on its way there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from typing_extensions import override

from bots.slack.pacing import Pacer
from core.clock import Clock
from core.sessions.ports import Store, T, Transaction
from tests.fakes.clock import FakeClock


@dataclass
class Rush:
    """What is on its way to the database or to Slack."""

    under_way: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    @asynccontextmanager
    async def travel(self) -> AsyncIterator[None]:
        """Count what happens inside as being on its way."""
        self.under_way += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.under_way -= 1
            if not self.under_way:
                self.idle.set()


class RushStore(Store):
    """A store whose work is on its way."""

    def __init__(self, store: Store, rush: Rush) -> None:
        self._store = store
        self._rush = rush

    @override
    async def write(self, work: Callable[[Transaction], T]) -> T:
        async with self._rush.travel():
            return await self._store.write(work)

    @override
    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._store.read(work)


class RushPacer(Pacer):
    """A process's pacer; a call that goes out is on its way until its answer came."""

    def __init__(self, clock: Clock, *, store: Store, rush: Rush) -> None:
        super().__init__(clock, store=RushStore(store, rush))
        self._rush = rush

    @override
    @asynccontextmanager
    async def call(self, team: str, method: str, channel: str = "", *, patient: bool = True) -> AsyncIterator[None]:
        async with super().call(team, method, channel, patient=patient), self._rush.travel():
            yield


class RushClock(FakeClock):
    """A clock that moves only while nothing is on its way: no machine is so slow that a second passes meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.rush = Rush()

    @override
    async def advance(self, seconds: float) -> None:
        await self.settle()  # whoever lets time pass may begin while others are on their way
        await super().advance(seconds)

    @override
    async def settle(self) -> None:
        await super().settle()
        while self.rush.under_way:
            await self.rush.idle.wait()
            await super().settle()


@asynccontextmanager
async def passing(clock: FakeClock, *, step: float = 0.05, pause: float = 0.0) -> AsyncIterator[None]:
    """Let time pass while the body waits."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(pause)
            await clock.settle()
            await clock.advance(step)

    ticking = asyncio.ensure_future(tick())
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
