"""Buckets of rate limits with Discord's headers, and the count of invalid requests.

Windows run on the machine's clock, because discord.py waits by it; a test shortens them.
"""

import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from tests.fakes.discord.limits import GLOBAL_A_SECOND, INVALID_REQUESTS, INVALID_SECONDS

_MAJOR = ("channel_id", "guild_id", "webhook_id")
_GENEROUS = (10_000, 1.0)
_LEEWAY = 0.02  # what a client paces exactly must not fail for the jitter of the way here


@dataclass(frozen=True)
class Limited:
    """A request that comes too early."""

    retry_after: float
    is_global: bool
    headers: Mapping[str, str]


@dataclass
class _Window:
    limit: int
    seconds: float
    remaining: int
    ends_at: float = 0.0


@dataclass
class Rates:
    """What each route lets through.

    Attributes:
        limits: ``(requests, seconds)`` by route, such as ``POST /channels/{channel_id}/messages``; for each channel,
            server or webhook on its own. Routes without one let everything through and have headers all the same.
        global_limit: Over all routes but interactions' and webhooks'; 0 for none.
        refused: How many requests were answered with 429, by route.
        invalid: When 401, 403 and 429 were answered within ten minutes, those for others' fault not counted.
        invalid_limit: From how many on the address is banned.
    """

    limits: dict[str, tuple[int, float]] = field(default_factory=dict)
    global_limit: int = GLOBAL_A_SECOND
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    invalid: deque[float] = field(default_factory=deque)
    invalid_limit: int = INVALID_REQUESTS
    _windows: dict[tuple[str, ...], _Window] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)

    @classmethod
    def like_discord(cls, *, per_channel: tuple[int, float] = (5, 5.0)) -> "Rates":
        """Return the limits of channels that people report (folklore): five posts and five edits in five seconds."""
        message = "/channels/{channel_id}/messages"
        routes = (f"POST {message}", f"PATCH {message}/{{message_id}}")
        return cls(limits=dict.fromkeys(routes, per_channel))

    @property
    def is_banned(self) -> bool:
        """Whether too many invalid requests came from this address."""
        oldest = time.monotonic() - INVALID_SECONDS
        while self.invalid and self.invalid[0] < oldest:
            self.invalid.popleft()
        return len(self.invalid) >= self.invalid_limit

    def count(self, status: int, scope: str = "") -> None:
        """Count an answer that Discord holds against the client."""
        if status in {401, 403, 429} and scope != "shared":
            self.invalid.append(time.monotonic())

    def take(self, route: str, params: Mapping[str, str]) -> Limited | dict[str, str]:
        """Count a request and return the headers of its bucket, or why it must wait."""
        now = time.monotonic()
        if wait := self._global_wait(route, now):
            self.refused[route] += 1
            return Limited(wait, is_global=True, headers={"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
        major = tuple(params[one] for one in _MAJOR if one in params)
        limit, seconds = self.limits.get(route, _GENEROUS)
        window = self._windows.setdefault((route, *major), _Window(limit, seconds, limit))
        if now >= window.ends_at - _LEEWAY:
            window.limit, window.seconds, window.remaining = limit, seconds, limit
            window.ends_at = now + seconds
        after = max(window.ends_at - now, 0.001)
        is_late = window.remaining == 0
        window.remaining = max(window.remaining - 1, 0)
        headers = {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": f"{time.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": blake2b(route.encode(), digest_size=16).hexdigest(),
        }
        if is_late:
            self.refused[route] += 1
            return Limited(after, is_global=False, headers=headers | {"X-RateLimit-Scope": "user"})
        return headers

    def _global_wait(self, route: str, now: float) -> float:
        if not self.global_limit or "/interactions/" in route or "/webhooks/" in route:
            return 0.0
        while self._recent and now - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= self.global_limit:
            return 1.0 - (now - self._recent[0])
        self._recent.append(now)
        return 0.0
