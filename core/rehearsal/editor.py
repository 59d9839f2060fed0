"""The rehearsal's editors: what the checks of their field found, as notes, and what became of older ones."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from core.documents.model import split_ref
from core.rehearsal.analysis import Analysis, analyse, kinds_of
from core.rehearsal.faults import Fault, Kind, count_of
from core.rehearsal.prompt import GivenNote, RehearsalPrompt

MAX_NOTES = 12
_MIN_NOTES = 4
_WORDS_A_NOTE = 70  # an editor who marks everything marks nothing
_ALIKE = 0.6
_MAX_ALIKE = 3
_MENDABLE = 0.6


def edit(prompt: RehearsalPrompt) -> dict[str, Any]:
    """Return an editor's reply: see `core.agents.schemas.reply_schema`."""
    analysis = analyse(prompt.blocks, prompt.brief)
    kinds = kinds_of(prompt.role)
    found = analysis.of_kinds(kinds)
    mine = tuple(note for note in prompt.notes if not note.editor or note.editor == prompt.role)
    texts = {split_ref(ref)[0]: markdown for ref, markdown in prompt.blocks}
    fresh = [fault for fault in found if not any(_same(fault, note, texts) for note in mine)]
    # stable: reading order among equals; what can be mended at once comes a little before what cannot
    fresh.sort(key=lambda fault: -fault.kind.weight - (_MENDABLE if fault.suggestion else 0))
    shown = _thinned(fresh)[: max(_MIN_NOTES, min(MAX_NOTES, analysis.words // _WORDS_A_NOTE))]
    criteria = {key: analysis.score(kinds & kinds_of(key) or kinds) for key in prompt.criteria}
    return {
        "notes": [
            {
                "block": fault.ref,
                "quote": fault.quote,
                "comment": fault.comment,
                "suggestion": fault.suggestion,
                "severity": fault.kind.severity,
            }
            for fault in shown
        ],
        "earlier": [judged for note in mine if (judged := _judge(note, texts, found)) is not None],
        "criteria": criteria,
        "score": round(sum(criteria.values()) / len(criteria), 1) if criteria else analysis.score(kinds),
        "summary": _summary(analysis, kinds, found, len(shown)),
        "self_assessment": "A rehearsal counts what rules can see; it does not understand the text.",
    }


def _thinned(faults: list[Fault]) -> list[Fault]:
    """Return *faults* with few of each kind that only the author can mend, unless they are critical.

    The fourth such note teaches nothing, and it takes the place of one that can be followed at once.
    """
    seen: Counter[Kind] = Counter()
    kept = []
    for fault in faults:
        if not fault.suggestion and fault.kind.severity != "critical":
            seen[fault.kind] += 1
            if seen[fault.kind] > _MAX_ALIKE:
                continue
        kept.append(fault)
    return kept


def _judge(note: GivenNote, texts: Mapping[str, str], found: tuple[Fault, ...]) -> dict[str, str] | None:
    """Return what became of an older note; None for a declined one, whose reason is accepted."""
    stands = any(_same(fault, note, texts) for fault in found)
    if note.fate == "declined":
        return None
    if note.fate == "applied" and stands:
        return {"note": note.id, "fate": "regressed", "reason": "The fault stands in the text again."}
    if stands or (note.quote and any(note.quote in markdown for markdown in _places(note, texts))):
        return {"note": note.id, "fate": "open", "reason": "The passage still stands as it was."}
    return {"note": note.id, "fate": "applied", "reason": "The passage was changed and the check finds nothing there."}


def _places(note: GivenNote, texts: Mapping[str, str]) -> Iterable[str]:
    """Return the texts in which the passage of a note would stand: once it was changed, its own block alone."""
    return [texts.get(split_ref(note.ref)[0], "")] if note.ref and note.fate == "applied" else texts.values()


def _same(fault: Fault, note: GivenNote, texts: Mapping[str, str]) -> bool:
    """Return whether a note speaks of *fault*: same kind, and the same passage or words that have only grown or shrunk.

    Equal words in another block are another passage, unless the note's own block does not have them any more: then they
    moved there, when a paragraph was divided.
    """
    if not note.comment.startswith(fault.kind.value):
        return False
    if not fault.quote or not note.quote or fault.kind is Kind.ACRONYM:
        return fault.comment == note.comment
    block = split_ref(note.ref)[0] if note.ref else ""
    is_here = block in {"", split_ref(fault.ref)[0]}
    if fault.quote in note.quote or note.quote in fault.quote:
        return is_here or (note.fate != "applied" and note.quote not in texts.get(block, ""))
    if not is_here:
        return False
    if not fault.suggestion and not note.suggestion:
        return fault.kind is Kind.LONG or fault.comment == note.comment
    return _shared_words(fault.quote, note.quote) >= _ALIKE


def _shared_words(one: str, other: str) -> float:
    """Return the share of the shorter passage's words that stand in the other too."""
    left, right = set(one.lower().split()), set(other.lower().split())
    return len(left & right) / max(1, min(len(left), len(right)))


def _summary(analysis: Analysis, kinds: frozenset[Kind], found: tuple[Fault, ...], shown: int) -> str:
    if not analysis.english:
        return (
            f"Rehearsal: {count_of(len(found), 'fault')} that rules see in any language, {shown} noted. "
            "The text is not English, so its sentences were not checked."
        )
    names = list(dict.fromkeys(fault.kind.value.lower() for fault in sorted(found, key=lambda one: -one.kind.weight)))
    most = f", most of all: {', '.join(names[:3])}" if names else ""
    ease = ""
    if analysis.reading_ease is not None and Kind.LONG in kinds:
        ease = f" Flesch's reading ease is {analysis.reading_ease:.0f} of 100."
    return f"Rehearsal: {count_of(len(found), 'fault')} in this field{most}; {shown} noted.{ease}"
