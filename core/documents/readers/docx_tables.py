"""The grid of a Word table: rows of cells, merged ones filled up, whatever wraps them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element

from core.documents.readers.docx_index import PARAGRAPH, TABLE, W
from core.documents.readers.docx_inline import chosen

_LONG_CELL: Final = 10
_WRAPPERS: Final = frozenset(
    {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "bdo", "dir")}
)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as rows of equal meaning.

    Attributes:
        rows: The ``w:tc`` at each place; None where a merged cell goes on or a row starts late.
        merged: True if any cell spans more than one place.
    """

    rows: tuple[tuple[_Element | None, ...], ...]
    merged: bool

    @property
    def cells(self) -> list[_Element]:
        """Every cell once, in reading order."""
        return [cell for row in self.rows for cell in row if cell is not None]

    @property
    def nested(self) -> bool:
        """True if a cell holds a table."""
        return any(next(cell.iter(TABLE), None) is not None for cell in self.cells)

    @property
    def is_layout(self) -> bool:
        """True if the table only places text: one cell, or a cell with more paragraphs than data ever has."""
        cells = self.cells
        return len(cells) == 1 or any(
            sum(next(paragraph.iter(f"{W}t"), None) is not None for paragraph in cell.iter(PARAGRAPH)) >= _LONG_CELL
            for cell in cells
        )


def grid(table: _Element) -> Grid:
    """Return the grid of *table*; rows deleted under tracked changes are left out."""
    rows: list[tuple[_Element | None, ...]] = []
    merged = False
    for row in _children(table, f"{W}tr"):
        properties = row.find(f"{W}trPr")
        if properties is not None and properties.find(f"{W}del") is not None:
            continue
        places: list[_Element | None] = [None] * _number(properties, "gridBefore", 0)
        for cell in _children(row, f"{W}tc"):
            of_cell = cell.find(f"{W}tcPr")
            span = _number(of_cell, "gridSpan", 1)
            goes_on = _continues(of_cell)
            merged = merged or span > 1 or goes_on
            # What stands in a continuing cell is not shown by Word, but may be text all the same.
            places.append(None if goes_on and not _has_text(cell) else cell)
            places += [None] * (span - 1)
        if places:
            rows.append(tuple(places))
    return Grid(tuple(rows), merged)


def _children(element: _Element, tag: str) -> Iterator[_Element]:
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _children(child, tag)
        elif isinstance(child.tag, str) and child.tag.endswith("}AlternateContent"):
            for branch in chosen(child):
                yield from _children(branch, tag)


def _continues(properties: _Element | None) -> bool:
    merge = None if properties is None else properties.find(f"{W}vMerge")
    return merge is not None and merge.get(f"{W}val", "continue") == "continue"


def _has_text(cell: _Element) -> bool:
    return any((text.text or "").strip() for text in cell.iter(f"{W}t"))


def _number(properties: _Element | None, name: str, default: int) -> int:
    element = None if properties is None else properties.find(f"{W}{name}")
    value = "" if element is None else element.get(f"{W}val", "")
    return min(int(value), 100) if value.isdecimal() else default
