"""What a style of a Word file says about a paragraph or a run, its ancestors included."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lxml.etree import _Element

from core.documents.readers.docx_index import W

_HEADING = re.compile(r"heading ?([1-9])$")
_LIST = re.compile(r"list (bullet|number)(?: ([2-5]))?$")
_CODE = re.compile(r"\b(?:code|verbatim|preformatted|html code|html typewriter|macro)\b")
_QUOTES: Final = ("quote", "intense quote", "block text", "block quote", "block quotation", "quotations")
_MONOSPACED = re.compile(r"consolas|courier|menlo|monaco|mono\b|lucida console|typewriter", re.IGNORECASE)
_OFF: Final = ("0", "false", "off", "none")
_DEEPEST: Final = 6
_NO_OUTLINE: Final = 9
_CHAIN: Final = 32  # longer chains of styles are loops


class Role(StrEnum):
    """What a paragraph style is for, as far as Markdown can say it."""

    BODY = "body"
    HEADING = "heading"
    CODE = "code"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class ParagraphStyle:
    """A paragraph style with what it inherits.

    Attributes:
        role: What it is for.
        level: Heading level 1 to 6, 0 for other roles.
        numbering: List id and level, None outside of lists; the level is None if the list has to know it.
        named_list: ``bullet`` or ``number`` and the depth from 0, for list styles whose numbering is missing.
    """

    role: Role = Role.BODY
    level: int = 0
    numbering: tuple[str, int | None] | None = None
    named_list: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class RunStyle:
    """The format of a run: what it or its character style says; None where they say nothing."""

    bold: bool | None = None
    italic: bool | None = None
    strike: bool | None = None
    hidden: bool | None = None
    code: bool = False
    monospaced: bool = False

    def over(self, other: "RunStyle") -> "RunStyle":
        """Return this style where it says something, *other* elsewhere."""
        return RunStyle(
            bold=other.bold if self.bold is None else self.bold,
            italic=other.italic if self.italic is None else self.italic,
            strike=other.strike if self.strike is None else self.strike,
            hidden=other.hidden if self.hidden is None else self.hidden,
            code=self.code or other.code,
            monospaced=self.monospaced or other.monospaced,
        )


@dataclass(slots=True)
class Styles:
    """The styles part; without one every paragraph is body text unless the id of its style says more."""

    root: _Element | None = None
    _elements: dict[str, _Element] = field(init=False, default_factory=dict)
    _default: str = field(init=False, default="")
    _paragraphs: dict[str, ParagraphStyle] = field(init=False, default_factory=dict)
    _runs: dict[str, RunStyle] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for element in () if self.root is None else self.root.iter(f"{W}style"):
            style_id = element.get(f"{W}styleId", "")
            self._elements.setdefault(style_id, element)
            if element.get(f"{W}type") == "paragraph" and element.get(f"{W}default") in ("1", "true", "on"):
                self._default = style_id

    def paragraph(self, style_id: str) -> ParagraphStyle:
        """Return paragraph style *style_id*; empty means the default one."""
        style_id = style_id or self._default
        if style_id not in self._paragraphs:
            self._paragraphs[style_id] = self._paragraph(style_id)
        return self._paragraphs[style_id]

    def run(self, style_id: str) -> RunStyle:
        """Return character style *style_id*."""
        if style_id not in self._runs:
            style = RunStyle()
            for element in self._chain(style_id):
                style = style.over(run_style(element.find(f"{W}rPr")))
                style = style.over(RunStyle(code=_CODE.search(_name(element)) is not None))
            self._runs[style_id] = style if self._chain(style_id) else RunStyle(code=_is_code_id(style_id))
        return self._runs[style_id]

    def _chain(self, style_id: str) -> list[_Element]:
        chain: list[_Element] = []
        while style_id in self._elements and len(chain) < _CHAIN:
            chain.append(self._elements[style_id])
            style_id = _value(chain[-1], "basedOn")
        return chain

    def _paragraph(self, style_id: str) -> ParagraphStyle:
        chain = self._chain(style_id)
        names = [_name(element) for element in chain] or [_spaced(style_id)]
        properties = [found for element in chain if (found := element.find(f"{W}pPr")) is not None]
        outline = next((text for found in properties if (text := _value(found, "outlineLvl"))), "")
        numbering = next((named for found in properties if (named := numbering_of(found)) is not None), None)
        level = next((int(match[1]) for name in names if (match := _HEADING.match(name))), 0)
        if not level and outline.isdecimal() and int(outline) < _NO_OUTLINE:
            level = int(outline) + 1
        if not level and "title" in names:
            level = 1
        list_name = next((match for name in names if (match := _LIST.match(name))), None)
        role = Role.BODY
        if level:
            role = Role.HEADING
        elif any(_CODE.search(name) for name in names):
            role = Role.CODE
        elif any(name in _QUOTES for name in names):
            role = Role.QUOTE
        return ParagraphStyle(
            role,
            min(level, _DEEPEST),
            numbering,
            (list_name[1], int(list_name[2] or 1) - 1) if list_name and numbering is None else None,
        )


def run_style(properties: _Element | None) -> RunStyle:
    """Return what a ``w:rPr`` says itself."""
    if properties is None:
        return RunStyle()
    fonts = properties.find(f"{W}rFonts")
    font = "" if fonts is None else fonts.get(f"{W}ascii", "") or fonts.get(f"{W}hAnsi", "")
    strike = is_on(properties, "strike")
    return RunStyle(
        bold=is_on(properties, "b"),
        italic=is_on(properties, "i"),
        strike=is_on(properties, "dstrike") if strike is None else strike,
        hidden=is_on(properties, "vanish"),
        monospaced=_MONOSPACED.search(font) is not None,
    )


def numbering_of(properties: _Element) -> tuple[str, int | None] | None:
    """Return list id and level that a ``w:pPr`` names; None if it names none. Id ``0`` takes a paragraph out."""
    element = properties.find(f"{W}numPr")
    if element is None:
        return None
    level = _value(element, "ilvl")
    return _value(element, "numId"), int(level) if level.isdecimal() else None


def outline_level(properties: _Element) -> int:
    """Return the heading level that a ``w:pPr`` names itself, 0 for none."""
    value = _value(properties, "outlineLvl")
    return min(int(value) + 1, _DEEPEST) if value.isdecimal() and int(value) < _NO_OUTLINE else 0


def is_on(properties: _Element, name: str) -> bool | None:
    """Return what the switch *name* says, None if it is absent; it is on unless its value says off."""
    element = properties.find(f"{W}{name}")
    return None if element is None else element.get(f"{W}val", "1").lower() not in _OFF


def _value(element: _Element, name: str) -> str:
    child = element.find(f"{W}{name}")
    return "" if child is None else child.get(f"{W}val", "")


def _name(element: _Element) -> str:
    return _value(element, "name").lower() or _spaced(element.get(f"{W}styleId", ""))


def _spaced(style_id: str) -> str:
    """Return ``list bullet 2`` for ``ListBullet2``: how ids come from names when the names are missing."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", style_id).lower()


def _is_code_id(style_id: str) -> bool:
    return _CODE.search(_spaced(style_id)) is not None
