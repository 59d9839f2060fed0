"""The way to the durable engine, for services that ask it to run or cut sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from bots.settings import Settings
    from core.orchestration.engine import DbosEngine, EngineClient


class EngineDoor:
    """The engine that the services ask: this process's own once it runs, a client of the others' until then.

    What cannot be asked for is not lost: the session's row says what is wanted, and the sweeper asks again.
    """

    def __init__(self) -> None:
        self.worker: DbosEngine | None = None
        self.make: Callable[[], EngineClient] | None = None
        self._client: EngineClient | None = None

    async def enqueue(self, session_id: str, segment: int) -> None:
        """See `core.sessions.ports.Engine`."""
        await self._ask("enqueue", session_id, segment)

    async def cancel(self, session_id: str, segment: int) -> None:
        """See `core.sessions.ports.Engine`."""
        await self._ask("cancel", session_id, segment)

    async def enqueue_job(self, name: str, tick: str) -> None:
        """See `bots.scheduler.JobQueue`."""
        await self._engine().enqueue_job(name, tick)

    async def ping(self) -> None:
        """Return when the engine's database answered."""
        await self._engine().ping()

    def _engine(self) -> DbosEngine | EngineClient:
        if self.worker is not None:
            return self.worker
        if self._client is None:
            if self.make is None:
                raise RuntimeError("the engine's door was opened before it was hung")
            self._client = self.make()
        return self._client

    async def _ask(self, verb: str, session_id: str, segment: int) -> None:
        import structlog

        engine = self._engine()
        ask = engine.enqueue if verb == "enqueue" else engine.cancel
        try:
            await ask(session_id, segment)
        except Exception as error:  # noqa: BLE001 - the edge of the engine, whose driver raises what it likes
            structlog.get_logger(__name__).warning(
                "engine_unreachable", verb=verb, session=session_id, error=type(error).__name__
            )


def open_client(settings: Settings, stack: AsyncExitStack) -> EngineClient:
    """Return a client of the engine, closed with *stack*."""
    from core.orchestration.engine import EngineClient, EngineConfig
    from storage.durable import sqlite_engine

    url = settings.engine_url
    client = EngineClient(EngineConfig(url=url, executor_id="client", sqlite_engine=sqlite_engine(url)))
    stack.push_async_callback(client.aclose)
    return client
