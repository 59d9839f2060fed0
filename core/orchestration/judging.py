"""What editors' replies mean for the notes and the scores of a room; nothing here is written yet."""

from collections.abc import Sequence
from dataclasses import replace

from core.casts.model import Role
from core.evaluation.quotes import find_quote
from core.evaluation.replies import EditorReply
from core.evaluation.scoring import RoleScore
from core.orchestration.asking import document_of
from core.orchestration.room import Room
from core.sessions.model import Fate, Note, Turn


def is_pending(note: Note, round_number: int) -> bool:
    """Return whether an editor must see an older note of its own.

    What was applied and looked at once is done with; what was declined is shown, so that it is not raised again.
    """
    if note.round >= round_number:
        return False
    return note.fate is not Fate.APPLIED or (note.fate_round or 0) >= round_number


def role_scores(room: Room, heard: Sequence[tuple[Role, Turn]], round_number: int) -> list[RoleScore]:
    """Return what the editors gave; a score counts fully when a quote of its notes stands, or when it found nothing.

    Notes of earlier rounds that still stand speak for an editor too: it is told not to repeat them.
    """
    found: list[RoleScore] = []
    for role, turn in heard:
        notes = [note for note in room.open_notes if note.role_key == role.key and note.round <= round_number]
        grounded = not notes or any(note.quote and note.quote_found for note in notes)
        found.append(RoleScore(role.key, turn.score, role.weight, grounded))
    return found


def judged(known: Sequence[Note], reply: EditorReply, role: Role, round_number: int) -> list[Note]:
    """Return the editor's own older notes with the fates that it found; a declined note stays declined."""
    by_id = {note.id: note for note in known if note.role_key == role.key and note.fate is not Fate.DECLINED}
    return [
        replace(by_id[item.note], fate=item.fate, fate_reason=item.reason, fate_round=round_number)
        for item in reply.earlier
        if item.note in by_id and item.fate is not by_id[item.note].fate
    ]


def new_notes(room: Room, reply: EditorReply, role: Role, *, round_number: int, last: int) -> list[Note]:
    """Return the reply's notes with ids above *last*, each quote looked up in the document."""
    document = document_of(room)
    number = last
    raised = {(note.role_key, note.quote, note.comment) for note in room.notes}
    notes: list[Note] = []
    for item in reply.notes:
        if (role.key, item.quote, item.comment) in raised:
            continue
        check = find_quote(document, item.block, item.quote)
        number += 1
        notes.append(
            Note(
                id=f"n{number}",
                session_id=room.session.id,
                round=round_number,
                role_key=role.key,
                comment=item.comment,
                ref=check.ref,
                quote=item.quote,
                quote_found=check.found,
                suggestion=item.suggestion,
                severity=item.severity,
            )
        )
    return notes
