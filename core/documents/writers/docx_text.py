"""The text of paragraphs of a Word file as a line of units, each of which can be cut, taken out or followed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from lxml.etree import _Element

from core.documents.readers.docx_inline import is_locked
from core.documents.writers.docx_diff import ATOM
from core.documents.writers.docx_xml import W, clone, local_name, set_text, split_after

# Text that is not there when all changes are accepted, and what is no content.
_SKIPPED: Final = frozenset({"del", "moveFrom", "pPr", "rPr", "sdtPr", "sdtEndPr", "hyperlinkPr"})
_TEXT: Final = {"tab": "\t", "ptab": "\t", "cr": "\n", "noBreakHyphen": "\u2011", "softHyphen": ""}
_VISIBLE_ATOMS: Final = frozenset(
    {"footnoteReference", "endnoteReference", "drawing", "pict", "object", "sym", "AlternateContent", "ruby"}
)
_BREAKS_IN_LINE: Final = ("textWrapping", None)


@dataclass(slots=True)
class Unit:
    """One run with one content, or something else that stands in a paragraph and is no text.

    Attributes:
        node: The ``w:r``, or the element itself where it stands in no run (a formula).
        text: Its characters; `ATOM` or nothing for what is no text.
        start: Offset in the text of the map.
        atom: True if it is no text: it can be moved, never cut, never deleted by an edit.
        locked: True inside a field or a control that is bound: nothing may be written there.
    """

    node: _Element
    text: str
    start: int = 0
    atom: bool = False
    locked: bool = False

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return self.start + len(self.text)

    @property
    def divides(self) -> bool:
        """True for the boundary between two paragraphs; *node* is the second of them then."""
        return self.node.tag == f"{W}p"

    @property
    def fixed(self) -> bool:
        """True if no edit may delete it."""
        return self.atom or self.locked


class TextMap:
    """The units of some paragraphs that are read as one text; paragraphs are divided by a newline that stays."""

    def __init__(self, paragraphs: Sequence[_Element]) -> None:
        self.paragraphs = list(paragraphs)
        self.units: list[Unit] = []
        for number, paragraph in enumerate(paragraphs):
            if number:
                self.units.append(Unit(paragraph, "\n", atom=True))
            units = list(_units(paragraph, locked=False))
            _lock_fields(units)
            self.units += units
        offset = 0
        for unit in self.units:
            unit.start = offset
            offset = unit.end

    @property
    def text(self) -> str:
        """The text that a reader of the accepted document sees, `ATOM` for what is none."""
        return "".join(unit.text for unit in self.units)

    def cut(self, start: int, end: int) -> list[Unit]:
        """Return the units that say the text from *start* to *end*, cut so that they say nothing else."""
        self._divide(start)
        self._divide(end)
        return [unit for unit in self.units if start <= unit.start and unit.end <= end and unit.text]

    def place(self, offset: int) -> Unit | None:
        """Return the unit behind which new text at *offset* goes; None for the very start of the first paragraph.

        Inside a field there is no place: then it is the field's last unit. At the start of a paragraph new text goes
        behind what is not seen there (the number of a footnote, a page break).
        """
        self._divide(offset)
        index = max((i for i, unit in enumerate(self.units) if unit.text and unit.end <= offset), default=-1)
        following = self.units[index + 1 :]
        if index >= 0 and self.units[index].locked:
            index += sum(1 for _ in takewhile(lambda unit: unit.locked, following))
        elif index < 0 or self.units[index].divides:
            index += sum(1 for _ in takewhile(lambda unit: unit.atom and not unit.text and not unit.locked, following))
        return self.units[index] if index >= 0 else None

    def following(self, offset: int) -> Unit | None:
        """Return the unit whose text starts at *offset*, None at the end."""
        return next((unit for unit in self.units if unit.start == offset and unit.text), None)

    def _divide(self, offset: int) -> None:
        """Cut the unit that *offset* stands in the middle of."""
        for index, unit in enumerate(self.units):
            if unit.start < offset < unit.end:
                if not unit.fixed:
                    self.units[index : index + 1] = _halves(unit, offset - unit.start)
                return


def _halves(unit: Unit, size: int) -> list[Unit]:
    second = clone(unit.node)
    for node, text in ((unit.node, unit.text[:size]), (second, unit.text[size:])):
        for content in node.iterfind(f"{W}t"):
            set_text(content, text)
    unit.node.addnext(second)
    return [Unit(unit.node, unit.text[:size], unit.start), Unit(second, unit.text[size:], unit.start + size)]


def _units(node: _Element, *, locked: bool) -> Iterator[Unit]:
    for child in list(node):
        name = local_name(child)
        if not name or name in _SKIPPED or name == "p":
            continue
        if name == "r":
            for run in _single_runs(child):
                yield _unit_of(run, locked=locked)
        elif name in ("oMath", "oMathPara"):
            yield Unit(child, ATOM, atom=True, locked=locked)
        elif name == "sdt":
            yield from _units(child, locked=locked or is_locked(child))
        else:
            yield from _units(child, locked=locked or name == "fldSimple")


def _single_runs(run: _Element) -> Iterator[_Element]:
    """Cut *run* into runs of one content each, and yield them."""
    while len(content := [child for child in run if child.tag != f"{W}rPr"]) > 1:
        second = clone(run)
        for child in [child for child in second if child.tag != f"{W}rPr"][:1]:
            second.remove(child)
        for child in content[1:]:
            run.remove(child)
        run.addnext(second)
        yield run
        run = second
    yield run


def _unit_of(run: _Element, *, locked: bool) -> Unit:
    content = next((child for child in run if child.tag != f"{W}rPr"), None)
    name = local_name(content) if content is not None else ""
    if content is None or name == "t":
        return Unit(run, (content.text or "") if content is not None else "", atom=content is None, locked=locked)
    if name == "br":
        in_line = content.get(f"{W}type") in _BREAKS_IN_LINE
        return Unit(run, "\n" if in_line else "", atom=not in_line, locked=locked)
    if name in _TEXT:
        return Unit(run, _TEXT[name], atom=not _TEXT[name], locked=locked)
    return Unit(run, ATOM if name in _VISIBLE_ATOMS else "", atom=True, locked=locked)


def _lock_fields(units: list[Unit]) -> None:
    """Lock what stands in complex fields, those too that began before this paragraph or end after it."""
    depth = 0
    for index, unit in enumerate(units):
        kind = _field_mark(unit)
        depth += kind == "begin"
        if depth or kind:
            unit.locked = True
        if kind == "end":
            if not depth:
                for earlier in units[:index]:
                    earlier.locked = True
            depth = max(0, depth - 1)


def _field_mark(unit: Unit) -> str | None:
    mark = unit.node.find(f"{W}fldChar") if unit.node.tag == f"{W}r" else None
    return mark.get(f"{W}fldCharType") if mark is not None else None


def place_after(node: _Element, *, in_link: bool) -> _Element:
    """Return the node behind which new text goes that follows *node*, wrappers opened or left where they must be.

    Text of other people's tracked insertions and of links is not extended by accident: their wrapper is split.
    """
    while True:
        parent = node.getparent()
        if parent is None:
            return node
        name = local_name(parent)
        leaves = name in ("ins", "moveTo") or (name == "hyperlink" and not in_link)
        closed = name == "fldSimple" or (name == "sdtContent" and _is_locked_content(parent))
        if closed:
            node = parent if name == "fldSimple" else _control_of(parent)
        elif leaves:
            split_after(node, parent)
            node = parent
        else:
            return node


def _is_locked_content(content: _Element) -> bool:
    control = content.getparent()
    return control is not None and is_locked(control)


def _control_of(content: _Element) -> _Element:
    control = content.getparent()
    return control if control is not None else content
