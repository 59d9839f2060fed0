"""What changed in a paragraph, word by word: pure, shared by every way of laying a new text on an old Word file."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final

from core.documents.writers.flow import Span, merged

ATOM: Final = "\ufffc"
"""Stands for what is no text: a footnote reference, a picture, a formula."""

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of the old text and what stands in its place.

    Attributes:
        start, end: Offsets in `text_of` of the old spans; equal for an insertion.
        spans: The new text, empty for a deletion.
    """

    start: int
    end: int
    spans: tuple[Span, ...]


def text_of(spans: Sequence[Span]) -> str:
    """Return the text of *spans*, with `ATOM` for every footnote reference and picture."""
    return "".join(ATOM if span.is_atom else span.text for span in spans)


def formats_of(spans: Sequence[Span]) -> list[Span]:
    """Return the format of every character of `text_of`, as a span with the text left out (kept for an atom)."""
    formats: list[Span] = []
    for span in spans:
        bare = span if span.is_atom else replace(span, text="")
        formats += [bare] * (1 if span.is_atom else len(span.text))
    return formats


def changes(old: Sequence[Span], new: Sequence[Span], *, phrases: bool = False) -> list[Change]:
    """Return what turns *old* into *new*, left to right, never overlapping.

    Words, punctuation and white space are compared together with their format, so that a word that only became bold
    is a change.

    Args:
        old: The text as it stands.
        new: The text as it shall stand.
        phrases: True to report neighbouring changes that only white space divides as one: what a person reads.
    """
    before, after = _tokens(old), _tokens(new)
    starts = [0]
    for token in before:
        starts.append(starts[-1] + (1 if token.is_atom else len(token.text)))
    codes = [code for code in SequenceMatcher(None, before, after, autojunk=False).get_opcodes() if code[0] != "equal"]
    result: list[tuple[int, int, int, int]] = []
    for _, i1, i2, j1, j2 in codes:
        gap = before[result[-1][1] : i1] if result else []
        if phrases and result and len(gap) == 1 and gap[0].text.isspace():
            result[-1] = (result[-1][0], i2, result[-1][2], j2)
        else:
            result.append((i1, i2, j1, j2))
    return [Change(starts[i1], starts[i2], merged(after[j1:j2])) for i1, i2, j1, j2 in result]


def place_of(markdown_text: str, file_text: str) -> list[int | None]:
    """Return, for every character of *markdown_text*, its offset in *file_text*; None where it has none.

    The two say the same, but a reader may have trimmed or joined white space, or said a symbol in its own way: so
    characters are matched in order, white space apart, and where that fails word by word.
    """
    places: list[int | None] = [None] * len(markdown_text)
    left = [index for index, character in enumerate(markdown_text) if not character.isspace()]
    right = [index for index, character in enumerate(file_text) if not character.isspace()]
    if [markdown_text[index] for index in left] == [file_text[index] for index in right]:
        for index, place in zip(left, right, strict=True):
            places[index] = place
    else:
        _match_words(markdown_text, file_text, places)
    _match_spaces(markdown_text, file_text, places)
    return places


def _tokens(spans: Sequence[Span]) -> list[Span]:
    tokens: list[Span] = []
    for span in spans:
        if span.is_atom:  # whatever format stands around it: the thing itself stays as it is
            tokens.append(Span(span.text, note=span.note, image=span.image))
        else:
            tokens += [replace(span, text=text) for text in _TOKEN.findall(span.text)]
    return tokens


def _match_words(left: str, right: str, places: list[int | None]) -> None:
    before = [(match.start(), match.group()) for match in _TOKEN.finditer(left) if not match.group().isspace()]
    after = [(match.start(), match.group()) for match in _TOKEN.finditer(right) if not match.group().isspace()]
    matcher = SequenceMatcher(None, [text for _, text in before], [text for _, text in after], autojunk=False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            start, text = before[block.a + step]
            for offset in range(len(text)):
                places[start + offset] = after[block.b + step][0] + offset


def _match_spaces(left: str, right: str, places: list[int | None]) -> None:
    """Match each white space to the first one that stands between the same neighbours."""
    known = [index for index, place in enumerate(places) if place is not None]
    reached = -1
    for index, character in enumerate(left):
        place = places[index]
        if place is not None:
            reached = place
            continue
        if not character.isspace():
            continue
        following = bisect_left(known, index)
        limit = places[known[following]] if following < len(known) else len(right)
        for candidate in range(reached + 1, limit if limit is not None else len(right)):
            if right[candidate].isspace():
                places[index] = reached = candidate
                break
