"""Finds the JSON object in what a model said, and mends it where models break it."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import json_repair

# json_repair walks back and forth over its input and recurses with its depth: replies are smaller than both bounds, and
# what is larger is not a reply.
_MAX_CHARACTERS = 400_000
_MAX_REPAIRED = 60_000
_MAX_DEPTH = 40
_FENCE = re.compile(r"```[a-zA-Z0-9]*[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "‟": '"', "：": ":", "，": ","})  # noqa: RUF001 - that is what is mended
_KEY = re.compile(r"[\"'“”„]?\b\w+\b[\"'“”]?\s*[:：=]")  # noqa: RUF001 - full-width colons occur


def find_object(text: str, keys: Iterable[str], *, whole: bool = False) -> dict[str, Any] | None:
    """Return the first JSON object in *text* that has at least one of *keys*, mended where that is needed.

    Tolerated are chatter around it, code fences, trailing commas, single or curly quotes, comments, unescaped quotes and
    line breaks inside strings, Python's literals, a wrapping array or object and, unless *whole*, a missing end.

    Args:
        text: What a model said; any text at all.
        keys: What makes an object the one that is looked for.
        whole: True when an object that breaks off must not be taken for one (a document's edits).
    """
    wanted = frozenset(keys)
    for candidate, closed in _candidates(text[:_MAX_CHARACTERS]):
        if closed or not whole:
            found = _pick(_parse(candidate), wanted)
            if found is not None:
                return found
    return None


def find_list(text: str) -> list[Any] | None:
    """Return the first JSON array in *text*, mended where that is needed; None if there is none or it breaks off."""
    start = text.find("[")
    if start < 0:
        return None
    piece, closed = _balanced(text[:_MAX_CHARACTERS], start)
    parsed = _parse(piece) if closed else None
    return parsed if isinstance(parsed, list) else None


def _candidates(text: str) -> Iterator[tuple[str, bool]]:
    """Yield pieces that may be the object, likeliest first, and whether each has its end."""
    pieces = [match.group(1) for match in _FENCE.finditer(text)]
    for piece in [*pieces, text]:
        start = piece.find("{")
        tries = 0
        while start >= 0 and tries < 8:  # noqa: PLR2004 - chatter has a brace or two, not a dozen
            candidate, closed = _balanced(piece, start)
            if _KEY.search(candidate[:400]):
                yield candidate, closed
            start = piece.find("{", start + (len(candidate) if closed else 1))
            tries += 1


def _balanced(text: str, start: int) -> tuple[str, bool]:
    """Return the text from the bracket at *start* to its partner, or to the end; and whether the partner was found."""
    depth = 0
    in_string = False
    escaped = False
    for position in range(start, len(text)):
        character = text[position]
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return text[start : position + 1], True
    # an unescaped quote inside a string hides the partner; a reply that ends with a brace is whole all the same
    return text[start:], text.rstrip().endswith("}")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _MAX_REPAIRED or _depth(text) > _MAX_DEPTH:
        return None
    for attempt in (text, text.translate(_STRAIGHT)):
        try:
            parsed = json_repair.loads(attempt)
        except (ValueError, RecursionError):
            continue
        if isinstance(parsed, dict | list) and parsed:
            return parsed
    return None


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        if character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth = max(0, depth - 1)
    return deepest


def _pick(value: Any, wanted: frozenset[str], levels: int = 3) -> dict[str, Any] | None:
    """Return the object with one of *wanted*, looking into wrappers such as ``{"evaluation": {...}}``."""
    if isinstance(value, dict):
        named = {str(key).strip().lower(): item for key, item in value.items()}
        if wanted & named.keys():
            return named
        inner: Iterable[Any] = named.values()
    elif isinstance(value, list):
        inner = value
    else:
        return None
    if levels == 0:
        return None
    return next((found for item in inner if (found := _pick(item, wanted, levels - 1)) is not None), None)
