import pypdfium2  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings

from core.documents.align import document_from_markdown
from core.documents.errors import UnsupportedCharacters
from core.documents.markdown import inline_text
from core.documents.model import BlockKind, Document
from core.documents.writers.columns import column_widths
from core.documents.writers.pdf import write_pdf
from tests.core.documents.building import block, documents

SAMPLE = """\
# Report on *rivers*

A paragraph with **bold**, *italics*, ~~old~~ words, `code`, → ✓ 🚀 and a [link](https://example.org/a).

- one
  - nested
- two

3. three
4. four

> A quotation.

| Region | Length |
|:--|--:|
| North | 12 |

```
def main():
    return 1
```

---

Naïve Übermut, Привет, Ελληνικά, Việt.[^1]

[^1]: The note.
"""


def text_of(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)


def test_the_text_of_a_pdf_is_the_text_of_the_document() -> None:
    """Everything that is read in the Markdown is read in the PDF, in order, markers gone, bullets and numbers there."""
    assert text_of(write_pdf(document_from_markdown(SAMPLE))) == (
        "Report on rivers A paragraph with bold, italics, old words, code, → ✓ 🚀 and a link. "
        "• one ◦ nested • two 3. three 4. four A quotation. Region Length North 12 def main(): return 1 "
        "Naïve Übermut, Привет, Ελληνικά, Việt.1 1 The note."
    )


@settings(max_examples=10, deadline=None)
@given(documents())
def test_every_word_of_any_document_is_there(base: Document) -> None:
    """The words of every block stand in the PDF in order."""
    words = iter(text_of(write_pdf(base)).split())
    assert all(word in words for one in base.blocks for word in inline_text(one.markdown).split())


def test_long_texts_go_on_on_the_next_page() -> None:
    """Paragraphs, tables and code of many pages lose no line; pages are numbered; table heads are repeated."""
    rows = "\n".join(f"| row{number} | {'text ' * 12} |" for number in range(120))
    code = "\n".join(f"line{number}" for number in range(120))
    markdown = f"# T\n\n{'word ' * 3000}\n\n| Head | Text |\n| --- | --- |\n{rows}\n\n```\n{code}\n```\n"
    data = write_pdf(document_from_markdown(markdown))
    text = text_of(data)
    pages = len(pypdfium2.PdfDocument(data))
    assert pages > 8
    assert text.count("word") == 3000
    assert all(f"row{number} " in text and f"line{number} " in f"{text} " for number in range(120))
    assert text.count("Head Text") > 1
    assert f"2 / {pages}" in text


def test_words_and_rows_that_are_too_long_are_broken_not_cut() -> None:
    """A word wider than the line and a row taller than the page are still complete."""
    long_word = "x" * 400
    tall = "<br>".join(f"cell{number}" for number in range(100))
    data = write_pdf(document_from_markdown(f"{long_word}\n\n| a |\n| --- |\n| {tall} |\n"))
    text = text_of(data)
    assert text.count("x") == 400
    assert all(f"cell{number}" in text for number in range(100))


def test_characters_without_a_glyph_are_named() -> None:
    """A script that the fonts lack is refused by name, each character once; nothing is dropped in silence."""
    with pytest.raises(UnsupportedCharacters) as caught:
        write_pdf(document_from_markdown("# 漢字\n\nText with 漢 and ع."))
    assert caught.value.characters == ("漢", "字", "ع")


def test_invisible_characters_need_no_glyph() -> None:
    """Soft hyphens, joiners and variation selectors are no text on paper."""
    assert text_of(write_pdf(document_from_markdown("so\u00adft\u200b \u2764\ufe0f"))) == "soft ❤"


def test_combined_letters_are_drawn_as_one() -> None:
    """A letter and its accent are the one letter that the fonts have."""
    assert text_of(write_pdf(document_from_markdown("e\u0301"))) == "é"


def test_headings_are_the_outline_and_links_lead_somewhere() -> None:
    """Headings are bookmarks of the PDF, and a link is a link."""
    data = write_pdf(document_from_markdown(SAMPLE))
    assert [entry.get_title() for entry in pypdfium2.PdfDocument(data).get_toc()] == ["Report on rivers"]
    assert b"/URI (https://example.org/a)" in data


def test_equal_documents_are_equal_bytes() -> None:
    """Writing twice gives the same bytes."""
    assert write_pdf(document_from_markdown(SAMPLE)) == write_pdf(document_from_markdown(SAMPLE))


def test_page_headers_stand_on_every_page() -> None:
    """Header and footer of a Word file are on each page of its PDF."""
    base = Document(
        (
            block(1, BlockKind.HEADER, "Confidential"),
            block(2, BlockKind.PARAGRAPH, "word " * 1500),
            block(3, BlockKind.FOOTER, "Imprint"),
        ),
        4,
    )
    data = write_pdf(base)
    pages = len(pypdfium2.PdfDocument(data))
    assert pages > 1
    assert (text_of(data).count("Confidential"), text_of(data).count("Imprint")) == (pages, pages)


@pytest.mark.parametrize("markdown", ["", "-\n", "#\n", "> \n", "```\n```", "| |\n| --- |\n| |"])
def test_empty_forms_do_no_harm(markdown: str) -> None:
    """A document of nothing is still a PDF of one page."""
    assert len(pypdfium2.PdfDocument(write_pdf(document_from_markdown(markdown)))) == 1


@pytest.mark.parametrize(
    ("longest", "widest", "available", "expected"),
    [
        ([10, 10], [10, 30], 80, [20, 60]),
        ([10, 10], [50, 110], 100, [33, 67]),
        ([60, 60], [60, 60], 60, [30, 30]),
    ],
)
def test_columns_fill_the_line(
    longest: list[float], widest: list[float], available: float, expected: list[float]
) -> None:
    """Columns share the line by what they hold, and no word is broken while there is room for it."""
    result = column_widths(longest, widest, available)
    assert [round(width) for width in result] == expected
    assert sum(result) == pytest.approx(available)
