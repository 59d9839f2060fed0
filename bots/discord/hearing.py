"""What people say, change and take back where Discord shows messages: stored for the desk, unless it is none of our business."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from bots.desk.requests import Request, RequestKind
from bots.discord.decoded import PLATFORM, Decoded
from bots.discord.heard import Heard, decode_deletion, decode_edit, decode_message
from bots.discord.homes import HOMELESS, NOWHERE, Homes
from bots.views.ask import said
from bots.views.elements import View
from core.clock import Clock
from core.errors import AtelierError, TransientError
from core.sessions.model import SessionFile, ThreadRef

_log = structlog.get_logger(__name__)
_LATER = frozenset({RequestKind.EDITED, RequestKind.DELETED})
_PATIENCE = (1.0, 5.0, 20.0)
_DecodeHeard = Callable[[str, bool], Decoded | None]


class Taking(Protocol):
    """What `bots.desk.inbox.Inbox` does here."""

    async def take(self, request: Request, *, source: str, keys: Sequence[str]) -> bool:
        """See there."""
        ...


class FrontDesk(Protocol):
    """What `bots.desk.desk.Desk` does here."""

    @property
    def inbox(self) -> Taking:
        """Where requests are stored."""
        ...

    async def owns_thread(self, thread: ThreadRef) -> bool:
        """See there."""
        ...


class Answering(Protocol):
    """What `bots.discord.door.DiscordDoor` does here."""

    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        """See there."""
        ...


class Places(Protocol):
    """What `bots.discord.records.Records` does here."""

    async def is_live(self, channel: str) -> bool:
        """See there."""
        ...

    async def said_to(self, channel: str, message: str) -> ThreadRef | None:
        """See there."""
        ...


class Hearing:
    """Hears messages. What cannot be stored after some tries is a `TransientError`: somebody has to look it up.

    Args:
        desk: What people ask goes to it.
        door: Answers where nothing was stored.
        homes: Whose a direct conversation is.
        places: Where sessions live, and what was said to which.
        clock: The time.
    """

    def __init__(self, desk: FrontDesk, door: Answering, homes: Homes, places: Places, *, clock: Clock) -> None:
        self._desk = desk
        self._door = door
        self._homes = homes
        self._places = places
        self._clock = clock

    async def on_message(self, heard: Heard) -> None:
        """Take what somebody wrote, unless it is none of our business."""
        await self._take_heard(heard, lambda home, is_live: decode_message(heard, home, is_live=is_live))

    async def on_edit(self, heard: Heard) -> None:
        """Take what somebody changed."""
        await self._take_heard(heard, lambda home, _: decode_edit(heard, home))

    async def on_deletion(self, heard: Heard) -> None:
        """Take that a message is gone."""
        await self._take_heard(heard, lambda home, _: decode_deletion(heard, home))

    async def _take_heard(self, heard: Heard, decode: _DecodeHeard) -> None:
        """Take a message; Discord does not bring it again, so it is tried more than once.

        Raises:
            TransientError: If it could not be stored all the same: it has to be looked up.
        """
        for wait in (*_PATIENCE, None):
            try:
                await self._hear(heard, decode)
            except TransientError as error:
                _log.warning("discord_message_not_taken", error=type(error).__name__, waits=wait)
                if wait is None:
                    raise
                await self._clock.sleep(wait)
            else:
                return

    async def _hear(self, heard: Heard, decode: _DecodeHeard) -> None:
        if heard.is_by_bot:
            return
        is_live = not heard.guild and await self._places.is_live(heard.channel)
        decoded = decode(heard.guild or NOWHERE, is_live)  # whether it asks anything does not depend on whose it is
        if decoded is None:
            return
        if not heard.guild:
            home = await self._homes.find("", heard.author, heard.channel)
            if not home:
                if decoded.request.kind is RequestKind.MENTION:
                    await self._say_homeless(decoded.request)
                return
            decoded = decode(home, is_live) or decoded
        request = await self._meant(heard, decoded)
        if request is not None:
            await self._desk.inbox.take(request, source=PLATFORM, keys=decoded.keys)

    async def _meant(self, heard: Heard, decoded: Decoded) -> Request | None:
        """Return what was asked, None where it is none of our business.

        Where threads cannot be opened, a session lives in the channel itself; replies to its posts are said to it. What
        is changed or taken back in an open channel goes to wherever it was said at first.
        """
        request = decoded.request
        if not decoded.needs_session:
            return request
        thread = request.spot.thread
        places = [replace(thread, thread=place) for place in dict.fromkeys((thread.thread, decoded.stands_in))]
        if heard.guild and not heard.parent and request.kind in _LATER:
            first = await self._places.said_to(heard.channel, heard.id)
            places = [first] if first is not None else []
        for here in places:
            if await self._desk.owns_thread(here):
                return replace(request, spot=replace(request.spot, thread=here))
        return decoded.otherwise

    async def _say_homeless(self, request: Request) -> None:
        try:
            await self._door.whisper(request, said(HOMELESS))
        except AtelierError as error:
            _log.info("discord_whisper_failed", error=type(error).__name__)
