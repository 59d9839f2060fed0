"""What a document is here: ordered blocks with stable ids, each knowing where it came from."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

_HASH_LENGTH = 4
_WORD = re.compile(r"\w+(?:['’\-]\w+)*", re.UNICODE)  # noqa: RUF001 - both apostrophes stand in real text
_MARK = re.compile(r"^\[(p\d+)#([0-9a-f]{4})\] ?", re.MULTILINE)


class BlockKind(StrEnum):
    """The kinds of block that every reader produces and every writer accepts."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE = "table"
    QUOTE = "quote"
    CODE = "code"
    IMAGE = "image"
    RULE = "rule"
    FOOTNOTE = "footnote"
    COMMENT = "comment"
    HEADER = "header"
    FOOTER = "footer"
    TEXT_BOX = "text_box"


class SourceFormat(StrEnum):
    """The format a document was read from, and by default is written in."""

    DOCX = "docx"
    PDF = "pdf"
    MARKDOWN = "md"
    TEXT = "txt"

    @property
    def media_type(self) -> str:
        """The IANA media type of such a file."""
        return {
            SourceFormat.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            SourceFormat.PDF: "application/pdf",
            SourceFormat.MARKDOWN: "text/markdown",
            SourceFormat.TEXT: "text/plain",
        }[self]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a block stands in the file it was read from.

    Attributes:
        part: Zip part for DOCX (``word/document.xml``), ``page`` for PDF, ``text`` otherwise.
        index: Ordinal of the block-level element in its part (DOCX: among all ``w:p`` and top-level ``w:tbl`` in
            document order), page number from 1 (PDF), or first line from 0 (text).
        length: Elements or lines that the block covers, >= 1.
    """

    part: str
    index: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """One addressable piece of a document.

    Attributes:
        id: ``p`` and a number, never reused within a session.
        kind: What it is.
        markdown: Its whole Markdown, markers included (``## Title``, ``- item``, ``> quote``, a fenced block, a pipe
            table), without a trailing newline.
        level: Heading level 1 to 6, list depth from 0; 0 elsewhere.
        origin: Where it stood in the upload; None for blocks that were written here.
        locked: True when the original cannot take an edit here (fields, bound controls): it is shown, never changed.
    """

    id: str
    kind: BlockKind
    markdown: str
    level: int = 0
    origin: Origin | None = None
    locked: bool = False

    @property
    def hash(self) -> str:
        """Four hexadecimal digits of the text; an edit that names another hash is stale."""
        return hashlib.sha256(self.markdown.encode()).hexdigest()[:_HASH_LENGTH]

    @property
    def ref(self) -> str:
        """The address that models and people see: ``p12#f3c1``."""
        return f"{self.id}#{self.hash}"


@dataclass(frozen=True)
class Document:
    """An immutable state of a document.

    Attributes:
        blocks: In reading order.
        next_number: The number of the next new block; above every id ever used in the session.
        source_format: The format it was read from.
        title: The file's title or first heading, possibly empty.
        warnings: What the reader could not show, one sentence each, for people.
    """

    blocks: tuple[Block, ...]
    next_number: int
    source_format: SourceFormat = SourceFormat.MARKDOWN
    title: str = ""
    warnings: tuple[str, ...] = field(default=())

    @cached_property
    def by_id(self) -> dict[str, Block]:
        """Blocks by id."""
        return {block.id: block for block in self.blocks}

    @cached_property
    def markdown(self) -> str:
        """The whole text: blocks divided by a blank line, neighbouring list items by a newline; ends with a newline."""
        return join_blocks(self.blocks)

    @cached_property
    def marked(self) -> str:
        """The text with its addresses, one ``[p12#f3c1] ...`` a block, blocks divided by a blank line."""
        return "\n\n".join(f"[{block.ref}] {block.markdown}" for block in self.blocks)

    @cached_property
    def words(self) -> int:
        """Words of the visible text."""
        return sum(len(_WORD.findall(block.markdown)) for block in self.blocks)

    @cached_property
    def characters(self) -> int:
        """Characters of the Markdown, block separators not counted."""
        return sum(len(block.markdown) for block in self.blocks)

    def to_json(self) -> dict[str, Any]:
        """Return the form that is stored: only str, int, bool, None, list and dict."""
        return {
            "blocks": [
                {
                    "id": block.id,
                    "kind": block.kind.value,
                    "markdown": block.markdown,
                    "level": block.level,
                    "locked": block.locked,
                    "origin": [block.origin.part, block.origin.index, block.origin.length] if block.origin else None,
                }
                for block in self.blocks
            ],
            "next_number": self.next_number,
            "source_format": self.source_format.value,
            "title": self.title,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Document":
        """Return the document that `to_json` stored.

        Raises:
            KeyError, ValueError: If *data* is not of that form.
        """
        return cls(
            blocks=tuple(
                Block(
                    id=item["id"],
                    kind=BlockKind(item["kind"]),
                    markdown=item["markdown"],
                    level=item["level"],
                    locked=item["locked"],
                    origin=Origin(*item["origin"]) if item["origin"] else None,
                )
                for item in data["blocks"]
            ),
            next_number=data["next_number"],
            source_format=SourceFormat(data["source_format"]),
            title=data["title"],
            warnings=tuple(data["warnings"]),
        )


def join_blocks(blocks: Iterable[Block]) -> str:
    """Return the Markdown of *blocks*: see `Document.markdown`."""
    parts: list[str] = []
    previous: Block | None = None
    for block in blocks:
        if previous is not None:
            tight = previous.kind is BlockKind.LIST_ITEM and block.kind is BlockKind.LIST_ITEM
            parts.append("\n" if tight else "\n\n")
        parts.append(block.markdown)
        previous = block
    return "".join(parts) + ("\n" if parts else "")


def number_of(block_id: str) -> int:
    """Return 12 for ``p12``."""
    return int(block_id[1:])


def split_ref(ref: str) -> tuple[str, str | None]:
    """Return id and hash of ``p12#f3c1`` (brackets allowed); the hash is None when only ``p12`` was given."""
    cleaned = ref.strip().strip("[]")
    block_id, _, digest = cleaned.partition("#")
    return block_id, digest or None


def split_marked(text: str) -> list[tuple[str, str]]:
    """Return ``(ref, markdown)`` of every block in a text made by `Document.marked`, in order."""
    pieces = _MARK.split(text)
    return [(f"{pieces[i]}#{pieces[i + 1]}", pieces[i + 2].strip("\n")) for i in range(1, len(pieces), 3)]
