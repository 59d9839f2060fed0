"""Who looks after the line to Discord: how often it may begin anew, and another client where one died.

Sessions do not run here. Whatever happens to the line, they go on; what was said meanwhile is looked up afterwards.
"""

import random
from collections import deque
from collections.abc import Callable

import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket

from bots.discord import limits
from bots.errors import BadSettings
from core.clock import Clock
from core.errors import TransientError

_log = structlog.get_logger(__name__)
_DAY_SECONDS = 86_400.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 300.0
_STEADY_SECONDS = 600.0
_NO_INTENT = (
    "DISCORD_MESSAGE_CONTENT is on, and Discord does not allow this app the message content intent: switch it on under "
    "Bot > Privileged Gateway Intents at discord.com/developers, or set DISCORD_MESSAGE_CONTENT=false. Without it, "
    "people steer by replies to the app's messages, by mentions, the Steer button and /atelier steer."
)
_NOT_KNOWN = "DISCORD_TOKEN is not a token that Discord knows: take a new one under Bot at discord.com/developers."


class IdentifyBudget:
    """Lets a process begin no more sessions at the gateway than leave room for others: Discord resets a token at 1,000.

    Args:
        clock: The time.
        most: How many in a day.
    """

    def __init__(self, clock: Clock, *, most: int = limits.IDENTIFIES_A_DAY) -> None:
        self._clock = clock
        self._most = most
        self._at: deque[float] = deque()

    async def admit(self) -> None:
        """Return when another session may be begun, and count it."""
        while True:
            now = self._clock.monotonic()
            while self._at and self._at[0] <= now - _DAY_SECONDS:
                self._at.popleft()
            if len(self._at) < self._most:
                break
            wait = self._at[0] + _DAY_SECONDS - now
            _log.error("discord_identify_budget_spent", seconds=wait)
            await self._clock.sleep(wait)
        self._at.append(now)


async def run_gateway(make_bot: Callable[[], discord.Client], *, token: str, clock: Clock) -> None:
    """Hear Discord until cancelled: a client that dies is followed by another one, later and later.

    Args:
        make_bot: Makes a client; each is used once.
        token: The bot's.
        clock: The time.

    Raises:
        BadSettings: If Discord does not let this app in, with what to change.
    """
    wait = _FIRST_WAIT_SECONDS
    while True:
        bot, began = make_bot(), clock.monotonic()
        least = 0.0
        try:
            async with bot:
                await bot.start(token)
        except discord.LoginFailure as error:
            raise BadSettings((_NOT_KNOWN,)) from error
        except discord.PrivilegedIntentsRequired as error:
            raise BadSettings((_NO_INTENT,)) from error
        except TransientError as error:
            least = error.retry_after_seconds or 0.0
            _log.warning("discord_gateway_waits", error=str(error), seconds=least)
        except Exception as error:  # noqa: BLE001 - the outermost loop: the line is built again whatever broke it
            _log.error("discord_gateway_died", error=type(error).__name__, exc_info=error)
        if clock.monotonic() - began >= _STEADY_SECONDS:
            wait = _FIRST_WAIT_SECONDS
        await clock.sleep(max(least, wait * random.uniform(0.5, 1.0)))  # noqa: S311 - so that processes come apart
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


def use_gateway(url: str) -> None:
    """Let the library listen at *url* (``ws://.../``) instead of Discord: for development and tests."""
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
