"""Lists of the Word files that are written here: one ``w:num`` for every list that counts from its own start."""

from typing import Final

from docx.document import Document as WordDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

LEVELS: Final = 9
"""Word: a list has nine levels."""

_STEP: Final = 400  # twips that a level is indented
_BULLETS: Final = "•◦▪"


def abstract_numbering(abstract_id: int, *, ordered: bool) -> str:
    """Return the XML of a ``w:abstractNum`` whose nine levels are bullets or plain numbers."""
    levels = []
    for level in range(LEVELS):
        text = f"%{level + 1}." if ordered else _BULLETS[level % len(_BULLETS)]
        levels.append(
            f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{"decimal" if ordered else "bullet"}"/>'
            f'<w:lvlText w:val="{text}"/><w:lvlJc w:val="left"/>'
            f'<w:pPr><w:ind w:left="{_STEP * (level + 1)}" w:hanging="{_STEP}"/></w:pPr></w:lvl>'
        )
    return (
        f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{abstract_id}"><w:multiLevelType w:val="hybridMultilevel"/>'
        f"{''.join(levels)}</w:abstractNum>"
    )


def number_instance(num_id: int, abstract_id: int, *, level: int = 0, start: int | None = None) -> str:
    """Return the XML of a ``w:num``; with *start* it counts *level* from there, whatever other lists did."""
    override = (
        f'<w:lvlOverride w:ilvl="{level}"><w:startOverride w:val="{start}"/></w:lvlOverride>'
        if start is not None
        else ""
    )
    return f'<w:num {nsdecls("w")} w:numId="{num_id}"><w:abstractNumId w:val="{abstract_id}"/>{override}</w:num>'


def indent_of(depth: int) -> int:
    """Return the left indent of text that stands in *depth* lists, in twips."""
    return _STEP * min(depth, LEVELS)


class Numbering:
    """The numbering part of a document that is being written."""

    def __init__(self, word: WordDocument) -> None:
        self._root = word.part.numbering_part.element
        abstract = [int(one.get(qn("w:abstractNumId"))) for one in self._root.findall(qn("w:abstractNum"))]
        self._bullets = max(abstract, default=0) + 1
        self._numbers = self._bullets + 1
        first = self._root.find(qn("w:num"))
        for abstract_id, ordered in ((self._bullets, False), (self._numbers, True)):
            element = parse_xml(abstract_numbering(abstract_id, ordered=ordered))
            if first is not None:  # the schema wants every w:abstractNum before the first w:num
                first.addprevious(element)
            else:
                self._root.append(element)
        self._bullet_list = self._add(self._bullets)
        self._open: dict[int, int] = {}

    def num_id(self, depth: int, *, ordered: bool, number: int, starts: bool) -> int:
        """Return the ``w:numId`` of an item that stands in *depth* lists."""
        if not ordered:
            return self._bullet_list
        if starts or depth not in self._open:
            self._open[depth] = self._add(self._numbers, level=min(depth, LEVELS) - 1, start=number)
        return self._open[depth]

    def _add(self, abstract_id: int, *, level: int = 0, start: int | None = None) -> int:
        num_id = max((int(one.get(qn("w:numId"))) for one in self._root.findall(qn("w:num"))), default=0) + 1
        self._root.append(parse_xml(number_instance(num_id, abstract_id, level=level, start=start)))
        return num_id
