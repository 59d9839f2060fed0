"""Text for Discord: inert, in Discord's Markdown, and cut without losing a letter.

``@everyone``, ``<@1>``, ``<@&1>`` and ``<#1>`` call people or look as if they did. `AllowedMentions` keep them from
ringing; `defuse` keeps them from looking so, and breaks links whose words hide where they lead.
"""

import re

from bots.posting.text import blocks_of, close_fence, split_text, tables_to_code
from bots.views.streams import harmless

JOINER = "\u2060"
_CALL = re.compile(r"@(?=everyone|here)|<(?=@|#|/|:|a:|t:|id:|sound:)|\](?=\()", re.IGNORECASE)
_LITERAL = re.compile(r"(?P<url>https?://[^\s<>()]+)|[\\*_~`|\[]|^(?=[#>+-])|^( *\d+)(?=[.)])", re.MULTILINE)
_BACKSLASHES = re.compile(r"\\+$")
_HEADING = re.compile(r"^ {0,3}#{4,6}(?= )", re.MULTILINE)


def defuse(text: str) -> str:
    """Return *text* in which nothing calls anybody and no link hides its address; it reads as before.

    An invisible joiner stands where Discord would look. It works in code as well, and no text can undo it.
    """
    return _CALL.sub(lambda match: match[0] + JOINER, harmless(text))


def literal(text: str) -> str:
    """Return *text* so that Discord shows it letter by letter; addresses stay what they are."""
    return defuse(_LITERAL.sub(_escaped, harmless(text)))


def to_discord(markdown: str) -> str:
    """Return Markdown as Discord draws it: tables in code, headings no deeper than three, everything in it inert."""
    drawn, _ = tables_to_code(markdown)
    lines: list[str] = []
    for kind, block in blocks_of(drawn, raw=True):
        text = "\n".join(block)
        is_fenced = len(block) > 1 or kind == "code"
        lines.append(text if is_fenced else _HEADING.sub("###", text))
    return defuse(close_fence("\n".join(lines)))


def quoted(text: str, limit: int) -> tuple[str, ...]:
    """Return a passage as quotes of at most *limit* characters each, letter by letter."""
    pieces: list[str] = []
    for line in literal(text).split("\n"):
        for part in split_text(line, limit - 2, whole=_BACKSLASHES):
            if pieces and len(pieces[-1]) + len(part) + 3 <= limit:
                pieces[-1] += f"\n> {part}"
            else:
                pieces.append(f"> {part}")
    return tuple(pieces)


def small(markdown: str) -> str:
    """Return text of lesser weight: Discord's subtext, a line each."""
    return "\n".join(f"-# {line}" for line in to_discord(markdown).split("\n") if line.strip())


def units(text: str) -> int:
    """Return how long *text* is where it counts longest: in UTF-16, as half of the world's clients count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _escaped(match: re.Match[str]) -> str:
    if match["url"]:
        return match["url"]
    return f"{match[2]}\\" if match[2] else f"\\{match[0]}"
