"""Where a session lives: the thread from its card, or the place in which it was asked for."""

from typing import Any

import structlog

from bots.discord import limits
from bots.discord.api import DiscordApi
from bots.discord.permissions import Permission, name_of
from bots.discord.places import Place, channel_ref
from bots.posting.text import shorten
from core.orchestration.ports import PostRefused
from core.sessions.model import ThreadRef

_log = structlog.get_logger(__name__)
_PRIVATE_THREAD = 12
_IS_THERE = "thread_is_there"
_PERMISSIONS = frozenset({"missing_permissions", "missing_access"})
_NOT_HERE = {
    "missing_permissions": f"the app lacks the permission {name_of(Permission.CREATE_PUBLIC_THREADS)}",
    "missing_access": f"the app lacks the permission {name_of(Permission.READ_MESSAGE_HISTORY)}",
    "not_in_this_channel": "this kind of channel has none",
    "too_many_threads": "the server has as many as Discord allows",
}


class Threads:
    """Opens threads."""

    def __init__(self, api: DiscordApi) -> None:
        self._api = api

    async def open_from(self, channel: str, message: str, name: str) -> tuple[str, str]:
        """Return the id of the thread that begins with a message, and why there is none (one of both is empty).

        A repeat is harmless: a message has one thread, and its id is the message's.

        Raises:
            PostRefused, TransientError: As Discord answers.
        """
        body = {"name": thread_name(name), "auto_archive_duration": limits.THREAD_ARCHIVE_MINUTES}
        try:
            thread: Any = await self._api.call(
                "POST",
                "/channels/{channel_id}/messages/{message_id}/threads",
                body=body,
                channel_id=channel,
                message_id=message,
            )
        except PostRefused as error:
            if error.reason == _IS_THERE:
                return message, ""
            if error.reason not in _NOT_HERE:
                raise
            _log.warning("discord_no_thread", channel=channel, reason=error.reason)
            return "", _NOT_HERE[error.reason]
        return str(thread["id"]), ""

    async def open_private(self, place: Place, name: str, person: str) -> ThreadRef:
        """Return where a session lives that only *person* and whom they invite see: a private thread with them in it.

        Raises:
            PostRefused: If that cannot be; the reason names the permission that is missing.
            TransientError: It may be later. An empty thread may be left that nobody sees.
        """
        body = {
            "name": thread_name(name),
            "type": _PRIVATE_THREAD,
            "invitable": False,
            "auto_archive_duration": limits.THREAD_ARCHIVE_MINUTES,
        }
        try:
            thread: Any = await self._api.call(
                "POST", "/channels/{channel_id}/threads", body=body, channel_id=place.channel
            )
            thread_id = str(thread["id"])
            await self._api.call(
                "PUT", "/channels/{channel_id}/thread-members/{user_id}", channel_id=thread_id, user_id=person
            )
        except PostRefused as error:
            if error.reason in _PERMISSIONS:
                raise PostRefused(lacking(error.reason, Permission.CREATE_PRIVATE_THREADS)) from error
            raise
        return ThreadRef("discord", channel_ref(place.guild, place.channel), thread=thread_id)


def lacking(reason: str, permission: Permission) -> str:
    """Return Discord's reason with the permission that is most probably missing, by the name people find it under."""
    return f"{reason}: {name_of(permission)}"


def thread_name(name: str) -> str:
    """Return a thread's name of at most 100 characters."""
    return shorten(" ".join(name.split()), limits.THREAD_NAME) or "Atelier"
