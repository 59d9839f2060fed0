"""Answers that Discord counts against us, and the stop long before it bans our address.

10,000 answers of 401, 403 and 429 within ten minutes are a ban (docs: Invalid Request Limit). The library repeats what
was limited by itself, so they are counted where every answer passes: at the HTTP client.
"""

from collections import deque
from types import SimpleNamespace

import aiohttp
import structlog

from bots.discord import limits
from core.clock import Clock
from core.errors import TransientError

_log = structlog.get_logger(__name__)
_INVALID = frozenset({401, 403, 429})
_LIMITED = 429
_SHARED = "shared"
# What answers a person who waits is let through: there are few of them, and each has its own token.
_ALWAYS = ("/interactions/", "/webhooks/", "/gateway")


class DiscordPaused(TransientError):
    """We send nothing to Discord for a while, by our own decision."""


class InvalidRequests:
    """Counts what Discord counts, and stops sending when it is too much.

    Args:
        clock: The time.
        most: How many are let happen in ten minutes.
    """

    def __init__(self, clock: Clock, *, most: int = limits.OUR_INVALID_REQUESTS) -> None:
        self._clock = clock
        self._most = most
        self._at: deque[float] = deque()
        self._stopped_until = 0.0
        self.total = 0

    @property
    def count(self) -> int:
        """How many there were in the last ten minutes."""
        self._forget()
        return len(self._at)

    def take(self, status: int, *, scope: str = "", is_discords: bool = True) -> None:
        """Note an answer.

        Args:
            status: Of HTTP.
            scope: ``X-RateLimit-Scope``: what others caused (``shared``) does not count.
            is_discords: False for a 429 of the gatekeeper before Discord, which is a ban already.
        """
        if status == _LIMITED and not is_discords:
            _log.error("discord_banned", seconds=limits.BAN_SECONDS)
            self.stop(limits.BAN_SECONDS)
        if status not in _INVALID or scope == _SHARED:
            return
        self.total += 1
        self._at.append(self._clock.monotonic())
        if self.count >= self._most:
            wait = self._at[0] + limits.INVALID_SECONDS - self._clock.monotonic()
            _log.error("discord_invalid_requests", count=self.count, seconds=wait)
            self.stop(wait)

    def stop(self, seconds: float) -> None:
        """Send nothing for *seconds*."""
        self._stopped_until = max(self._stopped_until, self._clock.monotonic() + seconds)

    def check(self) -> None:
        """Return if something may be sent.

        Raises:
            DiscordPaused: If not now.
        """
        wait = self._stopped_until - self._clock.monotonic()
        if wait > 0:
            raise DiscordPaused("nothing is sent to Discord now", retry_after_seconds=wait)

    def trace(self) -> aiohttp.TraceConfig:
        """Return what the library's HTTP client takes as ``http_trace``: every request is checked, every answer counted."""
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._begun)
        config.on_request_end.append(self._ended)
        return config

    async def _begun(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if not any(part in params.url.path for part in _ALWAYS):
            self.check()

    async def _ended(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        headers = params.response.headers
        self.take(params.response.status, scope=headers.get("X-RateLimit-Scope", ""), is_discords="Via" in headers)

    def _forget(self) -> None:
        begin = self._clock.monotonic() - limits.INVALID_SECONDS
        while self._at and self._at[0] <= begin:
            self._at.popleft()
