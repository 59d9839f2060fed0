"""What people wrote, out of Slack's language: its entities and angle brackets become the words that people saw."""

import re
from html import unescape

_SPECIAL = re.compile(r"<([^<>\n]+)>")
_CALLS = {"here": "@here", "channel": "@channel", "everyone": "@everyone"}


def plain_of(text: str, *, without: str = "") -> str:
    """Return *text* as people saw it.

    Args:
        text: As events and commands carry it.
        without: Slack's id of a person whose mentions are left out: the app's own.
    """
    if without:
        text = _mention_of(without).sub(" ", text)
    return unescape(_SPECIAL.sub(lambda match: _words(match[1]), text)).strip()


def mentions(text: str, person: str) -> bool:
    """Return whether *text* names *person*."""
    return bool(person) and _mention_of(person).search(text) is not None


def _mention_of(person: str) -> re.Pattern[str]:
    return re.compile(rf"[ \t]*<@{re.escape(person)}(?:\|[^<>\n]*)?>(?:[ \t]*[,:](?=\s))?[ \t]*")


def _words(inside: str) -> str:
    """Return what stood where Slack writes ``<inside>``."""
    target, _, label = inside.partition("|")
    match target[0]:
        case "@" | "#":
            return f"{target[0]}{label or target[1:]}"
        case "!":
            return _CALLS.get(target[1:].partition("^")[0], label or f"@{target[1:].partition('^')[0]}")
        case _:
            return _link(target, label)


def _link(target: str, label: str) -> str:
    address = target.removeprefix("mailto:").removeprefix("tel:")
    if not label or label in {target, address, target.partition("://")[2]}:
        return label or address
    return f"{label} ({address})"
