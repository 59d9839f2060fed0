"""Text for Slack: inert, converted where a place knows no Markdown, and split without losing a letter.

Slack has two languages. A ``markdown`` block takes Markdown; ``text`` and ``mrkdwn`` take Slack's own. In both,
``<!channel>``, ``<@U1>``, ``<#C1>`` and ``<!subteam^S1>`` call people, and nothing switches that off. So what models,
files and people wrote passes `defuse` (Markdown and plain text) or `escape` (mrkdwn) before it leaves.
"""

import re
from collections.abc import Iterator

from bots.views.streams import harmless

JOINER = "\u2060"
_CALL = re.compile(r"<(?=[!@#])")
_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,16}|~{3,16})(?P<info>[^`~\n]*)$")  # a longer one is no fence but an attack
_HEADING = re.compile(r"^ {0,3}#{1,6} +(?P<title>.+?)(?: +#+)? *$")
_BULLET = re.compile(r"^(?P<indent> *)[-*+] +(?=\S)")
_RULE_ROW = re.compile(r"^ *\|?(?: *:?-+:? *\|)+ *(?::?-+:?)? *\|? *$")
_INLINE = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|!?\[(?P<label>[^\]\n]*)\]\((?P<url>https?://[^\s()<>|]+)\)"
    r"|\*\*(?P<bold>\S(?:[^\n]*?\S)?)\*\*"
    r"|(?<![*\w])\*(?P<italic>[^\s*](?:[^*\n]*?[^\s*])?)\*(?![*\w])"
    r"|~~(?P<struck>\S(?:[^\n]*?\S)?)~~"
)
_ENTITY_TAIL = re.compile(r"&[a-z]{0,3}$")
_SMALLEST_LIMIT = 128
_LONGEST_INFO = 16
_CLOSING = 18  # the longest closing fence with its line break


def defuse(text: str) -> str:
    """Return *text* in which nothing calls anybody: an invisible joiner stands after ``<`` where Slack would look.

    An entity would do outside code only; the joiner does everywhere, and the text reads as before.
    """
    return _CALL.sub(f"<{JOINER}", harmless(text))


def escape(text: str) -> str:
    """Return *text* as it must stand in mrkdwn (docs: escaping text)."""
    return harmless(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Defuser:
    """`defuse` for a text that arrives in pieces: a ``<`` at the end of one is held back until the next."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what can be shown now."""
        text = self._held + piece
        self._held = "<" if text.endswith("<") else ""
        return defuse(text[: len(text) - len(self._held)])

    def flush(self) -> str:
        """Return what was held back; the text is over."""
        held, self._held = self._held, ""
        return held


def to_mrkdwn(markdown: str) -> str:
    """Return Markdown in Slack's own language, with everything in it inert."""
    lines: list[str] = []
    for kind, block in _blocks(markdown):
        if kind == "code":
            lines += ["```", *(escape(line) for line in block), "```"]
        elif kind == "table":
            lines += ["```", *(escape(line) for line in _aligned(block)), "```"]
        else:
            lines += [_line(line) for line in block]
    return "\n".join(lines)


def tables_to_code(markdown: str, *, keep: int = 0) -> tuple[str, int]:
    """Return *markdown* with every table but the first *keep* drawn in a code fence, and how many tables it kept."""
    kept = 0
    lines: list[str] = []
    for kind, block in _blocks(markdown, raw=True):
        if kind != "table":
            lines += block
        elif kept < keep:
            kept += 1
            lines += block
        else:
            lines += ["```", *_aligned(block), "```"]
    return "\n".join(lines), kept


def split_markdown(markdown: str, limit: int) -> tuple[str, ...]:
    """Return *markdown* in pieces of at most *limit* characters (128 or more), whole and in order.

    It is cut between paragraphs, else between lines, else between words, else anywhere. A code fence that a cut
    divides is closed before it and opened again after it.
    """
    limit = max(limit, _SMALLEST_LIMIT)
    pieces: list[str] = []
    rest, opening = markdown, ""
    while len(opening) + len(rest) > limit:
        may_need_closing = opening or any(map(_FENCE.match, rest[:limit].split("\n")))
        cut = _cut(rest, limit - len(opening) - (_CLOSING if may_need_closing else 0))
        head = opening + rest[:cut]
        rest = rest[cut:]
        fence = _open_fence(head)
        if fence:
            head = f"{head}{'' if head.endswith(chr(10)) else chr(10)}{_marks(fence)}"
        opening = f"{fence}\n" if fence else ""
        pieces.append(head)
    if rest or not pieces:
        pieces.append(opening + rest)
    return tuple(pieces)


def split_mrkdwn(text: str, limit: int) -> tuple[str, ...]:
    """Return text that is in Slack's language already in pieces of at most *limit* characters; no entity is cut."""
    pieces: list[str] = []
    rest = text
    while len(rest) > limit:
        cut = _cut(rest, limit)
        tail = _ENTITY_TAIL.search(rest[:cut])
        if tail is not None and tail.start() > 0:
            cut = tail.start()
        pieces.append(rest[:cut])
        rest = rest[cut:]
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


def _blocks(markdown: str, *, raw: bool = False) -> Iterator[tuple[str, list[str]]]:
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


def _aligned(rows: list[str]) -> list[str]:
    """Return the rows of a Markdown table with their columns aligned by spaces."""
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in (rows[0], *rows[2:])]
    columns = max(len(row) for row in cells)
    widths = [max((len(row[column]) for row in cells if column < len(row)), default=0) for column in range(columns)]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cells]
    return [drawn[0], "  ".join("-" * width for width in widths), *drawn[1:]]


def _line(line: str) -> str:
    heading = _HEADING.match(line)
    if heading is not None:
        return f"*{_inline(heading['title'].replace('**', ''))}*"
    bullet = _BULLET.match(line)
    if bullet is not None:
        return f"{bullet['indent']}• {_inline(line[bullet.end() :])}"
    if line.startswith(">"):
        return f">{_inline(line[1:])}"
    return _inline(line)


def _inline(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for match in _INLINE.finditer(text):
        pieces += [escape(text[at : match.start()]), _marked(match)]
        at = match.end()
    return "".join((*pieces, escape(text[at:])))


def _marked(match: re.Match[str]) -> str:
    if match["code"] is not None:
        return f"`{escape(match['code'].strip('`').strip())}`"
    if match["url"] is not None:
        label = match["label"].replace("|", "/")
        return f"<{escape(match['url'])}|{escape(label) or escape(match['url'])}>"
    for name, mark in (("bold", "*"), ("italic", "_"), ("struck", "~")):
        if match[name] is not None:
            return f"{mark}{_inline(match[name])}{mark}"
    return escape(match[0])
