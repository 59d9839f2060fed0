"""The one door to Slack's Web API: at Slack's pace, and with Slack's answers as our errors."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.pacing import Pacer
from core.errors import AtelierError, TransientError
from core.orchestration.ports import NotInstalled, PostRefused, PostUncertain

T = TypeVar("T")
Clients = Callable[[str], Awaitable[AsyncWebClient]]
"""Gives the client of a team's installation (docs: a token a team); the team is empty where nobody knows it.

It is awaited, because tokens are read from the database and renewed. It raises `NotInstalled` with ``account_inactive``
for a team that has none. Its clients share one aiohttp session with a timeout, and have ``retry_handlers=[]``: the
SDK's default would send a post again after its answer was lost.
"""

Gone = Callable[[str, AsyncWebClient, str], Awaitable[bool]]
"""Told a team, the client whose token Slack refused and Slack's code: whether the app is gone. See `bots.slack.lost`."""

_HTTP_TOO_MANY = 429
_HTTP_SERVER = 500
_DEFAULT_RETRY_SECONDS = 5.0
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
_LATER = frozenset({"org_login_required", "service_unavailable", "team_added_to_org"})
_TOKEN_STALE = frozenset({"invalid_auth", "token_expired"})  # `Clients` gives a renewed one the next time
_TOKEN_DEAD = frozenset({"account_inactive", "app_uninstalled", "token_revoked"})
_UNSURE = frozenset({"internal_error", "fatal_error", "request_timeout"})
BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments"})
TOO_LONG = frozenset({"msg_too_long", "msg_blocks_too_long"})


class RateLimited(TransientError):
    """Slack answered 429."""


class TokenUnknown(TransientError):
    """Slack does not know the token: it may have been replaced a moment ago.

    Attributes:
        reason: Slack's code.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"Slack: {reason}")
        self.reason = reason


class SlackApi:
    """Calls Slack.

    Args:
        clients: See `Clients`.
        pacer: Slack's pace, one for all that this process does in Slack.
        gone: Asked when Slack refuses a token; without it Slack's first word holds.
    """

    def __init__(self, clients: Clients, pacer: Pacer, *, gone: Gone | None = None) -> None:
        self._clients = clients
        self._pacer = pacer
        self._gone = gone

    async def call(
        self,
        team: str,
        method: str,
        call: Callable[[AsyncWebClient], Awaitable[T]],
        *,
        channel: str = "",
        patient: bool = True,
        posts: bool = False,
    ) -> T:
        """Make one call and return its answer.

        Args:
            team: Whose installation.
            method: Whose budget it takes, such as ``chat.update``.
            call: Makes it.
            channel: Where it posts.
            patient: See `bots.slack.pacing.Pacer.call`.
            posts: Whether a repeat would be seen: then a lost answer is `PostUncertain`.

        Raises:
            NoRoom, TransientError: It did not happen; later it may. A call that may be repeated raises
                `TransientError` for a lost answer, too.
            PostRefused: Slack says no; the reason is Slack's code. `NotInstalled` where the app is gone.
            PostUncertain: It may have happened.
        """
        client = await self._clients(team)
        async with self._pacer.call(team, method, channel, patient=patient):
            try:
                return await call(client)
            except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
                mapped = as_our_error(error, posts=posts)
        if isinstance(mapped, RateLimited):
            await self._pacer.close(team, method, channel, mapped.retry_after_seconds or _DEFAULT_RETRY_SECONDS)
        if self._gone is not None and isinstance(mapped, NotInstalled | TokenUnknown):
            if await self._gone(team, client, mapped.reason):
                raise NotInstalled(mapped.reason) from mapped
            raise TransientError(f"Slack: {mapped.reason}, of a token that lives") from mapped
        raise mapped


def as_our_error(error: Exception, *, posts: bool) -> AtelierError:
    """Return what *error* means for a call; *posts* as in `SlackApi.call`."""
    unsure = PostUncertain if posts else TransientError
    found: AtelierError
    if isinstance(error, SlackApiError):
        found = _of_answer(error, unsure)
    elif isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        found = TransientError("Slack cannot be reached")
    else:
        found = unsure(f"Slack's answer was lost: {type(error).__name__}")
    found.__cause__ = error
    return found


def _of_answer(error: SlackApiError, unsure: type[TransientError]) -> AtelierError:
    response: Any = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", response)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == _HTTP_TOO_MANY or code in _RATE_LIMITED:
        return RateLimited("Slack asks for patience", retry_after_seconds=_retry_after(response))
    if code in _LATER:
        return TransientError(f"Slack: {code}")
    if code in _TOKEN_STALE:
        return TokenUnknown(code)
    if code in _TOKEN_DEAD:
        return NotInstalled(code)
    if not code or code in _UNSURE or status >= _HTTP_SERVER:
        return unsure(f"Slack answered {code or status}")
    return PostRefused(code)


def _retry_after(response: Any) -> float:
    headers = getattr(response, "headers", None) or {}
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    text = found[0] if isinstance(found, list) else found
    try:
        return max(float(text), 0.0) if text is not None else _DEFAULT_RETRY_SECONDS
    except ValueError:
        return _DEFAULT_RETRY_SECONDS
