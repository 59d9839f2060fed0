"""What a process of `atelier serve` does: roles, started together and drained together."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from enum import StrEnum

from bots.bootstrap import Choices, Parts, open_parts
from bots.http.app import HttpServer, make_app
from bots.http.health import Health
from bots.scheduler import Scheduler
from bots.settings import Settings
from bots.terminal.chat import silent_chat
from core.clock import SystemClock


class Role(StrEnum):
    """What a process of `atelier serve` does. Slack and Discord join when they are built."""

    WORKER = "worker"
    HTTP = "http"
    SCHEDULER = "scheduler"


async def serve(
    settings: Settings,
    roles: frozenset[Role],
    *,
    port: int | None = None,
    stop: asyncio.Event,
    started: Callable[[str], None],
) -> None:
    """Run *roles* until *stop* is set, then drain: running steps get some seconds, requests finish.

    Args:
        settings: The settings.
        roles: What this process does.
        port: Another port than the settings'; 0 for any free one.
        stop: Ends the process cleanly.
        started: Called with one line for each role that runs.
    """
    silent = silent_chat(SystemClock())
    choices = Choices(runs_sessions=Role.WORKER in roles, prices_rehearsal=False)
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, chats={silent.platform: silent}, choices=choices))
        if Role.WORKER in roles:
            await parts.registry.warm()
            started("worker: runs sessions")
        if Role.SCHEDULER in roles:
            scheduler = Scheduler(parts.engine, clock=parts.clock)
            stack.push_async_callback(scheduler.aclose)
            scheduler.start()
            started("scheduler: sweeps, expires, cleans up")
        if Role.HTTP in roles:
            started(f"http: listens on {await _start_http(parts, port, stack)}")
        await stop.wait()


async def _start_http(parts: Parts, port: int | None, stack: AsyncExitStack) -> str:
    """Listen and return the address."""
    host = parts.settings.http_host
    probes = {"database": parts.database.ping, "engine": parts.engine.ping}
    health = Health(probes, last_inbound=lambda: _last_inbound(parts), clock=parts.clock)
    server = HttpServer(
        make_app(health, parts.metrics), host=host, port=parts.settings.http_port if port is None else port
    )
    stack.push_async_callback(server.aclose)
    return f"http://{host}:{await server.start()}"


async def _last_inbound(parts: Parts) -> Mapping[str, datetime]:
    """Return when each source last sent something, of those that did."""
    sources = ("slack", "discord", "stripe")
    found = await parts.database.read(lambda tx: {source: tx.inbound.last_at(source) for source in sources})
    return {source: at for source, at in found.items() if at is not None}
