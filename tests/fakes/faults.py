"""What goes wrong on the way of a request to any local server: on demand, or by a seed.

Each server names its own troubles (`Trouble`) and what they need to be told; how they are planned, counted and drawn is
the same everywhere.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, ClassVar, Generic, TypeVar

TroubleT = TypeVar("TroubleT")
FaultT = TypeVar("FaultT", bound="Fault[Any]")


@dataclass
class Fault(Generic[TroubleT]):
    """One fault.

    Attributes:
        trouble: What happens.
        route: Which requests, as a pattern of what the server calls them: ``chat.postMessage``, ``GET cdn``,
            ``GET /v1/*``; ``*`` for every one.
        times: How many requests it hits; below 0 for all.
        skip: How many matching requests pass before.
        when: Which requests, by what they carry.
        hits: How many it hit.
    """

    trouble: TroubleT
    route: str = "*"
    times: int = 1
    skip: int = 0
    when: Callable[[Any], bool] = lambda _carried: True
    hits: int = 0

    def takes(self, route: str, carried: Any) -> bool:
        """Return whether this request is hit, and count it."""
        if self.times == 0 or not fnmatch(route, self.route) or not self.when(carried):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hits += 1
        return True


@dataclass
class Faults(Generic[TroubleT, FaultT]):
    """The faults that are to come; a server's own class says which kind of `Fault` it plans.

    Attributes:
        released: Set when requests that hang may end.
    """

    kind: ClassVar[Callable[..., Any]]
    planned: list[FaultT] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _random: random.Random | None = None
    _rate: float = 0.0
    _drawn: Sequence[TroubleT] = ()

    def add(self, trouble: TroubleT, route: str = "*", **more: Any) -> FaultT:
        """Plan a fault and return it; *more* are fields of the server's `Fault`."""
        fault: FaultT = self.kind(trouble, route, **more)
        self.planned.append(fault)
        return fault

    def seed(self, number: int, rate: float, kinds: Sequence[TroubleT]) -> None:
        """Let each request fail with a probability of *rate* in one of *kinds*, the same way for the same *number*."""
        self._random, self._rate, self._drawn = random.Random(number), rate, tuple(kinds)  # noqa: S311

    def clear(self) -> None:
        """Plan nothing any more."""
        self.planned.clear()
        self._random = None

    def next(self, route: str, carried: Any) -> FaultT | None:
        """Return what happens to this request, None when nothing does."""
        for fault in self.planned:
            if fault.takes(route, carried):
                return fault
        if self._random is not None and self._random.random() < self._rate:
            drawn: FaultT = self.kind(self._random.choice(self._drawn), route)
            return drawn
        return None
