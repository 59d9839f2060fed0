"""An OpenAI-compatible server that streams at a set pace: ``python -m benchmarks.mock_server --ttft-ms 400 --tps 80``.

It prints its base url and serves until it is ended:

- ``POST /v1/chat/completions``, streamed (one SSE event a token) or whole, with usage; see `benchmarks.mock_replies`.
- ``GET /bound?rounds=3&editors=3&reading=0``: the least time a session can take at this pace, in seconds.
- ``GET /stats``, ``POST /reset``, ``GET /v1/models``, ``GET /health``.

Token i leaves ``ttft + i/tps`` seconds after the request's last byte; the end of the stream leaves with the last token.
It speaks HTTP/1.1 by itself and sends everything from one ticker, because it shares the machine with what it measures.
"""

import argparse
import asyncio
import contextlib
import heapq
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import orjson
import uvloop
from typing_extensions import override

from benchmarks.mock_replies import Kind, read_prompt, reply_text

_TICK_SECONDS = 0.002  # how late a token may be; a shorter tick would use more of the machine than what is measured
_TOKENS = {Kind.WRITER: 200, Kind.EDITOR: 60, Kind.SYNTHESIZER: 60, Kind.OTHER: 60}
_CHARACTERS_A_TOKEN = 4
_WORDS_A_TOKEN = 0.75
_SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\nx-request-id: req_mock\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the server answers.

    Attributes:
        ttft_seconds: Time to the first token.
        tokens_per_second: Speed after it; 0 sends everything at once.
        tokens: Tokens of a reply, by kind of request.
    """

    ttft_seconds: float = 0.0
    tokens_per_second: float = 0.0
    tokens: Mapping[Kind, int] = field(default_factory=lambda: dict(_TOKENS))

    def due_seconds(self, token: int) -> float:
        """Return when token number *token* (from 0) leaves, in seconds after the request."""
        return self.ttft_seconds + (token / self.tokens_per_second if self.tokens_per_second else 0.0)

    def bound_seconds(self, rounds: int, editors: int, *, reading: bool = False) -> float:
        """Return the least time of a session: the phases of a round follow each other, its editors run at once.

        Args:
            rounds: Rounds with a Writer.
            editors: Editors a round; without any, that phase costs nothing.
            reading: True when a round 0 of editors and Synthesizer comes first.
        """
        phase = {kind: self.due_seconds(count - 1) for kind, count in self.tokens.items()}
        judging = (phase[Kind.EDITOR] if editors else 0.0) + phase[Kind.SYNTHESIZER]
        return rounds * (phase[Kind.WRITER] + judging) + (judging if reading else 0.0)


@dataclass
class Stats:
    """What was asked so far; *cpu_seconds* is what this process used since it began, whatever was reset."""

    requests: int = 0
    streams: int = 0
    aborted: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    tokens_out: int = 0
    bytes_in: int = 0
    late_ms_max: float = 0.0
    cpu_seconds: float = 0.0
    kinds: dict[str, int] = field(default_factory=dict)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(model: str, delta: Mapping[str, str] | None, finish: str | None = None, **extra: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    body = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model}
    return _chunk(b"data: " + orjson.dumps({**body, "choices": choices, **extra}) + b"\n\n")


@lru_cache(maxsize=4096)
def _frames(model: str, text: str, tokens: int) -> tuple[bytes, ...]:
    """Return the events of *text* in exactly *tokens* pieces; the first carries the role, the last the finish."""
    cuts = [len(text) * i // tokens for i in range(tokens + 1)]
    frames = [_event(model, {"content": text[cuts[i] : cuts[i + 1]]}) for i in range(tokens)]
    frames[0] = _event(model, {"role": "assistant", "content": ""}) + frames[0]
    frames[-1] += _event(model, {}, "stop")
    return tuple(frames)


def _usage(prompt_characters: int, tokens: int) -> dict[str, Any]:
    prompt_tokens = prompt_characters // _CHARACTERS_A_TOKEN
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": tokens,
        "total_tokens": prompt_tokens + tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


class Ticker:
    """One heap of deadlines for all streams: hundreds of paced streams cost one timer."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[float], float | None]]] = []
        self._number = 0
        self._wake = asyncio.Event()

    def add(self, when: float, send: Callable[[float], float | None]) -> None:
        """Call *send* at *when* with the time; it returns its next deadline, or None when it is done."""
        self._number += 1
        heapq.heappush(self._heap, (when, self._number, send))
        self._wake.set()

    async def run(self) -> None:
        """Serve the deadlines until cancelled."""
        while True:
            if not self._heap:
                self._wake.clear()
                await self._wake.wait()
            now = time.perf_counter()
            while self._heap and self._heap[0][0] <= now:
                _, number, send = heapq.heappop(self._heap)
                again = send(now)
                if again is not None:
                    heapq.heappush(self._heap, (again, number, send))
            if self._heap:
                # Never less than a tick, or a hundred streams would wake this loop for every single token.
                await asyncio.sleep(_TICK_SECONDS)


class MockProvider:
    """The server's state: one for all its connections."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.stats = Stats()
        self.ticker = Ticker()

    def answer(self, method: str, target: str) -> bytes:
        """Return the JSON of everything but completions; empty for an unknown address."""
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match method, url.path:
            case "GET", "/health" | "/stats":
                self.stats.cpu_seconds = time.process_time()
                return orjson.dumps(self.stats)
            case "POST", "/reset":
                self.stats = Stats(in_flight=self.stats.in_flight)
                return orjson.dumps({"ok": True})
            case "GET", "/v1/models":
                return orjson.dumps({"object": "list", "data": [{"id": "mock", "object": "model", "owned_by": "mock"}]})
            case "GET", "/bound":
                bound = self.pace.bound_seconds(
                    int(query.get("rounds", "3")), int(query.get("editors", "3")), reading=query.get("reading") == "1"
                )
                return orjson.dumps({"bound_seconds": bound})
            case _:
                return b""


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection, one request at a time."""

    def __init__(self, provider: MockProvider) -> None:
        self._provider = provider
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._busy = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not say that they are one

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        self._serve()

    def _serve(self) -> None:
        """Take the next whole request, if there is one and the last was answered."""
        head_end = self._received.find(b"\r\n\r\n")
        if self._busy or head_end < 0:
            return
        start, *lines = self._received[:head_end].decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        end = head_end + 4 + int(headers.get("content-length", "0"))
        if len(self._received) < end:
            return
        body = bytes(self._received[head_end + 4 : end])
        del self._received[:end]
        self._busy = True
        method, target, _ = start.split(" ")
        if (method, target) == ("POST", "/v1/chat/completions"):
            self._complete(orjson.loads(body), len(body))
            return
        answer = self._provider.answer(method, target)
        self._send_json(answer or b'{"error":{"message":"no such address"}}', 200 if answer else 404)

    def _send_json(self, body: bytes, status: int = 200) -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\nx-request-id: req_mock\r\ncontent-length: %d\r\n\r\n"
                % (status, b"OK" if status == 200 else b"Not Found", len(body))
                + body
            )
        self._done()

    def _done(self) -> None:
        self._busy = False
        if self._received and self._transport is not None:
            self._serve()

    def _complete(self, request: dict[str, Any], size: int) -> None:
        now = time.perf_counter()
        pace, stats = self._provider.pace, self._provider.stats
        system, text = _texts(request["messages"])
        schema = (request.get("response_format") or {}).get("json_schema", {}).get("schema")
        prompt = read_prompt(text, schema)
        tokens = pace.tokens[prompt.kind]
        reply = reply_text(prompt, schema, int(tokens * _WORDS_A_TOKEN))
        usage = _usage(len(system) + len(text), tokens)
        stats.requests += 1
        stats.in_flight += 1
        stats.max_in_flight = max(stats.max_in_flight, stats.in_flight)
        stats.tokens_out += tokens
        stats.bytes_in += size
        stats.kinds[prompt.kind.value] = stats.kinds.get(prompt.kind.value, 0) + 1
        model = request.get("model", "mock")
        if request.get("stream"):
            stats.streams += 1
            self._stream(_frames(model, reply, tokens), _tail(model, usage, request), now)
        else:
            self._whole(_whole(model, reply, usage), now + pace.due_seconds(tokens - 1))

    def _whole(self, body: bytes, due: float) -> None:
        def send(_now: float) -> None:
            self._provider.stats.in_flight -= 1
            self._send_json(body)

        self._provider.ticker.add(due, send)

    def _stream(self, frames: tuple[bytes, ...], tail: bytes, start: float) -> None:
        pace, provider = self._provider.pace, self._provider
        if self._transport is not None:
            self._transport.write(_SSE_HEAD)
        position = 0

        def send(now: float) -> float | None:
            nonlocal position
            stats, transport = provider.stats, self._transport
            if transport is None or transport.is_closing():
                stats.aborted += 1
                stats.in_flight -= 1
                return None
            stats.late_ms_max = max(stats.late_ms_max, (now - start - pace.due_seconds(position)) * 1000)
            first = position
            while position < len(frames) and start + pace.due_seconds(position) <= now:
                position += 1
            data = b"".join(frames[first:position])
            if position < len(frames):
                transport.write(data)
                return start + pace.due_seconds(position)
            transport.write(data + tail)
            stats.in_flight -= 1
            self._done()
            return None

        provider.ticker.add(start + pace.due_seconds(0), send)


def _texts(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the system's and the user's text of a chat request."""
    parts: dict[bool, list[str]] = {True: [], False: []}
    for message in messages:
        content = message.get("content") or ""
        text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        parts[message.get("role") in ("system", "developer")].append(text)
    return "\n".join(parts[True]), "\n".join(parts[False])


def _tail(model: str, usage: dict[str, Any], request: Mapping[str, Any]) -> bytes:
    wanted = (request.get("stream_options") or {}).get("include_usage")
    return (_event(model, None, usage=usage) if wanted else b"") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


def _whole(model: str, text: str, usage: dict[str, Any]) -> bytes:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = {"id": "chatcmpl-mock", "object": "chat.completion", "created": 1_700_000_000, "model": model}
    return orjson.dumps({**body, "choices": [choice], "usage": usage})


@contextlib.asynccontextmanager
async def serving(pace: Pace, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve at *pace* while the context is open; gives the base url, ending in ``/v1``."""
    provider = MockProvider(pace)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(provider), host, port, backlog=4096)
    ticking = asyncio.create_task(provider.ticker.run())
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        ticking.cancel()
        server.close()


async def _serve_until_ended(pace: Pace, host: str, port: int) -> None:
    async with serving(pace, host=host, port=port) as base_url:
        print(base_url, flush=True)
        await asyncio.Event().wait()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ttft-ms", type=float, default=0.0, help="time to the first token")
    parser.add_argument("--tps", type=float, default=0.0, help="tokens a second after it; 0: all at once")
    options = parser.parse_args()
    pace = Pace(ttft_seconds=options.ttft_ms / 1000, tokens_per_second=options.tps)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve_until_ended(pace, options.host, options.port))


if __name__ == "__main__":
    _main()
