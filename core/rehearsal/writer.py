"""The rehearsal's Writer: applies what is mechanical, declines the rest with the true reason, invents nothing."""

import json
import re
from collections import defaultdict
from typing import Any

from core.documents.model import Block, BlockKind, join_blocks, number_of, split_ref
from core.rehearsal.faults import Kind
from core.rehearsal.lead import kind_of
from core.rehearsal.patches import Patch, apply_patches, find_patch
from core.rehearsal.prompt import GivenNote, RehearsalPrompt

_REASONS = {
    Kind.LONG: "The sentence has no joint where rules could divide it without changing its meaning.",
    Kind.PASSIVE: "The text does not say who acts, and a rehearsal does not guess.",
    Kind.STOCK: "What the phrase means here only the author knows; no rule can replace it.",
    Kind.USAGE: "No rule says which word is meant here.",
    Kind.ACRONYM: "Nothing in the document says what the abbreviation stands for.",
    Kind.VAGUE: "The document gives no figure or date that could stand there.",
    Kind.REPEATED: "Which of the two places should keep the sentence is the author's choice.",
    Kind.PLACEHOLDER: "What belongs there stands neither in the document nor in the brief.",
    Kind.HEADING: "What belongs below the heading a rehearsal cannot write.",
    Kind.BRIEF: "It needs facts that neither the brief nor the references give.",
    Kind.UNSOURCED: "It needs a source, which a rehearsal cannot provide.",
    Kind.ATTRIBUTION: "Who said it stands nowhere in the document or the references.",
    Kind.ABSOLUTE: "How strongly the team wants to claim it is the author's decision.",
    Kind.WEEKDAY: "Whether the weekday or the date is wrong only the author knows.",
}
_GONE = "The passage does not stand in the document any more."
_JUDGEMENT = "It needs judgement, and a rehearsal has only rules."
_KEPT = "A person asked to keep this passage."
_LOCKED = "The block cannot be changed in the original file."
_BLOCK = re.compile(r"\bp\d+\b(?=#|:)")
_NOTE = re.compile(r"\bn\d+\b(?= got no answer)")


def revise(prompt: RehearsalPrompt) -> dict[str, Any]:
    """Return a revision: see `core.agents.schemas.reply_schema`."""
    texts, answers, changes = _work(prompt)
    edits = [
        {"op": "replace", "block": ref, "text": texts[block], "notes": changes[block]}
        for ref, _ in prompt.blocks
        if (block := split_ref(ref)[0]) in changes
    ]
    done = sum(len(notes) for notes in changes.values())
    return {
        "edits": edits,
        "answers": answers,
        "summary": f"Rehearsal: {done} notes applied in {len(edits)} blocks, {len(answers)} answered without a change.",
        "self_assessment": "Only what a rule can mend was mended; the meaning was left to people.",
    }


def repair(prompt: RehearsalPrompt) -> dict[str, Any]:
    """Return what mends an answer: a block that refused its edit keeps its text, and every note gets an answer."""
    refused = set(_BLOCK.findall(prompt.problems))
    unanswered = set(_NOTE.findall(prompt.problems))
    answers = [
        {
            "note": note.id,
            "fate": "declined",
            "reason": _LOCKED if split_ref(note.ref)[0] in refused else _reason(note),
        }
        for note in prompt.notes
        if split_ref(note.ref)[0] in refused or note.id in unanswered
    ]
    return {
        "edits": [],
        "answers": answers,
        "summary": f"Rehearsal: {len(answers)} notes declined whose edits could not be applied.",
        "self_assessment": "The refused blocks were left as they were.",
    }


def rewrite(prompt: RehearsalPrompt) -> str:
    """Return the whole revised text and, below it, the answers: see ``core/agents/prompts/rewrite.md``."""
    texts, answers, changes = _work(prompt)
    blocks = [
        Block(block, BlockKind.LIST_ITEM if re.match(r"\s*(?:[-*+]|\d+[.)])\s", text) else BlockKind.PARAGRAPH, text)
        for ref, markdown in prompt.blocks
        for block in [split_ref(ref)[0]]
        for text in [texts.get(block, markdown)]
    ]
    applied = [
        {"note": note, "fate": "applied", "reason": "The words were replaced."}
        for block in sorted(changes, key=number_of)
        for note in changes[block]
    ]
    return f"{join_blocks(blocks)}\n=== ANSWERS ===\n{json.dumps([*applied, *answers], ensure_ascii=False)}\n"


def _work(prompt: RehearsalPrompt) -> tuple[dict[str, str], list[dict[str, str]], dict[str, list[str]]]:
    """Return the text of every changed block, answers to notes without a change, and the notes of each changed block."""
    originals = {split_ref(ref)[0]: markdown for ref, markdown in prompt.blocks}
    patches: dict[str, list[tuple[str, Patch]]] = defaultdict(list)
    answers: list[dict[str, str]] = []
    for note in prompt.notes:
        if note.fate not in {"open", "regressed"}:
            continue
        block = split_ref(note.ref)[0]
        text = originals.get(block, "")
        patch = find_patch(text, note.quote, note.suggestion)
        is_taken = patch is not None and any(patch.meets(one) for _, one in patches[block])
        if any(passage in note.quote or note.quote in passage for passage in prompt.kept_passages if note.quote):
            answers.append(_declined(note, _KEPT))
        elif patch is None:
            answers.append(_declined(note, _GONE if note.quote and note.quote not in text else _reason(note)))
        elif is_taken:
            answers.append(_declined(note, "It changes the same words as another note, which was applied."))
        else:
            patches[block].append((note.id, patch))
    changed = {
        block: apply_patches(originals[block], (patch for _, patch in found))
        for block, found in patches.items()
        if found
    }
    return changed, answers, {block: [note for note, _ in patches[block]] for block in changed}


def _declined(note: GivenNote, reason: str) -> dict[str, str]:
    return {"note": note.id, "fate": "declined", "reason": reason}


def _reason(note: GivenNote) -> str:
    kind = kind_of(note)
    return _REASONS.get(kind, _JUDGEMENT) if kind is not None else _JUDGEMENT
