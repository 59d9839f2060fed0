"""The user's own text file with what changed in it: its lines, its line ends and its encoding stay."""

import codecs
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.documents.edits import indent_lines
from core.documents.markdown import inline_text
from core.documents.model import Block, BlockKind, Document, SourceFormat
from core.documents.readers.text import ITEM, NEWLINE, WRAPPED_AT, decode
from core.documents.writers.markdown import write_markdown, write_text

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LINE_ENDS: Final = re.compile(r"\r\n?|\n")
_BLANK: Final = " \t"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text file is written.

    Attributes:
        encoding: Without a mark of byte order.
        mark: The mark of byte order that it begins with, empty for most.
        line_end: The one that it uses most.
    """

    encoding: str
    mark: bytes
    line_end: str

    def encode(self, text: str) -> bytes:
        """Return *text*, whose lines end in a newline, written in this manner; in UTF-8 if the encoding lacks a letter."""
        text = text.replace("\n", self.line_end)
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.encode()


def manner_of(original: bytes) -> Manner:
    """Return how *original* is written."""
    text, encoding = decode(original)
    mark, known = next(((mark, name) for mark, name in _MARKS if original.startswith(mark)), (b"", encoding))
    ends = Counter(_LINE_ENDS.findall(text))
    return Manner(known, mark, ends.most_common(1)[0][0] if ends else "\n")


def patched_text(original: bytes, base: Document, document: Document) -> str:
    """Return the text of *original* with what differs between *base* and *document*; its lines end in a newline.

    A block that did not change keeps its lines letter by letter, and so does the space between two that stood together.
    A changed paragraph of plain text is broken to the width that it had, below the marker that it had.

    Args:
        original: The upload, plain text or Markdown.
        base: The Document that was read from it.
        document: What it became.
    """
    lines = list(_whole_lines(decode(original)[0]))
    if any(block.origin is None or _end(block) > len(lines) for block in base.blocks):  # it was read from another file
        return write_markdown(document) if base.source_format is SourceFormat.MARKDOWN else write_text(document)
    order = {block.id: number for number, block in enumerate(base.blocks)}
    written: list[str] = []
    previous: Block | None = None
    for block in document.blocks:
        for part in (_space(lines, base, order, previous, block), _lines_of(lines, base, block)):
            if part and written and not NEWLINE.search(written[-1]):  # it was the last line of the file
                written[-1] += "\n"
            written += part
        previous = block
    if previous is not None and order.get(previous.id) == len(base.blocks) - 1:
        written += lines[_end(base.by_id[previous.id]) :]
    return "".join(written)


def _whole_lines(text: str) -> Iterator[str]:
    """Yield the lines that the reader counts, each with what ends it: a newline, or as it stands a page break of old."""
    at = 0
    for match in NEWLINE.finditer(text):
        yield text[at : match.start()] + _LINE_ENDS.sub("\n", match.group())
        at = match.end()
    if at < len(text):
        yield text[at:]


def _space(
    lines: Sequence[str], base: Document, order: dict[str, int], previous: Block | None, block: Block
) -> Sequence[str]:
    """Return the lines between two blocks: those of the original where both stood together in it."""
    start = order.get(block.id)
    if previous is None:
        return lines[: _start(base.by_id[block.id])] if start == 0 else ()
    if start is not None and order.get(previous.id) == start - 1:
        return lines[_end(base.by_id[previous.id]) : _start(base.by_id[block.id])]
    tight = previous.kind is BlockKind.LIST_ITEM and block.kind is BlockKind.LIST_ITEM
    return () if tight else ("\n",)


def _lines_of(lines: Sequence[str], base: Document, block: Block) -> Sequence[str]:
    old = base.by_id.get(block.id)
    is_markdown = base.source_format is SourceFormat.MARKDOWN
    if old is None:
        text = block.markdown if is_markdown else _plain(block)
        return [f"{line}\n" for line in text.split("\n")]
    kept = lines[_start(old) : _end(old)]
    if old.markdown == block.markdown:
        return kept
    source = [NEWLINE.sub("", line) for line in kept]
    if is_markdown:
        new = indent_lines(block.markdown, _margin(source[0], old.markdown)).split("\n")
    else:
        new = _plain(block).split("\n") if block.kind is not old.kind else _broken(block, source)
    *first, last = new
    return [*(f"{line}\n" for line in first), last + kept[-1][len(source[-1]) :]]


def _margin(line: str, markdown: str) -> str:
    """Return the indentation that the reader took from a block, such as that of a fence in a list."""
    first = markdown.partition("\n")[0]
    return line[: len(line) - len(first)] if line.endswith(first) and not line.removesuffix(first).strip(_BLANK) else ""


def _plain(block: Block) -> str:
    return write_text(Document((block,), 1, SourceFormat.TEXT)).rstrip("\n")


def _broken(block: Block, source: Sequence[str]) -> list[str]:
    """Return a changed block of plain text, below its old marker and indentation, as wide as it was."""
    item = ITEM.match(source[0])
    lead = source[0][: item.start("text")] if item else _indentation(source[0])
    rest = _indentation(source[1]) if len(source) > 1 else " " * len(lead) if item else lead
    text = inline_text(block.markdown)
    said = [line.strip() for line in source]
    flows = len(source) > 1 and all(len(line) >= WRAPPED_AT for line in said[:-1])
    width = max(len(line.rstrip()) for line in source) if flows else 0
    written: list[str] = []
    for line in text.split("\n"):
        first = rest if written else lead
        if width:
            written += textwrap.wrap(
                line,
                width,
                initial_indent=first,
                subsequent_indent=rest,
                break_long_words=False,
                break_on_hyphens=False,
            )
        else:
            written.append(first + line)
    return written


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(_BLANK))]


def _start(block: Block) -> int:
    return block.origin.index if block.origin is not None else 0


def _end(block: Block) -> int:
    return _start(block) + (block.origin.length if block.origin is not None else 0)
