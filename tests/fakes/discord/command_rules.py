"""What a command may look like (docs: Application Commands)."""

import re
from collections import Counter

from tests.fakes.discord.limits import (
    CHOICE_CHARACTERS,
    COMMAND_CHARACTERS,
    COMMAND_DESCRIPTION_CHARACTERS,
    COMMAND_NAME,
    COMMAND_OPTIONS,
    COMMANDS_OF_A_KIND,
)
from tests.fakes.discord.model import Json, Refusal, invalid

_SUBCOMMAND, _GROUP = 1, 2
_STRING, _INTEGER, _NUMBER = 3, 4, 10
_CHAT_INPUT = 1
_KINDS_OF_OPTIONS = range(1, 12)
_MENU_NAME_CHARACTERS = 32


def check_all(commands: list[Json]) -> None:
    """Return if these may be all commands of a scope.

    Raises:
        Refusal: 50035 for one that is wrong or named twice; 30032 for too many.
    """
    for index, command in enumerate(commands):
        check_one(command, str(index))
    named = Counter((one["name"], int(one.get("type") or _CHAT_INPUT)) for one in commands)
    if twice := [name for (name, _), number in named.items() if number > 1]:
        text = f"Application command names must be unique: {twice[0]}"
        raise invalid("_", "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
    kinds = Counter(int(one.get("type") or _CHAT_INPUT) for one in commands)
    for kind, number in kinds.items():
        if number > COMMANDS_OF_A_KIND.get(kind, 1):
            raise Refusal(400, 30032, "Maximum number of application commands reached")


def check_one(command: Json, where: str) -> None:
    """Return if a command is well formed; *where* is its place in the body.

    Raises:
        Refusal: 50035 with the place.
    """
    if int(command.get("type") or _CHAT_INPUT) != _CHAT_INPUT:
        if not 1 <= len(command["name"]) <= _MENU_NAME_CHARACTERS:
            raise invalid(_at(where, "name"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.")
        if command.get("description") or command.get("options"):
            text = "Context menu commands cannot have description"
            raise invalid(_at(where, "description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", text)
        return
    _check_names(command, where)
    options = command.get("options") or []
    _check_options(options, where, depth=0)
    if _characters(command) > COMMAND_CHARACTERS:
        text = f"Command exceeds maximum size ({COMMAND_CHARACTERS})"
        raise invalid(where or "_", "APPLICATION_COMMAND_TOO_LARGE", text)


def _check_names(node: Json, where: str) -> None:
    name = str(node.get("name") or "")
    if not re.match(COMMAND_NAME, name) or name != name.lower():
        raise invalid(_at(where, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    if not 1 <= len(str(node.get("description") or "")) <= COMMAND_DESCRIPTION_CHARACTERS:
        text = f"Must be between 1 and {COMMAND_DESCRIPTION_CHARACTERS} in length."
        raise invalid(_at(where, "description"), "BASE_TYPE_BAD_LENGTH", text)


def _check_options(options: list[Json], where: str, *, depth: int) -> None:
    if len(options) > COMMAND_OPTIONS:
        text = f"Must be {COMMAND_OPTIONS} or fewer in length."
        raise invalid(_at(where, "options"), "BASE_TYPE_BAD_LENGTH", text)
    names = [one.get("name") for one in options]
    if len(set(names)) != len(names):
        text = "Option names must be unique"
        raise invalid(_at(where, "options"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", text)
    kinds = [int(one["type"]) for one in options]
    holds_subcommands = any(kind in {_SUBCOMMAND, _GROUP} for kind in kinds)
    if holds_subcommands and not all(kind in {_SUBCOMMAND, _GROUP} for kind in kinds):
        text = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        raise invalid(_at(where, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
    optional_seen = False
    for index, option in enumerate(options):
        place = _at(where, f"options.{index}")
        _check_names(option, place)
        kind = int(option["type"])
        if kind not in _KINDS_OF_OPTIONS:
            raise invalid(_at(place, "type"), "BASE_TYPE_CHOICES", "Value must be one of the option types.")
        if kind == _GROUP and depth > 0:
            text = "Subcommand groups cannot be nested"
            raise invalid(_at(place, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
        if kind in {_SUBCOMMAND, _GROUP}:
            _check_options(option.get("options") or [], place, depth=depth + 1)
            continue
        if option.get("required") and optional_seen:
            text = "Required options must be placed before non-required options"
            raise invalid(_at(place, "required"), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        optional_seen = optional_seen or not option.get("required")
        _check_choices(option, place)


def _check_choices(option: Json, place: str) -> None:
    choices = option.get("choices") or []
    if len(choices) > COMMAND_OPTIONS:
        raise invalid(_at(place, "choices"), "BASE_TYPE_BAD_LENGTH", f"Must be {COMMAND_OPTIONS} or fewer in length.")
    if choices and option.get("autocomplete"):
        text = "Autocomplete and choices are mutually exclusive"
        raise invalid(_at(place, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", text)
    if (choices or option.get("autocomplete")) and int(option["type"]) not in {_STRING, _INTEGER, _NUMBER}:
        text = "Choices are for strings and numbers"
        raise invalid(_at(place, "choices"), "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", text)
    for number, choice in enumerate(choices):
        if not 1 <= len(str(choice["name"])) <= CHOICE_CHARACTERS or len(str(choice["value"])) > CHOICE_CHARACTERS:
            text = f"Must be between 1 and {CHOICE_CHARACTERS} in length."
            raise invalid(_at(place, f"choices.{number}.name"), "BASE_TYPE_BAD_LENGTH", text)


def _characters(node: Json) -> int:
    """Return the characters of names, descriptions and values: of localisations the longest counts."""
    total = 0
    for key in ("name", "description"):
        shown = [str(node.get(key) or ""), *map(str, (node.get(f"{key}_localizations") or {}).values())]
        total += max(len(one) for one in shown)
    for choice in node.get("choices") or []:
        total += len(str(choice["name"])) + len(str(choice["value"]))
    return total + sum(_characters(one) for one in node.get("options") or [])


def _at(where: str, field: str) -> str:
    return f"{where}.{field}" if where else field
