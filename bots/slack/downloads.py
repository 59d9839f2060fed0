"""Files that people gave: from Slack's file hosts only, with the app's token, never more than asked for."""

import asyncio
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from bots.desk.door import FileUnavailable
from bots.desk.requests import Attachment
from bots.fetching import origin_of, read_at_most
from bots.slack.api import Clients, SlackApi
from core.errors import TransientError
from core.orchestration.ports import PostRefused

_log = structlog.get_logger(__name__)
FILE_HOSTS = frozenset({"https://files.slack.com"})
_SECONDS = 60.0
_OK, _MOVED, _WRONG = 200, range(300, 400), range(400, 500)
_LATER = frozenset({408, 425, 429})
_GONE = frozenset({"file_deleted", "file_not_found"})
_LOGIN_PAGE = (
    "Slack showed its sign-in page instead of the file. Atelier may lack the permission to read files (files:read): "
    "an admin can install it again."
)
_WORDS = {
    "gone": "it is not in Slack any more. Upload it again.",
    "elsewhere": "it lies outside Slack. Download it there and upload it here.",
    "hidden": "Slack does not show it to Atelier. Upload it in a conversation that Atelier is in.",
}


class Downloads:
    """Fetches files.

    Args:
        api: The door to Slack.
        clients: Whose token reads the file.
        http: Connections; cookies and redirects are never followed.
        hosts: Origins that files may come from, such as ``https://files.slack.com``.
        max_bytes: A longer file is refused, before it is read where Slack says how long it is.
    """

    def __init__(
        self,
        api: SlackApi,
        clients: Clients,
        http: aiohttp.ClientSession,
        *,
        max_bytes: int,
        hosts: Collection[str] = FILE_HOSTS,
    ) -> None:
        self._api = api
        self._clients = clients
        self._http = http
        self._hosts = frozenset(hosts)
        self._max_bytes = max_bytes

    async def fetch(self, team: str, attachment: Attachment) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileUnavailable: With a sentence for people.
            TransientError: If it cannot be read now.
        """
        name, url, size = attachment.name, attachment.url, attachment.size_bytes
        if not url:  # Slack Connect: an event says no more than that there is a file
            facts = await self._facts(team, attachment)
            name, url = str(facts.get("name") or name), str(facts.get("url_private_download") or "")
            size = int(facts.get("size") or 0)
        if origin_of(url) not in self._hosts:
            _log.info("slack_file_elsewhere", host=urlsplit(url).hostname or "")
            raise FileUnavailable(name, _WORDS["elsewhere"])
        if size > self._max_bytes:
            raise FileUnavailable(name, self._too_large())
        token = (await self._clients(team)).token or ""
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._read(url, token, name)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TransientError(f"a file was not read: {type(error).__name__}") from error

    async def _facts(self, team: str, attachment: Attachment) -> dict[str, Any]:
        try:
            answer: Any = await self._api.call(team, "files.info", lambda client: client.files_info(file=attachment.id))
        except PostRefused as error:
            reason = _WORDS["gone" if error.reason in _GONE else "hidden"]
            raise FileUnavailable(attachment.name or "The file", reason) from error
        facts: dict[str, Any] = answer["file"]
        return facts

    async def _read(self, url: str, token: str, name: str) -> bytes:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.get(url, headers=headers, allow_redirects=False) as response:
            self._check(response, name)
            data = await read_at_most(response, self._max_bytes)
        if data is None:
            raise FileUnavailable(name, self._too_large())
        return data

    def _check(self, response: aiohttp.ClientResponse, name: str) -> None:
        """Return if what comes is the file."""
        status = response.status
        if status in _MOVED:
            raise FileUnavailable(name, _WORDS["hidden"])
        if status in _WRONG and status not in _LATER:
            raise FileUnavailable(name, _WORDS["gone" if status in {404, 410} else "hidden"])
        if status != _OK:
            raise TransientError(f"Slack's file host answered {status}", retry_after_seconds=_seconds(response))
        if response.content_type == "text/html":  # with 200, as everything else
            raise FileUnavailable(name, _LOGIN_PAGE)

    def _too_large(self) -> str:
        return f"it has more than {self._max_bytes // (1024 * 1024)} MB. Send the part that needs work."


def _seconds(response: aiohttp.ClientResponse) -> float | None:
    found = response.headers.get("Retry-After", "")
    return float(found) if found.isdigit() else None
