"""What a process of `atelier serve` does: roles, started together and drained together."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from enum import StrEnum

from aiohttp import web

from bots.bootstrap import Choices, Parts, open_parts, slack_is_configured
from bots.bootstrap.heap import settle_heap, share_arena
from bots.errors import BadSettings
from bots.http.app import HttpServer, make_app
from bots.http.health import Health
from bots.http.stripe import stripe_routes
from bots.scheduler import Scheduler, schedules
from bots.settings import Settings
from bots.terminal.chat import silent_chat
from core.clock import SystemClock


class Role(StrEnum):
    """What a process of `atelier serve` does.

    ``slack`` is Socket Mode; where there is a public address, ``http`` takes Slack's requests.
    """

    WORKER = "worker"
    HTTP = "http"
    SCHEDULER = "scheduler"
    SLACK = "slack"
    DISCORD = "discord"


def configured_roles(settings: Settings) -> frozenset[Role]:
    """Return the roles that the settings configure; the first three need nothing."""
    roles = {Role.WORKER, Role.HTTP, Role.SCHEDULER}
    if settings.slack_app_token is not None:
        roles.add(Role.SLACK)
    if settings.discord_token is not None:
        roles.add(Role.DISCORD)
    return frozenset(roles)


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
    share_arena()
    silent = silent_chat(SystemClock())
    choices = Choices(
        runs_sessions=Role.WORKER in roles, reaches_platforms=True, exports_apart=True, prices_rehearsal=False
    )
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, chats={silent.platform: silent}, choices=choices))
        if Role.WORKER in roles:
            await parts.registry.warm()
            settle_heap()
            started("worker: runs sessions")
        if Role.SCHEDULER in roles:
            scheduler = Scheduler(parts.engine, clock=parts.clock, schedules=schedules(sells=parts.shop is not None))
            stack.push_async_callback(scheduler.aclose)
            scheduler.start()
            started("scheduler: sweeps, expires, cleans up")
        if Role.HTTP in roles:
            started(f"http: listens on {await _start_http(parts, port, stack)}")
        if Role.SLACK in roles:
            await parts.platforms.connect_slack(stack)
            started("slack: connected by Socket Mode")
        if Role.DISCORD in roles:
            gateway = await parts.platforms.connect_discord(stack)
            started("discord: connects to the gateway")
            await _first_of(stop, gateway)
        await stop.wait()


async def _first_of(stop: asyncio.Event, gateway: asyncio.Task[None]) -> None:
    """Return when *stop* is set; what ends the gateway ends the process, for nothing would hear Discord any more."""
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopped, gateway], return_when=asyncio.FIRST_COMPLETED)
        if gateway.done():
            gateway.result()
    finally:
        stopped.cancel()


def check_roles(settings: Settings, roles: frozenset[Role]) -> None:
    """Return if the settings have what *roles* need; raises `BadSettings` with a sentence for each lack."""
    lacks = []
    if Role.SLACK in roles:
        lacks += [
            f"The role slack needs {name}."
            for name, value in {
                "SLACK_APP_TOKEN": settings.slack_app_token,
                "SLACK_BOT_TOKEN, or SLACK_CLIENT_ID with its secret": slack_is_configured(settings),
            }.items()
            if not value
        ]
    if Role.DISCORD in roles and settings.discord_token is None:
        lacks.append("The role discord needs DISCORD_TOKEN.")
    if lacks:
        raise BadSettings(tuple(lacks))


async def _start_http(parts: Parts, port: int | None, stack: AsyncExitStack) -> str:
    """Listen and return the address."""
    host = parts.settings.http_host
    probes = {"database": parts.database.ping, "engine": parts.engine.ping}
    health = Health(probes, last_inbound=lambda: _last_inbound(parts), clock=parts.clock)
    server = HttpServer(
        make_app(health, parts.metrics, routes=routes_of(parts)),
        host=host,
        port=parts.settings.http_port if port is None else port,
    )
    stack.push_async_callback(server.aclose)
    return f"http://{host}:{await server.start()}"


def routes_of(parts: Parts) -> list[web.RouteDef]:
    """Return the routes of the platforms and of the shop that are configured."""
    routes = parts.platforms.routes()
    if parts.shop is not None:
        routes += stripe_routes(parts.shop.intake, parts.shop.service)
    return routes


async def _last_inbound(parts: Parts) -> Mapping[str, datetime]:
    """Return when each source last sent something, of those that did."""
    sources = ("slack", "discord", "stripe")
    found = await parts.database.read(lambda tx: {source: tx.inbound.last_at(source) for source in sources})
    return {source: at for source, at in found.items() if at is not None}
