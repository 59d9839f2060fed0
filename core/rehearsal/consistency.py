"""Checks of a whole text against itself: one spelling, one hyphenation, one capitalisation of each word."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from core.rehearsal.faults import Fault, Kind, fault_at, like

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.rehearsal.text import Passage, Span

# eng's list also pairs words (film, movie) and spellings that are right on both sides (disc, practice): only the
# regular differences of spelling are taken from it.
_REGULAR = (
    ("our", "or"), ("is", "iz"), ("ys", "yz"), ("tre", "ter"), ("bre", "ber"), ("ll", "l"), ("l", "ll"), ("ae", "e"),
    ("oe", "e"), ("ence", "ense"), ("ey", "ay"), ("ement", "ment"), ("mould", "mold"), ("ough", "ow"), ("ph", "f"),
)  # fmt: skip
_BOTH_RIGHT = frozenset({"licence", "licences", "storey", "storeys", "metre", "metres", "meter", "meters", "phoney"})
# -ize is right in British English too, so it says nothing about the variety; only -ise and -ize of one text are compared.
_IZE = re.compile(r"i[sz](?:e|ed|es|er|ers|ing|ation|ations|ational|able)$")
_MIN_CAPITALISED = 2
_REACH = 12  # characters before a word in which the mark of the sentence before stands
_NUMBERING = re.compile(r"[\W\d]*(?:[^\W\d]{1,4}[.)]\s*)?")  # of a clause: "18.33.010", "A.", "(iii)"
_NUMBERED = re.compile(r"\s+(?:\d|[IVXLC]+\b)")  # "Chapter 18" is a name; "the chapter" is none
_NAMES = frozenset({"may", "march", "august", "polish", "i", "god", "mark", "will", "bill", "turkey", "china"})


def two_spellings(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Find British words in a text that is mostly American, and the other way round."""
    british, american = _pairs()
    places: dict[tuple[str, str], list[tuple[Passage, Span, str]]] = defaultdict(list)
    for passage in passages:
        if passage.is_quotation:
            continue
        for span in passage.words:
            word = passage.visible[span.start : span.end]
            lowered = word.lower()
            group = "ize" if _IZE.search(lowered) else "other"
            if lowered in british:
                places["british", group].append((passage, span, like(word, british[lowered])))
            elif lowered in american:
                places["american", group].append((passage, span, like(word, american[lowered])))
    for group in ("other", "ize"):
        uk, us = places["british", group], places["american", group]
        if not uk or not us:
            continue
        odd, most = (us, "British") if len(uk) >= len(us) else (uk, "American")
        for passage, span, right in odd:
            word = passage.visible[span.start : span.end]
            says = f"“{word}”, but the text spells mostly as {most} English does."
            yield fault_at(passage, span, Kind.SPELLING, says, right)


def two_hyphenations(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Find words that are written with and without their hyphen."""
    places: dict[str, list[tuple[Passage, Span]]] = defaultdict(list)
    hyphenated: set[str] = set()
    for passage in passages:
        for span in passage.words:
            word = passage.visible[span.start : span.end].lower()
            places[word.replace("-", "")].append((passage, span))
            if word.count("-") == 1:
                hyphenated.add(word.replace("-", ""))
    for key in sorted(hyphenated):
        forms = Counter(_text(place).lower() for place in places[key])
        if len(forms) < 2:  # noqa: PLR2004 - one form is no variance
            continue
        usual = _usual(forms, [_text(place).lower() for place in places[key]])
        for passage, span in places[key]:
            word = passage.visible[span.start : span.end]
            if word.lower() != usual:
                says = f"“{word}” here, “{usual}” elsewhere."
                yield fault_at(passage, span, Kind.HYPHEN, says, like(word, usual))


def two_capitalisations(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Find words that stand inside sentences with and without a capital."""
    places: dict[str, list[tuple[Passage, Span]]] = defaultdict(list)
    for passage in passages:
        if passage.is_prose and not passage.is_quotation:
            for span in _inside_sentences(passage):
                places[passage.visible[span.start : span.end].lower()].append((passage, span))
    for key in sorted(places):
        forms = Counter(_text(place) for place in places[key])
        capital = key[:1].upper() + key[1:]
        if key in _NAMES or not forms[key] or not forms[capital] or forms[key] + forms[capital] <= _MIN_CAPITALISED:
            continue
        usual = _usual(Counter({key: forms[key], capital: forms[capital]}), [_text(place) for place in places[key]])
        for passage, span in places[key]:
            word = passage.visible[span.start : span.end]
            if word != usual and word in {key, capital}:
                says = f"“{word}” here, “{usual}” elsewhere."
                yield fault_at(passage, span, Kind.CAPITALS, says, usual)


def _inside_sentences(passage: Passage) -> Iterator[Span]:
    """Yield words whose capital would be a choice: not at the start of anything, not beside another capital."""
    text = passage.visible
    opening = {sentence.start for sentence in passage.sentences}
    words = passage.words
    capital = [text[span.start].isupper() for span in words]
    for at, span in enumerate(words):
        before = text[max(0, span.start - _REACH) : span.start]
        if span.start in opening or span.end - span.start < 4 or not before[-1:].isspace():  # noqa: PLR2004 - short words are particles
            continue
        if before.rstrip()[-1:] in ".:!?" or _NUMBERED.match(text, span.end) or _is_below_a_number(passage, span):
            continue
        beside = (at > 0 and capital[at - 1]) or (at + 1 < len(words) and capital[at + 1])
        if not (capital[at] and beside) and not text[span.start : span.end].isupper():
            yield span


def _is_below_a_number(passage: Passage, span: Span) -> bool:
    """Return whether a word opens a clause: nothing but a number or a letter of a list stands before it in its sentence."""
    start = max((sentence.start for sentence in passage.sentences if sentence.start <= span.start), default=0)
    return _NUMBERING.fullmatch(passage.visible, start, span.start) is not None


def _usual(forms: Counter[str], order: list[str]) -> str:
    """Return the most frequent form, among equals the one that came first."""
    return max(forms, key=lambda form: (forms[form], -order.index(form)))


def _text(place: tuple[Passage, Span]) -> str:
    passage, span = place
    return passage.visible[span.start : span.end]


@cache
def _pairs() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return British to American and American to British spellings."""
    # eng reads this file itself, but leaves it open
    lines = resources.files("eng").joinpath("words.txt").read_text(encoding="utf-8").splitlines()
    listed = dict(line.strip().split("\t") for line in lines if line.count("\t") == 1)
    british = {
        uk: us
        for uk, us in listed.items()
        if uk not in _BOTH_RIGHT and us not in _BOTH_RIGHT and any(_differ_by(uk, us, *rule) for rule in _REGULAR)
    }
    return british, {us: uk for uk, us in british.items()}


def _differ_by(british: str, american: str, left: str, right: str) -> bool:
    return any(
        british[: match.start()] + right + british[match.end() :] == american for match in re.finditer(left, british)
    )
