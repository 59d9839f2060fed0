"""The app as many workspaces install it: slack_bolt with our stores, in front of a local Slack."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_bolt.async_app import AsyncApp

from bots.slack.authorize import Authorize, tenant_in
from bots.slack.clients import ManyWorkspaces, open_session, web_client
from bots.slack.credentials import Credentials
from bots.slack.installations import SlackInstallations, SlackStates
from bots.slack.leaving import LEAVING, Forgotten, decode_departure, forget
from bots.slack.oauth import Arrival, OAuthFlow
from bots.slack.renewal import Renewal
from core.sessions.model import Session
from core.sessions.ports import Store
from core.workspaces.installations import Cipher, Secret
from storage.secrets import SecretBox, generate_key
from tests.bots.views.samples import SESSION
from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Enterprise, Person, Team
from tests.fakes_slack.bolt import served

SCOPES = ("chat:write", "commands", "app_mentions:read", "channels:history")
PUBLIC_URL = "https://atelier.test"


class Stops:
    """Stands for the session service: remembers what was stopped."""

    def __init__(self) -> None:
        self.stopped: list[tuple[str, str]] = []
        self.error: Exception | None = None

    async def stop(self, session_id: str, *, actor: str) -> Session:
        self.stopped.append((session_id, actor))
        if self.error is not None:
            raise self.error
        return SESSION


@dataclass(frozen=True)
class Page:
    """What a browser was shown."""

    status: int
    text: str
    location: str
    cookie: str
    headers: dict[str, str]


class Process:
    """One process of ours: it shares with others nothing but the database."""

    def __init__(self, slack: LocalSlack, store: Store, clock: FakeClock, cipher: Cipher) -> None:
        self.session = open_session(seconds=5)
        self.client = web_client(self.session, base_url=slack.api_url)
        secret = Secret(slack.world.app.client_secret)
        renewal = Renewal(store, cipher, clock, self.client, client_id=slack.world.app.client_id, client_secret=secret)
        self.credentials = Credentials(store, cipher, clock, renewal)
        self.workspaces = ManyWorkspaces(self.credentials, self.session, base_url=slack.api_url)
        self.authorize = Authorize(self.workspaces)

    def drop(self, tenant: str) -> None:
        """Forget what is remembered of a tenant."""
        self.credentials.drop(tenant)
        self.authorize.drop(tenant)

    async def aclose(self) -> None:
        await self.credentials.aclose()
        await self.session.close()


@dataclass
class House:
    """Everything that a test touches.

    Attributes:
        welcome: Raised by the hook of an installation.
        seen: Whose each request was.
        asked: The texts of commands that arrived.
    """

    slack: LocalSlack
    store: Store
    clock: FakeClock
    cipher: Cipher
    process: Process
    stops: Stops = field(default_factory=Stops)
    arrivals: list[Arrival] = field(default_factory=list)
    welcome: Exception | None = None
    seen: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    forgotten: list[Forgotten] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.installations = SlackInstallations(self.store, self.cipher, self.clock, changed=self.process.drop)
        self.states = SlackStates(self.store, self.clock)
        app = self.slack.world.app
        self.flow = OAuthFlow(
            client=self.process.client,
            client_id=app.client_id,
            client_secret=Secret(app.client_secret),
            scopes=SCOPES,
            installations=self.installations,
            states=self.states,
            clock=self.clock,
            public_url=PUBLIC_URL,
            authorize_url=self.slack.authorize_url,
            installed=self._installed,
        )
        authorize: Any = self.process.authorize  # bolt's annotation forgets its own class
        self.app = AsyncApp(
            client=self.process.client,
            signing_secret=app.signing_secret,
            authorize=authorize,
            oauth_flow=self.flow,
            process_before_response=True,
        )
        listen: Any = self.app
        for kind in LEAVING:
            listen.event(kind)(self._on_leaving)
        listen.event("app_mention")(self._on_mention)
        listen.command("/atelier")(self._on_command)

    async def _installed(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        if self.welcome is not None:
            raise self.welcome

    async def _on_leaving(self, body: dict[str, Any]) -> None:
        departure = decode_departure(body)
        assert departure is not None
        done = await forget(
            departure, store=self.store, sessions=self.stops, clock=self.clock, changed=self.process.drop
        )
        self.forgotten.append(done)

    async def _on_mention(self, context: Any, event: dict[str, Any]) -> None:
        self.seen.append(tenant_in(context))
        self.asked.append(event["text"])

    async def _on_command(self, ack: Any, context: Any, body: dict[str, Any]) -> None:
        self.seen.append(tenant_in(context))
        self.asked.append(body["text"])
        await ack("Reading")

    async def get(self, path: str, cookie: str = "") -> Page:
        """Open a page of ours."""
        base = self.slack.world.app.request_url.removesuffix("/slack/events")
        headers = {"Cookie": cookie} if cookie else {}
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(f"{base}{path}", headers=headers, allow_redirects=False) as answer,
        ):
            return Page(
                status=answer.status,
                text=await answer.text(),
                location=answer.headers.get("Location", ""),
                cookie=answer.headers.get("Set-Cookie", ""),
                headers=dict(answer.headers),
            )

    async def begin(self, person: Person, where: Team | Enterprise) -> tuple[str, str]:
        """Go to Slack's page and agree there; return where the browser is led, and its cookie."""
        start = await self.get("/slack/install")
        back = urlsplit(self.slack.agree(start.location, person, where))
        return f"{back.path}?{back.query}", start.cookie.partition(";")[0]

    async def install(self, person: Person, where: Team | Enterprise) -> Page:
        """Install the app and return the last page."""
        path, cookie = await self.begin(person, where)
        return await self.get(path, cookie)


@asynccontextmanager
async def house(store: Store, clock: FakeClock | None = None, *, rotates: bool = False) -> AsyncIterator[House]:
    """Open the house; at the end nothing was sent that no Slack would understand."""
    clock = clock or FakeClock(auto=True)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(LocalSlack(clock, tiers=False))
        slack.world.app.rotates_tokens = rotates
        cipher = SecretBox([generate_key()])
        process = await stack.enter_async_context(aclosing(Process(slack, store, clock, cipher)))
        opened = House(slack, store, clock, cipher, process)
        await stack.enter_async_context(served(slack, opened.app))
        yield opened
        assert slack.api.problems == []
