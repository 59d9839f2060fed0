"""Formatted text to inline Markdown, so that what is read again is what was written."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from core.documents.markdown import inline_text

_SPECIAL = re.compile(
    r"""
    \\(?=[!-/:-@\[-`{-~]|\n|\Z)                # a backslash that would escape something
    | `
    | (?<![^\W_])_ | _(?![^\W_])               # emphasis; an underscore inside a word is none
    | (?<!\s)\* | \*(?!\s)                     # emphasis; an asterisk between spaces is none
    | ~(?=~) | (?<=~)~
    | (?<=\])[(\[:](?!\Z) | \](?=[(\[:]|\Z)    # a link, a reference, a definition
    | \[(?=\^)                                 # a footnote
    | <(?=[A-Za-z/!?])                         # an autolink; a tag elsewhere than here
    | &(?=\#?\w+;)
    """,
    re.VERBOSE,
)
_LINE_START = re.compile(
    r"""
    (?P<indent>[ \t]*)
    (?: (?P<mark>\#(?=\#{0,5}(?:\s|$)) | > | [-+*](?=\s|$) | [-=|:](?=[-=|:\s]*$)) | (?P<number>\d{1,9})(?P<dot>[.)])(?=\s|$) )?
    """,
    re.VERBOSE,
)
_RISKY = re.compile(r"[\\`*_~\[\]<&|\n]")
_EDGES = re.compile(r"(\A\s+|\s*\n\s*|\s+\Z)")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_CLOSING_HASHES = re.compile(r"(?<!\S)(#+)$")
_SAFE_LINK = re.compile(r"(?:https?|ftp|mailto|tel):\S", re.IGNORECASE)
_UNSAFE_IN_LINK = re.compile(r"[\s()<>\\\x00-\x20]")
_MARKERS: Final = {"bold": "**", "italic": "*", "strike": "~~"}
_BREAK: Final = "\\\n"
_CELL_BREAK: Final = "<br>"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in one format.

    Attributes:
        text: What is read; a newline is a line break within the paragraph.
        bold, italic, strike, code: The format.
        link: Where it leads; empty for nowhere.
        note: Label of a footnote referred to here; *text* is empty then.
        locked: True where the original cannot take an edit.
    """

    text: str = ""
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    note: str = ""
    locked: bool = False

    @property
    def is_formatted(self) -> bool:
        """True if the text is anything but plain."""
        return self.bold or self.italic or self.strike or self.code or bool(self.link)

    @property
    def formats(self) -> frozenset[str]:
        """What stands around the text, a link as its target with a leading ``[``."""
        names = {name for name in _MARKERS if getattr(self, name)}
        return frozenset(names | ({f"[{self.link}"} if self.link else set()))


def render(spans: Sequence[Span], *, cell: bool = False) -> str:
    """Return *spans* as one line of inline Markdown, or several where the text breaks.

    `inline_text` of the result is the text of *spans* but for white space at the ends of lines: every character that
    Markdown would take for a marker is escaped. A format that Markdown cannot say there (bold inside a word that ends
    in a quote, say) is left out.

    Args:
        spans: The text.
        cell: True for a cell of a pipe table: breaks become ``<br>`` and pipes are escaped.
    """
    text = "".join(span.text for span in spans)
    if not any(span.note for span in spans):
        if not text.strip():
            return ""
        if not _RISKY.search(text) and not any(span.is_formatted for span in spans):
            return _trimmed(text)
    wanted = _squeezed(text)
    merged = list(_merged(spans))
    plain = [replace(span, bold=False, italic=False, strike=False, code=False) for span in merged]
    for candidate in (merged, [replace(span, italic=False) for span in merged], plain):
        markdown = _assembled(candidate)
        if cell:
            markdown = markdown.replace(_BREAK, _CELL_BREAK).replace("|", "\\|")
        if _squeezed(inline_text(as_table([[markdown]]) if cell else as_paragraph(markdown))) == wanted:
            return markdown
    escaped = "".join(f"[^{span.note}]" if span.note else _PUNCTUATION.sub(r"\\\1", span.text) for span in merged)
    return _trimmed(escaped).replace("\n", _CELL_BREAK if cell else _BREAK)


def as_paragraph(markdown: str) -> str:
    """Return inline Markdown that no line of opens a list, a heading, a quote, a rule or a table."""
    return "\n".join(_LINE_START.sub(_escape_line_start, line, count=1) for line in markdown.split("\n"))


def as_heading(markdown: str, level: int) -> str:
    """Return the heading; breaks become spaces, since a heading is one line."""
    line = markdown.replace(_BREAK, " ").replace("\n", " ")
    return f"{'#' * level} {_CLOSING_HASHES.sub(lambda match: f'{chr(92)}{match[1]}', line)}"


def as_quote(markdown: str) -> str:
    """Return the paragraph as a quote."""
    return "\n".join(f"> {line}" for line in as_paragraph(markdown).split("\n"))


def as_code(lines: Iterable[str], language: str = "") -> str:
    """Return a fenced block that its own text cannot close."""
    text = "\n".join(lines)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def as_item(markdown: str, marker: str, indent: int) -> str:
    """Return a list item whose further lines stand under its text."""
    lines = as_paragraph(markdown).split("\n")
    rest = " " * (indent + len(marker) + 1)
    return "\n".join([f"{' ' * indent}{marker} {lines[0]}", *(f"{rest}{line}" for line in lines[1:])])


def as_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table of cells from `render`; the first row is its head, short rows are filled up."""
    width = max(len(row) for row in rows)
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def _escape_line_start(match: re.Match[str]) -> str:
    if match["mark"]:
        return f"\\{match['mark']}"
    return f"{match['number']}\\{match['dot']}" if match["number"] else ""


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _trimmed(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().split("\n"))


def _merged(spans: Sequence[Span]) -> Iterator[Span]:
    """Yield neighbours of one format as one span; white space at the edges of a format stands outside of it."""
    pieces: list[Span] = []
    for span in spans:
        link = span.link if _SAFE_LINK.match(span.link) else ""
        clean = replace(span, link=_UNSAFE_IN_LINK.sub(_percent, link), locked=False)
        if clean.note:
            pieces.append(replace(clean, text=""))
            continue
        pieces += [replace(clean, text=text) for text in _EDGES.split(clean.text) if text]
    for index, piece in enumerate(pieces):
        if piece.text.isspace():
            pieces[index] = _between(pieces, index)
    for _, group in groupby(pieces, key=lambda piece: replace(piece, text="")):
        members = list(group)
        yield replace(members[0], text="".join(member.text for member in members))


def _between(pieces: Sequence[Span], index: int) -> Span:
    """Return the white space at *index* in the format that both its neighbours have."""
    text = pieces[index].text
    before, after = pieces[index - 1] if index else Span(), pieces[index + 1] if index + 1 < len(pieces) else Span()
    if "\n" in text:
        return Span(text)
    code = before.code and after.code
    return Span(
        text,
        bold=before.bold and after.bold,
        italic=before.italic and after.italic,
        strike=before.strike and after.strike,
        code=code,
        link=before.link if before.link == after.link else "",
    )


def _percent(match: re.Match[str]) -> str:
    return f"%{ord(match.group()):02X}"


def _assembled(spans: Sequence[Span]) -> str:
    """Write the markers: what lasts longest opens first, and what closes first closes inside."""
    out: list[str] = []
    open_formats: list[str] = []
    for index, span in enumerate(spans):
        wanted = span.formats
        while not wanted.issuperset(open_formats):
            out.append(_closing(open_formats.pop()))
        for name in sorted(wanted.difference(open_formats), key=lambda name: (-_lasts(spans, index, name), name)):
            open_formats.append(name)
            out.append("[" if name.startswith("[") else _MARKERS[name])
        out.append(_text(span, spans[index + 1 :]))
    out += [_closing(name) for name in reversed(open_formats)]
    return "".join(out).strip()


def _closing(name: str) -> str:
    return f"]({name[1:]})" if name.startswith("[") else _MARKERS[name]


def _lasts(spans: Sequence[Span], index: int, name: str) -> int:
    count = 0
    for span in spans[index:]:
        if name not in span.formats:
            break
        count += 1
    return count


def _text(span: Span, following: Sequence[Span]) -> str:
    if span.note:
        return f"[^{span.note}]"
    if span.code and "\n" not in span.text:
        return _code(span.text)
    text = _SPECIAL.sub(r"\\\g<0>", span.text)
    if not following and text.endswith("\\]"):
        text = f"{text[:-2]}]"
    return re.sub(r"[ \t]*\n[ \t]*", lambda _: _BREAK, text)


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{pad}{text}{pad}{fence}"
