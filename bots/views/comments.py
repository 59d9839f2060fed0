"""Editors' comments in words: who, about which passage, and what became of it."""

from collections.abc import Iterable, Sequence

from bots.views.elements import Element, Quote, Text
from bots.views.words import find_role, name_of
from core.casts.model import Cast
from core.sessions.model import Fate, Note, Severity

_WEIGHT = {Severity.CRITICAL: 0, Severity.MAJOR: 1, Severity.MINOR: 2}
_SEVERITY = {Severity.CRITICAL: "must change", Severity.MAJOR: "should change", Severity.MINOR: "could change"}


def weightiest(notes: Iterable[Note], cast: Cast, limit: int) -> tuple[Note, ...]:
    """Return the *limit* comments that matter most: by severity, then the editor's weight, then as they were made."""

    def rank(note: Note) -> tuple[int, float, int]:
        role = find_role(cast, note.role_key)
        return (_WEIGHT[note.severity], -(role.weight if role else 0.0), number_of(note))

    return tuple(sorted(notes, key=rank)[:limit])


def number_of(note: Note) -> int:
    """Return 12 for ``n12``, 0 for an id of another shape."""
    digits = note.id[1:]
    return int(digits) if digits.isdigit() else 0


def comment_elements(note: Note, cast: Cast) -> tuple[Element, ...]:
    """Return one comment: its editor, the passage letter by letter, the remark, the fate."""
    where = f" on {_place(note)}" if note.ref else " on the whole"
    head = f"**{name_of(cast, note.role_key)}**{where} ({_SEVERITY[note.severity]})"
    elements: list[Element] = [Text(head)]
    if note.quote:
        elements.append(Quote(note.quote))
    lines = [note.comment]
    if note.quote and not note.quote_found:
        lines.append("_This passage does not stand in the document as quoted._")
    if note.suggestion:
        lines.append(f"Suggested: {note.suggestion}")
    if note.fate is not Fate.OPEN:
        lines.append(f"_{fate_words(note)}_")
    elements.append(Text("\n".join(lines)))
    return tuple(elements)


def fate_words(note: Note) -> str:
    """Return what became of a comment, in a few words with the reason."""
    reason = f": {note.fate_reason}" if note.fate_reason else ""
    match note.fate:
        case Fate.OPEN:
            return "Still open"
        case Fate.APPLIED:
            return f"Done{reason}"
        case Fate.DECLINED:
            return f"Declined{reason}"
        case Fate.REGRESSED:
            return f"Came back{reason}"


def one_line(note: Note, cast: Cast) -> str:
    """Return a comment as one list item: whose, where, what."""
    where = f", {_place(note)}" if note.ref else ""
    return f"- {name_of(cast, note.role_key)}{where}: {note.comment}"


def _place(note: Note) -> str:
    """Return where a comment belongs, as people count."""
    return f"paragraph {note.ref.partition('#')[0].removeprefix('p')}"


def made_in(notes: Sequence[Note], round_number: int) -> tuple[Note, ...]:
    """Return the comments that were made in a round."""
    return tuple(note for note in notes if note.round == round_number)


def settled_in(notes: Sequence[Note], round_number: int, fate: Fate) -> tuple[Note, ...]:
    """Return the comments that met *fate* in a round."""
    return tuple(note for note in notes if note.fate is fate and note.fate_round == round_number)
