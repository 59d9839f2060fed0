"""New text in old paragraphs: words change, formatting, notes and pictures stay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lxml import etree
from lxml.etree import _Element

from core.documents.writers.docx_diff import Change, changes, formats_of, place_of, text_of
from core.documents.writers.docx_text import TextMap, Unit, place_after
from core.documents.writers.docx_xml import (
    R,
    W,
    cleaned_properties,
    clone,
    detach,
    element,
    local_name,
    merge_runs,
    remove_property,
    run_properties,
    set_property,
    text_run,
)
from core.documents.writers.flow import Span

_MONOSPACE: Final = "Consolas"
_LINK_COLOUR: Final = "0563C1"
_TOGGLES: Final = (("bold", ("b", "bCs")), ("italic", ("i", "iCs")), ("strike", ("strike",)))
_LINK_PROPERTIES: Final = ("u", "color")
_WRAPPERS: Final = ("hyperlink", "ins", "moveTo", "smartTag")


@dataclass(frozen=True, slots=True)
class Look:
    """Run properties, and what Markdown says of text that has them."""

    properties: _Element | None = None
    format: Span = field(default_factory=lambda: Span(""))


class RunWriter:
    """Makes runs that look like their neighbours.

    Args:
        link: Gives the relationship id of a target in the part that is written.
        link_style: Id of the document's style for links, empty if it has none.
    """

    def __init__(self, link: Callable[[str], str], link_style: str) -> None:
        self._link = link
        self._link_style = link_style

    def node(self, span: Span, look: Look) -> _Element:
        """Return a run, or a link around it, that says *span* in *look*."""
        text = f"[^{span.text}]" if span.note else span.text
        run = text_run(text, self._properties(span, look))
        if not span.href:
            return run
        link = etree.Element(f"{W}hyperlink", nsmap={"w": W[1:-1], "r": R[1:-1]})
        link.set(f"{R}id", self._link(span.href))
        link.append(run)
        return link

    def run(self, span: Span, look: Look) -> _Element:
        """Return a run that says *span* in *look*, for a place inside the very link of *span*."""
        return text_run(span.text, self._properties(span, look))

    def _properties(self, span: Span, look: Look) -> _Element | None:
        kept = look.properties
        properties = element("rPr") if kept is None else clone(kept)
        if look.format.href and not span.href:
            _plain_link(properties)
        for name, toggles in _TOGGLES:
            wanted = getattr(span, name)
            if wanted is not getattr(look.format, name):
                _toggle(properties, toggles, on=wanted)
        if span.code and not look.format.code:
            fonts = dict.fromkeys(("ascii", "hAnsi", "cs"), _MONOSPACE)
            set_property(properties, "rFonts", **fonts)
        elif look.format.code and not span.code:
            remove_property(properties, "rFonts")
            remove_property(properties, "rStyle")
        if span.href and not look.format.href:
            self._dress_link(properties)
        return properties if len(properties) else None

    def _dress_link(self, properties: _Element) -> None:
        if self._link_style:
            set_property(properties, "rStyle", val=self._link_style)
        else:
            set_property(properties, "color", val=_LINK_COLOUR)
            set_property(properties, "u", val="single")


class Rewriter:
    """Lays new text on paragraphs, word by word."""

    def __init__(self, runs: RunWriter) -> None:
        self._runs = runs

    def rewrite(self, paragraphs: Sequence[_Element], old: Sequence[Span], new: Sequence[Span]) -> None:
        """Change *paragraphs*, which say *old*, so that they say *new*.

        What stays keeps its runs. New words look like those they replace, or like their neighbours. Footnote
        references, pictures, formulas, fields and bookmarks survive whatever *new* says.
        """
        found = changes(old, new)
        if found:
            _Rewrite(self._runs, paragraphs, old).apply(found)


class _Rewrite:
    """One rewriting, from the last change to the first, so that offsets hold."""

    def __init__(self, runs: RunWriter, paragraphs: Sequence[_Element], old: Sequence[Span]) -> None:
        self._runs = runs
        self._map = TextMap(paragraphs)
        self._places = place_of(text_of(old), self._map.text)
        self._formats: dict[int, Span] = {}
        for place, look in zip(self._places, formats_of(old), strict=True):
            if place is not None:
                self._formats[place] = look
        self._limit = len(self._map.text)
        self._emptied: set[_Element] = set()

    def apply(self, found: Sequence[Change]) -> None:
        for change in reversed(found):
            self._apply(change)
        for paragraph in self._map.paragraphs:
            _tidy(paragraph)
        for paragraph in self._map.paragraphs[1:]:
            if paragraph in self._emptied and not _has_content(paragraph):
                detach(paragraph)

    def _apply(self, change: Change) -> None:
        start, end = self._range(change)
        self._limit = start
        doomed = [unit for unit in self._map.cut(start, end) if not unit.fixed]
        left, right = self._map.place(end), self._map.following(end)
        self._insert(change.spans, left, right, doomed)
        for unit in doomed:
            self._emptied.update(unit.node.iterancestors(f"{W}p"))
            detach(unit.node)

    def _range(self, change: Change) -> tuple[int, int]:
        """Return where the change stands in the file's text, never beyond the change that came after it."""
        inside = [place for place in self._places[change.start : change.end] if place is not None]
        if inside:
            start, end = inside[0], inside[-1] + 1
        else:
            start = next((p + 1 for p in reversed(self._places[: change.start]) if p is not None), 0)
            end = next((p for p in self._places[change.end :] if p is not None), len(self._map.text))
            if change.start == change.end:
                end = start = start if change.start else min(start, end)
        end = min(end, self._limit)
        return min(start, end), end

    def _insert(self, spans: Sequence[Span], left: Unit | None, right: Unit | None, doomed: Sequence[Unit]) -> None:
        near = [unit for unit in (*doomed, left, right, *self._map.units) if unit is not None]
        cursor = left.node if left is not None else None
        link, href = _link_around(left), self._href_of(left)
        # Inside one link new text that leads nowhere in Markdown's eyes may still lead within the document.
        inside = link is not None and any(_link_around(unit) is link for unit in (right, *doomed))
        for index, span in enumerate(spans):
            atom = self._atom(span)
            if atom is not None and atom is not cursor:
                detach(atom)
                cursor = self._put_behind(cursor, atom, in_link=True)
            if span.is_atom and (span.image or atom is not None):
                continue  # a picture that the file does not have cannot be written
            look = self._look(span, near)
            joins_right = right is not None and span.href and span.href == self._href_of(right) != href
            if right is not None and joins_right and all(one.href == span.href for one in spans[index:]):
                right.node.addprevious(self._runs.run(span, look))
            elif link is not None and span.href == href and (href or inside):
                cursor = self._put_behind(cursor, self._runs.run(span, look), in_link=True)
            else:
                node = self._put_behind(cursor, self._runs.node(span, look), in_link=False)
                cursor, link, href = (node[-1], node, span.href) if span.href else (node, None, "")

    def _put_behind(self, cursor: _Element | None, node: _Element, *, in_link: bool) -> _Element:
        if cursor is None or cursor.tag == f"{W}p":
            paragraph = self._map.paragraphs[0] if cursor is None else cursor
            head = paragraph.find(f"{W}pPr")
            paragraph.insert(0 if head is None else paragraph.index(head) + 1, node)
        else:
            place_after(cursor, in_link=in_link).addnext(node)
        return node

    def _href_of(self, unit: Unit | None) -> str:
        """Return where the link leads that *unit* stands in, empty for none."""
        return "" if unit is None or _link_around(unit) is None else self._format_of(unit).href

    def _format_of(self, unit: Unit) -> Span:
        return next((self._formats[at] for at in range(unit.start, unit.end) if at in self._formats), Span(""))

    def _look(self, span: Span, near: Sequence[Unit]) -> Look:
        """Return the look of the nearest text, of the nearest that has the very format of *span* if there is one."""
        texts = [unit for unit in near if unit.text and not unit.fixed]
        # White space may be bold without Markdown saying so: it is asked only where there is no word.
        words = [unit for unit in texts if unit.text.strip()] or texts
        same = (unit for unit in words if self._format_of(unit).format == span.format)
        chosen = next(same, words[0] if words else None)
        if chosen is not None:
            return Look(run_properties(chosen.node), self._format_of(chosen))
        mark = self._map.paragraphs[0].find(f"{W}pPr/{W}rPr")
        return Look(cleaned_properties(mark)) if mark is not None else Look()

    def _atom(self, span: Span) -> _Element | None:
        """Return what *span* stands for, where this very paragraph has it."""
        if not span.is_atom:
            return None
        for unit in self._map.units:
            known = self._format_of(unit)
            if unit.atom and unit.text and (known.note, known.image, known.text) == (span.note, span.image, span.text):
                return unit.node
        return None


def _link_around(unit: Unit | None) -> _Element | None:
    return None if unit is None else next(unit.node.iterancestors(f"{W}hyperlink"), None)


def _plain_link(properties: _Element) -> None:
    """Take the look of a link off."""
    if not remove_property(properties, "rStyle"):
        for name in _LINK_PROPERTIES:
            remove_property(properties, name)


def _toggle(properties: _Element, names: Sequence[str], *, on: bool) -> None:
    for name in names:
        had = remove_property(properties, name)
        if on:
            set_property(properties, name)
        elif name == names[0] and (not had or properties.find(f"{W}rStyle") is not None):
            set_property(properties, name, val="0")  # it comes from a style: only a spoken "off" ends it


def _tidy(paragraph: _Element) -> None:
    """Remove what editing left behind: empty wrappers, marks of a spelling check that saw the old text, cut runs."""
    for mark in list(paragraph.iter(f"{W}proofErr")):
        detach(mark)
    for wrapper in [node for node in paragraph.iter(etree.Element) if local_name(node) in _WRAPPERS][::-1]:
        if not len(wrapper):
            detach(wrapper)
    merge_runs(list(paragraph.iter(f"{W}r")))


def _has_content(paragraph: _Element) -> bool:
    return any(child.tag != f"{W}rPr" for run in paragraph.iter(f"{W}r") for child in run)
