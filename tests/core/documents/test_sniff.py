import pytest

from core.documents.errors import UnreadableFile
from core.documents.model import SourceFormat
from core.documents.sniff import sniff
from tests.core.documents.docx_builder import docx, paragraph, zipped

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (docx(paragraph("Text")), SourceFormat.DOCX),
        (b"%PDF-1.7 ...", SourceFormat.PDF),
        (b"junk before\n%PDF-1.4", SourceFormat.PDF),
        (b"# Head\n\nText", SourceFormat.MARKDOWN),
        (b"Some **bold** words", SourceFormat.MARKDOWN),
        (b"| a | b |\n|---|---|\n| 1 | 2 |", SourceFormat.MARKDOWN),
        (b"---\ntitle: x\n---\n\nText", SourceFormat.MARKDOWN),
        (b"Just text.\n\n- with a dash\n* and a star", SourceFormat.TEXT),
        (b"BMW is a company, MZ another.", SourceFormat.TEXT),
        ("Überall Text".encode("utf-16"), SourceFormat.TEXT),
    ],
)
def test_the_bytes_say_what_a_file_is(data: bytes, expected: SourceFormat) -> None:
    """No name is asked for."""
    assert sniff(data) is expected


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"{\\rtf1\\ansi text}", "RTF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"GIF89a\0\0", "GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
        (b"MZ\x90\0\x03\0\0\0", "program"),
        (_OLE + "WordDocument".encode("utf-16-le"), r"\.doc\)"),
        (_OLE + "Workbook".encode("utf-16-le"), r"\.xls\)"),
        (zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<x/>"}), r"\.xlsx"),
        (zipped({"[Content_Types].xml": b"<Types/>", "ppt/presentation.xml": b"<x/>"}), r"\.pptx"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}), r"\.odt"),
        (zipped({"mimetype": b"application/epub+zip"}), r"\.epub"),
        (zipped({"Index/Document.iwa": b"x"}), "Pages"),
        (zipped({"a.txt": b"x"}), "zip archive"),
        (b"<!DOCTYPE html><html><p>x</p></html>", "HTML"),
        (b'<?xml version="1.0"?><a/>', "XML"),
        (bytes(range(256)) * 8, "not a text file"),
    ],
)
def test_what_is_not_supported_is_named_with_what_is(data: bytes, named: str) -> None:
    """A person learns what they sent and, where it is something, what they may send."""
    with pytest.raises(UnreadableFile, match=named) as refusal:
        sniff(data)
    assert refusal.value.code == "file_unsupported"
    assert "supported" in refusal.value.reason


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b" \n\0\0", "file_empty"),
        (_OLE + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
        (b"PK\x03\x04 and no more", "file_corrupt"),
        (zipped({"../../etc/passwd": b"x"}), "file_hostile"),
    ],
)
def test_containers_that_cannot_be_opened_are_refused_with_their_reason(data: bytes, code: str) -> None:
    """Empty, encrypted, broken and hostile are different things."""
    with pytest.raises(UnreadableFile) as refusal:
        sniff(data)
    assert refusal.value.code == code
