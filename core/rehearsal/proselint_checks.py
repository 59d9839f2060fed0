"""Faults that proselint finds: redundancies, clichés, jargon, malapropisms, wrong words. The one file that knows it."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from core.rehearsal.faults import Fault, Kind, fault_at, like
from core.rehearsal.text import Passage, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from proselint.registry.checks import Check, CheckResult  # type: ignore[import-untyped]

_DIVIDER = "\n\n"
# What proselint checks and we leave out: vocabulary for children, typography that Word does by itself, matters of taste
# and identity that a rule must not judge, and what our own checks do with better replacements.
_LEFT_OUT = (
    "annotations",
    "dates_times",
    "lexical_illusions",
    "misc.but",
    "misc.composition",
    "misc.currency",
    "misc.scare_quotes",
    "misc.tense_present",
    "psychology",
    "restricted",
    "social_awareness",
    "spelling.consistency",
    "terms",
    "typography",
    "uncomparables",
    "weasel_words",
)
_STOCK = ("cliches", "industrial_language", "misc.metadiscourse", "mixed_metaphors", "oxymorons", "hedging", "archaism")
_WORDY = ("redundancy",)
_NO_WORDS = re.compile(r"\.\.+|[…/()\[\]]")  # "during / throughout": a choice, or a gap to be filled, is no replacement


def proselint_faults(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Return what proselint finds in the prose of *passages*, overlaps left out."""
    text = _DIVIDER.join(passage.visible for passage in passages)
    starts = [0, *accumulate(len(passage.visible) + len(_DIVIDER) for passage in passages)]
    results = [result for check in _checks() for result in check.check_with_flags(text)]
    taken: list[Span] = []
    for result in sorted(results, key=_usefulness):
        start, end = result.span
        while start < end and not text[start].isalnum():
            start += 1
        while end > start and not text[end - 1].isalnum():
            end -= 1
        span = Span(start, end)
        if start == end or any(span.start < other.end and other.start < span.end for other in taken):
            continue
        position = bisect_right(starts, span.start) - 1
        passage = passages[position]
        local = Span(span.start - starts[position], span.end - starts[position])
        if local.end > len(passage.visible) or passage.is_quotation:
            continue
        taken.append(span)
        yield _fault(passage, local, result)


def _fault(passage: Passage, span: Span, result: CheckResult) -> Fault:
    words = passage.visible[span.start : span.end]
    better = result.replacements
    if better is not None and (not better.strip() or _NO_WORDS.search(better) or better.lower() == words.lower()):
        better = None
    if result.check_path.startswith(_WORDY):
        kind = Kind.WORDY
        says = f"“{words}” says one thing twice."
    elif result.check_path.startswith(_STOCK):
        kind = Kind.STOCK
        says = f"“{words}” is a phrase that readers skip; say what it means here."
    else:
        kind = Kind.USAGE
        says = f"“{words}” should be “{better}”." if better else f"“{words}” is better said in plainer words."
    return fault_at(passage, span, kind, says, None if better is None else like(words, better))


def _usefulness(result: CheckResult) -> tuple[bool, int, int]:
    """Sort what has a replacement first, then what covers more."""
    return result.replacements is None, result.span[0] - result.span[1], result.span[0]


@cache
def _checks() -> tuple[Check, ...]:
    from proselint.checks import __register__  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.2 s, and only the rehearsal needs it
    from proselint.registry import CheckRegistry  # type: ignore[import-untyped]  # noqa: PLC0415

    registry = CheckRegistry()
    registry.register_many(__register__)
    return tuple(check for check in registry.checks if not check.path.startswith(_LEFT_OUT))
