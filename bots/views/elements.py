"""The pieces that a view is made of. Each platform draws each of them in its own way, and no other.

Text is Markdown (bold, italic, code, links, lists). It may hold what models and people wrote, so an adapter makes
every mention in it inert; the one person who is mentioned stands in `View.mention`.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum


class Style(StrEnum):
    """How much a button asks for attention."""

    PRIMARY = "primary"
    NORMAL = "normal"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 once a view, level 2 inside."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of Markdown, of any length."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Small:
    """A line of lesser weight: where from, which model, what it cost."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage of the document, letter by letter, never read as Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Fields:
    """Names with values, side by side where there is room."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers; columns in *right* (by position) hold numbers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How far something is: done of total, 0 of 0 when nobody knows."""

    label: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Divider:
    """A line between two thoughts.

    Attributes:
        colour: ``#rrggbb`` of the role whose words follow, up to the next divider, title or row of buttons; empty for
            none. A platform without such colours draws a line.
    """

    colour: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press; the label says verb and object.

    Attributes:
        action: Which press it is; with *target* it makes the platform's custom id. Who may press is decided at the press.
        target: What it acts on, an id.
        argument: A detail of the press, such as a round's number.
    """

    action: str
    label: str
    target: str
    argument: str = ""
    style: Style = Style.NORMAL


@dataclass(frozen=True, slots=True)
class Buttons:
    """Buttons in a row."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A page that one person may open, such as one to pay on; only in private answers.

    Links in `Text` are made to show where they lead, since models and people wrote it. This one is ours.
    """

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Files:
    """Files that go with the view, by id."""

    file_ids: tuple[str, ...]


Element = Heading | Text | Small | Quote | Fields | Table | ProgressLine | Divider | Buttons | Link | Files


@dataclass(frozen=True, slots=True)
class View:
    """One post.

    Attributes:
        elements: What it shows, in order.
        fallback: The whole in one or two plain sentences, for notifications and screen readers.
        colour: ``#rrggbb`` of the role that speaks, empty for none; never the only sign of anything.
        mention: Member id of the one person to mention, empty for nobody.
        speaker: Name under which the post appears where the platform lets a bot choose one.
        emoji: The speaker's picture.
    """

    elements: tuple[Element, ...]
    fallback: str
    colour: str = ""
    mention: str = ""
    speaker: str = ""
    emoji: str = ""
    file_ids: tuple[str, ...] = field(default=())

    def with_files(self, file_ids: tuple[str, ...]) -> "View":
        """Return the view with *file_ids* shown at its end."""
        if not file_ids:
            return self
        return replace(self, elements=(*self.elements, Files(file_ids)), file_ids=file_ids)
