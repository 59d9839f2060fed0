"""The whole stack against llmock: faults that it seeds, and its verdict on how they were taken."""

import asyncio
import random
from typing import Any

import pytest
from typing_extensions import override

from core.clock import SystemClock
from core.providers.base import StopReason
from core.providers.errors import Overloaded, ProviderError, RateLimited, Unreachable
from core.providers.resilience import RetryingModel, RetryPolicy
from tests.core.providers.conftest import HASTY, MODELS, Ear, MakeModel, ask
from tests.fakes.clock import FakeClock
from tests.llmock.server import LlmockServer

PROVIDERS = ("anthropic", "openai", "google")
ANSWER = "Every line earns its place, and nothing is said twice before the end."

pytestmark = pytest.mark.loopback


def stacked(make: MakeModel, llmock: LlmockServer, provider: str, clock: FakeClock) -> RetryingModel:
    """Return *provider*'s adapter with its retries, pointed at llmock, with short limits."""
    inner = make(provider, llmock.base_urls[provider], limits=HASTY)
    return RetryingModel(inner, clock=clock, rng=random.Random(3))  # noqa: S311 - jitter


def reply() -> dict[str, Any]:
    return {"type": "reply", "text": ANSWER, "times": None}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_plain_answer(
    llmock: LlmockServer, make: MakeModel, fast_clock: FakeClock, provider: str, *, stream: bool
) -> None:
    """Without a fault, one request and its whole answer."""
    llmock.arm(reply())
    found = await stacked(make, llmock, provider, fast_clock).complete(ask(MODELS[provider], stream=stream))
    assert (found.text, found.stop, found.attempts) == (ANSWER, StopReason.COMPLETE, 1)
    assert len(llmock.requests()) == 1


@pytest.mark.parametrize("status", [429, 500, 503, 529])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_passes_by_itself(
    llmock: LlmockServer, make: MakeModel, fast_clock: FakeClock, provider: str, status: int
) -> None:
    """A limit or an overload that passes is waited out by one retry layer: as many requests as attempts."""
    llmock.arm({"type": "fail", "status": status, "times": 2}, reply())
    found = await stacked(make, llmock, provider, fast_clock).complete(ask(MODELS[provider]))
    assert (found.text, found.attempts) == (ANSWER, 3)
    assert len(llmock.requests()) == 3
    assert len(fast_clock.slept) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_retry_after_over_the_wire(
    llmock: LlmockServer, make: MakeModel, fast_clock: FakeClock, provider: str
) -> None:
    """The wait that a 429 asks for is kept, whichever vendor's SDK it went through."""
    llmock.arm({"type": "fail", "status": 429, "retry_after": 7, "times": 1}, reply())
    found = await stacked(make, llmock, provider, fast_clock).complete(ask(MODELS[provider]))
    assert found.attempts == 2
    assert 7 <= fast_clock.slept[0] <= 7.5


@pytest.mark.parametrize("kind", ["disconnect", "truncate", "malformed", "stall"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_broken_stream(
    llmock: LlmockServer, make: MakeModel, fast_clock: FakeClock, provider: str, kind: str
) -> None:
    """A stream that drops, ends early, garbles or stalls is forgotten and begun again; never taken for a document."""
    ear = Ear()
    llmock.arm(
        {"type": "stream_fault", "kind": kind, "after_chunks": 6, "stall_seconds": 5, "times": 1},
        reply(),
    )
    found = await stacked(make, llmock, provider, fast_clock).complete(ask(MODELS[provider]), ear)
    assert (found.text, found.stop, found.attempts) == (ANSWER, StopReason.COMPLETE, 2)
    assert "".join(ear.heard) == ANSWER
    assert [event[0] for event in ear.events] == ["restarted"]
    assert found.wasted.input_tokens + found.wasted.output_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_slow_first_token(
    llmock: LlmockServer, make: MakeModel, fast_clock: FakeClock, ear: Ear, provider: str
) -> None:
    """A first token that takes longer than its limit is a stall, with nothing shown and so nothing to take back."""
    llmock.arm({"type": "slow_first_token", "seconds": 5, "times": 1}, reply())
    found = await stacked(make, llmock, provider, fast_clock).complete(ask(MODELS[provider]), ear)
    assert (found.attempts, ear.events) == (2, [])


LASTING: dict[str, tuple[dict[str, Any], type[ProviderError]]] = {
    "limit": ({"type": "fail", "status": 429, "times": None}, RateLimited),
    "overload": ({"type": "fail", "status": 529, "times": None}, Overloaded),
    "drop": ({"type": "stream_fault", "kind": "disconnect", "after_chunks": 0, "times": None}, Unreachable),
}


@pytest.mark.parametrize("outage", LASTING)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_does_not_pass(
    llmock: LlmockServer, make: MakeModel, fast_clock: FakeClock, provider: str, outage: str
) -> None:
    """An outage that lasts is given up after four attempts, with the error of the last."""
    fault, error = LASTING[outage]
    llmock.arm(fault)
    with pytest.raises(error) as raised:
        await stacked(make, llmock, provider, fast_clock).complete(ask(MODELS[provider]))
    assert raised.value.attempts == 4
    assert len(llmock.requests()) == 4


SEEDED: tuple[dict[str, Any], ...] = (
    {"type": "fail", "status": 429, "retry_after": 0.5},
    {"type": "fail", "status": 529, "retry_after": 0.2, "times": 2},
    {"type": "fail", "status": 400},
    {"type": "stream_fault", "kind": "truncate", "after_chunks": 4},
    {"type": "stream_fault", "kind": "malformed", "after_chunks": 4},
    {"type": "stream_fault", "kind": "disconnect", "after_chunks": 4},
    {"type": "stream_fault", "kind": "stall", "after_chunks": 4, "stall_seconds": 3},
)


@pytest.mark.slow
async def test_the_verdict(llmock: LlmockServer, make: MakeModel) -> None:
    """llmock, which sees every attempt and when it came, holds nothing against this client, in real time."""
    llmock.arm(reply())

    async def suffer(provider: str, name: str) -> None:
        inner = make(provider, llmock.base_urls[provider], limits=HASTY)
        # Jitter of full range may by chance shrink from one wait to the next; the verdict wants to see it grow.
        model = RetryingModel(inner, clock=SystemClock(), policy=RetryPolicy(base_seconds=0.15), rng=_Most())
        for place, fault in enumerate(SEEDED):
            llmock.arm(fault | {"match": {"provider": name}})
            question = ask(MODELS[provider], system=f"{provider} {place}")
            (result,) = await asyncio.gather(model.complete(question), return_exceptions=True)
            assert isinstance(result, ProviderError) is (fault.get("status") == 400)

    await asyncio.gather(suffer("anthropic", "anthropic"), suffer("openai", "openai"), suffer("google", "gemini"))
    assert llmock.findings() == []


class _Most(random.Random):
    """Jitter at its upper end."""

    @override
    def uniform(self, a: float, b: float) -> float:
        return max(a, b)
