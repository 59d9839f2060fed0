"""A Slack of our own on 127.0.0.1, for the unmodified slack_sdk and slack_bolt.

``LocalSlack`` is the server with what people do in it (`say`, `click`, ...) and what one can see in it afterwards.
It is strict where Slack is: see `limits`, `blocks`, `rates`.
"""

from types import TracebackType
from typing import Self

from aiohttp import web

from core.clock import Clock, SystemClock
from tests.fakes.slack.answering import Answering
from tests.fakes.slack.delivery import Delivering
from tests.fakes.slack.events import Events
from tests.fakes.slack.faults import Faults
from tests.fakes.slack.file_routes import FileRoutes
from tests.fakes.slack.model import AppConfig, Refusal
from tests.fakes.slack.oauth_methods import agree
from tests.fakes.slack.pressing import Pressing
from tests.fakes.slack.rates import Rates
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.world import World

_MOST_BYTES = 64 * 1024 * 1024


class LocalSlack(Pressing):
    """The server.

    Args:
        clock: Its time: lives of streams, triggers and tokens, windows of rates, waits between retries.
        tiers: False answers calls however many there are.
        history_limited: True for an app outside the Marketplace: one read of history a minute, 15 objects.
        app: How the app is set up at Slack.

    Attributes:
        world: What there is. Two workspaces, ``north`` and ``south``, and an organisation ``grid`` with ``east`` and
            ``west``; each workspace has people and a channel; the app is installed nowhere yet.
        faults: What goes wrong.
        api: The log of calls.
        rates: Who was refused for calling too often.
        sockets: Socket Mode, used while `AppConfig.request_url` is empty.
        consenting: Who agrees when a browser opens the page of an installation.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        tiers: bool = True,
        history_limited: bool = False,
        app: AppConfig | None = None,
    ) -> None:
        world = World(clock or SystemClock(), app or AppConfig(), limits_history=history_limited)
        self.faults = Faults()
        self.rates = Rates(world, enforced=tiers)
        api = WebApi(world, self.rates, self.faults)
        self.sockets = Sockets(world)
        delivering = Delivering(world, self.sockets)
        events = Events(world, delivering)
        answering = Answering(world, self.faults, api)
        super().__init__(world, api, events, delivering, answering)
        world.announce = events.announce
        self._files = FileRoutes(self.world, self.faults, self.api)
        self._runner: web.AppRunner | None = None
        self._found()

    @property
    def authorize_url(self) -> str:
        """The address of the page of an installation."""
        return f"{self.world.base}/oauth/v2/authorize"

    @property
    def api_url(self) -> str:
        """The ``base_url`` of slack_sdk's clients."""
        return f"{self.world.base}/api/"

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/api/{method}", self.api.answer)
        app.router.add_post("/upload/v1/{ticket}", self._files.upload)
        app.router.add_post("/response/{key}", self._answering.serve)
        app.router.add_get("/link/", self.sockets.serve)
        app.router.add_get("/oauth/v2/authorize", self._authorize)
        app.router.add_get("/files-pri/{owner}/{name:.+}", self._files.download)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.world.base = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening; what hangs ends."""
        self.faults.released.set()
        await self.delivering.stop()
        await self.sockets.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        """Show the page of an installation: its person agrees at once and goes on."""
        try:
            url = agree(self.world, str(request.url), self.consenting, self.world.teams[self.consenting.team_id])
        except Refusal as refusal:
            return web.Response(status=400, text=refusal.error)
        return web.Response(status=302, headers={"Location": url})

    def _found(self) -> None:
        world = self.world
        self.north, self.south = world.add_team("north"), world.add_team("south")
        self.grid = world.add_enterprise("grid")
        self.east, self.west = world.add_team("east", self.grid), world.add_team("west", self.grid)
        self.ann = world.add_person(self.north, "ann", is_admin=True, is_owner=True)
        self.ben = world.add_person(self.north, "ben")
        self.gil = world.add_person(self.north, "gil", is_restricted=True)
        self.sue = world.add_person(self.south, "sue", is_admin=True)
        self.eve = world.add_person(self.east, "eve", is_admin=True)
        self.wes = world.add_person(self.west, "wes")
        self.consenting = self.ann
        self.general = world.add_channel(self.north, "general", [self.ann, self.ben, self.gil])
        self.southern = world.add_channel(self.south, "southern", [self.sue])
        self.eastern = world.add_channel(self.east, "eastern", [self.eve])
        self.western = world.add_channel(self.west, "western", [self.wes])
