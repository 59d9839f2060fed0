"""Links to files, for places that cannot carry them: opaque, for a week, and gone with the session."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from aiohttp import web

from core.clock import Clock
from core.sessions.ports import FileStore, Store
from core.workspaces.errors import SecretUnreadable

_DAYS = 7
_PURPOSE = "file"
_GONE = "This link has ended, or the file was deleted. Ask for the session's files again where it was run."


class Sealer(Protocol):
    """Seals text so that nobody else can read or make it; `storage.secrets.SecretBox` is one."""

    def encrypt(self, text: str) -> str: ...
    def decrypt(self, token: str) -> str:
        """Raise `SecretUnreadable` for what was not sealed here."""
        ...


class FileLinks:
    """Makes and serves the links.

    Args:
        sealer: Seals what a link names; whoever has the database alone can make none.
        public_url: Where people reach this service.
    """

    def __init__(self, *, sealer: Sealer, public_url: str, store: Store, files: FileStore, clock: Clock) -> None:
        self._sealer = sealer
        self._public_url = public_url
        self._store = store
        self._files = files
        self._clock = clock

    def url(self, file_id: str) -> str:
        """Return an address that gives a file to whoever has it, for seven days."""
        until = self._clock.now() + timedelta(days=_DAYS)
        token = self._sealer.encrypt(f"{_PURPOSE} {until.isoformat()} {file_id}")
        return f"{self._public_url}/files/{token}"

    def routes(self) -> list[web.RouteDef]:
        """Return the route that serves them."""
        return [web.get("/files/{token}", self._serve)]

    async def _serve(self, request: web.Request) -> web.Response:
        named = _read(self._sealer.decrypt, request.match_info["token"])
        if named is None or named[0] < self._clock.now():
            raise web.HTTPNotFound(text=_GONE)
        file = await self._store.read(lambda tx: tx.sessions.find_file(named[1]))
        if file is None:
            raise web.HTTPNotFound(text=_GONE)
        try:
            data = await self._files.get(file.storage_key)
        except KeyError:
            raise web.HTTPNotFound(text=_GONE) from None
        return web.Response(
            body=data,
            headers={
                # as a download and nothing else: what people uploaded must not run in a browser as ours
                "Content-Type": file.media_type,
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
                "Content-Security-Policy": "sandbox",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
            },
        )


def _read(decrypt: Callable[[str], str], token: str) -> tuple[datetime, str] | None:
    """Return the end and the file of a link, None for one that is not ours."""
    try:
        purpose, until, file_id = decrypt(token).split(" ")
    except (SecretUnreadable, ValueError):
        return None
    return (datetime.fromisoformat(until), file_id) if purpose == _PURPOSE else None
