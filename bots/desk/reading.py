"""What words to the app mean: a command, or a text to work on or to be told."""

from dataclasses import dataclass, replace

from bots.commands import BY_NAME, Completion, find_command, is_noun
from bots.parsing import HelpNeeded, Invocation, Value, fill, parse_command

_FILLERS = frozenset(
    {
        "please",
        "now",
        "it",
        "this",
        "that",
        "the",
        "session",
        "my",
        "again",
        "thanks",
        "thank",
        "you",
        "atelier",
        "here",
    }
)
_ASIDES = 2  # words after a verb that takes none: "help billing plans" asks for help, "help me with this" for a text


@dataclass(frozen=True, slots=True)
class FreeText:
    """Words that are no command."""

    text: str


def read_mention(text: str) -> Invocation | HelpNeeded | FreeText:  # noqa: PLR0911 - one return a case
    """Return what somebody asks who names the app.

    People do not talk to a parser: "stop using the passive voice" is no order to stop, and "help me with this mail" no
    call for help. What follows a verb must fit it, or the whole is free text.
    """
    text = text.strip()
    if not text:
        return HelpNeeded()
    parsed = parse_command(text)
    if isinstance(parsed, Invocation):
        return _as_meant(parsed, text)
    first, *others = text.split()
    command = find_command(first)
    if command is None and not is_noun(first):
        return FreeText(text)
    if command is None or command.name == "help":
        return FreeText(text) if len(others) > _ASIDES else parsed
    if command.rest is None and others and not any(word.startswith("--") for word in others):
        if _is_filler(" ".join(others)):
            return parse_command(first)
        return FreeText(text) if len(others) > _ASIDES else parsed
    return parsed


def _as_meant(given: Invocation, text: str) -> Invocation | FreeText:
    """Return the command, unless what follows its verb is prose instead of the name of a session."""
    rest = given.command.rest
    if rest is None or rest.completion is not Completion.SESSION:
        return given
    words = given.text(rest.name)
    if not words or is_session_id(words):
        return given
    if _is_filler(words):
        return replace(given, values={name: value for name, value in given.values.items() if name != rest.name})
    return FreeText(text)


def read_command(name: str, values: dict[str, Value]) -> Invocation | HelpNeeded:
    """Return the command of a form or a menu, its values checked as typed ones are."""
    command = BY_NAME.get(name)
    return HelpNeeded(problem=f"There is no command {name!r}.") if command is None else fill(command, values)


def read_brief(text: str, *, has_files: bool = True) -> Invocation | HelpNeeded:
    """Return the session that free text asks for; options in it are options, unless it is a whole document.

    A single word with nothing to work on is rather a slip of the hand than something to write about.
    """
    if not has_files and len(text.split()) == 1:
        return parse_command(text)
    command = BY_NAME["new"]
    brief = command.rest
    if brief is not None and brief.max_length is not None and len(text) > brief.max_length:
        return Invocation(command, values={brief.name: text})
    return parse_command(f"{command.name} {text}")


def is_session_id(text: str) -> bool:
    """Return whether a text has the form of a session's id."""
    return text.startswith("s_") and len(text.split()) == 1


def _is_filler(text: str) -> bool:
    return all(word.strip(".,!?").lower() in _FILLERS for word in text.split())
