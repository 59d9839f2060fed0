"""REST v10: routes, tokens, rate limits, faults, and the log of calls."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from tests.fakes.discord import channel_routes, command_routes, guild_routes, interaction_routes, message_routes
from tests.fakes.discord.calls import Answer, Call, Handler, Reply
from tests.fakes.discord.faults import Fault, Faults, Trouble
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.limits import REQUEST_BYTES
from tests.fakes.discord.model import Json, Refusal, Upload
from tests.fakes.discord.openapi import OpenApi
from tests.fakes.discord.rates import Limited, Rates
from tests.fakes.discord.world import World

PREFIX = "/api/v10"
_FILE = re.compile(r"^files\[(\d+)\]$")
_WITHOUT_TOKEN = ("/interactions/", "/webhooks/")
_SCOPES = {
    Trouble.RATE_LIMITED: "user",
    Trouble.SHARED_LIMITED: "shared",
    Trouble.GLOBALLY_LIMITED: "global",
}
_VIA = {"Via": "1.1 google"}  # without it discord.py takes a 429 for a ban


@dataclass
class ApiCall:
    """A request and its answer.

    Attributes:
        route: Method and path with names in it.
        status: Of the answer, 0 when the connection ended before.
    """

    route: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    at: float
    uploads: tuple[Upload, ...] = ()
    reason: str = ""
    status: int = 0
    code: int = 0
    answer: Any = None


class Api:
    """Answers requests.

    Attributes:
        calls: Every request, oldest first.
        news: Set at the next request or answer, then replaced.
    """

    def __init__(
        self,
        world: World,
        interactions: Interactions,
        gateway: Gateway,
        *,
        rates: Rates,
        faults: Faults,
        spec: OpenApi,
    ) -> None:
        self.calls: list[ApiCall] = []
        self.news = asyncio.Event()
        self.faults = faults
        self.rates = rates
        self.spec = spec
        self._world = world
        self._interactions = interactions
        self._gateway = gateway
        own: dict[str, Handler] = {"GET /gateway/bot": self._gateway_bot}
        self._handlers = own | guild_routes.ROUTES | channel_routes.ROUTES | message_routes.ROUTES
        self._handlers |= command_routes.ROUTES | interaction_routes.ROUTES
        self._patterns = sorted(
            ((route, _pattern(route)) for route in self._handlers), key=lambda one: one[0].count("{")
        )

    @property
    def problems(self) -> list[str]:
        """What Discord's OpenAPI says against requests and answers; empty without its file."""
        return self.spec.problems

    def count(self, route: str) -> int:
        """Return how many requests of *route* came."""
        return sum(call.route == route for call in self.calls)

    def made(self, route: str) -> list[ApiCall]:
        """Return the requests of *route*."""
        return [call for call in self.calls if call.route == route]

    def ring(self) -> None:
        """Wake who waits for news."""
        self.news.set()
        self.news = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.raw_path.partition("?")[0].removeprefix(PREFIX)
        route, params = self._route(request.method, path)
        try:
            body, uploads = await _read(request)
        except Refusal as refusal:
            return _written(refusal.status, refusal.body, _VIA)
        call = ApiCall(route, params, dict(request.query), body, self._world.clock.monotonic(), uploads)
        call.reason = request.headers.get("X-Audit-Log-Reason", "")
        self.calls.append(call)
        fault = self.faults.next(route, body)
        early = None if fault is None else self._troubled(request, fault, call)
        if early is not None:
            self.ring()
            return early
        response = self._answered(request, path, call)
        self.ring()
        if fault is not None:
            if fault.trouble is Trouble.HANGS:
                await self.faults.released.wait()
            if fault.trouble is Trouble.ERROR_AFTER:
                return web.Response(status=fault.status, text="error", headers=_VIA)
            if fault.trouble is Trouble.LOST_ANSWER:
                return cut(request)
        return response

    def _answered(self, request: web.Request, path: str, call: ApiCall) -> web.Response:
        headers = dict(_VIA)
        if self.rates.is_banned:
            return self._banned(call)
        taken = self.rates.take(call.route, call.params)
        if isinstance(taken, Limited):
            return self._limited(call, taken.retry_after, taken.headers, is_global=taken.is_global)
        headers |= taken
        try:
            self._check_token(request, path)
            answer = self._handled(call)
        except Refusal as refusal:
            call.status, call.code, call.answer = refusal.status, refusal.code, refusal.body
            self.rates.count(refusal.status)
            self.spec.check_answer(call.route, refusal.status, refusal.body)
            return _written(refusal.status, refusal.body, headers)
        status, body = (answer.status, answer.body) if isinstance(answer, Reply) else (200, answer)
        call.status, call.answer = (204 if body is None else status), body
        self.spec.check_answer(call.route, call.status, body)
        return _written(call.status, body, headers)

    def _check_token(self, request: web.Request, path: str) -> None:
        given = request.headers.get("Authorization")
        if given != f"Bot {self._world.token}" and not path.startswith(_WITHOUT_TOKEN):
            raise Refusal(401, 0, "401: Unauthorized")

    def _handled(self, call: ApiCall) -> Answer:
        handler = self._handlers.get(call.route)
        if handler is None:
            self.spec.problems.append(f"{call.route}: not played here")
            raise Refusal(404, 0, "404: Not Found")
        self.spec.check_request(call.route, call.body)
        try:
            return handler(
                Call(self._world, self._interactions, call.route, call.params, call.query, call.body, call.uploads)
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self.spec.problems.append(f"{call.route}: {error!r} over {call.body!r}")
            raise Refusal(400, 50035, "Invalid Form Body") from error

    def _route(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        asked = f"{method} {path}"
        for route, pattern in self._patterns:
            if found := pattern.match(asked):
                return route, found.groupdict()
        return asked, {}

    def _troubled(self, request: web.Request, fault: Fault, call: ApiCall) -> web.Response | None:
        """Return the answer of a fault that strikes before anything happens, None for the others."""
        if (scope := _SCOPES.get(fault.trouble)) is not None:
            headers = {"X-RateLimit-Scope": scope} | ({"X-RateLimit-Global": "true"} if scope == "global" else {})
            return self._limited(call, fault.retry_after, headers, is_global=scope == "global")
        match fault.trouble:
            case Trouble.LOST_REQUEST:
                return cut(request)
            case Trouble.BANNED:
                return self._banned(call)
            case Trouble.SERVER_ERROR:
                call.status = fault.status
                return web.Response(status=fault.status, text="error", headers=_VIA)
            case Trouble.REFUSED:
                call.status, call.code = fault.status, fault.code
                self.rates.count(fault.status)
                return _written(fault.status, {"message": fault.message, "code": fault.code}, _VIA)
            case _:
                return None

    def _banned(self, call: ApiCall) -> web.Response:
        call.status = 429
        self.rates.count(429)
        return web.Response(status=429, text="error code: 1015", content_type="text/html")

    def _limited(self, call: ApiCall, wait: float, headers: Mapping[str, str], *, is_global: bool) -> web.Response:
        call.status = 429
        self.rates.count(429, headers.get("X-RateLimit-Scope", ""))
        body: Json = {
            "message": "You are being rate limited.",
            "code": 0,
            "retry_after": round(wait, 3),
            "global": is_global,
        }
        self.spec.check_answer(call.route, 429, body)
        return _written(429, body, {**_VIA, "Retry-After": str(int(wait) + 1), **headers})

    def _gateway_bot(self, call: Call) -> Answer:
        limit: Json = {
            "total": self._gateway.limit_of_identifies,
            "remaining": self._gateway.remaining_identifies,
            "reset_after": 86_400_000,
            "max_concurrency": self._gateway.max_concurrency,
        }
        installed = sum(guild.has_app for guild in self._world.guilds.values())
        shards = max(1, -(-installed // 1000))
        return {"url": self._world.gateway_url, "shards": shards, "session_start_limit": limit}


def cut(request: web.Request) -> web.Response:
    """End the connection; the response is for aiohttp alone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _written(status: int, body: Json | list[Json] | None, headers: Mapping[str, str]) -> web.Response:
    """Return an answer; discord.py reads JSON only when the type stands there without a charset."""
    if status == 204 or body is None:
        return web.Response(status=status, headers=headers)
    written = json.dumps(body).encode()
    return web.Response(status=status, body=written, headers={**headers, "Content-Type": "application/json"})


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile("^" + re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route)) + "$")


async def _read(request: web.Request) -> tuple[Any, tuple[Upload, ...]]:
    """Return the JSON of a request and its files.

    Raises:
        Refusal: 40005 beyond the size that Discord takes; 50109 for what is no JSON.
    """
    if (request.content_length or 0) > REQUEST_BYTES:
        await request.read()
        raise Refusal(413, 40005, "Request entity too large")
    if request.content_type != "multipart/form-data":
        text = await request.text()
        try:
            return (json.loads(text) if text else None), ()
        except ValueError:
            raise Refusal(400, 50109, "The request body contains invalid JSON.") from None
    body: Any = None
    uploads = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        name = part.name or ""
        if name == "payload_json":
            body = json.loads(await part.text())
        elif found := _FILE.match(name):
            content = bytes(await part.read(decode=False))
            uploads.append(Upload(found[1], part.filename or "", content, part.headers.get("Content-Type", "")))
        else:
            raise Refusal(400, 50035, "Invalid Form Body", {name or "_": ("UNKNOWN_PART", "No such part")})
    return body, tuple(uploads)
