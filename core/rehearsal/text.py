"""A document as checks need it: visible characters at their place in the Markdown, sentences, words, syllables."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Any

from core.documents.model import split_ref
from core.rehearsal.lists import word_list

CELL = "¦"  # stands for a table's pipe: neither a space nor a word, so that nothing is found across cells

_MASKED = re.compile(
    r"`[^`\n]*`"  # code
    r"|!\[[^\]]*\]\([^)]*\)"  # images
    r"|\]\([^)]*\)"  # the target of a link
    r"|\[\^[^\]]+\]:?"  # footnote marks
    r"|<[^>\n]{1,200}>"  # autolinks and tags
    r"|https?://\S+|\b\S+@\S+\.\w+"
)
_PREFIX = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,9}[.)][ \t]+)", re.MULTILINE)
_MARKERS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|~~|[\[\]]|\\(?=[^\w\s])")
_RULED = re.compile(r"^[|\s:\-]+$", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*")
_END = re.compile(r"[.!?…]+[\"')\u201d\u2019]*(?=\s+[\"'(\u201c\u2018]?[^\W\d_]|\s+\d|\s*$)|[。！？]")  # noqa: RUF001 - full-width marks
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|vs|No|Fig|Inc|Ltd|Co|approx|ca|cf|e\.g|i\.e|bzw|z\.B|Nr)|\b[A-Z])\.$"
)
_ENGLISH_SHARE = 0.15
_VOWELS = re.compile(r"[aeiouy]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a passage, ``text[start:end]``."""

    start: int
    end: int


@dataclass(frozen=True)
class Passage:
    """One block, ready to be checked.

    Attributes:
        ref: Its address.
        markdown: Its Markdown.
        visible: The same number of characters: markers, code, link targets and numbers of lists are spaces, pipes of
            tables are `CELL`.
    """

    ref: str
    markdown: str
    visible: str

    @property
    def id(self) -> str:
        """``p12``."""
        return split_ref(self.ref)[0]

    @property
    def heading_level(self) -> int:
        """1 to 6; 0 for what is no heading."""
        match = re.match(r"(#{1,6}) ", self.markdown)
        return len(match.group(1)) if match else 0

    @property
    def is_table(self) -> bool:
        """Whether it is a pipe table."""
        return self.markdown.startswith("|")

    @property
    def is_list_item(self) -> bool:
        """Whether it is an item of a list."""
        return re.match(r"\s*(?:[-*+]|\d{1,9}[.)])\s", self.markdown) is not None

    @property
    def is_quotation(self) -> bool:
        """Whether it holds somebody else's words."""
        return self.markdown.startswith(">")

    @property
    def is_prose(self) -> bool:
        """Whether it consists of sentences: neither heading nor table nor code nor a picture."""
        return bool(self.visible.strip()) and not self.heading_level and not self.is_table

    @cached_property
    def words(self) -> tuple[Span, ...]:
        """Its words, without numbers."""
        return tuple(Span(match.start(), match.end()) for match in _WORD.finditer(self.visible))

    @cached_property
    def sentences(self) -> tuple[Span, ...]:
        """Its sentences, without the white space around them. A cell of a table is a sentence."""
        spans: list[Span] = []
        for start, end in _cells(self.visible):
            at = start
            for match in _END.finditer(self.visible, start, end):
                if not _ABBREVIATION.search(self.visible, at, match.end()):
                    spans.append(_trimmed(self.visible, at, match.end()))
                    at = match.end()
            spans.append(_trimmed(self.visible, at, end))
        return tuple(span for span in spans if span.end > span.start)

    def words_in(self, span: Span) -> int:
        """Return how many words *span* has."""
        return bisect_left(self._starts, span.end) - bisect_left(self._starts, span.start)

    @cached_property
    def _starts(self) -> list[int]:
        return [word.start for word in self.words]

    def is_plain(self, span: Span) -> bool:
        """Return whether *span* holds no Markdown marker, so that it can be replaced letter by letter."""
        return self.markdown[span.start : span.end] == self.visible[span.start : span.end]


def to_passage(ref: str, markdown: str) -> Passage:
    """Return the block *ref* ready to be checked."""
    if markdown.lstrip().startswith(("```", "~~~")):
        return Passage(ref, markdown, " " * len(markdown))
    visible = markdown
    if markdown.startswith("|"):
        visible = _RULED.sub(_blank, visible).replace("|", CELL)
    for pattern in (_PREFIX, _MASKED, _MARKERS):
        visible = pattern.sub(_blank, visible)
    return Passage(ref, markdown, visible)


def is_english(passages: Iterable[Passage]) -> bool:
    """Return whether the text is English, by its share of function words; a text without words is not."""
    known = word_list("function_words")
    words = [passage.visible[word.start : word.end].lower() for passage in passages for word in passage.words]
    return bool(words) and sum(word in known for word in words) / len(words) >= _ENGLISH_SHARE


def flesch(passages: Iterable[Passage]) -> float | None:
    """Return Flesch's reading ease of the prose, about 0 (hard) to 100 (easy); None for fewer than 30 words.

    Flesch 1948: 206.835 - 1.015 words a sentence - 84.6 syllables a word.
    """
    words = sentences = syllables = 0
    for passage in passages:
        if not passage.is_prose or passage.is_list_item:
            continue
        sentences += sum(passage.words_in(span) > 0 for span in passage.sentences)
        words += len(passage.words)
        syllables += sum(count_syllables(passage.visible[word.start : word.end].lower()) for word in passage.words)
    if words < 30 or not sentences:  # noqa: PLR2004 - below that one long word decides
        return None
    return 206.835 - 1.015 * words / sentences - 84.6 * syllables / words


@lru_cache(maxsize=20_000)
def count_syllables(word: str) -> int:
    """Return about how many syllables an English word has, at least 1.

    A hyphenation pattern never divides one letter from a word and not every syllable border is a break, so the higher of
    its count and of the vowel groups without a silent e counts.
    """
    groups = len(_VOWELS.findall(word))
    if groups > 1 and re.search(r"[^aeiouyl]e$|[^aeiouytd]ed$", word):
        groups -= 1
    return max(1, groups, len(_hyphenator().positions(word)) + 1)


@cache
def _hyphenator() -> Any:
    import pyphen  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.13 s, and only the rehearsal needs it

    return pyphen.Pyphen(lang="en_US")


def _cells(visible: str) -> Iterable[tuple[int, int]]:
    if CELL not in visible:
        return [(0, len(visible))]
    borders = [-1, *(match.start() for match in re.finditer(rf"{CELL}|\n", visible)), len(visible)]
    return [(left + 1, right) for left, right in pairwise(borders)]


def _trimmed(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end)


def _blank(match: re.Match[str]) -> str:
    """Return spaces for what is no text; line breaks stay."""
    return re.sub(r"[^\n]", " ", match.group())
