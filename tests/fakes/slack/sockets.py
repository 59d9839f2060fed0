"""Socket Mode: apps.connections.open, and the sockets that it leads to."""

import asyncio
import secrets
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.model import Json
from tests.fakes.slack.world import World


@answers("apps.connections.open")
def open_connection(ask: Ask) -> Json:
    """Return where a socket may be opened, once."""
    ticket = secrets.token_hex(8)
    ask.world.tickets.add(ticket)
    return {"url": f"{ask.world.base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={ask.world.app.id}"}


@dataclass
class Sockets:
    """The app's open sockets; each thing goes to one of them, in turn.

    Attributes:
        is_deaf: True for sockets that stay open and bring nothing, as Slack's sometimes do.
        opened: How many there were.
        connected: Set while there is one.
    """

    world: World
    is_deaf: bool = False
    opened: int = 0
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _open: list[web.WebSocketResponse] = field(default_factory=list)
    _waiting: dict[str, "asyncio.Future[Json]"] = field(default_factory=dict)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one socket as long as it lasts."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.world.tickets:
            return web.Response(status=403)
        self.world.tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._open.append(socket)
        self.opened += 1
        about = {"host": "applink", "build_number": 1, "approximate_connection_time": 18_060}
        info = {"app_id": self.world.app.id}
        hello = {"type": "hello", "num_connections": len(self._open), "debug_info": about, "connection_info": info}
        await socket.send_json(hello)
        self.connected.set()
        async with self._news:
            self._news.notify_all()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take(message.json())
        finally:
            self._open.remove(socket)
            if not self._open:
                self.connected.clear()
        return socket

    async def send(self, kind: str, payload: Json, *, retry: int, reason: str, seconds: float) -> Json:
        """Return the answer to an envelope, empty for a bare acknowledgement.

        Raises:
            TimeoutError: If none came within *seconds*.
            ConnectionError: If no socket is open.
        """
        if not self._open:
            raise ConnectionError("no socket")
        envelope_id = secrets.token_hex(16)
        envelope: Json = {
            "type": kind,
            "envelope_id": envelope_id,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        self._open.append(self._open.pop(0))
        try:
            if not self.is_deaf:
                await self._open[-1].send_json(envelope)
            async with asyncio.timeout(seconds):
                return await answer
        finally:
            del self._waiting[envelope_id]

    async def opened_in_all(self, number: int) -> None:
        """Return once at least *number* sockets were opened, those that are closed again counted."""
        async with self._news:
            await self._news.wait_for(lambda: self.opened >= number)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask the app to open new sockets, as Slack does every few hours."""
        for socket in tuple(self._open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}})

    async def drop(self) -> None:
        """Close every socket without a word."""
        for socket in tuple(self._open):
            await socket.close()

    def _take(self, said: Json) -> None:
        waiting = self._waiting.get(said.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(said.get("payload") or {})
