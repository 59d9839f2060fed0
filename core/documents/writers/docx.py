"""A Document as a new Word file: real styles, real lists, real tables, real footnotes."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final

import docx
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Twips
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from lxml import etree

from core.documents.model import BlockKind, Document
from core.documents.writers import docx_styles as styles
from core.documents.writers.columns import column_widths
from core.documents.writers.docx_numbering import LEVELS, Numbering, indent_of
from core.documents.writers.docx_xml import xml_text
from core.documents.writers.flow import Flow, Span, flow, plain
from core.documents.writers.package import pack, unpack

_ALIGNMENTS: Final = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}
_LINE_TWIPS: Final = 9070  # 16 cm
_TWIPS_A_LETTER: Final = 130  # of bold Calibri at 10 points, generously
_CELL_MARGINS: Final = 240
# The same text gives the same bytes: a result that is exported again after a crash is the same file.
_NO_DATE: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NOTES_HEAD: Final = (
    f"<w:footnotes {nsdecls('w')}>"
    '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
    '<w:footnote w:type="continuationSeparator" w:id="0"><w:p><w:r><w:continuationSeparator/></w:r></w:p>'
    "</w:footnote></w:footnotes>"
)


def write_docx(document: Document, *, created_at: datetime | None = None) -> bytes:
    """Return *document* as a Word file; see `docx_parts`."""
    return pack(docx_parts(document, created_at=created_at))


def docx_parts(document: Document, *, created_at: datetime | None = None) -> dict[str, bytes]:
    """Return *document* as the parts of a Word file, to be packed once when nothing more is to be added.

    Args:
        document: Any. Comments of another Word file are left out; what XML cannot hold (control characters) too.
        created_at: The date in the file's properties; by default a fixed one, so that equal documents give equal bytes.
    """
    word = docx.Document(io.BytesIO(_template()))
    properties = word.core_properties
    properties.title = xml_text(document.title)[:255]
    properties.author = properties.comments = properties.last_modified_by = ""
    properties.created = properties.modified = created_at or _NO_DATE
    writer = _Writer(word, {one.label: one for one in flow(document) if one.kind is BlockKind.FOOTNOTE})
    for one in flow(document):
        writer.put(one)
    writer.finish()
    buffer = io.BytesIO()
    word.save(buffer)
    return unpack(buffer.getvalue())


_UNUSED_PARTS: Final = frozenset({"stylesWithEffects", "customXml", "thumbnail"})


@cache
def _template() -> bytes:
    """Return an empty file in our look; made once, because looking up styles takes longer than writing a text."""
    word = docx.Document()
    _slim(word)
    styles.prepare(word)
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


@cache
def _style_ids() -> dict[str, str]:
    """Return the ids of the template's styles by name; python-docx takes as long for that as for a text."""
    return {style.name or "": style.style_id for style in docx.Document(io.BytesIO(_template())).styles}


def _slim(word: WordDocument) -> None:
    """Take out of python-docx's own template what no text of ours uses: nine tenths of it, in every file we write."""
    for holder in (word.part, word.part.package):
        for key in [
            key for key, relation in holder.rels.items() if relation.reltype.rsplit("/", 1)[1] in _UNUSED_PARTS
        ]:
            del holder.rels[key]
    for style in word.styles.element.findall(qn("w:style")):
        if style.get(qn("w:type")) == "table" and style.get(qn("w:default")) is None:
            word.styles.element.remove(style)


class _Writer:
    """Adds one paragraph, table or rule after the other to the body."""

    def __init__(self, word: WordDocument, notes: dict[str, Flow]) -> None:
        self._word = word
        self._style_ids = _style_ids()
        self._numbering = Numbering(word)
        self._notes = notes
        self._used: dict[str, int] = {}
        self._running = {BlockKind.HEADER: word.sections[0].header, BlockKind.FOOTER: word.sections[0].footer}

    def put(self, one: Flow) -> None:
        match one.kind:
            case BlockKind.TABLE:
                self._put_table(one)
            case BlockKind.CODE:
                paragraph = self._indented(self._paragraph(styles.CODE_BLOCK), one)
                self._add_text(paragraph, one.code, None)
            case BlockKind.RULE:
                self._indented(self._paragraph(styles.RULE), one)
            case BlockKind.HEADER | BlockKind.FOOTER:
                part = self._running[one.kind]
                first = part.is_linked_to_previous
                part.is_linked_to_previous = False
                paragraph = part.paragraphs[0] if first else part.add_paragraph()
                self._add_spans(paragraph, one.spans)
            case BlockKind.FOOTNOTE:
                pass  # written with the text that refers to it, or at the end
            case _:
                self._put_paragraph(one)

    def finish(self) -> None:
        """Write the footnotes: those that the text refers to as such, the others as text at the end."""
        for label, one in self._notes.items():
            if label not in self._used:
                paragraph = self._paragraph(styles.NOTE_TEXT)
                spans = (Span(f"[^{label}]: "), *one.spans) if label else one.spans
                self._add_spans(paragraph, spans)
        if not self._used:
            return
        root = parse_xml(_NOTES_HEAD)
        part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, b"", self._word.part.package)
        for label, note_id in self._used.items():
            root.append(self._note(note_id, self._notes[label].spans))
        part._blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)  # noqa: SLF001 - python-docx has no footnotes, and no setter for the bytes of a plain part
        self._word.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)

    def _paragraph(self, style: str) -> Paragraph:
        """Return a new paragraph at the end; python-docx looks through all styles for a name, which takes longer."""
        return self._style(self._word.add_paragraph(), style)

    def _style(self, paragraph: Paragraph, style: str) -> Paragraph:
        paragraph._p.style = self._style_ids[style]  # noqa: SLF001 - see `_paragraph`
        return paragraph

    def _run(self, paragraph: Paragraph, style: str) -> Run:
        run = paragraph.add_run()
        if style:
            run._r.style = self._style_ids[style]  # noqa: SLF001 - see `_paragraph`
        return run

    def _note(self, note_id: int, spans: Sequence[Span]) -> etree._Element:
        # Links of a note would be relationships of the notes' own part: their text stays, their target goes in brackets.
        paragraph = self._paragraph(styles.NOTE_TEXT)
        mark = self._run(paragraph, styles.NOTE_MARK)
        mark._r.append(OxmlElement("w:footnoteRef"))  # noqa: SLF001 - the element is python-docx's own way down to the XML
        self._add_spans(paragraph, (Span(" "), *(_unlinked(span) for span in spans)))
        note = OxmlElement("w:footnote")
        note.set(qn("w:id"), str(note_id))
        note.append(paragraph._p)  # noqa: SLF001 - moved out of the body
        return note

    def _put_paragraph(self, one: Flow) -> None:
        if one.kind is BlockKind.HEADING:
            paragraph = self._paragraph(f"Heading {one.level}")
        elif one.kind is BlockKind.LIST_ITEM:
            paragraph = self._paragraph(styles.LIST)
            self._number(paragraph, one)
        elif one.quotes:
            paragraph = self._indented(self._paragraph(styles.QUOTE), one)
        else:
            paragraph = self._indented(self._word.add_paragraph(), one)
        self._add_spans(paragraph, one.spans)

    def _number(self, paragraph: Paragraph, one: Flow) -> None:
        num_id = self._numbering.num_id(one.depth, ordered=one.ordered, number=one.number, starts=one.starts_list)
        level = min(one.depth, LEVELS) - 1
        # After w:pStyle, the only property that a new paragraph has: where the schema wants it.
        paragraph._p.get_or_add_pPr().append(  # noqa: SLF001 - numbering has no public API
            parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{num_id}"/></w:numPr>')
        )

    def _indented(self, paragraph: Paragraph, one: Flow) -> Paragraph:
        twips = indent_of(one.depth) + 425 * (one.quotes if one.kind is not BlockKind.PARAGRAPH else 0)
        if one.kind is BlockKind.PARAGRAPH and one.quotes:
            twips = indent_of(one.depth) + 425 * one.quotes if one.depth or one.quotes > 1 else 0
        if twips:
            paragraph.paragraph_format.left_indent = Twips(twips)
        return paragraph

    def _put_table(self, one: Flow) -> None:
        table = self._word.add_table(len(one.rows), len(one.rows[0]), style=styles.TABLE)
        table.autofit = True
        for number, (row, cells) in enumerate(zip(one.rows, table.rows, strict=True)):
            for spans, cell, alignment in zip(row, cells.cells, one.alignments, strict=True):
                paragraph = cell.paragraphs[0]
                self._style(paragraph, styles.TABLE_TEXT)
                paragraph.alignment = _ALIGNMENTS.get(alignment)
                self._add_spans(paragraph, spans)
            if number == 0:
                header = OxmlElement("w:tblHeader")
                cells._tr.get_or_add_trPr().append(header)  # noqa: SLF001 - no public API for a repeated header row
        _set_widths(table, one.rows)
        # Two tables that follow each other would be one table to Word; and text needs air below a table.
        spacer = self._word.add_paragraph()
        spacer.paragraph_format.space_after = Twips(0)
        spacer.paragraph_format.line_spacing = 0.6

    def _add_spans(self, paragraph: Paragraph, spans: Sequence[Span]) -> None:
        for span in spans:
            if span.note and span.text in self._notes:
                self._add_note_mark(paragraph, span)
            elif span.note:
                self._add_text(paragraph, f"[^{span.text}]", span)
            elif span.href:
                self._add_link(paragraph, span)
            else:
                self._add_text(paragraph, span.text, span)

    def _add_text(self, paragraph: Paragraph, text: str, span: Span | None) -> None:
        run = self._run(paragraph, styles.CODE_TEXT if span and span.code else "")
        for number, line in enumerate(xml_text(text).split("\n")):
            if number:
                run.add_break(WD_BREAK.LINE)
            run.add_text(line)
        if span:
            run.bold, run.italic, run.font.strike = span.bold or None, span.italic or None, span.strike or None

    def _add_link(self, paragraph: Paragraph, span: Span) -> None:
        link = OxmlElement("w:hyperlink")
        link.set(qn("r:id"), paragraph.part.relate_to(span.href, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
        self._add_text(paragraph, span.text, span)
        run = paragraph.runs[-1]
        if not span.code:
            run._r.style = self._style_ids[styles.LINK]  # noqa: SLF001 - see `_paragraph`
        link.append(run._r)  # noqa: SLF001 - hyperlinks have no public API for writing
        paragraph._p.append(link)  # noqa: SLF001

    def _add_note_mark(self, paragraph: Paragraph, span: Span) -> None:
        note_id = self._used.setdefault(span.text, len(self._used) + 1)
        reference = OxmlElement("w:footnoteReference")
        reference.set(qn("w:id"), str(note_id))
        self._run(paragraph, styles.NOTE_MARK)._r.append(reference)  # noqa: SLF001 - no public API for footnotes


def _set_widths(table: Table, rows: Sequence[Sequence[Sequence[Span]]]) -> None:
    """Let the table fill the line, each column as wide as what it holds asks for."""
    texts = [[plain(cell) for cell in column] for column in zip(*rows, strict=True)]
    longest = [max((len(word) for text in column for word in text.split()), default=1) for column in texts]
    widest = [max(len(line) for text in column for line in text.split("\n")) for column in texts]
    wanted = [(_TWIPS_A_LETTER * count + _CELL_MARGINS) for count in longest]
    widths = column_widths(wanted, [_TWIPS_A_LETTER * count + _CELL_MARGINS for count in widest], _LINE_TWIPS)
    for width, column in zip(widths, table.columns, strict=True):
        column.width = Twips(round(width))
        for cell in column.cells:
            cell.width = Twips(round(width))
    whole = table._tbl.tblPr.find(qn("w:tblW"))  # noqa: SLF001 - relative widths have no public API
    if whole is not None:
        whole.set(qn("w:type"), "pct")
        whole.set(qn("w:w"), "5000")


def _unlinked(span: Span) -> Span:
    if not span.href:
        return span
    text = span.text if span.text == span.href else f"{span.text} ({span.href})"
    return Span(text, span.bold, span.italic, span.strike, span.code)
