"""What a doctor looks at: the token, the intents, the commands, and what the app may do in one channel."""

from dataclasses import dataclass
from typing import Any

import discord

from bots.discord.api import DiscordApi
from bots.discord.invalid import InvalidRequests
from bots.discord.login import Connect
from bots.discord.people import People
from bots.discord.permissions import WANTED, Permission, missing, name_of
from bots.discord.sync import fingerprint
from bots.discord.tree import command_payloads
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import PostRefused

_DIRECT_KINDS = frozenset({1, 3})


@dataclass(frozen=True, slots=True)
class DiscordFinding:
    """One thing that was looked at.

    Attributes:
        outcome: ``ok``, ``warning`` or ``failed``.
    """

    name: str
    outcome: str
    detail: str


async def check_discord(
    connect: Connect,
    *,
    invalid: InvalidRequests,
    clock: Clock,
    message_content: bool,
    channel: str = "",
    sells: bool = True,
) -> list[DiscordFinding]:
    """Return how the app stands at Discord.

    Args:
        connect: See `bots.discord.login.Connect`; its client must not listen.
        invalid: The counter that the client reports to.
        clock: The time.
        message_content: Whether the content of messages will be asked for.
        channel: Discord's id of a channel to look at; empty for none.
        sells: Whether credits are sold: see `bots.commands.offered`.
    """
    try:
        client = await connect()
    except TransientError as error:
        return [DiscordFinding("discord", "failed", f"{error}: look at DISCORD_TOKEN and the line")]
    name = str(client.user) if client.user is not None else ""
    findings = [DiscordFinding("discord", "ok", f"logged in as {name}"), _intent(client, message_content)]
    findings.append(await _commands(client, sells=sells))
    if channel:
        findings.append(await _channel(DiscordApi(connect, invalid=invalid), clock, channel))
    return findings


def _intent(client: discord.Client, message_content: bool) -> DiscordFinding:  # noqa: FBT001 - one of two settings
    flags = client.application_flags
    is_allowed = flags.gateway_message_content or flags.gateway_message_content_limited
    name = "discord intents"
    if message_content and not is_allowed:
        detail = "DISCORD_MESSAGE_CONTENT is on, and the message content intent is off at discord.com/developers"
        return DiscordFinding(name, "failed", detail)
    if message_content:
        return DiscordFinding(name, "ok", "message content: plain replies in threads steer")
    detail = "no message content: people steer by replies to the app, mentions, the Steer button and /atelier steer"
    return DiscordFinding(name, "ok", detail)


async def _commands(client: discord.Client, *, sells: bool) -> DiscordFinding:
    name, app = "discord commands", client.application_id
    try:
        known: Any = await client.http.get_global_commands(app or 0)
    except discord.HTTPException as error:
        return DiscordFinding(name, "failed", f"cannot be read ({error.status})")
    if fingerprint(known) != fingerprint(command_payloads(client, sells=sells)):
        return DiscordFinding(name, "warning", "differ from this version's: run atelier discord sync")
    return DiscordFinding(name, "ok", "current")


async def _channel(api: DiscordApi, clock: Clock, channel: str) -> DiscordFinding:
    name = f"discord channel {channel}"
    try:
        found: Any = await api.call("GET", "/channels/{channel_id}", channel_id=channel)
        if int(found.get("type") or 0) in _DIRECT_KINDS:
            return DiscordFinding(name, "ok", "a direct conversation")
        granted, is_locked = await People(api, clock).granted(str(found["guild_id"]), channel)
    except PostRefused as error:
        return DiscordFinding(name, "failed", f"not visible to the app ({error.reason})")
    except TransientError as error:
        return DiscordFinding(name, "failed", str(error))
    outcome, detail = _rights(granted, in_thread="thread_metadata" in found, is_locked=is_locked)
    return DiscordFinding(name, outcome, detail)


def _rights(granted: int, *, in_thread: bool, is_locked: bool) -> tuple[str, str]:
    if is_locked:
        return "failed", "a locked thread"
    lacking = missing(granted, in_thread=in_thread)
    if lacking:
        return "failed", f"the app lacks {', '.join(lacking)}"
    wished = [name_of(one) for one in Permission if one & WANTED and not one & granted]
    if wished:
        return "warning", f"sessions work; the app lacks {', '.join(wished)}"
    return "ok", "sessions work"
