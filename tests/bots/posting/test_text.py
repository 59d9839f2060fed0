"""Markdown cut into messages: whole, in order, code stays code."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bots.posting.text import split_markdown, tables_to_code

TABLE = "| Who | Score |\n| --- | --- |\n| Ann | 7 |\n| Benjamin | 10 |"


@given(st.text(alphabet=list("ab \n&<"), max_size=600), st.integers(128, 200))
def test_markdown_without_code_is_cut_without_losing_a_letter(text: str, limit: int) -> None:
    """The pieces joined are the text, and each is within the limit."""
    pieces = split_markdown(text, limit)
    assert "".join(pieces) == text
    assert all(len(piece) <= limit for piece in pieces)


@given(
    st.lists(
        st.one_of(
            st.text(alphabet="abc ", min_size=1, max_size=50),
            st.builds(
                lambda info, lines: "\n".join([f"```{info}", *lines, "```"]),
                st.sampled_from(["", "python"]),
                st.lists(st.text(alphabet="xyz ", max_size=40), min_size=1, max_size=12),
            ),
        ),
        max_size=12,
    ),
    st.integers(128, 250),
)
def test_a_fence_is_closed_before_a_cut_and_opened_after_it(blocks: list[str], limit: int) -> None:
    """Every piece has as many fence lines as it needs, the letters are all there, code stays code."""
    text = "\n\n".join(blocks)
    pieces = split_markdown(text, limit)
    assert all(len(piece) <= limit for piece in pieces)
    for piece in pieces:
        assert sum(line.startswith("```") for line in piece.split("\n")) % 2 == 0
    strip = re.compile(r"^```(python)?$", re.MULTILINE)
    together = "".join(strip.sub("", "\n".join(pieces)).split())
    assert together == "".join(strip.sub("", text).split())


@given(st.text(alphabet=list("`~ab \n"), max_size=900), st.integers(1, 200))
def test_no_text_is_too_odd_to_be_cut(text: str, limit: int) -> None:
    """Whatever fences a model opens, the pieces end, and each is within the limit."""
    assert all(len(piece) <= max(limit, 128) for piece in split_markdown(text, limit))
    for marks in ("`" * 5_000, "~~~" + "a" * 5_000, "```\n" * 1_000):
        assert all(len(piece) <= 200 for piece in split_markdown(marks, 200))


def test_text_is_cut_between_paragraphs_first() -> None:
    """A cut falls after a paragraph where one ends in time."""
    first, second = "word " * 20, "other " * 20
    assert split_markdown(f"{first}\n\n{second}", 140) == (f"{first}\n\n", second)


def test_a_second_table_becomes_code() -> None:
    """Where a message holds one table, a table in code is none."""
    text, kept = tables_to_code(f"{TABLE}\n\nthen\n\n{TABLE}", keep=1)
    assert kept == 1
    assert text.count("| --- |") == 1
    assert "Benjamin  10" in text
    fenced = f"```\n{TABLE}\n```"
    assert tables_to_code(fenced) == (fenced, 0)
