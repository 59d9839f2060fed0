"""A vendor beside the whole program: Anthropic's own interface on this machine, behind it a room that answers by script."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from core.providers.base import Request, Segment
from core.providers.catalogue import Catalogue
from tests.fakes.model import blocks_of, notes_of
from tests.fakes.model_peer import ModelPeer, texts_of
from tests.waiting import until

DRAFT = "# Bright lights\n\nFirst paragraph of the note.\n\nSecond paragraph of the note."
_ALL = 100_000


@dataclass
class Vendor:
    """What the models say.

    Attributes:
        peer: The server: who is down, which prompts wait, what was asked.
        draft: What the Writer writes from a brief.
        comment: What every editor has to say of the last paragraph.
        summary: What everybody says of their own work.
    """

    peer: ModelPeer
    draft: str = DRAFT
    comment: str = "Say more."
    summary: str = "Fine."
    questions: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a program whose only vendor this is."""
        return {"anthropic_api_key": "key", "anthropic_base_url": self.peer.base_url("anthropic")}

    def prompts(self, words: str = "") -> list[str]:
        """Return what was asked, oldest first, where it holds *words*."""
        asked = ["".join(texts_of(body)) for body in self.peer.requests]
        return [prompt for prompt in asked if words in prompt]

    async def asked(self, words: str) -> None:
        """Return as soon as somebody was asked with *words*."""

        async def was_asked() -> bool:
            return bool(self.prompts(words))

        await until(was_asked)

    def hold(self, *words: str) -> None:
        """Let every prompt that holds one of *words* wait from now on, until `release`."""
        self.peer.released.clear()
        self.peer.holds = lambda prompt: any(word in prompt for word in words)

    def dole_out(self, *words: str) -> None:
        """Let every answer to a prompt that holds one of *words* come as `give` says from now on, until `release`."""
        self.peer.permits = asyncio.Semaphore(0)
        self.peer.doles = lambda prompt: any(word in prompt for word in words)

    def give(self, events: int) -> None:
        """Let so many more events come: a few words each."""
        for _ in range(events):
            self.peer.permits.release()

    def release(self) -> None:
        """Let what waits go on."""
        self.peer.holds = self.peer.doles = None
        self.peer.released.set()
        self.give(_ALL)

    def reset(self) -> None:
        """Say again what was said at first, hold nothing, and be there."""
        self.release()
        self.peer.down.clear()
        self.draft, self.comment, self.summary, self.questions = DRAFT, "Say more.", "Fine.", []

    def answer(self, prompt: str) -> str:
        """Return what a prompt is answered with: each role takes of the one schema what is its own."""
        request = Request("", "", (Segment(prompt),), 1)
        blocks = blocks_of(request)
        if not blocks:
            return self.draft
        ref, text = blocks[-1]
        note = {"block": ref, "quote": text[:12], "comment": self.comment, "suggestion": "", "severity": "major"}
        return json.dumps(
            {
                "notes": [note],
                "earlier": [],
                "edits": [{"op": "replace", "block": ref, "text": f"{text} More.", "notes": []}],
                "answers": [{"note": one["id"], "fate": "declined", "reason": "Later."} for one in notes_of(request)],
                "plan": [{"step": "Say more.", "notes": []}],
                "decline": [],
                "questions": self.questions,
                "criteria": [],
                "score": 6.0,
                "summary": self.summary,
                "self_assessment": "",
            }
        )


@asynccontextmanager
async def local_vendor() -> AsyncIterator[Vendor]:
    """Open the vendor's server."""
    peer = ModelPeer(Catalogue.load())
    await peer.start()
    vendor = Vendor(peer)
    peer.answer = vendor.answer
    try:
        yield vendor
    finally:
        vendor.release()
        await peer.stop()
