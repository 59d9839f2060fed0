"""A model made of rules: for demonstrations, tests and load, without a key and without a cost.

It never passes for a language model: its name, its summaries and its drafts say that they are a rehearsal.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.clock import Clock
from core.providers.base import Listener, Reply, Request, StopReason, Usage
from core.providers.errors import PartialReply
from core.rehearsal.drafts import condense, draft
from core.rehearsal.editor import edit
from core.rehearsal.lead import synthesize
from core.rehearsal.prompt import read_prompt
from core.rehearsal.writer import repair, revise, rewrite

PROVIDER = "rehearsal"
_LETTERS_A_TOKEN = 4
_EMPTY: Mapping[str, object] = {"array": [], "number": 0.0, "object": {}}
_PIECE_SECONDS = 0.08  # as often as the adapters of real models report
_JSON_PHASES = {"edit": edit, "synthesize": synthesize, "revise": revise, "repair": repair}
_TEXT_PHASES = {"draft": draft, "rewrite": rewrite, "condense": condense}


class RehearsalModel:
    """Answers by rules: same request, same reply. See `core.providers.base.Model`.

    Usage is counted, a token for every four characters, all of it uncached: nothing is cached here. Without a *pace* the
    reply comes in one piece.
    """

    def __init__(
        self, *, clock: Clock, pace_tokens_per_second: float | None = None, first_token_seconds: float = 0.0
    ) -> None:
        """Make the model.

        Args:
            clock: What its pace is kept by.
            pace_tokens_per_second: How fast the reply streams, > 0; None for at once.
            first_token_seconds: How long it waits before the first piece.
        """
        self._clock = clock
        self._pace = pace_tokens_per_second
        self._first_token_seconds = first_token_seconds

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        whole = answer(request)
        text = whole[: request.max_output_tokens * _LETTERS_A_TOKEN]
        said = ""
        try:
            if self._first_token_seconds > 0:
                await self._clock.sleep(self._first_token_seconds)
            for piece in self._pieces(text):
                said += piece
                if listener is not None and request.stream:
                    listener.text(piece)
                if self._pace is not None:
                    await self._clock.sleep(_tokens(piece) / self._pace)
        except asyncio.CancelledError as cancelled:
            raise cancelled from PartialReply(said, _usage(request, said))
        return Reply(
            text=text,
            stop=StopReason.COMPLETE if text == whole else StopReason.TRUNCATED,
            usage=_usage(request, text),
            model=request.model,
            provider=PROVIDER,
        )

    def _pieces(self, text: str) -> Iterator[str]:
        size = len(text) if self._pace is None else round(self._pace * _PIECE_SECONDS * _LETTERS_A_TOKEN)
        size = max(1, size)
        return (text[at : at + size] for at in range(0, len(text), size))


def answer(request: Request) -> str:
    """Return what the rehearsal says to *request*: JSON or text, as its phase wants it."""
    phase = request.labels.get("phase", "")
    prompt = read_prompt(request.text, role=request.labels.get("role", ""))
    if phase in _TEXT_PHASES:
        return _TEXT_PHASES[phase](prompt)
    if phase in _JSON_PHASES:
        reply = _JSON_PHASES[phase](prompt)
        return json.dumps(_fitted(reply, request.json_schema or {}), ensure_ascii=False, indent=1)
    return "This is a rehearsal: it edits documents by rules and answers nothing else.\n"


def _fitted(reply: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *reply* with all that an object's *schema* wants: what is not the role's business empty, criteria as a list."""
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    empty = {key: _EMPTY.get(wanted.get("type", ""), "") for key, wanted in properties.items()}
    fitted = {**empty, **reply} if properties else dict(reply)
    if properties.get("criteria", {}).get("type") == "array":
        given = reply.get("criteria", {})
        fitted["criteria"] = [{"key": key, "score": score} for key, score in given.items()]
    return fitted


def _usage(request: Request, text: str) -> Usage:
    asked = len(request.system) + sum(len(segment.text) for segment in request.segments)
    return Usage(input_uncached_tokens=_ceil(asked), output_tokens=_tokens(text))


def _tokens(text: str) -> int:
    return _ceil(len(text))


def _ceil(characters: int) -> int:
    return -(-characters // _LETTERS_A_TOKEN)
