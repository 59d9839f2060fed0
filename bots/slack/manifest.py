"""What the app is set up as at Slack: the one place that names its scopes, events and menus.

`atelier slack manifest` prints it for Slack's "create an app from a manifest"; installing asks for the same scopes, and
`atelier doctor` compares with them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bots.commands import COMMANDS, Command
from bots.slack.decode import Shortcut
from bots.slack.http import EVENTS_PATH
from bots.slack.oauth import REDIRECT_PATH
from bots.slack.tenants import PLATFORM

COMMAND = "/atelier"
SCOPES: tuple[str, ...] = (
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:write",
    "users:read",
)
"""What the app asks for: no channel list to join by itself, nobody's address, no posting where it was not invited."""
WITHOUT: Mapping[str, str] = {
    "app_mentions:read": "mentions of the app do not arrive",
    "channels:history": "replies in public channels do not arrive, and lost posts cannot be looked up",
    "channels:read": "Atelier cannot see whether it may post in a public channel",
    "chat:write": "nothing can be posted",
    "chat:write.customize": "agents cannot speak under their own names; posts come as the app's",
    "commands": "/atelier and the shortcuts do not arrive",
    "files:read": "files that people give cannot be read",
    "files:write": "results cannot be uploaded",
    "groups:history": "replies in private channels do not arrive",
    "groups:read": "Atelier cannot see whether it may post in a private channel",
    "im:history": "direct messages to the app do not arrive",
    "im:read": "sessions in direct messages cannot begin",
    "im:write": "nobody can be written to directly",
    "mpim:history": "replies in group messages do not arrive",
    "mpim:read": "sessions in group messages cannot begin",
    "reactions:write": "guidance that was taken cannot be marked",
    "users:read": "guests, admins and people of other companies cannot be told apart",
}
"""What people miss without each scope."""
EVENTS: Mapping[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "channel_archive": ("channels:read",),
    "group_archive": ("groups:read",),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "team_access_revoked": (),
    "tokens_revoked": (),
}
"""What the app subscribes to, with the scopes any one of which brings it (docs: events)."""
_DESCRIPTION = "An editorial room: several AI editors review a text, a writer revises it, round by round."
_LONG = (
    "Give Atelier a brief or a file. A writer drafts or revises, editors with different eyes comment and score, and a "
    "lead editor decides what changes next. You watch the rounds in a thread, steer by replying, and get the finished "
    "file with every change on record. You see the price before it starts, and it never costs more than the cap."
)
_HINT_VERBS = ("new", "sessions", "status", "files", "help")


def app_manifest(
    *,
    public_url: str = "",
    is_socket: bool = False,
    name: str = "Atelier",
    rotates_tokens: bool = False,
    commands: Iterable[Command] = COMMANDS,
) -> dict[str, Any]:
    """Return the app's manifest.

    Args:
        public_url: Where Slack and browsers reach us over HTTP; empty where nobody does.
        is_socket: Whether events come through Socket Mode.
        name: What people call the app.
        rotates_tokens: Whether its tokens end after 12 hours; Slack does not let that be switched off again.
        commands: The command table.

    Raises:
        ValueError: If Slack could reach the app in no way.
    """
    public_url = public_url.rstrip("/")
    if not public_url and not is_socket:
        raise ValueError("either an address or Socket Mode is needed")
    address = {} if is_socket else {"request_url": f"{public_url}{EVENTS_PATH}"}
    command = {"url": f"{public_url}{EVENTS_PATH}"} if not is_socket else {}
    oauth: dict[str, Any] = {"scopes": {"bot": list(SCOPES)}}
    if public_url:
        oauth["redirect_urls"] = [f"{public_url}{REDIRECT_PATH}"]
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": name,
            "description": _DESCRIPTION,
            "long_description": _LONG,
            "background_color": "#2b2d42",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                {
                    "name": f"Edit with {name}",
                    "type": "message",
                    "callback_id": Shortcut.EDIT.value,
                    "description": "Have this message or its file edited",
                },
                {
                    "name": f"New {name} session",
                    "type": "global",
                    "callback_id": Shortcut.NEW.value,
                    "description": "Start a session from a brief or a file",
                },
            ],
            "slash_commands": [
                {
                    "command": COMMAND,
                    **command,
                    "description": "Have a text written or edited, see how far it is, get its files",
                    "usage_hint": _usage_hint(commands),
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **address},
            "org_deploy_enabled": True,
            "socket_mode_enabled": is_socket,
            "token_rotation_enabled": rotates_tokens,
        },
    }


def _usage_hint(commands: Iterable[Command]) -> str:
    """Return the verbs that people meet first, as the table has them."""
    known = {one.name: one for one in commands if not one.only_on or PLATFORM in one.only_on}
    shown = [known[verb] for verb in _HINT_VERBS if verb in known]
    return " | ".join(f"{one.name} [{one.rest.name.upper()}]" if one.rest else one.name for one in shown)
