"""What people typed after ``/atelier`` or after a mention, read by the command table."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.commands import BY_NAME, COMMANDS, Command, Kind, Option, find_command, is_noun
from core.money import Unit

_NAMED = re.compile(r"(?<!\S)(?:--|[\u2014\u2013])(?P<name>[a-z][a-z0-9-]*)(?:=|[ \t]+|(?=\s|$))", re.IGNORECASE)
_VALUE = re.compile(r"\"(?P<double>[^\"]*)\"|[\u201c\u201d](?P<curly>[^\u201c\u201d]*)[\u201c\u201d]|(?P<bare>\S+)")
_TRAILING = re.compile(r"(?:^|\s)(?P<name>[a-z][a-z0-9-]*):(?P<value>\S+)\s*$", re.IGNORECASE)
_LIKENESS = 0.7  # "hello" is like "help" by two thirds, and means something else
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Given:
    """The values of options; an option that was not given is not in *values*."""

    values: Mapping[str, Value] = field(default_factory=dict, kw_only=True)

    def text(self, name: str) -> str:
        """Return the text of an option, empty when it was not given."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else str(value)

    def integer(self, name: str) -> int | None:
        """Return the whole number of an option, None when it was not given."""
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def number(self, name: str) -> float | None:
        """Return the number of an option, None when it was not given."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def money(self, name: str, unit: Unit) -> int | None:
        """Return the amount of an option in micro-credits, None when it was not given."""
        value = self.values.get(name)
        return None if value is None or isinstance(value, bool) else unit.read(str(value))

    def flag(self, name: str) -> bool:
        """Return whether a flag was set."""
        return self.values.get(name) is True


@dataclass(frozen=True, slots=True)
class Invocation(Given):
    """A command with the values of its options."""

    command: Command


@dataclass(frozen=True, slots=True)
class HelpNeeded:
    """The text is no command, or asked for help.

    Attributes:
        command: What it is about, empty for everything.
        problem: One sentence that says what is wrong, empty when somebody just asked.
    """

    command: str = ""
    problem: str = ""


def parse_command(text: str, *, otherwise: str = "") -> Invocation | HelpNeeded:
    """Return what *text* asks for.

    Options are ``--name value`` anywhere, or ``name:value`` at the end, as Discord shows them; everything else is the
    option that takes the rest, with its line breaks.

    Args:
        text: Without the leading ``/atelier`` or mention.
        otherwise: The command that is meant when the first word names none: ``new`` for a mention.
    """
    text = text.strip()
    command, rest = _find_command(text)
    if command is None:
        if not text:
            return HelpNeeded()
        if not otherwise:
            return HelpNeeded(problem=_unknown(text.split()[0]))
        command, rest = BY_NAME[otherwise], text
    if command.name == "help":
        words = rest.split()
        wanted = find_command(*words[-2:]) or find_command(words[-1]) if words else None
        problem = _unknown(words[-1].lower()) if words and wanted is None else ""
        return HelpNeeded(wanted.name if wanted is not None else "", problem)
    try:
        return Invocation(command, values=_values(command, rest))
    except ValueError as error:
        return HelpNeeded(command.name, str(error))


def fill(command: Command, values: Mapping[str, Value]) -> Invocation | HelpNeeded:
    """Return *command* with values that came from fields or menus: texts are read as typed ones, and all are checked.

    Empty texts count as not given; names that are no options go along as they are: what a form keeps unseen.
    """
    filled: dict[str, Value] = {}
    try:
        for name, value in values.items():
            if value == "" or value is None:
                continue
            option = command.option(name)
            filled[name] = value if option is None else _check(option, value)
        _require(command, filled)
    except ValueError as error:
        return HelpNeeded(command.name, str(error))
    return Invocation(command, values=filled)


def _find_command(text: str) -> tuple[Command | None, str]:
    """Return the command that *text* begins with and what follows; the group's noun may stand before it."""
    first, _, rest = _partition(text)
    if is_noun(first):
        verb, _, after = _partition(rest)
        command = find_command(first, verb) if verb else None
        if command is not None:
            return command, after
    return find_command(first), rest


def _partition(text: str) -> tuple[str, str, str]:
    match = re.match(r"(\S*)(\s*)(.*)", text, re.DOTALL)
    return (match[1], match[2], match[3]) if match else (text, "", "")


def _unknown(word: str) -> str:
    names = [command.typed for command in COMMANDS]
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=_LIKENESS)
    return f"There is no command {word!r}." + (f" Did you mean {near[0]!r}?" if near else "")


def _values(command: Command, text: str) -> dict[str, Value]:
    """Return the options in *text*.

    Raises:
        ValueError: With a sentence for people.
    """
    values: dict[str, Value] = {}
    text = _take_named(command, text, values)
    text = _take_trailing(command, text, values)
    rest = command.rest
    text = text.strip()
    if text:
        if rest is None:
            raise ValueError(f"{command.typed} takes no {text.split()[0]!r}.")
        values[rest.name] = _read(rest, text)
    _require(command, values)
    return values


def _require(command: Command, values: Mapping[str, Value]) -> None:
    for option in command.options:
        if option.required and option.name not in values:
            raise ValueError(f"{command.typed} needs {option.name}: {option.help[0].lower()}{option.help[1:]}.")


def _check(option: Option, value: Value) -> Value:
    """Return a value of whatever type a platform gave, as the option holds it; raises ValueError as `_read`."""
    if isinstance(value, bool) and option.kind is Kind.FLAG:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if option.kind in {Kind.NUMBER, Kind.MONEY}:
            _check_range(option, value)
            return float(value)
        return _read(option, f"{value:g}" if value == int(value) else str(value))
    return _read(option, str(value))


def _take_named(command: Command, text: str, values: dict[str, Value]) -> str:
    kept: list[str] = []
    position = 0
    while match := _NAMED.search(text, position):
        kept.append(text[position : match.start()])
        option = command.option(match["name"].lower())
        if option is None:
            if command.rest is not None:  # two dashes stand in ordinary prose too
                kept.append(text[match.start() : match.end()])
                position = match.end()
                continue
            raise ValueError(f"{command.typed} has no option {match['name']!r}.")
        position = match.end()
        if option.kind is Kind.FLAG:
            values[option.name] = True
            continue
        found = _VALUE.match(text, position)
        if found is None:
            raise ValueError(f"--{option.name} needs a value.")
        values[option.name] = _read(option, next(group for group in found.groups() if group is not None))
        position = found.end()
    kept.append(text[position:])
    return "".join(kept)


def _take_trailing(command: Command, text: str, values: dict[str, Value]) -> str:
    while match := _TRAILING.search(text):
        option = command.option(match["name"].lower())
        if option is None or option.rest or option.kind is Kind.FILE:
            break
        try:
            value = _read(option, match["value"])
        except ValueError:
            break  # it is prose that happens to hold a colon
        values.setdefault(option.name, value)
        text = text[: match.start()]
    return text


_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3}){1,2}(?:\.\d{1,9})?")


def _read(option: Option, text: str) -> Value:
    """Return the value of *text* for *option*.

    Raises:
        ValueError: With a sentence for people.
    """
    match option.kind:
        case Kind.INTEGER:
            return int(_number(option, text, r"[+-]?\d{1,9}", "a whole number"))
        case Kind.NUMBER:
            return _number(option, text, r"[+-]?\d{1,9}(?:[.,]\d{1,9})?", "a number")
        case Kind.MONEY:
            plain = text.removeprefix("$")
            # as we write thousands ourselves: read as a decimal comma, 5,000 would be a limit of five
            plain = plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain
            number = _number(option, plain, r"\d{1,9}(?:[.,]\d{1,9})?", "an amount")
            return f"${number:f}" if text.startswith("$") else number
        case Kind.FLAG:
            return _flag(option, text)
        case Kind.TEXT | Kind.FILE:
            return _text(option, text)


def _number(option: Option, text: str, pattern: str, what: str) -> float:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"{option.name} must be {what}, not {text!r}.")
    number = float(text.replace(",", "."))
    _check_range(option, number)
    return number


def _flag(option: Option, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"{option.name} is yes or no, not {text!r}.")


def _text(option: Option, text: str) -> str:
    if option.max_length is not None and len(text) > option.max_length:
        raise ValueError(f"{option.name} may have at most {option.max_length:,} characters.")
    if not option.choices:
        return text
    if text.lower() not in option.choices:
        raise ValueError(f"{option.name} must be one of {', '.join(option.choices)}.")
    return text.lower()


def _check_range(option: Option, number: float) -> None:
    low, high = option.minimum, option.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"from {low:g} to {high:g}" if low is not None and high is not None else f"at least {low:g}"
        raise ValueError(f"{option.name} must be {limits}, not {number:g}.")
