"""Reads the events of a stream that differ in nothing but their text, without parsing each of them.

A provider sends one event a token: the same 200 bytes every time, around a few letters. Parsing them is most of what a
stream costs. So the first event that is understood is cut where its text stands, and an event that begins and ends with
the same bytes is read by its text alone. Every other event is parsed as usual.

Why that is no guess: in JSON, one string put in the place of another changes nothing but that value. What stands between
the two halves must be one whole JSON string, and that this string is the text was tried out when the stencil was made.
"""

from collections.abc import Callable

import orjson

_TRIAL = "\u2713 a text that nobody says \u2713"


class Stencil:
    """The bytes before and after the text in an event, up to and from the quotes around it."""

    __slots__ = ("_after", "_before", "_least", "_skip")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._skip = len(before) - 1
        self._least = len(before) + len(after)

    @classmethod
    def cut(cls, event: bytes, text: str, says: Callable[[bytes], str | None]) -> "Stencil | None":
        """Return the stencil of *event*, which said *text* and nothing else; None where there is no telling.

        Args:
            event: The bytes, without the blank line.
            text: What it said.
            says: Returns what an event says, None if it does anything besides; a trial event is shown to it.
        """
        before, quoted, after = event.partition(orjson.dumps(text))
        if not quoted or quoted in after or says(before + orjson.dumps(_TRIAL) + after) != _TRIAL:
            return None
        return cls(before + b'"', b'"' + after)

    def text(self, event: bytes) -> str | None:
        """Return what *event* says, None if it must be parsed."""
        if len(event) < self._least or not (event.startswith(self._before) and event.endswith(self._after)):
            return None
        try:
            text: str = orjson.loads(event[self._skip : len(event) - len(self._after) + 1])
        except orjson.JSONDecodeError:
            return None
        return text
