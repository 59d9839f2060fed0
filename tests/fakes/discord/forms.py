"""What a person types and picks, in the form in which Discord sends it: options of commands, fields of forms."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.discord.modals import (
    CHECKBOX,
    CHECKBOXES,
    FIELDS,
    FILE_UPLOAD,
    LABEL,
    RADIO,
    ROW,
    SELECTS,
    TEXT_INPUT,
)
from tests.fakes.discord.model import Attachment, Channel, Json, Role, User, walk
from tests.fakes.discord.payloads import of_attachment, of_channel, of_role, of_user
from tests.fakes.discord.people import NotShown
from tests.fakes.discord.world import World

_SUBCOMMANDS = frozenset({1, 2})
_STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _NUMBER, _ATTACHMENT = 3, 4, 5, 6, 7, 8, 10, 11
_TYPES: dict[int, tuple[type, ...]] = {
    _STRING: (str,),
    _INTEGER: (int,),
    _BOOLEAN: (bool,),
    _USER: (User,),
    _CHANNEL: (Channel,),
    _ROLE: (Role,),
    _NUMBER: (int, float),
    _ATTACHMENT: (tuple, Attachment),
}
_LONGEST_STRING = 6000

Option = str | int | float | bool | User | Channel | Role | Attachment | tuple[str, bytes]


@dataclass(frozen=True)
class Typed:
    """A command as somebody typed it: its options, and what they refer to."""

    options: list[Json]
    resolved: Json


class Resolving:
    """Collects what options and fields refer to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: Json = {}

    def keep(self, value: Any) -> Any:
        """Return *value* as it is sent: things by their id."""
        world = self.world
        if isinstance(value, tuple):
            value = world.add_attachment(world.app_id, value[0], value[1], is_ephemeral=True)
        if isinstance(value, Attachment):
            self.found.setdefault("attachments", {})[value.id] = of_attachment(world, value)
        elif isinstance(value, User):
            self.found.setdefault("users", {})[value.id] = of_user(value)
        elif isinstance(value, Channel):
            self.found.setdefault("channels", {})[value.id] = of_channel(world, value) | {"permissions": "0"}
        elif isinstance(value, Role):
            self.found.setdefault("roles", {})[value.id] = of_role(value)
        else:
            return value
        return value.id


def typed(world: World, command: Json, path: Sequence[str], given: Mapping[str, Option], *, focused: str = "") -> Typed:
    """Return the options of a command, checked as Discord's own client checks them.

    Args:
        world: Where files are kept.
        command: As it was synced.
        path: Names of subcommands.
        given: Values by option; files as ``(name, bytes)``.
        focused: The option that is being typed, for autocomplete: nothing is required then.

    Raises:
        NotShown: If the command has no such subcommand or option, or the client would not send the value.
    """
    node = command
    for name in path:
        inner = [one for one in node.get("options") or [] if one["name"] == name and one["type"] in _SUBCOMMANDS]
        if not inner:
            raise NotShown(f"/{command['name']} has no {' '.join(path)}")
        node = inner[0]
    known = {one["name"]: one for one in node.get("options") or []}
    if any(one["type"] in _SUBCOMMANDS for one in known.values()):
        raise NotShown(f"/{command['name']} {' '.join(path)} is a group")
    if unknown := set(given) - set(known):
        raise NotShown(f"no option {', '.join(sorted(unknown))}")
    missing = [name for name, one in known.items() if one.get("required") and name not in given]
    if missing and not focused:
        raise NotShown(f"required: {', '.join(missing)}")
    resolving = Resolving(world)
    options: list[Json] = []
    for name, value in given.items():
        if name != focused:
            _check_option(known[name], value)
        option: Json = {"name": name, "type": known[name]["type"], "value": resolving.keep(value)}
        options.append(option | ({"focused": True} if name == focused else {}))
    for depth, name in reversed(list(enumerate(path))):
        options = [{"name": name, "type": 1 if depth == len(path) - 1 else 2, "options": options}]
    return Typed(options, resolving.found)


def _check_option(option: Json, value: Option) -> None:
    kind, name = option["type"], option["name"]
    allowed = _TYPES.get(kind, (str,))
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind != _BOOLEAN):
        raise NotShown(f"{name} takes no {type(value).__name__}")
    choices = [one["value"] for one in option.get("choices") or []]
    if choices and value not in choices:
        raise NotShown(f"{name} is one of {choices}")
    if isinstance(value, str):
        least, most = option.get("min_length") or 0, option.get("max_length") or _LONGEST_STRING
        if not least <= len(value) <= most:
            raise NotShown(f"{name} has {least} to {most} characters")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if option.get("min_value") is not None and value < option["min_value"]:
            raise NotShown(f"{name} is at least {option['min_value']}")
        if option.get("max_value") is not None and value > option["max_value"]:
            raise NotShown(f"{name} is at most {option['max_value']}")


def filled(world: World, modal: Json, given: Mapping[str, Any]) -> tuple[list[Json], Json]:
    """Return the parts of a form as they are sent, and what they refer to.

    Args:
        world: Where files are kept.
        modal: As the app opened it.
        given: By custom_id: text, a list of values, of files as ``(name, bytes)``, or True for a checkbox. Text that
            is not given stays as the form proposed it.

    Raises:
        NotShown: If there is no such field, or the client would not send the form.
    """
    fields = {one["custom_id"]: one for one in walk(modal["components"]) if one["type"] in FIELDS}
    if unknown := set(given) - set(fields):
        raise NotShown(f"no field {', '.join(sorted(unknown))}")
    resolving = Resolving(world)
    numbers = iter(range(1, 1000))

    def fill(part: Json) -> Json:
        shown: Json = {"type": part["type"], "id": part.get("id") or next(numbers)}
        if part["type"] == LABEL:
            shown["component"] = fill(part["component"])
        elif part["type"] == ROW:
            shown["components"] = [fill(one) for one in part["components"]]
        elif part["type"] in FIELDS:
            shown |= {"custom_id": part["custom_id"]} | _field(part, given.get(part["custom_id"]), resolving.keep)
        return shown

    return [fill(part) for part in modal["components"]], resolving.found


def _field(field: Json, value: Any, keep: Callable[[Any], Any]) -> Json:
    name, kind = field["custom_id"], field["type"]
    if kind == TEXT_INPUT:
        text = str(field.get("value") or "") if value is None else str(value)
        least, most = field.get("min_length") or 0, field.get("max_length") or 4000
        if field.get("required", True):
            least = max(least, 1)
        if (text and not least <= len(text) <= most) or (not text and field.get("required", True)):
            raise NotShown(f"{name} has {least} to {most} characters")
        return {"value": text}
    if kind == CHECKBOX:
        return {"value": bool(field.get("default") if value is None else value)}
    if kind == RADIO:
        proposed = next((one["value"] for one in field["options"] if one.get("default")), None)
        chosen = proposed if value is None else value
        _check_values(field, [chosen] if chosen is not None else [])
        return {"value": chosen}
    if kind in SELECTS | {CHECKBOXES, FILE_UPLOAD}:
        given = _proposed(field) if value is None else list(value)
        _check_values(field, given)
        return {"values": [keep(one) for one in given]}
    raise NotShown(f"{name} cannot be filled in")


def _proposed(field: Json) -> list[Any]:
    return [one["value"] for one in field.get("options") or [] if one.get("default")]


def _check_values(field: Json, values: Iterable[Any]) -> None:
    chosen = list(values)
    is_required = field.get("required") is not False
    least = int(is_required) if field.get("min_values") is None else int(field["min_values"])
    if not is_required and not chosen:
        return
    if not max(least, int(is_required)) <= len(chosen) <= (field.get("max_values") or 1):
        raise NotShown(f"{field['custom_id']} takes {least} to {field.get('max_values') or 1} values")
    options = [one["value"] for one in field.get("options") or []]
    if options and not set(chosen) <= set(options):
        raise NotShown(f"{field['custom_id']} is one of {options}")


def picked(world: World, control: Json, values: Sequence[Any] | None) -> tuple[Json, Json]:
    """Return what a press on *control* sends, and what it refers to.

    Raises:
        NotShown: If the control is disabled, is a link, or has no such value.
    """
    kind = control["type"]
    if control.get("disabled"):
        raise NotShown(f"{control['custom_id']} is disabled")
    data: Json = {"custom_id": control["custom_id"], "component_type": kind, "id": control.get("id", 0)}
    resolving = Resolving(world)
    if kind in SELECTS:
        _check_values({"required": False} | control, values or [])
        data["values"] = [resolving.keep(one) for one in values or []]
    if resolving.found:
        data["resolved"] = resolving.found
    return data, resolving.found
