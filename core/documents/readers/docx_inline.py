"""The text of one paragraph of a Word file, as Word shows it with every change accepted."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from lxml.etree import _Element

from core.documents.readers.docx_index import PARAGRAPH, TABLE, W
from core.documents.readers.docx_package import Package, R
from core.documents.readers.docx_styles import RunStyle, Styles, run_style
from core.documents.readers.docx_tally import Remark, Tally, Unshown
from core.documents.readers.spans import Span

_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWING: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PICTURE: Final = "{http://schemas.openxmlformats.org/drawingml/2006/picture}"
_CHART: Final = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM: Final = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_PROPERTIES: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_VML: Final = "{urn:schemas-microsoft-com:vml}"
_OLE: Final = "{urn:schemas-microsoft-com:office:office}OLEObject"
_ALTERNATE: Final = f"{_MC}AlternateContent"
_BOX: Final = f"{W}txbxContent"

# Word understands every extension of its own; a branch that asks for anything else is not for it.
_UNDERSTOOD: Final = "http://schemas.microsoft.com/"
_UNSHOWN: Final = {
    f"{_PICTURE}pic": Unshown.PICTURE,
    f"{_VML}imagedata": Unshown.PICTURE,
    f"{_CHART}chart": Unshown.CHART,
    f"{_DIAGRAM}relIds": Unshown.DIAGRAM,
    f"{_VML}textpath": Unshown.WORD_ART,
    f"{W}contentPart": Unshown.INK,
    f"{_MATH}oMath": Unshown.EQUATION,
}
_CHARACTERS: Final = {
    f"{W}t": "",
    f"{W}br": "\n",
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "\u2011",
}
_NOTES: Final = {f"{W}footnoteReference": "", f"{W}endnoteReference": "e"}
_SKIPPED: Final = frozenset({f"{W}pPr", f"{W}rPr", PARAGRAPH, TABLE, f"{W}sdtPr", f"{W}sdtEndPr", f"{W}rt"})
_LOCKS: Final = ("showingPlcHdr", "dataBinding")
_FIELD_LINK = re.compile(r'\s*HYPERLINK\s+"([^"\\]+)"', re.IGNORECASE)
_LINE_BREAKS: Final = str.maketrans("\r\n\x0b\x0c", "    ")


@dataclass(slots=True)
class Text:
    """What one paragraph holds.

    Attributes:
        spans: Its text; ``w:t``, tabs, breaks and hyphens as the map of tracked changes sees them, notes as references.
        boxes: Text boxes anchored in it, in order.
        pictures: Description and file name of its pictures.
    """

    spans: list[Span] = field(default_factory=list)
    boxes: list[_Element] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """The text without formats."""
        return "".join(span.text for span in self.spans)

    @property
    def locked(self) -> bool:
        """True if there is text and none of it can be edited."""
        texts = [span for span in self.spans if span.text.strip()]
        return bool(texts) and all(span.locked for span in texts)


@dataclass(slots=True)
class _Field:
    """A complex field that was begun and has not ended; it shows what stands behind its separator."""

    code: str = ""
    shows: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds a run."""

    link: str = ""
    locked: bool = False


class InlineReader:
    """Reads the paragraphs of one part in order; fields may run from one to the next."""

    def __init__(self, package: Package, part: str, root: _Element, styles: Styles, tally: Tally) -> None:
        self._package = package
        self._part = part
        self._styles = styles
        self._tally = tally
        self._fields: list[_Field] = []
        kinds = [element.get(f"{W}fldCharType") for element in root.iter(f"{W}fldChar")]
        # A field that never ends would swallow the rest of the document; Word ends it with its paragraph.
        self._balanced = kinds.count("begin") == kinds.count("end")
        self.notes: dict[tuple[str, str], str] = {}
        self.anchored: dict[str, list[str]] = {}
        self._anchors: set[str] = set()

    def read(self, paragraph: _Element, *, locked: bool = False) -> Text:
        """Return the text of *paragraph*; *locked* if a control around it cannot be edited."""
        text = Text()
        self._walk(paragraph, _Place(locked=locked), text)
        if not self._balanced:
            self._fields.clear()
        # The code of a field stands in one paragraph; one that is still open here was broken off.
        self._fields = [field for field in self._fields if field.shows]
        text.spans = list(_without_idle_code(text.spans))
        return text

    def _walk(self, element: _Element, place: _Place, text: Text) -> None:
        for child in element:
            tag = child.tag
            if tag == f"{W}r":
                self._run(child, place, text)
            elif tag in _SKIPPED:
                continue
            elif tag in (f"{W}del", f"{W}moveFrom"):
                self._tally.deletions += 1
            elif tag in (f"{W}commentRangeStart", f"{W}commentRangeEnd"):
                self.anchor(child)
            elif tag in _UNSHOWN:
                self._tally.count(_UNSHOWN[tag])
            elif tag == _ALTERNATE:
                for branch in chosen(child):
                    self._walk(branch, place, text)
            else:
                self._walk(child, self._inside(child, place), text)

    def _inside(self, element: _Element, place: _Place) -> _Place:
        match element.tag:
            case tag if tag in (f"{W}ins", f"{W}moveTo"):
                self._tally.insertions += 1
            case tag if tag == f"{W}hyperlink":
                return replace(place, link=self._target(element) or place.link)
            case tag if tag == f"{W}fldSimple":
                link = _FIELD_LINK.match(element.get(f"{W}instr", ""))
                return _Place(link[1] if link else place.link, locked=True)
            case tag if tag == f"{W}sdt":
                return replace(place, locked=place.locked or is_locked(element))
            case tag if tag == f"{W}ruby":
                self._tally.count(Unshown.RUBY)
                return replace(place, locked=True)
        return place

    def _target(self, hyperlink: _Element) -> str:
        relationship = self._package.relationships(self._part).get(hyperlink.get(f"{R}id", ""))
        if relationship is None or not relationship.external:
            return ""
        anchor = hyperlink.get(f"{W}anchor", "")
        return f"{relationship.target}#{anchor}" if anchor else relationship.target

    def anchor(self, element: _Element) -> None:
        """Take note that the words of a comment start or end here."""
        comment = element.get(f"{W}id", "")
        if element.tag == f"{W}commentRangeStart":
            self._anchors.add(comment)
            self.anchored.setdefault(comment, [])
        else:
            self._anchors.discard(comment)

    def _run(self, run: _Element, place: _Place, text: Text) -> None:
        style = self._style(run)
        for child in run:
            tag = child.tag
            if tag in _SKIPPED:
                continue
            if tag == f"{W}fldChar":
                self._field(child.get(f"{W}fldCharType", ""))
            elif tag == f"{W}instrText":
                if self._fields:
                    self._fields[-1].code += child.text or ""
            elif all(field.shows for field in self._fields):
                self._content(child, style, self._in_fields(place), text)

    def _content(self, child: _Element, style: RunStyle, place: _Place, text: Text) -> None:
        tag = child.tag
        if tag in _CHARACTERS:
            self._add(_characters(child), style, place, text)
        elif tag in _NOTES:
            text.spans.append(Span(note=self._label(tag, child.get(f"{W}id", ""))))
        elif tag == f"{W}sym":
            self._tally.count(Unshown.SYMBOL)
        elif tag in (f"{W}drawing", f"{W}pict", f"{W}object"):
            self._graphic(child, text)
        elif tag == f"{W}ruby":
            self._walk(child, self._inside(child, place), text)
        elif tag == f"{W}rubyBase":
            self._walk(child, place, text)
        elif tag == _ALTERNATE:
            for branch in chosen(child):
                for inner in branch:
                    self._content(inner, style, place, text)

    def _add(self, content: str, style: RunStyle, place: _Place, text: Text) -> None:
        if not content:
            return
        if style.hidden:
            self._tally.remark(Remark.HIDDEN)
        for comment in self._anchors:
            self.anchored[comment].append(content)
        text.spans.append(
            Span(
                content,
                bold=bool(style.bold),
                italic=bool(style.italic),
                strike=bool(style.strike),
                code=style.code or style.monospaced,
                link=place.link,
                locked=place.locked,
            )
        )

    def _label(self, tag: str, note: str) -> str:
        """Return the label of a note: its number in order of reference, endnotes behind an ``e``."""
        prefix = _NOTES[tag]
        number = 1 + sum(known.startswith("e") == bool(prefix) for known in self.notes.values())
        return self.notes.setdefault((prefix, note), f"{prefix}{number}")

    def _style(self, run: _Element) -> RunStyle:
        properties = run.find(f"{W}rPr")
        if properties is None:
            return RunStyle()
        named = properties.find(f"{W}rStyle")
        own = run_style(properties)
        return own if named is None else own.over(self._styles.run(named.get(f"{W}val", "")))

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(_Field())
        elif kind == "separate" and self._fields:
            self._fields[-1].shows = True
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _in_fields(self, place: _Place) -> _Place:
        if not self._fields:
            return place
        links = [match[1] for field in self._fields if (match := _FIELD_LINK.match(field.code))]
        return _Place(links[-1] if links else place.link, locked=True)

    def _graphic(self, element: _Element, text: Text) -> None:
        described = next(element.iter(_PROPERTIES), None)
        description = "" if described is None else described.get("descr", "") or described.get("title", "")
        if element.tag == f"{W}object":
            ole = next(element.iter(_OLE), None)
            is_equation = ole is not None and ole.get("ProgID", "").startswith("Equation")
            self._tally.count(Unshown.EQUATION if is_equation else Unshown.OBJECT)
            return
        for part in _parts_of_graphic(element):
            if part.tag == _BOX:
                text.boxes.append(part)
                continue
            self._tally.count(_UNSHOWN[part.tag])
            if _UNSHOWN[part.tag] is Unshown.PICTURE:
                text.pictures.append((description, self._picture(part)))

    def _picture(self, element: _Element) -> str:
        blip = next(element.iter(f"{_DRAWING}blip"), element)
        relation = blip.get(f"{R}embed") or blip.get(f"{R}link") or blip.get(f"{R}id") or ""
        relationship = self._package.relationships(self._part).get(relation)
        return posixpath.basename(relationship.target) if relationship else "picture"


def chosen(alternate: _Element) -> Iterator[_Element]:
    """Yield the one branch of ``mc:AlternateContent`` that Word shows: the first choice it understands, or the fallback."""
    branches = list(alternate)
    for branch in branches:
        if branch.tag == f"{_MC}Choice":
            needed = branch.get("Requires", "").split()
            if all((branch.nsmap.get(prefix) or "").startswith(_UNDERSTOOD) for prefix in needed):
                yield branch
                return
    yield from [branch for branch in branches if branch.tag == f"{_MC}Fallback"][:1] or branches[:1]


def is_locked(control: _Element) -> bool:
    """Tell whether a content control (``w:sdt``) is bound to data, locked, or shows its prompt."""
    properties = control.find(f"{W}sdtPr")
    if properties is None:
        return False
    lock = properties.find(f"{W}lock")
    content_locked = lock is not None and lock.get(f"{W}val", "").lower().endswith("contentlocked")
    return content_locked or any(properties.find(f"{W}{name}") is not None for name in _LOCKS)


def _characters(element: _Element) -> str:
    if element.tag == f"{W}t":
        return (element.text or "").translate(_LINE_BREAKS)
    if element.tag == f"{W}br" and element.get(f"{W}type", "textWrapping") != "textWrapping":
        return ""  # a new page or column
    return _CHARACTERS[element.tag]


def _parts_of_graphic(element: _Element) -> Iterator[_Element]:
    for child in element:
        if child.tag == _BOX or child.tag in _UNSHOWN:
            yield child
        elif child.tag == _ALTERNATE:
            for branch in chosen(child):
                yield from _parts_of_graphic(branch)
        else:
            yield from _parts_of_graphic(child)


def _without_idle_code(spans: list[Span]) -> Iterator[Span]:
    """Yield *spans*; a paragraph set in a typewriter's font throughout is not code for that alone."""
    texts = [span for span in spans if span.text.strip()]
    idle = bool(texts) and all(span.code for span in texts)
    for span in spans:
        yield replace(span, code=False) if idle else span
