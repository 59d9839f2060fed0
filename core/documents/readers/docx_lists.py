"""The bullets and numbers of lists, which Word computes and does not store."""

from dataclasses import dataclass, field
from typing import Final

from lxml.etree import _Element

from core.documents.readers.docx_index import W

_LEVELS: Final = 9
_LARGEST: Final = 999_999_999  # CommonMark: at most nine digits


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list.

    Attributes:
        ordered: True for numbers of any script, False for bullets, None for no mark at all.
        start: The first number.
    """

    ordered: bool | None = True
    start: int = 1


@dataclass(slots=True)
class _Open:
    level: int
    indent: int
    content: int
    list_id: str
    offset: int


@dataclass(slots=True)
class Lists:
    """The numbering part, and how far each of its lists has counted."""

    root: _Element | None = None
    _levels: dict[str, dict[int, Level]] = field(init=False, default_factory=dict)
    _abstract: dict[str, str] = field(init=False, default_factory=dict)
    _by_style: dict[tuple[str, str], int] = field(init=False, default_factory=dict)
    _counts: dict[str, list[int | None]] = field(init=False, default_factory=dict)
    _open: list[_Open] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.root is None:
            return
        abstracts = {element.get(f"{W}abstractNumId", ""): element for element in self.root.iter(f"{W}abstractNum")}
        named = {_value(element, "styleLink"): element for element in abstracts.values()}
        for number in self.root.iter(f"{W}num"):
            number_id = number.get(f"{W}numId", "")
            abstract_id = _value(number, "abstractNumId")
            abstract = abstracts.get(abstract_id)
            if abstract is not None:
                abstract = named.get(_value(abstract, "numStyleLink") or "-", abstract)
            levels = {} if abstract is None else self._read(number_id, abstract)
            overrides = list(number.iter(f"{W}lvlOverride"))
            for override in overrides:
                levels |= self._override(override, levels)
            self._levels[number_id] = levels
            # A list with overrides counts on its own; others that share a definition go on counting together.
            self._abstract[number_id] = f"num {number_id}" if overrides else abstract_id

    def has(self, number_id: str) -> bool:
        """Tell whether list *number_id* exists; ``0`` never does."""
        return number_id in self._levels

    def is_marked(self, number_id: str, level: int) -> bool:
        """Tell whether a reader sees a bullet or number there; an unmarked level only indents."""
        return self._levels.get(number_id, {}).get(level, Level()).ordered is not None

    def level_of_style(self, number_id: str, style_id: str) -> int:
        """Return the level of list *number_id* that is bound to paragraph style *style_id*, 0 if none is."""
        return self._by_style.get((number_id, style_id), 0)

    def end(self) -> None:
        """Take note that something else than a list item follows: the next item starts at the margin."""
        self._open.clear()

    def next(self, number_id: str, level: int, *, ordered: bool | None = None) -> tuple[str, int, int]:
        """Return the Markdown marker of the next item, its indentation in spaces and its depth from 0.

        Args:
            number_id: The list.
            level: Level of the item in it, from 0.
            ordered: Whether it is numbered, for a list that does not exist.
        """
        definition = self._levels.get(number_id, {}).get(level, Level(ordered=bool(ordered)))
        number = self._count(number_id, level, definition.start)
        while self._open and self._open[-1].level > level:
            self._open.pop()
        if self._open and self._open[-1].level == level:
            entry = self._open[-1]
            if entry.list_id != number_id:
                entry.list_id, entry.offset = number_id, 0
        else:
            indent = self._open[-1].content if self._open else 0
            # CommonMark: within an item only a list that starts with 1 is told from the text above it.
            entry = _Open(level, indent, indent, number_id, number - 1 if self._open else 0)
            self._open.append(entry)
        marker = f"{min(max(number - entry.offset, 0), _LARGEST)}." if definition.ordered else "-"
        entry.content = entry.indent + len(marker) + 1
        return marker, entry.indent, len(self._open) - 1

    def _count(self, number_id: str, level: int, start: int) -> int:
        counts = self._counts.setdefault(self._abstract.get(number_id, number_id), [None] * _LEVELS)
        previous = counts[level]
        counts[level] = start if previous is None else previous + 1
        counts[level + 1 :] = [None] * (_LEVELS - level - 1)
        return counts[level] or 0

    def _read(self, number_id: str, abstract: _Element) -> dict[int, Level]:
        levels: dict[int, Level] = {}
        for element in abstract.iter(f"{W}lvl"):
            level = _level_number(element)
            levels[level] = _level(element)
            self._by_style[number_id, _value(element, "pStyle")] = level
        return levels

    def _override(self, override: _Element, levels: dict[int, Level]) -> dict[int, Level]:
        number = _level_number(override)
        definition = override.find(f"{W}lvl")
        level = levels.get(number, Level()) if definition is None else _level(definition)
        return {number: Level(level.ordered, _integer(_value(override, "startOverride"), level.start))}


def _level(element: _Element) -> Level:
    kind = _value(element, "numFmt")
    text = element.find(f"{W}lvlText")
    unmarked = kind == "none" or (text is not None and not text.get(f"{W}val", "").strip())
    return Level(None if unmarked else kind != "bullet", _integer(_value(element, "start"), 1))


def _level_number(element: _Element) -> int:
    return min(max(_integer(element.get(f"{W}ilvl"), 0), 0), _LEVELS - 1)


def _value(element: _Element, name: str) -> str:
    child = element.find(f"{W}{name}")
    return "" if child is None else child.get(f"{W}val", "")


def _integer(value: str | None, default: int) -> int:
    return int(value) if value is not None and value.lstrip("-").isdecimal() else default
