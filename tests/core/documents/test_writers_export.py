import io
from datetime import UTC, datetime

import docx
import pytest
from pypdf import PdfReader

from core.documents.align import document_from_markdown
from core.documents.edits import Edit, EditOp, apply_edits
from core.documents.model import SourceFormat
from core.documents.readers.docx import read
from core.documents.writers.docx import write_docx
from core.documents.writers.export import export
from core.documents.writers.mark import Mark, mark_docx, mark_markdown, read_mark
from core.documents.writers.package import part_names, read_part, with_parts
from core.documents.writers.pdf import write_pdf

MARK = Mark("Atelier", "0.1.0", "s_abc", ("claude-opus-4-8", 'odd "model" <1>'), 0.4251)
DRAFT = document_from_markdown("# Title\n\nText with **bold**.\n")
MARKED = (SourceFormat.DOCX, SourceFormat.PDF, SourceFormat.MARKDOWN)


@pytest.mark.parametrize("fmt", MARKED)
def test_a_file_carries_its_mark(fmt: SourceFormat) -> None:
    """What was written into a file is read out of it again; the share is kept to a thousandth."""
    found = read_mark(export(DRAFT, fmt, mark=MARK), fmt)
    assert found == Mark(MARK.tool, MARK.version, MARK.session_id, MARK.models, 0.425)


@pytest.mark.parametrize("fmt", list(SourceFormat))
def test_the_same_export_is_the_same_bytes(fmt: SourceFormat) -> None:
    """Equal arguments give equal bytes, so that an export that is repeated after a crash is the same file."""
    assert export(DRAFT, fmt, mark=MARK) == export(DRAFT, fmt, mark=MARK)


def test_a_file_says_when_it_was_written_and_by_what() -> None:
    """Whoever looks at a file's properties reads the version's date, not one that was made up."""
    at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    properties = docx.Document(io.BytesIO(export(DRAFT, SourceFormat.DOCX, mark=MARK, written_at=at))).core_properties
    assert properties.created == properties.modified == at
    pdf = PdfReader(io.BytesIO(export(DRAFT, SourceFormat.PDF, mark=MARK, written_at=at))).metadata
    assert pdf is not None
    assert (pdf.creation_date, pdf.creator) == (at, "Atelier 0.1.0")


def test_a_file_without_a_mark_has_none() -> None:
    """Other people's files carry no mark of ours; plain text never does."""
    assert read_mark(write_docx(DRAFT), SourceFormat.DOCX) is None
    assert read_mark(write_pdf(DRAFT), SourceFormat.PDF) is None
    assert read_mark(b"---\ntitle: x\n---\n# T\n", SourceFormat.MARKDOWN) is None
    assert read_mark(export(DRAFT, SourceFormat.TEXT, mark=MARK), SourceFormat.TEXT) is None


def test_the_visible_text_is_unchanged() -> None:
    """The mark is for machines: text and pages are those of the unmarked file."""
    marked = export(DRAFT, SourceFormat.DOCX, mark=MARK)
    assert read(marked, name="x.docx").markdown == DRAFT.markdown
    assert read_part(marked, "word/document.xml") == read_part(write_docx(DRAFT), "word/document.xml")
    pdf = export(DRAFT, SourceFormat.PDF, mark=MARK)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    assert pages == [page.extract_text() for page in PdfReader(io.BytesIO(write_pdf(DRAFT))).pages]
    assert export(DRAFT, SourceFormat.MARKDOWN, mark=MARK).decode().endswith(f"---\n\n{DRAFT.markdown}")


def test_custom_properties_of_others_stay() -> None:
    """A Word file that has custom properties keeps them, each with its own number; an older mark is replaced."""
    once = mark_docx(write_docx(DRAFT), MARK)
    theirs = (read_part(once, "docProps/custom.xml") or b"").replace(b"AtelierTool", b"Department")
    with_theirs = with_parts(once, {"docProps/custom.xml": theirs})
    twice = mark_docx(with_theirs, Mark("Atelier", "0.2.0", "s_new", (), 1.0))
    assert read_mark(twice, SourceFormat.DOCX) == Mark("Atelier", "0.2.0", "s_new", (), 1.0)
    content = read_part(twice, "docProps/custom.xml") or b""
    assert content.count(b"Department") == 1
    assert content.count(b'pid="2"') == 1
    assert content.count(b"AtelierVersion") == 1
    docx.Document(io.BytesIO(twice))


def test_front_matter_of_others_stays() -> None:
    """A Markdown file that has front matter keeps its keys; an older mark is replaced."""
    text = mark_markdown("---\ntitle: Mine\ntags: [a]\n---\n# T\n", MARK)
    assert text.startswith("---\ntitle: Mine\ntags: [a]\natelier:\n")
    again = mark_markdown(text, Mark("Atelier", "0.2.0", "s_new", (), 1.0))
    assert again.count("atelier:") == 1
    assert again.endswith("# T\n")
    assert read_mark(again.encode(), SourceFormat.MARKDOWN) == Mark("Atelier", "0.2.0", "s_new", (), 1.0)


def test_the_mark_says_what_kind_of_work_it_is() -> None:
    """IPTC's word for it: wholly made by a model, or by a person and a model."""
    assert MARK.digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert Mark("a", "1", "s", (), 1.0).digital_source_type.endswith("/trainedAlgorithmicMedia")
    assert Mark("a", "1", "s", ("rehearsal",), 1.0).digital_source_type.endswith("/algorithmicMedia")
    assert Mark("a", "1", "s", ("rehearsal",), 0.1).digital_source_type.endswith("/algorithmicallyEnhanced")
    mixed = Mark("a", "1", "s", ("claude-opus-4-8", "rehearsal"), 0.1)
    assert mixed.digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")


def test_a_word_file_that_came_in_goes_out_as_itself() -> None:
    """With the upload at hand, only the changed part and the mark's own parts differ from it."""
    original = write_docx(DRAFT)
    base = read(original, name="x.docx")
    after = apply_edits(base, [Edit(EditOp.REPLACE, base.blocks[1].ref, "Text with **bold** words.")])
    result = export(after, SourceFormat.DOCX, mark=MARK, original=original, base=base)
    assert read(result, name="x.docx").markdown == after.markdown
    changed = {name for name in part_names(result) if read_part(result, name) != read_part(original, name)}
    assert changed == {"word/document.xml", "docProps/custom.xml", "[Content_Types].xml", "_rels/.rels"}


def test_other_formats_are_written_anew_from_a_word_upload() -> None:
    """The upload only matters to Word: its PDF, Markdown and text are those of the document."""
    original = write_docx(DRAFT)
    base = read(original, name="x.docx")
    for fmt in (SourceFormat.PDF, SourceFormat.MARKDOWN, SourceFormat.TEXT):
        expected = export(base, fmt, mark=MARK)
        assert export(base, fmt, mark=MARK, original=original, base=base) == expected
