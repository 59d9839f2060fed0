"""Edits addressed to blocks, applied all or nothing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.documents.errors import EditsRejected
from core.documents.markdown import Piece, split_blocks
from core.documents.model import Block, BlockKind, Document, split_ref

FRONT = "p0"
"""The place before the first block: only INSERT_AFTER may name it."""

PLACE_KINDS = frozenset({BlockKind.HEADER, BlockKind.FOOTER, BlockKind.FOOTNOTE, BlockKind.COMMENT, BlockKind.TEXT_BOX})
"""Kinds that say where a block stands, not how its Markdown looks: new text in such a place keeps the kind."""

_ECHOED_MARK = re.compile(r"^\[p\d+#[0-9a-f]{4}\][ \t]?", re.MULTILINE)
_FOOTNOTE_LABEL = re.compile(r"^\[\^[^\]]+\]:[ \t]*")


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


@dataclass(slots=True)
class _Place:
    """What happens at one block: at most one replacement or deletion, and what follows it in the order given."""

    replacement: list[Piece] | None = None
    deleted: bool = False
    insertions: list[Piece] = field(default_factory=list)


def apply_edits(document: Document, edits: Sequence[Edit]) -> Document:
    """Return *document* with every edit applied.

    A REPLACE whose text holds several blocks gives the first of them the id and the origin of the old block. New
    blocks are numbered from the top of the document down, starting at ``document.next_number``. What is inserted
    after a block that the same edits replace or delete stands where that block stood, after its new text. Several
    insertions after one block keep the order of *edits*.

    Args:
        document: The state that the edits were written against.
        edits: In any order; none may rest on the result of another.

    Raises:
        EditsRejected: If any edit cannot be applied; it names them all, and *document* stands.
    """
    places: dict[str, _Place] = {}
    failures: list[tuple[int, str, str]] = []
    for number, edit in enumerate(edits):
        block_id, _ = split_ref(edit.ref)
        place = places.setdefault(block_id, _Place())
        why = _fault(document, edit, place)
        pieces = [] if why or edit.op is EditOp.DELETE else _pieces(document, edit)
        if not why and not pieces and edit.op is not EditOp.DELETE:
            why = "empty"
        if why:
            failures.append((number, edit.ref, why))
        elif edit.op is EditOp.DELETE:
            place.deleted = True
        elif edit.op is EditOp.REPLACE:
            place.replacement = pieces
        else:
            place.insertions += pieces
    if failures:
        raise EditsRejected(tuple(failures))
    return _rebuild(document, places)


def _fault(document: Document, edit: Edit, place: _Place) -> str:
    block_id, digest = split_ref(edit.ref)
    block = document.by_id.get(block_id)
    if block is None:
        return "" if block_id == FRONT and edit.op is EditOp.INSERT_AFTER else "unknown"
    if digest is not None and digest.lower() != block.hash:
        return "stale"
    if edit.op is EditOp.INSERT_AFTER:
        return ""
    if block.locked:
        return "locked"
    return "duplicate" if place.deleted or place.replacement is not None else ""


def _pieces(document: Document, edit: Edit) -> list[Piece]:
    """Return the new blocks of *edit*, none if its text says nothing."""
    text = _ECHOED_MARK.sub("", edit.text).strip("\r\n").rstrip()
    if not text.strip():
        return []
    block = document.by_id.get(split_ref(edit.ref)[0])
    if edit.op is EditOp.INSERT_AFTER or block is None:
        return _indented_pieces(text, *_depth_after(document, block, text))
    if block.kind is BlockKind.LIST_ITEM and block.level:
        return _indented_pieces(text, _indent(block.markdown), block.level)
    if block.kind not in PLACE_KINDS:
        return list(split_blocks(text))
    return _pieces_in_place(block, list(split_blocks(text)))


def _pieces_in_place(block: Block, pieces: list[Piece]) -> list[Piece]:
    label = _FOOTNOTE_LABEL.match(block.markdown) if block.kind is BlockKind.FOOTNOTE else None
    if label and pieces and not _FOOTNOTE_LABEL.match(pieces[0].markdown):
        pieces[0] = replace(pieces[0], markdown=label[0] + pieces[0].markdown)
    return [replace(piece, kind=block.kind, level=block.level) for piece in pieces]


def _indented_pieces(text: str, indent: str, level: int) -> list[Piece]:
    """Return the blocks of *text*, list items of it standing *level* deep.

    Alone, an indented item is code to CommonMark, and a model that writes one line of a nested list often leaves the
    indentation out: so items are cut without it, and get it afterwards.
    """
    pieces = list(split_blocks(_dedented(text)))
    if not level or not pieces or pieces[0].kind is not BlockKind.LIST_ITEM:
        return list(split_blocks(text)) if pieces and pieces[0].kind is not BlockKind.LIST_ITEM else pieces
    return [
        replace(piece, markdown=indent_lines(piece.markdown, indent), level=piece.level + level)
        if piece.kind is BlockKind.LIST_ITEM
        else piece
        for piece in pieces
    ]


def _depth_after(document: Document, anchor: Block | None, text: str) -> tuple[str, int]:
    """Return indentation and depth of an item inserted after *anchor*: those of the item above it that it lines up with."""
    indent = _indent(text)
    if anchor is None or anchor.kind is not BlockKind.LIST_ITEM or not indent:
        return "", 0
    position = document.blocks.index(anchor)
    for block in reversed(document.blocks[: position + 1]):
        if block.kind is not BlockKind.LIST_ITEM:
            break
        if len(_indent(block.markdown)) <= len(indent):
            deeper = len(_indent(block.markdown)) < len(indent)
            return (indent, block.level + deeper) if block.level + deeper else ("", 0)
    return "", 0


def _indent(markdown: str) -> str:
    return markdown[: len(markdown) - len(markdown.lstrip(" \t"))]


def _dedented(text: str) -> str:
    """Return *text* with the indentation of its first line taken from every line that has it."""
    indent = _indent(text)
    return "\n".join(line.removeprefix(indent) for line in text.split("\n"))


def indent_lines(markdown: str, indent: str) -> str:
    """Return *markdown* with *indent* before every line that is not blank."""
    return "\n".join(indent + line if line.strip() else line for line in markdown.split("\n"))


def _rebuild(document: Document, places: dict[str, _Place]) -> Document:
    blocks: list[Block] = []
    fresh = _Numbering(document.next_number)
    blocks.extend(fresh.blocks(places.get(FRONT, _Place()).insertions))
    for block in document.blocks:
        place = places.get(block.id)
        if place is None:
            blocks.append(block)
            continue
        if place.replacement is not None:
            first, *rest = place.replacement
            blocks.append(replace(block, kind=first.kind, markdown=first.markdown, level=first.level))
            blocks.extend(fresh.blocks(rest))
        elif not place.deleted:
            blocks.append(block)
        blocks.extend(fresh.blocks(place.insertions))
    return replace(document, blocks=tuple(blocks), next_number=fresh.next_number)


class _Numbering:
    """Gives new blocks the next free numbers."""

    def __init__(self, next_number: int) -> None:
        self.next_number = next_number

    def blocks(self, pieces: Sequence[Piece]) -> Iterator[Block]:
        for piece in pieces:
            yield Block(f"p{self.next_number}", piece.kind, piece.markdown, piece.level)
            self.next_number += 1
