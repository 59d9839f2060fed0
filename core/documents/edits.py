"""Edits addressed to blocks, applied all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.documents.model import Document


class EditOp(StrEnum):
    """What an edit does to its block."""

    REPLACE = "replace"
    INSERT_AFTER = "insert_after"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change.

    Attributes:
        op: What is done.
        ref: ``p12#f3c1``, or ``p12`` to skip the stale check; ``p0`` with INSERT_AFTER means before the first block.
        text: New Markdown, possibly several blocks; empty for DELETE.
        note_ids: The notes that this edit answers.
    """

    op: EditOp
    ref: str
    text: str = ""
    note_ids: tuple[str, ...] = ()


def apply_edits(document: Document, edits: Sequence[Edit]) -> Document:
    """Return *document* with every edit applied."""
    raise NotImplementedError
