"""Markdown cut into block pieces, and the text that a reader of it sees."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.paragraph import paragraph
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from core.documents.model import BlockKind

_NEWLINE = re.compile(r"\r\n?|\n")
_BLANK = " \t"
_FOOTNOTE = re.compile(r" {0,3}\[\^(?P<label>[^\]\s]+)\]:[ \t]*")
_FOOTNOTE_REFERENCE = re.compile(r"\[\^(?P<label>[^\[\]\s\\]+)\](?!\()")
_INDENTED_ITEM = re.compile(r"[ \t]+(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)")
_BREAK_TAG = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]*(?:[-+*]|(?P<number>\d{1,9})[.)])(?P<rest>.*)")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?=[\w-]+[ \t]*:)(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|$)")

# Deep enough for any text by people, shallow enough for Python's stack: each level costs two or three frames.
_MAX_NESTING: Final = 60

_KINDS: Final = {
    "heading_open": BlockKind.HEADING,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
    "table_open": BlockKind.TABLE,
    "blockquote_open": BlockKind.QUOTE,
    "hr": BlockKind.RULE,
    "footnote_open": BlockKind.FOOTNOTE,
}
_LISTS: Final = ("bullet_list_open", "ordered_list_open")
# Of one block, two pieces of inline text (cells, items, lines of a quote) are divided by these.
_DIVIDERS: Final = {"th_close": "\t", "td_close": "\t"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One block of a Markdown text.

    Attributes:
        kind: What it is.
        markdown: Its source lines, markers and the indentation that matters included, without a trailing newline.
        level: Heading level 1 to 6, list depth from 0; 0 elsewhere.
        line: Its first line in the text, from 0.
        lines: How many lines it covers, >= 1.
    """

    kind: BlockKind
    markdown: str
    level: int
    line: int
    lines: int


def parser() -> MarkdownIt:
    """Return the Markdown dialect of the product: CommonMark without HTML, pipe tables, strikethrough, footnotes.

    A footnote is a paragraph that opens with ``[^1]: ``: ``footnote_open`` (its label in ``meta``), ``inline``,
    ``footnote_close``. Its reference ``[^1]`` is a ``footnote_ref``: label in ``meta``, source in ``content``.
    ``<br>``, the one way to break a line in a cell, is a ``hardbreak``.
    """
    markdown_it = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING}).enable(
        ["table", "strikethrough"]
    )
    markdown_it.block.ruler.before(
        "reference", "footnote", _footnote, {"alt": ["paragraph", "reference", "blockquote"]}
    )
    markdown_it.inline.ruler.before("autolink", "break_tag", _break_tag)
    markdown_it.inline.ruler.before("link", "footnote_ref", _footnote_reference)
    return markdown_it


def _break_tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = _BREAK_TAG.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push("hardbreak", "br", 0)
    state.pos = match.end()
    return True


def _footnote_reference(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = _FOOTNOTE_REFERENCE.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("footnote_ref", "", 0)
        token.content = match.group()
        token.meta = {"label": match["label"]}
    state.pos = match.end()
    return True


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser's signature
    match = _FOOTNOTE.match(state.getLines(start, start + 1, state.blkIndent, False))  # noqa: FBT003
    if match is None or state.is_code_block(start):
        return False
    if not silent:
        paragraph(state, start, end, silent)
        opening, inline, closing = state.tokens[-3:]
        opening.type, closing.type = "footnote_open", "footnote_close"
        opening.meta = {"label": match["label"]}
        inline.content = inline.content[len(match.group().lstrip(" ")) :]
    return True


_PARSER: Final = parser()


def split_blocks(text: str) -> list[Piece]:
    """Return the blocks of *text* in order; every line that is not blank stands in exactly one of them.

    Each list item, at any depth, is a piece of its own: its marker, its indentation and what belongs to it, up to the
    next item. Text that follows a nested list goes with the item before it. Joined as `Document.markdown` joins blocks,
    the pieces say what *text* says, except that a loose list becomes a tight one. Link definitions become paragraphs.
    A fence that is never closed is closed.
    """
    lines = _NEWLINE.split(text)
    pieces: list[Piece] = []
    reached = 0
    for start, end, tokens in _top_level(_PARSER.parse(text)):
        pieces += _definitions(lines, reached, start)
        for piece in _pieces(lines, start, end, tokens):
            if pieces and _would_nest(pieces[-1], piece):
                piece = _merged(pieces.pop(), piece)  # noqa: PLW2901 - the same piece, longer
            pieces.append(piece)
        reached = end
    pieces += _definitions(lines, reached, len(lines))
    return [piece for piece in pieces if piece.markdown.strip()]


def inline_text(markdown: str) -> str:
    """Return the text that a reader sees: no markers, link targets, escapes or footnote references.

    Blocks, rows and hard breaks are divided by a newline, cells by a tab; other line breaks become spaces.
    """
    if _INDENTED_ITEM.match(markdown):
        markdown = markdown.lstrip(_BLANK)
    text: list[str] = []
    divider = ""
    for token in _PARSER.parse(markdown):
        if token.type in ("inline", "fence", "code_block"):
            content = _visible(token.children or ()) if token.type == "inline" else token.content.rstrip("\n")
            text += [divider, content] if text else [content]
            divider = "\n"
        else:
            divider = _DIVIDERS.get(token.type, "\n" if token.type == "tr_close" else divider)
    return "".join(text)


def split_front_matter(text: str) -> tuple[str, str]:
    """Return the YAML front matter that opens *text*, fences included, and the rest; the first is empty if none."""
    match = _FRONT_MATTER.match(text)
    return (match.group().rstrip(), text[match.end() :]) if match else ("", text)


def _visible(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    for token in tokens:
        match token.type:
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(_visible(token.children or ()))
            case "footnote_ref":
                pass
            case _:
                parts.append(token.content)
    return "".join(parts)


def _top_level(tokens: Sequence[Token]) -> Iterator[tuple[int, int, Sequence[Token]]]:
    """Yield first line, line after the last, and tokens of every block that stands in no other."""
    first = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            span = tokens[first].map
            if span is not None:
                yield span[0], span[1], tokens[first : index + 1]
            first = index + 1


def _pieces(lines: list[str], start: int, end: int, tokens: Sequence[Token]) -> list[Piece]:
    opening = tokens[0]
    if opening.type in _LISTS:
        return _items(lines, start, end, tokens)
    if opening.type == "paragraph_open":
        children = tokens[1].children or []
        is_image = len(children) == 1 and children[0].type == "image"
        return [_piece(lines, start, end, BlockKind.IMAGE if is_image else BlockKind.PARAGRAPH)]
    if opening.type == "fence":
        return [_fence(lines, start, end, opening.markup)]
    level = int(opening.tag[1]) if opening.type == "heading_open" else 0
    return [_piece(lines, start, end, _KINDS[opening.type], level)]


def _piece(lines: list[str], start: int, end: int, kind: BlockKind, level: int = 0) -> Piece:
    while end > start + 1 and not lines[end - 1].strip(_BLANK):
        end -= 1
    markdown = "\n".join(lines[start:end])
    if kind is BlockKind.LIST_ITEM:
        markdown = markdown.rstrip(_BLANK)
    elif kind is not BlockKind.CODE:
        markdown = markdown.strip(_BLANK)
    return Piece(kind, markdown, level, start, end - start)


def _fence(lines: list[str], start: int, end: int, markup: str) -> Piece:
    """Return a fenced block, closed and at the margin, where it cannot look like a part of the list above."""
    indent = len(lines[start]) - len(lines[start].lstrip(" "))
    source = [line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in lines[start:end]]
    piece = _piece(source, 0, end - start, BlockKind.CODE)
    closed = _is_closed(piece.markdown, markup)
    return replace(piece, markdown=piece.markdown if closed else f"{piece.markdown}\n{markup}", line=start)


def _is_closed(markdown: str, markup: str) -> bool:
    first, _, last = markdown.rpartition("\n")
    closing = last.strip(_BLANK)
    return bool(first) and closing.startswith(markup) and not closing.strip(markup[0])


def _items(lines: list[str], start: int, end: int, tokens: Sequence[Token]) -> list[Piece]:
    """Cut a list where its items start; the depth of a line is that of the last item that starts on it."""
    depths: dict[int, int] = {start: 0}
    depth, quotes, previous = -1, 0, ""
    for token in tokens:
        if token.type in _LISTS:
            depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        elif token.type == "list_item_open" and token.map is not None and not quotes:
            line = token.map[0]
            opens_nested_list = depth > 0 and previous in _LISTS
            if line in depths or not (opens_nested_list and _needs_blank_line(lines[line])):
                depths[line] = depth
        previous = token.type
    starts = [*sorted(depths), end]
    return [_piece(lines, first, after, BlockKind.LIST_ITEM, depths[first]) for first, after in pairwise(starts)]


def _needs_blank_line(line: str) -> bool:
    """Tell whether the item on *line* would be swallowed by a paragraph right above it (CommonMark 0.31, 5.2)."""
    match = _ITEM.match(line)
    return match is None or not match["rest"].strip() or match["number"] not in (None, "1")


def _would_nest(above: Piece, piece: Piece) -> bool:
    """Tell whether *piece* is no child of the empty item above it only because of the blank line between them."""
    if above.kind is not BlockKind.LIST_ITEM or piece.kind is not BlockKind.LIST_ITEM:
        return False
    apart = above.line + above.lines < piece.line
    empty = _ITEM.fullmatch(above.markdown.rpartition("\n")[2])
    return apart and piece.markdown.startswith(tuple(_BLANK)) and empty is not None and not empty["rest"].strip()


def _merged(above: Piece, piece: Piece) -> Piece:
    blank = "\n" * (piece.line - above.line - above.lines + 1)
    lines = piece.line + piece.lines - above.line
    return replace(above, markdown=f"{above.markdown}{blank}{piece.markdown}", lines=lines)


def _definitions(lines: list[str], start: int, end: int) -> list[Piece]:
    """Return the lines from *start* to *end* that the parser took for link definitions, divided at blank lines."""
    pieces: list[Piece] = []
    first = start
    for number in range(start, end + 1):
        if number == end or not lines[number].strip(_BLANK):
            if number > first:
                pieces.append(_piece(lines, first, number, BlockKind.PARAGRAPH))
            first = number + 1
    return pieces
