"""New paragraphs and tables for a Word file that is not ours."""

from collections.abc import Sequence

from lxml.etree import _Element

from core.documents.model import BlockKind
from core.documents.writers.docx_looks import Looks, Shape
from core.documents.writers.docx_runs import RunWriter
from core.documents.writers.docx_table_patch import TablePatcher
from core.documents.writers.flow import Flow, Span


class Inserter:
    """Makes elements that look like those around them.

    Args:
        looks: Finds models.
        runs: Writes text.
        tables: Writes tables.
    """

    def __init__(self, looks: Looks, runs: RunWriter, tables: TablePatcher) -> None:
        self._looks = looks
        self._runs = runs
        self._tables = tables

    def node(self, one: Flow, near: str, *, beside: Sequence[tuple[Shape, _Element]]) -> _Element:
        """Return the element that shows *one*.

        Args:
            one: A paragraph, list item, table, code block or rule.
            near: Id of the block of the upload that it comes to stand behind, empty at the start.
            beside: Shape and paragraph of the items of the list that it belongs to, the nearest first.
        """
        if one.kind is BlockKind.TABLE:
            return self._tables.build(one.rows, self._looks.table(near))
        paragraph, look = self._looks.paragraph(one, near)
        if one.marked:
            self._looks.number(paragraph, one, beside=beside)
        spans = (Span(one.code, code=True),) if one.kind is BlockKind.CODE else one.spans
        # A picture that the file does not have cannot be written; a Document does not carry pictures.
        paragraph.extend(self._runs.node(span, look) for span in spans if not span.image)
        return paragraph
