"""The one way from bytes to a document: judge what they are, then let the reader of that format read them."""

from pathlib import PurePath
from typing import Final

from core.documents.errors import UnreadableFile
from core.documents.model import Document, SourceFormat
from core.documents.readers.limits import Limits
from core.documents.sniff import sniff

_NEVER_TEXT: Final = {".pdf": "PDF", ".docx": "Word document"}


def read(data: bytes, *, name: str, limits: Limits | None = None) -> Document:
    """Return the document in *data*, judged by its bytes.

    Text under the name of a PDF or Word file is refused: it is what a failed download leaves, seldom what was meant.

    Raises:
        UnreadableFile: ``file_corrupt`` for such text; see `sniff` and the reader of each format.
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
            meant = _NEVER_TEXT.get(PurePath(name).suffix.lower())
            if meant is not None:
                reason = f"The file has the name of a {meant}, but there is only plain text in it."
                raise UnreadableFile("file_corrupt", reason)
            from core.documents.readers.text import read as read_text  # noqa: PLC0415

            return read_text(data, name=name, limits=limits)
