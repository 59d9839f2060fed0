"""Discord's ear: what somebody asked is answered at once, stored, and left to the desk.

Discord waits three seconds for a first answer, and never sends anything again. So the answer comes first, the row next;
and an answer that came too late is no reason not to do what was asked: what follows goes to the direct messages.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import aiohttp
import discord
import structlog

from bots.desk.door import Standing
from bots.desk.forms import Form
from bots.desk.requests import Actor, Request, RequestKind
from bots.discord import limits
from bots.discord.decode import (
    PLATFORM,
    Asked,
    Decoded,
    Heard,
    decode_command,
    decode_deletion,
    decode_edit,
    decode_filled,
    decode_message,
    decode_press,
    target_of,
)
from bots.discord.forms import draw_form, read_form
from bots.discord.places import workspace_ref
from bots.discord.reading import asked_of, standing_of
from bots.parsing import Value
from bots.views.ask import said
from bots.views.elements import View
from core.clock import Clock
from core.errors import AtelierError, TransientError
from core.sessions.model import SessionFile, ThreadRef

_log = structlog.get_logger(__name__)
_BUSY = "Atelier cannot take this right now. Please try again in a minute; nothing was started."
_HOMELESS = (
    "I do not know yet for which server you ask. Type `/atelier` in a channel of it once; after that it works here too."
)
_NOWHERE = "0"
_LATER = frozenset({RequestKind.EDITED, RequestKind.DELETED})
_PATIENCE = (1.0, 5.0, 20.0)
_DecodeHeard = Callable[[str, bool], Decoded | None]
_LATE = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)


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

    def acknowledge(self, request: Request) -> str:
        """See there."""
        ...

    def may_open_form(self, request: Request) -> bool:
        """See there."""
        ...

    async def form_for(self, request: Request) -> Form | None:
        """See there."""
        ...

    async def complete(
        self, actor: Actor, command: str, option: str, typed: str, *, given: Mapping[str, Value] | None = None
    ) -> Sequence[tuple[str, str]]:
        """See there."""
        ...

    async def owns_thread(self, thread: ThreadRef) -> bool:
        """See there."""
        ...


class Answering(Protocol):
    """What `bots.discord.door.DiscordDoor` does here."""

    def meet(self, actor: Actor, standing: Standing) -> None:
        """See there."""
        ...

    async def standing(self, actor: Actor) -> Standing:
        """See there."""
        ...

    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        """See there."""
        ...


class Homes(Protocol):
    """What `bots.discord.records.Records` does here."""

    async def home_of(self, user: str, *, channel: str, target: str = "") -> str:
        """See there."""
        ...

    async def is_live(self, channel: str) -> bool:
        """See there."""
        ...

    async def said_to(self, channel: str, message: str) -> ThreadRef | None:
        """See there."""
        ...


@dataclass(frozen=True, slots=True)
class _First:
    """The first answer to an interaction.

    Attributes:
        words: Said at once; empty for a sign that something comes, or nothing.
        is_beside: Whether the answers stand beside the message that was pressed, which stays as it is.
        replaces: Whether they take its place.
    """

    words: str = ""
    is_beside: bool = False
    replaces: bool = False


class Ears:
    """Hears what people do.

    Args:
        desk: What they ask goes to it.
        door: Answers where nothing was stored.
        homes: Whose a direct conversation is.
        clock: The time.
        guilds: The servers that this process hears: where there is one alone, a stranger's message is for it.
    """

    def __init__(
        self,
        desk: FrontDesk,
        door: Answering,
        homes: Homes,
        *,
        clock: Clock,
        guilds: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._desk = desk
        self._door = door
        self._homes = homes
        self._clock = clock
        self._guilds = guilds

    async def on_command(self, interaction: discord.Interaction) -> None:
        """Take a slash command, or an entry of a message's menu."""
        await self._take_asked(interaction, decode_command)

    async def on_press(self, interaction: discord.Interaction) -> None:
        """Take a button."""
        await self._take_asked(interaction, decode_press)

    async def on_form(self, interaction: discord.Interaction) -> None:
        """Take a modal that was sent."""

        def decode(asked: Asked, home: str) -> Decoded | None:
            filled = read_form(asked.data, home)
            if filled is None:
                return None
            return decode_filled(asked, home, command=filled.command, values=filled.values, files=filled.files)

        await self._take_asked(interaction, decode, is_form=True)

    async def complete(
        self, interaction: discord.Interaction, command: str, option: str, typed: str
    ) -> Sequence[tuple[str, str]]:
        """Return what may be meant by what somebody has typed so far; nothing where that takes too long."""
        asked = asked_of(interaction)
        try:
            async with asyncio.timeout(limits.COMPLETION_SECONDS):
                home = await self._home(asked.guild, asked.user, asked.channel)
                if not home:
                    return []
                actor = Actor(workspace_ref(home), asked.user, asked.name)
                given = decode_command(asked, home).request.values
                return await self._desk.complete(actor, command, option, typed, given=given)
        except (AtelierError, TimeoutError) as error:
            _log.info("discord_completion_failed", error=type(error).__name__)
            return []

    async def on_message(self, heard: Heard) -> None:
        """Take what somebody wrote, unless it is none of our business."""
        await self._take_heard(heard, lambda home, is_live: decode_message(heard, home, is_live=is_live))

    async def on_edit(self, heard: Heard) -> None:
        """Take what somebody changed."""
        await self._take_heard(heard, lambda home, _: decode_edit(heard, home))

    async def on_deletion(self, heard: Heard) -> None:
        """Take that a message is gone."""
        await self._take_heard(heard, lambda home, _: decode_deletion(heard, home))

    async def _take_asked(
        self,
        interaction: discord.Interaction,
        decode: Callable[[Asked, str], Decoded | None],
        *,
        is_form: bool = False,
    ) -> None:
        """Answer an interaction, and take what it asks."""
        asked = asked_of(interaction)
        deadline = asyncio.get_running_loop().time() + limits.FORM_SECONDS
        decoded = decode(asked, asked.guild or _NOWHERE)
        if decoded is None:
            _log.info("discord_interaction_unknown", id=asked.id)
            await self._answer(interaction, _First(is_beside=bool(asked.message_id)))
            return
        target = _kept_session(asked) if is_form else target_of(asked)
        home = asked.guild or await self._home_by(deadline, asked, target)
        if home == "":
            await self._answer(interaction, _First(words=_HOMELESS))
            return
        if asked.guild:
            self._door.meet(decoded.request.actor, standing_of(interaction))
        decoded = _at(decoded, home or _NOWHERE)
        if home and not is_form and await self._open_form(interaction, decoded.request, deadline):
            return
        first = self._first(asked, decoded.request)
        is_answered = await self._answer(interaction, first)
        spot = decoded.request.spot
        spot = replace(spot, answer=_way(spot.answer, first) if is_answered else {})
        decoded = replace(decoded, request=replace(decoded.request, spot=spot))
        if home is None:
            await self._take_later(asked, decoded, target)
        else:
            await self._take(decoded)

    async def _home_by(self, deadline: float, asked: Asked, target: str) -> str | None:
        """Return whose a direct conversation is, empty where nobody can tell, None where that is not known in time."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._home("", asked.user, asked.channel, target=target)
        except (AtelierError, TimeoutError) as error:
            _log.warning("discord_home_unknown", error=type(error).__name__)
            return None

    async def _take_later(self, asked: Asked, decoded: Decoded, target: str) -> None:
        """Store what was answered before it was known whose it is."""
        try:
            home = await self._home("", asked.user, asked.channel, target=target)
        except AtelierError as error:
            _log.warning("discord_request_not_taken", error=type(error).__name__)
            await self._say(decoded.request, _BUSY)
            return
        if home:
            await self._take(_at(decoded, home))
        else:
            await self._say(decoded.request, _HOMELESS)

    def _first(self, asked: Asked, request: Request) -> _First:
        if asked.message_id and asked.is_private:
            return _First(replaces=True)
        if request.kind is RequestKind.PRESS:
            return _First(is_beside=True)
        return _First(words=self._desk.acknowledge(request))

    async def _open_form(self, interaction: discord.Interaction, request: Request, deadline: float) -> bool:
        """Open the form of a request, and return whether there is one: a modal must be the first answer."""
        if not self._desk.may_open_form(request):
            return False  # nothing is read before the first answer
        try:
            async with asyncio.timeout_at(deadline):
                form = await self._desk.form_for(request)
        except (TransientError, TimeoutError) as error:
            _log.info("discord_form_not_found", error=type(error).__name__)
            return False  # the request itself says in words what it lacks
        if form is None:
            return False
        try:
            await interaction.response.send_modal(draw_form(form))
        except _LATE as error:
            _log.info("discord_form_not_opened", error=_code(error))
        return True

    async def _answer(self, interaction: discord.Interaction, first: _First) -> bool:
        """Give the first answer; return whether Discord took it."""
        response: discord.InteractionResponse[Any] = interaction.response
        try:
            if first.is_beside or first.replaces:
                await response.defer()
            elif first.words:
                await response.send_message(view=_line(first.words), ephemeral=True)
            else:
                await response.defer(ephemeral=True, thinking=True)
        except _LATE as error:
            _log.info("discord_answer_late", error=_code(error))
            return False
        return True

    async def _take_heard(self, heard: Heard, decode: _DecodeHeard) -> None:
        """Take a message; Discord does not bring it again, so it is tried more than once."""
        for wait in (*_PATIENCE, None):
            try:
                await self._hear(heard, decode)
            except TransientError as error:
                _log.warning("discord_message_not_taken", error=type(error).__name__, waits=wait)
                if wait is None:
                    return
                await self._clock.sleep(wait)
            else:
                return

    async def _hear(self, heard: Heard, decode: _DecodeHeard) -> None:
        if heard.is_by_bot:
            return
        is_live = not heard.guild and await self._homes.is_live(heard.channel)
        decoded = decode(heard.guild or _NOWHERE, is_live)  # whether it asks anything does not depend on whose it is
        if decoded is None:
            return
        if not heard.guild:
            home = await self._home("", heard.author, heard.channel)
            if not home:
                if decoded.request.kind is RequestKind.MENTION:
                    await self._say(decoded.request, _HOMELESS)
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
            first = await self._homes.said_to(heard.channel, heard.id)
            places = [first] if first is not None else []
        for here in places:
            if await self._desk.owns_thread(here):
                return replace(request, spot=replace(request.spot, thread=here))
        return decoded.otherwise

    async def _take(self, decoded: Decoded) -> None:
        """Store what an interaction asked."""
        try:
            await self._desk.inbox.take(decoded.request, source=PLATFORM, keys=decoded.keys)
        except TransientError as error:
            _log.warning("discord_request_not_stored", error=type(error).__name__)
            await self._say(decoded.request, _BUSY)

    async def _say(self, request: Request, words: str) -> None:
        try:
            await self._door.whisper(request, said(words))
        except AtelierError as error:
            _log.info("discord_whisper_failed", error=type(error).__name__)

    async def _home(self, guild: str, user: str, channel: str, *, target: str = "") -> str:
        """Return the server that a request counts for, empty where nobody can tell."""
        if guild:
            return guild
        found = await self._homes.home_of(user, channel=channel, target=target)
        guilds = self._guilds()
        if found or len(guilds) != 1:
            return found
        try:
            standing = await self._door.standing(Actor(workspace_ref(guilds[0]), user))
        except AtelierError as error:
            _log.info("discord_standing_unknown", error=type(error).__name__)
            return ""
        return "" if standing.is_outsider else guilds[0]


def _at(decoded: Decoded, home: str) -> Decoded:
    """Return what was asked, as of the server that it counts for."""
    actor = replace(decoded.request.actor, workspace_id=workspace_ref(home))
    return replace(decoded, request=replace(decoded.request, actor=actor))


def _way(answer: dict[str, str], first: _First) -> dict[str, str]:
    return answer | ({"beside": "1"} if first.is_beside else {})


def _kept_session(asked: Asked) -> str:
    filled = read_form(asked.data, asked.guild)
    return str(filled.values.get("session", "")) if filled is not None else ""


def _line(words: str) -> discord.ui.LayoutView:
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(discord.ui.TextDisplay(words))
    view.stop()  # there is nothing in it to wait for
    return view


def _code(error: BaseException) -> str:
    code = error.code if isinstance(error, discord.HTTPException) else 0
    return str(code) if code else type(error).__name__
