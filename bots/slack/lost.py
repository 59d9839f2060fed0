"""A token that Slack refuses though nobody said so: asked about once more, then treated as the event that never came."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from typing import Any, Protocol

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.desk.requests import Request
from bots.slack.api import as_our_error
from bots.slack.credentials import Credential, CredentialSource
from bots.slack.happenings import lost_token
from bots.slack.memory import Flights
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import NotInstalled

_log = structlog.get_logger(__name__)


class Taking(Protocol):
    """What `bots.desk.inbox.Inbox.take` does here."""

    def __call__(self, request: Request, *, source: str, keys: Sequence[str]) -> Coroutine[Any, Any, bool]:
        """See there."""
        ...


class LostTokens:
    """See `bots.slack.api.Gone`.

    Args:
        credentials: The app's tokens.
        clock: The time.
        refresh: Forgets what this process remembers of a team's token, which another one may have replaced.
    """

    def __init__(self, credentials: CredentialSource, clock: Clock, *, refresh: Callable[[str], None]) -> None:
        self._credentials = credentials
        self._clock = clock
        self._refresh = refresh
        self._flights: Flights[str, bool] = Flights()
        self._take: Taking | None = None

    def hand_to(self, take: Taking) -> None:
        """Have departures stored by *take*; without it they are only said in the log."""
        self._take = take

    async def __call__(self, team: str, client: AsyncWebClient, reason: str) -> bool:
        """Return whether the app is gone: Slack refuses the token that is in use now, and again when asked about it.

        Raises:
            TransientError: If nobody can tell.
        """
        if not team:
            raise TransientError(f"Slack: {reason}")
        self._refresh(team)
        credential = await self._credentials.find(team)
        if credential is None:
            return True
        token = client.token or ""
        if credential.token.reveal() != token:
            return False
        return await self._flights.share(token, lambda: self._ask(credential, client))

    async def aclose(self) -> None:
        """Finish what is being asked."""
        await self._flights.aclose()

    async def _ask(self, credential: Credential, client: AsyncWebClient) -> bool:
        try:
            await client.auth_test()
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            refusal = as_our_error(error, posts=False)
        else:
            return False
        if not isinstance(refusal, NotInstalled):
            # `token_expired` is a renewal that is late, and `invalid_auth` is also what an address outside Slack's list
            # for the app hears, for every workspace at once: neither is a reason to forget anybody.
            raise TransientError("nobody can tell whether the token lives") from refusal
        tenant = credential.tenant
        _log.warning("slack_token_lost", tenant=tenant, reason=refusal.reason)
        if self._take is not None:
            found = lost_token(
                tenant, installed_at=credential.installed_at, now=self._clock.now(), reason=refusal.reason
            )
            taking = self._take(found.request, source=PLATFORM, keys=found.keys)
            # who finds out is mostly a session that is at work: what stops it must not run as a part of it
            await asyncio.create_task(taking, context=Context())
        return True
