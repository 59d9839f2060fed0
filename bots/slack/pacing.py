"""Slack's pace: a budget a method and team, a post a second and channel, and Retry-After obeyed.

A call counts until a minute after its answer came, which is never before Slack counted it. So whatever the way there
takes, Slack sees no more in any of its minutes than we allow ourselves in ours.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bots.posting.cards import NoRoom
from bots.slack.limits import CALLS_A_MINUTE, POST_INTERVAL_SECONDS, POSTS, UNKNOWN_METHOD
from core.clock import Clock

_MINUTE = 60.0
_LONGEST_WAIT_SECONDS = 90.0
_FOR_PROGRESS = 0.6  # of a budget; the rest is kept for posts, finals and answers to people


@dataclass
class _Call:
    """A call that counts; *at* is its begin while it runs and its end afterwards."""

    at: float


@dataclass
class _Gate:
    """At most *most* calls in *seconds*, and none before *closed_until*.

    Attributes:
        turn: Held for a whole call where calls must not overlap.
        queue: Held by the first of those that wait.
    """

    most: int
    most_for_progress: int
    seconds: float
    calls: list[_Call] = field(default_factory=list)
    closed_until: float = 0.0
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


class Pacer:
    """Lets calls through when Slack will take them.

    Args:
        clock: The time.
        share: This process's share of each budget, 0 to 1: Slack counts all processes of an app together.
    """

    def __init__(self, clock: Clock, *, share: float = 1.0) -> None:
        self._clock = clock
        self._share = share
        self._gates: dict[tuple[str, ...], _Gate] = {}

    @asynccontextmanager
    async def call(self, team: str, method: str, channel: str = "", *, patient: bool = True) -> AsyncIterator[None]:
        """Give the moment in which a call may be made; the call is made inside.

        One that is *patient* (posts, finals, answers to people) waits its turn. One that is not (signs of life) goes
        now or never, only within its part of the budget, and never before a patient one that waits.

        Raises:
            NoRoom: If it is not patient and there is no room, or if the wait would be longer than is sensible.
        """
        budget = self._budget(team, method)
        if method not in POSTS or not channel:
            async with self._within(budget, patient=patient):
                yield
            return
        # Posts of one channel go one after the other: two on their way at once could arrive within a second.
        place = self._place(team, channel)
        if not patient and place.turn.locked():
            raise NoRoom("another post is on its way", retry_after_seconds=POST_INTERVAL_SECONDS)
        async with place.turn, self._within(place, patient=patient), self._within(budget, patient=patient):
            yield

    def close(self, team: str, method: str, channel: str, seconds: float) -> None:
        """Let nothing through for *seconds*: Slack said so."""
        gate = self._place(team, channel) if method in POSTS and channel else self._budget(team, method)
        gate.closed_until = max(gate.closed_until, self._clock.monotonic() + seconds)

    def _budget(self, team: str, method: str) -> _Gate:
        most = max(1, int(CALLS_A_MINUTE.get(method, UNKNOWN_METHOD) * self._share))
        return self._gates.setdefault((team, method), _Gate(most, max(1, int(most * _FOR_PROGRESS)), _MINUTE))

    def _place(self, team: str, channel: str) -> _Gate:
        return self._gates.setdefault((team, "", channel), _Gate(1, 1, POST_INTERVAL_SECONDS))

    @asynccontextmanager
    async def _within(self, gate: _Gate, *, patient: bool) -> AsyncIterator[None]:
        """Give the moment in which *gate* is open, and count what happens inside."""
        if patient:
            await self._await(gate)
        elif gate.waiting or (wait := gate.wait(self._clock.monotonic(), gate.most_for_progress)) > 0:
            raise NoRoom("no room for a sign of life", retry_after_seconds=1.0 if gate.waiting else wait)
        call = _Call(self._clock.monotonic())
        gate.calls.append(call)
        try:
            yield
        finally:
            call.at = self._clock.monotonic()

    async def _await(self, gate: _Gate) -> None:
        """Return when *gate* is open, first come, first served."""
        gate.waiting += 1
        try:
            async with gate.queue:
                while (wait := gate.wait(self._clock.monotonic(), gate.most)) > 0:
                    if wait > _LONGEST_WAIT_SECONDS:
                        raise NoRoom("Slack told us to wait", retry_after_seconds=wait)
                    await self._clock.sleep(wait)
        finally:
            gate.waiting -= 1
