"""Small steps on WordprocessingML that more than one writer of Word files needs."""

import copy
import re
from collections.abc import Sequence
from typing import Final

from lxml import etree
from lxml.etree import _Element

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"

# ECMA-376 part 1, 17.3.2.28: the children of w:rPr that this writer sets stand in this order among all of them.
_RUN_PROPERTIES: Final = (
    *("rStyle", "rFonts", "b", "bCs", "i", "iCs", "caps", "smallCaps", "strike", "dstrike", "outline", "shadow"),
    *("emboss", "imprint", "noProof", "snapToGrid", "vanish", "webHidden", "color", "spacing", "w", "kern", "position"),
    *("sz", "szCs", "highlight", "u", "effect", "bdr", "shd", "fitText", "vertAlign", "rtl", "cs", "em", "lang"),
    *("eastAsianLayout", "specVanish", "oMath", "rPrChange"),
)

_PARTS_OF_TEXT = re.compile(r"([\n\t])")
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_REVISIONS: Final = tuple(W + name for name in ("ins", "del", "moveFrom", "moveTo", "rPrChange", "pPrChange"))

# Markers whose other half may stand in another paragraph: a paragraph that goes leaves them behind.
_MARKERS: Final = (
    ("bookmarkStart", "bookmarkEnd"),
    ("commentRangeStart", "commentRangeEnd"),
    ("permStart", "permEnd"),
    ("moveFromRangeStart", "moveFromRangeEnd"),
    ("moveToRangeStart", "moveToRangeEnd"),
    ("customXmlInsRangeStart", "customXmlInsRangeEnd"),
    ("customXmlDelRangeStart", "customXmlDelRangeEnd"),
)


def w(name: str) -> str:
    """Return the full name of ``w:name``."""
    return W + name


def element(name: str, **attributes: str) -> _Element:
    """Return a new ``w:name`` with ``w:`` attributes."""
    made = etree.Element(W + name, nsmap={"w": W[1:-1]})
    for key, value in attributes.items():
        made.set(W + key, value)
    return made


def local_name(node: _Element) -> str:
    """Return the name without its namespace; an empty string for comments and processing instructions."""
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def xml_text(text: str) -> str:
    """Return *text* without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("", text)


def text_run(text: str, properties: _Element | None) -> _Element:
    """Return a ``w:r`` that says *text*; newlines and tabs as the elements that Word has for them."""
    run = element("r")
    if properties is not None:
        run.append(properties)
    for part in _PARTS_OF_TEXT.split(xml_text(text)):
        if part == "\n":
            run.append(element("br"))
        elif part == "\t":
            run.append(element("tab"))
        elif part:
            run.append(text_element(part))
    return run


def text_element(text: str) -> _Element:
    """Return a ``w:t`` that keeps its white space."""
    made = element("t")
    set_text(made, text)
    return made


def set_text(node: _Element, text: str) -> None:
    """Set the text of a ``w:t``, white space kept."""
    node.text = text
    if text != text.strip():
        node.set(SPACE, "preserve")


def set_property(properties: _Element, name: str, **attributes: str) -> None:
    """Set ``w:name`` in a ``w:rPr``, where the schema wants it."""
    remove_property(properties, name)
    made = element(name, **attributes)
    rank = _RUN_PROPERTIES.index(name)
    for index, child in enumerate(properties):
        other = local_name(child)
        if other in _RUN_PROPERTIES and _RUN_PROPERTIES.index(other) > rank:
            properties.insert(index, made)
            return
    properties.append(made)


def remove_property(properties: _Element, name: str) -> bool:
    """Remove ``w:name`` from *properties*; tell whether it was there."""
    found = properties.find(W + name)
    if found is None:
        return False
    properties.remove(found)
    return True


def clone(node: _Element) -> _Element:
    """Return a deep copy that stands nowhere."""
    made = copy.deepcopy(node)
    made.tail = None
    return made


def detach(node: _Element) -> None:
    """Take *node* out of its parent, if it has one."""
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def split_after(node: _Element, wrapper: _Element) -> None:
    """Make two of *wrapper*: what stands after its child *node* goes to a copy right behind it."""
    following = list(node.itersiblings())
    if not following:
        return
    second = copy.copy(wrapper)
    for child in list(second):
        second.remove(child)
    second.text = second.tail = None
    for child in following:
        second.append(child)
    if wrapper.get(W + "id"):  # a revision: each has an id of its own
        numbers = (node.get(W + "id", "") for node in wrapper.getroottree().iter(*_REVISIONS))
        second.set(W + "id", str(max((int(number) for number in numbers if number.isdigit()), default=0) + 1))
    wrapper.addnext(second)


def loose_markers(node: _Element) -> list[_Element]:
    """Return the range markers in *node* whose other half stands outside of it."""
    loose: list[_Element] = []
    for start, end in _MARKERS:
        starts = {one.get(W + "id"): one for one in node.iter(W + start)}
        ends = {one.get(W + "id"): one for one in node.iter(W + end)}
        loose += [one for key, one in starts.items() if key not in ends]
        loose += [one for key, one in ends.items() if key not in starts]
    return loose


def remove_leaving_markers(node: _Element) -> None:
    """Take *node* out of the document; range markers that others need stay where it stood."""
    for marker in loose_markers(node):
        detach(marker)
        marker.tail = None
        node.addprevious(marker)
    detach(node)


def has_open_field(node: _Element) -> bool:
    """Tell whether a complex field begins or ends in *node* without its other half."""
    depth = 0
    for mark in node.iter(W + "fldChar"):
        kind = mark.get(W + "fldCharType")
        depth += {"begin": 1, "end": -1}.get(kind or "", 0)
        if depth < 0:
            return True
    return depth != 0


def out_of_box(node: _Element) -> _Element:
    """Return *node*, or the paragraph that holds the text box that it stands in."""
    box = next(node.iterancestors(W + "txbxContent"), None)
    while box is not None:
        node = next(box.iterancestors(W + "p"), node)
        box = next(node.iterancestors(W + "txbxContent"), None)
    return node


def run_properties(run: _Element) -> _Element | None:
    """Return a copy of the run's properties without their revision history; None if it has none."""
    found = run.find(W + "rPr")
    return cleaned_properties(found) if found is not None else None


def cleaned_properties(properties: _Element) -> _Element:
    """Return a copy of a ``w:rPr`` without its revision history."""
    copied = clone(properties)
    for name in ("rPrChange", "ins", "del", "moveFrom", "moveTo"):
        remove_property(copied, name)
    return copied


def canonical(node: _Element) -> bytes:
    """Return the canonical XML of *node*, for comparison."""
    return etree.tostring(node, method="c14n", with_tail=False)


def merge_runs(runs: Sequence[_Element]) -> None:
    """Join neighbouring runs of one format again: editing splits them, and Word files are big enough."""
    for run in runs:
        following = run.getnext()
        if following is None or following.tag != run.tag or not _may_join(run, following):
            continue
        for child in list(run)[::-1]:
            if child.tag != W + "rPr":
                first = following.find(W + "rPr")
                following.insert(0 if first is None else 1, child)
        detach(run)
        _join_texts(following)


def _may_join(run: _Element, following: _Element) -> bool:
    mine, other = run.find(W + "rPr"), following.find(W + "rPr")
    same = (mine is None) == (other is None) and (mine is None or other is None or canonical(mine) == canonical(other))
    plain = all(local_name(child) in ("rPr", "t", "tab", "br", "cr", "noBreakHyphen") for child in [*run, *following])
    return same and plain and sorted(run.attrib.items()) == sorted(following.attrib.items())


def _join_texts(run: _Element) -> None:
    for node in list(run.iter(W + "t")):
        following = node.getnext()
        if following is not None and following.tag == node.tag:
            set_text(following, (node.text or "") + (following.text or ""))
            detach(node)
