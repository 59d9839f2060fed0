"""Every command, declared once: Slack's parser, Discord's tree, help and the docs page come from this table.

``python -m bots.commands`` prints the docs page, ``docs/commands.md``.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an option holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    FILE = "file"


class Completion(StrEnum):
    """What a platform offers while somebody types an option."""

    NONE = ""
    SESSION = "session"
    MODEL = "model"
    TEAM = "team"


class Who(StrEnum):
    """Who may run a command; the services check it again."""

    ANYONE = "anyone"
    STARTER = "the member who started the session, and managers"


class Cost(StrEnum):
    """What running a command costs."""

    FREE = "free"
    SESSION = "the session's price, quoted first"
    ROUND = "the price of another round"


class Place(StrEnum):
    """Where a command can be given."""

    CHANNEL = "channel"
    THREAD = "thread"
    DIRECT = "direct message"


EVERYWHERE = frozenset(Place)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command.

    Attributes:
        name: Lower-case, as it is typed.
        help: One short sentence without a full stop.
        rest: True for the one option that takes the words without a name.
        minimum, maximum: Limits of a number.
        max_length: Limit of a text, in characters.
        choices: The only values, if there are only a few.
    """

    name: str
    help: str
    kind: Kind = Kind.TEXT
    required: bool = False
    rest: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    completion: Completion = Completion.NONE


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: The verb, unique in the whole table, so that text needs no group.
        help: One short sentence without a full stop.
        group: The noun under which Discord shows it; empty for the daily verbs, which are flat.
        example: What people type, without the leading ``/atelier``.
        only_on: Platforms that have it; empty for all. Where it is not empty, *reason* says why.
    """

    name: str
    help: str
    options: tuple[Option, ...] = ()
    group: str = ""
    who: Who = Who.ANYONE
    cost: Cost = Cost.FREE
    places: frozenset[Place] = EVERYWHERE
    example: str = ""
    only_on: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def rest(self) -> Option | None:
        """The option that takes the words without a name, if any."""
        return next((option for option in self.options if option.rest), None)

    def option(self, name: str) -> Option | None:
        """Return the option with *name*, if any."""
        return next((option for option in self.options if option.name == name), None)


_BRIEF_LENGTH = 6_000
_SESSION = Option(
    "session", "Which session; yours in this thread or channel if left out", completion=Completion.SESSION, rest=True
)
_NAMED_SESSION = Option("session", "Which session; yours here if left out", completion=Completion.SESSION)
_TEAM = Option("team", "Which team of editors", completion=Completion.TEAM)
_EDITORS = Option("editors", "How many editors", Kind.INTEGER, minimum=1, maximum=12)
_ROUNDS = Option("rounds", "How many rounds at most", Kind.INTEGER, minimum=1, maximum=20)
_MODEL = Option("model", "Which model writes and edits", completion=Completion.MODEL)
_BRIEF = Option("brief", "What to write, or what to do with the file", rest=True, max_length=_BRIEF_LENGTH)
_FILE = Option("file", "The document to work on: DOCX, PDF, TXT or MD", Kind.FILE)
_NOTES_ONLY = Option("notes-only", "Comments only, nothing is rewritten", Kind.FLAG)

COMMANDS: tuple[Command, ...] = (
    Command(
        "new",
        "Start a session from a brief or a file",
        (
            _BRIEF,
            _FILE,
            Option("file2", "A file to read and leave as it is", Kind.FILE),
            Option("file3", "Another file to read and leave as it is", Kind.FILE),
            _TEAM,
            _EDITORS,
            _ROUNDS,
            Option("good-enough", "Score at which to stop, 0 to 10", Kind.NUMBER, minimum=0, maximum=10),
            _MODEL,
            Option("cap", "Spend no more than this many credits", Kind.INTEGER, minimum=1),
            Option("language", "Language to write in, such as en or de; the document's own if left out", max_length=35),
            Option("show", "How much the thread shows", choices=("quiet", "normal", "full")),
            _NOTES_ONLY,
            Option("private", "Only you see it", Kind.FLAG),
        ),
        cost=Cost.SESSION,
        example="new Tighten this proposal --rounds 2",
    ),
    Command(
        "estimate",
        "Say what a session would cost, without starting it",
        (_BRIEF, _FILE, _TEAM, _EDITORS, _ROUNDS, _MODEL, _NOTES_ONLY),
        example="estimate A one-page launch note --rounds 3",
    ),
    Command(
        "start",
        "Start a session that waits for your go",
        (_SESSION,),
        who=Who.STARTER,
        cost=Cost.SESSION,
        example="start",
    ),
    Command("sessions", "List sessions, newest first", (Option("all", "Everybody's, not only yours", Kind.FLAG),)),
    Command("status", "Say where a session stands", (_SESSION,), example="status"),
    Command("pause", "Pause a session; what is being written is finished first", (_SESSION,), who=Who.STARTER),
    Command("resume", "Resume a session that is paused or waits", (_SESSION,), who=Who.STARTER),
    Command("stop", "Stop a session at once and keep its best version", (_SESSION,), who=Who.STARTER),
    Command("retry", "Retry a session that ended with an error", (_SESSION,), who=Who.STARTER),
    Command("more", "Run one more round of a session that is over", (_SESSION,), who=Who.STARTER, cost=Cost.ROUND),
    Command(
        "continue",
        "Continue a session that is over, with your directions",
        (
            Option("text", "What to do next", rest=True, max_length=_BRIEF_LENGTH),
            _NAMED_SESSION,
        ),
        who=Who.STARTER,
        cost=Cost.ROUND,
        example="continue Make the summary shorter",
    ),
    Command(
        "steer",
        "Give the room directions while it works",
        (
            Option("text", "What to do differently", required=True, rest=True, max_length=_BRIEF_LENGTH),
            _NAMED_SESSION,
        ),
        example="steer Keep the second paragraph as it is",
    ),
    Command(
        "mute",
        "Take your last directions out again",
        (_SESSION,),
        places=frozenset({Place.THREAD, Place.DIRECT}),
    ),
    Command("files", "Get the files of a session", (_SESSION,)),
    Command(
        "rename",
        "Give a session another title",
        (Option("title", "The new title", required=True, rest=True, max_length=80), _NAMED_SESSION),
        group="session",
        who=Who.STARTER,
        example="rename Launch note",
    ),
    Command("star", "Mark a session as a favourite, or take the mark away", (_SESSION,), group="session"),
    Command(
        "delete",
        "Delete a session and everything in it but its receipt",
        (_SESSION,),
        group="session",
        who=Who.STARTER,
    ),
    Command("models", "List the models that can be chosen"),
    Command(
        "help",
        "Say what can be done here",
        (Option("command", "Which command", rest=True),),
        example="help new",
    ),
)
BY_NAME: dict[str, Command] = {command.name: command for command in COMMANDS}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(command.group for command in COMMANDS if command.group))


def usage(command: Command) -> str:
    """Return how a command is typed: ``rename TITLE [--session ...]``."""
    pieces = [command.name]
    rest = command.rest
    if rest is not None:
        word = rest.name.upper()
        pieces.append(word if rest.required else f"[{word}]")
    for option in command.options:
        if option.rest or option.kind is Kind.FILE:
            continue
        name = f"--{option.name}" if option.kind is Kind.FLAG else f"--{option.name} {_value(option)}"
        pieces.append(name if option.required else f"[{name}]")
    return " ".join(pieces)


def help_text(name: str = "") -> str:
    """Return the help of one command, or the list of all, as Markdown."""
    command = BY_NAME.get(name)
    if command is None:
        lines = [f"`{item.name}`: {item.help}" for item in COMMANDS]
        return "\n".join((*lines, "", "`help COMMAND` says more about one of them."))
    lines = [f"`{usage(command)}`", f"{command.help}."]
    lines += [f"- `{option.name}`: {option.help}{_limits(option)}" for option in command.options]
    lines.append(f"Who: {command.who.value}. Costs: {command.cost.value}.")
    if command.example:
        lines.append(f"Example: `{command.example}`")
    return "\n".join(lines)


def docs_page(commands: Iterable[Command] = COMMANDS) -> str:
    """Return the docs page as Markdown."""
    lines = [
        "# Commands",
        "",
        "<!-- Made from bots/commands.py by `python -m bots.commands`. Change the table, not this page. -->",
        "",
        "In Slack and Discord each command follows `/atelier`; in a thread, mention the app instead.",
        "The operator's own command line is described by `atelier --help`.",
    ]
    for command in commands:
        lines += ["", f"## {command.name}", "", f"{command.help}.", "", f"    {usage(command)}", ""]
        if command.options:
            lines += ["| option | what | limits |", "|---|---|---|"]
            lines += [
                f"| `{option.name}` | {option.help} | {_limits(option).strip(' ()') or 'none'} |"
                for option in command.options
            ]
            lines.append("")
        lines.append(f"Who: {command.who.value}. Costs: {command.cost.value}. Where: {_where(command)}.")
        if command.only_on:
            lines.append(f"Only on {', '.join(sorted(command.only_on))}: {command.reason}")
    return "\n".join(lines) + "\n"


def _value(option: Option) -> str:
    return "|".join(option.choices) if option.choices else option.name.upper()


def _limits(option: Option) -> str:
    pieces = []
    if option.required:
        pieces.append("required")
    if option.minimum is not None and option.maximum is not None:
        pieces.append(f"{option.minimum:g} to {option.maximum:g}")
    elif option.minimum is not None:
        pieces.append(f"at least {option.minimum:g}")
    if option.max_length is not None:
        pieces.append(f"at most {option.max_length:,} characters")
    if option.choices:
        pieces.append(", ".join(option.choices))
    return f" ({'; '.join(pieces)})" if pieces else ""


def _where(command: Command) -> str:
    if command.places == EVERYWHERE:
        return "everywhere"
    return ", ".join(sorted(place.value for place in command.places))


if __name__ == "__main__":
    sys.stdout.write(docs_page())
