"""OpenAI's models, and every server that speaks their chat completions (Ollama, vLLM, llama.cpp).

The SDK sends the request (address, key, headers, exceptions); the stream is read here. Docs: platform.openai.com,
"Chat Completions" and "Prompt caching".
"""

from typing import Any, ClassVar

import httpx2
import openai
from typing_extensions import override

from core.providers.adapter import Adapter, Draft, Fault
from core.providers.base import Request, StopReason, Usage
from core.providers.catalogue import CacheMode, ModelSpec, Thinking
from core.providers.errors import Unreachable
from core.providers.faults import kind_of, retry_after
from core.providers.prompt import blocks
from core.providers.repeat import Repeat, error_body
from core.providers.transport import TIMEOUT, AiohttpTransport, http_client

_STOPS = {
    "stop": StopReason.COMPLETE,
    "eos_token": StopReason.COMPLETE,  # text-generation-inference
    "length": StopReason.TRUNCATED,
    "content_filter": StopReason.REFUSED,
}
_KEY_LENGTH = 64  # OpenAI: prompt_cache_key, 64 characters
_UNREAD: dict[str, str] = {"X-Stainless-Raw-Response": "stream"}  # the SDK leaves the body of the response to us


class OpenAIModel(Adapter):
    """Speaks chat completions."""

    provider: ClassVar[str] = "openai"

    @override
    def _connect(self, api_key: str, base_url: str | None) -> None:
        transport = AiohttpTransport()
        self._client = openai.AsyncOpenAI(
            api_key=api_key, base_url=base_url, max_retries=0, timeout=TIMEOUT, http_client=http_client(transport)
        )
        self._repeat = Repeat(transport)

    @override
    async def aclose(self) -> None:
        await self._client.close()

    @override
    async def _send(self, spec: ModelSpec, request: Request) -> httpx2.Response:
        content = body(spec, request)
        response = await self._repeat.send(content)
        if response is None:
            # `client.post` and not `chat.completions.create`: the latter walks the whole body to transform it.
            response = await self._client.post(
                "/chat/completions", cast_to=httpx2.Response, body=content, options={"headers": _UNREAD}
            )
            self._repeat.learn(response)
        elif not response.is_success:
            raise _refusal(response)
        return response

    @override
    def _take_event(self, event: dict[str, Any], draft: Draft) -> None:
        if event.get("error"):
            raise _in_stream(event["error"])
        if usage := event.get("usage"):
            _count(usage, draft)
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                draft.say(text)
            elif delta.get("reasoning_content") or delta.get("reasoning"):
                draft.moved = True
            _conclude(choice, delta, draft)

    @override
    def _take_body(self, body: dict[str, Any], draft: Draft) -> None:
        if body.get("error"):
            raise _in_stream(body["error"])
        choice = body["choices"][0]
        message = choice["message"]
        draft.say(message.get("content") or "")
        if usage := body.get("usage"):
            _count(usage, draft)
        _conclude(choice, message, draft)

    @override
    def _fault(self, error: Exception) -> Fault:
        if isinstance(error, openai.APIStatusError):
            return Fault(
                kind_of(error.status_code, (error.code, error.type), error.message),
                f"HTTP {error.status_code} {error.code or error.type or ''}".rstrip(),
                status=error.status_code,
                retry_after_seconds=retry_after(error.response.headers, self._clock),
            )
        return Fault(Unreachable, type(error).__name__)


def _refusal(response: httpx2.Response) -> openai.APIStatusError:
    """Return the SDK's exception for an answer that it did not see."""
    said = error_body(response)
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message") if isinstance(error, dict) else error
    return openai.APIStatusError(str(message or ""), response=response, body=error)


def body(spec: ModelSpec, request: Request) -> dict[str, Any]:
    """Return the body of the request, only with parameters that the model takes, equal for equal requests."""
    most = min(request.max_output_tokens, spec.max_output_tokens)
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    content: dict[str, Any] = {
        "model": spec.id,
        "messages": [*messages, {"role": "user", "content": _content(spec, request)}],
        # Servers that imitate the API know the old name only.
        "max_tokens" if spec.custom else "max_completion_tokens": most,
    }
    if request.stream:
        content |= {"stream": True, "stream_options": {"include_usage": True}}
    if spec.thinking is not Thinking.NONE and (effort := spec.efforts[request.effort]):
        content["reasoning_effort"] = effort
    if request.json_schema is not None and spec.json_schema:
        schema = {"name": "reply", "strict": True, "schema": dict(request.json_schema)}
        content["response_format"] = {"type": "json_schema", "json_schema": schema}
    if spec.cache.mode is not CacheMode.NONE and request.cache_key:
        content["prompt_cache_key"] = request.cache_key[:_KEY_LENGTH]
    if spec.cache.mode is CacheMode.EXPLICIT:
        # Otherwise the end of the request, which differs every time, would be written to the cache at 1.25 the price.
        content["prompt_cache_options"] = {"mode": "explicit", "ttl": "30m"}
    return content


def _content(spec: ModelSpec, request: Request) -> str | list[dict[str, Any]]:
    if spec.cache.mode is not CacheMode.EXPLICIT:
        return request.text
    parts: list[dict[str, Any]] = []
    for block in blocks(request.segments):
        part: dict[str, Any] = {"type": "text", "text": block.text}
        if block.ends_prefix:
            part["prompt_cache_breakpoint"] = {"mode": "explicit"}
        parts.append(part)
    return parts


def _conclude(choice: dict[str, Any], message: dict[str, Any], draft: Draft) -> None:
    if message.get("refusal"):
        draft.stop = StopReason.REFUSED
    reason = choice.get("finish_reason")
    if reason is not None and draft.stop is None:
        draft.stop = _STOPS.get(reason, StopReason.INCOMPLETE)


def _count(usage: dict[str, Any], draft: Draft) -> None:
    """Take usage apart: prompt_tokens includes what was read from and written to the cache."""
    details = usage.get("prompt_tokens_details") or {}
    read = details.get("cached_tokens") or 0
    written = details.get("cache_write_tokens") or 0
    draft.usage = Usage(
        input_uncached_tokens=max(0, usage["prompt_tokens"] - read - written),
        cache_read_tokens=read,
        cache_write_5m_tokens=written,
        output_tokens=usage["completion_tokens"],
        reasoning_tokens=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
    )
    draft.reported = True


def _in_stream(error: Any) -> Fault:
    if not isinstance(error, dict):
        return Fault(kind_of(None, (), str(error)), "error in the stream")
    codes = tuple(str(error[key]) for key in ("code", "type") if error.get(key))
    status = error["code"] if isinstance(error.get("code"), int) else None
    return Fault(
        kind_of(status, codes, str(error.get("message", ""))), f"in the stream: {' '.join(codes)}", status=status
    )
