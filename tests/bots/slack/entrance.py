"""Slack's ear and its door with the real slack_bolt and slack_sdk, between a local Slack and a desk that remembers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.authorize import Authorize
from bots.slack.clients import open_session, web_client
from bots.slack.credentials import Credential
from bots.slack.door import SlackDoor
from bots.slack.errands import Errands
from bots.slack.events import make_slack_app
from bots.slack.http import slack_routes
from bots.slack.pacing import Pacer
from bots.slack.tenants import workspace_id_of
from core.orchestration.ports import PostRefused
from core.workspaces.installations import Secret
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.desk import FakeDesk
from tests.fakes.slack.limits import ALL_SCOPES
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant


@dataclass
class Grants:
    """See `bots.slack.clients.Workspaces`: the tokens that the local Slack gave, as our database would know them."""

    slack: LocalSlack
    http: aiohttp.ClientSession

    async def find(self, team: str, enterprise: str = "", *, is_org: bool = False) -> Credential | None:
        for grant in reversed(self.slack.world.grants.values()):
            if grant.kind == "bot" and not grant.is_revoked and self._answers(grant, team, enterprise, is_org=is_org):
                return Credential(
                    tenant=grant.owner,
                    workspace_id=workspace_id_of(grant.owner),
                    token=Secret(grant.token),
                    enterprise_id=grant.enterprise_id,
                    team_id=grant.team_id,
                    bot_id=grant.bot_id,
                    bot_user_id=grant.user_id,
                )
        return None

    async def remember(self, team: str, credential: Credential) -> None:
        return

    async def __call__(self, team: str) -> AsyncWebClient:
        credential = await self.find(team)
        if credential is None:
            raise PostRefused("account_inactive")
        return web_client(self.http, base_url=self.slack.api_url, token=credential.token)

    def _answers(self, grant: Grant, team: str, enterprise: str, *, is_org: bool) -> bool:
        if is_org or grant.owner == grant.enterprise_id:
            found = self.slack.world.teams.get(team)
            of_team = found.enterprise.id if found is not None and found.enterprise else ""
            return grant.owner in {team, enterprise, of_team}
        return grant.owner == team


@dataclass
class Entrance:
    """Everything that a test of what comes in touches."""

    slack: LocalSlack
    desk: FakeDesk
    door: SlackDoor
    app: AsyncApp
    grants: Grants
    clock: FakeClock
    files: MemoryFiles
    errands: Errands
    north: Grant
    noted: list[tuple[str, str]]

    async def settled(self) -> None:
        """Return when nothing is under way any more."""
        await self.desk.inbox.drain()
        await self.errands.drain()
        await self.door.drain()


@asynccontextmanager
async def entrance(*, over_http: bool = True, scopes: frozenset[str] = ALL_SCOPES) -> AsyncIterator[Entrance]:
    """Open the app in the workspace north; at the end nothing was sent that no Slack would understand."""
    clock = FakeClock(auto=True)
    async with LocalSlack(clock, tiers=False) as slack, open_session() as http:
        north = slack.world.install(slack.north, slack.ann, scopes)
        slack.general.members.add(north.user_id)
        grants = Grants(slack, http)
        desk, files, errands = FakeDesk(), MemoryFiles(), Errands()
        origin = slack.world.base
        noted: list[tuple[str, str]] = []

        async def note(request_id: str, key: str) -> None:
            noted.append((request_id, key))

        door = SlackDoor(
            grants,
            http,
            files=files,
            clock=clock,
            pacer=Pacer(clock),
            file_hosts={origin},
            max_bytes=1_000,
            note=note,
        )
        app = make_slack_app(
            desk,
            door,
            authorize=Authorize(grants),
            client=web_client(http, base_url=slack.api_url),
            signing_secret=slack.world.app.signing_secret,
            errands=errands,
        )
        opened = Entrance(slack, desk, door, app, grants, clock, files, errands, north, noted)
        runner = web.AppRunner(_serving(app), shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        if over_http:
            host, port = runner.addresses[0][:2]
            slack.world.app.request_url = f"http://{host}:{port}/slack/events"
        try:
            yield opened
            await opened.settled()
        finally:
            await errands.aclose()
            await door.aclose()
            await slack.delivering.stop()
            await runner.cleanup()
        assert slack.api.problems == []
        assert slack.mentions() == []


def _serving(app: AsyncApp) -> web.Application:
    served = web.Application()
    served.router.add_routes(slack_routes(app))
    return served
