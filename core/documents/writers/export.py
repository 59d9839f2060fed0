"""The one way out: a Document in a format, with its mark."""

from datetime import datetime

from core.documents.model import Document, SourceFormat
from core.documents.writers.docx import docx_parts
from core.documents.writers.docx_patch import patch
from core.documents.writers.mark import Mark, mark_docx, mark_markdown, mark_parts, pdf_mark
from core.documents.writers.markdown import write_markdown, write_text
from core.documents.writers.package import pack
from core.documents.writers.text_patch import manner_of, patched_text


def export(
    document: Document,
    fmt: SourceFormat,
    *,
    mark: Mark,
    written_at: datetime | None = None,
    original: bytes | None = None,
    base: Document | None = None,
) -> bytes:
    """Return *document* as a file in *fmt* that carries *mark*; equal arguments give equal bytes.

    A Word file, plain text or Markdown that came in goes out as itself: given *original* and *base*, only what differs
    between *base* and *document* is changed in it. A PDF is written anew. Plain text has no place for a mark.

    Args:
        document: What is exported.
        fmt: The format of the file.
        mark: How the text was made.
        written_at: The date that a file which is written anew gives as its own; by default a fixed one.
        original: The upload, if there was one.
        base: The Document that was read from *original*.

    Raises:
        UnsupportedCharacters: If the fonts of a PDF lack characters of the text.
    """
    match fmt:
        case SourceFormat.DOCX:
            if original is not None and base is not None and base.source_format is fmt:
                return mark_docx(patch(original, base, document), mark)
            return pack(mark_parts(docx_parts(document, created_at=written_at), mark))
        case SourceFormat.PDF:
            # The typesetter takes a second to import, and few sessions end in a PDF.
            from core.documents.writers.pdf import write_pdf  # noqa: PLC0415

            creator = f"{mark.tool} {mark.version}"
            xmp = pdf_mark(mark, document.title)
            return write_pdf(document, created_at=written_at, creator=creator, xmp=xmp)
        case SourceFormat.MARKDOWN | SourceFormat.TEXT if (
            original is not None and base is not None and base.source_format is fmt
        ):
            text = patched_text(original, base, document)
            return manner_of(original).encode(mark_markdown(text, mark) if fmt is SourceFormat.MARKDOWN else text)
        case SourceFormat.MARKDOWN:
            return mark_markdown(write_markdown(document), mark).encode()
        case SourceFormat.TEXT:
            return write_text(document).encode()
