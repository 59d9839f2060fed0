"""Plain text and Markdown, in whatever encoding they come, to documents."""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Final

from core.documents.errors import UnreadableFile
from core.documents.markdown import Piece, inline_text, split_blocks, split_front_matter
from core.documents.model import Block, BlockKind, Document, Origin, SourceFormat
from core.documents.readers.limits import Limits
from core.documents.readers.spans import Span, as_item, as_paragraph, render

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings of Latin letters differ in a few of them, and the guesser often takes one for another: these are told apart
# here, the first where nothing speaks for another.
_LATIN: Final = ("cp1252", "cp1250", "iso8859_2", "cp1254")
_OTHER_LATIN = re.compile(
    r"latin|mac_|cp(?:037|1026|1125|1140|1257|1258|273|437|500|775|8[56]\d)|iso8859_(?:1|3|4|9|10|13|14|15|16)$|hp_roman8|ptcp154"
)
_SAMPLE: Final = 256 * 1024
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffe\uffff]")
_CONTROLS_AT_MOST: Final = 0.002
NEWLINE = re.compile(r"\r\n?|\n|\x0b|\x0c|\x85|\u2028|\u2029")
_STRONG_MARKDOWN = re.compile(
    r"""
      ^\#{1,6}[ ]\S                        # heading
    | ^(?:```|~~~)                         # fence
    | ^\|?[ ]*:?-{3,}:?[ ]*\|              # head of a table
    | \[[^\]\n]+\]\([^)\s]+\)              # link or image
    | (?<![\w*])\*\*(?=\S)[^*\n]+\*\*      # bold
    | (?<!\w)`[^`\n]+`                     # code
    | ^\[\^[^\]\s]+\]:                     # footnote
    | ^\S.*\n(?:={3,}|-{3,})[ ]*$          # underlined heading
    """,
    re.VERBOSE | re.MULTILINE,
)
ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<marker>[-*+•‣◦▪]|\d{1,9}[.)])[ \t]+(?P<text>\S.*)")
WRAPPED_AT: Final = 50


def decode(data: bytes) -> tuple[str, str]:
    """Return the text in *data* and the name of its encoding, a mark of byte order left out.

    Raises:
        UnreadableFile: ``file_unsupported`` if *data* is no text in any encoding known.
    """
    text, encoding = _decoded(data)
    if len(_CONTROLS.findall(text)) > _CONTROLS_AT_MOST * len(text):
        raise UnreadableFile("file_unsupported", "This is not a text file, nor anything else that is supported.")
    return _CONTROLS.sub("", text), encoding


def looks_like_markdown(text: str) -> bool:
    """Tell whether *text* has a mark that nobody types in plain text: a heading, a link, bold, a fence, a table."""
    return bool(split_front_matter(text.replace("\r\n", "\n"))[0]) or _STRONG_MARKDOWN.search(text) is not None


def read(data: bytes, *, name: str, limits: Limits | None = None) -> Document:
    """Return the document in *data*: Markdown cut into its blocks, or plain text into paragraphs and list items.

    In plain text every character that Markdown would take for a marker is escaped, lines that were broken to fit a width
    flow together, and shorter lines stay lines. The front matter of Markdown is a locked block of code.

    Raises:
        UnreadableFile: ``file_unsupported`` if it is no text, ``file_empty``, or ``file_too_large``.
    """
    limits = limits or Limits()
    text, encoding = decode(data)
    text = NEWLINE.sub("\n", text)
    limits.check_characters(len(text))
    is_markdown = looks_like_markdown(text)
    blocks = tuple(_numbered(_markdown_pieces(text) if is_markdown else _text_pieces(text)))
    if not any(inline_text(block.markdown).strip() for block in blocks):
        raise UnreadableFile("file_empty", "It holds nothing but blanks.")
    heading = next((block for block in blocks if block.kind is BlockKind.HEADING), None)
    document = Document(
        blocks,
        len(blocks) + 1,
        SourceFormat.MARKDOWN if is_markdown else SourceFormat.TEXT,
        inline_text(heading.markdown) if heading else PurePath(name).stem,
        () if encoding.startswith("utf") else (f"The file says nothing of its encoding; it was read as {encoding}.",),
    )
    limits.check_characters(document.characters)
    return document


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding.removesuffix("-sig")
    for encoding in (*_wide(data), "utf-8"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    guess = _guessed(data[:_SAMPLE])
    return data.decode(guess, "replace"), guess


def _guessed(sample: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import and seldom needed: most text is UTF-8

    matches = from_bytes(sample)
    best = matches.best()
    if best is not None and best.encoding not in _LATIN and not _OTHER_LATIN.match(best.encoding):
        return best.encoding
    # of encodings that give the same text the guesser names one and keeps the others to itself
    coherence = {encoding: int(match.coherence * 10) for match in matches for encoding in match.could_be_from_charset}

    def likelihood(encoding: str) -> tuple[int, int]:
        text = sample.decode(encoding, "replace")
        return coherence.get(encoding, -1), sum(letter.isalpha() for letter in text)

    return max(_LATIN, key=likelihood)


def _wide(data: bytes) -> Iterator[str]:
    """Yield UTF-16 without a mark: text in it has its zeros all on one side."""
    zeros = data[:_SAMPLE:2].count(0), data[1:_SAMPLE:2].count(0)
    if sum(zeros) > len(data[:_SAMPLE]) // 8:
        yield "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _numbered(pieces: Sequence[tuple[Piece, bool]]) -> Iterator[Block]:
    for number, (piece, locked) in enumerate(pieces, 1):
        origin = Origin("text", piece.line, piece.lines)
        yield Block(f"p{number}", piece.kind, piece.markdown, piece.level, origin, locked)


def _markdown_pieces(text: str) -> list[tuple[Piece, bool]]:
    front, rest = split_front_matter(text)
    skipped = text[: len(text) - len(rest)].count("\n")
    pieces = [(Piece(BlockKind.CODE, front, 0, 0, front.count("\n") + 1), True)] if front else []
    return [*pieces, *((replace(piece, line=piece.line + skipped), False) for piece in split_blocks(rest))]


def _text_pieces(text: str) -> list[tuple[Piece, bool]]:
    lines = text.split("\n")
    pieces: list[tuple[Piece, bool]] = []
    start = 0
    for number in range(len(lines) + 1):
        ends = number == len(lines) or not lines[number].strip()
        if (ends or ITEM.match(lines[number])) and number > start:
            pieces.append((_paragraph(lines, start, number), False))
            start = number
        if ends:
            start = number + 1
    return pieces


def _paragraph(lines: list[str], start: int, end: int) -> Piece:
    item = ITEM.match(lines[start])
    if item is None:
        markdown = as_paragraph(_flowing(lines[start:end]))
        return Piece(BlockKind.PARAGRAPH, markdown, 0, start, end - start)
    marker = item["marker"] if item["marker"] in "-*+" or item["marker"][0].isdecimal() else "-"
    markdown = as_item(_flowing([item["text"], *lines[start + 1 : end]]), marker, 0)
    return Piece(BlockKind.LIST_ITEM, markdown, 0, start, end - start)


def _flowing(lines: list[str]) -> str:
    """Return *lines* as inline Markdown: broken to fit they flow, short they stay."""
    stripped = [line.strip() for line in lines]
    if all(len(line) >= WRAPPED_AT for line in stripped[:-1]):
        return render([Span(" ".join(stripped))])
    return render([Span("\n".join(stripped))])
