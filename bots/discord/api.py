"""The one door to Discord's REST API: through the library's rate limits, and with Discord's answers as our errors."""

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord.http import Route

from bots.discord import limits
from bots.discord.invalid import InvalidRequests
from bots.discord.login import Connect
from core.errors import AtelierError, TransientError
from core.orchestration.ports import PostRefused, PostUncertain

Json = dict[str, Any]
_REASONS = {
    10003: "unknown_channel",
    10004: "unknown_guild",
    10007: "unknown_member",
    10008: "unknown_message",
    10013: "unknown_user",
    10015: "unknown_webhook",
    10062: "unknown_interaction",
    20009: "explicit_content",
    30033: "thread_is_full",
    30046: "too_many_edits",
    40005: "too_large",
    50001: "missing_access",
    50005: "not_our_message",
    50007: "takes_no_messages",
    50008: "not_a_text_channel",
    50013: "missing_permissions",
    50024: "not_in_this_channel",
    50027: "token_over",
    50035: "invalid_form",
    50083: "thread_archived",
    160004: "thread_is_there",
    160005: "thread_locked",
    160006: "too_many_threads",
}
_LATER = frozenset({20016, 20022, 20028, 31002, 40003, 40062, 110001, 130000})  # limits of all sorts, and overload
_TOKEN_OVER = 50027  # the token of an answer, not ours
_UNAUTHORISED, _FORBIDDEN, _LIMITED, _SERVER = 401, 403, 429, 500
_ANSWERS = "/webhooks/"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a message."""

    name: str
    content: bytes
    media_type: str


class DiscordApi:
    """Calls Discord.

    Args:
        connect: See `bots.discord.login.Connect`.
        invalid: The counter that the client of *connect* reports to.
    """

    def __init__(self, connect: Connect, *, invalid: InvalidRequests) -> None:
        self._connect = connect
        self._invalid = invalid

    async def me(self) -> str:
        """Return the bot's own id.

        Raises:
            TransientError: If we are not logged in.
        """
        client = await self._connect()
        return str(client.user.id) if client.user is not None else ""

    async def call(
        self,
        method: str,
        path: str,
        *,
        channel_id: str = "",
        message_id: str = "",
        user_id: str = "",
        guild_id: str = "",
        more: Mapping[str, str] | None = None,
        body: Json | None = None,
        query: Json | None = None,
        uploads: Sequence[Upload] = (),
        posts: bool = False,
    ) -> Any:
        """Make one call and return its answer.

        Args:
            method: Of HTTP.
            path: With the names of ids in braces, as ``/channels/{channel_id}/messages``.
            channel_id: The channel, whose rate limit it takes.
            message_id: The message.
            user_id: The person.
            guild_id: The server.
            more: Other names in the path.
            body: What it says.
            query: What stands behind the path.
            uploads: Files that go with it.
            posts: Whether a repeat would be seen: then a lost answer is `PostUncertain`.

        Raises:
            PostRefused: Discord says no; the reason is a word of ours for its code.
            PostUncertain: It may have happened.
            TransientError: It did not happen; later it may. A call that may be repeated raises it for a lost answer, too.
        """
        if not path.startswith(_ANSWERS):  # somebody waits for those
            self._invalid.check()
        client = await self._connect()
        named: dict[str, Any] = {"message_id": message_id, "user_id": user_id, **(more or {})}
        route = Route(method, path, channel_id=channel_id or None, guild_id=guild_id or None, **named)
        try:
            async with asyncio.timeout(limits.CALL_SECONDS):
                return await client.http.request(route, **_arguments(body, query, uploads))
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
            mapped = as_our_error(error, posts=posts)
            if isinstance(error, discord.HTTPException) and _knows_no_token(error):
                self._invalid.stop(limits.TOKEN_SECONDS)
        raise mapped


def as_our_error(error: Exception, *, posts: bool) -> AtelierError:
    """Return what *error* means for a call; *posts* as in `DiscordApi.call`."""
    unsure = PostUncertain if posts else TransientError
    found: AtelierError
    if isinstance(error, discord.RateLimited):
        found = TransientError("Discord asks for patience", retry_after_seconds=error.retry_after)
    elif isinstance(error, discord.HTTPException):
        found = _of_answer(error, unsure)
    elif isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        found = TransientError("Discord cannot be reached")
    else:
        found = unsure(f"Discord's answer was lost: {type(error).__name__}")
    found.__cause__ = error
    return found


def _of_answer(error: discord.HTTPException, unsure: type[TransientError]) -> AtelierError:
    if _knows_no_token(error):
        return TransientError("Discord does not know our token", retry_after_seconds=limits.TOKEN_SECONDS)
    if error.status == _LIMITED:
        is_discords = bool(error.response.headers.get("Via"))
        wait = limits.WAIT_SECONDS if is_discords else limits.BAN_SECONDS
        return TransientError("Discord asks for patience", retry_after_seconds=wait)
    if error.status >= _SERVER:
        return unsure(f"Discord answered {error.status}")
    if error.code in _LATER:
        return TransientError(f"Discord: {error.code}")
    return PostRefused(_REASONS.get(error.code) or (f"discord_{error.code}" if error.code else f"http_{error.status}"))


def _knows_no_token(error: discord.HTTPException) -> bool:
    return error.status == _UNAUTHORISED and error.code != _TOKEN_OVER


def _arguments(body: Json | None, query: Json | None, uploads: Sequence[Upload]) -> Json:
    """Return a request as the library's HTTP client takes it."""
    arguments: Json = {"params": query} if query else {}
    if uploads:
        files = [discord.File(io.BytesIO(one.content), filename=one.name) for one in uploads]
        arguments |= {"files": files, "form": _form(body or {}, uploads, files)}
    elif body is not None:
        arguments["json"] = body
    return arguments


def _form(body: Json, uploads: Sequence[Upload], files: Sequence[discord.File]) -> list[Json]:
    """Return the fields of a multipart body; the library resets the files before each try."""
    fields: list[Json] = [{"name": "payload_json", "value": json.dumps(body)}]
    for number, (upload, file) in enumerate(zip(uploads, files, strict=True)):
        fields.append(
            {
                "name": f"files[{number}]",
                "value": file.fp,
                "filename": upload.name,
                "content_type": upload.media_type or "application/octet-stream",
            }
        )
    return fields
