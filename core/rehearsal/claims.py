"""Checks of what a text claims: sources of numbers, hidden sources, words stronger than evidence."""

import re
from collections.abc import Iterator
from functools import cache

from core.rehearsal.faults import Fault, Kind, fault_at
from core.rehearsal.lists import word_list
from core.rehearsal.text import Passage, Span

_FIGURE = re.compile(
    r"\b\d[\d.,]*\s?(?:%|percent\b|per cent\b)|\b\d[\d.,]*\s(?:times|million|billion)\b|\b(?:twice|three times|four times) as\b",
    re.IGNORECASE,
)
_SOURCED = re.compile(
    r"according to|source|survey of|surveyed|report(?:ed)? by|census|audit|measured|our own (?:figures|count|records)|"
    r"\((?:[A-Z][\w.&]+(?: [A-Z&][\w.&]*)*,? )?(?:19|20)\d\d\)|see (?:table|figure|appendix)",
    re.IGNORECASE,
)
_MARKED = re.compile(r"\[\^|\]\(|https?://|\[\d+\]")
# Targets, offers and prices are decisions of the text, not claims about the world.
_DECIDED = re.compile(
    r"\b(?:will|shall|propose|target|aim|goal|budget|deposit|discount|by (?:the end of )?20\d\d)\b", re.IGNORECASE
)


def unsourced_numbers(passage: Passage) -> Iterator[Fault]:
    """Find percentages, multiples and millions with neither a source before them nor a note or link in their block."""
    if not passage.is_prose or _MARKED.search(passage.markdown):
        return
    for sentence in passage.sentences:
        text = passage.visible[sentence.start : sentence.end]
        match = _FIGURE.search(text)
        if match is None or _DECIDED.search(text) or _SOURCED.search(passage.visible, 0, sentence.end):
            continue
        span = Span(sentence.start + match.start(), sentence.start + match.end())
        yield fault_at(passage, span, Kind.UNSOURCED, f"where does “{match.group().strip()}” come from?")


def hidden_sources(passage: Passage) -> Iterator[Fault]:
    """Find claims that lean on somebody who is not named."""
    if _MARKED.search(passage.markdown):
        return
    for match in _pattern("attributions").finditer(passage.visible):
        says = f"“{match.group()}” names nobody whom the reader could ask."
        yield fault_at(passage, Span(*match.span()), Kind.ATTRIBUTION, says)


def absolutes(passage: Passage) -> Iterator[Fault]:
    """Find words that promise more than anybody can hold."""
    for match in _pattern("absolutes").finditer(passage.visible):
        says = f"“{match.group()}” claims more than the text shows."
        yield fault_at(passage, Span(*match.span()), Kind.ABSOLUTE, says)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in sorted(word_list(name), key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)
