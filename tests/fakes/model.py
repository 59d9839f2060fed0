"""A model that answers by script."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from core.documents.model import split_marked
from core.providers.base import Listener, Reply, Request, Segment, StopReason, Usage
from core.providers.errors import PartialReply

Script = Callable[[Request], "str | Reply | BaseException"]


@dataclass
class ScriptedModel:
    """See `core.providers.base.Model`.

    Attributes:
        script: Says what a request is answered with; an exception is raised.
        requests: Every request, in order.
        gate: When set, every call waits for it after its first text: how a test catches turns in flight.
        usage: What every reply used.
    """

    script: Script
    requests: list[Request] = field(default_factory=list)
    gate: asyncio.Event | None = None
    usage: Usage = field(default_factory=lambda: Usage(input_uncached_tokens=400, output_tokens=80))
    waiting: int = 0

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        self.requests.append(request)
        answer = self.script(request)
        if isinstance(answer, BaseException):
            raise answer
        reply = (
            answer
            if isinstance(answer, Reply)
            else Reply(answer, StopReason.COMPLETE, self.usage, request.model, "scripted")
        )
        if listener is not None and reply.text:
            listener.text(reply.text[: len(reply.text) // 2 or 1])
        if self.gate is not None:
            self.waiting += 1
            try:
                await self.gate.wait()
            except asyncio.CancelledError as error:
                raise error from PartialReply(reply.text[:10], Usage(input_uncached_tokens=1_000, output_tokens=5))
            finally:
                self.waiting -= 1
        if listener is not None and len(reply.text) > 1:
            listener.text(reply.text[len(reply.text) // 2 :])
        return reply

    def phases(self) -> list[tuple[str, str, str]]:
        """Return ``(round, role, phase)`` of every request, in order."""
        return [(item.labels["round"], item.labels["role"], item.labels["phase"]) for item in self.requests]


def blocks_of(request: Request) -> list[tuple[str, str]]:
    """Return ``(ref, markdown)`` of the document in a request."""
    _, _, rest = request.text.partition("<document")
    return split_marked(rest.partition("</document>")[0])


def notes_of(request: Request) -> list[dict[str, str]]:
    """Return the notes in a request."""
    _, _, rest = request.text.partition("<notes>\n")
    found: list[dict[str, str]] = json.loads(rest.partition("\n</notes>")[0]) if rest else []
    return found


def helpful(scores: dict[int, float]) -> Script:
    """Return a script of a room that works: each editor notes the first paragraph, the Writer mends it.

    Args:
        scores: What editors and Synthesizer give, by round.
    """

    def script(request: Request) -> str:
        number, role, phase = int(request.labels["round"]), request.labels["role"], request.labels["phase"]
        if phase == "draft":
            return "# Title\n\nFirst paragraph of the draft.\n\nSecond paragraph."
        blocks = blocks_of(request)
        if phase == "edit":
            ref, text = blocks[-1]
            return json.dumps(
                {
                    "notes": [
                        {
                            "block": ref,
                            "quote": text[:20],
                            "comment": f"{role} r{number}",
                            "suggestion": "",
                            "severity": "major",
                        }
                    ],
                    "earlier": [
                        {"note": note["id"], "fate": "applied", "reason": "done"} for note in notes_of(request)
                    ],
                    "criteria": [],
                    "score": scores[number],
                    "summary": f"{role} says",
                    "self_assessment": "sure",
                }
            )
        if phase == "synthesize":
            return json.dumps({"plan": [{"step": "Mend it.", "notes": []}], "score": scores[number], "summary": "ok"})
        notes = [note["id"] for note in notes_of(request)]
        ref, text = blocks[-1]
        return json.dumps(
            {
                "edits": [{"op": "replace", "block": ref, "text": f"{text} r{number}", "notes": notes[:-1]}],
                "answers": [{"note": note, "fate": "declined", "reason": "not now"} for note in notes[-1:]],
                "summary": "mended",
            }
        )

    return script


def whoever_asks(prompt: str) -> str:
    """Return an answer to any role's prompt: the schema is one for all, and each takes what is its own."""
    request = Request("", "", (Segment(prompt),), 1)
    ref, text = blocks_of(request)[-1]
    return json.dumps(
        {
            "notes": [
                {"block": ref, "quote": text[:12], "comment": "Say more.", "suggestion": "", "severity": "major"}
            ],
            "earlier": [],
            "edits": [{"op": "replace", "block": ref, "text": f"{text} More.", "notes": []}],
            "answers": [{"note": note["id"], "fate": "declined", "reason": "Later."} for note in notes_of(request)],
            "plan": [{"step": "Say more.", "notes": []}],
            "decline": [],
            "questions": [],
            "criteria": [],
            "score": 6.0,
            "summary": "Fine.",
            "self_assessment": "",
        }
    )
