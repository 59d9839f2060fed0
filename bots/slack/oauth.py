"""Installing the app by OAuth: slack_bolt's flow with our stores, our pages, and nothing secret in the logs."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bots.slack.api import as_our_error
from bots.slack.install_pages import HEADERS, failure_page, success_page
from bots.slack.installations import CAME_BACK, STATE_SECONDS, SlackInstallations, SlackStates
from bots.slack.tenants import tenant_of, workspace_id_of
from core.clock import Clock
from core.errors import AtelierError, TransientError
from core.orchestration.ports import PostRefused
from core.workspaces.installations import Secret

_log = structlog.get_logger(__name__)
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
_TRIES_TO_KNOW = 2
_TEAM = re.compile(r"[TE][A-Z0-9]{2,20}")
_REASON_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Arrival:
    """The app came somewhere, or came back.

    Attributes:
        workspace_id: Who will pay.
        tenant: Slack's id of the team or organisation.
        name: What people call it.
        installer: Slack's id of who installed.
        app_id: Slack's id of the app.
        came_back: Whether it had been there before, and was taken out.
    """

    workspace_id: str
    tenant: str
    name: str
    installer: str
    app_id: str
    came_back: bool = False


Installed = Callable[[Arrival], Awaitable[None]]
"""Called once an installation is committed; an `AtelierError` of it is logged and does not undo anything."""


class OAuthFlow(AsyncOAuthFlow):
    """See slack_bolt's class.

    Args:
        client: Calls Slack; it needs no token.
        client_id: Which app this is.
        client_secret: What proves it.
        scopes: What the app asks for.
        installations: Keeps what comes of it.
        states: Keeps what was begun.
        clock: The time.
        public_url: Where people reach us.
        authorize_url: Slack's page, empty for its own address.
        installed: See `Installed`.
    """

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        client_id: str,
        client_secret: Secret,
        scopes: Sequence[str],
        installations: SlackInstallations,
        states: SlackStates,
        clock: Clock,
        public_url: str,
        authorize_url: str = "",
        installed: Installed | None = None,
    ) -> None:
        settings = AsyncOAuthSettings(
            client_id=client_id,
            client_secret=client_secret.reveal(),
            scopes=list(scopes),
            user_scopes=[],  # None would make bolt look into the environment, here and below
            redirect_uri=f"{public_url.rstrip('/')}{REDIRECT_PATH}",
            install_path=INSTALL_PATH,
            redirect_uri_path=REDIRECT_PATH,
            install_page_rendering_enabled=False,  # who comes here has pressed a button already
            callback_options=AsyncCallbackOptions(success=self._succeed, failure=self._fail),
            authorization_url=authorize_url or None,
            installation_store=installations,
            installation_store_bot_only=True,
            state_store=states,
            state_expiration_seconds=STATE_SECONDS,
        )
        super().__init__(client=client, settings=settings)
        self._clock = clock
        self._installed = installed

    @override
    async def handle_installation(self, request: AsyncBoltRequest) -> BoltResponse:
        try:
            response: BoltResponse = await super().handle_installation(request)
        except TransientError as error:
            _log.warning("slack_install_not_begun", error=str(error))
            return self._page(503, failure_page("storage_error", install_path=INSTALL_PATH))
        return response

    @override
    async def build_authorize_url(self, state: str, request: AsyncBoltRequest) -> str:
        """Return Slack's page; a link to us may name the team that it is for, and nothing else."""
        team = next(iter(request.query.get("team") or ()), "")
        url: str = self.settings.authorize_url_generator.generate(state, team if _TEAM.fullmatch(team) else None)
        return url

    @override
    async def handle_callback(self, request: AsyncBoltRequest) -> BoltResponse:
        try:
            response: BoltResponse = await super().handle_callback(request)
        except PostRefused as refusal:
            _log.warning("slack_install_refused", reason=refusal.reason)
            return self._failed(400, refusal.reason)
        except _SlackIsAway as error:
            _log.warning("slack_install_failed", error=str(error))
            return self._failed(503, "unreachable")
        except TransientError as error:
            _log.error("slack_install_not_kept", error=str(error))
            return self._failed(503, "storage_error")
        return response

    @override
    async def run_installation(self, code: str) -> Installation:
        """Return what Slack gives for *code*.

        Raises:
            PostRefused: If it gives nothing.
            TransientError: If it does not answer.
        """
        asked_at = int(self._clock.now().timestamp())
        try:
            answer: Any = await self.client.oauth_v2_access(
                code=code,
                client_id=self.settings.client_id,
                client_secret=self.settings.client_secret,
                redirect_uri=self.settings.redirect_uri,
            )
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            mapped = as_our_error(error, posts=False)
            if isinstance(mapped, TransientError):
                raise _SlackIsAway(str(mapped)) from None
            raise mapped from None  # what was sent, the code and our secret, stays out of tracebacks
        token = answer.get("access_token")
        if not token:
            raise PostRefused("no_token")
        team, enterprise = answer.get("team") or {}, answer.get("enterprise") or {}
        identity = await self._identity(token)
        lives = answer.get("expires_in")
        return Installation(
            app_id=answer.get("app_id"),
            enterprise_id=enterprise.get("id"),
            enterprise_name=enterprise.get("name"),
            enterprise_url=identity.get("url") if answer.get("is_enterprise_install") else None,
            team_id=team.get("id"),
            team_name=team.get("name"),
            bot_token=token,
            bot_id=identity.get("bot_id"),
            bot_user_id=answer.get("bot_user_id"),
            bot_scopes=answer.get("scope") or "",
            bot_refresh_token=answer.get("refresh_token"),
            bot_token_expires_at=asked_at + int(lives) if lives else None,
            user_id=(answer.get("authed_user") or {}).get("id") or "",
            is_enterprise_install=bool(answer.get("is_enterprise_install")),
            token_type=answer.get("token_type"),
        )

    async def _identity(self, token: str) -> dict[str, Any]:
        """Return what ``auth.test`` knows, or nothing: a token that was given is kept whatever happens next."""
        for _ in range(_TRIES_TO_KNOW):
            try:
                answer = await self.client.auth_test(token=token)
            except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
                _log.info("slack_token_not_tested", error=type(error).__name__)
            else:
                return dict(answer.data) if isinstance(answer.data, dict) else {}
        return {}

    async def _succeed(self, args: AsyncSuccessArgs) -> BoltResponse:
        installation = args.installation
        arrival = _arrival(installation)
        _log.info("slack_installed", workspace_id=arrival.workspace_id)
        if self._installed is not None:
            try:
                await self._installed(arrival)
            except AtelierError as error:
                _log.warning("slack_welcome_failed", workspace_id=arrival.workspace_id, error=str(error))
        page = success_page(
            name=arrival.name,
            team_id=installation.team_id or "",
            app_id=arrival.app_id,
            enterprise_url=installation.enterprise_url or "",
        )
        return self._page(200, page)

    async def _fail(self, args: AsyncFailureArgs) -> BoltResponse:
        _log.info("slack_install_failed", reason=args.reason[:_REASON_CHARACTERS])
        return self._failed(args.suggested_status_code, args.reason)

    def _failed(self, status: int, reason: str) -> BoltResponse:
        return self._page(status, failure_page(reason, install_path=INSTALL_PATH))

    def _page(self, status: int, body: str) -> BoltResponse:
        cookie = self.settings.state_utils.build_set_cookie_for_deletion()
        return BoltResponse(status=status, body=body, headers={**HEADERS, "Set-Cookie": cookie})


class _SlackIsAway(TransientError):
    """Slack did not answer; the database would have."""


def _arrival(installation: Installation) -> Arrival:
    tenant = tenant_of(installation.enterprise_id, installation.team_id, is_org=installation.is_enterprise_install)
    name = installation.enterprise_name if installation.is_enterprise_install else installation.team_name
    return Arrival(
        workspace_id=workspace_id_of(tenant),
        tenant=tenant,
        name=name or "",
        installer=installation.user_id,
        app_id=installation.app_id or "",
        came_back=bool(installation.get_custom_value(CAME_BACK)),
    )
