"""Small work beside an acknowledgement: kept hold of while it runs, finished before the process ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from core.errors import AtelierError

_log = structlog.get_logger(__name__)


class Errands:
    """Things that nobody waits for and that may fail: what matters is in the inbox already."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._put_off: set[asyncio.Task[None]] = set()

    def begin(self, what: str, work: Coroutine[Any, Any, object]) -> None:
        """Do *work* while the caller goes on; *what* names it in the log."""
        _keep(self._tasks, _run(what, work))

    def put_off(
        self, what: str, wait: Callable[[], Awaitable[object]], work: Callable[[], Coroutine[Any, Any, object]]
    ) -> None:
        """Begin *work* after *wait*; until then it is not under way."""

        async def begin() -> None:
            await wait()
            self.begin(what, work())

        _keep(self._put_off, begin())

    async def drain(self) -> None:
        """Return when nothing is under way; what was put off may be still to come."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Give up on what is under way and on what was put off."""
        while tasks := self._put_off | self._tasks:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _run(what: str, work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except AtelierError as error:
        _log.info("slack_errand_failed", errand=what, error=type(error).__name__)
