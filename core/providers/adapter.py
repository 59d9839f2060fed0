"""What the adapters of all vendors share: reading a stream, watching it, counting what is not reported, failing.

A vendor's adapter says four things: how to send a request, what an event means, what a whole body means and what an
error means. Everything else happens here, once.
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import httpx2
import orjson

from core.clock import Clock
from core.providers.base import Effort, Listener, Reply, Request, StopReason, Usage
from core.providers.catalogue import Catalogue, ModelSpec, Thinking
from core.providers.errors import PartialReply, ProviderError, Unreachable
from core.providers.limits import Limits
from core.providers.sse import SseDecoder, event_data
from core.providers.stencil import Stencil
from core.providers.tokens import estimate_request_tokens, estimate_tokens
from core.providers.transport import StreamEnd, ssl_context, stream_end

_EVENTS_A_TURN_OF_THE_LOOP = 256  # about 2 ms of parsing, so that one full buffer does not hold up 300 other streams

_STENCIL_TRIES = 16  # events of a stream to look for a stencil in: some providers make no two alike
_NOT_THE_PROTOCOL = (ValueError, KeyError, TypeError, AttributeError, IndexError)


class Draft:
    """What has arrived of one reply."""

    __slots__ = (
        "_heard",
        "_listener",
        "_pieces",
        "finished",
        "moved",
        "opened",
        "raw_usage",
        "reported",
        "request",
        "stop",
        "usage",
    )

    def __init__(self, request: Request, listener: Listener | None) -> None:
        self.request = request
        self._listener = listener
        self._pieces: list[str] = []
        self._heard = 0
        self.stop: StopReason | None = None
        self.usage = Usage()
        self.raw_usage: dict[str, Any] = {}
        """The provider's own numbers, where they come in pieces."""
        self.reported = False
        """True once *usage* is the provider's final count."""
        self.opened = False
        """True once the provider accepted the request."""
        self.finished = False
        """True once nothing more will come."""
        self.moved = False
        """True if a token came since the watchdog last looked."""

    @property
    def text(self) -> str:
        """All visible text."""
        return "".join(self._pieces)

    @property
    def began(self) -> bool:
        """Whether any visible text has come."""
        return bool(self._pieces)

    @property
    def pieces(self) -> int:
        """How many pieces the visible text came in."""
        return len(self._pieces)

    @property
    def only_said(self) -> str | None:
        """The visible text, if it came in one piece and nothing else came; None otherwise."""
        untouched = self.stop is None and self.usage == Usage() and not self.raw_usage
        alone = untouched and not (self.reported or self.opened or self.finished)
        return self._pieces[0] if alone and len(self._pieces) == 1 else None

    @property
    def last_said(self) -> str:
        """The piece of visible text that came last."""
        return self._pieces[-1]

    def say(self, text: str) -> None:
        """Add visible text."""
        if text:
            self._pieces.append(text)
            self.moved = True

    def flush(self) -> None:
        """Give the listener what it has not heard."""
        if self._listener is not None and self._heard < len(self._pieces):
            delta = "".join(self._pieces[self._heard :])
            self._heard = len(self._pieces)
            self._listener.text(delta)


class Adapter(ABC):
    """A `core.providers.base.Model` for every model of one vendor.

    Args:
        catalogue: Says what each model takes.
        api_key: The operator's key.
        base_url: Another address than the vendor's own.
        clock: Tells the date of a ``Retry-After``.
        limits: How long to wait.
    """

    provider: ClassVar[str]

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        api_key: str,
        base_url: str | None = None,
        clock: Clock,
        limits: Limits | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._limits = limits or Limits()
        self._connect(api_key, base_url)

    @classmethod
    def prepare(cls) -> None:
        """Do what the first call would do for a large part of a second; may run in a thread."""
        ssl_context()

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        """See `core.providers.base.Model.complete`."""
        spec = self._catalogue.get(request.model)
        draft = Draft(request, listener)
        try:
            await self._call(spec, request, draft)
        except asyncio.CancelledError as cancelled:
            draft.flush()
            raise cancelled from PartialReply(draft.text, self._used(draft), model=spec.id)
        except Exception as error:
            draft.flush()
            if draft.stop is None:
                raise self._failure(error, spec, draft) from error
        return Reply(
            text=draft.text,
            stop=draft.stop or StopReason.INCOMPLETE,
            usage=self._used(draft),
            model=spec.id,
            provider=self.provider,
            estimated=not draft.reported,
        )

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connections."""

    @abstractmethod
    def _connect(self, api_key: str, base_url: str | None) -> None:
        """Make the SDK's client, its own retries off."""

    @abstractmethod
    async def _send(self, spec: ModelSpec, request: Request) -> httpx2.Response:
        """Return the provider's answer with its body unread; raise the SDK's exception for a refusal."""

    @abstractmethod
    def _take_event(self, event: dict[str, Any], draft: Draft) -> None:
        """Add one event of a stream to *draft*; raise a `Fault` for an error event."""

    @abstractmethod
    def _take_body(self, body: dict[str, Any], draft: Draft) -> None:
        """Add a whole reply to *draft*; raise a `Fault` for an error."""

    @abstractmethod
    def _fault(self, error: Exception) -> "Fault":
        """Return what an SDK's exception means."""

    async def _call(self, spec: ModelSpec, request: Request, draft: Draft) -> None:
        try:
            async with asyncio.timeout(self._patience(spec, request)) as watchdog:
                response = await self._send(spec, request)
                try:
                    draft.opened = True
                    if request.stream and "event-stream" in response.headers.get("content-type", "event-stream"):
                        await self._read(response, draft, watchdog)
                    else:
                        await self._read_whole(response, draft)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise Fault(Unreachable, "stalled") from error

    async def _read(self, response: httpx2.Response, draft: Draft, watchdog: asyncio.Timeout) -> None:
        decoder = SseDecoder()
        end = stream_end(response)
        stencil: Stencil | None = None
        parsed = 0
        async with aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                for event in decoder.split(chunk):
                    if stencil is not None and (text := stencil.text(event)) is not None:
                        draft.say(text)
                        continue
                    stencil = self._take(event, draft, learns=parsed < _STENCIL_TRIES) or stencil
                    parsed += 1
                    if parsed % _EVENTS_A_TURN_OF_THE_LOOP == 0:
                        await asyncio.sleep(0)
                if await self._look(draft, end, watchdog):
                    return
        for data in decoder.close():
            self._take_rest(data, draft)
        draft.flush()

    def _take(self, event: bytes, draft: Draft, *, learns: bool) -> Stencil | None:
        """Add one event to *draft*; return what reads others of its kind, if asked and where that can be told."""
        data = event_data(event)
        if data == b"[DONE]":
            draft.finished = True
        elif data:
            before = draft.pieces
            self._take_event(orjson.loads(data), draft)
            if learns and draft.pieces == before + 1:
                return Stencil.cut(event, draft.last_said, partial(self._only_said, draft.request))
        return None

    def _only_said(self, request: Request, event: bytes) -> str | None:
        """Return what *event* says, None if it does anything else."""
        draft = Draft(request, None)
        try:
            self._take_event(orjson.loads(event_data(event)), draft)
        except (Fault, *_NOT_THE_PROTOCOL):
            return None
        return draft.only_said

    async def _look(self, draft: Draft, end: StreamEnd, watchdog: asyncio.Timeout) -> bool:
        """Show what came, feed the watchdog, let more gather; return whether the reply is over."""
        draft.flush()
        if draft.moved:
            draft.moved = False
            watchdog.reschedule(asyncio.get_running_loop().time() + self._limits.idle_seconds)
        if draft.began or draft.finished:
            # After the last event the end is awaited as well: only a body read to its end frees the connection.
            await end.rest(self._limits.pace_seconds)
        return draft.finished

    async def _read_whole(self, response: httpx2.Response, draft: Draft) -> None:
        """Take a body that is no stream: asked for, or from a server that ignores the wish for one."""
        body = orjson.loads(await response.aread())
        if not isinstance(body, dict):
            raise Fault(Unreachable, "not the provider's protocol")
        self._take_body(body, draft)
        draft.flush()

    def _take_rest(self, data: bytes, draft: Draft) -> None:
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            return  # cut in the middle of an event: the missing marker says so
        self._take_event(event, draft)

    def _patience(self, spec: ModelSpec, request: Request) -> float:
        if not request.stream:
            return self._limits.whole_reply_seconds
        silent = spec.thinking is Thinking.ALWAYS or (
            spec.thinking is not Thinking.NONE and request.effort is not Effort.NONE
        )
        return self._limits.thinking_seconds if silent else self._limits.first_token_seconds

    def _used(self, draft: Draft) -> Usage:
        """Return what will be billed: reported, or counted here where the provider had no chance to say."""
        if draft.reported:
            return draft.usage
        if not draft.opened:
            return Usage()
        usage = draft.usage
        if usage.input_tokens == 0:
            usage = replace(usage, input_uncached_tokens=estimate_request_tokens(draft.request))
        return replace(usage, output_tokens=max(usage.output_tokens, estimate_tokens(draft.text)))

    def _failure(self, error: Exception, spec: ModelSpec, draft: Draft) -> ProviderError:
        fault = error if isinstance(error, Fault) else self._meaning(error)
        return fault.kind(
            f"{self.provider} {spec.id}: {fault.reason}",
            provider=self.provider,
            model=spec.id,
            status=fault.status,
            retry_after_seconds=fault.retry_after_seconds,
            partial_text=draft.text,
            usage=self._used(draft),
        )

    def _meaning(self, error: Exception) -> "Fault":
        if isinstance(error, httpx2.HTTPError):
            return Fault(Unreachable, type(error).__name__)
        if isinstance(error, _NOT_THE_PROTOCOL):
            return Fault(Unreachable, "not the provider's protocol")
        return self._fault(error)


class Fault(Exception):
    """What went wrong, before it is known what had arrived until then; never leaves the adapter.

    Attributes:
        kind: The error that people get.
        reason: Machine-readable words; never text of a prompt or a reply.
        status: HTTP status, None where there was none.
        retry_after_seconds: What the provider asked for.
    """

    def __init__(
        self,
        kind: type[ProviderError],
        reason: str,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.status = status
        self.retry_after_seconds = retry_after_seconds
