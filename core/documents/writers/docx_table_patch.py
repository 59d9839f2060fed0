"""A changed table laid on the table of the file: cell by cell, rows and columns added and removed where they were."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Final

from lxml.etree import _Element

from core.documents.readers.docx_tables import grid
from core.documents.writers.docx_looks import look_of
from core.documents.writers.docx_runs import Look, Rewriter, RunWriter
from core.documents.writers.docx_xml import W, clone, detach, element, local_name, remove_property
from core.documents.writers.flow import Span, plain

Cells = tuple[tuple[Span, ...], ...]
_ALIKE: Final = 0.4
_WRAPPERS: Final = ("sdt", "sdtContent", "customXml", "ins", "moveTo")
_TWIPS_WIDE: Final = 9000
_SIDES: Final = ("top", "left", "bottom", "right", "insideH", "insideV")


class TablePatcher:
    """Changes the tables of a file.

    Args:
        rewriter: Changes the text of a cell.
        runs: Writes the text of a new one.
        own_style: Gives the id of a table style for files without a table.
    """

    def __init__(self, rewriter: Rewriter, runs: RunWriter, own_style: Callable[[], str]) -> None:
        self._rewriter = rewriter
        self._runs = runs
        self._own_style = own_style

    def patch(self, table: _Element, old: Sequence[Cells], new: Sequence[Cells]) -> None:
        """Change *table*, which says *old*, so that it says *new*; cells that stay are not touched."""
        rows = table_rows(table)
        places = _places(table, len(old[0]))
        before = list(old)
        if len(places) != len(old) or len(rows) != len(old):
            self._rebuild(table, rows, new)
            return
        if len(new[0]) != len(old[0]):
            if _has_spans(table) or any(cell is None for row in places for cell in row):
                self._rebuild(table, rows, new)
                return
            before = self._match_columns(table, before, new)
            places = _places(table, len(new[0]))
        pairs = dict(_pairs([_row_text(row) for row in before], [_row_text(row) for row in new]))
        kept = set(pairs.values())
        previous: _Element | None = None
        for number, row in enumerate(new):
            match = pairs.get(number)
            if match is None:
                model = _model_row(rows, places, number, previous)
                cells = zip(places[model], before[model], strict=True)
                looks = [look_of(spans, cell_paragraphs(cell)) if cell is not None else Look() for cell, spans in cells]
                previous = self._add_row(rows[model], looks, row, previous, _row_level(rows[0]))
            else:
                self._change_row(places[match], before[match], row)
                previous = rows[match]
        for number, node in enumerate(rows):
            if number not in kept:
                _remove_row(node)

    def build(self, rows: Sequence[Cells], model: _Element | None) -> _Element:
        """Return a new table, in the look of *model* if there is one, else with thin lines."""
        table = element("tbl")
        known = model.find(f"{W}tblPr") if model is not None else None
        properties = clone(known) if known is not None else _properties(self._own_style())
        for name in ("tblpPr", "tblPrChange", "tblCaption", "tblDescription", "bookmarkStart"):
            remove_property(properties, name)
        table.append(properties)
        columns = len(rows[0])
        widths = element("tblGrid")
        widths.extend(element("gridCol", w=str(_TWIPS_WIDE // columns)) for _ in range(columns))
        table.append(widths)
        for cells in rows:
            row = element("tr")
            for spans in cells:
                cell = element("tc")
                width = element("tcPr")
                width.append(element("tcW", w=str(_TWIPS_WIDE // columns), type="dxa"))
                cell.append(width)
                cell.append(self._paragraph(None, spans, Look()))
                row.append(cell)
            table.append(row)
        return table

    def _change_row(self, cells: Sequence[_Element | None], old: Cells, new: Cells) -> None:
        for cell, before, after in zip(cells, old, new, strict=True):
            if before != after and cell is not None:
                self._rewriter.rewrite(cell_paragraphs(cell), before, after)

    def _add_row(
        self, model: _Element, looks: Sequence[Look], new: Cells, previous: _Element | None, first: _Element
    ) -> _Element:
        """Add a row like *model* behind *previous*, before *first* if there is none."""
        row = clone(model)
        for properties in row.findall(f"{W}trPr"):
            for name in ("tblHeader", "ins", "del", "trPrChange"):
                remove_property(properties, name)
        copies = _cells(row)
        for cell in copies:
            for properties in cell.findall(f"{W}tcPr"):
                remove_property(properties, "vMerge")
        places = [cell for cell in copies for _ in range(_span(cell))]
        texts = dict[_Element, tuple[tuple[Span, ...], Look]]()
        for cell, spans, look in zip(places, new, looks, strict=False):
            texts.setdefault(cell, (spans, look))
        for cell, (spans, look) in texts.items():
            self._fill(cell, spans, look)
        if previous is None:
            first.addprevious(row)
        else:
            _row_level(previous).addnext(row)
        return row

    def _fill(self, cell: _Element, spans: Sequence[Span], look: Look) -> None:
        """Let *cell* say *spans* and nothing else."""
        paragraphs = cell_paragraphs(cell)
        fresh = self._paragraph(paragraphs[0] if paragraphs else None, spans, look)
        for child in list(cell):
            if local_name(child) != "tcPr":
                cell.remove(child)
        cell.append(fresh)

    def _paragraph(self, model: _Element | None, spans: Sequence[Span], look: Look) -> _Element:
        paragraph = element("p")
        properties = model.find(f"{W}pPr") if model is not None else None
        if properties is not None:
            paragraph.append(clone(properties))
        paragraph.extend(self._runs.node(span, look) for span in spans if not span.image)
        return paragraph

    def _rebuild(self, table: _Element, rows: Sequence[_Element], new: Sequence[Cells]) -> None:
        """Write all rows anew: for a table whose old text cannot be told cell by cell, or whose merged cells move."""
        fresh = self.build(new, table)
        for node in [*rows, *table.findall(f"{W}tblGrid")]:
            detach(_row_level(node))
        table.extend(list(fresh)[1:])

    def _match_columns(self, table: _Element, old: list[Cells], new: Sequence[Cells]) -> list[Cells]:
        """Add and remove columns so that there are as many as in *new*; return what *table* says then."""
        pairs = dict(_pairs(_column_texts(old), _column_texts(new)))
        columns: list[int | None] = [pairs.get(number) for number in range(len(new[0]))]
        lines = [_cells(row) for row in table_rows(table)]
        widths = table.find(f"{W}tblGrid")
        if widths is not None and len(widths) == len(old[0]):
            lines.append(list(widths))
        for nodes in lines:
            last: _Element | None = None
            for column in columns:
                if column is not None:
                    last = nodes[column]
                    continue
                fresh = self._new_cell(last if last is not None else nodes[0])
                if last is not None:
                    last.addnext(fresh)
                else:
                    nodes[0].addprevious(fresh)
                last = fresh
            for number, node in enumerate(nodes):
                if number not in pairs.values():
                    detach(node)
        return [tuple(() if column is None else row[column] for column in columns) for row in old]

    def _new_cell(self, model: _Element) -> _Element:
        copy = clone(model)
        if local_name(copy) == "tc":
            self._fill(copy, (), Look())
        return copy


def table_rows(table: _Element) -> list[_Element]:
    """Return the rows of *table* as the reader sees them: those in content controls too, none that is deleted."""
    rows = _children(table, "tr")
    return [row for row in rows if row.find(f"{W}trPr/{W}del") is None and _cells(row)]


def cell_paragraphs(cell: _Element) -> list[_Element]:
    """Return the paragraphs of a cell, not those of text boxes in it."""
    return [node for node in cell.iter(f"{W}p") if next(node.iterancestors(f"{W}txbxContent"), None) is None]


def _cells(row: _Element) -> list[_Element]:
    return list(_children(row, "tc"))


def _children(node: _Element, name: str) -> list[_Element]:
    found: list[_Element] = []
    for child in node:
        if child.tag == W + name:
            found.append(child)
        elif local_name(child) in _WRAPPERS:
            found += _children(child, name)
    return found


def _span(cell: _Element) -> int:
    found = cell.find(f"{W}tcPr/{W}gridSpan")
    value = found.get(f"{W}val", "1") if found is not None else "1"
    return max(1, int(value)) if value.isdigit() else 1


def _places(table: _Element, columns: int) -> list[list[_Element | None]]:
    """Return the cell at each place of each row as the reader sees them, None where there is none to write in."""
    return [[*row, *[None] * (columns - len(row))] for row in grid(table).rows]


def _has_spans(table: _Element) -> bool:
    return any(next(table.iter(W + name), None) is not None for name in ("gridSpan", "vMerge", "hMerge"))


def _row_text(row: Cells) -> str:
    return "\t".join(plain(cell) for cell in row)


def _column_texts(rows: Sequence[Cells]) -> list[str]:
    return ["\n".join(plain(cell) for cell in column) for column in zip(*rows, strict=True)]


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return (new, old) of the rows that correspond, in order: equal ones, and in the gaps the most alike."""
    pairs: list[tuple[int, int]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal" or i2 - i1 == j2 - j1:
            pairs += zip(range(j1, j2), range(i1, i2), strict=True)
        elif tag == "replace":
            pairs += _alike(old, new, range(i1, i2), range(j1, j2))
    return pairs


def _alike(old: Sequence[str], new: Sequence[str], olds: range, news: range) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    start = olds.start
    for number in news:
        ratios = {
            row: SequenceMatcher(None, old[row], new[number], autojunk=False).ratio() for row in range(start, olds.stop)
        }
        best = max(ratios, key=ratios.__getitem__, default=None)
        if best is not None and ratios[best] >= _ALIKE:
            pairs.append((number, best))
            start = best + 1
    return pairs


def _model_row(
    rows: Sequence[_Element], places: Sequence[Sequence[_Element | None]], number: int, previous: _Element | None
) -> int:
    """Return the row that a new one is made like: the one above it, but the first of the body below the head."""
    above = next((index for index, row in enumerate(rows) if row is previous), min(number, len(rows)) - 1)
    wanted = max(above, 1) if len(rows) > 1 else 0
    whole = [index for index, cells in enumerate(places) if None not in cells]
    return min(whole, key=lambda index: (abs(index - wanted), index == 0)) if whole else wanted


def _remove_row(row: _Element) -> None:
    """Remove *row*; a cell that was merged downwards from it starts in the next row."""
    following = _row_level(row).getnext()
    below = _cells(following) if following is not None and following.tag == f"{W}tr" else []
    for cell, other in zip(_cells(row), below, strict=False):
        start, goes_on = cell.find(f"{W}tcPr/{W}vMerge"), other.find(f"{W}tcPr/{W}vMerge")
        if start is not None and start.get(f"{W}val") == "restart" and goes_on is not None:
            goes_on.set(f"{W}val", "restart")
    detach(_row_level(row))


def _row_level(row: _Element) -> _Element:
    """Return *row*, or the content control around it if there is nothing else in that."""
    node = row
    while (parent := node.getparent()) is not None and local_name(parent) in _WRAPPERS:
        if len(_children(parent, "tr")) > 1:
            break
        node = parent
    return node


def _properties(style: str) -> _Element:
    properties = element("tblPr")
    if style:
        properties.append(element("tblStyle", val=style))
    properties.append(element("tblW", w="5000", type="pct"))
    if not style:
        borders = element("tblBorders")
        borders.extend(element(side, val="single", sz="4", space="0", color="auto") for side in _SIDES)
        properties.append(borders)
    properties.append(element("tblLook", val="0420", firstRow="1", noVBand="1"))
    return properties
