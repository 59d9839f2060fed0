"""What goes wrong on the way: on demand, or by a seed."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.fakes.slack.model import Json


class Trouble(StrEnum):
    """How one request fails."""

    LOST_REQUEST = "lost_request"
    """The connection ends before anything happened."""
    LOST_ANSWER = "lost_answer"
    """It happened, and the connection ends before the answer."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After; nothing happened."""
    SERVER_ERROR = "server_error"
    """500 without JSON; nothing happened."""
    ERROR_AFTER = "error_after"
    """500 without JSON, and yet it happened."""
    REFUSED = "refused"
    """``ok: false`` with a code."""
    GARBAGE = "garbage"
    """200 with a web page where JSON is expected; nothing happened."""
    TRUNCATED = "truncated"
    """A download that ends in the middle."""
    HANGS = "hangs"
    """It happened, and no answer comes until `Faults.released` is set."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        trouble: What happens.
        method: Which method, ``file.upload``, ``file.download`` or ``response_url``; ``*`` for every one.
        times: How many requests it hits; below 0 for all.
        error: The code of REFUSED.
        retry_after: Seconds, of RATE_LIMITED.
        skip: How many matching requests pass before.
        when: Which requests, by their arguments.
    """

    trouble: Trouble
    method: str = "*"
    times: int = 1
    error: str = "internal_error"
    retry_after: int = 1
    skip: int = 0
    when: Callable[[Json], bool] = lambda _arguments: True
    hits: int = 0

    def takes(self, method: str, arguments: Json) -> bool:
        """Return whether this request is hit, and count it."""
        if self.method not in {"*", method} or self.times == 0 or not self.when(arguments):
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

    def add(self, trouble: Trouble, method: str = "*", **more: Any) -> Fault:
        """Plan a fault and return it; *more* are fields of `Fault`."""
        fault = Fault(trouble, method, **more)
        self.planned.append(fault)
        return fault

    def seed(self, number: int, rate: float, kinds: Sequence[Trouble]) -> None:
        """Let each request fail with a probability of *rate* in one of *kinds*, the same way for the same *number*."""
        self._random, self._rate, self._kinds = random.Random(number), rate, tuple(kinds)  # noqa: S311

    def clear(self) -> None:
        """Plan nothing any more."""
        self.planned.clear()
        self._random = None

    def next(self, method: str, arguments: Json) -> Fault | None:
        """Return what happens to this request, None when nothing does."""
        for fault in self.planned:
            if fault.takes(method, arguments):
                return fault
        if self._random is not None and self._random.random() < self._rate:
            return Fault(self._random.choice(self._kinds), method)
        return None
