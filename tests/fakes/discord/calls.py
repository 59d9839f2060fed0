"""One call of the API, as its handler gets it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.model import Channel, Guild, Json, Refusal, Upload
from tests.fakes.discord.permissions import Permission, missing_access, missing_permissions
from tests.fakes.discord.world import World


@dataclass(frozen=True)
class Reply:
    """An answer whose status is not 200."""

    status: int
    body: Json | list[Json] | None = None


Answer: TypeAlias = "Json | list[Json] | Reply | None"


@dataclass
class Call:
    """A request that was read.

    Attributes:
        route: Method and path with names in it, as Discord's OpenAPI has them.
        params: What the names stand for.
        body: JSON, of multipart its ``payload_json``.
        uploads: Files of multipart.
    """

    world: World
    interactions: Interactions
    route: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    uploads: Sequence[Upload] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> Json:
        """The body as an object.

        Raises:
            Refusal: 50109 when it is none.
        """
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise Refusal(400, 50109, "The request body contains invalid JSON.")
        return self.body

    def guild(self) -> Guild:
        """Return the server in the path.

        Raises:
            Refusal: 10004, or 50001 when the app is not in it.
        """
        guild = self.world.guilds.get(self.params["guild_id"])
        if guild is None:
            raise Refusal(404, 10004, "Unknown Guild")
        if not guild.has_app:
            raise missing_access()
        return guild

    def channel(self, *needs: Permission) -> Channel:
        """Return the channel in the path.

        Raises:
            Refusal: 10003; 50001 when the bot does not see it; 50013 when it lacks one of *needs*.
        """
        channel = self.world.channels.get(self.params["channel_id"])
        if channel is None or channel.is_deleted:
            raise Refusal(404, 10003, "Unknown Channel")
        if not self.world.sees(channel, self.world.bot):
            raise missing_access()
        granted = self.world.permissions(channel, self.world.bot)
        if any(not granted & need for need in needs):
            raise missing_permissions()
        return channel


Handler: TypeAlias = Callable[[Call], Answer]
