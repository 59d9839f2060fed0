"""Tables of the PDF writer: how wide a column is, how high a row."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.documents.writers.typeset import Line


@dataclass(frozen=True, slots=True)
class Cell:
    """The lines of a cell and how they are aligned: ``left``, ``center``, ``right`` or an empty string."""

    lines: list[Line]
    alignment: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, and the height of the tallest with its padding, in points."""

    cells: list[Cell]
    height: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A table that is ready to draw; all measures in points."""

    rows: list[Row]
    columns: list[float]
    size: float
    padding: float
    leading: float

    @property
    def width(self) -> float:
        """The width of all columns."""
        return sum(self.columns)

    @classmethod
    def of(
        cls, rows: Sequence[list[Cell]], columns: list[float], *, size: float, padding: float, leading: float
    ) -> "Grid":
        """Return the grid of *rows*, their heights worked out."""
        heights = [max(len(cell.lines) for cell in row) * leading + 2 * padding for row in rows]
        return cls(
            [Row(row, height) for row, height in zip(rows, heights, strict=True)], columns, size, padding, leading
        )
