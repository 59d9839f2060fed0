"""Slack's pace: a budget a method and team, a post a second and channel, and Retry-After obeyed.

A call counts until a minute after its answer came, which is never before Slack counted it. So whatever the way there
takes, Slack sees no more in any of its minutes than we allow ourselves in ours. Slack adds up all processes of an app:
where there is a database, each takes its calls, a few at a time, out of one budget there (docs/decisions/0128).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from bots.posting.cards import NoRoom
from bots.slack.limits import CALLS_A_MINUTE, POST_INTERVAL_SECONDS, POSTS, UNKNOWN_METHOD
from core.clock import Clock
from core.sessions.ports import Store, Transaction
from core.workspaces.rations import Terms, close, take

_MINUTE = 60.0
_LONGEST_WAIT_SECONDS = 90.0
_FOR_PROGRESS = 0.6  # of a budget; the rest is kept for posts, finals and answers to people
_PORTIONS = 10  # a process takes a tenth of a budget at a time
_GOOD_SECONDS = 5.0  # for how long it may use what it took
_LATE_SECONDS = 5.0  # how long such a call may take until Slack counts it, and how far apart two clocks may be
_LATE_POST_SECONDS = 0.3  # the same for a post, which is made as soon as it may be


@dataclass
class _Call:
    """A call that counts; *at* is its begin while it runs and its end afterwards."""

    at: float


@dataclass
class _Gate:
    """At most *most* calls in *seconds*, and none before *closed_until*.

    Attributes:
        key: The budget's name for all processes.
        good_seconds: For how long a call that was taken out of the common budget may be made.
        counts_seconds: For how long it counts there.
        taken: Calls that were taken and not made yet; they may be made before *good_until*.
        turn: Held for a whole call where calls must not overlap.
        queue: Held by the first of those that wait.
    """

    key: str
    most: int
    most_for_progress: int
    seconds: float
    good_seconds: float
    counts_seconds: float
    calls: list[_Call] = field(default_factory=list)
    closed_until: float = 0.0
    taken: int = 0
    good_until: float = 0.0
    waiting: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    queue: asyncio.Lock = field(default_factory=asyncio.Lock)

    def wait(self, now: float, most: int) -> float:
        """Return the seconds until another call may begin, 0 for now."""
        self.calls = [call for call in self.calls if now - call.at < self.seconds]
        wait = self.closed_until - now
        if len(self.calls) >= most:
            nth = sorted(call.at for call in self.calls)[len(self.calls) - most]
            wait = max(wait, nth + self.seconds - now)
        return max(wait, 0.0)

    def terms(self, most: int) -> Terms:
        """Return how the common budget is given out, for calls that may take *most* of it."""
        return Terms(most, max(1, self.most // _PORTIONS), timedelta(seconds=self.counts_seconds))


class Pacer:
    """Lets calls through when Slack will take them.

    Args:
        clock: The time.
        store: Where all processes of the app find one budget; None for a process that is alone.
    """

    def __init__(self, clock: Clock, *, store: Store | None = None) -> None:
        self._clock = clock
        self._store = store
        self._gates: dict[tuple[str, ...], _Gate] = {}

    @asynccontextmanager
    async def call(self, team: str, method: str, channel: str = "", *, patient: bool = True) -> AsyncIterator[None]:
        """Give the moment in which a call may be made; the call is made inside.

        One that is *patient* (posts, finals, answers to people) waits its turn. One that is not (signs of life) goes
        now or never, only within its part of the budget, and never before a patient one that waits.

        Raises:
            NoRoom: If it is not patient and there is no room, or if the wait would be longer than is sensible.
            TransientError: If the common budget cannot be read now.
        """
        budget = self._budget(team, method)
        if method not in POSTS or not channel:
            async with self._within(budget, patient=patient):
                yield
            return
        # Posts of one channel go one after the other: two on their way at once could arrive within a second. The
        # channel comes last, since its one call must be made as soon as it was taken.
        place = self._place(team, channel)
        if not patient and place.turn.locked():
            raise NoRoom("another post is on its way", retry_after_seconds=POST_INTERVAL_SECONDS)
        async with place.turn, self._within(budget, patient=patient), self._within(place, patient=patient):
            yield

    async def close(self, team: str, method: str, channel: str, seconds: float) -> None:
        """Let nothing through for *seconds*, in no process: Slack said so.

        Raises:
            TransientError: If the others cannot be told now; this process keeps to it all the same.
        """
        gate = self._place(team, channel) if method in POSTS and channel else self._budget(team, method)
        gate.closed_until = max(gate.closed_until, self._clock.monotonic() + seconds)
        if self._store is None:
            return
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            tx.rations.save(close(tx.rations.lock(gate.key, now=now), now=now, seconds=seconds))

        await self._store.write(work)

    def _budget(self, team: str, method: str) -> _Gate:
        known = self._gates.get((team, method))
        if known is None:
            most = CALLS_A_MINUTE.get(method, UNKNOWN_METHOD)
            known = self._gates[team, method] = _Gate(
                f"slack/{team}/{method}",
                most,
                max(1, int(most * _FOR_PROGRESS)),
                _MINUTE,
                good_seconds=_GOOD_SECONDS,
                counts_seconds=_GOOD_SECONDS + _MINUTE + _LATE_SECONDS,
            )
        return known

    def _place(self, team: str, channel: str) -> _Gate:
        known = self._gates.get((team, "", channel))
        if known is None:
            known = self._gates[team, "", channel] = _Gate(
                f"slack/{team}/channel/{channel}",
                1,
                1,
                POST_INTERVAL_SECONDS,
                good_seconds=POST_INTERVAL_SECONDS,
                counts_seconds=POST_INTERVAL_SECONDS + _LATE_POST_SECONDS,
            )
        return known

    @asynccontextmanager
    async def _within(self, gate: _Gate, *, patient: bool) -> AsyncIterator[None]:
        """Give the moment in which *gate* is open, and count what happens inside."""
        call = await self._await(gate) if patient else await self._now(gate)
        try:
            yield
        finally:
            call.at = self._clock.monotonic()

    async def _now(self, gate: _Gate) -> _Call:
        if gate.waiting:
            raise NoRoom("no room for a sign of life", retry_after_seconds=1.0)
        call, wait = await self._admit(gate, gate.most_for_progress)
        if call is None:
            raise NoRoom("no room for a sign of life", retry_after_seconds=wait)
        return call

    async def _await(self, gate: _Gate) -> _Call:
        """Return when *gate* is open, first come, first served."""
        gate.waiting += 1
        try:
            async with gate.queue:
                while True:
                    call, wait = await self._admit(gate, gate.most)
                    if call is not None:
                        return call
                    if wait > _LONGEST_WAIT_SECONDS:
                        raise NoRoom("Slack told us to wait", retry_after_seconds=wait)
                    await self._clock.sleep(wait)
        finally:
            gate.waiting -= 1

    async def _admit(self, gate: _Gate, most: int) -> tuple[_Call | None, float]:
        """Return a call that counts from now on, or the seconds until there may be one."""
        wait = gate.wait(self._clock.monotonic(), most)
        while wait <= 0 and self._store is not None and not self._is_taken(gate):
            wait = await self._take(gate, most) or gate.wait(self._clock.monotonic(), most)
        if wait > 0:
            return None, wait
        gate.taken = max(gate.taken - 1, 0)
        call = _Call(self._clock.monotonic())
        gate.calls.append(call)
        return call, 0.0

    def _is_taken(self, gate: _Gate) -> bool:
        return gate.taken > 0 and self._clock.monotonic() < gate.good_until

    async def _take(self, gate: _Gate, most: int) -> float:
        """Take calls out of the common budget; return 0, or the seconds until it may give some."""
        store = self._store
        if store is None:
            return 0.0
        terms = gate.terms(most)

        def work(tx: Transaction) -> tuple[int, float, float]:
            ration = tx.rations.lock(gate.key, now=self._clock.now())
            taken_at = self._clock.monotonic()  # not before: others may have had the row for a while
            left, calls, wait = take(ration, terms, now=self._clock.now())
            if calls:
                tx.rations.save(left)
            return calls, wait, taken_at

        calls, wait, taken_at = await store.write(work)
        gate.taken, gate.good_until = calls, taken_at + gate.good_seconds
        return wait
