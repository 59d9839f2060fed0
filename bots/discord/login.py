"""A client that only speaks REST: a worker posts with the bot's token and needs no gateway."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import discord
import structlog

from bots.discord import limits
from bots.discord.invalid import InvalidRequests
from core.errors import TransientError

_log = structlog.get_logger(__name__)
Connect = Callable[[], Awaitable[discord.Client]]
"""Gives a client that is logged in. It raises `TransientError` while Discord does not let us in."""


def use_api(url: str) -> None:
    """Let the library speak to *url* (``.../api/v10``) instead of Discord: for development and tests."""
    discord.http.Route.BASE = url.rstrip("/")


class RestLogin:
    """Logs in when something is to be sent, so that a worker starts while Discord is away.

    Args:
        token: The bot's.
        invalid: Counts the answers that Discord counts.
    """

    def __init__(self, token: str, *, invalid: InvalidRequests) -> None:
        self._token = token
        self._invalid = invalid
        self._client: discord.Client | None = None
        self._lock = asyncio.Lock()

    async def client(self) -> discord.Client:
        """Return the client: see `Connect`."""
        async with self._lock:
            if self._client is None:
                self._client = await self._log_in()
            return self._client

    async def aclose(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _log_in(self) -> discord.Client:
        client = discord.Client(
            intents=discord.Intents(guilds=True),  # without a gateway nothing comes, and the library would warn
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=limits.WAIT_SECONDS,
            max_messages=None,
            http_trace=self._invalid.trace(),
        )
        try:
            async with asyncio.timeout(limits.CALL_SECONDS):
                await client.login(self._token)
        except discord.LoginFailure as error:
            await client.close()
            self._invalid.stop(limits.TOKEN_SECONDS)
            _log.error("discord_token_refused")
            raise TransientError("Discord knows no such token", retry_after_seconds=limits.TOKEN_SECONDS) from error
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
            await client.close()
            raise TransientError(f"Discord does not let us in: {type(error).__name__}") from error
        except TransientError:
            await client.close()
            raise
        return client
