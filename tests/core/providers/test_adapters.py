"""The adapters through the vendors' own SDKs, against a strict peer: replies, usage, requests, prefixes, cancelling."""

import asyncio
from typing import Any

import pytest

from core.providers.base import CacheLife, Effort, Request, Segment, StopReason, Usage
from core.providers.catalogue import Catalogue
from core.providers.errors import PartialReply
from core.providers.tokens import estimate_request_tokens
from tests.core.providers.conftest import MODELS, Ear, MakeModel, ask
from tests.fakes.model_peer import ModelPeer, Script

PROVIDERS = ("anthropic", "openai", "google")
SCHEMA = {"type": "object", "properties": {"score": {"type": "number"}}, "required": ["score"]}
STOPS = [
    ("anthropic", "end_turn", StopReason.COMPLETE),
    ("anthropic", "stop_sequence", StopReason.COMPLETE),
    ("anthropic", "max_tokens", StopReason.TRUNCATED),
    ("anthropic", "refusal", StopReason.REFUSED),
    ("anthropic", "model_context_window_exceeded", StopReason.CONTEXT_FULL),
    ("anthropic", "pause_turn", StopReason.INCOMPLETE),
    ("openai", "stop", StopReason.COMPLETE),
    ("openai", "length", StopReason.TRUNCATED),
    ("openai", "content_filter", StopReason.REFUSED),
    ("openai", "something_new", StopReason.INCOMPLETE),
    ("google", "STOP", StopReason.COMPLETE),
    ("google", "MAX_TOKENS", StopReason.TRUNCATED),
    ("google", "SAFETY", StopReason.REFUSED),
    ("google", "RECITATION", StopReason.REFUSED),
    ("google", "PROHIBITED_CONTENT", StopReason.REFUSED),
    ("google", "CONTINUATION", StopReason.INCOMPLETE),
]

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_reply(peer: ModelPeer, make: MakeModel, ear: Ear, provider: str, *, stream: bool) -> None:
    """Streamed or not, a reply has its text, its stop and the provider's own count, reasoning within the output."""
    peer.script(Script(reasoning_tokens=7))
    request = ask(MODELS[provider], stream=stream)
    reply = await make(provider, peer.base_url(provider)).complete(request, ear)
    assert peer.problems == []
    assert (reply.text, reply.stop, reply.estimated) == ("Hello from the peer.", StopReason.COMPLETE, False)
    assert (reply.provider, reply.model, reply.attempts) == (provider, MODELS[provider], 1)
    assert (reply.usage.output_tokens, reply.usage.reasoning_tokens) == (4 + 7, 7)
    assert reply.usage.input_tokens > 0
    assert "".join(ear.heard) == reply.text


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize(("provider", "word", "stop"), STOPS)
async def test_why_it_ended(
    peer: ModelPeer, make: MakeModel, provider: str, word: str, stop: StopReason, *, stream: bool
) -> None:
    """Every vendor's word for the end is one of five reasons; an unknown one is never a success."""
    peer.script(Script(stop=word))
    reply = await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider], stream=stream))
    assert reply.stop is stop


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refusal(peer: ModelPeer, make: MakeModel, provider: str, *, stream: bool) -> None:
    """A refusal is one, however the vendor wraps it: a stop reason, a field of the message, a blocked prompt."""
    peer.script(Script(refusal=True))
    reply = await make(provider, peer.base_url(provider)).complete(ask(MODELS[provider], stream=stream))
    assert reply.stop is StopReason.REFUSED


@pytest.mark.parametrize("with_schema", [True, False], ids=["schema", "text"])
@pytest.mark.parametrize("effort", list(Effort))
async def test_every_model_takes_what_it_is_sent(
    peer: ModelPeer, make: MakeModel, catalogue: Catalogue, effort: Effort, *, with_schema: bool
) -> None:
    """For every model of the catalogue and every effort, the request has no parameter that the model refuses."""
    segments = tuple(Segment(f"part {number}", cache_break=True) for number in range(6))
    for provider in PROVIDERS:
        model = make(provider, peer.base_url(provider))
        for spec in catalogue.list(provider):
            request = ask(
                spec.id,
                segments=segments,
                effort=effort,
                stream=not with_schema,
                json_schema=SCHEMA if with_schema else None,
                max_output_tokens=10**6,
                cache_key="s" * 100,
            )
            await model.complete(request)
    assert peer.problems == []


async def test_a_budget_leaves_room_for_the_answer(peer: ModelPeer, make: MakeModel) -> None:
    """A thinking budget fits below the bound of the output, and is dropped where it would leave no answer."""
    model = make("anthropic", peer.base_url("anthropic"))
    for most in (1_500, 4_000, 30_000):
        await model.complete(ask("claude-haiku-4-5", effort=Effort.HIGH, max_output_tokens=most))
    assert peer.problems == []
    assert [body.get("thinking", {}).get("budget_tokens") for body in peer.requests] == [None, 2_976, 16_384]


async def test_a_server_of_ones_own_gets_the_plainest_request(
    peer: ModelPeer, make: MakeModel, catalogue: Catalogue
) -> None:
    """A model behind an OpenAI-compatible address gets the parameters that every imitation knows, and no more."""
    model = make("openai", peer.base_url("openai"), models=catalogue.with_custom("llama3.1:8b"))
    peer._catalogue = catalogue.with_custom("llama3.1:8b")
    reply = await model.complete(ask("llama3.1:8b", effort=Effort.HIGH, cache_key="s1", json_schema=SCHEMA))
    assert peer.problems == []
    assert reply.stop is StopReason.COMPLETE
    assert "prompt_cache_key" not in peer.requests[0]
    assert peer.requests[0]["max_tokens"] == 200


def shared(model: str, role: str, **changes: Any) -> Request:
    """Return a request as the agents build them: brief, document, role."""
    segments = (
        Segment("The brief. " * 2_000, cache_break=True),
        Segment("[p1#aaaa] A paragraph. " * 2_000, cache_break=True),
        Segment(f"You are {role}."),
    )
    return ask(model, segments=segments, **changes)


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "gpt-6.1-sol", "gpt-5.4-mini", "gemini-3.8-flash"])
async def test_the_second_editor_reads_what_the_first_wrote(
    peer: ModelPeer, make: MakeModel, catalogue: Catalogue, model: str
) -> None:
    """Two editors share all but their role: the second reads the prefix from the cache, and six numbers say it all."""
    provider = catalogue.get(model).provider
    adapter = make(provider, peer.base_url(provider))
    first = (await adapter.complete(shared(model, "the style editor"))).usage
    second = (await adapter.complete(shared(model, "the fact checker"))).usage
    assert peer.problems == []
    assert first.cache_read_tokens == 0
    assert second.cache_write_5m_tokens == 0
    assert second.cache_read_tokens > 10 * second.input_uncached_tokens
    assert first.input_tokens == pytest.approx(second.input_tokens, abs=3)
    assert (first.cache_write_5m_tokens > 0) is catalogue.get(model).cache.writes_cost_extra


async def test_a_cache_that_lives_an_hour(peer: ModelPeer, make: MakeModel) -> None:
    """A session that waits for people asks for an hour, and what is written is counted at that price."""
    adapter = make("anthropic", peer.base_url("anthropic"))
    reply = await adapter.complete(shared("claude-sonnet-5-5", "the writer", cache_life=CacheLife.LONG))
    assert (reply.usage.cache_write_1h_tokens > 0, reply.usage.cache_write_5m_tokens) == (True, 0)


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_later_requests_are_like_the_sdks_first(peer: ModelPeer, make: MakeModel, provider: str) -> None:
    """What the SDK puts around its first request stands around every other: key, version, agent, and the same form."""
    adapter = make(provider, peer.base_url(provider))
    for text in ("One.", "Two words.", "Three wörds more \U0001f58b."):
        await adapter.complete(ask(MODELS[provider], segments=(Segment(text),)))
    first, *later = peer.headers
    assert all(set(headers) == set(first) for headers in later)
    differing = {name for headers in later for name, value in headers.items() if first[name] != value}
    assert differing == {"content-length"}
    assert peer.problems == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_equal_requests_are_equal_bytes(peer: ModelPeer, make: MakeModel, provider: str) -> None:
    """Nothing in a request changes by itself: no time, no random id, no order of a set."""
    adapter = make(provider, peer.base_url(provider))
    for _ in range(2):
        await adapter.complete(shared(MODELS[provider], "the writer", json_schema=SCHEMA, cache_key="s1"))
    assert peer.requests[0] == peer.requests[1]
    assert list(peer.requests[0]) == list(peer.requests[1])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_stopping_cuts_the_stream(peer: ModelPeer, make: MakeModel, ear: Ear, provider: str) -> None:
    """Cancelled, a call ends the connection at once and says what had arrived and what it used, estimated if need be."""
    peer.script(Script(words=("One ", "two "), hangs=True, ends=False))
    request = ask(MODELS[provider])
    task = asyncio.create_task(make(provider, peer.base_url(provider)).complete(request, ear))
    await ear.until("One two ")
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    partial = raised.value.__cause__
    assert isinstance(partial, PartialReply)
    assert (partial.text, partial.model) == ("One two ", MODELS[provider])
    assert partial.usage.input_tokens > 0
    assert partial.usage.output_tokens > 0
    await asyncio.wait_for(peer.cut_off.wait(), 5)


async def test_stopping_before_anything_was_accepted(peer: ModelPeer, make: MakeModel) -> None:
    """Cancelled before the provider answered, nothing is charged."""
    peer.script(Script(hangs=True))
    task = asyncio.create_task(make("openai", peer.base_url("openai")).complete(ask(MODELS["openai"])))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await task
    partial = raised.value.__cause__
    assert isinstance(partial, PartialReply)
    assert partial.usage == Usage()


async def test_a_cut_stream_still_counts_its_input(peer: ModelPeer, make: MakeModel) -> None:
    """Where usage comes at the end only, a cut stream is counted here and marked as estimated."""
    peer.script(Script(ends=False))
    request = ask(MODELS["openai"])
    reply = await make("openai", peer.base_url("openai")).complete(request)
    assert (reply.stop, reply.estimated) == (StopReason.INCOMPLETE, True)
    assert reply.usage.input_uncached_tokens == estimate_request_tokens(request)
    assert reply.usage.output_tokens > 0


async def test_text_comes_in_batches(peer: ModelPeer, make: MakeModel, ear: Ear) -> None:
    """Tokens reach the listener gathered, not one by one."""
    words = tuple(f"word{number} " for number in range(2_000))
    peer.script(Script(words=words))
    reply = await make("openai", peer.base_url("openai")).complete(ask(MODELS["openai"]), ear)
    assert reply.text == "".join(words) == "".join(ear.heard)
    assert len(ear.heard) < len(words) / 10


async def test_many_streams_at_once(peer: ModelPeer, make: MakeModel) -> None:
    """More streams than the default pool of 100 connections run at once."""
    number = 130
    peer.script(*(Script(hangs=True, ends=False) for _ in range(number)))
    model = make("openai", peer.base_url("openai"))
    ears = [Ear() for _ in range(number)]
    tasks = [asyncio.create_task(model.complete(ask(MODELS["openai"]), ear)) for ear in ears]
    await asyncio.gather(*(ear.until("Hello from the peer.") for ear in ears))
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
