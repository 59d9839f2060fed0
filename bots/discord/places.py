"""Where something is in Discord.

`core.sessions.model.ThreadRef` for Discord:

- ``channel`` is ``{guild}/{channel}``, the channel in which the session was asked for; for a thread, its parent. A direct
  conversation is ``@me/{channel}``, as in Discord's own links.
- ``thread`` is the id of the Discord channel that holds the posts: the thread that was opened from the card, the thread
  or the direct conversation in which the session was asked for, or the channel itself where threads cannot be.
- ``card`` is the id of the message that shows the session. A thread that was opened from a message has that message's
  id; so a card whose id is the thread's stands in the parent, and every other one stands in ``thread``.

Ids of posts are ids of messages in ``thread``; of messages elsewhere, ``{channel}/{message}``.
Members are ``discord:{guild}/{user}``; their workspace is ``discord:{guild}``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.sessions.model import ThreadRef

DIRECT = "@me"
_SNOWFLAKE = re.compile(r"[1-9][0-9]{4,19}")
_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_TIME_SHIFT = 22


@dataclass(frozen=True, slots=True)
class Place:
    """A channel of a server, or a conversation with one person.

    Attributes:
        guild: The server; `DIRECT` for a conversation; empty where nobody said.
        channel: Discord's id of the channel.
    """

    guild: str
    channel: str

    @property
    def is_direct(self) -> bool:
        """Whether it is the app's conversation with one person."""
        return self.guild == DIRECT


@dataclass(frozen=True, slots=True)
class Spot:
    """One message.

    Attributes:
        channel: The channel, thread or conversation it stands in.
        message: Its id.
    """

    channel: str
    message: str


def channel_ref(guild: str, channel: str) -> str:
    """Return what `ThreadRef.channel` holds: ``1/2``; without a guild, the conversation ``@me/2``."""
    return f"{guild or DIRECT}/{channel}"


def workspace_ref(guild: str) -> str:
    """Return the id of a server's workspace."""
    return f"discord:{guild}"


def member_ref(guild: str, user: str) -> str:
    """Return the id of a member."""
    return f"discord:{guild}/{user}"


def place_of(thread: ThreadRef) -> Place:
    """Return where a session was asked for."""
    guild, _, channel = thread.channel.rpartition("/")
    return Place(guild, channel)


def posts_in(thread: ThreadRef) -> str:
    """Return the id of the channel that holds a session's posts."""
    return thread.thread or place_of(thread).channel


def spot_of(thread: ThreadRef, post_id: str) -> Spot:
    """Return where a post stands."""
    channel, _, message = post_id.rpartition("/")
    if channel:
        return Spot(channel, message)
    return Spot(place_of(thread).channel if message == thread.thread else posts_in(thread), message)


def post_ref(thread: ThreadRef, spot: Spot) -> str:
    """Return the id of the post that stands at *spot*: the other way round of `spot_of`."""
    return spot.message if spot_of(thread, spot.message) == spot else f"{spot.channel}/{spot.message}"


def person_of(member_id: str) -> str:
    """Return Discord's id of a member, empty for what is no such id: it goes into a mention."""
    person = member_id.rpartition("/")[2]
    return person if _SNOWFLAKE.fullmatch(person) else ""


def moment_of(snowflake: str) -> datetime:
    """Return when Discord gave out an id (docs: snowflakes)."""
    return _EPOCH + timedelta(milliseconds=int(snowflake) >> _TIME_SHIFT)


def id_at(moment: datetime) -> str:
    """Return an id that is older than every one that was given out at *moment* or later."""
    milliseconds = int((max(moment, _EPOCH) - _EPOCH) / timedelta(milliseconds=1))
    return str(max((milliseconds << _TIME_SHIFT) - 1, 0))
