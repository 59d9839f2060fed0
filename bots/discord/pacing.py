"""The pace of what may be dropped. Posts and finals go at Discord's own, which the library keeps."""

from collections import deque

from bots.discord import limits
from bots.posting.cards import NoRoom
from core.clock import Clock

_SWEEP = 1_000


class Pacer:
    """Lets signs of life through as far as they leave the rate limits to what matters."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._recent: deque[float] = deque()

    def admit(self, channel: str) -> None:
        """Return if an edit that says how far things are may go to *channel* now.

        Raises:
            NoRoom: If not.
        """
        now = self._clock.monotonic()
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        wait = self._last.get(channel, now - limits.CHANNEL_GAP_SECONDS) + limits.CHANNEL_GAP_SECONDS - now
        if wait > 0:
            raise NoRoom("another edit was just made here", retry_after_seconds=wait)
        if len(self._recent) >= limits.SIGNS_A_SECOND:
            raise NoRoom("many edits were just made", retry_after_seconds=self._recent[0] + 1.0 - now)
        self._recent.append(now)
        self._last[channel] = now
        if len(self._last) > _SWEEP:
            self._last = {one: at for one, at in self._last.items() if at > now - limits.CHANNEL_GAP_SECONDS}
