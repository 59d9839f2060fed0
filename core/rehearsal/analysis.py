"""Everything that the checks find in a document, and how well it reads. Kept by text, so that each role pays once."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from core.rehearsal.claims import absolutes, hidden_sources, unsourced_numbers
from core.rehearsal.consistency import two_capitalisations, two_hyphenations, two_spellings
from core.rehearsal.english import intensifiers, long_sentences, passives, vague_words, wordy
from core.rehearsal.faults import Fault, Kind
from core.rehearsal.mechanical import (
    doubled_words,
    headings,
    long_paragraphs,
    placeholders,
    punctuation,
    repeated_sentences,
    spaced_semicolons,
    totals,
    weekdays,
)
from core.rehearsal.proselint_checks import proselint_faults
from core.rehearsal.terms import uncovered, unexplained
from core.rehearsal.text import Passage, flesch, is_english, to_passage

_ANYWHERE = (doubled_words, punctuation, placeholders, long_paragraphs, weekdays, totals)
_IN_ENGLISH = (
    wordy,
    intensifiers,
    vague_words,
    long_sentences,
    passives,
    unsourced_numbers,
    hidden_sources,
    absolutes,
    spaced_semicolons,
)
_MIN_SENTENCES = 8  # a shorter text is judged as if it had so many: one fault does not make a note worthless
_SENTENCES = 5.5  # of ordinary prose in 100 words
# Faults' weight in 5.5 sentences (about 100 words) at which half of the score is gone: a field of few kinds has less room than all together.
_HALF_AT_LEAST, _HALF_AT_MOST = 0.5, 5.0
_TOP = 9.5  # rules see too little to give a ten
_TOP_UNREAD = 8.0  # of another language they see almost nothing: enough where nothing is wrong, not where something is
_EASY, _HARD = 55.0, 5.0  # Flesch: newspapers and contracts
_READING_SHARE = 0.25

STYLE = frozenset(
    {
        Kind.DOUBLED,
        Kind.WORDY,
        Kind.INTENSIFIER,
        Kind.LONG,
        Kind.PASSIVE,
        Kind.STOCK,
        Kind.USAGE,
        Kind.SPELLING,
        Kind.HYPHEN,
        Kind.CAPITALS,
        Kind.PUNCTUATION,
    }
)
CONTENT = frozenset({Kind.ACRONYM, Kind.VAGUE, Kind.LENGTHY, Kind.REPEATED, Kind.PLACEHOLDER, Kind.HEADING, Kind.BRIEF})
FACTS = frozenset({Kind.UNSOURCED, Kind.ATTRIBUTION, Kind.ABSOLUTE, Kind.TOTAL, Kind.WEEKDAY})
EVERYTHING = STYLE | CONTENT | FACTS
_CORRECTNESS = frozenset({Kind.DOUBLED, Kind.USAGE, Kind.SPELLING, Kind.HYPHEN, Kind.CAPITALS, Kind.PUNCTUATION})
_ECONOMY = frozenset({Kind.WORDY, Kind.INTENSIFIER, Kind.STOCK, Kind.REPEATED})
_CLARITY = frozenset({Kind.LONG, Kind.PASSIVE, Kind.VAGUE, Kind.ACRONYM, Kind.USAGE})
_BUILDING = frozenset({Kind.HEADING, Kind.LENGTHY, Kind.REPEATED})
# What a role or a criterion looks at, by the words in its key; the first that fits counts.
_FIELDS: tuple[tuple[str, frozenset[Kind]], ...] = (
    (r"fact|accura|support|evidence|reliab|source|truth", FACTS),
    (r"agreement", frozenset({Kind.TOTAL, Kind.WEEKDAY, Kind.REPEATED})),
    (r"strength|risk|commit|exposure|trust", frozenset({Kind.ABSOLUTE, Kind.ATTRIBUTION, Kind.UNSOURCED})),
    (r"consisten|uniform|terms", frozenset({Kind.SPELLING, Kind.HYPHEN, Kind.CAPITALS, Kind.ACRONYM})),
    (r"concis|econom|brevity", _ECONOMY),
    (r"clarity|clear|plain|follow|understand|reach", _CLARITY),
    (r"correct|grammar|language|idiom", _CORRECTNESS),
    (r"tone|voice", frozenset({Kind.INTENSIFIER, Kind.STOCK, Kind.USAGE, Kind.ABSOLUTE})),
    (r"struct|order|signpost|findab", _BUILDING),
    (r"purpose|relevance|message|ask", frozenset({Kind.BRIEF, Kind.PLACEHOLDER, Kind.VAGUE})),
    (r"complete", frozenset({Kind.BRIEF, Kind.PLACEHOLDER, Kind.HEADING, Kind.ACRONYM})),
    (r"argument|objection|persuas", frozenset({Kind.REPEATED, Kind.VAGUE, Kind.LENGTHY})),
    (r"audience|inclusion|access", _CLARITY | _BUILDING),
    (r"style|prose|quality", STYLE),
    (r"content", CONTENT),
)


@dataclass(frozen=True)
class Analysis:
    """What the checks make of a document.

    Attributes:
        passages: Its blocks.
        faults: In reading order; those of the whole document come first.
        words: Words of the visible text.
        sentences: Its sentences, headings and cells of tables not counted.
        english: Whether the checks of English were made.
        reading_ease: Flesch's, for English prose of some length; None otherwise.
    """

    passages: tuple[Passage, ...]
    faults: tuple[Fault, ...]
    words: int
    sentences: int
    english: bool
    reading_ease: float | None

    def of_kinds(self, kinds: Collection[Kind]) -> tuple[Fault, ...]:
        """Return the faults of *kinds*."""
        return tuple(fault for fault in self.faults if fault.kind in kinds)

    def score(self, kinds: frozenset[Kind]) -> float:
        """Return 0.0 to 9.5 for what the text makes of *kinds*: less for every fault, and less where it reads hard.

        A text that is not English gets 8.0 at most, since its sentences were not read.

        Fewer faults never score lower where the reading ease is the same: what is taken out shortens sentences and
        leaves their number.
        """
        weight = sum(fault.kind.weight for fault in self.faults if fault.kind in kinds)
        density = _SENTENCES * weight / max(self.sentences, _MIN_SENTENCES)
        half_at = _HALF_AT_LEAST + (_HALF_AT_MOST - _HALF_AT_LEAST) * len(kinds) / len(EVERYTHING)
        score = (_TOP if self.english else _TOP_UNREAD) / (1 + density / half_at)
        if self.reading_ease is not None and kinds & (_CLARITY | STYLE):
            ease = min(1.0, max(0.0, (self.reading_ease - _HARD) / (_EASY - _HARD)))
            score = (1 - _READING_SHARE) * score + _READING_SHARE * _TOP * ease
        return round(score, 1)


@lru_cache(maxsize=16)
def analyse(blocks: tuple[tuple[str, str], ...], brief: str = "") -> Analysis:
    """Return what the checks find in *blocks*, ``(ref, Markdown)`` in reading order."""
    passages = tuple(to_passage(ref, markdown) for ref, markdown in blocks)
    english = is_english(passages)
    found = [*_by_passage(passages, english=english), *headings(passages), *repeated_sentences(passages)]
    if english:
        for check in (proselint_faults, two_spellings, two_hyphenations, two_capitalisations, unexplained):
            found += check(passages)
        found += uncovered(passages, brief)
    order = {passage.ref: position for position, passage in enumerate(passages)}
    return Analysis(
        passages=passages,
        faults=tuple(
            sorted(_apart(found), key=lambda fault: (order.get(fault.ref, -1), fault.start, fault.kind.value))
        ),
        words=sum(len(passage.words) for passage in passages),
        sentences=sum(len(passage.sentences) for passage in passages if passage.is_prose),
        english=english,
        reading_ease=flesch(passages) if english else None,
    )


def kinds_of(key: str) -> frozenset[Kind]:
    """Return the kinds of fault that a role or a criterion looks at, by its key; everything for an unknown one."""
    return next((kinds for words, kinds in _FIELDS if re.search(words, key, re.IGNORECASE)), EVERYTHING)


def _by_passage(passages: Iterable[Passage], *, english: bool) -> Iterator[Fault]:
    for passage in passages:
        if not passage.visible.strip():
            continue
        checks = (*_ANYWHERE, *_IN_ENGLISH) if english and not passage.is_quotation else _ANYWHERE
        for check in checks:
            yield from check(passage)


def _apart(faults: Iterable[Fault]) -> list[Fault]:
    """Return *faults* without those whose core lies in that of a fault that can be mended or weighs more."""
    kept: list[Fault] = []
    by_ref: dict[str, list[Fault]] = {}
    for fault in sorted(faults, key=lambda one: (not one.suggestion, -one.kind.weight, one.start - one.end)):
        rivals = by_ref.setdefault(fault.ref, [])
        if fault.ref and any(
            fault.start < other.end
            and other.start < fault.end
            and not {fault.kind, other.kind} & {Kind.LONG, Kind.HEADING}
            for other in rivals
        ):
            continue
        rivals.append(fault)
        kept.append(fault)
    return kept
