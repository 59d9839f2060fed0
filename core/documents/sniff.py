"""What a file is, judged by its bytes and never by its name."""

import re
from typing import Final

from core.documents.errors import UnreadableFile
from core.documents.model import SourceFormat
from core.documents.readers.limits import Limits
from core.documents.readers.text import decode, looks_like_markdown
from core.documents.readers.zip_guard import Zip

SUPPORTED: Final = "Word (.docx), PDF, Markdown (.md) and plain text (.txt)"

_PDF_HEADER_WITHIN: Final = 1024  # Adobe's readers look this far for "%PDF-"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: Final = (
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"8BPS", "a Photoshop image"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "an audio file"),
    (b"OggS", "an audio file"),
    (b"SQLite format 3", "a database"),
)
_IN_RIFF: Final = {b"WEBP": "a WebP image", b"WAVE": "an audio file", b"AVI ": "a video"}
_IN_OLE: Final = (
    ("WordDocument", "an old Word document (.doc)"),
    ("Workbook", "an old Excel workbook (.xls)"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)"),
    ("__properties_version1.0", "an Outlook message"),
)
_IN_ZIP: Final = (
    ("xl/", "an Excel workbook (.xlsx)"),
    ("ppt/", "a PowerPoint presentation (.pptx)"),
    ("visio/", "a Visio drawing"),
    ("META-INF/container.xml", "an e-book (.epub)"),
    ("Index/Document.iwa", "an Apple Pages document"),
    ("Index/", "an Apple iWork document"),
)
_MIME_TYPES: Final = (
    (b"opendocument.text", "an OpenDocument text (.odt)"),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (.ods)"),
    (b"opendocument.presentation", "an OpenDocument presentation (.odp)"),
    (b"epub", "an e-book (.epub)"),
)
_MARKUP = re.compile(r"\s*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE)
_XML = re.compile(r"\s*<\?xml\s")


def sniff(data: bytes, limits: Limits | None = None) -> SourceFormat:
    """Return what *data* can be read as.

    Raises:
        UnreadableFile: ``file_unsupported`` naming what it is and what is supported, ``file_encrypted`` for an encrypted
            Office file, ``file_empty`` if there is nothing in it, or as `Zip` for a broken or hostile container.
    """
    if not data.strip(b"\x00\t\n\r "):
        raise UnreadableFile("file_empty", "The file is empty.")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(Zip(data, limits or Limits()))
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        return SourceFormat.PDF
    if data.startswith(_OLE):
        raise _ole(data)
    found = next((name for magic, name in _MAGIC if data.startswith(magic) and not _is_short_text(magic, data)), "")
    found = found or _container(data)
    if found:
        raise _unsupported(found)
    text, _ = decode(data)
    if _MARKUP.match(text):
        raise _unsupported("a web page (HTML)")
    if _XML.match(text):
        raise _unsupported("an XML file")
    return SourceFormat.MARKDOWN if looks_like_markdown(text) else SourceFormat.TEXT


def _zip(archive: Zip) -> SourceFormat:
    names = archive.names
    if "mimetype" in names:
        mime = archive.read("mimetype")
        found = next((name for part, name in _MIME_TYPES if part in mime), "")
        if found:
            raise _unsupported(found)
    lowered = [name.lower() for name in names]
    if "[content_types].xml" in lowered:
        types = archive.read(names[lowered.index("[content_types].xml")])
        if b"wordprocessingml" in types or b"ms-word" in types or any(name.startswith("word/") for name in lowered):
            return SourceFormat.DOCX
    found = next((name for part, name in _IN_ZIP if any(entry.startswith(part) for entry in names)), "")
    raise _unsupported(found or "a zip archive")


def _ole(data: bytes) -> UnreadableFile:
    """Return the refusal of a compound file; its streams have their names in UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return UnreadableFile("file_encrypted", "Word asks for a password before it opens it.")
    found = next((name for stream, name in _IN_OLE if stream.encode("utf-16-le") in data), "")
    return _unsupported(found or "an old Office file")


def _container(data: bytes) -> str:
    """Return what a file is whose mark does not stand at its very start."""
    if data.startswith(b"RIFF"):
        return _IN_RIFF.get(data[8:12], "a media file")
    if data[4:8] == b"ftyp":
        return "an image (HEIC or AVIF)" if data[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "a video"
    return ""


def _is_short_text(magic: bytes, data: bytes) -> bool:
    """Tell whether two letters that some format starts with (``BM``, ``MZ``) merely begin a text."""
    return magic.isalnum() and b"\x00" not in data[:_PDF_HEADER_WITHIN]


def _unsupported(what: str) -> UnreadableFile:
    return UnreadableFile("file_unsupported", f"This is {what}, which is not supported; supported are {SUPPORTED}.")
