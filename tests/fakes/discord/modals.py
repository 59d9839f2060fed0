"""Forms: what may stand in them, and how a person fills them in."""

from tests.fakes.discord.limits import (
    CUSTOM_ID_CHARACTERS,
    INPUT_CHARACTERS,
    LABEL_DESCRIPTION_CHARACTERS,
    LABEL_TEXT_CHARACTERS,
    MODAL_PARTS,
    MODAL_TITLE_CHARACTERS,
)
from tests.fakes.discord.model import Json, invalid, walk

ROW, LABEL, TEXT, TEXT_INPUT, FILE_UPLOAD = 1, 18, 10, 4, 19
SELECTS = frozenset({3, 5, 6, 7, 8})
RADIO, CHECKBOXES, CHECKBOX = 21, 22, 23
FIELDS = SELECTS | {TEXT_INPUT, FILE_UPLOAD, RADIO, CHECKBOXES, CHECKBOX}


def check_modal(data: Json) -> None:
    """Return if a form may look like this.

    Raises:
        Refusal: 50035 with the field.
    """
    if not 1 <= len(data.get("title") or "") <= MODAL_TITLE_CHARACTERS:
        raise _long("data.title", MODAL_TITLE_CHARACTERS)
    if not 1 <= len(data.get("custom_id") or "") <= CUSTOM_ID_CHARACTERS:
        raise _long("data.custom_id", CUSTOM_ID_CHARACTERS)
    parts = data.get("components") or []
    if not 1 <= len(parts) <= MODAL_PARTS:
        raise _long("data.components", MODAL_PARTS)
    for index, part in enumerate(parts):
        _check_part(part, f"data.components.{index}")
    names = [one["custom_id"] for one in walk(parts) if "custom_id" in one]
    if len(set(names)) != len(names):
        raise invalid("data.components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def _check_part(part: Json, place: str) -> None:
    kind = part["type"]
    if kind not in {ROW, LABEL, TEXT}:
        text = "Value of field type must be one of (1, 10, 18)."
        raise invalid(f"{place}.type", "UNION_TYPE_CHOICES", text)
    if kind == LABEL:
        if not 1 <= len(part.get("label") or "") <= LABEL_TEXT_CHARACTERS:
            raise _long(f"{place}.label", LABEL_TEXT_CHARACTERS)
        if len(part.get("description") or "") > LABEL_DESCRIPTION_CHARACTERS:
            raise _long(f"{place}.description", LABEL_DESCRIPTION_CHARACTERS)
    for one in walk([part])[1:]:
        _check_field(one, place)


def _check_field(field: Json, place: str) -> None:
    if field["type"] not in FIELDS:
        raise invalid(f"{place}.type", "UNION_TYPE_CHOICES", "Value of field type must be one of the fields of forms.")
    if not 1 <= len(field.get("custom_id") or "") <= CUSTOM_ID_CHARACTERS:
        raise _long(f"{place}.custom_id", CUSTOM_ID_CHARACTERS)
    if field["type"] == TEXT_INPUT:
        for key in ("value", "placeholder"):
            most = INPUT_CHARACTERS if key == "value" else 100
            if len(field.get(key) or "") > most:
                raise _long(f"{place}.{key}", most)
        if (field.get("max_length") or 1) > INPUT_CHARACTERS:
            raise invalid(f"{place}.max_length", "NUMBER_TYPE_MAX", "int value should be less than or equal to 4000.")
    if field["type"] == FILE_UPLOAD and not 0 <= (field.get("max_values") or 1) <= 10:
        raise invalid(f"{place}.max_values", "NUMBER_TYPE_MAX", "int value should be less than or equal to 10.")


def _long(place: str, most: int) -> Exception:
    return invalid(place, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")
