"""Where bytes of files go and come from."""

from aiohttp import web

from tests.fakes.slack.faults import Fault, Faults, Trouble
from tests.fakes.slack.file_methods import is_visible
from tests.fakes.slack.model import ApiCall, File, Refusal
from tests.fakes.slack.web_api import WebApi, check_token
from tests.fakes.slack.wire import cut, login_page, troubled
from tests.fakes.slack.world import World


class FileRoutes:
    """``/upload/v1/…`` and ``/files-pri/…``; their requests stand in the log as ``file.upload``, ``file.download``."""

    def __init__(self, world: World, faults: Faults, api: WebApi) -> None:
        self._world = world
        self._faults = faults
        self._api = api

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take the bytes of an announced file, raw or as a form, once and in the announced number."""
        ticket = request.match_info["ticket"]
        file = next((one for one in self._world.files.values() if one.ticket == ticket), None)
        fault = self._log("file.upload", file, request)
        if fault is not None and (early := troubled(request, fault)) is not None:
            return early
        if file is None or file.content is not None:
            return web.Response(status=404, text="not found")
        content = await _content(request)
        if len(content) != file.size:
            return web.Response(status=400, text=f"{file.size} bytes were announced, {len(content)} came")
        file.content = content
        self._api.ring()
        if fault is not None:
            return cut(request) if fault.trouble is Trouble.LOST_ANSWER else web.Response(status=500)
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Give the bytes to a bearer who may read them, and the login page with 200 to everybody else."""
        file = self._world.files.get(request.match_info["owner"].rpartition("-")[2])
        fault = self._log("file.download", file, request)
        if fault is not None and (early := troubled(request, fault)) is not None:
            return early
        if file is None or file.content is None or file.is_deleted or not self._may_read(request, file):
            return login_page()
        name = request.match_info["name"]
        if not name.startswith("download/") and file.name.lower().endswith(".pdf"):
            return web.Response(status=302, headers={"Location": f"{self._world.base}/signin"})
        headers = {"Content-Type": file.mimetype, "Content-Disposition": f'attachment; filename="{file.id}"'}
        if fault is not None and fault.trouble is Trouble.TRUNCATED:
            return await _half(request, file.content, headers)
        if fault is not None and fault.trouble is Trouble.LOST_ANSWER:
            return cut(request)
        return web.Response(body=file.content, headers=headers)

    def _may_read(self, request: web.Request, file: File) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = self._world.grants.get(token)
        if scheme != "Bearer" or grant is None or "files:read" not in grant.scopes:
            return False
        try:
            check_token(self._world, grant, is_given=True)
        except Refusal:
            return False
        return is_visible(self._world, grant, file)

    def _log(self, method: str, file: File | None, request: web.Request) -> Fault | None:
        arguments = {"file": file.id if file else "", "name": file.name if file else ""}
        fault = self._faults.next(method, arguments)
        outcome = fault.trouble.value if fault else "ok"
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        team_id = file.team_id if file else ""
        self._api.calls.append(ApiCall(method, arguments, token, team_id, self._world.clock.now(), outcome))
        return fault


async def _content(request: web.Request) -> bytes:
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        parts = [part for part in form.values() if isinstance(part, web.FileField)]
        return parts[0].file.read() if parts else b""
    return await request.read()


async def _half(request: web.Request, content: bytes, headers: dict[str, str]) -> web.StreamResponse:
    """Promise the whole and send half of it."""
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(content))})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    cut(request)
    return response
