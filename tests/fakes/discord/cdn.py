"""Files over links that are signed and die after a day."""

from aiohttp import web

from tests.fakes.discord.api import cut
from tests.fakes.discord.faults import Faults, Trouble
from tests.fakes.discord.world import World, sign

_ROUTE = "GET cdn"


class Cdn:
    """Serves attachments.

    Attributes:
        downloads: Ids of the files that were asked for, with the status of each answer.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.downloads: list[tuple[str, int]] = []
        self._world = world
        self._faults = faults

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer with a file, or with 404 when it is gone, its link has died or was made up."""
        attachment = self._world.attachments.get(request.match_info["attachment"])
        fault = self._faults.next(_ROUTE, None)
        if fault is not None and fault.trouble is Trouble.LOST_REQUEST:
            return cut(request)
        if fault is not None and fault.trouble not in {Trouble.TRUNCATED, Trouble.HANGS}:
            return self._refused(request, fault.status)
        if attachment is None or attachment.is_gone or not self._is_valid(request):
            return self._refused(request, 404)
        if fault is not None and fault.trouble is Trouble.HANGS:
            await self._faults.released.wait()
        self.downloads.append((attachment.id, 200))
        if fault is None:
            return web.Response(body=attachment.content, headers={"Content-Type": attachment.content_type})
        response = web.StreamResponse(headers={"Content-Length": str(attachment.size)})
        await response.prepare(request)
        await response.write(attachment.content[: attachment.size // 2])
        cut(request)
        return response

    def _refused(self, request: web.Request, status: int) -> web.Response:
        self.downloads.append((request.match_info["attachment"], status))
        return web.Response(status=status, text="This content is no longer available.")

    def _is_valid(self, request: web.Request) -> bool:
        try:
            expires = int(request.query["ex"], 16)
        except (KeyError, ValueError):
            return False
        signature = sign(request.match_info["attachment"], expires)
        return request.query.get("hm") == signature and self._world.now().timestamp() < expires
