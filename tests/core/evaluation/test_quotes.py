"""Quotes: what stands in a document, however it was typed, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.model import Block, BlockKind, Document
from core.evaluation.quotes import find_quote

_TEXTS = (
    "## The plan for *next* year",
    "We will open the “northern” office — [see the map](https://example.org/map) — in May.",
    "- **Cost:** 40,000 euros\u00a0a year",
    "| Team | Budget |\n| --- | --- |\n| **North** | 12 |",
    "The plan is not final. It isn't even agreed.",
    "我们将在五月开设新办公室。",
)
DOCUMENT = Document(
    blocks=tuple(Block(f"p{number}", BlockKind.PARAGRAPH, text) for number, text in enumerate(_TEXTS, 1)),
    next_number=len(_TEXTS) + 1,
)


@pytest.mark.parametrize(
    ("named", "quote", "block"),
    [
        ("p1", "The plan for next year", "p1"),
        ("p1", "the plan for *next* year", "p1"),
        ("p2", 'the "northern" office - see the map - in May', "p2"),
        ("p2", "open the northern office", None),
        ("p2", "[see the map](https://example.org/map)", "p2"),
        ("p2", "We  will\nopen", "p2"),
        ("p3", "Cost: 40,000 euros a year", "p3"),
        ("p3", "“Cost: 40,000 euros”", "p3"),
        ("p4", "North | 12", "p4"),
        ("p4", "| **North** | 12 |", "p4"),
        ("p5", "It isn\u2019t even agreed", "p5"),
        ("p5", "The plan ... even agreed.", "p5"),
        ("p5", "even agreed ... The plan", None),
        ("p1", "It isn't even agreed.", "p5"),
        ("", "not final", "p5"),
        ("p99#abcd", "not final", "p5"),
        ("p1", "is not final", "p5"),
        ("p1", "lan for next", None),
        ("p5", "fin", None),
        ("p6", "五月", "p6"),
        ("p5", "The plan is final", None),
        ("p5", "", None),
        ("p5", "...", None),
        ("p1", "[p1#aaaa] The plan for next year", "p1"),
        ("p1", "next year We will open", "p1"),
    ],
)
def test_quotes(named: str, quote: str, block: str | None) -> None:
    """A quote is found where its words stand, whatever block was named, and nowhere when they do not."""
    check = find_quote(DOCUMENT, named, quote)

    assert check.found == (block is not None)
    if block is not None:
        assert check.ref == DOCUMENT.by_id[block].ref


def test_a_wrong_quote_keeps_the_current_address() -> None:
    """A quote that is not found is shown at the block that was named, with its hash of today; or at none."""
    assert find_quote(DOCUMENT, "p5#0000", "nobody wrote this").ref == DOCUMENT.by_id["p5"].ref
    assert find_quote(DOCUMENT, "p77", "nobody wrote this").ref == ""


@given(position=st.integers(0, len(_TEXTS) - 1), start=st.integers(0, 9), length=st.integers(2, 9))
def test_every_run_of_words_is_found(position: int, start: int, length: int) -> None:
    """Any words copied from a block are found in it."""
    words = _TEXTS[position].split()
    quote = " ".join(words[start : start + length])
    if sum(character.isalnum() for character in quote) > 1:
        assert find_quote(DOCUMENT, f"p{position + 1}", quote).found


@given(ref=st.text(max_size=12), quote=st.text(max_size=60))
def test_no_quote_raises(ref: str, quote: str) -> None:
    """Whatever is given as ref and quote is answered."""
    check = find_quote(DOCUMENT, ref, quote)

    assert check.ref == "" or check.ref.split("#")[0] in DOCUMENT.by_id
