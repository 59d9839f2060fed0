"""What happened while nobody listened: servers that came and went, and words in threads of sessions.

Of a session that ended meanwhile the words are looked up too: whoever said them is asked whether it is to go on.

Discord sends again what was missed during a short break of the line. After a longer one, and after a start, it is looked
up. Whatever is found twice is taken once: the inbox knows messages by their ids. Presses and commands of that time are
lost; Discord told their authors so.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import discord
import structlog

from bots.discord import limits
from bots.discord.decode import Heard
from bots.discord.places import id_at, place_of
from bots.discord.reading import heard_of
from bots.discord.records import Known
from core.clock import Clock
from core.sessions.model import ThreadRef

_log = structlog.get_logger(__name__)
_LOOK_BACK = timedelta(days=1)
_NOT_NOW = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)


class Remembering(Protocol):
    """What `bots.discord.records.Records` does here."""

    async def open_threads(self, ended_since: datetime) -> Sequence[tuple[str, ThreadRef]]:
        """See there."""
        ...

    async def guilds(self) -> Mapping[str, Known]:
        """See there."""
        ...


class CatchingUp:
    """Looks up what was missed.

    Args:
        client: The client, logged in.
        records: What was live, or ended not long ago.
        clock: The time.
        hear: Takes a message.
    """

    def __init__(
        self,
        client: discord.Client,
        records: Remembering,
        *,
        clock: Clock,
        hear: Callable[[Heard], Awaitable[None]],
    ) -> None:
        self._client = client
        self._records = records
        self._clock = clock
        self._hear = hear

    async def hear_missed(self, is_mine: Callable[[str], bool]) -> int:
        """Take what was said in the last day where sessions live, or ended in that time; return how many messages it was.

        Args:
            is_mine: Whether a server (empty for direct conversations) is heard by this part of the process.
        """
        seen = 0
        for _, thread in await self._records.open_threads(self._clock.now() - _LOOK_BACK):
            place = place_of(thread)
            guild = "" if place.is_direct else place.guild
            if not is_mine(guild):
                continue
            try:
                seen += await self._hear_thread(thread, guild)
            except _NOT_NOW as error:
                _log.info("discord_thread_unread", error=type(error).__name__)
        return seen

    async def changed_guilds(self, is_mine: Callable[[str], bool]) -> tuple[list[str], list[str]]:
        """Return servers that took the app away, and that took it back, while nobody listened."""
        here = {str(one.id) for one in self._client.guilds}
        known = [one for one in (await self._records.guilds()).values() if is_mine(one.guild)]
        gone = [one.guild for one in known if not one.is_away and one.guild not in here]
        back = [one.guild for one in known if one.is_away and one.guild in here]
        return [guild for guild in gone if await self._is_out(guild)], back

    async def _hear_thread(self, thread: ThreadRef, guild: str) -> int:
        channel = self._client.get_partial_messageable(int(thread.thread), guild_id=int(guild) if guild else None)
        begun = int(thread.card) if thread.card.isdigit() else 0
        after = discord.Object(max(begun, int(id_at(self._clock.now() - _LOOK_BACK))))
        is_thread = bool(guild) and thread.thread != place_of(thread).channel
        parent = place_of(thread).channel if is_thread else ""
        app = str(self._client.user.id) if self._client.user is not None else ""
        # the newest ones: what was missed is what was said last
        newest = channel.history(limit=limits.RECENT_MESSAGES, after=after, oldest_first=False)
        missed = [message async for message in newest]
        for message in reversed(missed):
            await self._hear(heard_of(message, app, parent=parent))
        return len(missed)

    async def _is_out(self, guild: str) -> bool:
        """Return whether Discord says that the app is not in a server: an outage hides servers, too."""
        try:
            await self._client.fetch_guild(int(guild), with_counts=False)
        except (discord.NotFound, discord.Forbidden):
            return True
        except _NOT_NOW as error:
            _log.info("discord_guild_unknown", error=type(error).__name__)
        return False
