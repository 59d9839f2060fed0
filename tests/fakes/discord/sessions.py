"""Sessions of the gateway: which events each gets, numbered and kept for a RESUME."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Protocol

from tests.fakes.discord.model import Channel, Guild, Json
from tests.fakes.discord.payloads import of_application, of_guild_event, of_user
from tests.fakes.discord.world import World

_EMPTY: Json = {"content": "", "attachments": [], "embeds": [], "components": []}


class Intent(IntFlag):
    """What a session may ask for (docs: Gateway Intents)."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


_NEEDS: dict[str, tuple[Intent, Intent]] = {
    "MESSAGE_": (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES),
    "MESSAGE_REACTION_": (Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS),
    "TYPING_": (Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING),
    "GUILD_": (Intent.GUILDS, Intent.GUILDS),
    "GUILD_MEMBER_": (Intent.GUILD_MEMBERS, Intent.GUILD_MEMBERS),
    "CHANNEL_": (Intent.GUILDS, Intent.DIRECT_MESSAGES),
    "THREAD_": (Intent.GUILDS, Intent.GUILDS),
}
"""By how an event's name begins: the intent in a server, and in a direct conversation. The longest beginning counts."""


class Line(Protocol):
    """Where a session's frames go."""

    def push(self, frame: Json) -> None:
        """Send *frame* after those before it."""


@dataclass
class Session:
    """One shard's session.

    Attributes:
        events: Every event so far with its number in ``s``, for a RESUME.
        line: None while nobody is connected.
    """

    id: str
    shard: tuple[int, int]
    intents: Intent
    seq: int = 0
    events: list[Json] = field(default_factory=list)
    line: Line | None = None

    def push(self, name: str, data: Json) -> None:
        """Send an event, or keep it until the session is resumed."""
        self.seq += 1
        frame: Json = {"op": 0, "s": self.seq, "t": name, "d": data}
        self.events.append(frame)
        if self.line is not None:
            self.line.push(frame)

    def holds(self, guild_id: str) -> bool:
        """Return whether *guild_id* is this shard's; direct conversations are shard 0's."""
        return (int(guild_id or 0) >> 22) % self.shard[1] == self.shard[0]


class Sessions:
    """The sessions that the app has.

    Attributes:
        open: By their ids, those among them that nobody holds and that may be resumed.
        dropped: Events that no session was there for.
    """

    def __init__(self, world: World) -> None:
        self.open: dict[str, Session] = {}
        self.dropped: list[tuple[str, Json]] = []
        self._world = world

    @property
    def is_connected(self) -> bool:
        """Whether somebody listens."""
        return any(one.line is not None for one in self.open.values())

    def begin(self, shard: tuple[int, int], intents: Intent, line: Line) -> Session:
        """Open a session: READY, then the servers of its shard."""
        world = self._world
        session = Session(secrets.token_hex(16), shard, intents, line=line)
        for other in [one for one in self.open.values() if one.line is None and one.shard == shard]:
            del self.open[other.id]
        self.open[session.id] = session
        mine = [guild for guild in world.guilds.values() if guild.has_app and session.holds(guild.id)]
        ready: Json = {
            "v": 10,
            "user": of_user(world.bot) | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in mine],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": world.gateway_url,
            "shard": list(shard),
            "application": {"id": world.app_id, "flags": of_application(world)["flags"]},
            "private_channels": [],
            "relationships": [],
            "user_settings": {},
            "_trace": [],
        }
        session.push("READY", ready)
        if intents & Intent.GUILDS:
            for guild in mine:
                if guild.is_available:
                    session.push("GUILD_CREATE", self._guild(session, guild))
        return session

    def announce(self, name: str, data: Json, *, channel: Channel | None = None, guild: Guild | None = None) -> None:
        """Send an event to every session that it is for. See `world.Announce`."""
        world = self._world
        if channel is not None:
            guild = world.guild_of(channel)
            if guild is not None and not (guild.has_app and guild.is_available):
                return
            hides = name.startswith(("MESSAGE_", "THREAD_", "TYPING_")) and not name.startswith("THREAD_DELETE")
            if hides and not world.sees(channel, world.bot):
                return
        reached = False
        for session in self._holding(guild):
            if asks(session, name, is_direct=guild is None):
                session.push(name, self._shown(session, name, data, guild))
                reached = True
        if not reached:
            self.dropped.append((name, data))

    def announce_guild(self, guild: Guild, *, is_new: bool) -> None:
        """Send GUILD_CREATE: the app came in, or an outage ended; the former says nothing of ``unavailable``."""
        for session in self._holding(guild):
            if session.intents & Intent.GUILDS:
                shown = self._guild(session, guild)
                if is_new:
                    del shown["unavailable"]
                session.push("GUILD_CREATE", shown)

    def _guild(self, session: Session, guild: Guild) -> Json:
        return of_guild_event(self._world, guild, everybody=bool(session.intents & Intent.GUILD_MEMBERS))

    def _holding(self, guild: Guild | None) -> Iterator[Session]:
        for session in list(self.open.values()):
            if session.holds(guild.id if guild else ""):
                yield session

    def _shown(self, session: Session, name: str, data: Json, guild: Guild | None) -> Json:
        """Return *data* with a message's content left out where the session may not read it."""
        if name not in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} or guild is None:
            return data
        bot_id = self._world.bot.id
        named = any(user["id"] == bot_id for user in data["mentions"])
        if session.intents & Intent.MESSAGE_CONTENT or data["author"]["id"] == bot_id or named:
            return data
        shown = data | _EMPTY
        if isinstance(answered := data.get("referenced_message"), dict) and answered["author"]["id"] != bot_id:
            shown["referenced_message"] = answered | _EMPTY
        return shown


def asks(session: Session, name: str, *, is_direct: bool) -> bool:
    """Return whether a session's intents name an event; interactions need none."""
    beginnings = [one for one in _NEEDS if name.startswith(one)]
    if not beginnings:
        return True
    in_guild, direct = _NEEDS[max(beginnings, key=len)]
    return bool(session.intents & (direct if is_direct else in_guild))
