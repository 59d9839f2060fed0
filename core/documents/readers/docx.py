"""Word files (DOCX) to documents: every paragraph that Word shows, and a sentence for what it shows besides."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import PurePath
from typing import Final

from lxml.etree import _Element

from core.documents.errors import UnreadableFile
from core.documents.markdown import inline_text
from core.documents.model import Block, BlockKind, Document, SourceFormat
from core.documents.readers.docx_index import W
from core.documents.readers.docx_lists import Lists
from core.documents.readers.docx_package import Package, R
from core.documents.readers.docx_part import Draft, PartReader, Surroundings
from core.documents.readers.docx_styles import Styles
from core.documents.readers.docx_tally import Remark, Tally
from core.documents.readers.limits import Limits
from core.documents.readers.spans import Span, as_paragraph, render

_EDITS_FORBIDDEN: Final = ("readOnly", "forms", "comments")
_TITLE: Final = "{http://purl.org/dc/elements/1.1/}title"
_NOT_NOTES: Final = ("separator", "continuationSeparator", "continuationNotice")
_QUOTED: Final = 80
_OWN_TEXT: Final = frozenset(BlockKind) - {BlockKind.IMAGE, BlockKind.RULE}


def read(data: bytes, *, name: str, limits: Limits | None = None) -> Document:
    """Return the document in *data*, a DOCX (Transitional or Strict) or DOTX file.

    Blocks come in this order: headers, body with its text boxes, footnotes, endnotes, footers, comments. The text of a
    block that was one paragraph is the paragraph's ``w:t``, tabs, breaks and hyphens outside of deletions, moved-away
    text, text boxes and field codes; notes are references, all else that stands in a run has no text.

    Args:
        data: The file.
        name: Its name, for the document that has no title.
        limits: How much it may cost.

    Raises:
        UnreadableFile: ``file_corrupt``, ``file_encrypted``, ``file_hostile``, ``file_unsupported`` (macros),
            ``file_empty`` or ``file_too_large``.
    """
    limits = limits or Limits()
    reader = _Reader(Package(data, limits))
    drafts = list(reader.read())
    if not any(draft.kind in _OWN_TEXT for draft in drafts):
        unshown = reader.tally.unshown()
        raise UnreadableFile("file_empty", f"The document has no text{f', only {unshown}' if unshown else ''}.")
    blocks = tuple(
        Block(f"p{number}", draft.kind, draft.markdown, draft.level, draft.origin, draft.locked)
        for number, draft in zip(count(1), drafts, strict=False)
    )
    document = Document(
        blocks, len(blocks) + 1, SourceFormat.DOCX, reader.title(blocks) or PurePath(name).stem, reader.tally.warnings()
    )
    limits.check_characters(document.characters)
    return document


class _Reader:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._main = package.main
        self.tally = Tally()
        self._around = Surroundings(
            package, Styles(self._related_xml("styles")), Lists(self._related_xml("numbering")), self.tally
        )

    def read(self) -> Iterator[Draft]:
        root = self._package.xml(self._main)
        body = root.find(f"{W}body")
        if body is None:
            raise UnreadableFile("file_corrupt", "Its document has no body.")
        main = PartReader(self._around, self._main, root)
        in_body = main.read(body)
        locked = self._is_protected()
        drafts = [
            *self._margins(root, "header", BlockKind.HEADER),
            *in_body,
            *self._notes("footnote", "", main.inline.notes),
            *self._notes("endnote", "e", main.inline.notes),
            *self._margins(root, "footer", BlockKind.FOOTER),
            *self._comments(main.inline.anchored),
        ]
        if locked:
            self.tally.remark(Remark.PROTECTED)
        for draft in drafts:
            yield replace(draft, locked=True) if locked else draft

    def title(self, blocks: tuple[Block, ...]) -> str:
        """Return the title in the file's properties or the first heading, empty if it has neither."""
        for part in self._package.related("", "core-properties"):
            root = self._package.find_xml(part)
            element = None if root is None else root.find(_TITLE)
            if element is not None and (element.text or "").strip():
                return " ".join((element.text or "").split())
        headings = (block for block in blocks if block.kind is BlockKind.HEADING)
        return next((inline_text(block.markdown) for block in headings), "")

    def _related_xml(self, kind: str) -> _Element | None:
        """Return the root of the main part's related part of *kind*; None if there is none or it is damaged."""
        for part in self._package.related(self._main, kind):
            root = self._package.find_xml(part)
            if root is None:
                self.tally.remark(Remark.DAMAGED, part)
            return root
        return None

    def _is_protected(self) -> bool:
        settings = self._related_xml("settings")
        protection = None if settings is None else settings.find(f"{W}documentProtection")
        if protection is None or protection.get(f"{W}enforcement", "0") not in ("1", "true", "on"):
            return False
        return protection.get(f"{W}edit", "none") in _EDITS_FORBIDDEN

    def _margins(self, root: _Element, name: str, kind: BlockKind) -> Iterator[Draft]:
        """Yield the headers or footers that a section of the document shows, each part once."""
        relationships = self._package.relationships(self._main)
        wanted = [element.get(f"{R}id", "") for element in root.iter(f"{W}{name}Reference")]
        parts = [self._package.find(relationships[key].target) for key in wanted if key in relationships]
        for part in dict.fromkeys(part for part in parts if part is not None):
            margin = self._package.find_xml(part)
            if margin is None:
                self.tally.remark(Remark.DAMAGED, part)
                continue
            for draft in PartReader(self._around, part, margin).read(margin, kind):
                if not (draft.locked and not any(letter.isalpha() for letter in draft.markdown)):
                    yield draft  # and not the bare number of the page

    def _notes(self, name: str, prefix: str, labels: dict[tuple[str, str], str]) -> Iterator[Draft]:
        """Yield the notes that the text refers to, in the order in which it does."""
        root = self._related_xml(f"{name}s")
        if root is None:
            return
        part = self._package.related(self._main, f"{name}s")[0]
        reader = PartReader(self._around, part, root)
        notes = {
            element.get(f"{W}id", ""): element
            for element in root.iter(f"{W}{name}")
            if element.get(f"{W}type", "normal") not in _NOT_NOTES
        }
        for (kind, note), label in labels.items():
            if kind == prefix and note in notes:
                drafts = reader.read(notes[note], BlockKind.FOOTNOTE)
                for index, draft in enumerate(drafts):
                    yield draft if index else replace(draft, markdown=f"[^{label}]: {draft.markdown}")

    def _comments(self, anchored: dict[str, list[str]]) -> Iterator[Draft]:
        root = self._related_xml("comments")
        if root is None:
            return
        part = self._package.related(self._main, "comments")[0]
        reader = PartReader(self._around, part, root)
        for comment in root.iter(f"{W}comment"):
            drafts = reader.read(comment, BlockKind.COMMENT)
            words = " ".join("".join(anchored.get(comment.get(f"{W}id", ""), [])).split())
            quoted = f"{words[:_QUOTED].rstrip()}…" if len(words) > _QUOTED else words
            author = comment.get(f"{W}author", "").strip() or "?"
            about = render([Span(author, bold=True), Span(f" (“{quoted}”): " if quoted else ": ")])
            for index, draft in enumerate(drafts):
                markdown = draft.markdown if index else as_paragraph(f"{about} {draft.markdown}")
                yield replace(draft, markdown=markdown, locked=True)
