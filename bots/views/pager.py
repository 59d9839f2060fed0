"""Pages: every list that can grow is shown a page at a time, with buttons to turn it."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from bots.views.elements import (
    Button,
    Buttons,
    Divider,
    Element,
    Fields,
    Heading,
    ProgressLine,
    Quote,
    Small,
    Table,
    Text,
)

T = TypeVar("T")


def page_of(items: Sequence[T], page: int, size: int) -> tuple[Sequence[T], int]:
    """Return the items of a page, counted from 0, and how many pages there are; a page that is not there is the last."""
    pages = max(1, -(-len(items) // size))
    number = min(max(page, 0), pages - 1)
    return items[number * size : (number + 1) * size], pages


def turning(action: str, target: str, page: int, pages: int, *, prefix: str = "") -> tuple[Element, ...]:
    """Return where one is and the buttons to the neighbours; nothing where there is one page."""
    if pages <= 1:
        return ()
    page = min(max(page, 0), pages - 1)
    buttons = []
    if page > 0:
        buttons.append(Button(action, "Show previous page", target, f"{prefix}{page - 1}"))
    if page < pages - 1:
        buttons.append(Button(action, "Show next page", target, f"{prefix}{page + 1}"))
    return (Small(f"Page {page + 1} of {pages}"), Buttons(tuple(buttons)))


def chunked(groups: Iterable[Sequence[Element]], *, characters: int, elements: int) -> list[list[Element]]:
    """Return pages of whole groups, each page within both limits; a group that is larger than a page is divided.

    Args:
        groups: What belongs together, such as a comment; its first element repeats at the head of no page.
        characters: Most characters on a page.
        elements: Most elements on a page.
    """
    pages: list[list[Element]] = [[]]
    room, slots = characters, elements
    for group in groups:
        for piece in _pieces(group, characters, elements):
            size = sum(map(_size, piece))
            if pages[-1] and (size > room or len(piece) > slots):
                pages.append([])
                room, slots = characters, elements
            pages[-1] += piece
            room, slots = room - size, slots - len(piece)
    return pages


def _pieces(group: Sequence[Element], characters: int, elements: int) -> list[list[Element]]:
    """Return a group as it is, or cut between its elements, and long texts within, where it fits no page."""
    if sum(map(_size, group)) <= characters and len(group) <= elements:
        return [list(group)]
    return [[part] for element in group for part in _cut(element, characters)]


def _cut(element: Element, characters: int) -> list[Element]:
    match element:
        case Text(markdown):
            return [Text(part) for part in cut_text(markdown, characters)]
        case Small(markdown):
            return [Small(part) for part in cut_text(markdown, characters)]
        case Quote(text):
            return [Quote(part) for part in cut_text(text, characters)]
        case _:
            return [element]


def cut_text(text: str, characters: int) -> list[str]:
    """Return *text* in pieces of at most *characters*, cut at paragraphs, lines or words where there are any."""
    pieces: list[str] = []
    while len(text) > characters:
        window = text[:characters]
        at = next(
            (place for mark in ("\n\n", "\n", " ") if (place := window.rfind(mark)) > characters // 2), characters
        )
        pieces.append(text[:at].rstrip())
        text = text[at:].lstrip() if at < characters else text[at:]
    return [*pieces, text] if text or not pieces else pieces


def _size(element: Element) -> int:
    match element:
        case Heading(text) | Text(text) | Small(text) | Quote(text) | ProgressLine(text):
            return len(text)
        case Fields(pairs):
            return sum(len(name) + len(value) for name, value in pairs)
        case Table(headers, rows):
            return sum(len(cell) for row in (headers, *rows) for cell in row)
        case Divider() | Buttons():
            return 0
        case _:
            return 0
