"""Taking paragraphs and tables out of a Word file so that what stays is still a Word file."""

from collections.abc import Collection
from typing import Final

from lxml.etree import _Element

from core.documents.writers.docx_text import TextMap
from core.documents.writers.docx_xml import (
    W,
    detach,
    element,
    has_open_field,
    local_name,
    loose_markers,
    remove_leaving_markers,
    remove_property,
)

_BLOCKS: Final = (f"{W}p", f"{W}tbl", f"{W}sdt", f"{W}customXml", f"{W}altChunk")
_NOTE_NUMBERS: Final = ("footnoteRef", "endnoteRef", "annotationRef")


def remove(node: _Element, *, spared: Collection[_Element]) -> None:
    """Take a paragraph or table out.

    A paragraph that the file needs at its place (the last of a cell or note, the one between two tables, the end of a
    section or of a field, the anchor of a text box that stays) is emptied instead. Range markers whose other half
    stands elsewhere stay.

    Args:
        node: A ``w:p`` or ``w:tbl``; one that stands nowhere any more is passed over.
        spared: Elements that must not go with it.
    """
    if node.getparent() is None:
        return
    if any(node in one.iterancestors() for one in spared):
        _empty_around(node)
    elif node.tag == f"{W}tbl":
        _remove_table(node)
    elif has_open_field(node):
        _empty_around(node)
    elif _is_needed(node) or not _hand_over_section(node):
        empty(node)
    else:
        _close_gap(node)
        remove_leaving_markers(node)


def empty(paragraph: _Element) -> None:
    """Take out all that a paragraph shows; its properties, others' range markers and a note's number stay."""
    kept = loose_markers(paragraph)
    for child in list(paragraph):
        if local_name(child) == "pPr" or child in kept:
            continue
        if any(next(child.iter(W + name), None) is not None for name in _NOTE_NUMBERS):
            continue
        for marker in [one for one in kept if child in one.iterancestors()]:
            child.addprevious(marker)
        paragraph.remove(child)
    _unlist(paragraph)


def is_blank(node: _Element | None) -> bool:
    """Tell whether *node* is a paragraph that shows nothing and holds nothing."""
    if node is None or node.tag != f"{W}p":
        return False
    return all(local_name(child) in ("pPr", "proofErr") for child in node) and not ends_section(node)


def ends_section(paragraph: _Element) -> bool:
    """Tell whether a section of the document ends with *paragraph*."""
    return paragraph.find(f"{W}pPr/{W}sectPr") is not None


def _empty_around(node: _Element) -> None:
    """Take out the text of *node*, not what else stands in it."""
    if node.tag != f"{W}p":
        return
    for unit in TextMap([node]).units:
        if not unit.fixed:
            detach(unit.node)


def _remove_table(table: _Element) -> None:
    parent = table.getparent()
    others = [] if parent is None else [child for child in parent if child.tag in _BLOCKS and child is not table]
    if not others:
        table.addprevious(element("p"))
    remove_leaving_markers(table)


def _is_needed(paragraph: _Element) -> bool:
    parent = paragraph.getparent()
    if parent is None:
        return True
    others = [child for child in parent if child.tag in _BLOCKS and child is not paragraph]
    if not others:
        return True
    before, after = _neighbour(paragraph, step=-1), _neighbour(paragraph, step=1)
    after_table = before is not None and before.tag == f"{W}tbl"
    if after_table and after is not None and after.tag == f"{W}tbl":
        return True  # the two would be one table
    return after_table and after is None and local_name(parent) in ("tc", "body", "hdr", "ftr", "txbxContent")


def _neighbour(node: _Element, *, step: int) -> _Element | None:
    siblings = node.itersiblings(*_BLOCKS, preceding=step < 0)
    return next(iter(siblings), None)


def _hand_over_section(paragraph: _Element) -> bool:
    """Let the section that ends in *paragraph* end in the one before; tell whether it no longer ends here."""
    section = paragraph.find(f"{W}pPr/{W}sectPr")
    if section is None:
        return True
    before = _neighbour(paragraph, step=-1)
    if before is None or before.tag != f"{W}p" or ends_section(before):
        return False
    properties = before.find(f"{W}pPr")
    if properties is None:
        properties = element("pPr")
        before.insert(0, properties)
    # The schema: only the history of the properties comes after.
    change = properties.find(f"{W}pPrChange")
    if change is None:
        properties.append(section)
    else:
        change.addprevious(section)
    return True


def _close_gap(paragraph: _Element) -> None:
    """Where blank lines stand on both sides of what goes, one of them goes too."""
    before, after = paragraph.getprevious(), paragraph.getnext()
    if is_blank(before) and is_blank(after) and after is not None:
        detach(after)


def _unlist(paragraph: _Element) -> None:
    properties = paragraph.find(f"{W}pPr")
    if properties is not None and remove_property(properties, "numPr") and properties.find(f"{W}pStyle") is not None:
        remove_property(properties, "pStyle")
