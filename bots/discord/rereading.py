"""Words that were heard before the line broke, and changed or taken back while it was down.

What may be asked of Discord about one session's place after one gap:

- one page of its thread, and one of the channel that its card stands in, which all sessions of the channel share;
- at most `limits.MESSAGES_LOOKED_UP` messages by their ids: those that should stand on these pages and do not, and those
  that are older and wait to be read by a turn.

A message is taken for deleted only where Discord says so of itself: without the right to read history, it shows an empty page.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import discord

from bots.discord import limits
from bots.discord.heard import Heard
from bots.discord.reading import heard_of
from bots.discord.records import Words
from core.sessions.model import ThreadRef

_UNKNOWN_MESSAGE = 10008


class Hearing(Protocol):
    """What `bots.discord.hearing.Hearing` does here."""

    async def on_message(self, heard: Heard) -> None:
        """See there."""
        ...

    async def on_edit(self, heard: Heard) -> None:
        """See there."""
        ...

    async def on_deletion(self, heard: Heard) -> None:
        """See there."""
        ...


class Counting(Protocol):
    """What `bots.discord.records.Records` does here."""

    async def words_in(self, thread: ThreadRef) -> Sequence[Words] | None:
        """See there."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """A channel, a thread or a conversation, and what of it was read.

    Attributes:
        channel: Where.
        guild: The server, empty in a direct conversation.
        parent: The channel that a thread belongs to, empty for what is no thread.
        messages: By their ids, oldest first.
        since: Every message after this id is among them.
    """

    channel: discord.PartialMessageable
    guild: str
    parent: str = ""
    messages: Mapping[str, discord.Message] = field(default_factory=dict)
    since: int = 0

    @property
    def id(self) -> str:
        """Discord's id of it."""
        return str(self.channel.id)

    def replying_to(self, card: str) -> "Room":
        """Return the same place with replies to one message alone."""
        answers = {
            message_id: message
            for message_id, message in self.messages.items()
            if message.reference is not None and str(message.reference.message_id) == card
        }
        return replace(self, messages=answers)


async def read_room(channel: discord.PartialMessageable, *, guild: str, parent: str, after: int) -> Room:
    """Return a place with its newest messages: what was missed is what was said last.

    Raises:
        discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError: As Discord answers.
    """
    newest = channel.history(limit=limits.RECENT_MESSAGES, after=discord.Object(after), oldest_first=False)
    read = {str(message.id): message for message in reversed([message async for message in newest])}
    since = min(map(int, read)) - 1 if len(read) == limits.RECENT_MESSAGES else after
    return Room(channel, guild, parent, read, since)


class Rereading:
    """Compares what is known of words with what stands there now.

    Args:
        records: What of a place counts.
        hearing: Is told of what changed, as if it happened now.
        app: The app's own user.
    """

    def __init__(self, records: Counting, hearing: Hearing, *, app: Callable[[], str]) -> None:
        self._records = records
        self._hearing = hearing
        self._app = app

    async def reread(self, thread: ThreadRef, rooms: Sequence[Room]) -> int:
        """Tell what changed where a session is live; return how many messages it was.

        Args:
            thread: Where the session lives.
            rooms: Its thread, then the channel in which people may reply to its card.

        Raises:
            discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError: As Discord answers.
        """
        words = await self._records.words_in(thread)
        if words is None:
            return 0
        known = {one.message: one for one in words}
        changed = 0
        for room in rooms:
            for message_id, message in room.messages.items():
                changed += await self._compare(room, message, known.get(message_id))
        shown = {message_id for room in rooms for message_id in room.messages}
        for message_id in _to_look_up(known.values(), shown, since=max(room.since for room in rooms)):
            changed += await self._look_up(rooms, known[message_id])
        return changed

    async def _compare(self, room: Room, message: discord.Message, words: Words | None) -> int:
        """Take what a message says now, unless that is what it counts for."""
        heard = heard_of(message, self._app(), parent=room.parent)
        if not heard.edited or heard.edited <= (words.revision if words is not None else ""):
            return 0
        if words is None and (heard.is_by_bot or not heard.text):
            return 0  # nothing that was said to a session
        await self._hearing.on_edit(heard)
        return 1

    async def _look_up(self, rooms: Sequence[Room], words: Words) -> int:
        """Ask for one message, wherever it may stand."""
        for room in rooms:
            try:
                message = await room.channel.fetch_message(int(words.message))
            except discord.NotFound as error:
                if error.code != _UNKNOWN_MESSAGE:
                    raise
            else:
                return await self._compare(room, message, words)
        first = rooms[0]
        await self._hearing.on_deletion(
            Heard(words.message, first.guild, first.id, first.parent, author="", name="", app=self._app())
        )
        return 1


def _to_look_up(known: Iterable[Words], shown: set[str], *, since: int) -> list[str]:
    """Return the messages to ask for: those that no turn has read first, and of them the newest."""
    missing = [one for one in known if one.message not in shown and (not one.is_used or int(one.message) > since)]
    missing.sort(key=lambda one: (one.is_used, -int(one.message)))
    return [one.message for one in missing[: limits.MESSAGES_LOOKED_UP]]
