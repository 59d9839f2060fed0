"""Views drawn with Rich. Everything a model or a file wrote passes `harmless` first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text as RichText

from bots.posting.text import blocks_of, tables_to_code
from bots.views.elements import (
    Buttons,
    Divider,
    Element,
    Fields,
    Files,
    Heading,
    Link,
    ProgressLine,
    Quote,
    Small,
    Table,
    Text,
)
from bots.views.streams import harmless

# What begins a block of HTML or a note of a link, after whatever opens its line; entities, but not those in code.
_BEGINS = re.compile(r"^(?P<before>[\s>*+\-\d.)]*)(?P<sign><|\[(?=[^\]]+\]:))")
_CODE_OR_ENTITY = re.compile(r"(?<![`\\])(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)|(?P<entity>&(?=#?\w+;))")
_ANY_WIDTH = 1_000  # columns, to ask how wide something would like to be
_BOLD = re.compile(r"(?m)(?<![*\\])\*\*(?=\S)([^\n]+?)(?<=\S)\*\*(?!\*)")
_ASIDE = re.compile(r"(?m)(^| )_(\S[^\n]*)_$")


def draw(elements: Sequence[Element], files: Mapping[str, str]) -> RenderableType:
    """Return a panel titled by the first heading."""
    title = ""
    if elements and isinstance(elements[0], Heading):
        title = elements[0].text
        elements = elements[1:]
    body = [_draw(element, files) for element in elements if not isinstance(element, Buttons)]
    return Panel(
        Group(*body), title=RichText(harmless(title), style="bold"), title_align="left", box=box.ROUNDED, padding=(0, 1)
    )


def _draw(element: Element, files: Mapping[str, str]) -> RenderableType:  # noqa: C901, PLR0911 - one return a kind
    match element:
        case Heading(text):
            return RichText(f"\n{harmless(text)}", style="bold underline")
        case Text(markdown):
            # two blanks before a line end keep the line break in Markdown; a link shows where it leads
            return _Prose(_shown_whole(harmless(markdown)).replace("\n", "  \n"), hyperlinks=False)
        case Small(markdown):
            return RichText(harmless(markdown), style="dim italic")
        case Quote(text):
            return Padding(RichText(harmless(text), style="italic"), (0, 0, 0, 4))
        case Fields(pairs):
            return _grid(pairs)
        case Table():
            return _Rows(element)
        case ProgressLine(label, done, total):
            return RichText(harmless(f"{label} ({done} of {total})" if total else label))
        case Divider():
            return Rule(style="dim")
        case Link(label, url):
            return RichText(harmless(f"{label}: {url}"))
        case Files(file_ids):
            names = ", ".join(files.get(file_id, file_id) for file_id in file_ids)
            return RichText(harmless(f"Files: {names}"))
        case Buttons():
            return RichText()


def unmarked(text: str) -> str:
    """Return plain lines without the stars and underscores of our own emphasis, which nothing would draw there."""
    return _ASIDE.sub(r"\1\2", _BOLD.sub(r"\1", text))


class _Prose(Markdown):
    """Markdown in which tags and pictures are text, as everything is that somebody wrote and wants to be read."""

    def __init__(self, markup: str, *, hyperlinks: bool) -> None:
        super().__init__(markup, hyperlinks=hyperlinks)
        for block in self.parsed:
            for token in block.children or ():
                if token.type == "image":
                    token.content = f"![{token.content}]({token.attrs.get('src', '')})"
                if token.type in {"image", "html_inline"}:
                    token.type = "text"


def _shown_whole(markdown: str) -> str:
    """Return *markdown* in which nothing is swallowed: tags, entities and notes of links stand as they are.

    What somebody wrote is text to be read here, not a page to be built; a writer who asks about ``<b>`` must see it.
    """
    lines: list[str] = []
    in_code, _ = tables_to_code(markdown)  # a table of Rich's cuts off a word that is longer than its cell
    for _, block in blocks_of(in_code, raw=True):
        is_code = len(block) > 1
        lines += block if is_code else [_literal(line) for line in block]
    return "\n".join(lines)


def _literal(line: str) -> str:
    line = _BEGINS.sub(r"\g<before>\\\g<sign>", line)
    return _CODE_OR_ENTITY.sub(lambda found: f"\\{found[0]}" if found["entity"] else found[0], line)


def _grid(pairs: Sequence[tuple[str, str]]) -> RichTable:
    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for name, value in pairs:
        grid.add_row(harmless(name), RichText(harmless(value)))
    return grid


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table; where the terminal is too narrow for it, a line a row instead of columns of single letters."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = _table(self.table)
        if console.measure(drawn, options=options.update(max_width=_ANY_WIDTH)).maximum <= options.max_width:
            yield drawn
            return
        for row in self.table.rows:
            line = RichText(harmless(" · ".join(cell for cell in row if cell.strip())))
            yield Padding(line, (0, 0, 0, 2))
        yield ""


def _table(table: Table) -> RichTable:
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, header in enumerate(table.headers):
        drawn.add_column(harmless(header), justify="right" if number in table.right else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(RichText(harmless(cell)) for cell in row))
    return drawn
