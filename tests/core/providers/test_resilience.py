"""Retry, circuit breaker and fallback, without a network: what decides is when, what and whether anybody saw text."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from core.providers.base import Listener, Reply, Request, StopReason, Usage
from core.providers.errors import (
    AccountRefused,
    CircuitOpen,
    ContextTooLong,
    IncompleteReply,
    ModelGone,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRefused,
    Unreachable,
)
from core.providers.resilience import BreakingModel, CircuitBreaker, FallbackModel, Link, RetryingModel, RetryPolicy
from tests.core.providers.conftest import Ear, ask
from tests.fakes.clock import FakeClock

LEAVES = [
    RateLimited,
    Overloaded,
    Unreachable,
    IncompleteReply,
    AccountRefused,
    ModelGone,
    ContextTooLong,
    RequestRefused,
]
RETRYABLE = {RateLimited, Overloaded, Unreachable, IncompleteReply}
STAYS = {ContextTooLong, RequestRefused}

Act = ProviderError | StopReason | tuple[str, ProviderError]


def fault(kind: type[ProviderError], **facts: Any) -> ProviderError:
    """Return an error of *kind*."""
    return kind("no", provider="p", model="m", **facts)


class Scripted:
    """A Model that does what it is told, call by call, and answers when it is told nothing more."""

    def __init__(self, *acts: Act, provider: str = "p", model: str = "m", clock: FakeClock | None = None) -> None:
        self._acts = list(acts)
        self._provider = provider
        self._model = model
        self._clock = clock
        self.asked: list[Request] = []
        self.at: list[float] = []

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        self.asked.append(request)
        if self._clock is not None:
            self.at.append(self._clock.monotonic())
        await asyncio.sleep(0)
        act = self._acts.pop(0) if self._acts else StopReason.COMPLETE
        if isinstance(act, ProviderError):
            raise act
        if isinstance(act, tuple):
            if listener is not None:
                listener.text(act[0])
            raise act[1]
        if listener is not None:
            listener.text("whole")
        return Reply("whole", act, Usage(10, output_tokens=5), self._model, self._provider)


def retrying(inner: Scripted, clock: FakeClock, **policy: Any) -> RetryingModel:
    return RetryingModel(inner, clock=clock, policy=RetryPolicy(**policy), rng=random.Random(1))  # noqa: S311 - jitter


@pytest.mark.parametrize("kind", LEAVES)
async def test_what_is_tried_again(fast_clock: FakeClock, kind: type[ProviderError]) -> None:
    """Only what may pass by itself is tried again; a refusal, a bad key and a full window never are."""
    inner = Scripted(fault(kind))
    model = retrying(inner, fast_clock)
    if kind in RETRYABLE:
        reply = await model.complete(ask("m"))
        assert (reply.text, reply.attempts, len(inner.asked)) == ("whole", 2, 2)
    else:
        with pytest.raises(kind) as raised:
            await model.complete(ask("m"))
        assert (raised.value.attempts, len(inner.asked)) == (1, 1)


async def test_an_incomplete_reply_is_tried_again(fast_clock: FakeClock, ear: Ear) -> None:
    """A reply without its terminal marker counts as a failure: forgotten, tried again, its cost the operator's."""
    reply = await retrying(Scripted(StopReason.INCOMPLETE), fast_clock).complete(ask("m"), ear)
    assert (reply.stop, reply.attempts) == (StopReason.COMPLETE, 2)
    assert (reply.usage, reply.wasted) == (Usage(10, output_tokens=5), Usage(10, output_tokens=5))
    assert (ear.heard, ear.events) == (["whole"], [("restarted", "provider_incomplete")])


async def test_a_reply_that_stays_incomplete(fast_clock: FakeClock) -> None:
    """A reply that stays incomplete is an error in the end, never a reply."""
    inner = Scripted(*[StopReason.INCOMPLETE] * 9)
    with pytest.raises(IncompleteReply) as raised:
        await retrying(inner, fast_clock, attempts=3).complete(ask("m"))
    assert (len(inner.asked), raised.value.attempts, raised.value.partial_text) == (3, 3, "whole")
    assert raised.value.usage == Usage(30, output_tokens=15)


@pytest.mark.parametrize("stop", [StopReason.TRUNCATED, StopReason.REFUSED, StopReason.CONTEXT_FULL])
async def test_other_ends_are_the_callers_business(fast_clock: FakeClock, stop: StopReason) -> None:
    """A truncated, refused or overfull reply is given back: trying again would not change it."""
    inner = Scripted(stop)
    assert (await retrying(inner, fast_clock).complete(ask("m"))).stop is stop
    assert len(inner.asked) == 1


async def test_text_that_was_shown_is_taken_back(fast_clock: FakeClock, ear: Ear) -> None:
    """After visible text the same model starts afresh, and the listener is told to forget."""
    inner = Scripted(("half", fault(Unreachable)), fault(Overloaded))
    await retrying(inner, fast_clock).complete(ask("m"), ear)
    assert ear.events == [("restarted", "provider_unreachable")]
    assert ear.heard == ["whole"]


async def test_every_wait_is_announced(fast_clock: FakeClock, ear: Ear) -> None:
    """Whoever listens hears of each wait before it, why and how long; of the failure that ends it, there is no wait."""
    inner = Scripted(fault(Overloaded), ("half", fault(Unreachable)), fault(Overloaded))
    with pytest.raises(Overloaded):
        await retrying(inner, fast_clock, attempts=3).complete(ask("m"), ear)
    assert [reason for reason, _ in ear.waits] == ["provider_overloaded", "provider_unreachable"]
    assert [wait for _, wait in ear.waits] == fast_clock.slept


@given(st.integers(0, 2**32), st.integers(2, 6))
async def test_waits_grow_and_jitter(seed: int, attempts: int) -> None:
    """The n-th wait is between nothing and base * 2^n, never above the most, and attempts are bounded."""
    clock = FakeClock(auto=True)
    inner = Scripted(*[fault(Overloaded) for _ in range(9)])
    policy = RetryPolicy(attempts=attempts, base_seconds=1.0, most_seconds=5.0)
    with pytest.raises(Overloaded):
        await RetryingModel(inner, clock=clock, policy=policy, rng=random.Random(seed)).complete(ask("m"))  # noqa: S311 - jitter
    assert len(inner.asked) == attempts
    assert len(clock.slept) == attempts - 1
    for place, wait in enumerate(clock.slept):
        assert 0 <= wait <= min(5.0, 2**place)


async def test_retry_after_is_obeyed(fast_clock: FakeClock) -> None:
    """What the provider asks for is waited for, and a little more."""
    inner = Scripted(fault(RateLimited, retry_after_seconds=30), clock=fast_clock)
    await retrying(inner, fast_clock).complete(ask("m"))
    assert 30 <= inner.at[1] <= 30.5


async def test_retry_after_has_a_deadline(fast_clock: FakeClock) -> None:
    """A wait beyond the deadline is not begun: somebody else may answer now."""
    inner = Scripted(fault(RateLimited, retry_after_seconds=3_600))
    with pytest.raises(RateLimited):
        await retrying(inner, fast_clock).complete(ask("m"))
    assert fast_clock.slept == []


async def test_the_deadline_runs_from_what_was_shown() -> None:
    """An attempt that streamed for minutes does not use up the time to try again."""
    clock = FakeClock(auto=True)

    class Slow(Scripted):
        @override
        async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
            clock.move(300)
            return await super().complete(request, listener)

    reply = await retrying(Slow(("half", fault(Unreachable))), clock).complete(ask("m"), Ear())
    assert reply.attempts == 2
    with pytest.raises(Unreachable):
        await retrying(Slow(fault(Unreachable)), clock).complete(ask("m"), Ear())


async def failures(model: BreakingModel, number: int) -> None:
    for _ in range(number):
        with pytest.raises(ProviderError):
            await model.complete(ask("m"))


async def test_three_failures_open_the_circuit(clock: FakeClock) -> None:
    """After three failures in a row within a minute nobody is asked for a while; then one probe, whose success ends it."""
    inner = Scripted(*[fault(Overloaded) for _ in range(3)])
    breaker = CircuitBreaker("p", clock=clock)
    model = BreakingModel(inner, breaker)
    await failures(model, 3)
    with pytest.raises(CircuitOpen) as raised:
        await model.complete(ask("m"))
    assert (len(inner.asked), raised.value.retry_after_seconds) == (3, 20.0)
    clock.move(20)
    assert (await model.complete(ask("m"))).text == "whole"
    assert not breaker.is_open


async def test_a_failed_probe_opens_it_again(clock: FakeClock) -> None:
    """A probe that fails, once, opens the circuit for another while."""
    model = BreakingModel(Scripted(*[fault(Unreachable) for _ in range(4)]), CircuitBreaker("p", clock=clock))
    await failures(model, 3)
    clock.move(20)
    with pytest.raises(Unreachable):
        await model.complete(ask("m"))
    with pytest.raises(CircuitOpen):
        await model.complete(ask("m"))


async def test_only_one_probes(clock: FakeClock) -> None:
    """While half open one call goes through; a hundred others are told to wait."""
    inner = Scripted(*[fault(Overloaded) for _ in range(3)])
    model = BreakingModel(inner, CircuitBreaker("p", clock=clock))
    await failures(model, 3)
    clock.move(20)
    results = await asyncio.gather(*(model.complete(ask("m")) for _ in range(100)), return_exceptions=True)
    assert sum(isinstance(result, Reply) for result in results) == 1
    assert sum(isinstance(result, CircuitOpen) for result in results) == 99
    assert len(inner.asked) == 4


async def test_a_cancelled_probe_leaves_the_way_free(clock: FakeClock) -> None:
    """A probe that a person stopped proves nothing: the next call probes."""

    class Stuck(Scripted):
        @override
        async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
            if len(self.asked) == 3:
                self.asked.append(request)
                await asyncio.Event().wait()
            return await super().complete(request, listener)

    model = BreakingModel(Stuck(*[fault(Overloaded) for _ in range(3)]), CircuitBreaker("p", clock=clock))
    await failures(model, 3)
    clock.move(20)
    probe = asyncio.create_task(model.complete(ask("m")))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert (await model.complete(ask("m"))).text == "whole"


@pytest.mark.parametrize(
    "acts",
    [
        [fault(RateLimited)] * 5,
        [fault(ContextTooLong)] * 5,
        [fault(RequestRefused)] * 5,
        [fault(AccountRefused, status=403)] * 5,
    ],
    ids=["rate", "window", "refused", "one model forbidden"],
)
async def test_what_is_no_outage(clock: FakeClock, acts: list[Act]) -> None:
    """Being told to slow down, or a fault of one request or one model, does not close the provider to the others."""
    breaker = CircuitBreaker("p", clock=clock)
    await failures(BreakingModel(Scripted(*acts), breaker), 5)
    assert not breaker.is_open


async def test_failures_far_apart(clock: FakeClock) -> None:
    """Three failures within more than a minute, or with a success between them, are no outage."""
    breaker = CircuitBreaker("p", clock=clock)
    model = BreakingModel(Scripted(*[fault(Overloaded) for _ in range(3)]), breaker)
    for _ in range(3):
        await failures(model, 1)
        clock.move(31)
    assert not breaker.is_open
    clock.move(61)
    acts: list[Act] = [fault(Overloaded), fault(Overloaded), StopReason.COMPLETE]
    mixed = BreakingModel(Scripted(*acts, *acts), breaker)
    for _ in range(2):
        await failures(mixed, 2)
        await mixed.complete(ask("m"))
    assert not breaker.is_open


async def test_a_refused_account_is_said_to_be_one(clock: FakeClock) -> None:
    """After a bad key nobody is asked for minutes, and the reason stays what it was, so that somebody else answers."""
    model = BreakingModel(Scripted(fault(AccountRefused, status=401)), CircuitBreaker("p", clock=clock))
    await failures(model, 1)
    clock.move(60)
    with pytest.raises(AccountRefused):
        await model.complete(ask("m"))
    clock.move(240)
    assert (await model.complete(ask("m"))).text == "whole"


async def test_an_incomplete_reply_is_a_failure(clock: FakeClock) -> None:
    """A provider that keeps cutting its streams is failing."""
    breaker = CircuitBreaker("p", clock=clock)
    model = BreakingModel(Scripted(*[StopReason.INCOMPLETE] * 3), breaker)
    for _ in range(3):
        await model.complete(ask("m"))
    assert breaker.is_open


async def test_an_open_circuit_is_waited_for_only_by_the_last(fast_clock: FakeClock) -> None:
    """Where nobody else can answer the circuit is waited for; where somebody can it is not; and no attempt is counted."""
    breaker = CircuitBreaker("p", clock=fast_clock)
    inner = Scripted(*[fault(Overloaded) for _ in range(3)])
    guarded = BreakingModel(inner, breaker)
    await failures(guarded, 3)
    hasty = RetryingModel(guarded, clock=fast_clock, policy=RetryPolicy(waits_for_circuit=False))
    with pytest.raises(CircuitOpen) as raised:
        await hasty.complete(ask("m"))
    assert (raised.value.attempts, fast_clock.slept) == (0, [])
    reply = await RetryingModel(guarded, clock=fast_clock).complete(ask("m"))
    assert reply.attempts == 1
    assert fast_clock.slept[0] >= 20


def chain(*models: Scripted) -> FallbackModel:
    return FallbackModel([Link(model, model._model, model._provider, 100) for model in models])


@pytest.mark.parametrize("kind", LEAVES)
async def test_who_may_answer_instead(ear: Ear, kind: type[ProviderError]) -> None:
    """Another provider answers for whatever it might not suffer from, and that is said; never for a bad request."""
    first, second = Scripted(fault(kind), provider="a", model="a1"), Scripted(provider="b", model="b1")
    if kind in STAYS:
        with pytest.raises(kind):
            await chain(first, second).complete(ask("a1"), ear)
        assert second.asked == []
    else:
        reply = await chain(first, second).complete(ask("a1", max_output_tokens=500), ear)
        assert (reply.provider, reply.model, reply.attempts) == ("b", "b1", 2)
        assert (second.asked[0].model, second.asked[0].max_output_tokens) == ("b1", 100)
        assert ear.events == [("fell_back", "a1", "b1", kind.code)]


async def test_nobody_else_after_the_first_visible_token(ear: Ear) -> None:
    """Once people saw text of one model, no other one goes on."""
    first = Scripted(("half", fault(Overloaded)), provider="a")
    second = Scripted(provider="b")
    with pytest.raises(Overloaded):
        await chain(first, second).complete(ask("a1"), ear)
    assert (second.asked, ear.events) == ([], [])


async def test_visible_text_that_was_taken_back_still_counts(fast_clock: FakeClock, ear: Ear) -> None:
    """Text that was shown and forgotten was seen: the same model is tried until it gives up, never another."""
    first = Scripted(("half", fault(Overloaded)), *[fault(Overloaded) for _ in range(9)], provider="a")
    second = Scripted(provider="b")
    model = FallbackModel([Link(retrying(first, fast_clock), "a1", "a", 9), Link(second, "b1", "b", 9)])
    with pytest.raises(Overloaded) as raised:
        await model.complete(ask("a1"), ear)
    assert (raised.value.attempts, second.asked) == (4, [])


async def test_a_gone_model_hands_over_to_its_replacement() -> None:
    """A model that is gone hands over to the next, even of the same provider; an outage skips that provider."""
    for kind, answers in ((ModelGone, "a2"), (Overloaded, "b1")):
        models = [
            Scripted(fault(kind), provider="a", model="a1"),
            Scripted(provider="a", model="a2"),
            Scripted(provider="b", model="b1"),
        ]
        assert (await chain(*models).complete(ask("a1"))).model == answers


async def test_waste_adds_up(fast_clock: FakeClock) -> None:
    """What every broken call cost stands in the reply, apart from what the workspace pays."""
    first = Scripted(*[fault(Overloaded, usage=Usage(3)) for _ in range(4)], provider="a")
    second = Scripted(fault(Overloaded, usage=Usage(3)), provider="b", model="b1")
    model = FallbackModel(
        [Link(retrying(first, fast_clock), "a1", "a", 9), Link(retrying(second, fast_clock), "b1", "b", 9)]
    )
    reply = await model.complete(ask("a1"))
    assert (reply.attempts, reply.wasted, reply.usage) == (6, Usage(15), Usage(10, output_tokens=5))


async def test_the_end_of_the_chain() -> None:
    """When nobody can answer, the last failure is what is raised, with the calls and the waste of all."""
    models = [Scripted(fault(Overloaded, usage=Usage(1)), provider=name, model=name) for name in "abc"]
    with pytest.raises(Overloaded) as raised:
        await chain(*models).complete(ask("a"))
    assert (raised.value.attempts, raised.value.usage) == (3, Usage(3))


def test_an_empty_chain() -> None:
    """A chain has a model."""
    with pytest.raises(ValueError, match="needs a model"):
        FallbackModel([])
