"""A Word file changed in place: what must change does, and nothing else."""

import io
import zipfile
from collections.abc import Callable
from itertools import pairwise

import docx
import pytest
from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import RGBColor
from lxml import etree

from core.documents.align import document_from_markdown
from core.documents.edits import Edit, EditOp, apply_edits
from core.documents.model import BlockKind, Document, SourceFormat
from core.documents.readers.docx import read
from core.documents.writers.docx import write_docx
from core.documents.writers.docx_patch import patch
from core.documents.writers.package import part_names, read_part

RUN = f"<w:r {nsdecls('w')}>%s</w:r>"


def made(build: Callable[[WordDocument], None]) -> bytes:
    word = docx.Document()
    build(word)
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


def edited(data: bytes, *edits: tuple[EditOp, int, str]) -> tuple[bytes, Document]:
    """Return the patched file and what it reads as; blocks are named by their place from 0, -1 for the front."""
    before = read(data, name="x.docx")
    named = [Edit(op, before.blocks[place].ref if place >= 0 else "p0", text) for op, place, text in edits]
    result = patch(data, before, apply_edits(before, named))
    return result, read(result, name="x.docx")


def body(data: bytes) -> etree._Element:
    found = etree.fromstring(read_part(data, "word/document.xml") or b"").find(qn("w:body"))
    assert found is not None
    return found


def runs(data: bytes, place: int) -> list[tuple[str, list[str]]]:
    """Return text and names of the properties of each run of a paragraph."""
    found = []
    for run in body(data).findall(qn("w:p"))[place].iter(qn("w:r")):
        names = [etree.QName(one).localname for one in run.iterfind(f"{qn('w:rPr')}/*")]
        found.append(("".join(map(str, run.itertext())), names))
    return found


def style_names(data: bytes) -> list[str | None]:
    word = docx.Document(io.BytesIO(data))
    return [paragraph.style.name if paragraph.style else None for paragraph in word.paragraphs]


def formatted(word: WordDocument) -> None:
    paragraph = word.add_paragraph("The ")
    red = paragraph.add_run("quick brown")
    red.font.color.rgb = RGBColor(255, 0, 0)
    paragraph.add_run(" fox ")
    paragraph.add_run("jumps").bold = True
    paragraph.add_run(" over the dog.")
    word.add_paragraph("Second.")


def test_without_a_change_the_file_is_the_same_bytes() -> None:
    """A document that did not change comes back as the very file."""
    data = made(formatted)
    before = read(data, name="x.docx")
    assert patch(data, before, before) == data


def test_words_change_and_formatting_stays() -> None:
    """A changed word takes the format of the word it replaces; all other runs stay as they were."""
    data, after = edited(made(formatted), (EditOp.REPLACE, 0, "The quick red fox **leaps** over the lazy dog."))
    assert after.blocks[0].markdown == "The quick red fox **leaps** over the lazy dog."
    assert runs(data, 0) == [
        ("The ", []),
        ("quick red", ["color"]),
        (" fox ", []),
        ("leaps", ["b"]),
        (" over the lazy dog.", []),
    ]


def test_inline_markdown_of_new_text_becomes_formatting() -> None:
    """Bold, italics, code and links of new text are runs and links of the file, with nothing tracked."""
    text = "Second, **bold** and *slanted* with `code` at [a place](https://example.org/x)."
    data, after = edited(made(formatted), (EditOp.REPLACE, 1, text))
    assert after.blocks[1].markdown == text
    assert b"https://example.org/x" in (read_part(data, "word/_rels/document.xml.rels") or b"")
    names = {etree.QName(node).localname for node in body(data).iter(etree.Element)}
    assert not names & {"ins", "del", "rPrChange", "pPrChange"}


def test_only_the_changed_part_differs() -> None:
    """Every other part of the package is byte for byte the same, in the same order."""
    data = made(formatted)
    result, _ = edited(data, (EditOp.REPLACE, 1, "Another."))
    assert zipfile.ZipFile(io.BytesIO(result)).namelist() == zipfile.ZipFile(io.BytesIO(data)).namelist()
    changed = [name for name in part_names(data) if read_part(data, name) != read_part(result, name)]
    assert changed == ["word/document.xml"]


def test_new_paragraphs_look_like_their_kind() -> None:
    """Inserted paragraphs, headings and items copy the properties of the nearest of their kind."""

    def build(word: WordDocument) -> None:
        word.add_heading("Title", 1)
        word.add_paragraph("Body text.").paragraph_format.left_indent = 914400
        word.add_heading("Next", 2)
        word.add_paragraph("Item", style="List Bullet")

    data, after = edited(
        made(build),
        (EditOp.INSERT_AFTER, 1, "More text.\n\n## A heading"),
        (EditOp.INSERT_AFTER, 3, "- Another item"),
        (EditOp.INSERT_AFTER, -1, "Opening."),
    )
    assert [one.markdown for one in after.blocks] == [
        "Opening.",
        "# Title",
        "Body text.",
        "More text.",
        "## A heading",
        "## Next",
        "- Item",
        "- Another item",
    ]
    word = docx.Document(io.BytesIO(data))
    assert word.paragraphs[3].paragraph_format.left_indent == 914400
    assert style_names(data)[-2:] == ["List Bullet", "List Bullet"]


def test_kinds_that_the_file_does_not_have_are_made() -> None:
    """Lists, quotes, code and tables come into a file that has none of them; numbers count from their own start."""
    new = "- a\n  - b\n\nText.\n\n1. c\n2. d\n\n> e\n\n```\nf\n```\n\n| g | h |\n| --- | --- |\n| i | **j** |\n\n3. k"
    data, after = edited(made(formatted), (EditOp.INSERT_AFTER, 1, new))
    assert after.markdown.endswith("Second.\n\n" + new.replace("- b\n\n", "- b\n\n") + "\n")
    docx.Document(io.BytesIO(data))


def test_a_file_without_styles_and_numbering_still_takes_lists_and_headings() -> None:
    """What a minimal file lacks is added to it, announced where Word looks for it."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as target:
        types = "http://schemas.openxmlformats.org/package/2006/content-types"
        main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        target.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{types}"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        )
        relations = "http://schemas.openxmlformats.org/package/2006/relationships"
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
        target.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{kind}" Target="word/document.xml"/>'
            "</Relationships>",
        )
        target.writestr(
            "word/document.xml",
            f"<w:document {nsdecls('w')}><w:body><w:p>{RUN % '<w:t>Only.</w:t>'}</w:p></w:body></w:document>",
        )
    new = "## Heading\n\n- a\n- b\n\n[x](https://example.org/)"
    data, after = edited(package.getvalue(), (EditOp.INSERT_AFTER, 0, new))
    assert after.markdown == f"Only.\n\n{new}\n"
    assert b"/word/numbering.xml" in (read_part(data, "[Content_Types].xml") or b"")
    docx.Document(io.BytesIO(data))


def test_a_new_item_continues_the_list_it_stands_in() -> None:
    """An item inserted into a numbered list counts on in that list; a list elsewhere counts from its own start."""
    data = write_docx(read(write_docx(_lists()), name="x.docx"))
    _, after = edited(data, (EditOp.INSERT_AFTER, 0, "2. new"), (EditOp.INSERT_AFTER, 2, "1. other\n2. list\n\nMore."))
    assert after.markdown == "1. one\n2. new\n3. two\n\nText.\n\n1. other\n2. list\n\nMore.\n"


def _lists() -> Document:
    return document_from_markdown("1. one\n2. two\n\nText.", source_format=SourceFormat.DOCX)


def test_a_block_can_change_its_kind() -> None:
    """A paragraph becomes a heading, an item or a table in its place; a table becomes text."""

    def build(word: WordDocument) -> None:
        formatted(word)
        word.add_heading("A heading", 2)
        table = word.add_table(2, 2)
        for number, text in enumerate("abcd"):
            table.cell(number // 2, number % 2).text = text
        word.add_paragraph("End.")

    data, after = edited(
        made(build),
        (EditOp.REPLACE, 0, "## The quick brown fox"),
        (EditOp.REPLACE, 1, "- Second item"),
        (EditOp.REPLACE, 2, "No heading"),
        (EditOp.REPLACE, 3, "No table."),
        (EditOp.REPLACE, 4, "| x |\n| --- |\n| y |"),
    )
    assert [one.markdown for one in after.blocks] == [
        "## The quick brown fox",
        "- Second item",
        "No heading",
        "No table.",
        "| x |\n| --- |\n| y |",
    ]
    assert runs(data, 0)[1] == ("quick brown", ["color"])


def test_tables_change_cell_by_cell() -> None:
    """Cells, rows and columns change where they were changed; other cells keep their XML."""

    def build(word: WordDocument) -> None:
        table = word.add_table(3, 2)
        for number, text in enumerate(["Name", "Sum", "Ann", "1", "Bob", "2"]):
            table.cell(number // 2, number % 2).text = text
        table.cell(1, 1).paragraphs[0].runs[0].bold = True

    data = made(build)
    rows = "| Name | Sum |\n| --- | --- |\n| Ann | **1** |\n| Cem | 5 |\n| Bob | 3 |"
    result, after = edited(data, (EditOp.REPLACE, 0, rows))
    assert after.blocks[0].markdown == rows
    kept = [etree.tostring(cell, method="c14n") for cell in list(body(data).iter(qn("w:tc")))[:4]]
    assert [etree.tostring(cell, method="c14n") for cell in list(body(result).iter(qn("w:tc")))[:4]] == kept
    fewer = "| Name | Sum |\n| --- | --- |\n| Bob | 2 |"
    assert edited(data, (EditOp.REPLACE, 0, fewer))[1].blocks[0].markdown == fewer
    wider = "| Name | Town | Sum |\n| --- | --- | --- |\n| Ann | Ulm | **1** |\n| Bob | Bonn | 2 |"
    assert edited(data, (EditOp.REPLACE, 0, wider))[1].blocks[0].markdown == wider
    narrower = "| Name |\n| --- |\n| Ann |\n| Bob |"
    assert edited(data, (EditOp.REPLACE, 0, narrower))[1].blocks[0].markdown == narrower


def test_merged_cells_survive_a_change_beside_them() -> None:
    """A table with merged cells keeps them when text changes and when a row is added."""

    def build(word: WordDocument) -> None:
        table = word.add_table(3, 3)
        for number in range(9):
            table.cell(number // 3, number % 3).text = f"c{number}"
        table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"

    data = made(build)
    rows = "| wide |  | c2 |\n| --- | --- | --- |\n| c3 | new | c5 |\n| x | y | z |\n| c6 | c7 | c8 |"
    result, after = edited(data, (EditOp.REPLACE, 0, rows))
    assert after.blocks[0].markdown == rows
    assert len(list(body(result).iter(qn("w:gridSpan")))) == 1


def anchored(word: WordDocument) -> None:
    """A paragraph with a bookmark, a page break, a field and a reference to a note that follows a word."""
    paragraph = word.add_paragraph("See ")
    start = parse_xml(f'<w:bookmarkStart {nsdecls("w")} w:id="7" w:name="here"/>')
    end = parse_xml(f'<w:bookmarkEnd {nsdecls("w")} w:id="7"/>')
    paragraph._p.append(start)
    paragraph.add_run("page ")
    for content in (
        '<w:fldChar w:fldCharType="begin"/>',
        "<w:instrText> PAGE </w:instrText>",
        '<w:fldChar w:fldCharType="separate"/>',
        "<w:t>12</w:t>",
        '<w:fldChar w:fldCharType="end"/>',
    ):
        paragraph._p.append(parse_xml(RUN % content))
    paragraph.add_run(" for more words.")
    word.add_paragraph("Next.")._p.append(end)
    word.add_paragraph("Last.")


def test_fields_and_bookmarks_survive_an_edit_around_and_over_them() -> None:
    """New words go around a field; a field that an edit leaves out stays; bookmarks stay balanced."""
    data, after = edited(made(anchored), (EditOp.REPLACE, 0, "Look at page 12 for many more words."))
    assert after.blocks[0].markdown == "Look at page 12 for many more words."
    data, after = edited(made(anchored), (EditOp.REPLACE, 0, "Look elsewhere."))
    assert "12" in after.blocks[0].markdown
    assert len(list(body(data).iter(qn("w:fldChar")))) == 3


def test_a_deleted_paragraph_leaves_the_other_half_of_a_bookmark() -> None:
    """A bookmark that begins in one paragraph and ends in another keeps both halves when either goes."""
    for place in (0, 1):
        data, after = edited(made(anchored), (EditOp.DELETE, place, ""))
        assert len(after.blocks) == 2
        assert len(list(body(data).iter(qn("w:bookmarkStart")))) == 1
        assert len(list(body(data).iter(qn("w:bookmarkEnd")))) == 1


def test_a_section_outlives_its_last_paragraph() -> None:
    """The paragraph that carries a section's properties hands them to the one before."""

    def build(word: WordDocument) -> None:
        word.add_paragraph("One.")
        word.add_paragraph("Two.")
        word.add_section()
        word.add_paragraph("Three.")
        # python-docx ends a section in a paragraph of its own; Word does it in the last one with text.
        last, carrier = word.paragraphs[1]._p, word.paragraphs[2]._p
        last.get_or_add_pPr().extend(list(carrier.iter(qn("w:sectPr"))))
        word.element.body.remove(carrier)

    data, after = edited(made(build), (EditOp.DELETE, 1, ""))
    assert [one.markdown for one in after.blocks] == ["One.", "Three."]
    assert len(docx.Document(io.BytesIO(data)).sections) == 2


def test_the_last_paragraph_can_go() -> None:
    """A document whose every block is deleted is still a Word file with a paragraph."""
    data = made(formatted)
    before = read(data, name="x.docx")
    result = patch(data, before, apply_edits(before, [Edit(EditOp.DELETE, one.ref) for one in before.blocks]))
    assert [paragraph.text for paragraph in docx.Document(io.BytesIO(result)).paragraphs] == [""]


def test_two_tables_do_not_become_one() -> None:
    """The paragraph between two tables is emptied, not removed; a new table beside a table gets one between."""

    def build(word: WordDocument) -> None:
        word.add_table(2, 2).cell(0, 0).text = "first"
        word.add_paragraph("between")
        word.add_table(2, 2).cell(0, 0).text = "second"

    data = made(build)
    result, after = edited(data, (EditOp.DELETE, 1, ""))
    assert [one.kind for one in after.blocks] == [BlockKind.TABLE, BlockKind.TABLE]
    result, after = edited(data, (EditOp.INSERT_AFTER, 0, "| new |\n| --- |\n| x |"))
    assert [one.kind for one in after.blocks].count(BlockKind.TABLE) == 3
    kinds = [etree.QName(node).localname for node in body(result)]
    assert ("tbl", "tbl") not in list(pairwise(kinds))


def test_text_inserted_into_a_tracked_insertion_is_not_another_authors() -> None:
    """Other people's tracked changes stay theirs: what we write stands outside of them, each with its own id."""

    def build(word: WordDocument) -> None:
        paragraph = word.add_paragraph("Start ")
        inserted = parse_xml(f'<w:ins {nsdecls("w")} w:id="3" w:author="Ann">{RUN % "<w:t>one two</w:t>"}</w:ins>')
        paragraph._p.append(inserted)

    data, after = edited(made(build), (EditOp.REPLACE, 0, "Start one and two"))
    assert after.blocks[0].markdown == "Start one and two"
    found = list(body(data).iter(qn("w:ins")))
    assert ["".join(map(str, one.itertext())) for one in found] == ["one ", "two"]
    assert len({one.get(qn("w:id")) for one in found}) == 2


def test_footnotes_headers_and_their_references_are_changed_in_their_parts() -> None:
    """A note's text changes in the notes, its reference stays in the text, moves with it and is never lost."""
    data = write_docx(_noted())
    result, after = edited(data, (EditOp.REPLACE, 0, "Words[^1] with many a note."), (EditOp.REPLACE, 1, "New text."))
    assert [one.markdown for one in after.blocks] == ["Words[^1] with many a note.", "[^1]: New text."]
    _, after = edited(data, (EditOp.REPLACE, 0, "Nothing left of it."))
    assert "[^1]" in after.blocks[0].markdown
    assert b"footnoteRef" in (read_part(result, "word/footnotes.xml") or b"")


def _noted() -> Document:
    return document_from_markdown("Words with a note[^1].\n\n[^1]: Old text.", source_format=SourceFormat.DOCX)


def test_a_moved_block_moves_with_its_formatting() -> None:
    """A block that stands elsewhere in the new state is moved, runs and all."""
    data = made(formatted)
    before = read(data, name="x.docx")
    after = Document((before.blocks[1], before.blocks[0]), before.next_number)
    result = patch(data, before, after)
    assert [one.markdown for one in read(result, name="x.docx").blocks] == [one.markdown for one in after.blocks]
    assert runs(result, 1) == runs(data, 0)


def test_links_are_kept_extended_and_left() -> None:
    """Text in a link changes in the link; text beside it does not fall into it."""
    data = write_docx(_linked())
    new = "Go to [the new site](https://example.org/) now, please."
    result, after = edited(data, (EditOp.REPLACE, 0, new))
    assert after.blocks[0].markdown == new
    assert len(list(body(result).iter(qn("w:hyperlink")))) == 1
    assert edited(data, (EditOp.REPLACE, 0, "Go to the site."))[1].blocks[0].markdown == "Go to the site."


def _linked() -> Document:
    return document_from_markdown("Go to [the site](https://example.org/) now.", source_format=SourceFormat.DOCX)


@pytest.mark.parametrize("text", ["```\na\nB\nc\n```", "```\na\nc\n```", "```\na\nb\nnew\nc\nlast\n```", "```\nx\n```"])
def test_code_of_a_paragraph_a_line_changes_line_by_line(text: str) -> None:
    """Code that is one paragraph a line in the file stays so."""

    def build(word: WordDocument) -> None:
        word.styles.add_style("Source Code", 1)
        for line in "abc":
            word.add_paragraph(line, style="Source Code")

    data, after = edited(made(build), (EditOp.REPLACE, 0, text))
    assert after.blocks[0].markdown == text
    assert len(body(data).findall(qn("w:p"))) == text.count("\n") - 1
