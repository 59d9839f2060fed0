"""The blocks of one part of a Word file: body, header, footer, note."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from lxml.etree import _Element

from core.documents.model import BlockKind, Origin
from core.documents.readers.docx_index import PARAGRAPH, TABLE, W, iter_addressable
from core.documents.readers.docx_inline import InlineReader, Text, chosen, is_locked
from core.documents.readers.docx_lists import Lists
from core.documents.readers.docx_package import Package
from core.documents.readers.docx_styles import Role, Styles, numbering_of, outline_level
from core.documents.readers.docx_tables import Grid, grid
from core.documents.readers.docx_tally import Remark, Tally, Unshown
from core.documents.readers.spans import (
    Span,
    as_code,
    as_heading,
    as_item,
    as_paragraph,
    as_quote,
    as_table,
    render,
)

_ALTERNATE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_NOT_BLOCKS: Final = frozenset({f"{W}del", f"{W}moveFrom", f"{W}sectPr", f"{W}tblPr", f"{W}sdtPr", f"{W}pPr"})
_COMMENT_RANGE: Final = (f"{W}commentRangeStart", f"{W}commentRangeEnd")


@dataclass(frozen=True, slots=True)
class Draft:
    """A block that has no id yet."""

    kind: BlockKind
    markdown: str
    level: int
    origin: Origin
    locked: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all parts of a file share."""

    package: Package
    styles: Styles
    lists: Lists
    tally: Tally


@dataclass(slots=True)
class _Code:
    """Paragraphs of code that follow each other and become one block."""

    first: int
    last: int
    lines: list[str]
    locked: bool


class PartReader:
    """Reads one part; *kind* is what its blocks are where the place says more than the form."""

    def __init__(self, around: Surroundings, part: str, root: _Element) -> None:
        self._around = around
        self._part = part
        self._indices = {element: index for index, element in iter_addressable(root)}
        self.inline = InlineReader(around.package, part, root, around.styles, around.tally)
        self._drafts: list[Draft] = []
        self._code: _Code | None = None

    def read(self, container: _Element, kind: BlockKind | None = None) -> list[Draft]:
        """Return the blocks of *container* (a body, a header, a note, a cell)."""
        self._drafts = []
        self._around.lists.end()
        self._walk(container, kind, locked=False)
        self._end_code()
        return self._drafts

    def _walk(self, container: _Element, kind: BlockKind | None, *, locked: bool) -> None:
        for child in container:
            tag = child.tag
            if tag == PARAGRAPH:
                self._paragraph(child, kind, locked=locked)
            elif tag == TABLE:
                self._table(child, kind, locked=locked)
            elif tag == f"{W}altChunk":
                self._around.tally.count(Unshown.ATTACHED)
            elif tag in _COMMENT_RANGE:
                self.inline.anchor(child)
            elif tag == _ALTERNATE:
                for branch in chosen(child):
                    self._walk(branch, kind, locked=locked)
            elif tag not in _NOT_BLOCKS:
                self._walk(child, kind, locked=locked or (tag == f"{W}sdt" and is_locked(child)))

    def _paragraph(self, paragraph: _Element, kind: BlockKind | None, *, locked: bool) -> None:
        text = self.inline.read(paragraph, locked=locked)
        properties = paragraph.find(f"{W}pPr")
        style_element = None if properties is None else properties.find(f"{W}pStyle")
        style_id = "" if style_element is None else style_element.get(f"{W}val", "")
        index = self._indices[paragraph]
        if self._around.styles.paragraph(style_id).role is Role.CODE and kind is None:
            self._add_code(index, text)
        elif text.plain.strip() or any(span.note for span in text.spans):
            self._end_code()
            self._text(text, properties, style_id, index, kind)
        elif text.pictures and kind is None:
            self._end_code()
            self._pictures(text, index)
        for box in text.boxes:
            self._end_code()
            self._around.lists.end()
            self._walk(box, BlockKind.TEXT_BOX, locked=locked)
            self._around.lists.end()

    def _text(self, text: Text, properties: _Element | None, style_id: str, index: int, kind: BlockKind | None) -> None:
        style = self._around.styles.paragraph(style_id)
        level = style.level or (0 if properties is None else outline_level(properties))
        item = self._item(properties, style_id)
        if level:
            if item is not None:
                self._around.tally.remark(Remark.HEADING_NUMBERS)
            self._around.lists.end()
            markdown = as_heading(render(_unbold(text.spans)), level)
            self._draft(kind or BlockKind.HEADING, markdown, 0 if kind else level, index, locked=text.locked)
        elif item is not None:
            number_id, list_level, ordered = item
            marker, indent, depth = self._around.lists.next(number_id, list_level, ordered=ordered)
            markdown = as_item(render(text.spans), marker, indent)
            self._draft(kind or BlockKind.LIST_ITEM, markdown, 0 if kind else depth, index, locked=text.locked)
        else:
            self._around.lists.end()
            quoted = style.role is Role.QUOTE and kind is None
            form: Callable[[str], str] = as_quote if quoted else as_paragraph
            own_kind = BlockKind.QUOTE if quoted else BlockKind.PARAGRAPH
            self._draft(kind or own_kind, form(render(text.spans)), 0, index, locked=text.locked)

    def _item(self, properties: _Element | None, style_id: str) -> tuple[str, int, bool | None] | None:
        """Return list, level and, where only a style's name tells, order of a list item; None for other paragraphs."""
        style = self._around.styles.paragraph(style_id)
        own = None if properties is None else numbering_of(properties)
        lists = self._around.lists
        number_id, level = own or style.numbering or ("", None)
        if own is not None and not number_id and style.numbering is not None:
            number_id = style.numbering[0]
        if level is None:
            level = lists.level_of_style(number_id, style_id)
        if lists.has(number_id):
            return (number_id, min(level, 8), None) if lists.is_marked(number_id, min(level, 8)) else None
        if style.named_list is None or own is not None:
            return None
        return f"style {style_id}", style.named_list[1], style.named_list[0] == "number"

    def _pictures(self, text: Text, index: int) -> None:
        images = " ".join(f"![{render([Span(description)])}](<{name}>)" for description, name in text.pictures)
        self._around.lists.end()
        self._draft(BlockKind.IMAGE, images, 0, index, locked=True)

    def _add_code(self, index: int, text: Text) -> None:
        if self._code is None:
            if not text.plain.strip():
                return
            self._around.lists.end()
            self._code = _Code(index, index, [], text.locked)
        code = self._code
        code.lines += text.plain.split("\n")
        if text.plain.strip():
            code.last = index
            code.locked = code.locked and text.locked

    def _end_code(self) -> None:
        code, self._code = self._code, None
        if code is None:
            return
        while not code.lines[-1].strip():
            code.lines.pop()
        origin = Origin(self._part, code.first, code.last - code.first + 1)
        self._drafts.append(Draft(BlockKind.CODE, as_code(code.lines), 0, origin, code.locked))

    def _table(self, table: _Element, kind: BlockKind | None, *, locked: bool) -> None:
        self._end_code()
        self._around.lists.end()
        found = grid(table)
        if found.is_layout:
            if len(found.cells) > 1:
                self._around.tally.remark(Remark.LAYOUT)
            for cell in found.cells:
                self._walk(cell, kind, locked=locked)
                self._end_code()
            return
        self._grid(table, found, kind, locked=locked)
        self._around.lists.end()

    def _grid(self, table: _Element, found: Grid, kind: BlockKind | None, *, locked: bool) -> None:
        texts = [[[] if cell is None else list(self._cell(cell, locked=locked)) for cell in row] for row in found.rows]
        flat = [text for row in texts for cell in row for text in cell]
        if any(text.plain.strip() for text in flat):
            if found.merged:
                self._around.tally.remark(Remark.MERGED)
            if found.nested:
                self._around.tally.remark(Remark.NESTED)
            rows = [[render(_joined(cell), cell=True) for cell in row] for row in texts]
            filled = [text for text in flat if text.plain.strip()]
            nowhere_open = found.nested or all(text.locked for text in filled)
            if table in self._indices:
                origin = Origin(self._part, self._indices[table])
            else:  # in a layout table: known by its paragraphs
                inner = [self._indices[paragraph] for paragraph in table.iter(PARAGRAPH)]
                origin, nowhere_open = Origin(self._part, inner[0], inner[-1] - inner[0] + 1), True
            self._drafts.append(Draft(BlockKind.TABLE, as_table(rows), 0, origin, nowhere_open))
        for text in flat:
            for box in text.boxes:
                self._walk(box, BlockKind.TEXT_BOX if kind is None else kind, locked=locked)

    def _cell(self, container: _Element, *, locked: bool) -> Iterator[Text]:
        """Yield the paragraphs of a cell; a row of a table within it counts as one."""
        for child in container:
            tag = child.tag
            if tag == PARAGRAPH:
                yield self.inline.read(child, locked=locked)
            elif tag == TABLE:
                for row in grid(child).rows:
                    cells = [_joined(list(self._cell(cell, locked=True))) for cell in row if cell is not None]
                    yield Text(list(_divided(cells, Span(" / ", locked=True))))
            elif tag == _ALTERNATE:
                for branch in chosen(child):
                    yield from self._cell(branch, locked=locked)
            elif tag in _COMMENT_RANGE:
                self.inline.anchor(child)
            elif tag not in _NOT_BLOCKS and tag != f"{W}tcPr":
                yield from self._cell(child, locked=locked or (tag == f"{W}sdt" and is_locked(child)))

    def _draft(self, kind: BlockKind, markdown: str, level: int, index: int, *, locked: bool) -> None:
        self._drafts.append(Draft(kind, markdown, level, Origin(self._part, index), locked))


def _unbold(spans: list[Span]) -> list[Span]:
    """Return *spans* without bold if all of them are: a heading is bold anyway."""
    if all(span.bold for span in spans if span.text.strip()):
        return [replace(span, bold=False) for span in spans]
    return spans


def _joined(texts: list[Text]) -> list[Span]:
    return list(_divided([text.spans for text in texts if text.plain.strip()], Span("\n")))


def _divided(parts: list[list[Span]], divider: Span) -> Iterator[Span]:
    for index, part in enumerate(part for part in parts if any(span.text.strip() for span in part)):
        if index:
            yield divider
        yield from part
