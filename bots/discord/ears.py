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
from bots.discord.decode import Asked, decode_command, decode_filled, decode_press, target_of
from bots.discord.decoded import PLATFORM, Decoded
from bots.discord.forms import draw_form, read_form
from bots.discord.hearing import Taking
from bots.discord.homes import HOMELESS, NOWHERE, Homes, at_home
from bots.discord.places import workspace_ref
from bots.discord.reading import asked_of, standing_of
from bots.parsing import Value
from bots.views.ask import said
from bots.views.elements import View
from core.errors import AtelierError, TransientError
from core.sessions.model import SessionFile

_log = structlog.get_logger(__name__)
_BUSY = "Atelier cannot take this right now. Please try again in a minute; nothing was started."
_LATE = (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError)


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
    """Hears what people press, type as commands and fill in.

    Args:
        desk: What they ask goes to it.
        door: Answers where nothing was stored.
        homes: Whose a direct conversation is.
    """

    def __init__(self, desk: FrontDesk, door: Answering, homes: Homes) -> None:
        self._desk = desk
        self._door = door
        self._homes = homes

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
                home = await self._homes.find(asked.guild, asked.user, asked.channel)
                if not home:
                    return []
                actor = Actor(workspace_ref(home), asked.user, asked.name)
                given = decode_command(asked, home).request.values
                return await self._desk.complete(actor, command, option, typed, given=given)
        except (AtelierError, TimeoutError) as error:
            _log.info("discord_completion_failed", error=type(error).__name__)
            return []

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
        decoded = decode(asked, asked.guild or NOWHERE)
        if decoded is None:
            _log.info("discord_interaction_unknown", id=asked.id)
            await self._answer(interaction, _First(is_beside=bool(asked.message_id)))
            return
        target = _kept_session(asked) if is_form else target_of(asked)
        home = asked.guild or await self._home_by(deadline, asked, target)
        if home == "":
            await self._answer(interaction, _First(words=HOMELESS))
            return
        if asked.guild:
            self._door.meet(decoded.request.actor, standing_of(interaction))
        decoded = at_home(decoded, home or NOWHERE)
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
                return await self._homes.find("", asked.user, asked.channel, target=target)
        except (AtelierError, TimeoutError) as error:
            _log.warning("discord_home_unknown", error=type(error).__name__)
            return None

    async def _take_later(self, asked: Asked, decoded: Decoded, target: str) -> None:
        """Store what was answered before it was known whose it is."""
        try:
            home = await self._homes.find("", asked.user, asked.channel, target=target)
        except AtelierError as error:
            _log.warning("discord_request_not_taken", error=type(error).__name__)
            await self._say(decoded.request, _BUSY)
            return
        if home:
            await self._take(at_home(decoded, home))
        else:
            await self._say(decoded.request, HOMELESS)

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
