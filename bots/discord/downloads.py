"""Files that people gave: from Discord's own hosts only, never more than asked for, no redirect followed."""

import asyncio
import base64
import binascii
import mimetypes
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from bots.desk.door import FileUnavailable
from bots.desk.requests import Attachment
from bots.discord.api import DiscordApi
from bots.discord.decode import INLINE
from bots.fetching import origin_of, read_at_most
from core.errors import TransientError
from core.orchestration.ports import PostRefused

_log = structlog.get_logger(__name__)
FILE_HOSTS = frozenset({"https://cdn.discordapp.com", "https://media.discordapp.net"})
_SECONDS = 60.0
_OK, _MOVED, _WRONG = 200, range(300, 400), range(400, 500)
_LATER = frozenset({408, 425, 429})
_NO_TEXT = ("image/", "video/", "audio/")
_GONE = "it is not in Discord any more. Give it again."
_ELSEWHERE = "it lies outside Discord. Download it there and upload it here."
_OTHER_KIND = "only DOCX, PDF, TXT and MD can be read."


class _LinkDied(Exception):
    """Discord serves nothing at this address (any more)."""


class Downloads:
    """Fetches files.

    Args:
        api: The door to Discord, for links that died.
        http: Connections; no cookies, no redirects.
        hosts: Origins that files may come from, such as ``https://cdn.discordapp.com``.
        max_bytes: A longer file is refused, before it is read where Discord says how long it is.
    """

    def __init__(
        self,
        api: DiscordApi,
        http: aiohttp.ClientSession,
        *,
        max_bytes: int,
        hosts: Collection[str] = FILE_HOSTS,
    ) -> None:
        self._api = api
        self._http = http
        self._hosts = frozenset(hosts)
        self._max_bytes = max_bytes

    async def fetch(self, attachment: Attachment) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileUnavailable: With a sentence for people.
            TransientError: If it cannot be read now.
        """
        if attachment.url.startswith(INLINE):
            return self._inline(attachment)
        if (mimetypes.guess_type(attachment.name)[0] or "").startswith(_NO_TEXT):
            raise FileUnavailable(attachment.name, _OTHER_KIND)
        try:
            return await self._get(attachment, attachment.url)
        except _LinkDied:
            url = await self._new_link(attachment)
        try:
            return await self._get(attachment, url)
        except _LinkDied as error:
            raise FileUnavailable(attachment.name, _GONE) from error

    def _inline(self, attachment: Attachment) -> bytes:
        try:
            return base64.b64decode(attachment.url.removeprefix(INLINE), validate=True)
        except binascii.Error as error:
            raise FileUnavailable(attachment.name, _GONE) from error

    async def _get(self, attachment: Attachment, url: str) -> bytes:
        if origin_of(url) not in self._hosts:
            _log.info("discord_file_elsewhere", host=urlsplit(url).hostname or "")
            raise FileUnavailable(attachment.name, _ELSEWHERE)
        if attachment.size_bytes > self._max_bytes:
            raise FileUnavailable(attachment.name, self._too_large())
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._http.get(url, allow_redirects=False) as response,
            ):
                return await self._read(response, attachment.name)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientError(f"a file was not read: {type(error).__name__}") from error

    async def _read(self, response: aiohttp.ClientResponse, name: str) -> bytes:
        status = response.status
        if status in _MOVED:
            raise FileUnavailable(name, _ELSEWHERE)
        if status in _WRONG and status not in _LATER:
            raise _LinkDied
        if status != _OK:
            raise TransientError(f"Discord's file host answered {status}")
        data = await read_at_most(response, self._max_bytes)
        if data is None:
            raise FileUnavailable(name, self._too_large())
        return data

    async def _new_link(self, attachment: Attachment) -> str:
        """Return a fresh address of a file that hangs on a message: a link lives about a day, a request may wait longer.

        Raises:
            FileUnavailable: If it is gone, or came with a command, where Discord keeps it nowhere.
            TransientError: If Discord cannot be asked now.
        """
        channel, _, rest = attachment.id.partition("/")
        message, _, wanted = rest.partition("/")
        if not wanted:
            raise FileUnavailable(attachment.name, _GONE)
        try:
            found: Any = await self._api.call(
                "GET", "/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=message
            )
        except PostRefused as error:
            raise FileUnavailable(attachment.name, _GONE) from error
        for file in found.get("attachments") or ():
            if str(file["id"]) == wanted:
                return str(file["url"])
        raise FileUnavailable(attachment.name, _GONE)

    def _too_large(self) -> str:
        return f"it has more than {self._max_bytes // (1024 * 1024)} MB. Send the part that needs work."
