"""The table of all commands, and how one is found in it."""

from dataclasses import replace
from typing import Any

from bots.commands.model import Command, Completion, Cost, Kind, Option, Place, Who

_BRIEF_LENGTH = 6_000
_SESSION = Option(
    "session", "Which session; yours in this thread or channel if left out", completion=Completion.SESSION, rest=True
)
_NAMED_SESSION = Option("session", "Which session; yours here if left out", completion=Completion.SESSION)
_TEAM = Option("team", "Which team of editors", completion=Completion.TEAM)
_EDITORS = Option("editors", "How many editors", Kind.INTEGER, minimum=1, maximum=12, completion=Completion.EDITORS)
_ROUNDS = Option("rounds", "How many rounds at most", Kind.INTEGER, minimum=1, maximum=20)
_GOOD_ENOUGH = Option("good-enough", "Score at which to stop, 0 to 10", Kind.NUMBER, minimum=0, maximum=10)
_MODEL = Option("model", "Which model writes and edits", completion=Completion.MODEL)
_BRIEF = Option("brief", "What to write, or what to do with the file", rest=True, max_length=_BRIEF_LENGTH)
_FILE = Option("file", "The document to work on: DOCX, PDF, TXT or MD", Kind.FILE)
_NOTES_ONLY = Option("notes-only", "Comments only, nothing is rewritten", Kind.FLAG)

_SHOW = Option("show", "How much the thread shows", choices=("quiet", "normal", "full"))
_YES_NO = ("yes", "no")

_BILLING = "billing"
_PROJECT, _TEMPLATE, _DATA = "project", "template", "data"

_NAME_LENGTH = 80
_USED_TEMPLATE = Option(
    "template", "Template to begin with; what you choose yourself counts more", completion=Completion.TEMPLATE
)
_OPEN_PROJECT = Option("project", "Which project", required=True, rest=True, completion=Completion.PROJECT)


def _amount(name: str, help_: str) -> Option:
    """Return an option for an amount; *help_* says ``{unit}`` where its unit belongs."""
    return Option(name, help_.format(unit="credits"), Kind.MONEY, minimum=0, unsold=help_.format(unit="dollars"))


def _billing(verb: str, help_: str, options: tuple[Option, ...] = (), **more: Any) -> Command:
    """Return a command that is typed ``billing VERB`` everywhere."""
    return Command(f"{_BILLING}-{verb}", help_, options, group=_BILLING, in_group=verb, **more)


def _template(verb: str, help_: str, options: tuple[Option, ...] = (), **more: Any) -> Command:
    """Return a command that is typed ``template VERB`` everywhere."""
    return Command(f"{_TEMPLATE}-{verb}", help_, options, group=_TEMPLATE, in_group=verb, **more)


def _project(verb: str, help_: str, options: tuple[Option, ...] = (), **more: Any) -> Command:
    """Return a command that is typed ``project VERB`` everywhere."""
    return Command(f"{_PROJECT}-{verb}", help_, options, group=_PROJECT, in_group=verb, **more)


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
            _GOOD_ENOUGH,
            _MODEL,
            Option(
                "cap",
                "Spend no more than this many credits",
                Kind.MONEY,
                minimum=0.01,
                unsold="Spend no more than this many dollars",
            ),
            Option("language", "Language to write in, such as en or de; the document's own if left out", max_length=35),
            _SHOW,
            Option("reference-notes", "How to use the files that are only read", max_length=1_000),
            Option("minutes", "Work no longer than this", Kind.INTEGER, minimum=1, maximum=1_440),
            _NOTES_ONLY,
            _USED_TEMPLATE,
            Option("project", "Project to put it into", completion=Completion.PROJECT),
            Option("private", "Only you see it", Kind.FLAG),
        ),
        cost=Cost.SESSION,
        example="new Tighten this proposal --rounds 2",
    ),
    Command(
        "estimate",
        "Say what a session would cost, without starting it",
        (_BRIEF, _FILE, _TEAM, _EDITORS, _ROUNDS, _MODEL, _NOTES_ONLY, _USED_TEMPLATE),
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
    Command(
        "sessions",
        "List sessions, newest first",
        (
            Option("all", "Everybody's, not only yours", Kind.FLAG),
            Option("project", "Only those of this project", completion=Completion.PROJECT),
        ),
    ),
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
        "Take your last directions out; so does deleting the message, and editing it replaces them",
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
    Command(
        _PROJECT,
        "List projects, the folders of sessions",
        (Option("archived", "Those that were put away", Kind.FLAG),),
        group=_PROJECT,
        in_group="list",
        example="project list",
    ),
    _project(
        "new",
        "Make a project",
        (Option("name", "What it is called", required=True, rest=True, max_length=_NAME_LENGTH),),
        example="project new Spring launch",
    ),
    _project(
        "show", "Show a project: its sessions and what they cost", (_OPEN_PROJECT,), example="project show Launch"
    ),
    _project(
        "rename",
        "Give a project another name",
        (_OPEN_PROJECT, Option("to", "The new name", required=True, max_length=_NAME_LENGTH)),
        who=Who.MAKER,
        example='project rename Launch --to "Spring launch"',
    ),
    _project("archive", "Put a project away; its sessions stay", (_OPEN_PROJECT,), who=Who.MAKER),
    _project(
        "unarchive",
        "Bring a project back that was put away",
        (Option("project", "Which project", required=True, rest=True, completion=Completion.ARCHIVED),),
        who=Who.MAKER,
    ),
    _project(
        "move",
        "Put a session into a project, or out of it",
        (
            Option("project", "Which project", rest=True, completion=Completion.PROJECT),
            _NAMED_SESSION,
            Option("out", "Out of its project, into none", Kind.FLAG),
        ),
        who=Who.STARTER,
        example="project move Launch",
    ),
    Command(
        _TEMPLATE,
        "List templates, the starts to use again",
        group=_TEMPLATE,
        in_group="list",
        example="template list",
    ),
    _template(
        "save",
        "Keep how a session was begun, for everybody here",
        (Option("name", "What it is called", required=True, rest=True, max_length=_NAME_LENGTH), _NAMED_SESSION),
        who=Who.STARTER,
        example="template save Weekly report",
    ),
    _template(
        "show",
        "Show a template: its brief and its settings",
        (Option("template", "Which template", required=True, rest=True, completion=Completion.TEMPLATE),),
        example="template show Press release",
    ),
    _template(
        "edit",
        "Change a template: a form, or the options that you name",
        (
            Option("template", "Which template", required=True, rest=True, completion=Completion.OWN_TEMPLATE),
            Option("to", "Another name", max_length=_NAME_LENGTH),
            Option("brief", "What to write, or what to do with the file", max_length=_BRIEF_LENGTH),
            Option("reference-notes", "How to use the files that are only read", max_length=1_000),
            _ROUNDS,
            _GOOD_ENOUGH,
        ),
        who=Who.MAKER,
        example="template edit Weekly report --rounds 2",
    ),
    _template(
        "delete",
        "Delete a template; sessions that were begun with it stay",
        (Option("template", "Which template", required=True, rest=True, completion=Completion.OWN_TEMPLATE),),
        who=Who.MAKER,
    ),
    Command(
        _DATA,
        "Say what is kept here, for how long, and who gets the text",
        group=_DATA,
        in_group="about",
        example="data about",
    ),
    Command(
        "data-export",
        "Get your own sessions as a ZIP file, privately",
        group=_DATA,
        in_group="export",
        example="data export",
    ),
    Command(
        "data-delete",
        "Remove the texts of your own sessions, or of one; receipts stay",
        (
            Option(
                "session", "Which session of yours; all of them if left out", completion=Completion.SESSION, rest=True
            ),
        ),
        group=_DATA,
        in_group="delete",
        example="data delete",
    ),
    Command("cancel", "Cancel something: you are asked what", (_SESSION,)),
    Command(
        _BILLING,
        "Show what was used and what is there, with all that can be done about it",
        group=_BILLING,
        in_group="overview",
        aliases=("credits",),
        example="billing",
    ),
    _billing("history", "List all that came and went, with the whole as CSV", example="billing history"),
    _billing("plans", "Compare the plans side by side", sold_only=True, example="billing plans"),
    _billing(
        "buy",
        "Buy credits; you get a private link",
        (Option("packs", "How many packs", Kind.INTEGER, minimum=1, maximum=100, rest=True),),
        who=Who.BUYER,
        cost=Cost.MONEY,
        sold_only=True,
        example="billing buy 2",
    ),
    _billing(
        "upgrade",
        "Change the plan; you get a private link",
        (Option("plan", "Which plan; the next one if left out", rest=True, choices=("starter", "pro")),),
        who=Who.BUYER,
        cost=Cost.MONEY,
        sold_only=True,
        example="billing upgrade pro",
    ),
    _billing("portal", "Open Stripe's portal: card, address, invoices", who=Who.BUYER, sold_only=True),
    _billing("invoices", "List invoices with private links", who=Who.BUYER, sold_only=True),
    _billing("cancel", "End the subscription with the month that is paid", who=Who.BUYER, sold_only=True),
    _billing("reactivate", "Let a cancelled subscription go on", who=Who.BUYER, sold_only=True),
    _billing("sync", "Ask Stripe for whatever is missing here", who=Who.BUYER, sold_only=True),
    _billing(
        "buyers",
        "Show or change who may buy besides managers",
        (
            Option("add", "A member who may buy from now on", max_length=100),
            Option("remove", "A member who may not any more", max_length=100),
        ),
        who=Who.NAMER,
        sold_only=True,
        example="billing buyers --add @ann",
    ),
    Command("models", "List the models that can be chosen"),
    Command("home", "Show your sessions and what can be done"),
    Command(
        "settings",
        "Show or change the settings here, and your own",
        (
            _amount("my-no-ask", "Yours: start without asking up to this many {unit}"),
            _amount("no-ask", "Start without asking up to this many {unit}"),
            _amount("allowance", "What each member may spend a month, in {unit}; 0 for no limit"),
            _amount("budget", "What all may spend a month, in {unit}; 0 for no limit"),
            _TEAM,
            _MODEL,
            _ROUNDS,
            Option("good-enough", "Score at which to stop, 0 to 10", Kind.NUMBER, minimum=0, maximum=10),
            _SHOW,
            Option("language", "Language to write in; the document's own if left out", max_length=35),
            Option("consent", "Whether another member's file needs their leave", choices=_YES_NO),
            Option("guests", "Whether guests may start and steer", choices=_YES_NO),
            Option("outsiders", "Whether people of other organisations may start and steer", choices=_YES_NO),
        ),
        who=Who.ADMIN,
        example="settings --my-no-ask $0.50",
    ),
    Command(
        "help",
        "Say what can be done here",
        (Option("command", "Which command", rest=True, completion=Completion.COMMAND),),
        example="help new",
    ),
)
BY_NAME: dict[str, Command] = {command.name: command for command in COMMANDS}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(command.group for command in COMMANDS if command.group))
_BY_WORD = BY_NAME | {alias: command for command in COMMANDS for alias in command.aliases}
_NOUNS = {group: group for group in GROUPS} | {
    alias: name for name in GROUPS if name in BY_NAME for alias in BY_NAME[name].aliases
}
_IN_GROUP = {(command.group, command.in_group or command.name): command for command in COMMANDS if command.group}


def find_command(first: str, second: str = "") -> Command | None:
    """Return the command of a verb (or another word for it), or of a verb under its noun; case does not count."""
    first, second = first.lower(), second.lower()
    return _IN_GROUP.get((_NOUNS.get(first, ""), second)) if second else _BY_WORD.get(first)


def is_noun(word: str) -> bool:
    """Return whether verbs stand under *word*: ``billing``, and ``credits`` for the same; case does not count."""
    return word.lower() in _NOUNS


def offered(*, platform: str = "", sells: bool = True) -> tuple[Command, ...]:
    """Return the commands that exist on a platform, in the words of where credits are sold or of where they are not."""
    return tuple(
        command if sells else _unsold(command)
        for command in COMMANDS
        if (not command.only_on or platform in command.only_on) and (sells or not command.sold_only)
    )


def _unsold(command: Command) -> Command:
    """Return a command as it reads where nothing is sold."""
    if not any(option.unsold for option in command.options):
        return command
    return replace(
        command,
        options=tuple(replace(option, help=option.unsold) if option.unsold else option for option in command.options),
    )
