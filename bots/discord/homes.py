"""Whose a request is: in a server the server's; in a direct conversation what our own rows, or Discord, know of its asker."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from bots.desk.door import Standing
from bots.desk.requests import Actor
from bots.discord.decoded import Decoded
from bots.discord.places import workspace_ref
from core.errors import AtelierError

_log = structlog.get_logger(__name__)
HOMELESS = (
    "I do not know yet for which server you ask. Type `/atelier` in a channel of it once; after that it works here too."
)
NOWHERE = "0"


class Known(Protocol):
    """What `bots.discord.records.Records` does here."""

    async def home_of(self, user: str, *, channel: str, target: str = "") -> str:
        """See there."""
        ...


class Asking(Protocol):
    """What `bots.discord.door.DiscordDoor` does here."""

    async def standing(self, actor: Actor) -> Standing:
        """See there."""
        ...


class Homes:
    """Finds out whose a direct conversation is.

    Args:
        known: What our rows know.
        door: Asks Discord.
        guilds: The servers that this process hears: where there is one alone, a stranger's message is for it.
    """

    def __init__(self, known: Known, door: Asking, *, guilds: Callable[[], Sequence[str]] = tuple) -> None:
        self._known = known
        self._door = door
        self._guilds = guilds

    async def find(self, guild: str, user: str, channel: str, *, target: str = "") -> str:
        """Return the server that a request counts for, empty where nobody can tell."""
        if guild:
            return guild
        found = await self._known.home_of(user, channel=channel, target=target)
        guilds = self._guilds()
        if found or len(guilds) != 1:
            return found
        try:
            standing = await self._door.standing(Actor(workspace_ref(guilds[0]), user))
        except AtelierError as error:
            _log.info("discord_standing_unknown", error=type(error).__name__)
            return ""
        return "" if standing.is_outsider else guilds[0]


def at_home(decoded: Decoded, home: str) -> Decoded:
    """Return what was asked, as of the server that it counts for."""
    actor = replace(decoded.request.actor, workspace_id=workspace_ref(home))
    return replace(decoded, request=replace(decoded.request, actor=actor))
