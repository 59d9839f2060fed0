"""What one process remembers of Discord: no more than so many things, each for no longer than so long."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from core.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The things that were learned last.

    Args:
        clock: The time.
        seconds: How long something is remembered.
        most: How many; what was learned first goes first.
    """

    def __init__(self, clock: Clock, *, seconds: float, most: int = 5_000) -> None:
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return what is known, None if nothing is (any more)."""
        found = self._kept.get(key)
        if found is None or found[0] <= self._clock.monotonic():
            return None
        return found[1]

    def keep(self, key: K, value: V) -> None:
        """Remember *value* from now on."""
        self._kept[key] = (self._clock.monotonic() + self._seconds, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, key: K) -> None:
        """Know nothing any more."""
        self._kept.pop(key, None)
