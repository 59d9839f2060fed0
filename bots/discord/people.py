"""Who somebody is in a server, and what the app may do there: asked of Discord, remembered for a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bots.desk.door import Standing
from bots.desk.requests import Actor
from bots.discord.api import DiscordApi
from bots.discord.memory import Recent
from bots.discord.permissions import ADMINISTRATOR, MANAGE_GUILD, in_channel, in_server
from core.clock import Clock
from core.orchestration.ports import PostRefused

_STANDING_SECONDS = 300.0
_SERVER_SECONDS = 60.0
_NAME_SECONDS = 24 * 3600.0
_STRANGER = frozenset({"unknown_member", "unknown_user", "unknown_guild", "missing_access"})


@dataclass(frozen=True, slots=True)
class Server:
    """A server, as far as rights go.

    Attributes:
        roles: What each role may do, by its id; the role that all have has the server's id.
    """

    id: str
    owner: str
    roles: Mapping[str, int]


class People:
    """Looks up people and rights.

    Args:
        api: The door to Discord.
        clock: The time.
    """

    def __init__(self, api: DiscordApi, clock: Clock) -> None:
        self._api = api
        self._standings: Recent[str, Standing] = Recent(clock, seconds=_STANDING_SECONDS)
        self._servers: Recent[str, Server] = Recent(clock, seconds=_SERVER_SECONDS)
        self._names: Recent[str, str] = Recent(clock, seconds=_NAME_SECONDS)

    def meet(self, actor: Actor, standing: Standing) -> None:
        """Remember what Discord just said of somebody."""
        self._standings.keep(actor.member_id, standing)
        self.name(actor.external_id, standing.name)

    def name(self, person: str, name: str) -> None:
        """Remember what somebody is called."""
        if name:
            self._names.keep(person, name)

    def name_of(self, person: str) -> str:
        """Return what somebody is called, empty where nobody said."""
        return self._names.get(person) or ""

    async def standing(self, actor: Actor) -> Standing:
        """Return who somebody is in their server; whoever is not in it is an outsider.

        Raises:
            PostRefused, TransientError: As Discord answers.
        """
        known = self._standings.get(actor.member_id)
        if known is None:
            known = await self._look_up(actor)
            self.meet(actor, known)
        return known

    async def granted(self, guild: str, channel: str) -> tuple[int, bool]:
        """Return what the app may do in a channel or thread, as a number, and whether that is a thread that is locked.

        Raises:
            PostRefused, TransientError: As Discord answers; without access to the channel it says so.
        """
        me = await self._api.me()
        server = await self._server(guild)
        member = await self._member(guild, me)
        found: Any = await self._api.call("GET", "/channels/{channel_id}", channel_id=channel)
        state = found.get("thread_metadata")
        if state is not None:
            found = await self._api.call("GET", "/channels/{channel_id}", channel_id=str(found["parent_id"]))
        roles = [str(one) for one in member.get("roles") or ()]
        granted = in_channel(
            in_server(guild, server.roles, roles, is_owner=server.owner == me),
            found.get("permission_overwrites") or (),
            everyone=guild,
            member=me,
            member_roles=roles,
        )
        return granted, bool(state and state.get("locked"))

    async def _look_up(self, actor: Actor) -> Standing:
        guild = actor.workspace_id.partition(":")[2]
        try:
            member = await self._member(guild, actor.external_id)
            server = await self._server(guild)
        except PostRefused as error:
            if error.reason not in _STRANGER:
                raise
            return Standing(name=actor.name or self.name_of(actor.external_id), is_outsider=True)
        user: Mapping[str, Any] = member.get("user") or {}
        roles = tuple(str(one) for one in member.get("roles") or ())
        granted = in_server(guild, server.roles, roles, is_owner=server.owner == actor.external_id)
        return Standing(
            name=str(member.get("nick") or user.get("global_name") or user.get("username") or actor.name),
            is_admin=bool(granted & (ADMINISTRATOR | MANAGE_GUILD)),
            is_bot=bool(user.get("bot")),
            roles=roles,
        )

    async def _member(self, guild: str, person: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._api.call(
            "GET", "/guilds/{guild_id}/members/{user_id}", guild_id=guild, user_id=person
        )
        return found

    async def _server(self, guild: str) -> Server:
        known = self._servers.get(guild)
        if known is None:
            found: Any = await self._api.call("GET", "/guilds/{guild_id}", guild_id=guild)
            roles = {str(one["id"]): int(one["permissions"]) for one in found.get("roles") or ()}
            known = Server(guild, str(found.get("owner_id") or ""), roles)
            self._servers.keep(guild, known)
        return known
