"""Small work beside an acknowledgement: kept hold of while it runs, finished before the process ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from core.errors import AtelierError

_log = structlog.get_logger(__name__)


class Errands:
    """Things that nobody waits for and that may fail: what matters is in the inbox already."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, what: str, work: Coroutine[Any, Any, object]) -> None:
        """Do *work* while the caller goes on; *what* names it in the log."""
        task = asyncio.create_task(_run(what, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Give up on what is under way."""
        for task in self._tasks:
            task.cancel()
        await self.drain()


async def _run(what: str, work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except AtelierError as error:
        _log.info("slack_errand_failed", errand=what, error=type(error).__name__)
