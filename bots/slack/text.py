"""Text for Slack: inert, and converted where a place knows no Markdown.

Slack has two languages. A ``markdown`` block takes Markdown; ``text`` and ``mrkdwn`` take Slack's own. In both,
``<!channel>``, ``<@U1>``, ``<#C1>`` and ``<!subteam^S1>`` call people, and nothing switches that off. So what models,
files and people wrote passes `defuse` (Markdown and plain text) or `escape` (mrkdwn) before it leaves.
"""

import re

from bots.posting.text import aligned, blocks_of, split_text
from bots.views.streams import harmless

JOINER = "\u2060"
_CALL = re.compile(r"<(?=[!@#])")
_HEADING = re.compile(r"^ {0,3}#{1,6} +(?P<title>.+?)(?: +#+)? *$")
_BULLET = re.compile(r"^(?P<indent> *)[-*+] +(?=\S)")
_INLINE = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|!?\[(?P<label>[^\]\n]*)\]\((?P<url>https?://[^\s()<>|]+)\)"
    r"|\*\*(?P<bold>\S(?:[^\n]*?\S)?)\*\*"
    r"|(?<![*\w])\*(?P<italic>[^\s*](?:[^*\n]*?[^\s*])?)\*(?![*\w])"
    r"|~~(?P<struck>\S(?:[^\n]*?\S)?)~~"
)
_ENTITY_TAIL = re.compile(r"&[a-z]{0,3}$")


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
    for kind, block in blocks_of(markdown):
        if kind == "code":
            lines += ["```", *(escape(line) for line in block), "```"]
        elif kind == "table":
            lines += ["```", *(escape(line) for line in aligned(block)), "```"]
        else:
            lines += [_line(line) for line in block]
    return "\n".join(lines)


def split_mrkdwn(text: str, limit: int) -> tuple[str, ...]:
    """Return text that is in Slack's language already in pieces of at most *limit* characters; no entity is cut."""
    return split_text(text, limit, whole=_ENTITY_TAIL)


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
