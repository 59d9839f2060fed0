"""One shape for every model: a request in segments, a reply with one usage and one stop reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class StopReason(StrEnum):
    """Why a reply ended. Only COMPLETE may be taken for a document."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    CONTEXT_FULL = "context_full"
    INCOMPLETE = "incomplete"


class Effort(StrEnum):
    """How much a model may think before it answers; mapped by each adapter to what its model knows."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class CacheLife(StrEnum):
    """How long a provider should keep a cached prefix, where it lets us say so."""

    SHORT = "5m"
    LONG = "1h"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, the same six numbers for every provider; no number contains another, except the last.

    Attributes:
        input_uncached_tokens: Input billed at the full price.
        cache_read_tokens: Input read from a cache.
        cache_write_5m_tokens: Input written to a cache that lives minutes.
        cache_write_1h_tokens: Input written to a cache that lives an hour.
        output_tokens: Everything that is billed as output, reasoning included.
        reasoning_tokens: The part of *output_tokens* that was reasoning.
    """

    input_uncached_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def input_tokens(self) -> int:
        """All input, cached or not."""
        return (
            self.input_uncached_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_uncached_tokens + other.input_uncached_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_5m_tokens + other.cache_write_5m_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.output_tokens + other.output_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the prompt, in order.

    Attributes:
        text: The text.
        cache_break: True where a cached prefix should end after this piece.
    """

    text: str
    cache_break: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked.

    Attributes:
        model: Model id of the catalogue.
        system: The common rules, equal for all roles of a session (part of the cached prefix).
        segments: The user message in order; equal leading segments share a cache.
        max_output_tokens: Upper bound of the output, reasoning included.
        json_schema: The schema of the reply; None for free text.
        effort: How much the model may think.
        stream: False asks for the whole reply at once.
        cache_key: Groups requests that share a prefix (the session's id).
        cache_life: How long a cached prefix should live.
        labels: Facts about the call for logs, metrics and the rehearsal model: ``session``, ``turn``, ``round``,
            ``role`` (the role's key), ``phase`` (``draft``, ``revise``, ``edit``, ``synthesize``, ``repair``,
            ``condense``). Never sent to a provider.
    """

    model: str
    system: str
    segments: tuple[Segment, ...]
    max_output_tokens: int
    json_schema: Mapping[str, Any] | None = None
    effort: Effort = Effort.LOW
    stream: bool = True
    cache_key: str = ""
    cache_life: CacheLife = CacheLife.SHORT
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole user message."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered.

    Attributes:
        text: The visible text; may be partial unless *stop* is COMPLETE.
        stop: Why it ended.
        usage: Tokens to bill.
        model: Id of the model that answered (a fallback may have).
        provider: ``anthropic``, ``google``, ``openai`` or ``rehearsal``.
        estimated: True when the provider did not report usage and it was counted here.
        attempts: Calls that were made, the successful one included, >= 1.
        wasted: Usage of attempts that broke off: the operator's cost, never the workspace's.
    """

    text: str
    stop: StopReason
    usage: Usage
    model: str
    provider: str
    estimated: bool = False
    attempts: int = 1
    wasted: Usage = field(default_factory=Usage)


class Listener(Protocol):
    """Hears a reply while it streams. Methods are called on the loop, must not block and must not raise."""

    def text(self, delta: str) -> None:
        """Take the next piece of visible text, batched by time (50 to 100 ms), never empty."""
        ...

    def restarted(self, reason: str) -> None:
        """Forget the text so far: the call broke off (*reason* is an error's code) and starts afresh."""
        ...

    def retrying(self, reason: str, wait_seconds: float) -> None:
        """Note that the call failed (*reason* is an error's code) and the same model is asked again after a wait."""
        ...

    def fell_back(self, from_model: str, to_model: str, reason: str) -> None:
        """Note that another model answers; only ever before the first text."""
        ...


class Model(Protocol):
    """Answers requests. Policy (retry, fallback, breaker) wraps a Model and is a Model itself."""

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        """Return the reply to *request*.

        A stream that ended without its terminal marker returns ``StopReason.INCOMPLETE``, never a success.

        Args:
            request: The question; ``request.stream`` says whether *listener* can hear pieces.
            listener: Hears the text while it arrives.

        Raises:
            ProviderError: Everything that went wrong, as one of `core.providers.errors`.
            asyncio.CancelledError: When the caller stops; what was used until then is in the
                `core.providers.errors.PartialReply` that the adapter attaches as its ``__cause__`` where it knows it.
        """
        ...
