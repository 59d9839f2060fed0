"""Checks that a quote really stands in the document: a score without evidence is only an opinion."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from core.documents.model import Block, Document, split_ref

_TARGET = re.compile(r"\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")  # of a link or an image
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,9}[.)][ \t]+)", re.MULTILINE
)
_INLINE_MARKS = re.compile(r"[*_`~\\\[\]!]+")
_ADDRESS = re.compile(r"\[p\d+#[0-9a-f]{4}\]\s?")
_GAP = re.compile(r"\s*(?:…|\.\.\.)\s*")
_SAME = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'",  # noqa: RUF001 - what people and models type
        "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "″": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-",  # noqa: RUF001
        "\u00ad": None, "\u200b": None, "\u200c": None, "\u200d": None, "\ufeff": None,
    }
)  # fmt: skip
_MIN_LETTERS = 2


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """Where a quote stands.

    Attributes:
        found: Whether it stands in the document.
        ref: Current ref of the block where it begins; when it was not found, the current ref of the block that was named,
            empty if there is none.
    """

    found: bool
    ref: str


def find_quote(document: Document, ref: str, quote: str) -> QuoteCheck:
    """Return whether *quote* stands in *document*, and where, whichever block *ref* named.

    Differences of case, white space, typographic quotes and dashes, and Markdown markers are overlooked; "..." inside a
    quote may leave something out within one block. Words are never overlooked, and a quote may not begin or end inside
    one. The named block is tried first, then the others nearest to it, then passages that run over block borders.
    """
    named = document.by_id.get(split_ref(ref)[0])
    wanted = [piece for piece in _GAP.split(_plain(quote).strip("\"' ")) if piece]
    if sum(character.isalnum() for piece in wanted for character in piece) < _MIN_LETTERS:
        return QuoteCheck(found=False, ref=named.ref if named else "")
    for block in _nearest_first(document, named):
        if _stands(wanted, _plain(block.markdown)):
            return QuoteCheck(found=True, ref=block.ref)
    crossing = _crossing(document, " ".join(wanted))
    if crossing is not None:
        return QuoteCheck(found=True, ref=crossing.ref)
    return QuoteCheck(found=False, ref=named.ref if named else "")


def _nearest_first(document: Document, named: Block | None) -> list[Block]:
    if named is None:
        return list(document.blocks)
    home = document.blocks.index(named)
    order = sorted(range(len(document.blocks)), key=lambda position: (abs(position - home), position))
    return [document.blocks[position] for position in order]


def _stands(pieces: list[str], text: str) -> bool:
    start = 0
    for piece in pieces:
        at = _find_words(text, piece, start)
        if at < 0:
            return False
        start = at + len(piece)
    return True


def _find_words(text: str, piece: str, start: int) -> int:
    """Return where *piece* stands in *text* without cutting a word at either end, -1 if nowhere."""
    at = text.find(piece, start)
    while at >= 0:
        end = at + len(piece)
        if not (at > 0 and _joined(text[at - 1], piece[0])) and not (end < len(text) and _joined(piece[-1], text[end])):
            return at
        at = text.find(piece, at + 1)
    return -1


def _joined(left: str, right: str) -> bool:
    """Return whether two neighbouring characters belong to one word; scripts without spaces have no such border."""
    return left.isalnum() and right.isalnum() and max(left, right) < "\u2e80"


def _crossing(document: Document, wanted: str) -> Block | None:
    starts: list[tuple[int, Block]] = []
    parts: list[str] = []
    length = 0
    for block in document.blocks:
        text = _plain(block.markdown)
        starts.append((length, block))
        parts.append(text)
        length += len(text) + 1
    at = _find_words(" ".join(parts), wanted, 0)
    if at < 0:
        return None
    return next(block for start, block in reversed(starts) if start <= at)


@lru_cache(maxsize=4096)
def _plain(markdown: str) -> str:
    """Return the words of a piece of Markdown in the form in which quotes are compared."""
    text = _ADDRESS.sub("", markdown)
    text = _TARGET.sub("", text)
    text = _LINE_MARKS.sub("", text)
    text = _INLINE_MARKS.sub("", text).replace("|", " ")
    return " ".join(unicodedata.normalize("NFKC", text.translate(_SAME)).casefold().split())
