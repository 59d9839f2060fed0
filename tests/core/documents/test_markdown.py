import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.documents.markdown import Piece, inline_text, parser, split_blocks, split_front_matter
from core.documents.model import Block, BlockKind, join_blocks

_FRAGMENTS = (
    "# Heading",
    "Title\n=====",
    "plain words",
    "*soft* **hard** ~~gone~~ `code`",
    "[link](https://example.org)",
    "[ref]: https://example.org",
    "[^1]: note",
    "[^2]: a longer note",
    "![alt](picture.png)",
    "- item",
    "-",
    "  - nested",
    "  -",
    "    - deeper",
    "* star",
    "1. one",
    "   14. fourteen",
    "3) three",
    "> quote\n> more",
    "> - item in quote",
    "- > quote in item",
    "  continued",
    "      indented",
    "```py\nx = 1\n```",
    "```\nopen",
    "~~~\n~~~",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "---",
    "***",
    "- - twice",
    "",
    "\t",
    "    code",
    "\\",
    "&amp; <b>bold</b>",
)
texts = st.lists(
    st.tuples(st.sampled_from(_FRAGMENTS) | st.text(max_size=20), st.sampled_from(["\n", "\n\n", "\r\n", "\n\n\n"])),
    max_size=12,
).map(lambda parts: "".join(line + end for line, end in parts))


def joined(pieces: list[Piece]) -> str:
    return join_blocks(Block(f"p{n}", piece.kind, piece.markdown, piece.level) for n, piece in enumerate(pieces, 1))


def rendered(text: str) -> str:
    """HTML without what tells a loose list from a tight one, or two lists from one (blank lines after an empty item)."""
    return re.sub(r"</?p>|\s+", "", parser().render(text)).replace("</ul><ul>", "")


def shape(pieces: list[Piece]) -> list[tuple[BlockKind, str, int]]:
    return [(piece.kind, piece.markdown, piece.level) for piece in pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n\ntwo\nthree", [("heading", "# One", 1), ("paragraph", "two\nthree", 0)]),
        ("Title\n---\nbody", [("heading", "Title\n---", 2), ("paragraph", "body", 0)]),
        (
            "- a\n  - b\n\n    more\n- c",
            [("list_item", "- a", 0), ("list_item", "  - b\n\n    more", 1), ("list_item", "- c", 0)],
        ),
        ("- a\n  - b\n\n  tail of a", [("list_item", "- a", 0), ("list_item", "  - b\n\n  tail of a", 1)]),
        ("- - a", [("list_item", "- - a", 1)]),
        ("1. a\n\n   14. b", [("list_item", "1. a\n\n   14. b", 0)]),
        ("7. a\n8. b", [("list_item", "7. a", 0), ("list_item", "8. b", 0)]),
        ("```\na\n\n- b\n```", [("code", "```\na\n\n- b\n```", 0)]),
        ("```\nopen", [("code", "```\nopen\n```", 0)]),
        ("    x = 1", [("code", "    x = 1", 0)]),
        ("| a |\n|---|\n| b |", [("table", "| a |\n|---|\n| b |", 0)]),
        ("> a\nlazy\n\n***", [("quote", "> a\nlazy", 0), ("rule", "***", 0)]),
        ("> - a", [("quote", "> - a", 0)]),
        ("![a](b.png)", [("image", "![a](b.png)", 0)]),
        ("[a]: /url\ntext [a]", [("paragraph", "[a]: /url", 0), ("paragraph", "text [a]", 0)]),
        ("[^1]: one\n[^2]: two words", [("footnote", "[^1]: one", 0), ("footnote", "[^2]: two words", 0)]),
        ("<b>x</b>", [("paragraph", "<b>x</b>", 0)]),
        ("", []),
    ],
)
def test_every_kind_of_block_becomes_a_piece(text: str, expected: list[tuple[str, str, int]]) -> None:
    """Pieces keep their markers, indentation and level."""
    assert [(kind.value, markdown, level) for kind, markdown, level in shape(split_blocks(text))] == expected


def test_a_piece_knows_its_lines() -> None:
    """`line` counts from 0 in the text as given, whatever ends its lines."""
    assert [(piece.line, piece.lines) for piece in split_blocks("# a\r\n\r\nb\r\nc\r\n\r\n- d\r\n- e\r\n")] == [
        (0, 1),
        (2, 2),
        (5, 1),
        (6, 1),
    ]


@settings(deadline=None)
@given(texts)
def test_no_word_is_lost_or_moved(text: str) -> None:
    """Every word character of the text stands in the pieces, in the same order."""
    assert re.findall(r"\w", "".join(piece.markdown for piece in split_blocks(text))) == re.findall(r"\w", text)


@settings(deadline=None)
@given(texts)
def test_splitting_what_was_joined_changes_nothing(text: str) -> None:
    """Joined pieces split into the very same pieces."""
    pieces = split_blocks(text)
    assert shape(split_blocks(joined(pieces))) == shape(pieces)


@settings(deadline=None)
@given(texts)
def test_joined_pieces_say_what_the_text_said(text: str) -> None:
    """The rendering of the joined pieces is that of the text, loose lists apart."""
    assert rendered(joined(split_blocks(text))) == rendered(text)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## A *soft* **hard** `x*y` ~~gone~~ end", "A soft hard x*y gone end"),
        ('[text](https://example.org "t") and ![alt *x*](p.png)', "text and alt x"),
        ("1\\. not a list \\*", "1. not a list *"),
        ("      - deep item\n        more", "deep item more"),
        ("- [x] todo", "[x] todo"),
        ("> quoted\n> on\n>\n> and on", "quoted on\nand on"),
        ("| a | b\\|c |\n|---|---|\n| *d* | |", "a\tb|c\nd\t"),
        ("```py\na = *b*\n```", "a = *b*"),
        ("line\\\nbreak", "line\nbreak"),
        ("| a<br>b<BR/>c | \\<br> |\n|---|---|", "a\nb\nc\t<br>"),
        ("said.[^3] More", "said. More"),
        ("said \\[^3] `[^4]`", "said [^3] [^4]"),
        ("[^3]: The note", "The note"),
        ("[^3]: word", "word"),
        ("---", ""),
    ],
)
def test_inline_text_is_what_a_reader_sees(markdown: str, expected: str) -> None:
    """Markers, targets and escapes are gone; words, breaks and cells remain."""
    assert inline_text(markdown) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\ntitle: x\n---\n\n# A", ("---\ntitle: x\n---", "\n# A")),
        ("---\n\n# A\n\n---\n", ("", "---\n\n# A\n\n---\n")),
        ("---\ntitle: x\n", ("", "---\ntitle: x\n")),
        ("# A", ("", "# A")),
    ],
)
def test_front_matter_is_told_from_a_rule(text: str, expected: tuple[str, str]) -> None:
    """Only a closed block that opens the text with a key is front matter."""
    assert split_front_matter(text) == expected
