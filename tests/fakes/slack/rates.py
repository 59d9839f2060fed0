"""Who called how often: the published tiers, per method and team, and a post a second in a channel."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.fakes.slack.limits import (
    HISTORY_LIMITED_PER_MINUTE,
    POSTS_PER_CHANNEL_SECOND,
    RULES,
)
from tests.fakes.slack.world import World

_MINUTE = 60.0
_LEEWAY = 0.05  # what a client paces exactly must not fail for the jitter of the way here


@dataclass
class Rates:
    """Windows that slide on the clock.

    Attributes:
        enforced: False answers everything, and still counts.
        refused: How many requests were answered with 429, by method.
    """

    world: World
    enforced: bool = True
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _windows: dict[tuple[str, ...], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def wait_for(self, method: str, owner: str, channel: str) -> int:
        """Return 0 and count the request, or return the seconds of a Retry-After."""
        windows: list[tuple[tuple[str, ...], int, float]] = [((method, owner), self._most(method), _MINUTE)]
        if method == "chat.postMessage" and channel:
            windows.append(((method, owner, channel), POSTS_PER_CHANNEL_SECOND, 1.0))
        now = self.world.clock.monotonic()
        longest = max(self._wait(key, most, span, now) for key, most, span in windows)
        if longest > 0 and self.enforced:
            self.refused[method] += 1
            return math.ceil(longest)
        for key, _, _ in windows:
            self._windows[key].append(now)
        return 0

    def _most(self, method: str) -> int:
        if self.world.limits_history and method in {"conversations.history", "conversations.replies"}:
            return HISTORY_LIMITED_PER_MINUTE
        return RULES[method].calls_a_minute

    def _wait(self, key: tuple[str, ...], most: int, span: float, now: float) -> float:
        window = self._windows[key]
        while window and now - window[0] >= span - _LEEWAY:
            window.popleft()
        return span - (now - window[0]) if len(window) >= most else 0.0
