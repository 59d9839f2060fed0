"""Which components a message may hold, and where (docs: Component Reference)."""

from collections import Counter
from collections.abc import Callable

from tests.fakes.discord.limits import (
    BUTTONS_A_ROW,
    COMPONENTS,
    CUSTOM_ID_CHARACTERS,
    DISPLAY_CHARACTERS,
    GALLERY_ITEMS,
    LABEL_CHARACTERS,
    OPTION_CHARACTERS,
    OPTIONS_OF_A_SELECT,
    PLACEHOLDER_CHARACTERS,
    ROWS,
    SECTION_TEXTS,
    URL_CHARACTERS,
)
from tests.fakes.discord.model import Json, Refusal, invalid, walk

ROW, BUTTON, SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 1, 2, 9, 10, 11, 12, 13, 14, 17
SELECTS = frozenset({3, 5, 6, 7, 8})
_STRING_SELECT = 3
_LINK, _PREMIUM = 5, 6
_IN_CONTAINER = frozenset({ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR})
_AT_TOP = _IN_CONTAINER | {CONTAINER}
_DESCRIPTION_CHARACTERS = 1024
_MOST_COLOUR = 0xFFFFFF


def check_components(components: list[Json], *, is_modern: bool) -> None:
    """Return if a message may hold *components*.

    Args:
        components: As they were sent.
        is_modern: Whether the message has the flag of Components V2.

    Raises:
        Refusal: 50035 with the place.
    """
    everything = walk(components)
    if is_modern:
        _check_sizes(everything)
    elif len(components) > ROWS:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ROWS} in length.")
    for index, one in enumerate(components):
        _check_place(one, _AT_TOP if is_modern else frozenset({ROW}), f"components.{index}")
    for key, code in (("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"), ("id", "COMPONENT_ID_DUPLICATED")):
        found = Counter(one[key] for one in everything if one.get(key))
        if twice := [value for value, number in found.items() if number > 1]:
            raise invalid("components", code, f"Component {key} cannot be duplicated: {twice[0]}")


def _check_sizes(everything: list[Json]) -> None:
    if len(everything) > COMPONENTS:
        text = f"Must be between 1 and {COMPONENTS} in length."
        raise invalid("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
    if sum(len(one.get("content") or "") for one in everything) > DISPLAY_CHARACTERS:
        text = f"The combined text displayed in components exceeds the maximum size of {DISPLAY_CHARACTERS}"
        raise invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)


def _check_place(one: Json, allowed: frozenset[int], place: str) -> None:
    kind = int(one.get("type") or 0)
    if kind not in allowed:
        text = f"Value of field type must be one of {tuple(sorted(allowed))}."
        raise invalid(f"{place}.type", "UNION_TYPE_CHOICES", text)
    if kind in SELECTS:
        _check_select(one, place)
    else:
        _CHECKS[kind](one, place)


def _check_section(one: Json, place: str) -> None:
    inner = one.get("components") or []
    _check_length(inner, 1, SECTION_TEXTS, f"{place}.components")
    _check_all(inner, frozenset({TEXT}), place)
    if not one.get("accessory"):
        raise invalid(f"{place}.accessory", "BASE_TYPE_REQUIRED", "This field is required")
    _check_place(one["accessory"], frozenset({BUTTON, THUMBNAIL}), f"{place}.accessory")


def _check_container(one: Json, place: str) -> None:
    inner = one.get("components") or []
    _check_length(inner, 1, COMPONENTS, f"{place}.components")
    _check_all(inner, _IN_CONTAINER, place)
    if not 0 <= (one.get("accent_color") or 0) <= _MOST_COLOUR:
        raise invalid(f"{place}.accent_color", "NUMBER_TYPE_MAX", "int value should be at most 16777215.")


def _check_text(one: Json, place: str) -> None:
    _check_length(one.get("content") or "", 1, DISPLAY_CHARACTERS, f"{place}.content")


def _check_gallery(one: Json, place: str) -> None:
    _check_length(one.get("items") or [], 1, GALLERY_ITEMS, f"{place}.items")


def _check_thumbnail(one: Json, place: str) -> None:
    _check_length(one.get("description") or "", 0, _DESCRIPTION_CHARACTERS, f"{place}.description")


def _check_file(one: Json, place: str) -> None:
    """A file shows one of the message's own attachments, which `bodies` finds, by no other address."""
    if not str((one.get("file") or {}).get("url") or "").startswith(("attachment://", "http")):
        raise invalid(f"{place}.file", "BASE_TYPE_REQUIRED", "This field is required")


def _check_separator(one: Json, place: str) -> None:
    if (one.get("spacing") or 1) not in {1, 2}:
        raise invalid(f"{place}.spacing", "BASE_TYPE_CHOICES", "Value must be one of {1, 2}.")


def _check_row(one: Json, place: str) -> None:
    inner = one.get("components") or []
    if any(one.get("type") in SELECTS for one in inner):
        _check_length(inner, 1, 1, f"{place}.components")
        _check_all(inner, SELECTS, place)
        return
    _check_length(inner, 1, BUTTONS_A_ROW, f"{place}.components")
    _check_all(inner, frozenset({BUTTON}), place)


def _check_all(inner: list[Json], allowed: frozenset[int], place: str) -> None:
    for index, one in enumerate(inner):
        _check_place(one, allowed, f"{place}.components.{index}")


def _check_button(one: Json, place: str) -> None:
    style = one.get("style")
    if style not in range(1, _PREMIUM + 1):
        raise invalid(f"{place}.style", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
    _check_length(one.get("label") or "", 0, LABEL_CHARACTERS, f"{place}.label")
    if style == _PREMIUM:
        return
    if not (one.get("label") or one.get("emoji")):
        raise invalid(f"{place}.label", "BUTTON_COMPONENT_LABEL_REQUIRED", "A label or an emoji is required")
    if style == _LINK:
        if one.get("custom_id"):
            text = "A custom id and url cannot both be specified"
            raise invalid(place, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", text)
        url = str(one.get("url") or "")
        _check_length(url, 1, URL_CHARACTERS, f"{place}.url")
        if not url.startswith(("http://", "https://", "discord://")):
            text = "Scheme must be one of ('http', 'https', 'discord')."
            raise invalid(f"{place}.url", "URL_TYPE_INVALID_SCHEME", text)
        return
    _check_length(one.get("custom_id") or "", 1, CUSTOM_ID_CHARACTERS, f"{place}.custom_id")


def _check_select(one: Json, place: str) -> None:
    _check_length(one.get("custom_id") or "", 1, CUSTOM_ID_CHARACTERS, f"{place}.custom_id")
    _check_length(one.get("placeholder") or "", 0, PLACEHOLDER_CHARACTERS, f"{place}.placeholder")
    if one["type"] != _STRING_SELECT:
        return
    options = one.get("options") or []
    _check_length(options, 1, OPTIONS_OF_A_SELECT, f"{place}.options")
    for index, option in enumerate(options):
        for key, least in (("label", 1), ("value", 1), ("description", 0)):
            _check_length(option.get(key) or "", least, OPTION_CHARACTERS, f"{place}.options.{index}.{key}")
    values = [option["value"] for option in options]
    if len(set(values)) != len(values):
        text = "The specified option value is already used"
        raise invalid(f"{place}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)


def _check_length(value: str | list[Json], least: int, most: int, place: str) -> None:
    if not least <= len(value) <= most:
        raise invalid(place, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")


_CHECKS: dict[int, Callable[[Json, str], None]] = {
    ROW: _check_row,
    BUTTON: _check_button,
    SECTION: _check_section,
    TEXT: _check_text,
    THUMBNAIL: _check_thumbnail,
    GALLERY: _check_gallery,
    FILE: _check_file,
    SEPARATOR: _check_separator,
    CONTAINER: _check_container,
}


def empty_message() -> Refusal:
    """Return the refusal of a message without anything."""
    return Refusal(400, 50006, "Cannot send an empty message")
