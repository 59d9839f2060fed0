"""Events that differ in their text only, read by the text alone."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.clock import SystemClock
from core.providers.adapter import Adapter, Draft
from core.providers.anthropic_model import AnthropicModel
from core.providers.base import Request, Segment
from core.providers.catalogue import Catalogue
from core.providers.google_model import GoogleModel
from core.providers.openai_model import OpenAIModel
from core.providers.sse import event_data
from core.providers.stencil import Stencil

REQUEST = Request("mock", "", (Segment("x"),), 100)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def chunk(text: str, **extra: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    return b"data: " + orjson.dumps({"id": "c1", "model": "m", "choices": [choice], **extra})


def delta(text: str) -> bytes:
    body = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return b"event: content_block_delta\ndata: " + orjson.dumps(body)


def candidate(text: str) -> bytes:
    return b"data: " + orjson.dumps({"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}]})


@pytest.fixture(scope="module", params=["openai", "anthropic", "google"])
def vendor(request: pytest.FixtureRequest) -> tuple[Adapter, Callable[[str], bytes]]:
    kind, event = {
        "openai": (OpenAIModel, chunk),
        "anthropic": (AnthropicModel, delta),
        "google": (GoogleModel, candidate),
    }[request.param]
    return kind(Catalogue.load(), api_key="none", clock=SystemClock()), event


def learn(adapter: Adapter, event: bytes) -> Stencil | None:
    return adapter._take(event, Draft(REQUEST, None), learns=True)


def parsed(adapter: Adapter, event: bytes) -> str | None:
    return adapter._only_said(REQUEST, event)


@given(first=TEXT, second=TEXT)
@example(first="content", second="a")
@example(first='a "quoted" word', second='\\"\n\\')
def test_a_stencil_reads_what_parsing_reads(
    vendor: tuple[Adapter, Callable[[str], bytes]], first: str, second: str
) -> None:
    """Whatever the texts are: an event that is read by a stencil says what it says when it is parsed."""
    adapter, event = vendor
    stencil = learn(adapter, event(first))
    if stencil is not None:
        assert stencil.text(event(second)) == second == parsed(adapter, event(second))


def test_ordinary_words_give_a_stencil(vendor: tuple[Adapter, Callable[[str], bytes]]) -> None:
    """Every vendor's events can be read so."""
    adapter, event = vendor
    stencil = learn(adapter, event(" Hello"))
    assert stencil is not None
    assert stencil.text(event(" wörld")) == " wörld"


@given(noise=st.binary(max_size=12), at=st.integers(0, 400), cut=st.integers(0, 400))
def test_a_broken_event_is_parsed_and_refused(noise: bytes, at: int, cut: int) -> None:
    """Whatever is done to the bytes, a stencil reads only what parsing would read the same."""
    adapter = OpenAIModel(Catalogue.load(), api_key="none", clock=SystemClock())
    stencil = learn(adapter, chunk(" Hello"))
    assert stencil is not None
    event = chunk(" there")
    broken = event[:at] + noise + event[at + cut :]
    text = stencil.text(broken)
    if text is not None:
        choice = orjson.loads(event_data(broken))["choices"][0]
        assert (choice["delta"], choice["finish_reason"]) == ({"content": text}, None)


@pytest.mark.parametrize(
    "event",
    [
        chunk(" Hello", usage={"prompt_tokens": 1, "completion_tokens": 1}),
        chunk(" Hello").replace(b'"finish_reason":null', b'"finish_reason":"stop"'),
        chunk(" Hello", echo=" Hello"),
        chunk("é").replace("é".encode(), b"\\u00e9"),
        chunk("id").replace(b'"id"}', b'"\\u0069d"}'),
    ],
    ids=["usage", "stop", "twice", "escaped", "a-key"],
)
def test_an_event_that_does_more_gives_no_stencil(event: bytes) -> None:
    """Where an event says more than a text, or it cannot be told where the text stands, all are parsed."""
    adapter = OpenAIModel(Catalogue.load(), api_key="none", clock=SystemClock())
    assert learn(adapter, event) is None
