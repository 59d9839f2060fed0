import pytest

from core.documents.model import SourceFormat
from core.documents.reading import read
from core.documents.writers.export import export
from core.documents.writers.mark import Mark

_MARK = Mark("Atelier", "0.1.0", "s_abc", ("model",), 0.5)
_LONG = "The quick brown fox jumps over the lazy dog while the band plays on and nobody minds the rain at all. " * 4


@pytest.mark.parametrize(
    "blocks",
    [
        ["First short one.", "Second one here.", "The third is the last."],
        ["No full stop here", "nor does this one", "have any at its end"],
        ["The only one of the whole document."],
        ["A short one comes first.", "Then another one.", _LONG.strip(), "And a short one comes last."],
        [_LONG.strip(), _LONG.strip()],
        ["# A title", "A paragraph that is short.", "Another paragraph."],
        ["# A title", "## A part", "A paragraph.", "- one", "- two", "- three", "After the list.", "The end."],
        ["# A title", "Before the list.", "1. first", "2. second", "After the list.", "## A part", "The end."],
        ["Before the list.", f"- {_LONG.strip()}", "- short", "After the list."],
    ],
)
def test_a_short_document_comes_back_from_its_pdf_in_the_same_blocks(blocks: list[str]) -> None:
    """Gaps between paragraphs are known as such where most paragraphs have one line."""
    document = read("\n\n".join(blocks).encode(), name="x.md")
    found = read(export(document, SourceFormat.PDF, mark=_MARK), name="x.pdf")
    assert [block.markdown for block in found.blocks] == blocks
    assert [block.kind for block in found.blocks] == [block.kind for block in document.blocks]
