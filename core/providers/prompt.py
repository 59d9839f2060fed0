"""The user message in blocks, each ending where a cached prefix may end."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.providers.base import Segment

MOST_BREAKS = 4  # Anthropic and OpenAI: four breakpoints a request


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive segments as one text; *ends_prefix* where a cached prefix ends after it."""

    text: str
    ends_prefix: bool


def blocks(segments: Sequence[Segment]) -> tuple[Block, ...]:
    """Return *segments* joined between cache breaks, none empty, with at most four breaks (the last ones).

    Equal leading segments give equal leading blocks, byte for byte: that is what a cache compares.
    """
    joined: list[Block] = []
    pieces: list[str] = []
    for segment in segments:
        pieces.append(segment.text)
        if segment.cache_break:
            _close(joined, pieces, ends_prefix=True)
    _close(joined, pieces, ends_prefix=False)
    surplus = sum(block.ends_prefix for block in joined) - MOST_BREAKS
    return tuple(_thinned(joined, surplus)) if surplus > 0 else tuple(joined)


def _close(joined: list[Block], pieces: list[str], *, ends_prefix: bool) -> None:
    text = "".join(pieces)
    pieces.clear()
    if text:
        joined.append(Block(text, ends_prefix))
    elif ends_prefix and joined:
        joined[-1] = Block(joined[-1].text, ends_prefix=True)


def _thinned(joined: list[Block], surplus: int) -> list[Block]:
    thinned = []
    for block in joined:
        drop = block.ends_prefix and surplus > 0
        surplus -= drop
        thinned.append(Block(block.text, block.ends_prefix and not drop))
    return thinned
