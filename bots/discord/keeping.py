"""Files whose links die before a request may be done: kept with ours meanwhile.

What hangs on a message gets a new link whenever it is asked for. What came with a command or a form hangs on nothing, and
Discord serves it for about a day; a request may wait longer for somebody's leave, a permission or a choice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bots.desk.door import FileUnavailable
from bots.desk.requests import Attachment, Request
from core.ids import derived_key
from core.sessions.ports import FileStore

_KEPT = "kept:"
_GONE = "it waited too long and is not kept any more. Give it again."


class KeptFiles:
    """Keeps files.

    Args:
        files: Where.
        fetch: Fetches one from Discord: see `bots.discord.downloads.Downloads.fetch`.
    """

    def __init__(self, files: FileStore, fetch: Callable[[Attachment], Awaitable[bytes]]) -> None:
        self._files = files
        self._fetch = fetch

    async def keep(self, request: Request) -> Request:
        """Return *request* with what hangs on no message kept.

        Raises:
            FileUnavailable: With a sentence for people.
            TransientError: If a file cannot be read now.
        """
        return replace(request, files=tuple([await self._keep(request, file) for file in request.files]))

    async def let_go(self, request: Request) -> None:
        """Keep the files of *request* no longer."""
        for file in request.files:
            if file.url.startswith(_KEPT):
                await self._files.delete(_key(request, file))

    async def get(self, request: Request, file: Attachment) -> bytes | None:
        """Return the bytes of a file that is kept, None for any other.

        Raises:
            FileUnavailable: If it was kept, and is not any more.
        """
        if not file.url.startswith(_KEPT):
            return None
        try:
            return await self._files.get(_key(request, file))
        except KeyError as error:
            raise FileUnavailable(file.name, _GONE) from error

    async def _keep(self, request: Request, file: Attachment) -> Attachment:
        if not file.id.isdigit() or file.url.startswith(_KEPT):
            return file
        await self._files.put(_key(request, file), await self._fetch(file))
        return replace(file, url=_KEPT)


def _key(request: Request, file: Attachment) -> str:
    """Return where a file is kept: by what asked for it, so that no address can name another's."""
    return f"kept/{derived_key('kept', request.id, file.id)}"
