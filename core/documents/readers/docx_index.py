"""How a block of a Word file finds its element again: the numbering that `Origin.index` speaks of."""

from collections.abc import Iterator
from typing import Final

from lxml.etree import _Element

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PARAGRAPH: Final = f"{W}p"
TABLE: Final = f"{W}tbl"


def iter_addressable(root: _Element) -> Iterator[tuple[int, _Element]]:
    """Yield index and element of everything in one part that a block may come from, in document order, from 0.

    Counted are:

    * every ``w:p`` wherever it stands: in the body, a cell, a content control, a text box, a note, a comment, in
      *both* branches of ``mc:AlternateContent``, in ``w:del`` and ``w:moveFrom``, and the empty ones too;
    * every ``w:tbl`` that stands in no other ``w:tbl`` (a table in a text box in a cell does stand in that table).

    A table counts before the paragraphs in it. Nothing else is counted, so an index depends only on the XML of the part
    as it was uploaded: it holds for those bytes, not for a part that was changed since.

    Args:
        root: The root element of the part, Transitional namespace (see `readers.docx_package.normalised`).
    """
    index = 0
    for element in root.iter(PARAGRAPH, TABLE):
        if element.tag == TABLE and next(element.iterancestors(TABLE), None) is not None:
            continue
        yield index, element
        index += 1
