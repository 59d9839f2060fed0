"""The casts that ship: one TOML file each, beside this module."""

import tomllib
from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import Any

from core.casts.errors import CastInvalid, CastUnknown
from core.casts.model import Cast
from core.casts.schema import validate_cast

DEFAULT_CAST = "standard"
_FILES = "shipped"


def load_cast(key: str) -> Cast:
    """Return the shipped cast *key*.

    Raises:
        CastUnknown: If there is none.
    """
    known = _shipped()
    if key not in known:
        raise CastUnknown(key, tuple(known))
    return known[key]


def list_casts() -> tuple[Cast, ...]:
    """Return every shipped cast, the default one first, the others by key."""
    return tuple(_shipped().values())


def parse_cast(text: str) -> Cast:
    """Return the cast that a TOML text describes (see ``core/casts/shipped/standard.toml`` for one).

    Raises:
        CastInvalid: With one sentence for each thing that is wrong, naming its place.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CastInvalid((f"not TOML: {error}",)) from error
    return validate_cast(data)


def cast_to_json(cast: Cast) -> dict[str, Any]:
    """Return the form that is stored with a session: only JSON types."""
    data = asdict(cast)
    for role in data["roles"]:
        role["phase"] = role["phase"].value
        role["criteria"] = list(role["criteria"])
    data["roles"] = list(data["roles"])
    return data


def cast_from_json(data: dict[str, Any]) -> Cast:
    """Return the cast that `cast_to_json` stored.

    Raises:
        CastInvalid: If *data* is not of that form.
    """
    return validate_cast(data)


@cache
def _shipped() -> dict[str, Cast]:
    folder = resources.files("core.casts").joinpath(_FILES)
    texts = [entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    casts = sorted(map(parse_cast, texts), key=lambda cast: (cast.key != DEFAULT_CAST, cast.key))
    return {cast.key: cast for cast in casts}
