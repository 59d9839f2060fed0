"""A Document as a PDF that reads like a finished paper, with the fonts that are shipped here."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from fpdf import FPDF

from core.documents.model import BlockKind, Document
from core.documents.writers.columns import column_widths
from core.documents.writers.flow import Flow, Span, flow, merged, plain
from core.documents.writers.pdf_table import Cell, Grid
from core.documents.writers.typeset import Face, Line, Run, Type, Typesetter

_SIDE: Final = 68.0
_TOP: Final = 68.0
_BOTTOM: Final = 74.0
_FURNITURE: Final = 34.0  # where page header and page number stand, from the edge of the sheet

_BODY: Final = Type(10.5)
_LEADING: Final = 1.45
_TIGHT: Final = 1.25
_CODE: Final = Type(9.0, mono=True)
_SMALL: Final = Type(8.5)
_TABLE_SIZES: Final = (9.5, 8.5, 7.5)
_HEADINGS: Final = {
    1: Type(21.0, bold=True),
    2: Type(15.5, bold=True),
    3: Type(12.5, bold=True),
    4: Type(11.0, bold=True),
    5: Type(10.5, bold=True),
    6: Type(10.5, bold=True, italic=True),
}
_BEFORE_HEADING: Final = {1: 24.0, 2: 20.0, 3: 15.0, 4: 12.0, 5: 10.0, 6: 10.0}
_AFTER_HEADING: Final = {1: 9.0, 2: 6.0, 3: 4.0, 4: 3.0, 5: 2.0, 6: 2.0}
_GAP: Final = 8.0
_ITEM_GAP: Final = 3.0
_INDENT: Final = 19.0
_QUOTE_INDENT: Final = 15.0
_PADDING: Final = 7.0
_BULLETS: Final = "•◦▪"
_RUNNING_LINES: Final = 2
_CELL_PADDING: Final = 0.55  # of the type size

_Colour = tuple[int, int, int]
_INK: Final = (31, 35, 40)
_QUIET: Final = (95, 102, 112)
_LINK: Final = (24, 84, 166)
_HAIR: Final = (205, 210, 217)
_SHADE: Final = (244, 245, 247)
_HEAD: Final = (234, 237, 241)

# The same text gives the same bytes: a result that is exported again after a crash is the same file.
_NO_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)


def write_pdf(document: Document, *, created_at: datetime | None = None, creator: str = "", xmp: str = "") -> bytes:
    """Return *document* as PDF.

    Args:
        document: Any; comments of a Word file are left out, footnotes stand at the end.
        created_at: The date in the file's properties; by default a fixed one, so that equal documents give equal bytes.
        creator: The program that the file names as its maker, empty for none.
        xmp: The XMP packet, empty for none.

    Raises:
        UnsupportedCharacters: If the shipped fonts lack characters of the text (CJK, Arabic, Hebrew, Indic scripts).
    """
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(auto=False)
    pdf.set_margins(0, 0, 0)
    pdf.set_creation_date(created_at or _NO_DATE)
    pdf.set_title(document.title)
    if creator:
        pdf.set_creator(creator)
    pdf.set_xmp_metadata(xmp)
    with closing(Typesetter(pdf)) as typesetter:
        _lay_out(document, _Sheet(pdf, typesetter))
        typesetter.check()
        return bytes(pdf.output())


def _lay_out(document: Document, sheet: "_Sheet") -> None:
    running: dict[BlockKind, list[tuple[Span, ...]]] = {BlockKind.HEADER: [], BlockKind.FOOTER: []}
    notes: list[Flow] = []
    for one in flow(document):
        if one.kind is BlockKind.FOOTNOTE:
            notes.append(one)
        elif one.kind in running and sheet.fits_running([*running[one.kind], one.spans]):
            if one.spans not in running[one.kind]:
                running[one.kind].append(one.spans)
        else:
            sheet.put(one)
    sheet.put_notes(notes)
    sheet.put_running(running[BlockKind.HEADER], running[BlockKind.FOOTER])


class _Sheet:
    """The pages, and the place on them where the next line goes."""

    def __init__(self, pdf: FPDF, typesetter: Typesetter) -> None:
        self._pdf = pdf
        self.type = typesetter
        self._gap = 0.0
        self._quoted = 0
        self._after_heading = False
        self._new_page()

    @property
    def _left(self) -> float:
        return _SIDE

    @property
    def _width(self) -> float:
        return float(self._pdf.w) - 2 * _SIDE

    @property
    def _floor(self) -> float:
        return float(self._pdf.h) - _BOTTOM

    @property
    def _at_top(self) -> bool:
        return self._y == _TOP

    def put(self, one: Flow) -> None:
        """Lay one paragraph, table, code block or rule below what is there."""
        indent = one.depth * _INDENT + one.quotes * _QUOTE_INDENT
        before = self._y, self._pdf.page
        match one.kind:
            case BlockKind.HEADING:
                self._put_heading(one, indent)
            case BlockKind.CODE:
                self._put_boxed(self.type.verbatim(one.code, _CODE, self._width - indent - 2 * _PADDING), indent, one)
            case BlockKind.TEXT_BOX:
                lines = self.type.lines(one.spans, _BODY, self._width - indent - 2 * _PADDING)
                self._put_boxed(lines, indent, one)
            case BlockKind.TABLE:
                self._put_table(one, indent)
            case BlockKind.RULE:
                self._put_rule(indent)
            case _:
                self._put_paragraph(one, indent)
        self._bar_gap(one, before)
        self._quoted = one.quotes
        self._after_heading = one.kind is BlockKind.HEADING

    def put_notes(self, notes: Sequence[Flow]) -> None:
        """Lay the footnotes, as notes at the end, under a short line."""
        if not notes:
            return
        self._space(18.0, 30.0)
        self._line(self._left, self._y, 120.0)
        self._y += 6.0
        for note in notes:
            spans = merged([Span(note.label, note=True), Span(" "), *note.spans] if note.label else note.spans)
            self._put_lines(self.type.lines(spans, _SMALL, self._width), self._left, _SMALL.size * _LEADING)
            self._y += 2.0

    def fits_running(self, texts: Sequence[tuple[Span, ...]]) -> bool:
        """Tell whether *texts* fit above or below the page."""
        return len(self._running_lines(texts)) <= _RUNNING_LINES

    def put_running(self, headers: Sequence[tuple[Span, ...]], footers: Sequence[tuple[Span, ...]]) -> None:
        """Draw page headers, page footers and page numbers on every page."""
        pages = self._pdf.pages_count
        leading = _SMALL.size * _TIGHT
        for page in range(1, pages + 1):
            self._pdf.page = page
            # What fpdf2 takes for set is set on the last page: say font and colour again on this one.
            self._pdf.current_font_is_set_on_page = False
            self._pdf.set_fill_color(*_SHADE)
            for texts, top in ((headers, _FURNITURE), (footers, float(self._pdf.h) - _FURNITURE - leading)):
                for number, line in enumerate(self._running_lines(texts) if texts else ()):
                    self._draw(line, (self._left, top + number * leading), _SMALL.size, leading, _QUIET)
            if pages > 1:
                number_line = self.type.lines([Span(f"{page} / {pages}")], _SMALL, self._width)[0]
                left = float(self._pdf.w) - _SIDE - number_line.width
                top = float(self._pdf.h) - _FURNITURE - leading
                self._draw(number_line, (left, top), _SMALL.size, leading, _QUIET)

    def _running_lines(self, texts: Sequence[tuple[Span, ...]]) -> list[Line]:
        spans: list[Span] = []
        for text in texts:
            if spans:
                spans.append(Span("  ·  "))
            spans += [Span(plain([span]).replace("\n", "  ·  "), bold=span.bold, italic=span.italic) for span in text]
        return self.type.lines(spans, _SMALL, self._width - 60.0)

    def _put_heading(self, one: Flow, indent: float) -> None:
        kind = _HEADINGS[one.level]
        lines = self.type.lines(one.spans, kind, self._width - indent)
        leading = kind.size * _TIGHT
        # A heading never stands alone at the foot of a page: two lines of text must fit below it.
        self._space(
            _BEFORE_HEADING[one.level],
            len(lines) * leading + _AFTER_HEADING[one.level] + 2 * _BODY.size * _LEADING,
        )
        self._pdf.set_xy(self._left, self._y)
        name = plain(one.spans).strip()
        if name:
            self._pdf.start_section(name, one.level - 1, strict=False)
        self._put_lines(lines, self._left + indent, leading, size=kind.size)
        self._gap = _AFTER_HEADING[one.level]

    def _put_paragraph(self, one: Flow, indent: float) -> None:
        leading = _BODY.size * _LEADING
        lines = self.type.lines(one.spans, _BODY, self._width - indent)
        tight = one.marked and not (one.starts_list and one.depth == 1)
        self._space(_ITEM_GAP if tight else _GAP, leading)
        marker = self._marker(one) if one.marked else None
        self._put_lines(
            lines,
            self._left + indent,
            leading,
            marker=marker,
            quotes=one.quotes,
            colour=_QUIET if one.quotes else _INK,
        )
        self._gap = _ITEM_GAP if one.depth else _GAP

    def _marker(self, one: Flow) -> Line:
        text = f"{one.number}." if one.ordered else _BULLETS[(one.depth - 1) % len(_BULLETS)]
        return self.type.lines([Span(text)], _BODY, self._width)[0]

    def _put_boxed(self, lines: list[Line], indent: float, one: Flow) -> None:
        size = _CODE.size if one.kind is BlockKind.CODE else _BODY.size
        leading = size * 1.4
        self._space(_GAP, min(len(lines), 3) * leading + 2 * _PADDING)
        left, width = self._left + indent, self._width - indent
        rest = list(lines)
        while rest:
            room = max(1, int((self._floor - self._y - 2 * _PADDING) // leading))
            part, rest = rest[:room], rest[room:]
            height = len(part) * leading + 2 * _PADDING
            self._fill(left, self._y, width, height, _SHADE)
            self._bars(one.quotes, self._y, height)
            self._y += _PADDING
            for line in part:
                self._draw(line, (left + _PADDING, self._y), size, leading)
                self._y += leading
            self._y += _PADDING
            if rest:
                self._new_page()
        self._gap = _GAP + 2.0

    def _put_rule(self, indent: float) -> None:
        self._space(_GAP + 4.0, 12.0)
        self._line(self._left + indent, self._y, self._width - indent)
        self._gap = _GAP + 4.0

    def _put_table(self, one: Flow, indent: float) -> None:
        grid = self._grid(one, self._width - indent)
        head = grid.rows[0]
        second = grid.rows[1] if len(grid.rows) > 1 else head
        self._space(_GAP + 2.0, min(head.height + second.height, self._floor - _TOP))
        left = self._left + indent
        self._line(left, self._y, grid.width)
        for number, row in enumerate(grid.rows):
            if self._y + row.height > self._floor and not self._at_top and row.height < (self._floor - _TOP) / 2:
                self._new_page()
                if number:
                    self._put_row(grid, head.cells, left, header=True)
            self._put_row(grid, row.cells, left, header=number == 0)
        self._gap = _GAP + 4.0

    def _put_row(self, grid: Grid, cells: Sequence[Cell], left: float, *, header: bool) -> None:
        """Draw one row; one that is taller than the page goes on on the next."""
        rest = [list(cell.lines) for cell in cells]
        while True:
            room = max(1, int((self._floor - self._y - 2 * grid.padding) // grid.leading))
            part = [lines[:room] for lines in rest]
            rest = [lines[room:] for lines in rest]
            height = max(len(lines) for lines in part) * grid.leading + 2 * grid.padding
            if header:
                self._fill(left, self._y, grid.width, height, _HEAD)
            x = left
            for width, cell, lines in zip(grid.columns, cells, part, strict=True):
                for number, line in enumerate(lines):
                    free = width - 2 * grid.padding - line.width
                    shift = {"right": free, "center": free / 2}.get(cell.alignment, 0.0)
                    top = self._y + grid.padding + number * grid.leading
                    self._draw(line, (x + grid.padding + shift, top), grid.size, grid.leading)
                x += width
            self._y += height
            self._line(left, self._y, grid.width)
            if not any(rest):
                return
            self._new_page()

    def _grid(self, one: Flow, available: float) -> Grid:
        """Return the table at the largest type at which no word of it must be broken."""
        size, columns = _TABLE_SIZES[-1], list[float]()
        for size in _TABLE_SIZES:
            longest, widest = self._measured(one, size)
            columns = column_widths(longest, widest, available)
            if sum(longest) <= available:
                break
        padding = size * _CELL_PADDING
        rows = [
            [
                Cell(self.type.lines(spans, Type(size, bold=not number), width - 2 * padding), alignment)
                for spans, width, alignment in zip(row, columns, one.alignments, strict=True)
            ]
            for number, row in enumerate(one.rows)
        ]
        return Grid.of(rows, columns, size=size, padding=padding, leading=size * 1.35)

    def _measured(self, one: Flow, size: float) -> tuple[list[float], list[float]]:
        """Return the widths of the longest word and of the longest line of each column, padding included."""
        padding = 2 * size * _CELL_PADDING
        measured = [
            [self.type.widths(spans, Type(size, bold=not number)) for spans in row]
            for number, row in enumerate(one.rows)
        ]
        columns = list(zip(*measured, strict=True))
        longest = [max(cell[0] for cell in column) + padding for column in columns]
        return longest, [max(cell[1] for cell in column) + padding for column in columns]

    def _put_lines(
        self,
        lines: Sequence[Line],
        left: float,
        leading: float,
        *,
        size: float = _BODY.size,
        marker: Line | None = None,
        quotes: int = 0,
        colour: _Colour = _INK,
    ) -> None:
        for number, line in enumerate(lines):
            if self._breaks_before(number, len(lines), leading):
                self._new_page()
            self._bars(quotes, self._y, leading)
            if marker is not None and number == 0:
                self._draw(marker, (left - marker.width - 6.0, self._y), size, leading, colour)
            self._draw(line, (left, self._y), size, leading, colour)
            self._y += leading

    def _breaks_before(self, number: int, count: int, leading: float) -> bool:
        """Tell whether the page ends before this line; neither first nor last line of a paragraph stands alone."""
        room = int((self._floor - self._y + 0.01) // leading)
        if room <= 0:
            return True
        left = count - number
        last_would_stand_alone = left - room == 1 and room == 1 and number > 0
        first_would_stand_alone = number == 0 and room == 1 and count > 1
        return (last_would_stand_alone or first_would_stand_alone) and not self._at_top

    def _draw(
        self, line: Line, place: tuple[float, float], size: float, leading: float, colour: _Colour = _INK
    ) -> None:
        """Draw *line* with its left upper corner at *place*."""
        x, top = place
        baseline = top + (leading - size) / 2 + size * 0.82
        for run in line.runs:
            if run.text.strip():
                self._draw_run(run, x + run.x, baseline, colour)

    def _draw_run(self, run: Run, x: float, baseline: float, colour: _Colour) -> None:
        size = run.face.size
        if run.shaded:
            self._fill(x - 1.0, baseline - size * 0.85, run.width + 2.0, size * 1.15, _SHADE)
        self.type.use(Face(run.face.family, run.face.style, size))
        self._pdf.set_text_color(*(_LINK if run.href else colour))
        self._pdf.text(x, baseline - run.rise, run.text)
        if run.strike:
            self._line(x, baseline - size * 0.28, run.width, colour, 0.6)
        if run.href:
            self._pdf.link(x, baseline - size * 0.85, run.width, size * 1.1, run.href)

    def _space(self, before: float, needed: float) -> None:
        """Leave the larger of two gaps above what comes; go to a new page where *needed* points do not fit."""
        gap = 0.0 if self._at_top else self._gap if self._after_heading else max(before, self._gap)
        if self._y + gap + needed > self._floor and not self._at_top:
            self._new_page()
        else:
            self._y += gap

    def _new_page(self) -> None:
        self._pdf.add_page()
        self._y = _TOP
        self._gap = 0.0

    def _bars(self, quotes: int, top: float, height: float) -> None:
        for number in range(quotes):
            self._fill(self._left + number * _QUOTE_INDENT, top, 2.2, height, _HAIR)

    def _bar_gap(self, one: Flow, before: tuple[float, int]) -> None:
        """Draw the bar of a quote through the gap between two of its paragraphs."""
        quotes = min(one.quotes, self._quoted)
        if quotes and self._pdf.page == before[1]:
            self._bars(quotes, before[0], _GAP if one.kind is not BlockKind.LIST_ITEM else _ITEM_GAP)

    def _fill(self, x: float, y: float, width: float, height: float, colour: _Colour) -> None:
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(x, y, width, height, style="F")

    def _line(self, x: float, y: float, width: float, colour: _Colour = _HAIR, weight: float = 0.7) -> None:
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(weight)
        self._pdf.line(x, y, x + width, y)
