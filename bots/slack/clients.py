"""slack_sdk's clients: one a team, all on one set of connections, and none that sends anything twice by itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.api import as_our_error
from bots.slack.credentials import Credential, CredentialSource
from bots.slack.memory import Recent
from bots.slack.tenants import workspace_id_of
from core.orchestration.ports import NotInstalled
from core.workspaces.installations import Secret

_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_NOT_INSTALLED = "account_inactive"


class Workspaces(CredentialSource, Protocol):
    """Both a `CredentialSource` and the `bots.slack.api.Clients` that go with it."""

    async def __call__(self, team: str) -> AsyncWebClient:
        """See `bots.slack.api.Clients`."""
        ...


def open_session(*, seconds: float = _SECONDS) -> aiohttp.ClientSession:
    """Return the connections that all calls to Slack share; whoever opens them closes them.

    slack_sdk's own timeout holds only for connections that it opens itself.
    """
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS))


def web_client(session: aiohttp.ClientSession, *, base_url: str = "", token: Secret | None = None) -> AsyncWebClient:
    """Return a client; *base_url* is empty for Slack's own address."""
    # at its default level the SDK writes down every request, refresh tokens and people's texts included; and a logger
    # without a level makes it spell them out each time though nobody listens
    quiet = logging.getLogger(__name__)
    quiet.setLevel(logging.WARNING)
    return AsyncWebClient(
        token=token.reveal() if token else None,
        base_url=base_url or AsyncWebClient.BASE_URL,
        session=session,
        retry_handlers=[],  # empty, not None: the default would post again after a lost answer
        logger=quiet,
    )


class ManyWorkspaces:
    """See `Workspaces`: the teams and organisations that installed the app by OAuth.

    Args:
        credentials: Their tokens.
        session: See `open_session`.
        base_url: Of the Web API, empty for Slack's own.
    """

    def __init__(self, credentials: CredentialSource, session: aiohttp.ClientSession, *, base_url: str = "") -> None:
        self._credentials = credentials
        self._session = session
        self._base_url = base_url
        self._clients: Recent[Secret, AsyncWebClient] = Recent()

    async def __call__(self, team: str) -> AsyncWebClient:
        credential = await self.find(team)
        if credential is None:
            raise NotInstalled(_NOT_INSTALLED)
        client = self._clients.get(credential.token)
        if client is None:
            client = web_client(self._session, base_url=self._base_url, token=credential.token)
            self._clients.keep(credential.token, client)
        return client

    async def find(self, team: str, enterprise: str = "", *, is_org: bool = False) -> Credential | None:
        return await self._credentials.find(team, enterprise, is_org=is_org)

    async def remember(self, team: str, credential: Credential) -> None:
        await self._credentials.remember(team, credential)


class OneWorkspace:
    """See `Workspaces`: one team, by the token that the operator wrote into the settings.

    Slack is asked once whose token it is, so that what belongs to another team is never done with it.

    Args:
        token: The app's token.
        session: See `open_session`.
        base_url: Of the Web API, empty for Slack's own.
        answered: Told the tenant for which Slack takes the token, each time that it was asked.
    """

    def __init__(
        self,
        token: Secret,
        session: aiohttp.ClientSession,
        *,
        base_url: str = "",
        answered: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._token = token
        self._client = web_client(session, base_url=base_url, token=token)
        self._known: Credential | None = None
        self._asking = asyncio.Lock()
        self._answered = answered

    async def __call__(self, team: str) -> AsyncWebClient:
        if await self.find(team) is None:
            raise NotInstalled(_NOT_INSTALLED)
        return self._client

    async def find(self, team: str, enterprise: str = "", *, is_org: bool = False) -> Credential | None:
        """See `CredentialSource`; without a team, the one there is.

        Raises:
            PostRefused: If Slack does not know the token.
        """
        known = await self._whose()
        asked = {enterprise} if is_org else {team or enterprise}
        return known if asked <= {"", known.tenant} else None

    async def remember(self, team: str, credential: Credential) -> None:
        """Nothing: a token from the settings is one team's."""

    def drop(self, tenant: str) -> None:
        """Ask Slack again before anything more is done with the token."""
        if self._known is not None and self._known.tenant == tenant:
            self._known = None

    async def _whose(self) -> Credential:
        async with self._asking:
            if self._known is None:
                known = self._credential(await self._identity())
                if self._answered is not None:
                    await self._answered(known.tenant)
                self._known = known
            return self._known

    async def _identity(self) -> dict[str, Any]:
        try:
            answer = await self._client.auth_test()
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise as_our_error(error, posts=False) from error
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def _credential(self, identity: dict[str, Any]) -> Credential:
        tenant = str(identity.get("team_id") or "")
        return Credential(
            tenant=tenant,
            workspace_id=workspace_id_of(tenant),
            token=self._token,
            enterprise_id=str(identity.get("enterprise_id") or ""),
            team_id=tenant,
            bot_id=str(identity.get("bot_id") or ""),
            bot_user_id=str(identity.get("user_id") or ""),
        )
