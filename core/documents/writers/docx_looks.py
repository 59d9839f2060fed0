"""How a new paragraph looks in a file that is not ours: like the nearest one of its kind, else like the file's styles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element

from core.documents.model import Block, BlockKind, Document
from core.documents.writers.docx_diff import formats_of, place_of, text_of
from core.documents.writers.docx_parts import DocxParts
from core.documents.writers.docx_runs import Look
from core.documents.writers.docx_styles import CODE_STYLE, QUOTE_STYLE
from core.documents.writers.docx_text import TextMap
from core.documents.writers.docx_xml import W, clone, element, remove_property, run_properties, set_property
from core.documents.writers.flow import Flow, Span, code_of, spans_of

_ORDERED = re.compile(r"\s*\d{1,9}[.)](?:\s|$)")
_QUOTE_STYLES: Final = ("quote", "block text", "intense quote")
_CODE_STYLES: Final = ("source code", "html preformatted", "code", "plain text")
_OWN_STYLES: Final = {BlockKind.QUOTE: QUOTE_STYLE, BlockKind.CODE: CODE_STYLE}
_HEADING_SIZES: Final = (32, 28, 26, 24, 22, 22)  # half points

# What belongs to one paragraph of the model and not to its look.
_OWN_PROPERTIES: Final = ("sectPr", "pPrChange", "framePr", "pageBreakBefore", "divId", "cnfStyle")


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides about paragraph properties."""

    kind: BlockKind
    level: int = 0
    ordered: bool = False


def shape_of(block: Block) -> Shape:
    """Return the shape of a block of the document."""
    if block.kind is BlockKind.LIST_ITEM:
        return Shape(block.kind, block.level, _ORDERED.match(block.markdown) is not None)
    return Shape(block.kind, block.level if block.kind is BlockKind.HEADING else 0)


def shape_of_flow(one: Flow) -> Shape:
    """Return the shape of a paragraph that is to be written."""
    if one.kind is BlockKind.LIST_ITEM:
        return Shape(one.kind, one.level, one.ordered)
    if one.kind is BlockKind.PARAGRAPH and one.quotes:
        return Shape(BlockKind.QUOTE)
    return Shape(one.kind, one.level if one.kind is BlockKind.HEADING else 0)


def text_spans(block: Block) -> tuple[Span, ...]:
    """Return the text of a block that stands in paragraphs."""
    if block.kind is BlockKind.CODE:
        return (Span(code_of(block.markdown), code=True),)
    return () if block.kind is BlockKind.RULE else spans_of(block.markdown)


class Looks:
    """Finds models for new paragraphs.

    Args:
        parts: The file.
        before: The document as it was read.
    """

    def __init__(self, parts: DocxParts, before: Document) -> None:
        self._parts = parts
        self._order = {block.id: number for number, block in enumerate(before.blocks)}
        self._models: dict[Shape, list[tuple[int, Block]]] = {}
        for number, block in enumerate(before.blocks):
            if block.origin is not None and not block.locked and block.kind is not BlockKind.TEXT_BOX:
                self._models.setdefault(shape_of(block), []).append((number, block))

    def paragraph(self, one: Flow, near: str) -> tuple[_Element, Look]:
        """Return an empty paragraph for *one*, and the look of its text.

        Args:
            one: What it will say.
            near: Id of the block of the upload that it comes to stand behind, empty at the start.
        """
        shape = shape_of_flow(one)
        model = self._model(shape, near)
        paragraph = element("p")
        if model is None:
            properties, look = self._plain(shape)
        else:
            block, node = model
            properties = _properties_of(node)
            look = look_of(text_spans(block), [node], code=block.kind is BlockKind.CODE)
        if properties is not None and len(properties):
            paragraph.append(properties)
        return paragraph, look

    def table(self, near: str) -> _Element | None:
        """Return the table of the upload that a new one looks like, None if it has none."""
        model = self._model(Shape(BlockKind.TABLE), near)
        return model[1] if model is not None and model[1].tag == f"{W}tbl" else None

    def number(self, paragraph: _Element, one: Flow, *, beside: Sequence[tuple[Shape, _Element]]) -> None:
        """Make *paragraph* an item of a list: of the list that stands beside it, else of a new one like others.

        Args:
            paragraph: From `paragraph`.
            one: The list item.
            beside: Shape and paragraph of the items of the same list, the nearest first.
        """
        shape = shape_of_flow(one)
        same = next((node for other, node in beside if other == shape), None)
        if same is not None:
            self._copy_properties(paragraph, same)
            return
        known = self.numbering(paragraph)
        if beside:
            other, node = beside[0]
            numbering = self.numbering(node)
            if numbering is not None:
                level = str(max(0, int(numbering[1]) + shape.level - other.level))
                if (self._parts.number_format(numbering[0], level) not in ("", "bullet")) is shape.ordered:
                    self._copy_properties(paragraph, node)
                    _set_numbering(paragraph, numbering[0], level, keep_indent=False)
                    return
        start = one.number if one.ordered else None
        if known is not None:
            number = self._parts.new_list(like=known[0], level=int(known[1]), start=start) if one.ordered else known[0]
            _set_numbering(paragraph, number, known[1], keep_indent=True)
            return
        number = self._parts.plain_list(ordered=one.ordered, level=shape.level, start=start)
        _set_numbering(paragraph, number, str(shape.level), keep_indent=False)

    def numbering(self, paragraph: _Element) -> tuple[str, str] | None:
        """Return numId and ilvl of *paragraph*, from its style if it has none of its own; None outside of lists."""
        found = paragraph.find(f"{W}pPr/{W}numPr")
        style = paragraph.find(f"{W}pPr/{W}pStyle")
        inherited = self._parts.numbering_of_style(style.get(f"{W}val", "")) if style is not None else None
        if found is None:
            return inherited
        values = {
            name: node.get(f"{W}val", "") for name in ("numId", "ilvl") if (node := found.find(W + name)) is not None
        }
        number = values.get("numId") or (inherited[0] if inherited else "")
        return (number, values.get("ilvl") or "0") if number else None

    def reshape(self, paragraph: _Element, one: Flow, near: str) -> None:
        """Give a paragraph of the file the properties of another kind; a section that ends in it ends in it still."""
        fresh, _ = self.paragraph(one, near)
        section = paragraph.find(f"{W}pPr/{W}sectPr")
        old = paragraph.find(f"{W}pPr")
        if old is not None:
            paragraph.remove(old)
        properties = fresh.find(f"{W}pPr")
        if properties is None:
            properties = element("pPr")
        if section is not None:
            properties.append(section)
        paragraph.insert(0, properties)

    def _model(self, shape: Shape, near: str) -> tuple[Block, _Element] | None:
        """Return the nearest block of *shape* and its element as it was uploaded, the one above first."""
        models = self._models.get(shape, [])
        if not models:
            return None
        position = self._order.get(near, -1)
        _, block = min(models, key=lambda model: (abs(model[0] - position), model[0] > position))
        if block.origin is None:
            return None
        return block, self._parts.uploaded(block.origin.part)[block.origin.index]

    def _plain(self, shape: Shape) -> tuple[_Element | None, Look]:
        """Return properties and look where the file has no paragraph of that shape."""
        style = self._parts.style_id("paragraph", *_style_names(shape))
        if not style and shape.kind in _OWN_STYLES:
            style = self._parts.own_style(_OWN_STYLES[shape.kind])
        if style:
            styled = _with_children(element("pStyle", val=style))
            return styled, Look(None, Span("", code=True)) if shape.kind is BlockKind.CODE else Look()
        properties: _Element | None = None
        look = Look()
        if shape.kind is BlockKind.HEADING:
            properties = _with_children(element("keepNext"), element("outlineLvl", val=str(shape.level - 1)))
            text = element("rPr")
            set_property(text, "b")
            set_property(text, "sz", val=str(_HEADING_SIZES[shape.level - 1]))
            look = Look(text)
        elif shape.kind is BlockKind.RULE:
            borders = element("pBdr")
            borders.append(element("bottom", val="single", sz="6", space="1", color="auto"))
            properties = _with_children(borders)
        return properties, look

    def _copy_properties(self, paragraph: _Element, source: _Element) -> None:
        for old in paragraph.findall(f"{W}pPr"):
            paragraph.remove(old)
        properties = _properties_of(source)
        if properties is not None:
            paragraph.insert(0, properties)


def _style_names(shape: Shape) -> tuple[str, ...]:
    match shape.kind:
        case BlockKind.HEADING:
            return (f"heading {shape.level}",)
        case BlockKind.QUOTE:
            return _QUOTE_STYLES
        case BlockKind.CODE:
            return _CODE_STYLES
        case BlockKind.LIST_ITEM:
            return ("list paragraph",)
        case _:
            return ()


def _with_children(*children: _Element) -> _Element:
    properties = element("pPr")
    properties.extend(children)
    return properties


def _properties_of(paragraph: _Element) -> _Element | None:
    found = paragraph.find(f"{W}pPr")
    if found is None:
        return None
    copied = clone(found)
    for name in _OWN_PROPERTIES:
        remove_property(copied, name)
    for mark in copied.findall(f"{W}rPr"):
        for name in ("ins", "del", "moveFrom", "moveTo", "rPrChange"):
            remove_property(mark, name)
    for numbering in copied.findall(f"{W}numPr"):
        remove_property(numbering, "ins")
        remove_property(numbering, "numberingChange")
    return copied


def look_of(spans: Sequence[Span], paragraphs: Sequence[_Element], *, code: bool = False) -> Look:
    """Return the look of most of the text of *paragraphs*, which say *spans*; of unformatted text if there is any."""
    mapped = TextMap([clone(paragraph) for paragraph in paragraphs])
    known = dict(zip(place_of(text_of(spans), mapped.text), formats_of(spans), strict=True))
    texts = [unit for unit in mapped.units if unit.text.strip() and not unit.fixed]
    looks = [(known.get(unit.start, Span("")), unit) for unit in texts]
    if not looks:
        return Look()
    plain = Span("", code=code).format
    look, unit = max(looks, key=lambda pair: (pair[0].format == plain, len(pair[1].text)))
    return Look(run_properties(unit.node), look)


def _set_numbering(paragraph: _Element, number: str, level: str, *, keep_indent: bool) -> None:
    properties = paragraph.find(f"{W}pPr")
    if properties is None:
        properties = element("pPr")
        paragraph.insert(0, properties)
    remove_property(properties, "numPr")
    if not keep_indent:
        remove_property(properties, "ind")
    made = element("numPr")
    made.append(element("ilvl", val=level))
    made.append(element("numId", val=number))
    # The schema: only these stand before w:numPr.
    before = ("pStyle", "keepNext", "keepLines", "pageBreakBefore", "framePr", "widowControl")
    index = sum(1 for child in properties if child.tag in {W + name for name in before})
    properties.insert(index, made)
