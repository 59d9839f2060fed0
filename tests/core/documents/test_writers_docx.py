import io
import zipfile
from itertools import pairwise

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import assume, given, settings

from core.documents.align import document_from_markdown
from core.documents.model import BlockKind, Document, Origin
from core.documents.readers.docx import read
from core.documents.writers.docx import write_docx
from core.documents.writers.markdown import write_markdown, write_text
from tests.core.documents.building import block, documents

SAMPLE = """\
# Report on *rivers*

A paragraph with **bold**, *italics*, ~~old~~ words, `code` and a [link](https://example.org/a?b=c).\\
A second line.

- one
  - nested
    1. deep one
    2. deep two
- two

Then:

1. first
2. second

Between two lists.

1. again first
2. again second

> A quotation.

| Region | Length |
| --- | --- |
| North | **12** |
| South | *8* km |

```
def main():
    return 1
```

## A note[^1]

Last words.

[^1]: The *note*.
"""


def again(markdown: str) -> str:
    return read(write_docx(document_from_markdown(markdown)), name="x.docx").markdown


def test_what_is_written_is_read_again() -> None:
    """Markdown to Word and back is the same Markdown: headings, lists that restart, tables, notes, formats."""
    assert again(SAMPLE) == SAMPLE


@pytest.mark.parametrize(
    "markdown",
    [
        "###### Deepest heading\n",
        "- a\n\nText.\n\n- b\n",
        "3. three\n4. four\n",
        "- a\n  1. b\n- c\n  1. d\n",
        "**bold *both* bold**\n",
        "[**bold link**](https://example.org/)\n",
        "~~`struck code`~~ and text\n",
        "| a |\n| --- |\n| x<br>y |\n",
        "> one\n\n> two\n",
        "```\na\n\n  b\n```\n",
    ],
)
def test_small_forms_survive(markdown: str) -> None:
    """Each form alone comes back as it was."""
    assert again(markdown) == markdown


@settings(max_examples=8, deadline=None)
@given(documents())
def test_any_document_survives(base: Document) -> None:
    """Kinds and texts of generated documents come back from Word in order."""
    kinds = [one.kind for one in base.blocks]
    # Two code blocks without text between them are one to Word; and a file without text is none to the reader.
    assume(kinds and (BlockKind.CODE, BlockKind.CODE) not in pairwise(kinds))
    result = read(write_docx(base), name="x.docx")
    assert [(one.kind, one.markdown) for one in result.blocks] == [(one.kind, one.markdown) for one in base.blocks]


def test_page_headers_footers_and_text_boxes_are_written() -> None:
    """A document read from another Word file keeps header and footer; its comments are not part of the text."""
    base = Document(
        (
            block(1, BlockKind.HEADER, "Top", part="word/header1.xml"),
            block(2, BlockKind.PARAGRAPH, "Body."),
            block(3, BlockKind.FOOTER, "Bottom", part="word/footer1.xml"),
            block(4, BlockKind.COMMENT, "**A**: remark", part="word/comments.xml"),
        ),
        5,
    )
    result = read(write_docx(base), name="x.docx")
    assert [(one.kind, one.markdown) for one in result.blocks] == [
        (BlockKind.HEADER, "Top"),
        (BlockKind.PARAGRAPH, "Body."),
        (BlockKind.FOOTER, "Bottom"),
    ]


def test_lists_have_real_numbering_and_headings_real_styles() -> None:
    """Word sees lists as lists and headings as headings, not as text that looks like them."""
    word = docx.Document(io.BytesIO(write_docx(document_from_markdown(SAMPLE))))
    by_text = {paragraph.text: paragraph for paragraph in word.paragraphs}
    style = by_text["Report on rivers"].style
    assert style is not None
    assert style.name == "Heading 1"
    numbers = [
        [node.get(qn("w:val")) for node in by_text[text]._p.iter(qn("w:numId"))]
        for text in ("first", "second", "again first", "again second")
    ]
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]


def test_equal_documents_are_equal_bytes() -> None:
    """Writing twice gives the same bytes, so that a result that is exported again is the same file."""
    assert write_docx(document_from_markdown(SAMPLE)) == write_docx(document_from_markdown(SAMPLE))


def test_what_xml_cannot_hold_is_left_out() -> None:
    """Control characters do not break the file."""
    assert again("Bell\x07 rings\x0b here\n") == "Bell rings here\n"


def test_script_links_stay_text() -> None:
    """A link to anything but the web, mail, FTP or a phone is written as its text."""
    data = write_docx(document_from_markdown("[x](https://example.org) and [evil](data:text/html,hi)"))
    relations = zipfile.ZipFile(io.BytesIO(data)).read("word/_rels/document.xml.rels")
    assert b"https://example.org" in relations
    assert b"data:text" not in relations


def test_markdown_is_the_blocks_as_they_stand() -> None:
    """The Markdown of a draft is the draft; comments of a Word file are left out."""
    assert write_markdown(document_from_markdown(SAMPLE)) == SAMPLE
    comment = block(1, BlockKind.COMMENT, "remark")
    assert write_markdown(Document((comment,), 2)) == ""


def test_plain_text_is_what_one_reads() -> None:
    """Plain text shows bullets, numbers, cells and notes, and no markers."""
    text = write_text(document_from_markdown(SAMPLE))
    assert "A paragraph with bold, italics, old words, code and a link.\nA second line.\n" in text
    assert "• one\n  ◦ nested\n    1. deep one\n    2. deep two\n• two\n" in text
    assert "Region\tLength\nNorth\t12\nSouth\t8 km\n" in text
    assert text.endswith("Last words.\n\n[1] The note.\n")


def test_an_origin_does_not_matter_to_a_new_file() -> None:
    """Where a block once stood says nothing about a file that is written anew."""
    draft = document_from_markdown("Text.")
    moved = Document((block(1, BlockKind.PARAGRAPH, "Text."),), 2)
    assert moved.blocks[0].origin == Origin("text", 0)
    assert write_docx(draft) == write_docx(moved)
