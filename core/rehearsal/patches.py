"""The few letters that a note really changes: its suggestion without what it shares with its quote."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of a block's Markdown: ``text[start:end]`` becomes *words*."""

    start: int
    end: int
    words: str

    def meets(self, other: "Patch") -> bool:
        """Return whether both change the same letters, or insert at the same place."""
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end


def find_patch(text: str, quote: str, suggestion: str) -> Patch | None:
    """Return the change that turns *quote* into *suggestion* in *text*; None without a suggestion or a place for it."""
    at = text.find(quote) if quote and suggestion else -1
    if at < 0 or quote == suggestion:
        return None
    head = _shared(quote, suggestion)
    tail = _shared(quote[head:][::-1], suggestion[head:][::-1])
    return Patch(at + head, at + len(quote) - tail, suggestion[head : len(suggestion) - tail])


def apply_patches(text: str, patches: Iterable[Patch]) -> str:
    """Return *text* with *patches*, none of which meets another."""
    for patch in sorted(patches, key=lambda one: one.start, reverse=True):
        text = text[: patch.start] + patch.words + text[patch.end :]
    return text


def _shared(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
