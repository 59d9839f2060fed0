"""Retry, circuit breaker and fallback, each a Model that wraps a Model.

The one retry layer: the SDKs' own is switched off, and a reply that ends without its terminal marker counts as a failure.
What people have seen decides: before the first visible token another provider may answer, afterwards only the same model.
Why this is our own code: docs/decisions/0022.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from core.clock import Clock
from core.providers.base import Listener, Model, Reply, Request, StopReason, Usage
from core.providers.errors import (
    AccountRefused,
    CircuitOpen,
    IncompleteReply,
    ModelGone,
    Overloaded,
    ProviderError,
    Unreachable,
)

_log = structlog.get_logger(__name__)
_RNG = random.Random()  # noqa: S311 - jitter, not a secret; one for all, because seeding costs a system call
_ONE_MODEL_ONLY = 403  # a key may lack the right to one model and be good for the others


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again.

    Attributes:
        attempts: Calls at most, the first included.
        base_seconds: Upper bound of the first wait; it doubles every time.
        most_seconds: Upper bound of any wait that the provider did not ask for.
        deadline_seconds: From the start, or from the end of an attempt that showed text, to the start of the last
            attempt. A Retry-After beyond it is not waited for.
        waits_for_circuit: Whether to wait while the provider's circuit is open; False where somebody else can answer.
    """

    attempts: int = 4
    base_seconds: float = 0.5
    most_seconds: float = 20.0
    deadline_seconds: float = 120.0
    waits_for_circuit: bool = True


class RetryingModel:
    """Asks the same model again, with exponential waits and full jitter, while that can help.

    Raises what the last attempt raised; a reply that stayed incomplete is raised as `IncompleteReply`.
    """

    def __init__(
        self, inner: Model, *, clock: Clock, policy: RetryPolicy | None = None, rng: random.Random | None = None
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._policy = policy or RetryPolicy()
        self._rng = rng or _RNG

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        """See `core.providers.base.Model.complete`."""
        watched = _Watched(listener)
        wasted = Usage()
        attempts = waits = 0
        deadline = self._clock.monotonic() + self._policy.deadline_seconds
        while True:
            watched.begin()
            try:
                reply = await self._inner.complete(request, watched)
                attempts += 1
                if reply.stop is not StopReason.INCOMPLETE:
                    return replace(reply, attempts=attempts, wasted=reply.wasted + wasted)
                failure: ProviderError = _incomplete(reply)
            except CircuitOpen as error:
                failure = error
                if not self._policy.waits_for_circuit:
                    raise _summed(error, wasted, attempts) from error.__cause__
            except ProviderError as error:
                attempts += 1
                failure = error
            if watched.spoke:
                deadline = self._clock.monotonic() + self._policy.deadline_seconds
            wait = self._wait(failure, attempts, waits, deadline)
            _log.info(
                "model.attempt_failed",
                provider=failure.provider,
                model=failure.model,
                code=failure.code,
                status=failure.status,
                attempt=attempts,
                wait_seconds=wait,
                **_context(request),
            )
            if wait is None:
                raise _summed(failure, wasted, attempts)
            wasted += failure.usage
            waits += 1
            if watched.spoke:
                watched.restarted(failure.code)
            watched.retrying(failure.code, wait)
            await self._clock.sleep(wait)

    def _wait(self, failure: ProviderError, attempts: int, waits: int, deadline: float) -> float | None:
        """Return how long to wait before the next attempt; None to give up."""
        if not failure.retryable or attempts >= self._policy.attempts:
            return None
        ceiling = min(self._policy.most_seconds, self._policy.base_seconds * 2**waits)
        wait = self._rng.uniform(0.0, ceiling)
        if failure.retry_after_seconds is not None:
            # Jitter on top, or everybody who was told the same comes back together.
            wait = failure.retry_after_seconds + self._rng.uniform(0.0, self._policy.base_seconds)
        return wait if self._clock.monotonic() + wait <= deadline else None


class CircuitBreaker:
    """Keeps callers away from a provider that fails: one for all models of a provider, for one event loop.

    Opens after *failures* in a row within *window_seconds*, and at once when the account is refused. After *open_seconds*
    one caller may try (half open); its success closes the circuit, its failure opens it again.

    Being told to slow down is no failure: the retry layer obeys it.
    """

    def __init__(
        self,
        provider: str,
        *,
        clock: Clock,
        failures: int = 3,
        window_seconds: float = 60.0,
        open_seconds: float = 20.0,
        refused_seconds: float = 300.0,
    ) -> None:
        self.provider = provider
        self._clock = clock
        self._most = failures
        self._window = window_seconds
        self._open_seconds = open_seconds
        self._refused_seconds = refused_seconds
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opens_until: float | None = None
        self._account_refused = False
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are turned away, a single probe apart."""
        return self._opens_until is not None

    def admit(self, model: str) -> bool:
        """Let a call pass; return whether it is the probe.

        Raises:
            CircuitOpen: If the provider is to be left alone, with the seconds that it makes sense to wait.
            AccountRefused: The same after the account was refused; no wait helps.
        """
        if self._opens_until is None:
            return False
        left = self._opens_until - self._clock.monotonic()
        if left > 0 or self._probing:
            kind = AccountRefused if self._account_refused else CircuitOpen
            raise kind(
                f"{self.provider}: circuit open",
                provider=self.provider,
                model=model,
                retry_after_seconds=max(left, 1.0),
            )
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Note that a call came back as it should."""
        if self._opens_until is not None:
            _log.info("provider.circuit_closed", provider=self.provider)
        self._failed_at.clear()
        self._opens_until = None

    def failed(self, error: ProviderError) -> None:
        """Note that a call failed with *error*."""
        now = self._clock.monotonic()
        if isinstance(error, AccountRefused) and error.status != _ONE_MODEL_ONLY:
            self._open(now + self._refused_seconds, error)
        elif isinstance(error, Overloaded | Unreachable | IncompleteReply):
            self._failed_at.append(now)
            often = len(self._failed_at) == self._most and now - self._failed_at[0] <= self._window
            if often or self._probing:
                self._open(now + self._open_seconds, error)

    def probe_ended(self) -> None:
        """Note that the probe is over, whichever way."""
        self._probing = False

    def _open(self, until: float, error: ProviderError) -> None:
        self._opens_until = until
        self._account_refused = isinstance(error, AccountRefused)
        self._failed_at.clear()
        _log.warning("provider.circuit_opened", provider=self.provider, code=error.code, status=error.status)


class BreakingModel:
    """Asks *inner* only while the provider's circuit lets it."""

    def __init__(self, inner: Model, breaker: CircuitBreaker) -> None:
        self._inner = inner
        self._breaker = breaker

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        """See `core.providers.base.Model.complete`."""
        is_probe = self._breaker.admit(request.model)
        try:
            reply = await self._inner.complete(request, listener)
            if reply.stop is StopReason.INCOMPLETE:
                self._breaker.failed(_incomplete(reply))
            else:
                self._breaker.succeeded()
        except ProviderError as error:
            self._breaker.failed(error)
            raise
        finally:
            if is_probe:
                self._breaker.probe_ended()
        return reply


@dataclass(frozen=True, slots=True)
class Link:
    """One model of a chain.

    Attributes:
        model: Who answers.
        model_id: Its id, which replaces the request's.
        provider: Whose it is.
        max_output_tokens: Its own bound.
    """

    model: Model
    model_id: str
    provider: str
    max_output_tokens: int


class FallbackModel:
    """Asks the next model of a chain when the one before cannot answer, as long as nobody has seen any text.

    A model that is gone hands over to the next, whoever's that is; any other failure that another provider might not
    have hands over to the next provider. Refusals, full windows and faults of the request stay where they are.
    """

    def __init__(self, chain: Sequence[Link]) -> None:
        if not chain:
            raise ValueError("a chain needs a model")
        self._chain = tuple(chain)

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        """See `core.providers.base.Model.complete`."""
        watched = _Watched(listener)
        wasted = Usage()
        attempts = 0
        rest = list(self._chain)
        while True:
            link = rest.pop(0)
            try:
                reply = await link.model.complete(_addressed(request, link), watched)
            except ProviderError as error:
                rest = [other for other in rest if isinstance(error, ModelGone) or other.provider != link.provider]
                if not error.falls_back or watched.spoke or not rest:
                    raise _summed(error, wasted, attempts + error.attempts) from error.__cause__
                attempts += error.attempts
                wasted += error.usage
                _log.warning(
                    "model.fell_back",
                    from_model=link.model_id,
                    to_model=rest[0].model_id,
                    code=error.code,
                    **_context(request),
                )
                watched.fell_back(link.model_id, rest[0].model_id, error.code)
            else:
                return replace(reply, attempts=reply.attempts + attempts, wasted=reply.wasted + wasted)


class _Watched:
    """A listener that remembers whether anything was shown; events on the way to a listener that may be None."""

    def __init__(self, inner: Listener | None) -> None:
        self._inner = inner
        self.spoke = False

    def begin(self) -> None:
        self.spoke = False

    def text(self, delta: str) -> None:
        if self._inner is not None:
            self.spoke = True
            self._inner.text(delta)

    def restarted(self, reason: str) -> None:
        if self._inner is not None:
            self._inner.restarted(reason)

    def retrying(self, reason: str, wait_seconds: float) -> None:
        if self._inner is not None:
            self._inner.retrying(reason, wait_seconds)

    def fell_back(self, from_model: str, to_model: str, reason: str) -> None:
        if self._inner is not None:
            self._inner.fell_back(from_model, to_model, reason)


def _incomplete(reply: Reply) -> IncompleteReply:
    return IncompleteReply(
        f"{reply.provider} {reply.model}: the stream ended without its marker",
        provider=reply.provider,
        model=reply.model,
        partial_text=reply.text,
        usage=reply.usage,
    )


def _summed(error: ProviderError, wasted: Usage, attempts: int) -> ProviderError:
    """Return *error* with the usage and the number of all attempts: what they cost the operator."""
    error.usage += wasted
    error.attempts = attempts
    return error


def _addressed(request: Request, link: Link) -> Request:
    return replace(
        request, model=link.model_id, max_output_tokens=min(request.max_output_tokens, link.max_output_tokens)
    )


def _context(request: Request) -> dict[str, str]:
    """Return the labels of a log line; never text."""
    return {key: request.labels[key] for key in ("session", "turn", "role") if key in request.labels}
