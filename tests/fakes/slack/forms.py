"""What the elements of blocks hold when somebody uses them."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.slack.model import Json, View

_HELD = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "static_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_conversations_select": "selected_conversations",
    "file_input": "files",
}
_INITIAL = {
    "value": "initial_value",
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_user": "initial_user",
    "selected_conversation": "initial_conversation",
    "selected_channel": "initial_channel",
    "selected_conversations": "initial_conversations",
}


class NotShown(AssertionError):
    """What a test wants to do cannot be done by anybody: the button or field is not there."""


def elements_of(blocks: list[Json]) -> Iterator[tuple[str, Json, Json]]:
    """Yield each interactive element with the id of its block and the block."""
    for number, block in enumerate(blocks):
        block_id = block.get("block_id") or f"b{number}"
        candidates = [block.get("accessory"), block.get("element"), *block.get("elements", [])]
        for element in candidates:
            if isinstance(element, dict) and "action_id" in element:
                yield block_id, element, block


def find_element(blocks: list[Json], action_id: str, block_id: str = "") -> tuple[str, Json]:
    """Return the id of the block and the element that somebody means.

    Raises:
        NotShown: If there is none, or more than one.
    """
    found = [
        (block, element)
        for block, element, _ in elements_of(blocks)
        if element["action_id"] == action_id and block_id in {"", block}
    ]
    if len(found) != 1:
        there = sorted(element["action_id"] for _, element, _ in elements_of(blocks))
        raise NotShown(f"{len(found)} elements {action_id!r}; there are {there}")
    return found[0]


def held_by(element: Json, given: Any = None) -> Json:
    """Return what an element holds when *given* was put in, or what it holds from the start.

    Raises:
        NotShown: If *given* is none of the options.
    """
    name = _HELD.get(element["type"], "value")
    if given is None:
        given = element.get(_INITIAL.get(name, ""), [] if name in {"selected_options", "files"} else None)
    elif name == "selected_option":
        given = option_of(element, given)
    elif name == "selected_options":
        given = [option_of(element, one) for one in given]
    return {"type": element["type"], name: given}


def option_of(element: Json, value: Any) -> Json:
    """Return the option with a value.

    Raises:
        NotShown: If there is none.
    """
    groups = element.get("option_groups", [])
    options: list[Json] = [*element.get("options", []), *(one for group in groups for one in group["options"])]
    for option in options:
        if value in (option, option["value"]):
            return option
    raise NotShown(f"no option {value!r} among {[option['value'] for option in options]}")


def filled(view: View, given: Mapping[str, Any]) -> Json:
    """Return the state of a form in which *given* was put in, by action id.

    Raises:
        NotShown: If a field does not exist, or one that must be filled is empty: Slack's client would not send it.
    """
    values: dict[str, Json] = {}
    unknown = set(given)
    for block_id, element, block in elements_of(view.content["blocks"]):
        unknown.discard(element["action_id"])
        if element["type"] == "button":
            continue
        held = held_by(element, given.get(element["action_id"]))
        if block["type"] == "input" and not block.get("optional") and not any(list(held.values())[1:]):
            raise NotShown(f"{element['action_id']!r} must be filled in")
        values.setdefault(block_id, {})[element["action_id"]] = held
    if unknown:
        raise NotShown(f"no fields {sorted(unknown)}")
    return {"values": values}
