"""The gateway's socket: HELLO, IDENTIFY, heartbeats, RESUME, and how it breaks."""

import asyncio
import contextlib
import json
import time
import zlib
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord.limits import GATEWAY_SECONDS, GATEWAY_SENDS, IDENTIFIES_A_DAY
from tests.fakes.discord.model import Json
from tests.fakes.discord.payloads import of_member
from tests.fakes.discord.sessions import Intent, Session, Sessions
from tests.fakes.discord.world import World

_ALL_INTENTS = (1 << 26) - 1
_PAST_IDENTIFY = 4003
_GOODBYE = frozenset({1000, 1001})


class _Line:
    """One socket; what is pushed is sent in order by a task of its own."""

    def __init__(self, socket: web.WebSocketResponse, compressor: Any) -> None:
        self.socket = socket
        self._compressor = compressor
        self._frames: asyncio.Queue[Json | int | str] = asyncio.Queue()
        self.session: Session | None = None
        self.sends: deque[float] = deque()

    def push(self, frame: Json) -> None:
        self._frames.put_nowait(frame)

    def push_raw(self, text: str) -> None:
        self._frames.put_nowait(text)

    def close(self, code: int) -> None:
        self._frames.put_nowait(code)

    async def write(self) -> None:
        """Send until the socket ends."""
        while True:
            frame = await self._frames.get()
            if isinstance(frame, int):
                await self.socket.close(code=frame)
                return
            text = frame if isinstance(frame, str) else json.dumps(frame)
            with contextlib.suppress(ConnectionError):
                if self._compressor is None:
                    await self.socket.send_str(text)
                else:
                    packed = self._compressor.compress(text.encode())
                    await self.socket.send_bytes(packed + self._compressor.flush(zlib.Z_SYNC_FLUSH))


class Gateway:
    """Serves sockets.

    Args:
        heartbeat_seconds: How often a client shall say that it lives; timed by the machine, as the client does.
        identify_seconds: How far apart IDENTIFYs of one bucket must be; 0 for not at all. Discord's is 5.
        max_concurrency: Buckets of IDENTIFYs.

    Attributes:
        received: Every frame of the clients, oldest first.
        identifies: How many sessions began; the token dies with the thousandth of a day.
        acks: False for a gateway that hears heartbeats and does not answer: a zombie.
        invalid_identifies: How many were refused for coming too close together.
    """

    def __init__(
        self, world: World, *, heartbeat_seconds: float = 41.25, identify_seconds: float = 0.0, max_concurrency: int = 1
    ) -> None:
        self.world = world
        self.sessions = Sessions(world)
        self.heartbeat_seconds = heartbeat_seconds
        self.identify_seconds = identify_seconds
        self.max_concurrency = max_concurrency
        self.received: list[Json] = []
        self.identifies = 0
        self.resumes = 0
        self.connections = 0
        self.invalid_identifies = 0
        self.acks = True
        self.refuses_resumes = False
        self.limit_of_identifies = IDENTIFIES_A_DAY
        self.news = asyncio.Event()
        self._lines: list[_Line] = []
        self._identified: dict[int, float] = {}

    @property
    def remaining_identifies(self) -> int:
        """How many sessions may begin today."""
        return max(self.limit_of_identifies - self.identifies, 0)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Speak with one client until its socket ends."""
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        packs = request.query.get("compress") == "zlib-stream"
        line = _Line(socket, zlib.compressobj() if packs else None)
        self.connections += 1
        self._lines.append(line)
        writer = asyncio.create_task(line.write())
        line.push({"op": 10, "d": {"heartbeat_interval": int(self.heartbeat_seconds * 1000), "_trace": []}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._hear(line, message.data)
        finally:
            self._lines.remove(line)
            self._end(line)
            writer.cancel()
            self._ring()
        return socket

    def drop(self, code: int = 4000) -> None:
        """Close every socket; with *code* 4000 and most others the client resumes, with 1000 and 1001 it cannot."""
        for line in list(self._lines):
            if line.session is not None:
                if code in _GOODBYE:
                    self.sessions.open.pop(line.session.id, None)
                line.session.line = None
            line.close(code)

    def cut(self) -> None:
        """End every socket without a word, as a network does."""
        for line in list(self._lines):
            if line.session is not None:
                line.session.line = None
            transport = line.socket._req.transport if line.socket._req else None
            if transport is not None:
                transport.abort()

    def ask_to_reconnect(self) -> None:
        """Send op 7."""
        for line in list(self._lines):
            line.push({"op": 7, "d": None})

    def invalidate(self, *, is_resumable: bool = False) -> None:
        """Send op 9; without *is_resumable* the session is gone and the client identifies anew."""
        for line in list(self._lines):
            if line.session is not None and not is_resumable:
                self.sessions.open.pop(line.session.id, None)
            line.push({"op": 9, "d": is_resumable})

    def forget(self) -> None:
        """Forget every session: a RESUME is answered with op 9."""
        for session in list(self.sessions.open.values()):
            if session.line is None:
                del self.sessions.open[session.id]
        self.refuses_resumes = True

    def inject(self, name: str, data: Any) -> None:
        """Send an event as it is, however malformed, to every session."""
        for session in self.sessions.open.values():
            session.push(name, data)

    def inject_raw(self, text: str) -> None:
        """Send a frame that need not be JSON."""
        for line in self._lines:
            line.push_raw(text)

    def repeat_last(self, name: str) -> None:
        """Deliver the last event *name* of each session a second time."""
        for session in self.sessions.open.values():
            for frame in reversed(session.events):
                if frame["t"] == name:
                    session.push(name, frame["d"])
                    break

    async def stop(self) -> None:
        """Close every socket."""
        for line in list(self._lines):
            await line.socket.close(code=1001)

    def _end(self, line: _Line) -> None:
        """Let a session be resumed, unless the client said good-bye."""
        session = line.session
        if session is not None and session.line is line:
            session.line = None
            if line.socket.close_code in _GOODBYE:
                self.sessions.open.pop(session.id, None)

    def _ring(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def _hear(self, line: _Line, text: str) -> None:
        frame = json.loads(text)
        self.received.append(frame)
        now = time.monotonic()
        line.sends.append(now)
        while line.sends and now - line.sends[0] > GATEWAY_SECONDS:
            line.sends.popleft()
        if len(line.sends) > GATEWAY_SENDS:
            line.close(4008)
            return
        data = frame.get("d")
        match frame.get("op"):
            case 1:
                if self.acks:
                    line.push({"op": 11})
            case 2:
                self._identify(line, data)
            case 6:
                self._resume(line, data)
            case 8:
                self._send_members(line, data)
            case 3 | 4:
                if line.session is None:
                    line.close(_PAST_IDENTIFY)
            case _:
                line.close(4001)
        self._ring()

    def _identify(self, line: _Line, data: Json) -> None:
        shard = tuple(data.get("shard") or (0, 1))
        if line.session is not None:
            line.close(4005)
        elif data["token"] != self.world.token or self.remaining_identifies == 0:
            line.close(4004)
        elif len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            line.close(4010)
        elif data["intents"] & ~_ALL_INTENTS:
            line.close(4013)
        elif self._asks_too_much(Intent(data["intents"])):
            line.close(4014)
        elif self._comes_too_soon(shard[0]):
            self.invalid_identifies += 1
            line.push({"op": 9, "d": False})
        else:
            self.identifies += 1
            line.session = self.sessions.begin((shard[0], shard[1]), Intent(data["intents"]), line)

    def _asks_too_much(self, intents: Intent) -> bool:
        allowed = {
            Intent.MESSAGE_CONTENT: self.world.message_content,
            Intent.GUILD_MEMBERS: self.world.members_intent,
            Intent.GUILD_PRESENCES: self.world.presence_intent,
        }
        return any(intents & intent and not is_allowed for intent, is_allowed in allowed.items())

    def _comes_too_soon(self, shard_id: int) -> bool:
        bucket, now = shard_id % self.max_concurrency, time.monotonic()
        before = self._identified.get(bucket)
        self._identified[bucket] = now
        return before is not None and now - before < self.identify_seconds

    def _resume(self, line: _Line, data: Json) -> None:
        session = self.sessions.open.get(data["session_id"])
        if data["token"] != self.world.token:
            line.close(4004)
        elif session is None or self.refuses_resumes:
            self.refuses_resumes = False
            line.push({"op": 9, "d": False})
        elif data["seq"] > session.seq:
            line.close(4007)
        else:
            self.resumes += 1
            line.session, session.line = session, line
            for frame in session.events:
                if frame["s"] > data["seq"]:
                    line.push(frame)
            session.push("RESUMED", {"_trace": []})

    def _send_members(self, line: _Line, data: Json) -> None:
        if line.session is None:
            line.close(_PAST_IDENTIFY)
            return
        guild = self.world.guilds[str(data["guild_id"])]
        wanted = {str(one) for one in data.get("user_ids") or ()}
        found = [one for one in guild.members.values() if not wanted or one.user.id in wanted]
        chunk: Json = {"guild_id": guild.id, "members": [of_member(one) for one in found], "not_found": []}
        chunk |= {"chunk_index": 0, "chunk_count": 1, "nonce": data.get("nonce")}
        line.session.push("GUILD_MEMBERS_CHUNK", chunk)
