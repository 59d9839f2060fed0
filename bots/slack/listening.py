"""What listens to Slack: one app for HTTP and Socket Mode alike."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from bots.desk.barred import BarredPlaces
from bots.desk.closing import Closing
from bots.desk.desk import Desk
from bots.desk.requests import Actor
from bots.settings import Settings
from bots.slack.api import SlackApi
from bots.slack.arrivals import Arrivals
from bots.slack.assembly import SlackSide
from bots.slack.barred import REFUSALS
from bots.slack.catching_up import CatchingUp
from bots.slack.events import Listeners, make_slack_app
from bots.slack.happenings import slack_happenings
from bots.slack.http import slack_routes
from bots.slack.installations import SlackInstallations, SlackStates
from bots.slack.manifest import SCOPES
from bots.slack.oauth import Arrival, OAuthFlow
from bots.slack.pacing import Pacer
from bots.slack.socket import SlackSocket
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.sessions.ports import Store
from core.sessions.service import SessionService
from core.workspaces.installations import Secret
from core.workspaces.model import Workspace


@dataclass(frozen=True, slots=True)
class SlackEars:
    """What listens to Slack: one app for HTTP and Socket Mode alike."""

    app: AsyncApp
    flow: OAuthFlow | None

    side: SlackSide
    clock: Clock

    def routes(self) -> list[web.RouteDef]:
        """Return Slack's routes of the web server."""
        return slack_routes(self.app, self.flow)

    async def connect(self, app_token: str) -> SlackSocket:
        """Return the connection of Socket Mode, made; close it before the rest.

        Raises:
            PostRefused: If Slack does not take the token; the reason is Slack's code.
            TransientError: If Slack cannot be reached.
        """
        socket = SlackSocket(self.app, Secret(app_token), self.side.client, self.clock)
        await socket.start()
        return socket


def listen_to_slack(
    side: SlackSide, settings: Settings, desk: Desk, *, store: Store, sessions: SessionService, clock: Clock
) -> SlackEars:
    """Return the app with all its listeners; the desk learns what to do about what happens in Slack."""
    closing = Closing(PLATFORM, store=store, sessions=sessions, door=side.door, inbox=desk.inbox)
    desk.happenings |= closing.happenings
    desk.happenings |= slack_happenings(store=store, sessions=sessions, clock=clock, closing=closing, changed=side.drop)
    take = desk.inbox.take
    desk.happenings |= BarredPlaces(REFUSALS, store=store, closing=closing, door=side.door, take=take).happenings
    side.lost.hand_to(take)
    side.chat.barred.hand_to(take)
    flow = _oauth_flow(side, settings, desk, store=store, clock=clock)
    secret = settings.slack_signing_secret
    missed = CatchingUp(
        SlackApi(side.workspaces, Pacer(clock, store=store), gone=side.lost),
        side.workspaces,
        store=store,
        clock=clock,
        errands=side.errands,
        hear=Listeners(desk, side.door, side.errands).hear,
    )
    app = make_slack_app(
        desk,
        side.door,
        authorize=side.authorize,
        client=side.client,
        signing_secret=secret.get_secret_value() if secret is not None else "",
        errands=side.errands,
        oauth_flow=flow,
        arrivals=Arrivals(store, clock, side.errands, missed=missed.begin),
    )
    return SlackEars(app, flow, side, clock)


def _oauth_flow(side: SlackSide, settings: Settings, desk: Desk, *, store: Store, clock: Clock) -> OAuthFlow | None:
    secret = settings.slack_client_secret
    if side.cipher is None or secret is None:
        return None
    return OAuthFlow(
        client=side.client,
        client_id=settings.slack_client_id,
        client_secret=Secret(secret.get_secret_value()),
        scopes=SCOPES,
        installations=SlackInstallations(store, side.cipher, clock, changed=side.drop),
        states=SlackStates(store, clock),
        clock=clock,
        public_url=settings.public_url,
        authorize_url=settings.slack_authorize_url,
        installed=_welcome(desk, clock),
    )


def _welcome(desk: Desk, clock: Clock) -> Callable[[Arrival], Awaitable[None]]:
    async def installed(arrival: Arrival) -> None:
        workspace = Workspace(arrival.workspace_id, "slack", arrival.name, clock.now())
        installer = Actor(arrival.workspace_id, arrival.installer)
        await desk.installed(workspace, installer, came_back=arrival.came_back)

    return installed
