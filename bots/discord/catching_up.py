"""What happened while nobody listened: servers that came and went, places that are gone, and words in threads of sessions.

Of a session that ended meanwhile the words are looked up too: whoever said them is asked whether it is to go on.

Discord sends again what was missed during a short break of the line. After a longer one, and after a start, it is looked
up. Whatever is found twice is taken once: the inbox knows messages by their ids. Presses and commands of that time are
lost; Discord told their authors so.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import aiohttp
import discord
import structlog

from bots.discord.places import Place, id_at, place_of, workspace_ref
from bots.discord.reading import heard_of
from bots.discord.records import Known
from bots.discord.rereading import Counting, Hearing, Rereading, Room, read_room
from core.clock import Clock
from core.sessions.model import ThreadRef

_log = structlog.get_logger(__name__)
_LOOK_BACK = timedelta(days=1)
_NOT_NOW = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)
_UNKNOWN_CHANNEL = 10003
_PATIENCE = (5.0, 30.0, 120.0)
CHANNEL_GONE = "Its channel was deleted."
THREAD_GONE = "Its thread was deleted."


class Remembering(Counting, Protocol):
    """What `bots.discord.records.Records` does here."""

    async def open_threads(self, ended_since: datetime) -> Sequence[tuple[str, ThreadRef]]:
        """See there."""
        ...

    async def guilds(self) -> Mapping[str, Known]:
        """See there."""
        ...


class Closing(Protocol):
    """What is done where a channel or thread is gone, by workspace, Discord's id and a sentence that says why."""

    async def __call__(self, workspace_id: str, channel: str, why: str, /) -> object:
        """See `bots.desk.closing.pause_in`; may be repeated."""
        ...


class CatchingUp:
    """Looks up what was missed.

    Args:
        client: The client, logged in.
        records: What was live, or ended not long ago.
        clock: The time.
        hearing: Takes what was said, changed and taken back.
        closed: See `Closing`.
    """

    def __init__(
        self, client: discord.Client, records: Remembering, *, clock: Clock, hearing: Hearing, closed: Closing
    ) -> None:
        self._client = client
        self._records = records
        self._clock = clock
        self._hearing = hearing
        self._closed = closed
        self._rereading = Rereading(records, hearing, app=self._app)

    async def hear_missed(self, is_mine: Callable[[str], bool]) -> int:
        """Take what was said in the last day where sessions live, or ended in that time; return how many messages it was.

        What cannot be read now is tried again for some minutes.

        Args:
            is_mine: Whether a server (empty for direct conversations) is heard by this part of the process.
        """
        open_threads = await self._records.open_threads(self._clock.now() - _LOOK_BACK)
        left = [thread for _, thread in open_threads if is_mine(_guild_of(place_of(thread)))]
        seen = 0
        for wait in (*_PATIENCE, None):
            parents: dict[str, Room] = {}
            unread = []
            for thread in left:
                number = await self._try_thread(thread, parents)
                seen += number or 0
                if number is None:
                    unread.append(thread)
            left = unread
            if not left or wait is None or self._client.is_closed():
                break
            await self._clock.sleep(wait)
        if left:
            _log.warning("discord_threads_unread", number=len(left))
        return seen

    async def changed_guilds(self, is_mine: Callable[[str], bool]) -> tuple[list[str], list[str]]:
        """Return servers that took the app away, and that took it back, while nobody listened."""
        here = {str(one.id) for one in self._client.guilds}
        known = [one for one in (await self._records.guilds()).values() if is_mine(one.guild)]
        gone = [one.guild for one in known if not one.is_away and one.guild not in here]
        back = [one.guild for one in known if one.is_away and one.guild in here]
        return [guild for guild in gone if await self._is_out(guild)], back

    async def _try_thread(self, thread: ThreadRef, parents: dict[str, Room]) -> int | None:
        """Return what was missed in a thread, None where that cannot be said now."""
        place = place_of(thread)
        try:
            return await self._hear_thread(thread, place, parents)
        except (discord.NotFound, discord.Forbidden) as error:
            _log.info("discord_thread_closed", code=error.code)
            if error.code == _UNKNOWN_CHANNEL and not place.is_direct:
                await self._close(thread, place)
            return 0
        except _NOT_NOW as error:
            _log.info("discord_thread_unread", error=type(error).__name__)
            return None

    async def _hear_thread(self, thread: ThreadRef, place: Place, parents: dict[str, Room]) -> int:
        """Take what was said, and what became of what was said before; *parents* are channels that were read already."""
        is_thread = _is_thread(thread, place)
        guild = _guild_of(place)
        since = int(id_at(self._clock.now() - _LOOK_BACK))
        begun = int(thread.card) if thread.card.isdigit() else 0
        here = self._client.get_partial_messageable(int(thread.thread), guild_id=int(guild) if guild else None)
        parent = place.channel if is_thread else ""
        rooms = [await read_room(here, guild=guild, parent=parent, after=max(begun, since))]
        if is_thread and thread.card == thread.thread:  # people may reply to the card, where it stands
            if place.channel not in parents:
                channel = self._client.get_partial_messageable(int(place.channel), guild_id=int(guild))
                parents[place.channel] = await read_room(channel, guild=guild, parent="", after=since)
            rooms.append(parents[place.channel].replying_to(thread.card))
        for room in rooms:
            for message in room.messages.values():
                await self._hearing.on_message(heard_of(message, self._app(), parent=room.parent))
        changed = await self._rereading.reread(thread, rooms)
        return sum(len(room.messages) for room in rooms) + changed

    async def _close(self, thread: ThreadRef, place: Place) -> None:
        """Have what ran in a place that is gone paused, with its channel or its thread as the reason."""
        is_thread = _is_thread(thread, place)
        if is_thread:
            try:
                await self._client.fetch_channel(int(place.channel))
            except discord.NotFound:
                is_thread = False
            except _NOT_NOW as error:
                _log.info("discord_channel_unknown", error=type(error).__name__)
        await self._closed(workspace_ref(place.guild), thread.thread, THREAD_GONE if is_thread else CHANNEL_GONE)

    def _app(self) -> str:
        return str(self._client.user.id) if self._client.user is not None else ""

    async def _is_out(self, guild: str) -> bool:
        """Return whether Discord says that the app is not in a server: an outage hides servers, too."""
        try:
            await self._client.fetch_guild(int(guild), with_counts=False)
        except (discord.NotFound, discord.Forbidden):
            return True
        except _NOT_NOW as error:
            _log.info("discord_guild_unknown", error=type(error).__name__)
        return False


def _is_thread(thread: ThreadRef, place: Place) -> bool:
    """Return whether a session lives in a thread, and not in a channel itself or in a conversation."""
    return not place.is_direct and thread.thread != place.channel


def _guild_of(place: Place) -> str:
    return "" if place.is_direct else place.guild
