"""A person's own Word file, changed where its Document was changed, and nowhere else."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from lxml.etree import _Element

from core.documents.align import ids_in_order
from core.documents.edits import PLACE_KINDS
from core.documents.model import Block, BlockKind, Document
from core.documents.readers.docx_index import iter_addressable
from core.documents.readers.docx_package import normalised
from core.documents.writers.docx_insert import Inserter
from core.documents.writers.docx_looks import Looks, Shape, shape_of, text_spans
from core.documents.writers.docx_parts import DocxParts
from core.documents.writers.docx_remove import ends_section, is_blank, remove
from core.documents.writers.docx_runs import Rewriter, RunWriter
from core.documents.writers.docx_styles import TABLE_STYLE
from core.documents.writers.docx_table_patch import TablePatcher
from core.documents.writers.docx_xml import (
    W,
    clone,
    detach,
    element,
    has_open_field,
    local_name,
    loose_markers,
    out_of_box,
)
from core.documents.writers.flow import Flow, Span, code_of, flow, table_of

_LINK_STYLE: Final = "hyperlink"
_COMPATIBILITY: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_LABEL = re.compile(r"\[\^[^\]\s]+\]:")
_BLOCKS: Final = (f"{W}p", f"{W}tbl")


def patch(original: bytes, before: Document, after: Document) -> bytes:
    """Return the Word file *original* with the difference between *before* and *after* laid on it.

    Changed paragraphs keep their properties and, word by word, their formatting; footnote references, pictures,
    fields, formulas and bookmarks in them survive. New paragraphs look like the nearest of their kind. Every part
    that holds no change is byte for byte the same; without any change so is the file. Nothing is tracked.

    Args:
        original: The upload.
        before: The Document that was read from it, with origins.
        after: What it became; blocks that stayed have their id and origin.
    """
    if [_said(block) for block in before.blocks] == [_said(block) for block in after.blocks]:
        return original
    return _Patch(normalised(original), before, after).result()


def _said(block: Block) -> tuple[str, BlockKind, str]:
    return block.id, block.kind, block.markdown


class _Patch:
    def __init__(self, data: bytes, before: Document, after: Document) -> None:
        self._before, self._after = before, after
        self._parts = DocxParts(data)
        # All addresses are looked up before anything moves: they hold for the upload only.
        self._elements = dict(self._found(before))
        self._looks = Looks(self._parts, before)
        self._tools: dict[str, _Tools] = {}

    def result(self) -> bytes:
        stayed = ids_in_order(self._before, self._after)
        for block in self._after.blocks:
            old = self._before.by_id.get(block.id)
            if old is not None and block.id in self._elements and _said(old) != _said(block):
                self._change(old, block)
        self._place(stayed)
        for block in self._before.blocks:
            if block.id not in self._after.by_id:
                self._delete(block)
        return self._parts.result()

    def _found(self, before: Document) -> Iterator[tuple[str, list[_Element]]]:
        parts = {block.origin.part for block in before.blocks if block.origin}
        indexed = {name: [node for _, node in iter_addressable(self._parts.root(name))] for name in parts}
        for block in before.blocks:
            if block.origin is not None:
                first = block.origin.index
                length = 1 if block.kind is BlockKind.TABLE else block.origin.length
                nodes = indexed[block.origin.part][first : first + length]
                if nodes:
                    yield block.id, nodes

    def _part_of(self, block: Block) -> str:
        self._parts.changed(part := block.origin.part if block.origin else self._parts.main)
        return part

    def _tools_of(self, part: str) -> "_Tools":
        if part not in self._tools:
            self._tools[part] = _Tools(part, self._parts, self._looks)
        return self._tools[part]

    def _change(self, old: Block, new: Block) -> None:
        part = self._part_of(old)
        tools = self._tools_of(part)
        nodes = self._elements[old.id]
        if BlockKind.TABLE in (old.kind, new.kind):
            rows, wanted = table_of(old.markdown), table_of(new.markdown)
            if old.kind is new.kind and nodes[0].tag == f"{W}tbl" and rows and wanted:
                tools.tables.patch(nodes[0], rows, wanted)
            else:
                self._replace(old, new)
            return
        if BlockKind.RULE in (old.kind, new.kind) or (old.kind is BlockKind.CODE) is not (new.kind is BlockKind.CODE):
            self._replace(old, new)
        elif old.kind is BlockKind.CODE and len(nodes) > 1:
            _change_lines(tools, nodes, old, new)
        else:
            self._change_text(tools, old, new)

    def _change_text(self, tools: "_Tools", old: Block, new: Block) -> None:
        nodes = self._elements[old.id]
        if new.kind in PLACE_KINDS:
            twins = _twins(nodes[0])
            for group in (nodes, *([twin] for twin in twins)):
                tools.rewriter.rewrite(group, text_spans(old), text_spans(new))
            return
        was, now = list(_flows(old)), list(_flows(new))
        if shape_of(old) != shape_of(new) and now:
            for node in nodes:
                self._looks.reshape(node, now[0], old.id)
            if now[0].marked and nodes:
                self._looks.number(nodes[0], now[0], beside=self._beside(new))
        if len(was) == len(nodes) and all(one.kind not in (BlockKind.TABLE, BlockKind.CODE) for one in (*was, *now)):
            for node, one, other in zip(nodes, was, now, strict=False):
                tools.rewriter.rewrite([node], one.spans, other.spans)
            for node in nodes[len(now) :]:
                remove(node, spared=())
            for one in now[len(was) :]:
                fresh = tools.inserter.node(one, old.id, beside=())
                self._elements[old.id][-1].addnext(fresh)
                self._elements[old.id] = [*self._elements[old.id], fresh]
            return
        tools.rewriter.rewrite(nodes, text_spans(old), text_spans(new))

    def _replace(self, old: Block, new: Block) -> None:
        """Put new elements in the place of the old ones: for what cannot become the other word by word."""
        nodes = self._elements[old.id]
        fresh = self._fresh(new, old.id)
        out_of_box(nodes[-1]).addnext(fresh[0])
        for first, second in pairwise(fresh):
            first.addnext(second)
        _with_air(fresh)
        for node in nodes:
            remove(node, spared=self._spared(old.id))
        self._elements[old.id] = fresh

    def _place(self, stayed: set[str]) -> None:
        """Insert what is new and move what moved, from the top down."""
        cursor: _Element | None = None
        host: _Element | None = None
        near = ""
        previous: Block | None = None
        for block in self._after.blocks:
            nodes = self._elements.get(block.id)
            if nodes and (block.id in stayed or not self._is_movable(block, nodes)):
                if self._in_main(block) and nodes[0].getparent() is not None:
                    near = block.id
                    # What was inserted behind one text box of a paragraph stays before what follows the next.
                    if out_of_box(nodes[-1]) is not host:
                        host = cursor = out_of_box(nodes[-1])
            elif previous is not None and _goes_on(previous, block):
                self._add_in_place(block, previous)
            elif block.kind is not BlockKind.COMMENT:
                cursor = self._put(block, nodes, cursor, near)
            previous = block

    def _put(self, block: Block, nodes: list[_Element] | None, cursor: _Element | None, near: str) -> _Element:
        self._parts.changed(self._parts.main)
        fresh = nodes or self._fresh(block, near)
        for node in nodes or ():
            detach(node)
        if cursor is None:
            body = self._parts.root(self._parts.main).find(f"{W}body")
            if body is None:
                raise ValueError("the document has no body")
            body.insert(0, fresh[0])
        else:
            cursor = _outside_control(cursor)
            following = cursor.getnext()
            if following is not None and is_blank(following) and block.kind is not BlockKind.LIST_ITEM:
                spacer = clone(following)
                cursor.addnext(spacer)
                cursor = spacer
            cursor.addnext(fresh[0])
        for first, second in pairwise(fresh):
            first.addnext(second)
        self._elements[block.id] = fresh
        return _with_air(fresh)

    def _fresh(self, block: Block, near: str) -> list[_Element]:
        tools = self._tools_of(self._parts.main)
        beside = self._beside(block)
        nodes: list[_Element] = []
        for one in _flows(block):
            nodes.append(tools.inserter.node(one, near, beside=beside))
            if one.marked:
                beside = [(shape_of(block), nodes[-1]), *beside]
        return nodes or [element("p")]

    def _beside(self, block: Block) -> list[tuple[Shape, _Element]]:
        """Return the items of the list that *block* comes to stand in, the nearest first."""
        blocks = self._after.blocks
        position = blocks.index(block)
        found: list[tuple[Shape, _Element]] = []
        for direction in (range(position - 1, -1, -1), range(position + 1, len(blocks))):
            for index in direction:
                other = blocks[index]
                if other.kind is not BlockKind.LIST_ITEM:
                    break
                nodes = self._elements.get(other.id, ())
                if nodes and nodes[0].tag == f"{W}p":
                    found.append((shape_of(other), nodes[0]))
        return found

    def _add_in_place(self, block: Block, previous: Block) -> None:
        """Insert a paragraph into the note, text box, header or footer that the block before it stands in."""
        neighbours = self._elements.get(previous.id)
        if not neighbours:
            return
        paragraph = element("p")
        properties = neighbours[-1].find(f"{W}pPr")
        if properties is not None:
            paragraph.append(clone(properties))
        part = self._part_by_root(neighbours[-1])
        self._parts.changed(part)
        self._tools_of(part).rewriter.rewrite([paragraph], (), text_spans(block))
        neighbours[-1].addnext(paragraph)
        self._elements[block.id] = [paragraph]

    def _part_by_root(self, node: _Element) -> str:
        root = node.getroottree().getroot()
        names = {block.origin.part for block in self._before.blocks if block.origin}
        return next((name for name in names if self._parts.root(name) is root), self._parts.main)

    def _delete(self, block: Block) -> None:
        nodes = self._elements.get(block.id, [])
        if not nodes or block.locked:
            return
        self._part_of(block)
        spared = self._spared(block.id)
        for node in nodes:
            for twin in _twins(node):
                remove(twin, spared=spared)
            remove(node, spared=spared)

    def _spared(self, removed: str) -> list[_Element]:
        """Return the elements of all blocks that are there at the end, but for those of the one that goes."""
        return [
            node for block in self._after.blocks if block.id != removed for node in self._elements.get(block.id, ())
        ]

    def _in_main(self, block: Block) -> bool:
        return block.origin is None or block.origin.part == self._parts.main

    def _is_movable(self, block: Block, nodes: Sequence[_Element]) -> bool:
        """Tell whether the block can be taken out and put in elsewhere without hurting anything."""
        return (
            block.kind not in PLACE_KINDS
            and not block.locked
            and self._in_main(block)
            and all(_in_body(node) for node in nodes)
            and not any(has_open_field(node) or loose_markers(node) for node in nodes)
            and not any(ends_section(node) for node in nodes)
        )


class _Tools:
    """What writes text into one part: links are relationships of the part that they stand in."""

    def __init__(self, part: str, parts: DocxParts, looks: Looks) -> None:
        runs = RunWriter(lambda target: parts.link(part, target), parts.style_id("character", _LINK_STYLE))
        self.rewriter = Rewriter(runs)
        self.tables = TablePatcher(self.rewriter, runs, lambda: parts.own_style(TABLE_STYLE))
        self.inserter = Inserter(looks, runs, self.tables)


def _flows(block: Block) -> list[Flow]:
    """Return what the block shows; a note that is new is text, since its number would have no place in the file."""
    shown = list(flow(Document((block,), 1)))
    return [
        replace(one, kind=BlockKind.PARAGRAPH, spans=(Span(f"[^{one.label}]: "), *one.spans))
        if one.kind is BlockKind.FOOTNOTE
        else one
        for one in shown
    ]


def _change_lines(tools: _Tools, nodes: Sequence[_Element], old: Block, new: Block) -> None:
    """Change a block of code that is a paragraph a line."""
    before, after = code_of(old.markdown).split("\n"), code_of(new.markdown).split("\n")
    if len(before) != len(nodes):
        tools.rewriter.rewrite(nodes, text_spans(old), text_spans(new))
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pairs = min(i2 - i1, j2 - j1)
        for step in range(pairs):
            was, now = before[i1 + step], after[j1 + step]
            tools.rewriter.rewrite([nodes[i1 + step]], (Span(was, code=True),), (Span(now, code=True),))
        for index in range(i1 + pairs, i2):
            remove(nodes[index], spared=())
        added = [
            tools.inserter.node(Flow(BlockKind.CODE, code=line), old.id, beside=()) for line in after[j1 + pairs : j2]
        ]
        if i1 + pairs:
            for fresh in reversed(added):
                nodes[i1 + pairs - 1].addnext(fresh)
        else:
            for fresh in added:
                nodes[0].addprevious(fresh)


def _goes_on(previous: Block, block: Block) -> bool:
    """Tell whether *block* is more text in the header, footer, note or text box of *previous*."""
    return block.kind in PLACE_KINDS and previous.kind is block.kind and not _LABEL.match(block.markdown)


def _in_body(node: _Element) -> bool:
    parent = node.getparent()
    return parent is not None and parent.tag == f"{W}body"


def _outside_control(node: _Element) -> _Element:
    """Return *node*, or the content control that it closes: what is new does not belong to a table of contents."""
    parent = node.getparent()
    while parent is not None and local_name(parent) == "sdtContent" and node.getnext() is None:
        control = parent.getparent()
        if control is None:
            break
        node, parent = control, control.getparent()
    return node


def _with_air(fresh: Sequence[_Element]) -> _Element:
    """Put a paragraph between two tables, which would be one table otherwise, and behind a table that ends the text.

    Returns:
        The last element of what was inserted.
    """
    first, last = fresh[0], fresh[-1]
    before = next(first.itersiblings(*_BLOCKS, preceding=True), None)
    if first.tag == f"{W}tbl" and before is not None and before.tag == first.tag:
        first.addprevious(element("p"))
    after = next(last.itersiblings(*_BLOCKS), None)
    if last.tag == f"{W}tbl" and (after is None or after.tag == last.tag):
        last.addnext(element("p"))
        following = last.getnext()
        return last if following is None else following
    return last


def _twins(node: _Element) -> list[_Element]:
    """Return the paragraphs that say the same for older programs: a text box stands in the file once for each."""
    choice = next(node.iterancestors(f"{_COMPATIBILITY}Choice"), None)
    if choice is None:
        return []
    text = "".join(map(str, node.itertext(f"{W}t")))
    return [
        other
        for fallback in choice.itersiblings(f"{_COMPATIBILITY}Fallback")
        for other in fallback.iter(f"{W}p")
        if "".join(map(str, other.itertext(f"{W}t"))) == text
    ]
