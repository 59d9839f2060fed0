import io

import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Text
from pypdf.generic import DictionaryObject, NameObject, NumberObject, StreamObject

from core.documents.errors import UnreadableFile
from core.documents.model import BlockKind, SourceFormat
from core.documents.readers import pdf as pdf_reader
from core.documents.readers.limits import Limits
from core.documents.readers.pdf import read
from core.documents.readers.pdf_layout import Laid, Line, lay_out

_WORDS = "The quick brown fox jumps over the lazy dog while the band plays on and nobody minds the rain. " * 3


def made(*pages: list[tuple[str, int]], header: str = "") -> FPDF:
    """Return a PDF of pages, each a list of text and size."""
    pdf = FPDF()
    for page in pages:
        pdf.add_page()
        if header:
            pdf.set_font("Helvetica", size=8)
            pdf.cell(0, 6, f"{header} {pdf.page_no()}", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(6)
        for text, size in page:
            pdf.set_font("Helvetica", size=size)
            pdf.multi_cell(0, size * 0.45, text, new_x="LMARGIN", new_y="NEXT")
            pdf.ln(4)
    return pdf


def encrypted(data: bytes, *, user: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user, "owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def texts(blocks: list[Laid]) -> list[tuple[str, str]]:
    return [(block.kind.value, block.markdown) for block in blocks]


def column(*rows: str, size: float = 10, leading: float = 12, page: int = 1, top: float = 700) -> list[Line]:
    return [Line(row, page, 72, top - index * leading, size) for index, row in enumerate(rows)]


def test_headings_paragraphs_and_items_are_told_by_their_looks() -> None:
    """Larger letters are headings by size, gaps part paragraphs, bullets are items; lines flow together."""
    pdf = made([("Of foxes", 22), (_WORDS, 11), ("A smaller head", 15), (_WORDS, 11), ("- first\n- second", 11)])
    document = read(bytes(pdf.output()), name="fox.pdf")
    assert [(block.kind, block.level) for block in document.blocks] == [
        (BlockKind.HEADING, 1),
        (BlockKind.PARAGRAPH, 0),
        (BlockKind.HEADING, 2),
        (BlockKind.PARAGRAPH, 0),
        (BlockKind.LIST_ITEM, 0),
        (BlockKind.LIST_ITEM, 0),
    ]
    assert document.blocks[1].markdown == _WORDS.strip()
    assert (document.source_format, document.title) == (SourceFormat.PDF, "Of foxes")
    assert {block.origin.part for block in document.blocks if block.origin} == {"page"}


def test_running_headers_are_shown_once_and_page_numbers_not() -> None:
    """What stands at the edge of every page is a header; a text that a page breaks goes on."""
    half = "This sentence is broken by the end of the page and goes"
    pages = [[(_WORDS, 11), (half, 11)], [("on over here. " + _WORDS, 11)], [(_WORDS, 11)]]
    document = read(bytes(made(*pages, header="Annual report").output()), name="x")
    assert [block.markdown for block in document.blocks if block.kind is BlockKind.HEADER] == ["Annual report 1"]
    assert any("goes on over here." in block.markdown for block in document.blocks)
    assert "Annual report 2" not in document.markdown
    assert [warning for warning in document.warnings if "shown once" in warning]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (column("it was an exam-", "ple of that"), [("paragraph", "it was an example of that")]),
        (
            column("a well-known fox is well-", "known"),
            [("paragraph", "a well-known fox is well-known")],
        ),
        (column("the North-", "South line"), [("paragraph", "the North- South line")]),
        (column("one.", "two is a much longer line than that."), [("paragraph", "one."), ("paragraph", "two is a much longer line than that.")]),
        (
            [*column("left side ends", page=1), Line("right", 1, 200, 700, 10)],
            [("paragraph", "left side ends right")],
        ),
        ([Line("no places", 1), Line("at all", 1)], [("paragraph", "no places at all")]),
        (column("1. first", "2) second", "• third", "(a) no list"), [("list_item", "1. first"), ("list_item", "2) second"), ("list_item", "- third"), ("paragraph", "(a) no list")]),
        ([], []),
    ],
)  # fmt: skip
def test_lines_become_blocks(lines: list[Line], expected: list[tuple[str, str]]) -> None:
    """Hyphens, neighbours, sentence ends and markers decide."""
    assert texts(lay_out(lines)[0]) == expected


def test_a_password_is_asked_for_only_where_there_is_one() -> None:
    """An empty user password opens without asking; another is said."""
    data = bytes(made([(_WORDS, 11)]).output())
    assert read(encrypted(data, user=""), name="x").blocks
    with pytest.raises(UnreadableFile, match="password") as refusal:
        read(encrypted(data, user="secret"), name="x")
    assert refusal.value.code == "file_encrypted"


def test_comments_are_locked_blocks_and_form_fields_are_text() -> None:
    """What people wrote onto a page is read too."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(bytes(made([(_WORDS, 11)]).output()))))
    writer.add_annotation(0, Text(rect=(50, 550, 200, 650), text="Is that so?", open=True))
    out = io.BytesIO()
    writer.write(out)
    comment = read(out.getvalue(), name="x").blocks[-1]
    assert (comment.kind, comment.markdown, comment.locked) == (BlockKind.COMMENT, "Is that so?", True)


def scan() -> bytes:
    """Return a page that is one picture."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(bytes(made([]).output()))))
    image = StreamObject()
    image.set_data(b"\x00")
    image.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(1),
            NameObject("/Height"): NumberObject(1),
        }
    )
    objects = DictionaryObject({NameObject("/Im0"): writer._add_object(image)})
    writer.pages[0][NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): objects})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "limits", "code"),
    [
        (scan(), Limits(), "file_scanned"),
        (bytes(made([]).output()), Limits(), "file_empty"),
        (b"%PDF-1.7\nnothing of the kind", Limits(), "file_corrupt"),
        (bytes(made([(_WORDS, 11)], [(_WORDS, 11)]).output()), Limits(pages=1), "file_too_large"),
        (bytes(made([(_WORDS, 11)]).output()), Limits(characters=20), "file_too_large"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, limits: Limits, code: str) -> None:
    """Scans, empty, broken and overlong files are different things."""
    with pytest.raises(UnreadableFile) as refusal:
        read(data, name="x", limits=limits)
    assert refusal.value.code == code


def test_when_the_processor_time_is_half_gone_the_faster_reader_takes_over() -> None:
    """The text is there all the same."""
    document = read(bytes(made([(_WORDS, 11)]).output()), name="x", limits=Limits(cpu_seconds=0))
    assert "".join(_WORDS.split()) in "".join(document.markdown.split())


def test_pages_beyond_the_limit_of_characters_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page that is too much ends the reading, and nothing is laid out."""
    laid_out: list[object] = []
    monkeypatch.setattr("core.documents.readers.pdf.lay_out", laid_out.append)
    counted: list[int] = []
    lines = pdf_reader._Pdf.lines

    def counting(self: pdf_reader._Pdf, number: int) -> list[Line]:
        counted.append(number)
        return lines(self, number)

    monkeypatch.setattr(pdf_reader._Pdf, "lines", counting)
    data = bytes(made(*[[(_WORDS, 11)]] * 4).output())
    with pytest.raises(UnreadableFile, match="characters"):
        read(data, name="x", limits=Limits(characters=len(_WORDS) + 1))
    assert (counted, laid_out) == ([1, 2], [])


def test_loose_lines_of_a_sentence_are_one_paragraph() -> None:
    """Double spacing is known by lines that go on in the next one, even where gaps between paragraphs are as common."""
    sentence = (
        "this line is one of a sentence that is broken here",
        "and goes on in small letters on the next line of it.",
    )
    apart = [Line("A paragraph of its own.", 1, 72, 620 - 48 * number, 10) for number in range(3)]
    assert [text for _, text in texts(lay_out([*column(*sentence, leading=24), *apart])[0])] == [
        " ".join(sentence),
        *["A paragraph of its own."] * 3,
    ]
