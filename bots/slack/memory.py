"""What one process remembers of Slack: no more than so many things, and each looked up once however many ask."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST = 1_000


class Recent(Generic[K, V]):
    """The things that were used last.

    Args:
        most: How many; whoever was not used for longest goes first.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """Return what is kept, None if nothing is."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: K, value: V) -> None:
        """Keep *value*."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop_where(self, condition: Callable[[K, V], bool]) -> None:
        """Forget everything that *condition* names."""
        for key in [key for key, value in self._kept.items() if condition(key, value)]:
            del self._kept[key]


class Flights(Generic[K, V]):
    """Work under way, by what it is about: those who want the same wait for one result.

    It runs in a task of its own, so that a caller who is cancelled takes it from nobody.
    """

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def share(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """Return what *work* gives, or what it gives to whoever began it; its errors are everybody's."""
        return await asyncio.shield(self.begin(key, work))

    def begin(self, key: K, work: Callable[[], Awaitable[V]]) -> asyncio.Task[V]:
        """Begin *work* unless it is under way, and return its task, which may be left alone."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(_run(work))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return task

    async def aclose(self) -> None:
        """Return when nothing is under way any more."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _land(self, key: K, task: asyncio.Task[V]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # seen, even where every caller has gone


async def _run(work: Callable[[], Awaitable[V]]) -> V:
    return await work()
