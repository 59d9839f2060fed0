"""The readable part of a reply while it streams: editors and revisions answer in JSON, which nobody wants to watch."""

import re

_SHOWN = re.compile(
    r'"(?P<key>quote|comment|suggestion|summary|text|step|reason)"\s*:\s*"(?P<value>(?:[^"\\]|\\.)*)', re.DOTALL
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "", "b": "", "f": ""}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WINDOW = 6_000


def readable(partial: str) -> str:
    """Return what a person can read of *partial*: prose as it is, of JSON the texts that are for people, so far."""
    if not partial.lstrip().startswith(("{", "```")):
        return partial
    recent = partial[-_WINDOW:]
    lines = [_unescape(match["value"]) for match in _SHOWN.finditer(recent)]
    return "\n".join(line for line in lines if line)


def harmless(text: str) -> str:
    """Return *text* without control characters: neither a model nor a file may move a reader's cursor."""
    return _CONTROL.sub("", text)


def _unescape(value: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code.startswith("u") and len(code) > 1:
            number = int(code[1:], 16)
            return "" if 0xD800 <= number <= 0xDFFF else chr(number)  # noqa: PLR2004 - half of a surrogate pair
        return _ESCAPED.get(code, code)

    return _ESCAPE.sub(replace, value)
