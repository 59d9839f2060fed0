"""Lines of type for the PDF writer: which font draws a character, how wide it is, where a line breaks."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.fonts import TTFFont

from core.documents.errors import UnsupportedCharacters
from core.documents.writers.flow import Span

_FONTS: Final = Path(__file__).parent / "fonts"
_FILES: Final = {
    ("sans", ""): "NotoSans-Regular.ttf",
    ("sans", "B"): "NotoSans-Bold.ttf",
    ("sans", "I"): "NotoSans-Italic.ttf",
    ("sans", "BI"): "NotoSans-BoldItalic.ttf",
    ("mono", ""): "NotoSansMono-Regular.ttf",
    ("symbols", ""): "DejaVuSans-Symbols.ttf",
    ("emoji", ""): "NotoEmoji-Regular.ttf",
}
_FALLBACKS: Final = {
    "sans": (("symbols", ""), ("emoji", ""), ("mono", "")),
    "mono": (("symbols", ""), ("emoji", "")),
}

# Not seen on paper: joiners, direction marks, soft hyphens, variation selectors.
_UNSEEN: Final = re.compile(
    "[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_ATOM: Final = re.compile(r"\n|[ \t\u00a0\u2002-\u200a\u202f]+|[^ \t\n\u00a0\u2002-\u200a\u202f]+")
_BREAK_AFTER: Final = re.compile(r"(?<=[^\W\d_][-\u2010/\u2013\u2014])(?=\w)|(?<=\w[\u2014/])(?=\w)")
_GLUE: Final = "\u00a0\u202f"

_CODE_SCALE: Final = 0.92
_NOTE_SCALE: Final = 0.65
_NOTE_RISE: Final = 0.38


@dataclass(frozen=True, slots=True)
class Face:
    """A font at a size, in points."""

    family: str
    style: str
    size: float


@dataclass(frozen=True, slots=True)
class Type:
    """How a paragraph is set.

    Attributes:
        size: Points.
        bold, italic, mono: The base that inline formats are laid on.
    """

    size: float
    bold: bool = False
    italic: bool = False
    mono: bool = False


@dataclass(slots=True)
class Run:
    """Text drawn in one go: its place from the left edge of the line, and its width, in points."""

    text: str
    face: Face
    href: str = ""
    strike: bool = False
    shaded: bool = False
    rise: float = 0.0
    x: float = 0.0
    width: float = 0.0

    def joins(self, other: "Run") -> bool:
        """Tell whether *other* may be drawn together with this one."""
        mine = (self.face, self.href, self.strike, self.shaded, self.rise)
        return mine == (other.face, other.href, other.strike, other.shaded, other.rise)


@dataclass(slots=True)
class Line:
    """Runs from left to right, and their whole width in points."""

    runs: list[Run] = field(default_factory=list)
    width: float = 0.0

    def add(self, run: Run) -> None:
        if self.runs and self.runs[-1].joins(run):
            self.runs[-1].text += run.text
            self.runs[-1].width += run.width
        else:
            run.x = self.width
            self.runs.append(run)
        self.width += run.width


class Typesetter:
    """Measures and breaks text with the fonts of one PDF, each loaded when its first character comes."""

    def __init__(self, pdf: FPDF) -> None:
        self._pdf = pdf
        self._glyphs: dict[tuple[str, str], frozenset[int]] = {}
        self._widths: dict[tuple[str, Face], float] = {}
        self._families: dict[tuple[str, str, str], tuple[str, str] | None] = {}
        self.missing: dict[str, None] = {}

    def check(self) -> None:
        """Raise if any text so far had characters that no font has.

        Raises:
            UnsupportedCharacters: It names them all.
        """
        if self.missing:
            raise UnsupportedCharacters(tuple(self.missing))

    def close(self) -> None:
        """Close the files of the fonts, which fpdf2 leaves open."""
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def use(self, face: Face) -> None:
        """Make *face* the current font of the PDF."""
        self._glyphs_of((face.family, face.style))
        self._pdf.set_font(face.family, face.style, face.size)

    def lines(self, spans: Iterable[Span], kind: Type, width: float) -> list[Line]:
        """Return *spans* broken into lines of at most *width* points; at least one line, possibly empty."""
        result = [Line()]
        space: list[Run] = []
        for word in self._words(spans, kind):
            if word[0].text == "\n":
                result.append(Line())
                space = []
            elif word[0].text.isspace():
                space = word
            else:
                room = width - result[-1].width - sum(run.width for run in space)
                needed = sum(run.width for run in word)
                if needed > room and result[-1].runs:
                    result.append(Line())
                elif result[-1].runs:
                    for run in space:
                        result[-1].add(run)
                space = []
                for run in word if needed <= width else self._shards(word):
                    if result[-1].width + run.width > width and result[-1].runs and needed > width:
                        result.append(Line())
                    result[-1].add(run)
        return result

    def verbatim(self, text: str, kind: Type, width: float) -> list[Line]:
        """Return the lines of *text* with every space kept, broken between characters where they are too long."""
        result: list[Line] = []
        for source in _clean(text.expandtabs(4)).split("\n"):
            result.append(Line())
            for run in self._shards(self._runs(Span(source), kind)):
                if result[-1].width + run.width > width and result[-1].runs:
                    result.append(Line())
                result[-1].add(run)
        return result

    def widths(self, spans: Iterable[Span], kind: Type) -> tuple[float, float]:
        """Return the width of the longest word and of the longest line of *spans*, in points."""
        longest = line = widest = 0.0
        for word in self._words(spans, kind):
            if word[0].text == "\n":
                line = 0.0
                continue
            width = sum(run.width for run in word)
            line += width
            widest = max(widest, line)
            if not word[0].text.isspace():
                longest = max(longest, width)
        return longest, widest

    def _words(self, spans: Iterable[Span], kind: Type) -> Iterator[list[Run]]:
        """Yield unbreakable sequences of runs: words, the space between them, line breaks."""
        word: list[Run] = []
        for span in spans:
            for atom in _ATOM.findall(_clean(span.text)):
                blank = atom.isspace() and atom.strip(_GLUE)
                for index, part in enumerate([atom] if blank else _BREAK_AFTER.split(atom)):
                    if word and (blank or index):
                        yield word
                        word = []
                    word += self._runs(_with_text(span, part), kind)
                if blank:
                    yield word
                    word = []
        if word:
            yield word

    def _shards(self, runs: Iterable[Run]) -> Iterator[Run]:
        for run in runs:
            for character in run.text:
                yield Run(
                    character,
                    run.face,
                    run.href,
                    run.strike,
                    run.shaded,
                    run.rise,
                    width=self._width(character, run.face),
                )

    def _runs(self, span: Span, kind: Type) -> list[Run]:
        """Return *span* as runs of one font each."""
        if span.text == "\n":
            return [Run("\n", Face("sans", "", kind.size))]
        bold, italic = span.bold or kind.bold, span.italic or kind.italic
        family = "mono" if span.code or kind.mono else "sans"
        style = "" if family == "mono" else ("B" if bold else "") + ("I" if italic else "")
        scale = _NOTE_SCALE if span.note else _CODE_SCALE if span.code and not kind.mono else 1.0
        size = kind.size * scale
        rise = kind.size * _NOTE_RISE if span.note else 0.0
        runs: list[Run] = []
        for character in span.text:
            key = (family, style, character)
            if key not in self._families:
                self._families[key] = self._font_for(family, style, character)
            font = self._families[key]
            if font is None:
                self.missing.setdefault(character)
                continue
            face = Face(*font, size)
            if runs and runs[-1].face == face:
                runs[-1].text += character
            else:
                runs.append(Run(character, face, span.href, span.strike, span.code and not kind.mono, rise))
        for run in runs:
            run.width = self._width(run.text, run.face)
        return runs or [Run("", Face(family, style, size))]

    def _font_for(self, family: str, style: str, character: str) -> tuple[str, str] | None:
        for font in ((family, style), *_FALLBACKS[family]):
            if ord(character) in self._glyphs_of(font):
                return font
        return None

    def _glyphs_of(self, font: tuple[str, str]) -> frozenset[int]:
        if font not in self._glyphs:
            family, style = font
            self._pdf.add_font(family, style, _FONTS / _FILES[font])
            loaded = self._pdf.fonts[f"{family}{style}"]
            self._glyphs[font] = frozenset(loaded.cmap) if isinstance(loaded, TTFFont) else frozenset()
        return self._glyphs[font]

    def _width(self, text: str, face: Face) -> float:
        key = (text, face)
        if key not in self._widths:
            self.use(face)
            self._widths[key] = self._pdf.get_string_width(text)
        return self._widths[key]


def _clean(text: str) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFC", text))


def _with_text(span: Span, text: str) -> Span:
    return Span(text.replace("\t", " "), span.bold, span.italic, span.strike, span.code, span.href, span.note)
