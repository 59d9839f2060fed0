"""What keeps two live processes from being the same executor, and finds the dead ones.

The engine ties a running session to the executor that runs it. An executor's id is therefore a *slot*: a small number
that one process holds by a lock which the operating system frees however the process ends; the next process takes the
same slot and goes on with what it left. A heartbeat lets the others take over where no next process comes.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from core.errors import TransientError

OnLost = Callable[[str], None]
"""Called, from any thread and perhaps more than once, when this process must stop running sessions at once; says why."""

Recover = Callable[[list[str]], Awaitable[int]]
"""Takes over what dead executors were running, by their ids; returns how many sessions."""

ListExecutors = Callable[[], Awaitable[Collection[str]]]
"""Returns the ids of executors that the engine believes to be running something."""


class NoFreeSlot(TransientError):
    """Every slot is held by a live process."""


class ExecutorSlot(Protocol):
    """A slot that this process holds."""

    @property
    def id(self) -> str:
        """The executor id, ``slot-0`` and so on: the same for whoever holds this slot next."""
        ...

    async def release(self) -> None:
        """Let the next process have the slot. May be called twice."""
        ...


class ExecutorSlots(Protocol):
    """Gives out slots."""

    async def take(self, on_lost: OnLost) -> ExecutorSlot:
        """Return the lowest free slot, held until it is released or the process ends, whatever ends it.

        Args:
            on_lost: Called when the lock was lost although the process lives.

        Raises:
            NoFreeSlot: If every slot is held.
        """
        ...


class Heartbeat(Protocol):
    """The sign of life of one executor, and the search for others that give none."""

    async def start(self, on_lost: OnLost) -> None:
        """Return when this executor counts as alive; call it before the engine starts.

        Waits while another executor is still taking over what this slot left behind, so that both never run it.

        Args:
            on_lost: Called when this executor has missed its beats for half the limit, or was declared dead.
        """
        ...

    async def watch(self, recover: Recover, list_executors: ListExecutors | None = None) -> None:
        """Take over from dead executors until cancelled; call it once the engine runs."""
        ...

    async def resign(self) -> None:
        """Stop beating and count as dead from now on, so that others take over at once. May be called twice."""
        ...
