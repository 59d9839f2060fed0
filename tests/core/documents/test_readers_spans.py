import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.documents.markdown import inline_text, split_blocks
from core.documents.model import BlockKind
from core.documents.readers.spans import Span, as_code, as_heading, as_item, as_paragraph, as_quote, as_table, render

_words = st.text(alphabet="ab1 .,*_`~[]()<>!#+-=|\\&;:^/\"'\n中é", max_size=12)
_spans = st.lists(
    st.builds(
        Span,
        text=_words,
        bold=st.booleans(),
        italic=st.booleans(),
        strike=st.booleans(),
        code=st.booleans(),
        link=st.sampled_from(["", "", "https://example.org/a(b) c", "javascript:alert(1)"]),
    ),
    min_size=1,
    max_size=5,
)


def squeezed(text: str) -> str:
    return " ".join(text.split())


@settings(deadline=None)
@given(_spans)
@example([Span("a*b"), Span("c", bold=True), Span('"d"', bold=True), Span("e")])
@example([Span("1. no list")])
@example([Span("[a]"), Span("(b)")])
@example([Span("Title\n===")])
@example([Span("| a |\n|---|")])
@example([Span("\\")])
def test_text_survives_whatever_its_characters(spans: list[Span]) -> None:
    """What is read from the paragraph is what was written, in one paragraph."""
    text = "".join(span.text for span in spans)
    markdown = as_paragraph(render(spans))
    assert squeezed(inline_text(markdown)) == squeezed(text)
    assert [piece.kind for piece in split_blocks(markdown)] == ([BlockKind.PARAGRAPH] if text.strip() else [])


@settings(deadline=None)
@given(st.lists(st.lists(_spans, min_size=2, max_size=2), min_size=1, max_size=3))
def test_cells_survive_whatever_their_characters(rows: list[list[list[Span]]]) -> None:
    """A pipe table has the cells that it was made of."""
    table = as_table([[render(cell, cell=True) for cell in row] for row in rows])
    expected = [squeezed("".join(span.text for span in cell)) for row in rows for cell in row]
    read = inline_text(table)
    assert squeezed(read) == squeezed(" ".join(expected))
    assert read.count("\t") == len(rows)
    assert [piece.kind for piece in split_blocks(table)] == [BlockKind.TABLE]


@settings(deadline=None)
@given(_spans, st.integers(1, 6))
def test_headings_and_quotes_and_items_survive(spans: list[Span], level: int) -> None:
    """The markers around a text never mix with it."""
    text = squeezed("".join(span.text for span in spans))
    inline = render(spans)
    if not text:
        return
    assert squeezed(inline_text(as_heading(inline, level))) == text
    assert squeezed(inline_text(as_quote(inline))) == text
    assert squeezed(inline_text(as_item(inline, "-", 0))) == text
    assert [piece.kind for piece in split_blocks(as_item(inline, "12.", 0))] == [BlockKind.LIST_ITEM]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Span("a "), Span("bold ", bold=True), Span("b")], "a **bold** b"),
        (
            [Span("a "), Span("bold ", bold=True), Span("both", bold=True, italic=True), Span(" c", bold=True)],
            "a **bold *both* c**",
        ),
        (
            [Span("see "), Span("the ", link="https://e.org"), Span("site", bold=True, link="https://e.org")],
            "see [the **site**](https://e.org)",
        ),
        ([Span("x"), Span(note="1"), Span(" y")], "x[^1] y"),
        ([Span("f(`x`)", code=True)], "``f(`x`)``"),
        ([Span("one\ntwo")], "one\\\ntwo"),
        ([Span("gone", strike=True)], "~~gone~~"),
        ([Span("click", link="javascript:alert(1)")], "click"),
        ([Span("5 * 3 = snake_case [1] C:\\dir")], "5 * 3 = snake_case [1] C:\\dir"),
        ([Span(" "), Span("\t", bold=True)], ""),
    ],
)
def test_formats_become_the_markers_that_people_write(spans: list[Span], expected: str) -> None:
    """No more escapes and markers than needed; white space stands outside of them."""
    assert render(spans) == expected


def test_code_cannot_close_its_own_fence() -> None:
    """The fence is longer than any run of backticks in the code."""
    assert inline_text(as_code(["a", "```", "b"])) == "a\n```\nb"
