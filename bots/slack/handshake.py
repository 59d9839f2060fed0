"""First calls with a token: here a no is final, where elsewhere a renewed token may make it a yes."""

from collections.abc import Awaitable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.api import as_our_error
from core.orchestration.ports import PostRefused
from core.workspaces.installations import Secret

_NO = frozenset({"invalid_auth", "token_expired"})


async def first_answer(call: Awaitable[Any]) -> Any:
    """Return what Slack answers.

    Raises:
        PostRefused: If it says no; the reason is its code.
        TransientError: If it cannot be reached.
    """
    try:
        return await call
    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
        answer = error.response.data if isinstance(error, SlackApiError) else {}
        code = str(answer.get("error", "")) if isinstance(answer, dict) else ""  # of a bare 500 it is a text
        raise (PostRefused(code) if code in _NO else as_our_error(error, posts=False)) from error


async def socket_address(client: AsyncWebClient, token: Secret) -> str:
    """Return where a socket may be opened; raises as `first_answer`."""
    answer = await first_answer(client.apps_connections_open(app_token=token.reveal()))
    return str(answer["url"])
