"""Bolt's question for every request, answered from memory: whose is it, and with which token is it answered?"""

import asyncio

import aiohttp
import structlog
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bots.slack.credentials import Credential, CredentialSource
from bots.slack.memory import Flights, Recent
from bots.slack.tenants import tenant_of
from core.orchestration.ports import PostRefused
from core.workspaces.installations import Secret

_log = structlog.get_logger(__name__)
_KEY = "atelier_credential"
_SECONDS = 1.5  # Slack waits three for the whole request
_DEAD = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})


class Authorize(AsyncAuthorize):
    """See slack_bolt's class: one ``auth.test`` a token, kept until the token changes.

    Slack has signed the request and the installation says who we are, so a Slack that is slow to answer keeps nobody
    out: only a clear no does.

    Args:
        credentials: The app's tokens.
    """

    def __init__(self, credentials: CredentialSource) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bolt's
        self._credentials = credentials
        self._known = Recent[Secret, tuple[str, AuthorizeResult]]()
        self._flights = Flights[Secret, AuthorizeResult | None]()

    @override
    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,
        actor_team_id: str | None = None,
        actor_user_id: str | None = None,
    ) -> AuthorizeResult | None:
        is_org = bool(context.is_enterprise_install)
        try:
            credential = await self._credentials.find(team_id or "", enterprise_id or "", is_org=is_org)
        except PostRefused as refusal:
            _log.warning("slack_token_refused", reason=refusal.reason)
            return None
        if credential is None:
            return None
        if team_id:
            await self._credentials.remember(team_id, credential)
        context[_KEY] = credential
        known = self._known.get(credential.token)
        if known is not None:
            return known[1]
        return await self._flights.share(credential.token, lambda: self._ask(credential, context.client))

    def drop(self, *tenants: str) -> None:
        """Forget those whose installation changed or ended."""
        self._known.drop_where(lambda _, known: known[0] in tenants)

    async def _ask(self, credential: Credential, client: AsyncWebClient) -> AuthorizeResult | None:
        token = credential.token.reveal()
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await client.auth_test(token=token)
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            code = _code(error)
            if code in _DEAD:
                _log.warning("slack_token_refused", tenant=credential.tenant, reason=code)
                return None
            _log.info("slack_token_not_tested", tenant=credential.tenant, error=code or type(error).__name__)
            return _as_installed(credential)
        result = AuthorizeResult.from_auth_test_response(
            auth_test_response=answer, bot_token=token, bot_scopes=list(credential.scopes)
        )
        self._known.keep(credential.token, (credential.tenant, result))
        return result


def credential_in(context: AsyncBoltContext) -> Credential | None:
    """Return the credential that `Authorize` found for a request; None for events about a token that is gone."""
    found = context.get(_KEY)
    return found if isinstance(found, Credential) else None


def tenant_in(context: AsyncBoltContext) -> str:
    """Return whose installation a request is for, also when there is none any more."""
    credential = credential_in(context)
    if credential is not None:
        return credential.tenant
    return tenant_of(context.enterprise_id, context.team_id, is_org=context.is_enterprise_install)


def _code(error: Exception) -> str:
    data = getattr(error.response, "data", None) if isinstance(error, SlackApiError) else None
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def _as_installed(credential: Credential) -> AuthorizeResult:
    """Return what Slack said when the app was installed."""
    return AuthorizeResult(
        enterprise_id=credential.enterprise_id or None,
        team_id=credential.team_id or None,
        bot_user_id=credential.bot_user_id or None,
        bot_id=credential.bot_id or None,
        bot_token=credential.token.reveal(),
        bot_scopes=list(credential.scopes),
    )
