"""A Discord of our own on 127.0.0.1, for the unmodified discord.py.

``LocalDiscord`` is the server with what people do in it (`say`, `slash`, `press`, ...) and what one can see in it
afterwards. It is strict where Discord is: see `limits`.
"""

import ssl
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from aiohttp import web

from core.clock import Clock, SystemClock
from tests.fakes.discord.api import PREFIX, Api
from tests.fakes.discord.cdn import Cdn
from tests.fakes.discord.faults import Faults
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.limits import MEBIBYTE
from tests.fakes.discord.openapi import OpenApi
from tests.fakes.discord.pointing import point_discord_at
from tests.fakes.discord.pressing import Pressing
from tests.fakes.discord.rates import Rates
from tests.fakes.discord.world import World

_MOST_BYTES = 64 * MEBIBYTE


class LocalDiscord(Pressing):
    """The server.

    Args:
        clock: Its time: interactions, links, nonces, ages of messages. Rate limits and heartbeats run on the machine's
            time, because discord.py waits by it.
        rates: Limits of routes; by default only the global one.
        heartbeat_seconds: See `Gateway`.
        identify_seconds: See `Gateway`.
        max_concurrency: See `Gateway`.
        checks_openapi: False does not compare bodies with Discord's OpenAPI, which takes milliseconds each.
        tls: Of the server, for a client that believes to speak to Discord itself.

    Attributes:
        north: A server with the app in it; ``general`` is its channel, ``ann`` owns it, ``ben`` is a member.
        south: Another one with ``southern`` and its owner ``sue``.
        faults: What goes wrong with requests.
        rates: Who was refused for calling too often, and how many invalid requests there were.
        cdn: The log of downloads.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        rates: Rates | None = None,
        heartbeat_seconds: float = 41.25,
        identify_seconds: float = 0.0,
        max_concurrency: int = 1,
        checks_openapi: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        world = World(clock or SystemClock())
        gateway = Gateway(
            world,
            heartbeat_seconds=heartbeat_seconds,
            identify_seconds=identify_seconds,
            max_concurrency=max_concurrency,
        )
        interactions = Interactions(world.clock.monotonic)
        self.faults = Faults()
        self.rates = rates or Rates()
        spec = OpenApi(enabled=checks_openapi)
        api = Api(world, interactions, gateway, rates=self.rates, faults=self.faults, spec=spec)
        super().__init__(world, api, gateway, interactions)
        world.announce = gateway.sessions.announce
        self.cdn = Cdn(world, self.faults)
        self.port = 0
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._found()

    @property
    def api_url(self) -> str:
        """What DISCORD_API_URL names."""
        return f"{self.world.base}{PREFIX}"

    @property
    def gateway_url(self) -> str:
        """What DISCORD_GATEWAY_URL names."""
        return self.world.gateway_url

    @property
    def token(self) -> str:
        """The bot's token."""
        return self.world.token

    def pointed(self) -> AbstractContextManager[None]:
        """Let discord.py speak to this server for a while."""
        return point_discord_at(self.api_url, self.gateway_url)

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", PREFIX + "/{path:.+}", self.api.answer)
        app.router.add_get("/", self.gateway.serve)
        app.router.add_get("/{folder:(?:ephemeral-)?attachments}/{channel}/{attachment}/{name}", self.cdn.serve)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        host, port = self._runner.addresses[0][:2]
        self.port = int(port)
        secure = "s" if self._tls else ""
        self.world.base = f"http{secure}://{host}:{port}"
        self.world.gateway_url = f"ws{secure}://{host}:{port}/"

    async def stop(self) -> None:
        """Stop listening; what hangs ends."""
        self.faults.released.set()
        await self.gateway.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _found(self) -> None:
        world = self.world
        self.ann, self.ben, self.sue = (world.add_user(name) for name in ("ann", "ben", "sue"))
        self.north, self.south = world.add_guild("north", self.ann), world.add_guild("south", self.sue)
        world.join(self.north, self.ben)
        world.install(self.north)
        world.install(self.south)
        self.general = world.add_channel(self.north, "general")
        self.southern = world.add_channel(self.south, "southern")
