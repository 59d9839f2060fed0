"""What Stripe will do by itself, and when."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True)
class Matter:
    """Something that is due at a moment."""

    at: int
    order: int
    act: Callable[[], None] = field(compare=False)


class Agenda:
    """Matters in the order in which they are due."""

    def __init__(self) -> None:
        self._matters: list[Matter] = []
        self._order = itertools.count()

    def put(self, at: int, act: Callable[[], None]) -> None:
        """Let *act* happen at *at*; it looks itself whether it still should."""
        heapq.heappush(self._matters, Matter(at, next(self._order), act))

    def take(self, until: int) -> Matter | None:
        """Return and remove the first matter that is due, None when there is none."""
        if self._matters and self._matters[0].at <= until:
            return heapq.heappop(self._matters)
        return None
