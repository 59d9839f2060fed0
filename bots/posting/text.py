"""Markdown cut into messages without losing a letter, and its tables as text."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,16}|~{3,16})(?P<info>[^`~\n]*)$")  # a longer one is no fence but an attack
_RULE_ROW = re.compile(r"^ *\|?(?: *:?-+:? *\|)+ *(?::?-+:?)? *\|? *$")
_SMALLEST_LIMIT = 128
_LONGEST_INFO = 16
_CLOSING = 18  # the longest closing fence with its line break


def tables_to_code(markdown: str, *, keep: int = 0) -> tuple[str, int]:
    """Return *markdown* with every table but the first *keep* drawn in a code fence, and how many tables it kept."""
    kept = 0
    lines: list[str] = []
    for kind, block in blocks_of(markdown, raw=True):
        if kind != "table":
            lines += block
        elif kept < keep:
            kept += 1
            lines += block
        else:
            lines += ["```", *aligned(block), "```"]
    return "\n".join(lines), kept


def split_markdown(markdown: str, limit: int) -> tuple[str, ...]:
    """Return *markdown* in pieces of at most *limit* characters (128 or more), whole and in order.

    It is cut between paragraphs, else between lines, else between words, else anywhere. A code fence that a cut
    divides is closed before it and opened again after it.
    """
    pieces: list[str] = []
    rest, opening = markdown, ""
    while rest or not pieces:
        head, rest, opening = cut_markdown(rest, limit, opening)
        pieces.append(head)
    return tuple(pieces)


def cut_markdown(markdown: str, limit: int, opening: str = "") -> tuple[str, str, str]:
    """Return the first piece of *markdown*, what follows it, and the *opening* of what follows: see `split_markdown`."""
    limit = max(limit, _SMALLEST_LIMIT)
    if len(opening) + len(markdown) <= limit:
        return opening + markdown, "", ""
    may_need_closing = opening or any(map(_FENCE.match, markdown[:limit].split("\n")))
    at = _cut(markdown, limit - len(opening) - (_CLOSING if may_need_closing else 0))
    head = opening + markdown[:at]
    fence = _open_fence(head)
    if fence:
        head = f"{head}{'' if head.endswith(chr(10)) else chr(10)}{_marks(fence)}"
    return head, markdown[at:], f"{fence}\n" if fence else ""


def close_fence(markdown: str) -> str:
    """Return *markdown* with the code fence closed that is open at its end, if any: nothing after it becomes code."""
    fence = _open_fence(markdown)
    return f"{markdown}\n{_marks(fence)}" if fence else markdown


def split_text(text: str, limit: int, *, whole: re.Pattern[str] | None = None) -> tuple[str, ...]:
    """Return text that is no Markdown in pieces of at most *limit* characters, whole and in order.

    Args:
        text: What to cut.
        limit: Characters of a piece.
        whole: Matches, at the end of a piece, what must not be divided there.
    """
    pieces: list[str] = []
    rest = text
    while len(rest) > limit:
        at = _cut(rest, limit)
        tail = whole.search(rest[:at]) if whole is not None else None
        if tail is not None and tail.start() > 0:
            at = tail.start()
        pieces.append(rest[:at])
        rest = rest[at:]
    if rest or not pieces:
        pieces.append(rest)
    return tuple(pieces)


def shorten(text: str, limit: int) -> str:
    """Return *text*, cut to *limit* characters with an ellipsis where it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _cut(text: str, room: int) -> int:
    """Return where to cut *text* within *room*: after a blank line, a line, a word, or just there."""
    window = text[:room]
    for mark in ("\n\n", "\n", " "):
        position = window.rfind(mark)
        if position > room // 4:
            return position + len(mark)
    return room


def _open_fence(text: str) -> str:
    """Return the line that opened the code fence which is open at the end of *text*, empty when none is."""
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if match is None:
            continue
        if not fence:
            fence = _fence_line(match)
        elif match["marks"].startswith(_marks(fence)) and not match["info"].strip():
            fence = ""
    return fence


def _fence_line(match: re.Match[str]) -> str:
    info = match["info"].strip()
    return match["marks"] + (info if len(info) <= _LONGEST_INFO else "")


def _marks(fence: str) -> str:
    return fence[: len(fence) - len(fence.lstrip("`~"))]


def blocks_of(markdown: str, *, raw: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Yield ``code``, ``table`` or ``text`` with its lines; code without its fence lines unless *raw*."""
    lines = markdown.split("\n")
    at = 0
    while at < len(lines):
        match = _FENCE.match(lines[at])
        if match is not None:
            end = next(
                (
                    number
                    for number in range(at + 1, len(lines))
                    if (closing := _FENCE.match(lines[number]))
                    and closing["marks"].startswith(match["marks"])
                    and not closing["info"].strip()
                ),
                len(lines),
            )
            yield ("text", lines[at : end + 1]) if raw else ("code", lines[at + 1 : end])
            at = end + 1
        elif at + 1 < len(lines) and "|" in lines[at] and _RULE_ROW.match(lines[at + 1]):
            end = next((number for number in range(at + 2, len(lines)) if "|" not in lines[number]), len(lines))
            yield "table", lines[at:end]
            at = end
        else:
            yield "text", [lines[at]]
            at += 1


def aligned(rows: list[str]) -> list[str]:
    """Return the rows of a Markdown table with their columns aligned by spaces."""
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in (rows[0], *rows[2:])]
    columns = max(len(row) for row in cells)
    widths = [max((len(row[column]) for row in cells if column < len(row)), default=0) for column in range(columns)]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cells]
    return [drawn[0], "  ".join("-" * width for width in widths), *drawn[1:]]
