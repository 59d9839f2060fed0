"""The one way from bytes to a document: judge what they are, then let the reader of that format read them."""

from core.documents.model import Document, SourceFormat
from core.documents.readers.limits import Limits
from core.documents.sniff import sniff


def read(data: bytes, *, name: str, limits: Limits | None = None) -> Document:
    """Return the document in *data*, whatever its name says it is.

    Raises:
        UnreadableFile: See `sniff` and the reader of each format.
    """
    limits = limits or Limits()
    match sniff(data, limits):
        case SourceFormat.DOCX:
            from core.documents.readers.docx import read as read_docx  # noqa: PLC0415 - a parser is loaded when needed

            return read_docx(data, name=name, limits=limits)
        case SourceFormat.PDF:
            from core.documents.readers.pdf import read as read_pdf  # noqa: PLC0415

            return read_pdf(data, name=name, limits=limits)
        case SourceFormat.MARKDOWN | SourceFormat.TEXT:
            from core.documents.readers.text import read as read_text  # noqa: PLC0415

            return read_text(data, name=name, limits=limits)
