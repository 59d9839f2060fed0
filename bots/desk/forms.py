"""Forms: what a platform asks with fields instead of words. Each platform draws them as its modal."""

from dataclasses import dataclass, field
from enum import StrEnum


class FieldKind(StrEnum):
    """What a field takes."""

    LINE = "line"
    PARAGRAPH = "paragraph"
    CHOICE = "choice"
    FLAG = "flag"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        name: The command's option that it fills (`bots.commands.Option.name`); ``files`` and ``references`` for files.
        label: At most 45 characters.
        value: What it holds when the form opens.
        choices: Value and label of each choice, at most 25.
        help: One short sentence, may be empty.
        max_length: Of a text, in characters.
        more: Whether it is shown only after somebody asked for more.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.LINE
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    help: str = ""
    max_length: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form; what somebody fills in becomes a request of kind COMMAND.

    Attributes:
        command: The command that its fields belong to.
        title: At most 24 characters.
        submit: What its button says, verb and object, at most 24 characters.
        fields: In order.
        kept: Values that go along unseen, such as the session's id; short.
        intro: A sentence above the fields, Markdown, may be empty.
    """

    command: str
    title: str
    submit: str
    fields: tuple[Field, ...]
    kept: dict[str, str] = field(default_factory=dict)
    intro: str = ""
