"""The rehearsal's Synthesizer: one plan from all notes, duplicates and conflicts declined, one score."""

import re
from collections import Counter, defaultdict
from typing import Any

from core.documents.model import number_of, split_ref
from core.rehearsal.analysis import EVERYTHING, FACTS, STYLE, analyse, kinds_of
from core.rehearsal.drafts import is_outline
from core.rehearsal.faults import Kind, count_of
from core.rehearsal.patches import Patch, find_patch
from core.rehearsal.prompt import GivenNote, RehearsalPrompt

MAX_STEPS = 8
_MAX_PLACES = 6
MAX_QUESTIONS = 3
_SEVERITIES = {"critical": 4, "major": 2, "minor": 1}
_BY_LABEL = {kind.value: kind for kind in Kind}
_ASKED = {
    Kind.UNSOURCED: "",  # its comment is a question
    Kind.ATTRIBUTION: "who says so?",
    Kind.PLACEHOLDER: "what belongs there?",
    Kind.ACRONYM: "what does it stand for?",
    Kind.WEEKDAY: "is the weekday right, or the date?",
}
_OUTLINE = " An outline stands here, not the text that was asked for: the score speaks of its wording alone."
_STEPS = {
    Kind.DOUBLED: "Take out words that stand twice",
    Kind.WORDY: "Say in fewer words what needs no more",
    Kind.INTENSIFIER: "Drop intensifiers that weaken",
    Kind.LONG: "Divide sentences that hold more than one thought",
    Kind.PASSIVE: "Say who acts",
    Kind.STOCK: "Replace stock phrases by what they mean here",
    Kind.USAGE: "Use the right words",
    Kind.SPELLING: "Keep to one spelling",
    Kind.HYPHEN: "Keep to one hyphenation",
    Kind.CAPITALS: "Keep to one capitalisation",
    Kind.PUNCTUATION: "Put the punctuation in order",
    Kind.ACRONYM: "Explain abbreviations at their first use",
    Kind.VAGUE: "Say how many, how much and when",
    Kind.LENGTHY: "Divide paragraphs that hold more than one thought",
    Kind.REPEATED: "Say things once",
    Kind.PLACEHOLDER: "Fill in what was left open",
    Kind.HEADING: "Put the headings in order",
    Kind.BRIEF: "Cover what the brief asks for",
    Kind.UNSOURCED: "Name the source of figures",
    Kind.ATTRIBUTION: "Name who says it",
    Kind.ABSOLUTE: "Claim no more than the text shows",
    Kind.TOTAL: "Make totals the sum of their rows",
    Kind.WEEKDAY: "Put weekday and date in agreement",
}
_FIELDS = {"fitness": EVERYTHING, "ready": EVERYTHING, "quality": STYLE, "reliability": FACTS}


def synthesize(prompt: RehearsalPrompt) -> dict[str, Any]:
    """Return the Synthesizer's reply: see `core.agents.schemas.reply_schema`."""
    analysis = analyse(prompt.blocks, prompt.brief)
    waiting = [note for note in prompt.notes if note.fate in {"open", "regressed"}]
    declined = _decline(waiting, prompt)
    kept = [note for note in waiting if note.id not in declined]
    criteria = {key: analysis.score(_FIELDS.get(key) or kinds_of(key)) for key in prompt.criteria}
    score = round(sum(criteria.values()) / len(criteria), 1) if criteria else analysis.score(EVERYTHING)
    counts = Counter(fault.kind for fault in analysis.faults)
    worst = [
        kind.value.lower() for kind, _ in sorted(counts.items(), key=lambda item: (-item[0].weight * item[1], item[0]))
    ]
    stands = f"most in the way: {', '.join(worst[:3])}" if worst else "rules find nothing more"
    language = "" if analysis.english else " Its sentences were not checked, because it is not English."
    outline = _OUTLINE if is_outline(markdown for _, markdown in prompt.blocks) else ""
    return {
        "plan": _plan(kept),
        "decline": [{"note": note, "reason": reason} for note, reason in declined.items()],
        "questions": _questions(kept),
        "criteria": criteria,
        "score": score,
        "summary": f"Rehearsal: {count_of(len(analysis.faults), 'fault')} counted in {count_of(analysis.words, 'word')}; "
        f"{stands}.{language}{outline}",
        "self_assessment": "A rehearsal weighs counted faults and reading ease; whether the text persuades, it cannot say.",
    }


def _plan(notes: list[GivenNote]) -> list[dict[str, Any]]:
    by_kind: dict[Kind | None, list[GivenNote]] = defaultdict(list)
    for note in notes:
        by_kind[kind_of(note)].append(note)
    ordered = sorted(
        by_kind.items(),
        key=lambda item: (
            not any(note.suggestion for note in item[1]),
            -max(_SEVERITIES.get(note.severity, 1) for note in item[1]),
            -len(item[1]),
            item[0] or "",
        ),
    )
    steps = []
    for kind, group in ordered[:MAX_STEPS]:
        places = list(dict.fromkeys(split_ref(note.ref)[0] for note in group if note.ref))
        told = _STEPS[kind] if kind is not None else "Answer the remarks that no rule knows"
        if kind is not None and not any(note.suggestion for note in group):
            told = f"A person is needed to {told[0].lower()}{told[1:]}"
        steps.append({"step": f"{told}{_where(places)}.", "notes": [note.id for note in group]})
    return steps


def _where(blocks: list[str]) -> str:
    """Return where to look, `` (paragraphs 7, 28 and 31)``; of many places the first few."""
    if not blocks:
        return ""
    numbers = [str(number_of(block)) for block in blocks]
    if len(numbers) > _MAX_PLACES:
        numbers = [*numbers[: _MAX_PLACES - 1], f"{len(numbers) - _MAX_PLACES + 1} more"]
    *first, last = numbers
    return f" (paragraphs {', '.join(first)} and {last})" if first else f" (paragraph {last})"


def _decline(notes: list[GivenNote], prompt: RehearsalPrompt) -> dict[str, str]:
    """Return the notes that should not be followed: repeats, and the lesser of two that cannot both be followed."""
    texts = {split_ref(ref)[0]: markdown for ref, markdown in prompt.blocks}
    declined: dict[str, str] = {}
    taken: dict[str, list[tuple[GivenNote, Patch | None]]] = defaultdict(list)
    weight = {note.id: _SEVERITIES.get(note.severity, 1) for note in notes}
    for note in sorted(notes, key=lambda one: -weight[one.id]):
        block = split_ref(note.ref)[0]
        patch = find_patch(texts.get(block, ""), note.quote, note.suggestion)
        for other, other_patch in taken[block]:
            if note.quote and note.quote == other.quote and note.comment == other.comment:
                declined[note.id] = f"It says the same as that of {_author(other)}."
            elif patch is not None and other_patch is not None and patch.meets(other_patch):
                alike = patch == other_patch
                declined[note.id] = (
                    f"The note of {_author(other)} asks for the same words."
                    if alike
                    else f"The note of {_author(other)} changes the same words and matters more to the reader."
                )
            if note.id in declined:
                break
        else:
            taken[block].append((note, patch))
    return declined


def _author(note: GivenNote) -> str:
    """Return whose note it is, for people, who see no ids of notes: ``the style editor``."""
    return f"the {note.editor.replace('_', ' ')}" if note.editor else "a colleague"


def _questions(notes: list[GivenNote]) -> list[str]:
    asked: dict[str, str] = {}  # by comment: the same question is asked once
    for note in notes:
        kind = kind_of(note)
        if kind in _ASKED and not note.suggestion:
            question = _ASKED[kind] or note.comment.partition(": ")[2].strip()
            asked.setdefault(note.comment.lower(), f"“{_short(note.quote)}”: {question}")
    return list(asked.values())[:MAX_QUESTIONS]


def kind_of(note: GivenNote) -> Kind | None:
    """Return the kind that a note's comment names, None for a note that no rule wrote."""
    return _BY_LABEL.get(note.comment.partition(":")[0])


def _short(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
