"""The bot itself, the gateway's address, and servers over the API."""

from tests.fakes.discord.calls import Answer, Call, Handler
from tests.fakes.discord.model import Refusal
from tests.fakes.discord.payloads import (
    of_application,
    of_channel,
    of_guild,
    of_me,
    of_member,
    of_role,
    of_user,
)
from tests.fakes.discord.permissions import in_guild
from tests.fakes.discord.world import World


def me(call: Call) -> Answer:
    """Return the bot."""
    return of_me(call.world)


def application(call: Call) -> Answer:
    """Return the app."""
    return of_application(call.world)


def user(call: Call) -> Answer:
    """Return somebody."""
    found = call.world.users.get(call.params["user_id"])
    if found is None:
        raise Refusal(404, 10013, "Unknown User")
    return of_user(found)


def gateway(call: Call) -> Answer:
    """Return where the gateway is."""
    return {"url": call.world.gateway_url}


def my_guilds(call: Call) -> Answer:
    """Return the servers that the app is in."""
    world = call.world
    return [
        {
            "id": one.id,
            "name": one.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(int(in_guild(one, world.bot.id))),
            "features": [],
        }
        for one in world.guilds.values()
        if one.has_app
    ]


def leave(call: Call) -> Answer:
    """Leave a server."""
    guild = call.guild()
    remove_app(call.world, guild.id)
    return None


def guild(call: Call) -> Answer:
    """Return a server."""
    return of_guild(call.guild())


def channels(call: Call) -> Answer:
    """Return the channels of a server, threads not among them."""
    return [of_channel(call.world, one) for one in call.world.channels_of(call.guild())]


def roles(call: Call) -> Answer:
    """Return the roles of a server."""
    return [of_role(one) for one in call.guild().roles.values()]


def member(call: Call) -> Answer:
    """Return a member."""
    found = call.guild().members.get(call.params["user_id"])
    if found is None:
        raise Refusal(404, 10007, "Unknown Member")
    return of_member(found)


def remove_app(world: World, guild_id: str) -> None:
    """Take the app out of a server: its commands there go, and it is told."""
    found = world.guilds[guild_id]
    world.announce("GUILD_DELETE", {"id": found.id}, guild=found)
    found.has_app = False
    found.members.pop(world.bot.id, None)
    world.commands.pop(found.id, None)


ROUTES: dict[str, Handler] = {
    "GET /users/@me": me,
    "GET /users/@me/guilds": my_guilds,
    "DELETE /users/@me/guilds/{guild_id}": leave,
    "GET /users/{user_id}": user,
    "GET /applications/@me": application,
    "GET /oauth2/applications/@me": application,
    "GET /gateway": gateway,
    "GET /guilds/{guild_id}": guild,
    "GET /guilds/{guild_id}/channels": channels,
    "GET /guilds/{guild_id}/roles": roles,
    "GET /guilds/{guild_id}/members/{user_id}": member,
}
