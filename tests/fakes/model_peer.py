"""A strict imitation of Anthropic's Messages, OpenAI's chat completions and Gemini's generateContent.

It refuses what the real ones refuse (unknown or forbidden parameters of a model, too many breakpoints, wrong roles), keeps
a prefix cache as they do, reports cached and reasoning tokens, and fails inside streams on demand.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from core.providers.catalogue import CacheMode, Catalogue, ModelSpec, Thinking
from core.providers.tokens import estimate_tokens

_ANTHROPIC_KEYS = {"model", "max_tokens", "messages", "system", "stream", "thinking", "output_config"}
_OPENAI_KEYS = {
    "model",
    "messages",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "reasoning_effort",
    "response_format",
    "prompt_cache_key",
    "prompt_cache_options",
}
_CUSTOM_KEYS = {"model", "messages", "max_tokens", "stream", "stream_options", "response_format"}
_GOOGLE_KEYS = {"contents", "systemInstruction", "generationConfig"}
_GOOGLE_CONFIG_KEYS = {"maxOutputTokens", "responseMimeType", "responseJsonSchema", "thinkingConfig"}
_MOST_BREAKS = 4
_OVERLOADED = 529
_PIECE = 16
_DOLED = web.RequestKey("doled", bool)


@dataclass
class Script:
    """How the next requests are answered.

    Attributes:
        words: The reply, an event each.
        reasoning_tokens: Tokens of reasoning to report.
        stop: The provider's own word for why it ended; "" for a normal end.
        status: An HTTP error instead of an answer.
        error: The body of that error, or of an error event inside the stream after the words.
        headers: Headers of an HTTP error.
        ends: False ends the body without any terminal marker.
        html: True answers 200 with a web page.
        hangs: True stops after the words and keeps the connection open.
        refusal: True refuses in the provider's own way.
        times: How many requests; then normal answers again.
    """

    words: tuple[str, ...] = ("Hello ", "from ", "the ", "peer.")
    reasoning_tokens: int = 0
    stop: str = ""
    status: int = 0
    error: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ends: bool = True
    html: bool = False
    hangs: bool = False
    refusal: bool = False
    times: int = 1


@dataclass(frozen=True)
class Counted:
    """Input tokens as the peer's cache sees them."""

    plain: int
    read: int
    written: int
    long: bool


class RequestInvalid(Exception):
    """The request is not one that the provider would take."""


class ModelPeer:
    """The server.

    Attributes:
        requests: The body of every request, oldest first.
        headers: Its headers, names in lower case.
        problems: What was wrong with requests; a test that expects none asserts that it is empty.
        down: Providers that answer 529 to everything.
        answer: Says what a prompt is answered with where no script is left; None for the words of a `Script`.
        holds: Says which prompts wait until *released* is set; None for none.
        doles: Says of which prompts' answers each event needs one of *permits*; None for none.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._scripts: list[Script] = []
        self._cached: set[tuple[str, str]] = set()
        self._seen: dict[str, str] = {}
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.problems: list[str] = []
        self.down: set[str] = set()
        self.answer: Callable[[str], str] | None = None
        self.holds: Callable[[str], bool] | None = None
        self.released = asyncio.Event()
        self.doles: Callable[[str], bool] | None = None
        self.permits = asyncio.Semaphore(0)
        self.cut_off = asyncio.Event()

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/anthropic/v1/messages", self._anthropic)
        app.router.add_post("/openai/v1/chat/completions", self._openai)
        app.router.add_post("/google/v1/models/{call}", self._google)
        self._runner = web.AppRunner(app, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def base_url(self, provider: str) -> str:
        """Return the address of *provider*'s imitation."""
        return f"{self.url}/{provider}" + ("/v1" if provider == "openai" else "")

    def script(self, *scripts: Script) -> None:
        """Say how the next requests are answered."""
        self._scripts.extend(scripts)

    def behave(self) -> None:
        """Answer normally from now on, whatever was scripted."""
        self._scripts.clear()

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        script = self._next("anthropic", body)
        if (early := _early(script)) is not None:
            return early
        try:
            _need(bool({"x-api-key", "Authorization"} & set(request.headers)), "no key")
            _need(request.headers.get("anthropic-version") is not None, "no anthropic-version")
            spec = self._checked_anthropic(body)
        except RequestInvalid as problem:
            return self._refused(problem, {"type": "error", "error": {"type": "invalid_request_error"}})
        parts = [*body.get("system", []), *body["messages"][0]["content"]]
        marks = [part.get("cache_control") for part in parts]
        counted = self._count(spec, [part["text"] for part in parts], [mark is not None for mark in marks])
        long = any(mark and mark.get("ttl") == "1h" for mark in marks)
        stop = "refusal" if script.refusal else script.stop or "end_turn"
        usage = {
            "input_tokens": counted.plain,
            "cache_read_input_tokens": counted.read,
            "cache_creation_input_tokens": counted.written,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 0 if long else counted.written,
                "ephemeral_1h_input_tokens": counted.written if long else 0,
            },
        }
        final = {
            "output_tokens": len(script.words) + script.reasoning_tokens,
            "output_tokens_details": {"thinking_tokens": script.reasoning_tokens},
        }
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": spec.id, "stop_sequence": None}
        if not body.get("stream"):
            content = [{"type": "text", "text": "".join(script.words)}]
            return web.json_response(message | {"content": content, "stop_reason": stop, "usage": usage | final})
        start: dict[str, Any] = {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": message | start}]
        if script.reasoning_tokens:
            events += _anthropic_block(0, "thinking", [{"type": "thinking_delta", "thinking": "Hm."}])
        deltas = [{"type": "text_delta", "text": word} for word in script.words]
        events += [{"type": "ping"}, *_anthropic_block(1, "text", deltas)]
        if script.error is not None:
            events.append({"type": "error", "error": script.error})
        elif script.ends:
            delta = {"stop_reason": stop, "stop_sequence": None}
            events += [{"type": "message_delta", "delta": delta, "usage": final}, {"type": "message_stop"}]
        return await self._stream(request, script, [(event["type"], json.dumps(event)) for event in events])

    def _checked_anthropic(self, body: dict[str, Any]) -> ModelSpec:
        spec = self._catalogue.get(body["model"])
        _need(set(body) <= _ANTHROPIC_KEYS, f"unexpected keys {set(body) - _ANTHROPIC_KEYS}")
        _need(1 <= body["max_tokens"] <= spec.max_output_tokens, "max_tokens out of range")
        _need([message["role"] for message in body["messages"]] == ["user"], "one user message, no prefill")
        parts = [*body.get("system", []), *body["messages"][0]["content"]]
        _need(all(part["type"] == "text" and part["text"] for part in parts), "empty text")
        _need(sum("cache_control" in part for part in parts) <= _MOST_BREAKS, "more than 4 breakpoints")
        thinking = body.get("thinking")
        if spec.thinking is Thinking.ALWAYS:
            _need(thinking is None, "thinking is always on")
        elif spec.thinking is Thinking.BUDGET and thinking is not None:
            _need(thinking["type"] == "enabled", "this model has budgets only")
            _need(1_024 <= thinking["budget_tokens"] < body["max_tokens"], "budget out of range")
        elif thinking is not None:
            _need(thinking["type"] in {"adaptive", "disabled"}, "this model has no budgets")
        output = body.get("output_config", {})
        _need(set(output) <= {"effort", "format"}, "unexpected output_config")
        _need(output.get("effort", "low") in {"low", "medium", "high"}, "unknown effort")
        _need(spec.thinking is not Thinking.BUDGET or "effort" not in output, "this model knows no effort")
        return spec

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        script = self._next("openai", body)
        if (early := _early(script)) is not None:
            return early
        try:
            _need(request.headers.get("authorization", "").startswith("Bearer "), "no key")
            spec = self._checked_openai(body)
        except RequestInvalid as problem:
            return self._refused(problem, {"error": {"type": "invalid_request_error", "code": None}})
        texts, marks = _openai_parts(body)
        counted = self._count(spec, texts, marks)
        usage = {
            "prompt_tokens": counted.plain + counted.read + counted.written,
            "completion_tokens": len(script.words) + script.reasoning_tokens,
            "total_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": counted.read, "cache_write_tokens": counted.written},
            "completion_tokens_details": {"reasoning_tokens": script.reasoning_tokens},
        }
        stop = script.stop or "stop"
        base = {"id": "chatcmpl-1", "created": 1, "model": spec.id}
        if not body.get("stream"):
            text = "".join(script.words)
            said = {"content": None, "refusal": text} if script.refusal else {"content": text, "refusal": None}
            choice = {"index": 0, "message": {"role": "assistant"} | said, "finish_reason": stop}
            return web.json_response(base | {"object": "chat.completion", "choices": [choice], "usage": usage})

        def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
            choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
            return base | {"object": "chat.completion.chunk", "choices": choices, "usage": None}

        events = [chunk({"role": "assistant", "content": ""})]
        if script.reasoning_tokens:
            events.append(chunk({"reasoning_content": "Hm."}))
        events += [chunk({"refusal" if script.refusal else "content": word}) for word in script.words]
        lines = [("", json.dumps(event)) for event in events]
        if script.error is not None:
            lines.append(("", json.dumps({"error": script.error})))
        elif script.ends:
            lines.append(("", json.dumps(chunk({}, stop))))
            if body.get("stream_options", {}).get("include_usage"):
                lines.append(("", json.dumps(base | {"choices": [], "usage": usage})))
            lines.append(("", "[DONE]"))
        return await self._stream(request, script, lines)

    def _checked_openai(self, body: dict[str, Any]) -> ModelSpec:
        spec = self._catalogue.get(body["model"])
        keys = _CUSTOM_KEYS if spec.custom else _OPENAI_KEYS
        _need(set(body) <= keys, f"unexpected keys {set(body) - keys}")
        most = body["max_tokens" if spec.custom else "max_completion_tokens"]
        _need(1 <= most <= spec.max_output_tokens, "max tokens out of range")
        _need([message["role"] for message in body["messages"]] == ["system", "user"], "unexpected roles")
        _need(spec.thinking is not Thinking.NONE or "reasoning_effort" not in body, "no reasoning model")
        efforts = {"none", "low", "medium", "high"}
        _need(body.get("reasoning_effort", "low") in efforts, "unknown effort")
        _, marks = _openai_parts(body)
        if spec.cache.mode is CacheMode.EXPLICIT:
            _need(body["prompt_cache_options"] == {"mode": "explicit", "ttl": "30m"}, "an implicit breakpoint costs")
            _need(sum(marks) <= _MOST_BREAKS, "more than 4 breakpoints")
        else:
            _need("prompt_cache_options" not in body and not any(marks), "this model knows no breakpoints")
        _need(len(body.get("prompt_cache_key", "")) <= 64, "cache key too long")
        if "response_format" in body:
            schema = body["response_format"]["json_schema"]
            _need(schema["strict"] is True and isinstance(schema["schema"], dict), "bad schema")
        return spec

    async def _google(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        model, _, method = request.match_info["call"].partition(":")
        script = self._next("google", body)
        if (early := _early(script)) is not None:
            return early
        try:
            _need(request.headers.get("x-goog-api-key") is not None, "no key")
            spec = self._checked_google(model, body)
        except RequestInvalid as problem:
            return self._refused(problem, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})
        system = body.get("systemInstruction", {}).get("parts", [])
        texts = [part["text"] for part in [*system, *body["contents"][0]["parts"]]]
        counted = self._count(spec, texts, [])
        usage = {
            "promptTokenCount": counted.plain + counted.read,
            "cachedContentTokenCount": counted.read,
            "candidatesTokenCount": len(script.words),
            "thoughtsTokenCount": script.reasoning_tokens,
        }

        def chunk(text: str, **more: Any) -> dict[str, Any]:
            return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0} | more]}

        stop = {"finishReason": script.stop or "STOP"}
        blocked = {"promptFeedback": {"blockReason": "SAFETY"}}
        if method == "generateContent":
            whole = blocked if script.refusal else chunk("".join(script.words), **stop)
            return web.json_response(whole | {"usageMetadata": usage})
        events: list[dict[str, Any]]
        if script.refusal:
            events = [blocked | {"usageMetadata": usage}]
        else:
            _need(request.query.get("alt") == "sse", "no alt=sse")
            events = [chunk("Hm.") for _ in range(bool(script.reasoning_tokens))]
            for event in events:
                event["candidates"][0]["content"]["parts"][0]["thought"] = True
            events += [chunk(word) for word in script.words]
            if script.error is not None:
                events.append({"error": script.error})
            elif script.ends:
                events[-1]["candidates"][0] |= stop
                events[-1]["usageMetadata"] = usage
        return await self._stream(request, script, [("", json.dumps(event)) for event in events])

    def _checked_google(self, model: str, body: dict[str, Any]) -> ModelSpec:
        spec = self._catalogue.get(model)
        _need(set(body) <= _GOOGLE_KEYS, f"unexpected keys {set(body) - _GOOGLE_KEYS}")
        _need([content["role"] for content in body["contents"]] == ["user"], "one user message")
        settings = body["generationConfig"]
        _need(set(settings) <= _GOOGLE_CONFIG_KEYS, f"unexpected settings {set(settings) - _GOOGLE_CONFIG_KEYS}")
        _need(1 <= settings["maxOutputTokens"] <= spec.max_output_tokens, "maxOutputTokens out of range")
        # Protocol buffers in JSON: the SDK writes this one's fields with underscores, and the API takes both.
        thinking = {key.replace("_", "").lower() for key in settings.get("thinkingConfig", {})}
        wanted = {"thinkingbudget"} if spec.thinking is Thinking.BUDGET else {"thinkinglevel"}
        _need(thinking == wanted, f"this model takes {wanted}")
        _need(("responseJsonSchema" in settings) == ("responseMimeType" in settings), "schema without type")
        return spec

    async def _body(self, request: web.Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.requests.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        prompt = "".join(texts_of(body))
        request[_DOLED] = self.doles is not None and self.doles(prompt)
        if self.holds is not None and self.holds(prompt):
            await self.released.wait()
        return body

    def _next(self, provider: str, body: dict[str, Any]) -> Script:
        if provider in self.down:
            return Script(status=_OVERLOADED, error={"type": "error", "error": {"type": "overloaded_error"}})
        if not self._scripts:
            if self.answer is None:
                return Script()
            text = self.answer("".join(texts_of(body)))
            return Script(words=tuple(text[start : start + _PIECE] for start in range(0, len(text), _PIECE)))
        script = self._scripts[0]
        script.times -= 1
        if script.times <= 0:
            self._scripts.pop(0)
        return script

    def _count(self, spec: ModelSpec, texts: list[str], marks: list[bool]) -> Counted:
        """Count the input as *spec*'s cache would: explicit breakpoints, or the longest common beginning."""
        tokens = [estimate_tokens(text) for text in texts]
        if spec.cache.mode is CacheMode.EXPLICIT:
            read = written = 0
            for place, marked in enumerate(marks, start=1):
                size = sum(tokens[:place])
                if not marked or size < spec.cache.min_tokens:
                    continue
                entry = (spec.id, "\x1f".join(texts[:place]))
                if entry in self._cached:
                    read = size
                else:
                    self._cached.add(entry)
                    written = size - read
            return Counted(sum(tokens) - read - written, read, written, long=False)
        whole = "".join(texts)
        size = estimate_tokens(_common(self._seen.get(spec.id, ""), whole))
        self._seen[spec.id] = whole
        read = size if spec.cache.mode is CacheMode.AUTOMATIC and size >= spec.cache.min_tokens else 0
        return Counted(max(0, sum(tokens) - read), read, 0, long=False)

    async def _stream(self, request: web.Request, script: Script, events: list[tuple[str, str]]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for name, data in events:
            if request[_DOLED]:
                await self.permits.acquire()
            head = f"event: {name}\n" if name else ""
            await response.write(f"{head}data: {data}\n\n".encode())
        if script.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.cut_off.set()
        return response

    def _refused(self, problem: RequestInvalid, body: dict[str, Any]) -> web.Response:
        self.problems.append(str(problem))
        body["error"]["message"] = str(problem)
        return web.json_response(body, status=400)


def _common(one: str, other: str) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))]


def _need(holds: bool, problem: str) -> None:
    if not holds:
        raise RequestInvalid(problem)


def texts_of(body: object) -> list[str]:
    """Return every text of a request, in the order in which they stand."""
    if isinstance(body, list):
        return [text for item in body for text in texts_of(item)]
    if not isinstance(body, dict):
        return []
    return [
        text
        for key, value in body.items()
        for text in ([value] if key in {"text", "content"} and isinstance(value, str) else texts_of(value))
    ]


def _early(script: Script) -> web.Response | None:
    if script.html:
        return web.Response(text="<html>gateway</html>", content_type="text/html")
    if script.status:
        return web.json_response(script.error or {}, status=script.status, headers=script.headers)
    return None


def _anthropic_block(index: int, kind: str, deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": kind, kind: ""}},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _openai_parts(body: dict[str, Any]) -> tuple[list[str], list[bool]]:
    texts, marks = [], []
    for message in body["messages"]:
        content = message["content"]
        for part in content if isinstance(content, list) else [{"text": content}]:
            texts.append(part["text"])
            marks.append("prompt_cache_breakpoint" in part)
    return texts, marks
