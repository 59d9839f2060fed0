"""What a Word file holds that blocks cannot show, counted, so that it can be said."""

from collections import Counter
from enum import StrEnum
from typing import Final


class Unshown(StrEnum):
    """Things that are named in a warning instead of shown."""

    PICTURE = "picture"
    CHART = "chart"
    DIAGRAM = "diagram"
    EQUATION = "equation"
    OBJECT = "embedded object"
    SYMBOL = "symbol"
    WORD_ART = "piece of WordArt"
    INK = "ink drawing"
    ATTACHED = "embedded document"
    RUBY = "pronunciation guide"


class Remark(StrEnum):
    """Things that are shown, though not quite as Word shows them."""

    PROTECTED = "The document is protected against changes: it can be read and commented on, not edited."
    HIDDEN = "The document has hidden text; it is shown here like any other text."
    HEADING_NUMBERS = "The numbers of headings are made by Word and not shown."
    MERGED = "Merged cells of a table are shown as the first one with its text, the others empty."
    NESTED = "A table within a table is shown as text in its cell and cannot be edited."
    LAYOUT = "A table that only lays text out is shown as running text."
    DAMAGED = "A part of the file is damaged and was left out: {}."


class Tally:
    """Counts while a file is read."""

    def __init__(self) -> None:
        self._unshown: Counter[Unshown] = Counter()
        self._remarks: dict[str, None] = {}
        self.insertions = 0
        self.deletions = 0

    def count(self, what: Unshown) -> None:
        """Count one thing that is not shown."""
        self._unshown[what] += 1

    def remark(self, remark: Remark, fact: str = "") -> None:
        """Note *remark*; the same one is said once."""
        self._remarks[remark.value.format(fact)] = None

    def unshown(self) -> str:
        """Return ``2 pictures and 1 chart``, empty if everything is shown."""
        counts = [_counted(self._unshown[what], what) for what in Unshown if self._unshown[what]]
        return _listed(counts)

    def warnings(self) -> tuple[str, ...]:
        """Return one sentence for each thing that a person should know."""
        sentences = list(self._remarks)
        if self.insertions or self.deletions:
            counts = [(self.insertions, "insertion"), (self.deletions, "deletion")]
            changes = _listed([_counted(count, noun) for count, noun in counts if count])
            sentences.append(f"The document has tracked changes ({changes}); they are read as accepted.")
        if self._unshown:
            sentences.append(f"{self.unshown()} cannot be shown here and will stay as in the original.")
        return tuple(sentences)


_IRREGULAR: Final = {Unshown.WORD_ART: "pieces of WordArt"}


def _counted(count: int, noun: str) -> str:
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {next((plural for what, plural in _IRREGULAR.items() if what == noun), f'{noun}s')}"


def _listed(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
