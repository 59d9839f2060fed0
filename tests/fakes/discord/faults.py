"""What goes wrong on the way of a request: on demand, or by a seed."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.fakes.discord.model import Json


class Trouble(StrEnum):
    """How one request fails."""

    LOST_REQUEST = "lost_request"
    """The connection ends before anything happened."""
    LOST_ANSWER = "lost_answer"
    """It happened, and the connection ends before the answer."""
    RATE_LIMITED = "rate_limited"
    """429 of this bot on this route; nothing happened."""
    GLOBALLY_LIMITED = "globally_limited"
    """429 of this bot on every route."""
    SHARED_LIMITED = "shared_limited"
    """429 that others caused; it does not count as invalid."""
    BANNED = "banned"
    """429 of Cloudflare's: no ``Via``, no JSON."""
    SERVER_ERROR = "server_error"
    """`Fault.status` without JSON; nothing happened."""
    ERROR_AFTER = "error_after"
    """`Fault.status` without JSON, and yet it happened."""
    REFUSED = "refused"
    """`Fault.status` with `Fault.code`."""
    TRUNCATED = "truncated"
    """A download that ends in the middle."""
    HANGS = "hangs"
    """It happened, and no answer comes until `Faults.released` is set."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        trouble: What happens.
        route: Which route: ``POST /channels/{channel_id}/messages``, ``GET cdn``, ``*`` for every one.
        times: How many requests it hits; below 0 for all.
        skip: How many matching requests pass before.
        when: Which requests, by their body.
        retry_after: Seconds of the 429s.
        status: Of HTTP.
        code: Discord's, of REFUSED.
        message: Discord's, of REFUSED.
    """

    trouble: Trouble
    route: str = "*"
    times: int = 1
    skip: int = 0
    when: Callable[[Any], bool] = lambda _body: True
    retry_after: float = 0.05
    status: int = 500
    code: int = 0
    message: str = "No reason given"
    hits: int = 0

    def takes(self, route: str, body: Any) -> bool:
        """Return whether this request is hit, and count it."""
        if self.route not in {"*", route} or self.times == 0 or not self.when(body):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hits += 1
        return True


@dataclass
class Faults:
    """The faults that are to come.

    Attributes:
        released: Set when requests that hang may end.
    """

    planned: list[Fault] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _random: random.Random | None = None
    _rate: float = 0.0
    _kinds: Sequence[Trouble] = ()

    def add(self, trouble: Trouble, route: str = "*", **more: Any) -> Fault:
        """Plan a fault and return it; *more* are fields of `Fault`."""
        fault = Fault(trouble, route, **more)
        self.planned.append(fault)
        return fault

    def seed(self, number: int, rate: float, kinds: Sequence[Trouble]) -> None:
        """Let each request fail with a probability of *rate* in one of *kinds*, the same way for the same *number*."""
        self._random, self._rate, self._kinds = random.Random(number), rate, tuple(kinds)  # noqa: S311

    def clear(self) -> None:
        """Plan nothing any more."""
        self.planned.clear()
        self._random = None

    def next(self, route: str, body: Json | list[Json] | None) -> Fault | None:
        """Return what happens to this request, None when nothing does."""
        for fault in self.planned:
            if fault.takes(route, body):
                return fault
        if self._random is not None and self._random.random() < self._rate:
            return Fault(self._random.choice(self._kinds), route)
        return None
