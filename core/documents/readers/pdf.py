"""PDF to documents: pypdf reads, pdfium tries where it cannot; neither is trusted with a process of the service."""

import io
import math
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, Self

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.generic import DictionaryObject

from core.documents.errors import UnreadableFile
from core.documents.markdown import inline_text
from core.documents.model import Block, BlockKind, Document, Origin, SourceFormat
from core.documents.readers.limits import Limits
from core.documents.readers.pdf_layout import Laid, Line, lay_out
from core.documents.readers.spans import Span, as_paragraph, render

_SCANNED_BELOW_LETTERS: Final = 20
_SCANNED_SHARE: Final = 0.8
_GARBLED_SHARE: Final = 0.2
_CPU_SHARE: Final = 0.5  # of the limit; after that the slower reader gives way to the faster one
_LIGATURES: Final = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " ", "\ufffe": None}
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_PRIVATE = re.compile(r"[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_GARBLED = re.compile(r"[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]|\(cid:\d+\)|/[a-z]\d+(?=/|\s|$)")
_PROGRAM_IN_TITLE = re.compile(r"^Microsoft (?:Office )?\w+ - |^untitled$|^\s*$", re.IGNORECASE)
_MATRIX: Final = 6
_RECTANGLE: Final = 4
_TEXT_FIELDS: Final = ("/Tx", "/Ch")
_COMMENTS: Final = ("/Text", "/FreeText", "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret")


def read(data: bytes, *, name: str, limits: Limits | None = None) -> Document:
    """Return the document in *data*, a PDF file: paragraphs, headings and list items guessed from the layout.

    Raises:
        UnreadableFile: ``file_encrypted`` if it needs a password, ``file_scanned`` if it has pictures of pages instead
            of text, ``file_empty``, ``file_corrupt``, or ``file_too_large`` for pages or characters.
    """
    limits = limits or Limits()
    with _Pdf(data, limits) as pdf:
        lines: list[Line] = []
        characters = 0
        for number in range(1, pdf.pages + 1):
            of_page = pdf.lines(number)
            characters += sum(len(line.text) for line in of_page)
            limits.check_characters(characters)
            lines += of_page
        if _is_scan(lines, pdf.pages) and pdf.pictures:
            raise UnreadableFile("file_scanned", "This PDF is a scan: pictures of pages without a text layer.")
        if not any(letter.isalnum() for line in lines for letter in line.text):
            raise UnreadableFile("file_empty", "No page of this PDF has text.")
        laid, repeated = lay_out(lines)
        laid += [Laid(BlockKind.COMMENT, text, 0, Origin("page", page)) for page, text in pdf.comments]
        warnings = pdf.warnings(lines, repeated=repeated)
        title = pdf.title
    blocks = tuple(
        Block(f"p{number}", block.kind, block.markdown, block.level, block.origin, block.kind is BlockKind.COMMENT)
        for number, block in enumerate(laid, 1)
    )
    heading = next((block for block in blocks if block.kind is BlockKind.HEADING), None)
    title = title or (inline_text(heading.markdown) if heading else PurePath(name).stem)
    document = Document(blocks, len(blocks) + 1, SourceFormat.PDF, title, warnings)
    limits.check_characters(document.characters)
    return document


class _Pdf:
    """A PDF in the hands of two readers."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._began = time.process_time()
        self._second: Any = None  # a pypdfium2.PdfDocument, which mypy cannot see
        self._second_failed = False
        self._first = self._opened()
        if self._first is None and self._fallback() is None:
            raise UnreadableFile("file_corrupt", "It cannot be opened as a PDF.")
        self.pages = self._page_count()
        if self.pages > limits.pages:
            reason = f"The PDF has {self.pages:,} pages; the limit is {limits.pages:,}."
            raise UnreadableFile("file_too_large", reason)
        self.pictures = 0
        self.comments: list[tuple[int, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._second is not None:
            self._second.close()

    @property
    def title(self) -> str:
        """The title in its properties, empty if there is none or only the name of a program."""
        try:
            title = self._first.metadata.title if self._first is not None and self._first.metadata else ""
        except Exception:  # noqa: BLE001 - pypdf lets any error through on damaged files; a title is not worth one
            return ""
        title = " ".join(_cleaned(str(title or "")).split())
        return "" if _PROGRAM_IN_TITLE.search(title) else title

    def lines(self, number: int) -> list[Line]:
        """Return the lines of page *number*, from 1, by the reader that makes more of it."""
        spent = time.process_time() - self._began > _CPU_SHARE * self._limits.cpu_seconds
        lines = [] if self._first is None or spent else self._first_lines(self._first, number)
        text = "".join(line.text for line in lines)
        if _letters(text) >= _SCANNED_BELOW_LETTERS and not _is_garbled(text):
            return lines
        other = self._second_lines(number)
        other_text = "".join(line.text for line in other)
        better = _letters(other_text) > _letters(text) or (_is_garbled(text) and not _is_garbled(other_text))
        return other if better else lines

    def warnings(self, lines: list[Line], *, repeated: bool) -> tuple[str, ...]:
        """Return one sentence for each thing that is in the file and not in the blocks."""
        sentences = ["The layout of a PDF is guessed: tables and columns may read differently than they look."]
        if repeated:
            sentences.append("Headers and footers that repeat on the pages are shown once.")
        if self.pictures:
            sentences.append(f"{self.pictures:,} picture{'s' if self.pictures > 1 else ''} cannot be shown here.")
        if any(_PRIVATE.search(line.text) for line in lines):
            sentences.append("Some characters have a meaning only in the file's own font and may look wrong.")
        attached = self._attachments()
        if attached:
            sentences.append(
                f"The PDF has {attached} attached file{'s' if attached > 1 else ''}; only its pages are read."
            )
        return tuple(sentences)

    def _opened(self) -> PdfReader | None:
        try:
            reader = PdfReader(io.BytesIO(self._data))
            locked = reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED
        except Exception:  # noqa: BLE001 - pypdf lets any error through on damaged files; the second reader has its try
            return None
        if locked:
            raise UnreadableFile("file_encrypted", "The PDF asks for a password before it opens.")
        return reader

    def _page_count(self) -> int:
        if self._first is not None:
            try:
                return len(self._first.pages)
            except Exception:  # noqa: BLE001 - as above
                self._first = None
        second = self._fallback()
        if second is None:
            raise UnreadableFile("file_corrupt", "The pages of the PDF cannot be found.")
        return len(second)

    def _fallback(self) -> Any:
        """Return the file in the second reader, opened once; None if that cannot open it either."""
        if self._second is None and not self._second_failed:
            import pypdfium2  # type: ignore[import-untyped] # noqa: PLC0415 - a large library that most files do not need

            try:
                self._second = pypdfium2.PdfDocument(self._data)
            except pypdfium2.PdfiumError as error:
                self._second_failed = True
                if "password" in str(error).lower() and self._first is None:
                    reason = "The PDF asks for a password before it opens."
                    raise UnreadableFile("file_encrypted", reason) from error
        return self._second

    def _first_lines(self, reader: PdfReader, number: int) -> list[Line]:
        builder = _LineBuilder(number)
        try:
            page = reader.pages[number - 1]
            page.extract_text(visitor_text=builder.visit)
            self.pictures += _pictures(page)
            return self._with_annotations(page, builder.lines())
        except Exception:  # noqa: BLE001 - as above; what was read of the page so far is kept
            return builder.lines()
        return builder.lines()

    def _with_annotations(self, page: PageObject, lines: list[Line]) -> list[Line]:
        """Return *lines* with what was filled into form fields beside them, and note the comments."""
        number = (page.page_number or 0) + 1
        for reference in page.annotations or ():
            annotation = reference.get_object()
            kind = annotation.get("/Subtype")
            if kind == "/Widget":
                value = _field_value(annotation)
                if value:
                    lines = _placed(lines, value, number, annotation.get("/Rect"))
            elif kind in _COMMENTS and str(annotation.get("/Contents") or "").strip():
                author = _cleaned(str(annotation.get("/T") or "")).strip()
                text = Span(_cleaned(str(annotation["/Contents"])).strip())
                spans = [Span(author, bold=True), Span(": "), text] if author else [text]
                self.comments.append((number, as_paragraph(render(spans))))
        return lines

    def _second_lines(self, number: int) -> list[Line]:
        document = self._fallback()
        if document is None or number > len(document):
            return []
        try:
            page = document[number - 1]
            try:
                text_page = page.get_textpage()
                text = text_page.get_text_range()
                text_page.close()
            finally:
                page.close()
        except RuntimeError:  # pypdfium2.PdfiumError is one
            return []
        return [Line(_cleaned(line), number) for line in re.split(r"[\r\n]+", text)]

    def _attachments(self) -> int:
        try:
            return len(self._first.attachments) if self._first is not None else 0
        except Exception:  # noqa: BLE001 - as above
            return 0


class _LineBuilder:
    """Collects what pypdf finds on a page into lines; a line is where and as large as most of its letters."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._lines: list[Line] = []
        self._parts: list[tuple[str, float, float, float]] = []

    def visit(self, text: str, cm: list[float], tm: list[float], _font: Mapping[str, Any] | None, size: float) -> None:
        """Take one stretch of text; the arguments are those of pypdf's ``visitor_text``."""
        first, *rest = text.split("\n")
        place = _place(cm, tm, size)
        self._parts.append((first, *place))
        for part in rest:
            self._end()
            self._parts.append((part, *place))

    def lines(self) -> list[Line]:
        """Return the lines so far."""
        self._end()
        return self._lines

    def _end(self) -> None:
        parts, self._parts = self._parts, []
        visible = [part for part in parts if part[0].strip()]
        if visible:
            _, x, y, _ = visible[0]
            _, _, y_most, size = max(visible, key=lambda part: len(part[0].strip()))
            text = _cleaned("".join(part[0] for part in parts))
            self._lines.append(Line(text, self._page, x, y_most if len(visible) > 1 else y, size))


def _place(cm: list[float], tm: list[float], size: float) -> tuple[float, float, float]:
    """Return x, y and the size of letters that the current and the text matrix together say."""
    if len(cm) < _MATRIX or len(tm) < _MATRIX:
        return 0.0, 0.0, 0.0
    x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
    y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
    scale = math.hypot(tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3])
    return float(x), float(y), abs(float(size)) * scale


def _pictures(page: PageObject) -> int:
    """Return how many pictures a page refers to itself, without unpacking any."""
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    if objects is None:
        return 0
    return sum(entry.get_object().get("/Subtype") == "/Image" for entry in objects.get_object().values())


def _field_value(widget: DictionaryObject) -> str:
    """Return the text in a form field, empty for buttons and for none; a field may stand above its widgets."""
    parent = widget.get("/Parent")
    holders = [widget, *([parent.get_object()] if parent is not None else [])]
    kind = next((holder["/FT"] for holder in holders if "/FT" in holder), "")
    value = next((holder["/V"] for holder in holders if "/V" in holder), "")
    return _cleaned(str(value)).strip() if kind in _TEXT_FIELDS else ""


def _placed(lines: list[Line], text: str, page: int, rectangle: Sequence[Any] | None) -> list[Line]:
    """Return *lines* with *text* behind the last one that starts at the height of *rectangle*, or at the end."""
    if rectangle is None or len(rectangle) < _RECTANGLE:
        return [*lines, Line(text, page)]
    left, bottom, _, top = (float(number) for number in rectangle[:_RECTANGLE])
    beside = [index for index, line in enumerate(lines) if line.y is not None and bottom <= line.y <= top]
    if not beside:
        return [*lines, Line(text, page, left, bottom, 0.0)]
    found = lines[beside[-1]]
    line = Line(text, page, max(left, (found.x or 0.0) + 1), found.y, found.size)
    return [*lines[: beside[-1] + 1], line, *lines[beside[-1] + 1 :]]


def _is_scan(lines: list[Line], pages: int) -> bool:
    letters = [0] * pages
    for line in lines:
        letters[line.page - 1] += _letters(line.text)
    return sum(count < _SCANNED_BELOW_LETTERS for count in letters) >= _SCANNED_SHARE * pages


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _is_garbled(text: str) -> bool:
    return len(_GARBLED.findall(text)) > _GARBLED_SHARE * max(len(text), 1)


def _cleaned(text: str) -> str:
    return _CONTROLS.sub("", text.translate(_LIGATURES))
