import io
import zipfile

import docx as python_docx
import pytest
from lxml import etree

from core.documents.errors import UnreadableFile
from core.documents.markdown import inline_text, split_blocks
from core.documents.model import BlockKind, Document, Origin
from core.documents.readers.docx import read
from core.documents.readers.docx_index import PARAGRAPH, W, iter_addressable
from core.documents.readers.docx_package import normalised
from core.documents.readers.limits import Limits
from tests.core.documents.docx_builder import (
    NUMBERING,
    STYLES,
    docx,
    field,
    item,
    paragraph,
    relationship,
    run,
    table,
    zipped,
)

_STYLED = {"styles": STYLES, "numbering": NUMBERING}
_BOX = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>"
_PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="x" descr="A *cat*"/><a:graphic><a:graphicData><pic:pic>'
    '<pic:blipFill><a:blip r:embed="image1"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
)


def opened(body: str, **options: object) -> Document:
    return read(docx(body, **options), name="letter.docx")  # type: ignore[arg-type]


def markdowns(document: Document) -> list[str]:
    return [block.markdown for block in document.blocks]


@pytest.mark.parametrize(
    ("style", "kind", "markdown"),
    [
        ("Heading1", BlockKind.HEADING, "# Text"),
        ("Kapitel", BlockKind.HEADING, "# Text"),
        ("Outline", BlockKind.HEADING, "### Text"),
        ("Title", BlockKind.HEADING, "# Text"),
        ("Quote", BlockKind.QUOTE, "> Text"),
        ("SourceCode", BlockKind.CODE, "```\nText\n```"),
        ("Bulleted", BlockKind.LIST_ITEM, "- Text"),
        ("", BlockKind.PARAGRAPH, "Text"),
        ("Unknown", BlockKind.PARAGRAPH, "Text"),
    ],
)
def test_styles_say_what_a_paragraph_is(style: str, kind: BlockKind, markdown: str) -> None:
    """The style's name, what it is based on, its outline level and its list decide; the id does not."""
    document = opened(paragraph("Text", style=style), parts=_STYLED)
    assert [(block.kind, block.markdown) for block in document.blocks] == [(kind, markdown)]


def test_lists_keep_their_levels_and_count_as_word_does() -> None:
    """Numbers are computed from starts, restarts and levels; a deeper item stands under the text of its parent."""
    body = (
        item("a", 1) + item("b", 1, 1) + item("c", 1, 1) + item("d", 1) + item("e", 1, 1)
        + paragraph("between")
        + item("f", 2) + item("g", 2, 1) + item("h", 2, 1) + item("i", 2) + item("j", 3)
        + item("unmarked", 2, 2)
    )  # fmt: skip
    document = opened(body, parts=_STYLED)
    assert markdowns(document) == [
        "- a",
        "  1. b",
        "  2. c",
        "- d",
        "  1. e",
        "between",
        "3. f",
        "   1. g",
        "   2. h",
        "4. i",
        "1. j",
        "unmarked",
    ]
    assert [block.level for block in document.blocks] == [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0]
    assert [piece.markdown for piece in split_blocks(document.markdown)] == markdowns(document)


def test_code_paragraphs_that_follow_each_other_are_one_block() -> None:
    """The block covers them all, blank ones between included."""
    body = paragraph("before") + "".join(
        paragraph(line, style="SourceCode") for line in ("def f():", "", "    return 1")
    )
    code = opened(body + paragraph("after"), parts=_STYLED).blocks[1]
    assert (code.markdown, code.origin) == (
        "```\ndef f():\n\n    return 1\n```",
        Origin("word/document.xml", 1, 3),
    )


def test_formats_and_links_become_markdown() -> None:
    """Bold, italic, strike and code come from runs and their styles; links go where they went; other schemes are text."""
    body = paragraph(
        run("a ") + run("b", "<w:b/>") + run(" ") + run("c", '<w:rStyle w:val="Strong"/><w:i/>')
        + run(" d", "<w:strike/>") + run(" e ", '<w:b w:val="0"/>') + run("x=1", '<w:rStyle w:val="VerbatimChar"/>')
        + f'<w:hyperlink r:id="link">{run(" site")}</w:hyperlink>'
        + f'<w:hyperlink r:id="script">{run(" no")}</w:hyperlink>'
        + field('HYPERLINK "https://f.example"', " field")
    )  # fmt: skip
    links = relationship("link", "hyperlink", "https://e.example", external=True)
    links += relationship("script", "hyperlink", "javascript:alert(1)", external=True)
    document = opened(body, parts=_STYLED, relationships=links)
    assert markdowns(document) == ["a **b *c*** ~~d~~ e `x=1` [site](https://e.example) no [field](https://f.example)"]


@pytest.mark.parametrize(
    "text", ["* a", "# b", "1. c", "a | b", "<b>x</b>", "- ", "_x_ and *y*", "> q", "[a](b)", "```"]
)
def test_characters_that_markdown_takes_for_markers_survive(text: str) -> None:
    """What stands in Word is what a reader of the Markdown sees, in a paragraph and in a cell."""
    document = opened(paragraph(run(text)) + table((paragraph(run(text)), "x"), ("y", "z")))
    assert inline_text(document.blocks[0].markdown) == text.strip()
    assert inline_text(document.blocks[1].markdown) == f"{text.strip()}\tx\ny\tz"
    assert [piece.kind for piece in split_blocks(document.markdown)] == [BlockKind.PARAGRAPH, BlockKind.TABLE]


def test_special_characters_of_word_become_text() -> None:
    """Tabs, line breaks and hyphens that do not break are text; page breaks and soft hyphens are not."""
    runs = '<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t><w:br w:type="page"/><w:softHyphen/></w:r>'
    assert inline_text(opened(paragraph(runs)).blocks[0].markdown) == "a\tb\nc\u2011d"


def test_tables_become_pipe_tables_with_merged_cells_filled_up() -> None:
    """Spanning cells leave empty ones behind them, rows that start late too; that they were merged is said."""
    wide = "<w:tcPr><w:gridSpan w:val='2'/></w:tcPr>" + paragraph("wide")
    down = "<w:tcPr><w:vMerge/></w:tcPr><w:p/>"
    late = f"<w:tr><w:trPr><w:gridBefore w:val='1'/></w:trPr><w:tc>{paragraph('late')}</w:tc></w:tr>"
    gone = f"<w:tr><w:trPr><w:del w:id='1'/></w:trPr><w:tc>{paragraph('gone')}</w:tc></w:tr>"
    body = table((wide, "c"), (down, "two" + "", "|")).replace("</w:tbl>", f"{late}{gone}</w:tbl>")
    document = opened(body)
    assert markdowns(document) == ["| wide |  | c |\n| --- | --- | --- |\n|  | two | \\| |\n|  | late |  |"]
    assert [warning for warning in document.warnings if "Merged" in warning]


def test_paragraphs_of_a_cell_are_divided_by_breaks_and_nested_tables_are_locked() -> None:
    """A cell keeps its paragraphs; what cannot be addressed is shown, locked and said."""
    two = paragraph("one") + paragraph("two")
    document = opened(table((two, "x")) + table((table(("a", "b")), "c")))
    assert markdowns(document) == ["| one<br>two | x |\n| --- | --- |", "| a / b | c |\n| --- | --- |"]
    assert [block.locked for block in document.blocks] == [False, True]
    assert inline_text(document.blocks[0].markdown) == "one\ntwo\tx"


def test_a_table_that_only_lays_text_out_is_running_text() -> None:
    """One cell, or cells as long as a page, are no data: their paragraphs are blocks of their own."""
    long = "".join(paragraph(f"line {number}") for number in range(12))
    document = opened(table((paragraph("framed"),)) + table((long, table(("a", "b"), ("c", "d")))))
    assert [block.kind for block in document.blocks[:13]] == [BlockKind.PARAGRAPH] * 13
    assert (document.blocks[13].kind, document.blocks[13].locked) == (BlockKind.TABLE, True)


def test_tracked_changes_are_read_as_accepted_and_counted() -> None:
    """Insertions and moves to here are text, deletions and moves away are not."""
    deleted = "<w:r><w:delText>old</w:delText></w:r>"
    body = paragraph(
        run("a ") + f"<w:del w:id='1'>{deleted}</w:del><w:ins w:id='2'>{run('new')}</w:ins>"
        f"<w:moveFrom w:id='3'>{run('away')}</w:moveFrom><w:moveTo w:id='4'>{run(' here')}</w:moveTo>"
    )  # fmt: skip
    document = opened(body)
    assert markdowns(document) == ["a new here"]
    assert document.warnings == (
        "The document has tracked changes (2 insertions and 2 deletions); they are read as accepted.",
    )


def test_comments_are_listed_with_their_author_and_words_and_locked() -> None:
    """A comment is a block behind the text; the text itself shows nothing of it."""
    body = paragraph(
        run("Take ") + '<w:commentRangeStart w:id="7"/>' + run("these words")
        + '<w:commentRangeEnd w:id="7"/><w:r><w:commentReference w:id="7"/></w:r>' + run(" away.")
    )  # fmt: skip
    comment = f'<w:comment w:id="7" w:author="Ann Bell">{paragraph("Why?")}</w:comment>'
    document = opened(body, parts={"comments": comment})
    assert [(block.kind, block.markdown, block.locked) for block in document.blocks] == [
        (BlockKind.PARAGRAPH, "Take these words away.", False),
        (BlockKind.COMMENT, "**Ann Bell** (“these words”): Why?", True),
    ]


def test_notes_are_numbered_in_the_order_of_the_text() -> None:
    """References are labels, notes stand behind the text, separators and notes without reference are nothing."""

    def reference(kind: str, number: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'

    body = paragraph(
        run("a") + reference("footnote", 9) + run(" b") + reference("endnote", 2) + reference("footnote", 3)
    )
    notes = "".join(f'<w:footnote w:id="{number}">{paragraph(f"note {number}")}</w:footnote>' for number in (3, 5, 9))
    separator = '<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
    ends = f'<w:endnote w:id="2">{paragraph("end")}{paragraph("more")}</w:endnote>'
    document = opened(body, parts={"footnotes": separator + notes, "endnotes": ends})
    assert markdowns(document) == ["a[^1] b[^e1][^2]", "[^1]: note 9", "[^2]: note 3", "[^e1]: end", "more"]
    assert document.blocks[1].origin == Origin("word/footnotes.xml", 3)
    assert {block.kind for block in document.blocks[1:]} == {BlockKind.FOOTNOTE}


def test_headers_and_footers_that_a_section_shows_are_blocks() -> None:
    """Headers come first, footers behind the text; a bare page number is no text."""
    section = '<w:sectPr><w:headerReference r:id="header1"/><w:footerReference r:id="footer1"/></w:sectPr>'
    parts = {
        "header1": paragraph("Top"),
        "header2": paragraph("Not shown"),
        "footer1": paragraph(field("PAGE", "3")) + paragraph("Bottom"),
    }
    document = opened(paragraph("Text") + section, parts=parts)
    assert [(block.kind, block.markdown) for block in document.blocks] == [
        (BlockKind.HEADER, "Top"),
        (BlockKind.PARAGRAPH, "Text"),
        (BlockKind.FOOTER, "Bottom"),
    ]


@pytest.mark.parametrize(("requires", "expected"), [("wps", ["Text", "In the box"]), ("unknown", ["Text", "Fallback"])])
def test_of_alternate_content_one_branch_is_read(requires: str, expected: list[str]) -> None:
    """The choice that Word understands, otherwise the fallback; never both."""
    fallback = _BOX.replace("In the box", "Fallback")
    alternate = (
        f'<w:r><mc:AlternateContent xmlns:unknown="urn:x"><mc:Choice Requires="{requires}"><w:drawing><wps:txbx>{_BOX}'
        f"</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{fallback}</v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )
    document = opened(paragraph(run("Text") + alternate))
    assert markdowns(document) == expected
    assert document.blocks[1].kind is BlockKind.TEXT_BOX


def test_what_cannot_be_edited_is_locked() -> None:
    """Text that is all field, bound or prompt is locked; a field in a sentence locks nothing else."""
    bound = "<w:sdt><w:sdtPr><w:dataBinding/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
    free = "<w:sdt><w:sdtPr><w:lock w:val='sdtLocked'/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>"
    body = (
        paragraph(field("TOC", "Contents"))
        + paragraph(run("See ") + field("REF x", "page 3"))
        + bound.format(paragraph("Bound"))
        + free.format(paragraph("Free"))
        + paragraph(f'<w:fldSimple w:instr="AUTHOR">{run("Ann")}</w:fldSimple>')
    )
    assert [block.locked for block in opened(body).blocks] == [True, False, True, False, True]


def test_a_field_that_never_ends_does_not_swallow_the_rest() -> None:
    """Word ends a broken field with its paragraph, and so does the reader."""
    broken = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>REF</w:instrText></w:r>'
    assert markdowns(opened(paragraph(broken) + paragraph("Rest"))) == ["Rest"]


@pytest.mark.parametrize(
    ("edit", "enforced", "locked"),
    [("readOnly", "1", True), ("comments", "true", True), ("trackedChanges", "1", False), ("readOnly", "0", False)],
)
def test_protection_locks_every_block(edit: str, enforced: str, locked: bool) -> None:
    """A protected document is read, locked and said to be; one that asks for tracked changes gets them anyway."""
    settings = f'<w:documentProtection w:edit="{edit}" w:enforcement="{enforced}"/>'
    document = opened(paragraph("Text"), parts={"settings": settings})
    assert document.blocks[0].locked is locked
    assert bool(document.warnings) is locked


def test_what_blocks_cannot_show_is_named() -> None:
    """Nothing is dropped without a word: each kind is counted."""
    body = (
        paragraph(run("Text") + _PICTURE + "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>")
        + paragraph("<w:r><w:drawing><c:chart/></w:drawing></w:r>")
        + paragraph('<w:r><w:object><o:OLEObject ProgID="Excel.Sheet"/></w:object><w:sym w:char="F0E0"/></w:r>')
        + paragraph("<w:r><w:object><o:OLEObject ProgID='Equation.3'/></w:object></w:r>")
        + '<w:altChunk r:id="x"/>'
    )
    assert opened(body).warnings == (
        (
            "1 picture, 1 chart, 2 equations, 1 embedded object, 1 symbol and 1 embedded document"
            " cannot be shown here and will stay as in the original."
        ),
    )


def test_a_picture_alone_is_a_locked_block() -> None:
    """Its description is its text."""
    body = paragraph("Text") + paragraph(_PICTURE)
    image = opened(body, relationships=relationship("image1", "image", "media/cat.png")).blocks[1]
    assert (image.kind, image.markdown, image.locked) == (BlockKind.IMAGE, "![A \\*cat\\*](<cat.png>)", True)


def test_every_origin_leads_back_to_the_element() -> None:
    """The element of that index has the text of the block."""
    body = (
        paragraph("first") + "<w:p/>" + table(("a", "b"), ("c", "d")) + paragraph("second")
        + f"<w:sdt><w:sdtContent>{paragraph('third')}</w:sdtContent></w:sdt>"
        + paragraph(run("host") + f"<w:r><w:pict><v:textbox>{_BOX}</v:textbox></w:pict></w:r>")
        + paragraph("last")
    )  # fmt: skip
    data = docx(body)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        elements = dict(iter_addressable(etree.fromstring(archive.read("word/document.xml"))))
    for block in read(data, name="x").blocks:
        assert block.origin is not None
        element = elements[block.origin.index]
        own = [text.text or "" for text in element.iter(f"{W}t") if next(text.iterancestors(PARAGRAPH)) is element]
        expected = "".join(own) if element.tag == PARAGRAPH else "a\tb\nc\td"
        assert inline_text(block.markdown) == expected


def test_strict_files_are_read_and_can_be_made_ordinary() -> None:
    """Strict Open XML has other namespaces and nothing else that matters."""
    ordinary = docx(paragraph("Text", style="Heading1"), parts=_STYLED)
    with zipfile.ZipFile(io.BytesIO(ordinary)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    strict = zipped(
        {
            name: content.replace(
                b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                b"http://purl.oclc.org/ooxml/wordprocessingml/main",
            ).replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                b"http://purl.oclc.org/ooxml/officeDocument/relationships",
            )
            for name, content in entries.items()
        }
    )
    assert markdowns(read(strict, name="x")) == ["# Text"]
    assert normalised(ordinary) == ordinary
    assert python_docx.Document(io.BytesIO(normalised(strict))).paragraphs[0].text == "Text"


def test_a_template_is_read_and_a_file_with_macros_is_not() -> None:
    """Macros are refused by name; a template is a document."""
    template = "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
    macros = "application/vnd.ms-word.document.macroEnabled.main+xml"
    assert markdowns(opened(paragraph("Text"), main_type=template)) == ["Text"]
    with pytest.raises(UnreadableFile, match=r"\.docm") as refusal:
        opened(paragraph("Text"), main_type=macros)
    assert refusal.value.code == "file_unsupported"


def test_broken_surroundings_do_not_hide_the_text() -> None:
    """Missing styles, relationships to nowhere, a damaged part: the text is read and the damage said."""
    relationships = relationship("a", "styles", "nowhere.xml") + relationship("b", "hyperlink", "../../..//x")
    document = opened(
        paragraph("Text", style="Heading2") + '<w:sectPr><w:headerReference r:id="gone"/></w:sectPr>',
        parts={"comments": "", "footnotes": ""},
        relationships=relationships,
        raw={"word/comments.xml": b"<w:comments", "word/footnotes.xml": b""},
    )
    assert markdowns(document) == ["## Text"]
    assert [warning for warning in document.warnings if "word/comments.xml" in warning]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"word/document.xml": b"<broken"}, "file_corrupt"),
        ({"word/document.xml": b"<w:document xmlns:w='urn:x'/>"}, "file_corrupt"),
        ({"word/document.xml": b'<!DOCTYPE x [<!ENTITY e "boom">]><x>&e;</x>'}, "file_hostile"),
        ({"../evil": b"x"}, "file_hostile"),
        ({"word/media/zeros.png": b"\0" * 3_000_000}, "file_hostile"),
    ],
)
def test_broken_and_hostile_files_are_refused(raw: dict[str, bytes], code: str) -> None:
    """One code and one sentence each, before anything large is unpacked."""
    with pytest.raises(UnreadableFile) as refusal:
        opened(paragraph("Text"), raw=raw)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(zip_entries=3), "file_hostile"),
        (Limits(zip_unpacked_bytes=500), "file_hostile"),
        (Limits(zip_xml_bytes=500), "file_hostile"),
        (Limits(characters=3), "file_too_large"),
    ],
)
def test_limits_are_kept(limits: Limits, code: str) -> None:
    """What is above a limit is refused, whatever it is."""
    with pytest.raises(UnreadableFile) as refusal:
        read(docx(paragraph("Text")), name="x", limits=limits)
    assert refusal.value.code == code


def test_a_file_without_text_says_what_it_has() -> None:
    """Pictures alone are no text."""
    with pytest.raises(UnreadableFile, match="only 1 picture") as refusal:
        opened(paragraph(_PICTURE))
    assert refusal.value.code == "file_empty"


def test_the_title_is_the_property_or_the_first_heading_or_the_name() -> None:
    """In this order."""
    named = docx(paragraph("Head", style="Heading1"), parts=_STYLED)
    assert read(named, name="letter.docx").title == "Head"
    assert opened(paragraph("Text")).title == "letter"
    titled = python_docx.Document()
    titled.core_properties.title = "Of the file"
    titled.add_paragraph("Text")
    out = io.BytesIO()
    titled.save(out)
    assert read(out.getvalue(), name="x").title == "Of the file"


def test_a_file_by_python_docx_is_read_whole() -> None:
    """The most common writer of test files: its list styles have their numbering in the style."""
    document = python_docx.Document()
    document.add_heading("Head", level=2)
    document.add_paragraph("Item", style="List Bullet")
    document.add_paragraph("First", style="List Number")
    document.add_paragraph("Second", style="List Number")
    made = document.add_table(rows=1, cols=2)
    made.rows[0].cells[0].text, made.rows[0].cells[1].text = "a", "b"
    out = io.BytesIO()
    document.save(out)
    assert markdowns(read(out.getvalue(), name="x")) == [
        "## Head",
        "- Item",
        "1. First",
        "2. Second",
        "| a | b |\n| --- | --- |",
    ]
