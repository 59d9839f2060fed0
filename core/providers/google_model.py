"""Google's models.

The SDK sends the request (address, key, headers, exceptions), but gives its streams out as objects only. So its HTTP client
is one that keeps the accepted answer for us and shows the SDK an empty one. The client is given explicitly for another
reason too: left alone, google-genai takes aiohttp directly and retries on its own. Docs: ai.google.dev, "Generating content".
"""

import re
from contextvars import ContextVar
from typing import Any, ClassVar

import httpx2
from google import genai
from google.genai import errors, types
from typing_extensions import override

from core.providers.adapter import Adapter, Draft, Fault
from core.providers.base import Request, StopReason, Usage
from core.providers.catalogue import ModelSpec, Thinking
from core.providers.errors import Unreachable
from core.providers.faults import duration_seconds, kind_of, retry_after
from core.providers.prompt import blocks
from core.providers.transport import TIMEOUT, AiohttpTransport, ssl_context

_STOPS = {
    "STOP": StopReason.COMPLETE,
    "MAX_TOKENS": StopReason.TRUNCATED,
    "SAFETY": StopReason.REFUSED,
    "RECITATION": StopReason.REFUSED,
    "BLOCKLIST": StopReason.REFUSED,
    "PROHIBITED_CONTENT": StopReason.REFUSED,
    "SPII": StopReason.REFUSED,
}
_OK = 200
_VERSION = re.compile(r"/(v\d\w*)/?$")  # the SDK wants the API version apart from the address
_accepted: ContextVar[list[httpx2.Response]] = ContextVar("accepted")


class _Client(httpx2.AsyncClient):
    """Keeps an accepted answer, its body unread, for the adapter; the SDK sees an empty one."""

    @override
    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        response = await super().send(request, **{**options, "stream": True})
        if response.status_code != _OK:
            await response.aread()
            return response
        _accepted.get().append(response)
        return httpx2.Response(_OK, content=b"", request=request)


class GoogleModel(Adapter):
    """Speaks generateContent."""

    provider: ClassVar[str] = "google"

    @classmethod
    @override
    def prepare(cls) -> None:
        super().prepare()
        types.GenerateContentConfig()  # the SDK completes its types when they are first used
        types.Content(role="user", parts=[types.Part(text="")])

    @override
    def _connect(self, api_key: str, base_url: str | None) -> None:
        version = _VERSION.search(base_url or "")
        self._http = _Client(transport=AiohttpTransport(), timeout=TIMEOUT, follow_redirects=True)
        options = types.HttpOptions(
            base_url=base_url[: version.start()] if base_url and version else base_url,
            api_version=version[1] if version else None,
            httpx_async_client=self._http,
            client_args={"verify": ssl_context()},  # for its synchronous client, which nobody uses
        )
        self._client = genai.Client(api_key=api_key, vertexai=False, http_options=options)

    @override
    async def aclose(self) -> None:
        await self._client.aio.aclose()
        self._client.close()
        await self._http.aclose()

    @override
    async def _send(self, spec: ModelSpec, request: Request) -> httpx2.Response:
        accepted: list[httpx2.Response] = []
        token = _accepted.set(accepted)
        contents = types.Content(role="user", parts=[types.Part(text=block.text) for block in blocks(request.segments)])
        try:
            if request.stream:
                stream = await self._client.aio.models.generate_content_stream(
                    model=spec.id, contents=contents, config=config(spec, request)
                )
                async for _ in stream:
                    pass
            else:
                await self._client.aio.models.generate_content(
                    model=spec.id, contents=contents, config=config(spec, request)
                )
        except BaseException:
            for response in accepted:
                await response.aclose()
            raise
        finally:
            _accepted.reset(token)
        return accepted[0]

    @override
    def _take_event(self, event: dict[str, Any], draft: Draft) -> None:
        if error := event.get("error"):
            raise _meant(error.get("code"), error, None)
        self._take_body(event, draft)

    @override
    def _take_body(self, body: dict[str, Any], draft: Draft) -> None:
        if (body.get("promptFeedback") or {}).get("blockReason"):
            draft.stop = StopReason.REFUSED
        for candidate in body.get("candidates") or ():
            for part in (candidate.get("content") or {}).get("parts") or ():
                if part.get("thought"):
                    draft.moved = True
                else:
                    draft.say(part.get("text") or "")
            if reason := candidate.get("finishReason"):
                draft.stop = _STOPS.get(reason, StopReason.INCOMPLETE)
        if usage := body.get("usageMetadata"):
            _count(usage, draft)
        draft.reported = draft.stop is not None and bool(draft.raw_usage)

    @override
    def _fault(self, error: Exception) -> Fault:
        if isinstance(error, errors.APIError):
            details = error.details if isinstance(error.details, dict) else {}
            after = retry_after(error.response.headers, self._clock) if error.response is not None else None
            return _meant(error.code, details.get("error") or details, after)
        return Fault(Unreachable, type(error).__name__)


def config(spec: ModelSpec, request: Request) -> types.GenerateContentConfig:
    """Return the parameters of the request, only those that the model takes, equal for equal requests."""
    thinking: types.ThinkingConfig | None = None
    if spec.thinking is not Thinking.NONE:
        effort = spec.efforts[request.effort]
        thinking = (
            types.ThinkingConfig(thinking_budget=effort)
            if isinstance(effort, int)
            else types.ThinkingConfig(thinking_level=types.ThinkingLevel(effort.upper()))
        )
    with_schema = request.json_schema is not None and spec.json_schema
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        max_output_tokens=min(request.max_output_tokens, spec.max_output_tokens),
        response_mime_type="application/json" if with_schema else None,
        response_json_schema=dict(request.json_schema) if request.json_schema is not None and with_schema else None,
        thinking_config=thinking,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        # The SDK would go on by itself and bill every hop.
        automatic_continuation=False,
        should_return_http_response=None if request.stream else True,
    )


def _count(usage: dict[str, Any], draft: Draft) -> None:
    """Take usage apart: the prompt includes what was cached, the candidates exclude what was thought."""
    draft.raw_usage = usage
    read = usage.get("cachedContentTokenCount") or 0
    thoughts = usage.get("thoughtsTokenCount") or 0
    draft.usage = Usage(
        input_uncached_tokens=max(0, (usage.get("promptTokenCount") or 0) - read),
        cache_read_tokens=read,
        output_tokens=(usage.get("candidatesTokenCount") or 0) + thoughts,
        reasoning_tokens=thoughts,
    )


def _meant(status: int | None, error: dict[str, Any], after: float | None) -> Fault:
    facts = [fact for fact in error.get("details") or () if isinstance(fact, dict)]
    codes = (*(fact.get("reason") for fact in facts), error.get("status"))
    asked = (duration_seconds(fact.get("retryDelay")) for fact in facts)
    return Fault(
        kind_of(status, codes, str(error.get("message", ""))),
        f"HTTP {status} {error.get('status') or ''}".rstrip(),
        status=status,
        retry_after_seconds=after if after is not None else next((delay for delay in asked if delay is not None), None),
    )
