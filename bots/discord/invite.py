"""The link by which a server gets the app, with exactly the permissions that it uses."""

from urllib.parse import urlencode

from bots.discord.login import Connect
from bots.discord.permissions import WANTED

_AUTHORIZE = "https://discord.com/oauth2/authorize"
_SCOPES = "bot applications.commands"


async def find_application(connect: Connect) -> str:
    """Return the app's id, which for old apps is not that of its bot; raises `TransientError` if nobody can tell now."""
    return str((await connect()).application_id or "")


def invite_link(application_id: str, *, guild: str = "") -> str:
    """Return the link.

    Args:
        application_id: The app's.
        guild: A server that is chosen beforehand; empty for the reader's choice.
    """
    query = {"client_id": application_id, "scope": _SCOPES, "permissions": str(int(WANTED))}
    if guild:
        query |= {"guild_id": guild, "disable_guild_select": "true"}
    return f"{_AUTHORIZE}?{urlencode(query)}"
