"""Anthropic's models.

The SDK sends the request (address, key, version, headers, exceptions); the stream is read here. Docs:
platform.claude.com, "Messages", "Prompt caching", "Extended thinking", "Structured outputs".
"""

from typing import Any, ClassVar

import anthropic
import httpx2
from typing_extensions import override

from core.providers.adapter import Adapter, Draft, Fault
from core.providers.base import CacheLife, Request, StopReason, Usage
from core.providers.catalogue import CacheMode, ModelSpec, Thinking
from core.providers.errors import Unreachable
from core.providers.faults import kind_of, retry_after
from core.providers.prompt import Block, blocks
from core.providers.repeat import Repeat, error_body
from core.providers.transport import TIMEOUT, AiohttpTransport, http_client

_STOPS = {
    "end_turn": StopReason.COMPLETE,
    "stop_sequence": StopReason.COMPLETE,
    "max_tokens": StopReason.TRUNCATED,
    "refusal": StopReason.REFUSED,
    "model_context_window_exceeded": StopReason.CONTEXT_FULL,
}
_LEAST_BUDGET = 1_024  # Anthropic: thinking.budget_tokens, at least 1,024 and less than max_tokens
_LEAST_ANSWER = 1_024
_UNREAD: dict[str, str] = {"X-Stainless-Raw-Response": "stream"}  # the SDK leaves the body of the response to us


class AnthropicModel(Adapter):
    """Speaks the Messages API."""

    provider: ClassVar[str] = "anthropic"

    @override
    def _connect(self, api_key: str, base_url: str | None) -> None:
        transport = AiohttpTransport()
        self._client = anthropic.AsyncAnthropic(
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
            response = await self._client.post(
                "/v1/messages", cast_to=httpx2.Response, body=content, options={"headers": _UNREAD}
            )
            self._repeat.learn(response)
        elif not response.is_success:
            raise _refusal(response)
        return response

    @override
    def _take_event(self, event: dict[str, Any], draft: Draft) -> None:
        kind = event["type"]
        if kind == "content_block_delta":
            delta = event["delta"]
            if delta["type"] == "text_delta":
                draft.say(delta["text"])
            else:
                draft.moved = True
        elif kind == "message_start":
            _count(event["message"].get("usage"), draft)
        elif kind == "message_delta":
            _count(event.get("usage"), draft)
            _conclude(event["delta"], draft)
            draft.reported = draft.stop is not None
        elif kind == "message_stop":
            draft.finished = True
        elif kind == "error":
            raise _in_stream(event.get("error"))

    @override
    def _take_body(self, body: dict[str, Any], draft: Draft) -> None:
        if body.get("type") == "error":
            raise _in_stream(body.get("error"))
        for block in body["content"]:
            if block["type"] == "text":
                draft.say(block["text"])
        _count(body.get("usage"), draft)
        _conclude(body, draft)
        draft.reported = bool(draft.raw_usage)

    @override
    def _fault(self, error: Exception) -> Fault:
        if isinstance(error, anthropic.APIStatusError):
            codes = (error.error_code, error.type)
            return Fault(
                kind_of(error.status_code, codes, error.message),
                f"HTTP {error.status_code} {error.error_code or error.type or ''}".rstrip(),
                status=error.status_code,
                retry_after_seconds=retry_after(error.response.headers, self._clock),
            )
        return Fault(Unreachable, type(error).__name__)


def _refusal(response: httpx2.Response) -> anthropic.APIStatusError:
    """Return the SDK's exception for an answer that it did not see."""
    said = error_body(response)
    error = said.get("error") if isinstance(said, dict) else None
    message = error.get("message") if isinstance(error, dict) else response.text
    return anthropic.APIStatusError(str(message or ""), response=response, body=said)


def body(spec: ModelSpec, request: Request) -> dict[str, Any]:
    """Return the body of the request, only with parameters that the model takes, equal for equal requests."""
    most = min(request.max_output_tokens, spec.max_output_tokens)
    content: dict[str, Any] = {
        "model": spec.id,
        "max_tokens": most,
        "messages": [{"role": "user", "content": [_part(spec, request, block) for block in blocks(request.segments)]}],
    }
    if request.system:
        content["system"] = [{"type": "text", "text": request.system}]
    if request.stream:
        content["stream"] = True
    output: dict[str, Any] = {}
    effort = spec.efforts.get(request.effort, "")
    if spec.thinking is Thinking.ADAPTIVE:
        content["thinking"] = {"type": "adaptive"} if effort else {"type": "disabled"}
    if isinstance(effort, int):
        budget = min(effort, most - _LEAST_ANSWER)
        if budget >= _LEAST_BUDGET:
            content["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif effort:
        output["effort"] = effort
    if request.json_schema is not None and spec.json_schema:
        output["format"] = {"type": "json_schema", "schema": dict(request.json_schema)}
    if output:
        content["output_config"] = output
    return content


def _part(spec: ModelSpec, request: Request, block: Block) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "text", "text": block.text}
    if block.ends_prefix and spec.cache.mode is CacheMode.EXPLICIT:
        part["cache_control"] = {"type": "ephemeral"}
        if request.cache_life is CacheLife.LONG:
            part["cache_control"]["ttl"] = "1h"
    return part


def _conclude(message: dict[str, Any], draft: Draft) -> None:
    reason = message.get("stop_reason")
    if reason is not None:
        draft.stop = _STOPS.get(reason, StopReason.INCOMPLETE)


def _count(usage: dict[str, Any] | None, draft: Draft) -> None:
    """Add a report to those before it: input comes first, output at the end, and no number contains another."""
    raw = draft.raw_usage
    raw.update({key: value for key, value in (usage or {}).items() if value is not None})
    written = raw.get("cache_creation_input_tokens", 0)
    lives = raw.get("cache_creation") or {}
    long = lives.get("ephemeral_1h_input_tokens")
    if long is None:
        long = written if draft.request.cache_life is CacheLife.LONG else 0
    draft.usage = Usage(
        input_uncached_tokens=raw.get("input_tokens", 0),
        cache_read_tokens=raw.get("cache_read_input_tokens", 0),
        cache_write_5m_tokens=max(0, written - long),
        cache_write_1h_tokens=long,
        output_tokens=raw.get("output_tokens", 0),
        reasoning_tokens=(raw.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
    )


def _in_stream(error: Any) -> Fault:
    details = error if isinstance(error, dict) else {}
    codes = ((details.get("details") or {}).get("error_code"), details.get("type"))
    return Fault(kind_of(None, codes, str(details.get("message", ""))), f"in the stream: {codes[1] or 'error'}")
