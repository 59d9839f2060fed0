"""Commands are given to Discord when they differ from those that it has, and not otherwise.

Nothing of ours remembers what was synced: Discord is asked, and both are compared as what they mean, without ids,
versions and defaults. Discord takes two hundred new commands a day and server; a start that changes nothing costs one
read.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import aiohttp
import discord
import structlog

from bots.discord.api import as_our_error
from bots.discord.login import Connect

_log = structlog.get_logger(__name__)
_KEPT = ("name", "description", "type", "required", "autocomplete", "nsfw")
_LIMITS = ("min_value", "max_value", "min_length", "max_length")
_CHAT_INPUT = 1


def fingerprint(commands: Iterable[Mapping[str, Any]]) -> str:
    """Return what tells two sets of commands apart: what we send and what Discord gives back have the same one."""
    meant = sorted((_meaning(one, is_top=True) for one in commands), key=lambda one: (one["type"], one["name"]))
    return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()


async def sync_commands(client: discord.Client, payloads: Sequence[Mapping[str, Any]], *, guild: str = "") -> bool:
    """Give Discord *payloads* in place of the commands that it has, if they differ; return whether they did.

    Args:
        client: Logged in.
        payloads: As `bots.discord.tree.Tree.payloads` returns them.
        guild: A server, where they appear at once; empty for everywhere.

    Raises:
        discord.HTTPException: As Discord answers.
    """
    app = client.application_id
    if app is None:
        raise RuntimeError("not logged in")
    known: Any
    if guild:
        known = await client.http.get_guild_commands(app, int(guild))
    else:
        known = await client.http.get_global_commands(app)
    wanted = fingerprint(payloads)
    if fingerprint(known) == wanted:
        _log.info("discord_commands_current", fingerprint=wanted[:12], guild=guild)
        return False
    body: Any = list(payloads)
    if guild:
        await client.http.bulk_upsert_guild_commands(app, int(guild), payload=body)
    else:
        await client.http.bulk_upsert_global_commands(app, payload=body)
    _log.info("discord_commands_synced", fingerprint=wanted[:12], guild=guild, commands=len(payloads))
    return True


async def sync_app(
    connect: Connect, payloads: Callable[[discord.Client], Sequence[Mapping[str, Any]]], *, guild: str = ""
) -> bool:
    """Do the same for a client that does not listen.

    Args:
        connect: See `bots.discord.login.Connect`.
        payloads: Gives the commands for a client: see `bots.discord.tree.command_payloads`.
        guild: See `sync_commands`.

    Raises:
        PostRefused, TransientError: As Discord answers.
    """
    client = await connect()
    try:
        return await sync_commands(client, payloads(client), guild=guild)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise as_our_error(error, posts=False) from error


def _meaning(node: Mapping[str, Any], *, is_top: bool = False) -> dict[str, Any]:
    """Return a command or an option without what Discord adds and what is meant anyway."""
    meaning: dict[str, Any] = {key: node[key] for key in _KEPT if node.get(key)}
    meaning |= {key: float(node[key]) for key in _LIMITS if node.get(key) is not None}
    if node.get("choices"):
        meaning["choices"] = [[one["name"], str(one["value"])] for one in node["choices"]]
    if node.get("options"):
        meaning["options"] = [_meaning(one) for one in node["options"]]
    if is_top:
        meaning["type"] = int(node.get("type") or _CHAT_INPUT)
        permissions = node.get("default_member_permissions")
        meaning["permissions"] = None if permissions is None else str(permissions)
        meaning["contexts"] = sorted(int(one) for one in node.get("contexts") or ())
        meaning["integration_types"] = sorted(int(one) for one in node.get("integration_types") or ())
    return meaning
