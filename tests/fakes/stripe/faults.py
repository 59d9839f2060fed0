"""What goes wrong between the app and the API."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from typing import Any

from tests.fakes.stripe.model import Json


class Trouble(StrEnum):
    """How one request fails."""

    LOST_REQUEST = "lost_request"
    """The connection ends before anything happened."""
    LOST_ANSWER = "lost_answer"
    """It happened, and the connection ends before the answer."""
    RATE_LIMITED = "rate_limited"
    """429; nothing happened."""
    UNAVAILABLE = "unavailable"
    """503; nothing happened."""
    SERVER_ERROR = "server_error"
    """500; nothing happened, and nothing is kept under the idempotency key."""
    ERROR_AFTER = "error_after"
    """500, and yet it happened; the key answers 500 from now on."""
    LOCK_TIMEOUT = "lock_timeout"
    """429 with the code ``lock_timeout``, which says that trying again is fine; nothing happened."""
    GARBAGE = "garbage"
    """200 with a web page where JSON is expected; nothing happened."""
    HANGS = "hangs"
    """It happened, and no answer comes until `Faults.released` is set; the idempotency key is in use until then."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        trouble: What happens.
        route: Which requests, as a pattern: ``POST /v1/customers``, ``GET /v1/*``, ``*``.
        times: How many requests it hits; below 0 for all.
        skip: How many matching requests pass before.
        when: Which requests, by their parameters.
    """

    trouble: Trouble
    route: str = "*"
    times: int = 1
    skip: int = 0
    when: Callable[[Json], bool] = lambda _parameters: True
    hits: int = 0

    def takes(self, route: str, parameters: Json) -> bool:
        """Return whether this request is hit, and count it."""
        if self.times == 0 or not fnmatch(route, self.route) or not self.when(parameters):
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

    def add(self, trouble: Trouble, route: str = "*", **more: Any) -> Fault:
        """Plan a fault and return it; *more* are fields of `Fault`."""
        fault = Fault(trouble, route, **more)
        self.planned.append(fault)
        return fault

    def clear(self) -> None:
        """Plan nothing any more."""
        self.planned.clear()

    def next(self, route: str, parameters: Json) -> Fault | None:
        """Return what happens to this request, None when nothing does."""
        return next((fault for fault in self.planned if fault.takes(route, parameters)), None)
