"""From a Writer's reply to a new state of the document: what applies, what must be repaired, what became of each note."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.agents.context import unfenced
from core.documents.align import realign, strip_fence
from core.documents.edits import Edit, apply_edits
from core.documents.errors import EditsRejected
from core.documents.model import Document, split_ref
from core.evaluation.parsing import parse_answers
from core.evaluation.replies import RevisionReply
from core.sessions.model import Fate, Note

_ANSWERS = re.compile(r"^\s*=+\s*ANSWERS\s*=+\s*$", re.MULTILINE | re.IGNORECASE)
_WHY = {
    "unknown": "there is no such block",
    "stale": "the block reads otherwise by now",
    "duplicate": "the block is changed twice",
    "locked": "the block cannot be changed in the original file; decline the note",
    "empty": "the new text is empty; use delete to remove a block",
}


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision comes to.

    Attributes:
        document: The new state.
        edits: Those that were applied; empty for a rewrite.
        answers: Fate and reason by note id, for notes that got an answer.
        problems: What could not be applied or was left unanswered, for a repair; empty when all is well.
    """

    document: Document
    edits: tuple[Edit, ...]
    answers: dict[str, tuple[Fate, str]]
    problems: tuple[str, ...] = ()


def revise(document: Document, reply: RevisionReply, notes: Sequence[Note], *, kept: Sequence[Edit] = ()) -> Revision:
    """Return *document* with the edits of *reply* that can be applied, after those *kept* from an earlier reply.

    Args:
        document: What the Writer saw.
        reply: What it answered.
        notes: The notes that wait for an answer.
        kept: Edits of the first answer that could be applied, when *reply* repairs the rest.
    """
    edits = [*kept, *(replace(edit, text=unfenced(edit.text)) for edit in reply.edits)]
    problems = list(reply.malformed)
    try:
        changed = apply_edits(document, edits)
    except EditsRejected as error:
        # Every edit that fails is named at once, so what remains applies.
        problems += [f"{ref}: {_WHY.get(why, why)}" for _, ref, why in error.failures]
        rejected = {index for index, _, _ in error.failures}
        edits = [edit for index, edit in enumerate(edits) if index not in rejected]
        changed = apply_edits(document, edits)
    answers = {answer.note: (answer.fate, answer.reason) for answer in reply.answers}
    for edit in edits:
        answers |= dict.fromkeys(edit.note_ids, (Fate.APPLIED, ""))
    problems += [f"{note.id} got no answer" for note in notes if note.id not in answers]
    return Revision(changed, tuple(edits), answers, tuple(problems))


def read_rewrite(document: Document, text: str, notes: Sequence[Note]) -> Revision:
    """Return what a full rewrite comes to; a note without an answer counts as applied where its block changed."""
    parts = _ANSWERS.split(text, maxsplit=1)
    changed = realign(document, strip_fence(unfenced(parts[0]).strip()))
    answers = {
        answer.note: (answer.fate, answer.reason) for answer in parse_answers(parts[1] if len(parts) > 1 else "")
    }
    for note in notes:
        block_id, _ = split_ref(note.ref)
        before, after = document.by_id.get(block_id), changed.by_id.get(block_id)
        if note.id not in answers and before is not None and (after is None or after.hash != before.hash):
            answers[note.id] = (Fate.APPLIED, "The passage was rewritten.")
    return Revision(changed, (), answers)


def settle_notes(notes: Sequence[Note], answers: dict[str, tuple[Fate, str]], *, round_number: int) -> list[Note]:
    """Return the notes that got an answer, with it."""
    return [
        replace(note, fate=answers[note.id][0], fate_reason=answers[note.id][1], fate_round=round_number)
        for note in notes
        if note.id in answers
    ]
