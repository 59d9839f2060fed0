"""The three real SDKs, pointed at servers of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.clock import Clock
from core.providers.adapter import Adapter
from core.providers.anthropic_model import AnthropicModel
from core.providers.base import Request, Segment
from core.providers.catalogue import Catalogue
from core.providers.google_model import GoogleModel
from core.providers.limits import Limits
from core.providers.openai_model import OpenAIModel
from tests.fakes.clock import FakeClock
from tests.fakes.model_peer import ModelPeer
from tests.llmock.server import PROGRAM, LlmockServer, running

MODELS = {"anthropic": "claude-sonnet-4-6", "openai": "gpt-5.4-mini", "google": "gemini-2.5-flash"}
PATIENT = Limits(pace_seconds=0.01)
HASTY = Limits(
    first_token_seconds=0.6, thinking_seconds=0.6, idle_seconds=0.3, whole_reply_seconds=0.6, pace_seconds=0.01
)

ADAPTERS: dict[str, type[Adapter]] = {"anthropic": AnthropicModel, "google": GoogleModel, "openai": OpenAIModel}

MakeModel = Callable[..., Adapter]


@dataclass
class Ear:
    """Hears a reply."""

    heard: list[str] = field(default_factory=list)
    events: list[tuple[str, ...]] = field(default_factory=list)
    waits: list[tuple[str, float]] = field(default_factory=list)
    something: asyncio.Event = field(default_factory=asyncio.Event)

    def text(self, delta: str) -> None:
        assert delta
        self.heard.append(delta)
        self.something.set()

    async def until(self, text: str) -> None:
        """Return once all that was heard is *text*."""
        while "".join(self.heard) != text:
            self.something.clear()
            await asyncio.wait_for(self.something.wait(), 5)

    def restarted(self, reason: str) -> None:
        self.events.append(("restarted", reason))
        self.heard.clear()

    def retrying(self, reason: str, wait_seconds: float) -> None:
        self.waits.append((reason, wait_seconds))

    def fell_back(self, from_model: str, to_model: str, reason: str) -> None:
        self.events.append(("fell_back", from_model, to_model, reason))


def ask(model: str, **changes: Any) -> Request:
    """Return a small request to *model*."""
    facts: dict[str, Any] = {
        "system": "Answer in one sentence.",
        "segments": (Segment("What is a colophon?"),),
        "max_output_tokens": 200,
    }
    return Request(model=model, **(facts | changes))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Pay for the SDKs' first use before a test with short limits does."""
    for adapter in ADAPTERS.values():
        adapter.prepare()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def fast_clock() -> FakeClock:
    """A clock whose waits pass at once."""
    return FakeClock(auto=True)


@pytest.fixture
async def make(catalogue: Catalogue, fast_clock: FakeClock) -> AsyncIterator[MakeModel]:
    """Makes the adapter of a provider for an address, and closes it."""
    made: list[Adapter] = []

    def make_one(provider: str, url: str, *, limits: Limits = PATIENT, models: Catalogue = catalogue) -> Adapter:
        adapter = adapter_for(provider, url, catalogue=models, clock=fast_clock, limits=limits)
        made.append(adapter)
        return adapter

    yield make_one
    await asyncio.gather(*(adapter.aclose() for adapter in made))


def adapter_for(provider: str, url: str, *, catalogue: Catalogue, clock: Clock, limits: Limits) -> Adapter:
    """Return the adapter of *provider*, speaking to *url*."""
    return ADAPTERS[provider](catalogue, api_key="k", base_url=url, clock=clock, limits=limits)


@pytest.fixture
async def peer(catalogue: Catalogue) -> AsyncIterator[ModelPeer]:
    """A strict imitation of the three providers."""
    server = ModelPeer(catalogue)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def llmock_process() -> Iterator[LlmockServer]:
    if not PROGRAM.exists():
        pytest.skip("make has not created .venv-llmock")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with running(port) as server:
        yield server


@pytest.fixture
def llmock(llmock_process: LlmockServer) -> LlmockServer:
    """Llmock with nothing armed."""
    llmock_process.reset()
    return llmock_process
