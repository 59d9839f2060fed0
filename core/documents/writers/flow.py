"""What a page shows, in order: the form between Markdown blocks and the writers of DOCX and PDF."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from markdown_it.token import Token

from core.documents.markdown import parser
from core.documents.model import Block, BlockKind, Document

_FOOTNOTE_LABEL = re.compile(r"^\[\^(?P<label>[^\]\s]+)\]:[ \t]*")
_FOOTNOTE_REFERENCE = re.compile(r"(\[\^[^\]\s]+\])")
_SAFE_LINK = re.compile(r"(?:https?|ftp|mailto|tel):", re.IGNORECASE)
_CELL_BREAK = re.compile(r" ?<br ?/?> ?", re.IGNORECASE)
_LISTS: Final = ("bullet_list_open", "ordered_list_open")
_PARSER: Final = parser()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in one format.

    Attributes:
        text: What is read; a newline is a line break inside the paragraph.
        bold, italic, strike, code: The format.
        href: Where a link leads, empty for none; never a script or a file.
        note: True for the reference of a footnote, whose label is *text*.
        image: True for a picture, whose description is *text*.
    """

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    href: str = ""
    note: bool = False
    image: bool = False

    @property
    def is_atom(self) -> bool:
        """True for what is not text in a Word file."""
        return self.note or self.image

    @property
    def format(self) -> tuple[bool, bool, bool, bool, str]:
        """How the text looks."""
        return self.bold, self.italic, self.strike, self.code, self.href


@dataclass(frozen=True, slots=True)
class Flow:
    """One paragraph, table, code block or rule.

    Attributes:
        kind: HEADING, PARAGRAPH, LIST_ITEM, TABLE, CODE, RULE, FOOTNOTE, HEADER, FOOTER or TEXT_BOX; a quote is a
            PARAGRAPH (or another kind) with *quotes* above 0.
        spans: The text, for the kinds that have one.
        level: Heading level from 1; list depth from 0 for LIST_ITEM.
        quotes: How many quotes it stands in.
        depth: How many lists it stands in, 0 outside of lists.
        marked: True for the paragraph of a list item that carries the bullet or number.
        ordered: True in a numbered list.
        number: The number of the item in an ordered list.
        starts_list: True for the first item of a list at its depth.
        code: The lines of a code block, without trailing newline.
        rows: Cells of a table, the header row first.
        alignments: ``left``, ``center``, ``right`` or an empty string for each column.
        label: The label of a footnote.
    """

    kind: BlockKind
    spans: tuple[Span, ...] = ()
    level: int = 0
    quotes: int = 0
    depth: int = 0
    marked: bool = False
    ordered: bool = False
    number: int = 0
    starts_list: bool = False
    code: str = ""
    rows: tuple[tuple[tuple[Span, ...], ...], ...] = ()
    alignments: tuple[str, ...] = ()
    label: str = ""


def flow(document: Document) -> Iterator[Flow]:
    """Yield what *document* shows, block after block; comments of a Word file are not shown."""
    lists = _Lists()
    for block in document.blocks:
        if block.kind is BlockKind.COMMENT:
            continue
        if block.kind is not BlockKind.LIST_ITEM:
            lists.end()
        for one in _block_flow(block):
            yield lists.numbered(one) if one.marked else one


def spans_of(markdown: str) -> tuple[Span, ...]:
    """Return the text of a paragraph, heading, item, quote or cell, block markers taken off; blocks in it are lines."""
    result: list[Span] = []
    for one in _walk(_PARSER.parse(_without_label(dedented(markdown)))):
        if result:
            result.append(Span("\n"))
        result += (Span(one.code, code=True),) if one.kind is BlockKind.CODE else one.spans
    return merged(result)


def table_of(markdown: str) -> tuple[tuple[tuple[Span, ...], ...], ...]:
    """Return the cells of a pipe table, the header row first; empty if *markdown* is not one."""
    for one in _walk(_PARSER.parse(markdown)):
        if one.kind is BlockKind.TABLE:
            return one.rows
    return ()


def code_of(markdown: str) -> str:
    """Return the lines of a code block without its fence; *markdown* itself if it is not one."""
    for one in _walk(_PARSER.parse(markdown)):
        if one.kind is BlockKind.CODE:
            return one.code
    return markdown


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return *spans* without empty ones, neighbours of one format made one."""
    result: list[Span] = []
    for span in spans:
        joins = result and result[-1].format == span.format and not (span.is_atom or result[-1].is_atom)
        if joins:
            result[-1] = replace(span, text=result[-1].text + span.text)
        elif span.text or span.is_atom:
            result.append(span)
    return tuple(result)


def plain(spans: Iterable[Span]) -> str:
    """Return the text of *spans*."""
    return "".join(span.text for span in spans)


def dedented(markdown: str) -> str:
    """Return *markdown* without the indentation of its first line: alone, an indented item would be code."""
    indent = markdown[: len(markdown) - len(markdown.lstrip(" \t"))]
    return "\n".join(line.removeprefix(indent) for line in markdown.split("\n")) if indent else markdown


def _without_label(markdown: str) -> str:
    return _FOOTNOTE_LABEL.sub("", markdown, count=1)


def _block_flow(block: Block) -> Iterator[Flow]:
    match block.kind:
        case BlockKind.CODE:
            yield Flow(BlockKind.CODE, code=code_of(block.markdown))
        case BlockKind.FOOTNOTE:
            label = _FOOTNOTE_LABEL.match(block.markdown)
            yield Flow(BlockKind.FOOTNOTE, spans_of(block.markdown), label=label["label"] if label else "")
        case BlockKind.HEADER | BlockKind.FOOTER | BlockKind.TEXT_BOX:
            yield Flow(block.kind, spans_of(block.markdown))
        case BlockKind.LIST_ITEM:
            for one in _walk(_PARSER.parse(dedented(block.markdown))):
                yield replace(
                    one,
                    depth=one.depth + block.level,
                    level=one.level + block.level if one.kind is BlockKind.LIST_ITEM else one.level,
                )
        case _:
            yield from _walk(_PARSER.parse(block.markdown))


class _Lists:
    """Counts the items of numbered lists, at every depth."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[bool, int, int]] = {}

    def end(self) -> None:
        self._last.clear()

    def numbered(self, item: Flow) -> Flow:
        """Return *item* with its number.

        As in CommonMark the first item of a list gives its start and the others count on, except that a 1 after a
        higher number starts again: two lists of a Word file that follow each other are such neighbours here.
        """
        for depth in [depth for depth in self._last if depth > item.depth]:
            del self._last[depth]
        ordered, written, number = self._last.get(item.depth, (None, 0, 0))
        restarts = item.ordered and item.number == 1 and written > 1
        starts = ordered is not item.ordered or restarts
        number = item.number if starts else number + 1
        self._last[item.depth] = (item.ordered, item.number, number)
        return replace(item, number=number, starts_list=starts)


@dataclass(slots=True)
class _Item:
    ordered: bool
    number: int
    marked: bool = False


@dataclass(slots=True)
class _State:
    quotes: int = 0
    lists: list[tuple[bool, int]] = field(default_factory=list)
    items: list[_Item] = field(default_factory=list)


def _walk(tokens: Sequence[Token]) -> Iterator[Flow]:
    state = _State()
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.type == "list_item_close":
            item = _take_marker(state)
            if item:  # an item without text is an item all the same
                yield _marked(state, item, ())
        _follow(state, token)
        if token.type in ("heading_open", "paragraph_open", "footnote_open"):
            position += 1
            yield _text_flow(state, token, tokens[position])
        elif token.type in ("fence", "code_block"):
            item = _take_marker(state)
            if item:  # the bullet of an item that opens with code needs a paragraph to stand in
                yield _marked(state, item, ())
            yield Flow(BlockKind.CODE, code=token.content.rstrip("\n"), quotes=state.quotes, depth=len(state.items))
        elif token.type == "hr":
            yield Flow(BlockKind.RULE, quotes=state.quotes, depth=len(state.items))
        elif token.type == "table_open":
            end = next(index for index in range(position, len(tokens)) if tokens[index].type == "table_close")
            yield _table(state, tokens[position:end])
            position = end
        position += 1


def _follow(state: _State, token: Token) -> None:
    match token.type:
        case "blockquote_open" | "blockquote_close":
            state.quotes += token.nesting
        case "bullet_list_open" | "ordered_list_open":
            start = token.attrGet("start")
            state.lists.append((token.type == "ordered_list_open", int(start) if start is not None else 1))
        case "bullet_list_close" | "ordered_list_close":
            state.lists.pop()
        case "list_item_open":
            ordered, number = state.lists[-1]
            state.lists[-1] = (ordered, number + 1)
            state.items.append(_Item(ordered, number))
        case "list_item_close":
            state.items.pop()
        case _:
            pass


def _take_marker(state: _State) -> _Item | None:
    if not state.items or state.items[-1].marked:
        return None
    state.items[-1].marked = True
    return state.items[-1]


def _marked(state: _State, item: _Item, spans: tuple[Span, ...]) -> Flow:
    depth = len(state.items)
    return Flow(
        BlockKind.LIST_ITEM,
        spans,
        level=depth - 1,
        quotes=state.quotes,
        depth=depth,
        marked=True,
        ordered=item.ordered,
        number=item.number,
    )


def _text_flow(state: _State, token: Token, inline: Token) -> Flow:
    spans = merged(_spans(inline.children or ()))
    item = _take_marker(state)
    if item:
        return _marked(state, item, spans)
    if token.type == "heading_open":
        return Flow(BlockKind.HEADING, spans, level=int(token.tag[1]), quotes=state.quotes, depth=len(state.items))
    return Flow(BlockKind.PARAGRAPH, spans, quotes=state.quotes, depth=len(state.items))


def _table(state: _State, tokens: Sequence[Token]) -> Flow:
    rows: list[list[tuple[Span, ...]]] = []
    alignments: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open") and len(rows) == 1:
            alignments.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
        elif token.type == "inline":
            rows[-1].append(_cell(token))
    return Flow(
        BlockKind.TABLE,
        quotes=state.quotes,
        depth=len(state.items),
        rows=tuple(tuple(row) for row in rows),
        alignments=tuple(alignments),
    )


def _cell(token: Token) -> tuple[Span, ...]:
    """Return the spans of a cell; a pipe table has no other way to say a line break than ``<br>``."""
    return merged(
        span if span.code else replace(span, text=_CELL_BREAK.sub("\n", span.text))
        for span in merged(_spans(token.children or ()))
    )


def _spans(tokens: Sequence[Token]) -> Iterator[Span]:
    bold = italic = strike = 0
    href = ""
    for token in tokens:
        match token.type:
            case "strong_open" | "strong_close":
                bold += token.nesting
            case "em_open" | "em_close":
                italic += token.nesting
            case "s_open" | "s_close":
                strike += token.nesting
            case "link_open":
                target = str(token.attrGet("href") or "")
                href = target if _SAFE_LINK.match(target) else ""
            case "link_close":
                href = ""
            case _:
                style = Span("", bold > 0, italic > 0, strike > 0, token.type == "code_inline", href)
                yield from _text_spans(token, style)


def _text_spans(token: Token, style: Span) -> Iterator[Span]:
    if token.type == "softbreak":
        yield replace(style, text=" ")
    elif token.type == "hardbreak":
        yield replace(style, text="\n")
    elif token.type == "image":
        yield replace(style, text=token.content, image=True)
    elif style.code:
        yield replace(style, text=token.content)
    else:
        for part in _FOOTNOTE_REFERENCE.split(token.content):
            note = part.startswith("[^")
            yield replace(style, text=part[2:-1] if note else part, note=note)
