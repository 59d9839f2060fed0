"""What checks find: one fault each, with the passage it is about and, where rules can mend it, the words instead."""

import re
from dataclasses import dataclass
from enum import StrEnum

from core.rehearsal.text import CELL, Passage, Span

_QUOTE_WORDS = 5
_MAX_QUOTE_WORDS = 24  # beyond that a quote is not read; of equal passages the first is then meant
_REACH = 200  # characters beside a fault that its quote may take in
_NEAR = 12  # characters before a fault in which its article stands
_WORDS = re.compile(rf"[^\s{CELL}]+")
_CLOSING = ".,;:!?) \t"  # what belongs to the words before a quote
_VOWEL_SOUND = re.compile(r"^(?:[aeio]|u(?!ni|se|su|ti|til|b[ie]q)|hour|honest|honou?r|heir)(?!u\b)", re.IGNORECASE)


class Kind(StrEnum):
    """The kinds of fault; the value is the label that begins a note's comment and names a step of the plan."""

    DOUBLED = "Doubled word"
    WORDY = "Wordy"
    INTENSIFIER = "Intensifier"
    LONG = "Long sentence"
    PASSIVE = "Passive voice"
    STOCK = "Stock phrase"
    USAGE = "Usage"
    SPELLING = "Two spellings"
    HYPHEN = "Two hyphenations"
    CAPITALS = "Two capitalisations"
    PUNCTUATION = "Punctuation"
    ACRONYM = "Unexplained abbreviation"
    VAGUE = "Vague"
    LENGTHY = "Long paragraph"
    REPEATED = "Said twice"
    PLACEHOLDER = "Placeholder"
    HEADING = "Heading"
    BRIEF = "Not covered"
    UNSOURCED = "No source"
    ATTRIBUTION = "Hidden source"
    ABSOLUTE = "Too strong"
    TOTAL = "Wrong total"
    WEEKDAY = "Wrong weekday"

    @property
    def weight(self) -> float:
        """How much one fault of this kind hurts a reader: 1 is polish, 3 and more misleads."""
        return _WEIGHTS.get(self, 1.0)

    @property
    def severity(self) -> str:
        """The severity of a note about it."""
        return "critical" if self.weight >= 4 else "major" if self.weight >= 2 else "minor"  # noqa: PLR2004 - the scale


_WEIGHTS = {
    Kind.DOUBLED: 2.0,
    Kind.LONG: 2.0,
    Kind.PASSIVE: 0.1,  # one is no fault, many are
    Kind.INTENSIFIER: 0.8,
    Kind.USAGE: 1.5,
    Kind.ACRONYM: 2.0,
    Kind.VAGUE: 0.7,
    Kind.LENGTHY: 2.0,
    Kind.REPEATED: 2.0,
    Kind.PLACEHOLDER: 4.0,
    Kind.BRIEF: 2.0,
    Kind.UNSOURCED: 2.0,
    Kind.ATTRIBUTION: 2.0,
    Kind.ABSOLUTE: 1.0,
    Kind.TOTAL: 4.0,
    Kind.WEEKDAY: 2.0,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: What.
        ref: Block where it stands; empty for the whole document.
        start: Where its core begins in the block's Markdown; orders faults and tells overlaps.
        end: Where its core ends.
        quote: The passage, letter by letter from the Markdown; empty for the whole document.
        comment: Begins with the kind's label.
        suggestion: What should stand instead of the quote; empty where rules cannot say.
    """

    kind: Kind
    ref: str
    start: int
    end: int
    quote: str
    comment: str
    suggestion: str = ""


def fault_at(passage: Passage, span: Span, kind: Kind, says: str, replacement: str | None = None) -> Fault:
    """Return the fault at *span* of *passage*, quoted with as many words around it as make the place unmistakable.

    Args:
        passage: The block.
        span: The core of the fault.
        kind: What is wrong.
        says: The comment after the label.
        replacement: What should stand instead of the core, empty to delete it; None where rules cannot say.
    """
    comment = f"{kind.value}: {says}"
    if replacement is not None and passage.is_plain(span):
        span, replacement = _fitted(passage, span, replacement)
        outer = _outer(passage, span)
        suggestion = passage.markdown[outer.start : span.start] + replacement + passage.markdown[span.end : outer.end]
        quote = passage.markdown[outer.start : outer.end]
        if quote.strip() and suggestion.strip() and quote != suggestion:
            return Fault(kind, passage.ref, span.start, span.end, quote, comment, suggestion)
    outer = _outer(passage, span)
    return Fault(kind, passage.ref, span.start, span.end, passage.markdown[outer.start : outer.end], comment)


def count_of(number: int, noun: str) -> str:
    """Return ``no faults``, ``1 fault``, ``1,200 faults``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"


def like(model: str, word: str) -> str:
    """Return *word* with the capitals of *model*: none, the first letter or all."""
    letters = [character for character in model if character.isalpha()]
    if len(letters) > 1 and all(character.isupper() for character in letters):
        return word.upper()
    if letters and letters[0].isupper():
        return word[:1].upper() + word[1:]
    return word


def _fitted(passage: Passage, span: Span, replacement: str) -> tuple[Span, str]:
    """Return the span and the words for it with the neighbourhood in order: spaces, capitals, "a" and "an"."""
    text = passage.visible
    start, end = span.start, span.end
    starts_sentence = any(sentence.start == start for sentence in passage.sentences)
    if not replacement:
        after = re.compile(r"\s*(\S+)").match(text, end)
        if after is None or not passage.is_plain(Span(start, after.end())):
            return span, replacement
        word = after.group(1)
        end, replacement = after.end(), word[:1].upper() + word[1:] if starts_sentence else word
    elif starts_sentence:
        replacement = replacement[:1].upper() + replacement[1:]
    article = re.compile(r"\b(an?)\s+$", re.IGNORECASE).search(text, max(0, start - _NEAR), start)
    if article is not None and passage.is_plain(Span(article.start(1), end)):
        right = "an" if _VOWEL_SOUND.match(replacement) else "a"
        replacement = like(article.group(1)[0], right) + text[article.end(1) : start] + replacement
        start = article.start(1)
    return Span(start, end), replacement


def _outer(passage: Passage, span: Span) -> Span:
    """Return *span* grown by whole words within its line or cell until it is a few words long and unique in its block."""
    text = passage.markdown
    left, right = _line(passage, span)
    near, far = max(left, span.start - _REACH), min(right, span.end + _REACH)
    words = [match.span() for match in _WORDS.finditer(passage.visible, near, far)]
    if near > left:
        words = words[1:]  # it may begin inside a word
    if far < right:
        words = words[:-1]
    # a marker beside a word is blank in the visible text, so growing over it would quote it: allowed, it stands there
    start, end = span.start, span.end
    before = [word for word in words if word[1] <= start]
    after = [word for word in words if word[0] >= end]
    inside = sum(1 for word in words if word[0] < end and word[1] > start)
    while (before or after) and inside < _MAX_QUOTE_WORDS:
        unique = text.count(text[start:end]) == 1
        if unique and inside >= _QUOTE_WORDS:
            break
        if after:
            end = after.pop(0)[1]
            inside += 1
        if before and not (text.count(text[start:end]) == 1 and inside >= _QUOTE_WORDS):
            start = before.pop()[0]
            inside += 1
    while (
        start < span.start
        and not text[start].isalnum()
        and text[start] in _CLOSING
        and text.count(text[start + 1 : end]) == 1
    ):
        start += 1
    return Span(start, end)


def _line(passage: Passage, span: Span) -> tuple[int, int]:
    """Return the borders of the cell or line that holds *span*."""
    borders = CELL + "\n" if passage.is_table else "\n"
    left = max(passage.visible.rfind(border, 0, span.start) for border in borders) + 1
    ends = [at for border in borders if (at := passage.visible.find(border, span.end)) >= 0]
    return left, min(ends, default=len(passage.visible))
