"""Lines on pages to blocks: which belong together, which is a heading, which is only repeated on every page."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from core.documents.model import BlockKind, Origin
from core.documents.readers.spans import Span, as_heading, as_item, as_paragraph, render

_ITEM = re.compile(r"(?P<marker>[•‣◦▪▫●○■□➢➤✓*·\u2013-]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]+(?P<text>\S.*)", re.DOTALL)
_NUMBER = re.compile(r"\d{1,3}[.)]$")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|página|pagina|p\.)?\W*(?:\d+|[ivxlc]+)(?:\W+(?:of|von|de|sur|/)?\W*\d+)?\W*$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?:;…\u3002\uff01\uff1f][\"'”\u2019)\]»]*$")
_HYPHENATED = re.compile(r"(?P<left>[^\W\d_]+)[-\u00ad\u2010]$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")

_SAME_LINE: Final = 0.45  # of the size: what differs less in height stands on one line
_WIDE_GAP: Final = 1.35  # of the usual distance of lines
_LOOSE: Final = 1.5  # of the size: lines further apart than that are rarely of one paragraph
_RUNS_ON_FROM: Final = 40  # characters: a line this long may have been broken, a shorter one may be an entry of a list
_INDENT: Final = 0.6  # of the size
_SIZE_STEP: Final = 0.12
_HEADING: Final = 1.15
_HEADING_AT_MOST: Final = 200
_SLIGHT_HEADING: Final = 1.05  # enough for a short line that is no sentence
_SLIGHT_HEADING_AT_MOST: Final = 80
_DEEPEST: Final = 4
_SHORT: Final = 0.7  # of the width of the longest lines
_REPEATED_ON: Final = 3
_EDGE_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text on a page.

    Attributes:
        text: What it says.
        page: Page number from 1.
        x, y: Where it starts, in points from the lower left; None where the page tells no places.
        size: Size of its letters in points, 0 if unknown.
    """

    text: str
    page: int
    x: float | None = None
    y: float | None = None
    size: float = 0.0


@dataclass(slots=True)
class _Paragraph:
    lines: list[Line] = field(default_factory=list)

    @property
    def size(self) -> float:
        return max((line.size for line in self.lines), default=0.0)


@dataclass(frozen=True, slots=True)
class Laid:
    """A block that has no id yet."""

    kind: BlockKind
    markdown: str
    level: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Measure:
    """What is usual in a document: size of letters, distance of lines as a share of it, length of a full line."""

    size: float
    leading: float
    width: int


def lay_out(lines: Sequence[Line]) -> tuple[list[Laid], bool]:
    """Return the blocks that *lines*, in reading order, make up, and whether repeated ones were left out.

    Words divided at the end of a line are joined, unless the document spells them with a hyphen elsewhere. A line that
    stands at the edge of three pages or more is shown once, as header or footer; bare page numbers are not shown.
    """
    body, edges, repeated = _without_edges(_on_one_line(lines))
    measure = _measured(body)
    paragraphs = list(_across_pages(_paragraphs(body, measure)))
    headings = sorted({round(found.size) for found in paragraphs if _is_heading(found, measure)}, reverse=True)
    vocabulary = Counter(word.lower() for line in body for word in _WORD.findall(line.text))
    laid = [_laid(found, measure, headings, vocabulary) for found in paragraphs]
    headers = [_edge(BlockKind.HEADER, line) for line in edges[0]]
    footers = [_edge(BlockKind.FOOTER, line) for line in edges[1]]
    return [*headers, *laid, *footers], repeated


def _on_one_line(lines: Sequence[Line]) -> list[Line]:
    """Join what stands side by side (cells of a table, words set apart) and drop what is blank."""
    joined: list[Line] = []
    for line in lines:
        if not line.text.strip():
            continue
        last = joined[-1] if joined else None
        if last is not None and last.page == line.page and _level_with(last, line):
            joined[-1] = replace(last, text=f"{last.text.rstrip()} {line.text.lstrip()}")
        else:
            joined.append(line)
    return joined


def _level_with(left: Line, right: Line) -> bool:
    if left.y is None or right.y is None or left.x is None or right.x is None:
        return False
    return abs(left.y - right.y) < _SAME_LINE * max(left.size, right.size, 1.0) and right.x > left.x


def _without_edges(lines: list[Line]) -> tuple[list[Line], tuple[list[Line], list[Line]], bool]:
    """Take the running headers and footers out; return the rest, one of each, and whether any was."""
    pages: dict[int, list[Line]] = {}
    for line in lines:
        pages.setdefault(line.page, []).append(line)
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for found in pages.values():
        counts[0].update({_pattern(line) for line in found[:_EDGE_LINES]})
        counts[1].update({_pattern(line) for line in found[-_EDGE_LINES:]})
    needed = max(_REPEATED_ON, len(pages) // 2)
    kept: list[Line] = []
    edges: tuple[list[Line], list[Line]] = ([], [])
    seen: set[str] = set()
    for found in pages.values():
        for index, line in enumerate(found):
            at_top, at_bottom = index < _EDGE_LINES, index >= len(found) - _EDGE_LINES
            pattern = _pattern(line)
            is_header = at_top and counts[0][pattern] >= needed
            is_footer = at_bottom and counts[1][pattern] >= needed
            is_number = (at_top or at_bottom) and len(pages) > 1 and _PAGE_NUMBER.fullmatch(line.text) is not None
            if not (is_header or is_footer or is_number):
                kept.append(line)
            elif not is_number and pattern not in seen:
                seen.add(pattern)
                edges[0 if is_header else 1].append(line)
    return kept, edges, bool(seen)


def _pattern(line: Line) -> str:
    return re.sub(r"\d+", "#", "".join(line.text.split())).lower()


def _measured(lines: Sequence[Line]) -> _Measure:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    size = sizes.most_common(1)[0][0] if sizes else 0.0
    widths = sorted(len(line.text) for line in lines)
    return _Measure(size, _leading(lines, size), widths[len(widths) * 9 // 10] if widths else 0)


def _leading(lines: Sequence[Line], size: float) -> float:
    """Return the usual distance of two lines of one paragraph, as a share of *size*.

    The most common distance is that between paragraphs where most of them have one line. A loose one is therefore
    believed only of lines that go on in the next one.
    """
    gaps: Counter[float] = Counter()
    running_on: Counter[float] = Counter()
    for above, below in pairwise(lines):
        if above.page == below.page and above.y is not None and below.y is not None and above.y > below.y and size:
            gap = round((above.y - below.y) / size, 1)
            gaps[gap] += 1
            running_on[gap] += _runs_on(above, below)
    if not gaps:
        return 1.2
    usual = gaps.most_common(1)[0][0]
    if usual <= _LOOSE:
        return usual
    gap, seen = running_on.most_common(1)[0]
    return gap if seen else _LOOSE


def _runs_on(above: Line, below: Line) -> bool:
    unfinished = _SENTENCE_END.search(above.text.rstrip()) is None
    return unfinished and len(above.text) >= _RUNS_ON_FROM and below.text.lstrip()[:1].islower()


def _paragraphs(lines: Sequence[Line], measure: _Measure) -> Iterator[_Paragraph]:
    current = _Paragraph()
    for line in lines:
        if current.lines and _starts_paragraph(current, line, measure):
            yield current
            current = _Paragraph()
        current.lines.append(line)
    if current.lines:
        yield current


def _starts_paragraph(current: _Paragraph, line: Line, measure: _Measure) -> bool:
    above = current.lines[-1]
    if above.page != line.page or _ITEM.match(line.text):
        return True
    if abs(above.size - line.size) > _SIZE_STEP * max(above.size, line.size):
        return True
    ended = _SENTENCE_END.search(above.text.rstrip()) is not None
    if ended and len(above.text) < _SHORT * measure.width:
        return True
    first_of_item = len(current.lines) == 1 and _ITEM.match(above.text) is not None
    return _stands_apart(above, line, measure, ended=ended, may_indent=first_of_item)


def _stands_apart(above: Line, line: Line, measure: _Measure, *, ended: bool, may_indent: bool) -> bool:
    """Tell whether the place of *line* parts it from the line above: a gap, a new column, an indentation."""
    if above.y is None or line.y is None or above.x is None or line.x is None:
        return False
    gap = above.y - line.y
    if gap < 0:  # the next column
        return ended
    size = max(line.size, 1.0)
    if gap > _WIDE_GAP * max(measure.leading, 1.0) * size:
        return True
    return line.x - above.x > _INDENT * size and ended and not may_indent


def _across_pages(paragraphs: Iterator[_Paragraph]) -> Iterator[_Paragraph]:
    """Join a paragraph that a new page or column broke."""
    waiting: _Paragraph | None = None
    for found in paragraphs:
        if waiting is not None and _goes_on(waiting, found):
            waiting.lines += found.lines
            continue
        if waiting is not None:
            yield waiting
        waiting = found
    if waiting is not None:
        yield waiting


def _goes_on(above: _Paragraph, below: _Paragraph) -> bool:
    last, first = above.lines[-1], below.lines[0]
    if last.page == first.page or abs(last.size - first.size) > _SIZE_STEP * max(last.size, first.size):
        return False
    unfinished = _SENTENCE_END.search(last.text.rstrip()) is None
    return unfinished and first.text.lstrip()[:1].islower()


def _is_heading(found: _Paragraph, measure: _Measure) -> bool:
    if not measure.size:
        return False
    length = sum(len(line.text) for line in found.lines)
    slightly = found.size >= _SLIGHT_HEADING * measure.size and length <= _SLIGHT_HEADING_AT_MOST
    is_sentence = _SENTENCE_END.search(found.lines[-1].text.rstrip()) is not None
    return (found.size >= _HEADING * measure.size and length <= _HEADING_AT_MOST) or (slightly and not is_sentence)


def _laid(found: _Paragraph, measure: _Measure, headings: list[int], vocabulary: Counter[str]) -> Laid:
    origin = Origin("page", found.lines[0].page)
    text = _flowing(found.lines, vocabulary)
    if _is_heading(found, measure):
        level = min(headings.index(round(found.size)) + 1, _DEEPEST)
        return Laid(BlockKind.HEADING, as_heading(render([Span(text)]), level), level, origin)
    item = _ITEM.match(text)
    if item is not None and (not item["marker"].strip("().").isalpha()):
        marker = item["marker"] if _NUMBER.match(item["marker"]) else "-"
        content = item["text"] if marker != "-" or len(item["marker"]) == 1 else text
        return Laid(BlockKind.LIST_ITEM, as_item(render([Span(content)]), marker, 0), 0, origin)
    return Laid(BlockKind.PARAGRAPH, as_paragraph(render([Span(text)])), 0, origin)


def _flowing(lines: Sequence[Line], vocabulary: Counter[str]) -> str:
    text = ""
    for line in lines:
        content = " ".join(line.text.split())
        divided = _HYPHENATED.search(text)
        if divided is not None and content[:1].islower():
            right = _WORD.match(content)
            left = divided["left"]
            tail = right.group().split("-")[0] if right is not None else ""
            spelt_with = vocabulary[f"{left}-{tail}".lower()]
            spelt_without = vocabulary[f"{left}{tail}".lower()]
            text = f"{text[: divided.end() - 1]}{'-' if spelt_with > spelt_without else ''}{content}"
        else:
            text = f"{text} {content}" if text else content
    return text.replace("\u00ad", "")


def _edge(kind: BlockKind, line: Line) -> Laid:
    markdown = as_paragraph(render([Span(" ".join(line.text.split()))]))
    return Laid(kind, markdown, 0, Origin("page", line.page))
