"""What goes wrong, through the vendors' own SDKs: every fault is one of our errors, and none is a success."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import test_utils, web

from core.providers.base import StopReason
from core.providers.catalogue import Catalogue
from core.providers.errors import (
    AccountRefused,
    ContextTooLong,
    ModelGone,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRefused,
    Unreachable,
)
from core.providers.faults import duration_seconds, kind_of, retry_after
from tests.core.providers.conftest import HASTY, MODELS, Ear, MakeModel, adapter_for, ask
from tests.fakes.clock import FakeClock
from tests.fakes.model_peer import ModelPeer, Script

PROVIDERS = ("anthropic", "openai", "google")


def body(provider: str, status: int, kind: str, message: str = "no") -> dict[str, Any]:
    """Return an error as *provider* writes it."""
    if provider == "anthropic":
        return {"type": "error", "error": {"type": kind, "message": message}}
    if provider == "openai":
        return {"error": {"type": "invalid_request_error", "code": kind or None, "message": message, "param": None}}
    return {"error": {"code": status, "status": kind, "message": message}}


Answer = tuple[str, int, str, str, type[ProviderError]]
ANSWERS: list[Answer] = [
    ("anthropic", 429, "rate_limit_error", "", RateLimited),
    ("anthropic", 529, "overloaded_error", "", Overloaded),
    ("anthropic", 500, "api_error", "", Overloaded),
    ("anthropic", 401, "authentication_error", "", AccountRefused),
    ("anthropic", 402, "billing_error", "", AccountRefused),
    ("anthropic", 403, "permission_error", "", AccountRefused),
    ("anthropic", 404, "not_found_error", "", ModelGone),
    ("anthropic", 400, "invalid_request_error", "messages: field required", RequestRefused),
    ("anthropic", 400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ContextTooLong),
    ("anthropic", 413, "request_too_large", "", ContextTooLong),
    ("openai", 429, "rate_limit_exceeded", "", RateLimited),
    ("openai", 429, "insufficient_quota", "", AccountRefused),
    ("openai", 500, "", "", Overloaded),
    ("openai", 503, "", "", Overloaded),
    ("openai", 401, "invalid_api_key", "", AccountRefused),
    ("openai", 404, "model_not_found", "", ModelGone),
    ("openai", 400, "context_length_exceeded", "", ContextTooLong),
    ("openai", 400, "", "This model's maximum context length is 4096 tokens", ContextTooLong),
    ("openai", 400, "exceed_context_size_error", "", ContextTooLong),
    ("openai", 400, "", "Unknown parameter", RequestRefused),
    ("openai", 422, "", "Unprocessable", RequestRefused),
    ("google", 429, "RESOURCE_EXHAUSTED", "", RateLimited),
    ("google", 503, "UNAVAILABLE", "", Overloaded),
    ("google", 529, "", "", Overloaded),
    ("google", 403, "PERMISSION_DENIED", "", AccountRefused),
    ("google", 404, "NOT_FOUND", "", ModelGone),
    ("google", 400, "INVALID_ARGUMENT", "The input token count exceeds the maximum number of tokens", ContextTooLong),
    ("google", 400, "INVALID_ARGUMENT", "Unknown name", RequestRefused),
]


@pytest.mark.loopback
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: "-".join(map(str, answer[:3])))
async def test_a_refused_request(peer: ModelPeer, make: MakeModel, answer: Answer, *, stream: bool) -> None:
    """Status and code decide what an error means; the request is made once, and nothing is charged."""
    provider, status, kind, message, error = answer
    peer.script(Script(status=status, error=body(provider, status, kind, message)))
    with pytest.raises(ProviderError) as raised:
        await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider], stream=stream))
    assert type(raised.value) is error
    assert (raised.value.provider, raised.value.model, raised.value.status) == (provider, MODELS[provider], status)
    assert raised.value.usage.input_tokens == 0
    assert len(peer.requests) == 1


@pytest.mark.loopback
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: "-".join(map(str, answer[:3])))
async def test_a_refusal_means_the_same_later(peer: ModelPeer, make: MakeModel, answer: Answer) -> None:
    """A request that is made after the SDK's own first one fails as that would have failed."""
    provider, status, kind, message, error = answer
    model = make(provider, peer.base_url(provider))
    await model.complete(ask(MODELS[provider]))
    peer.script(Script(status=status, error=body(provider, status, kind, message), headers={"retry-after": "17"}))
    with pytest.raises(ProviderError) as raised:
        await model.complete(ask(MODELS[provider]))
    assert type(raised.value) is error
    assert (raised.value.status, raised.value.retry_after_seconds) == (status, 17)
    assert raised.value.usage.input_tokens == 0
    assert len(peer.requests) == 2


@pytest.mark.loopback
@pytest.mark.parametrize("page", [b"<html>Bad gateway</html>", b"", b"\xff\xfe", b'"busy"', b"[]"])
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_a_gateways_page_with_an_error(catalogue: Catalogue, provider: str, page: bytes) -> None:
    """A refusal that is none of the provider's words is known by its status, at first and later."""
    statuses = iter([502, 200, 502])

    async def answer(_request: web.Request) -> web.Response:
        status = next(statuses)
        return web.Response(status=status, body=page if status != 200 else b"{}", content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with test_utils.TestServer(app) as server:
        model = adapter_for(provider, str(server.make_url("/")), catalogue=catalogue, clock=FakeClock(), limits=HASTY)
        seen = []
        for _ in range(3):
            with pytest.raises(ProviderError) as raised:
                await model.complete(ask(MODELS[provider], stream=False))
            seen.append((type(raised.value), raised.value.status))
        await model.aclose()
    assert seen == [(Overloaded, 502), (Unreachable, None), (Overloaded, 502)]


@pytest.mark.loopback
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_retry_after_is_handed_on(peer: ModelPeer, make: MakeModel, provider: str) -> None:
    """The wait that a provider asks for in a header reaches the retry layer."""
    peer.script(Script(status=429, error=body(provider, 429, ""), headers={"retry-after": "17"}))
    with pytest.raises(RateLimited) as raised:
        await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider]))
    assert raised.value.retry_after_seconds == 17


@pytest.mark.loopback
async def test_googles_wait_stands_in_the_body(peer: ModelPeer, make: MakeModel) -> None:
    """Google says how long to wait in the details of the error, and a bad key there too."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"}
    limited = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "", "details": [info]}}
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    bad_key = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "", "details": [reason]}}
    peer.script(Script(status=429, error=limited), Script(status=400, error=bad_key))
    model = make("google", peer.base_url("google"))
    with pytest.raises(RateLimited) as raised:
        await model.complete(ask(MODELS["google"]))
    assert raised.value.retry_after_seconds == 12.5
    with pytest.raises(AccountRefused):
        await model.complete(ask(MODELS["google"]))


IN_STREAM: list[tuple[str, dict[str, Any], type[ProviderError]]] = [
    ("anthropic", {"type": "overloaded_error", "message": "Overloaded"}, Overloaded),
    ("anthropic", {"type": "rate_limit_error", "message": ""}, RateLimited),
    ("openai", {"message": "The server had an error", "type": "server_error", "code": None}, Overloaded),
    ("openai", {"message": "boom", "type": "", "code": 500}, Overloaded),
    ("google", {"code": 503, "message": "The model is overloaded", "status": "UNAVAILABLE"}, Overloaded),
]


@pytest.mark.loopback
@pytest.mark.parametrize("case", IN_STREAM, ids=lambda case: case[0])
async def test_an_error_inside_a_stream(
    peer: ModelPeer, make: MakeModel, ear: Ear, case: tuple[str, dict[str, Any], type[ProviderError]]
) -> None:
    """An error event after HTTP 200 is an error, with the text and the usage until then."""
    provider, event, error = case
    peer.script(Script(words=("Half ", "a "), error=event))
    with pytest.raises(ProviderError) as raised:
        await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider]), ear)
    assert type(raised.value) is error
    assert raised.value.partial_text == "Half a " == "".join(ear.heard)
    assert raised.value.usage.input_tokens > 0
    assert raised.value.usage.output_tokens > 0


@pytest.mark.loopback
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_end_without_its_marker(peer: ModelPeer, make: MakeModel, provider: str) -> None:
    """A stream that ends cleanly but without its terminal marker is incomplete, never a success."""
    peer.script(Script(ends=False))
    reply = await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider]))
    assert (reply.stop, reply.text, reply.estimated) == (StopReason.INCOMPLETE, "Hello from the peer.", True)


@pytest.mark.loopback
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_web_page(peer: ModelPeer, make: MakeModel, provider: str, *, stream: bool) -> None:
    """A gateway's page with status 200 is no empty reply."""
    peer.script(Script(html=True))
    with pytest.raises(Unreachable):
        await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider], stream=stream))


@pytest.mark.loopback
@pytest.mark.parametrize("words", [(), ("Half ",)], ids=["before the first token", "in the middle"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stall(peer: ModelPeer, make: MakeModel, provider: str, words: tuple[str, ...]) -> None:
    """A connection that stays open without a token is given up, and closed."""
    peer.script(Script(words=words, ends=False, hangs=True))
    with pytest.raises(Unreachable, match="stalled") as raised:
        await make(provider, peer.base_url(provider), limits=HASTY).complete(ask(MODELS[provider]))
    assert raised.value.partial_text == "".join(words)
    await asyncio.wait_for(peer.cut_off.wait(), 5)


@pytest.mark.loopback
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nobody_there(make: MakeModel, free_port: int, provider: str) -> None:
    """A refused connection is an error that may pass, found at once, without a hidden retry."""
    model = make(provider, f"http://127.0.0.1:{free_port}/x")
    with pytest.raises(Unreachable) as raised:
        await asyncio.wait_for(model.complete(ask(MODELS[provider])), 5)
    assert raised.value.status is None


@pytest.mark.loopback
async def test_a_server_that_ignores_the_wish_for_a_stream(peer: ModelPeer, make: MakeModel, ear: Ear) -> None:
    """A whole body instead of a stream is taken as the reply that it is."""
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    }
    peer.script(Script(status=200, error=whole))
    reply = await make("openai", peer.base_url("openai")).complete(ask(MODELS["openai"]), ear)
    assert (reply.text, reply.stop, ear.heard) == ("All at once.", StopReason.COMPLETE, ["All at once."])


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "soon"}, None),
    ],
)
def test_what_retry_after_may_be(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date; anything else is not there."""
    assert retry_after(headers, FakeClock(datetime(2026, 1, 1, tzinfo=UTC))) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("12s", 12.0), ("0.5s", 0.5), ("12", None), (None, None), (3, None)])
def test_what_a_duration_may_be(text: object, seconds: float | None) -> None:
    """Google's durations end in s."""
    assert duration_seconds(text) == seconds


def test_an_unknown_error_event_may_pass() -> None:
    """An error inside a stream that says nothing that we know is taken for a fault of the provider."""
    assert kind_of(None, (), "?") is Overloaded
    assert kind_of(418, (), "?") is RequestRefused
