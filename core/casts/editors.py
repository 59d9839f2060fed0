"""Casts of another size: fewer editors of a cast, or more than it has."""

import colorsys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import resources

from core.casts.errors import CastInvalid
from core.casts.model import Cast, Phase, Role
from core.casts.schema import MAX_EDITORS, validate_role

# Readers come after every special editor: their emoji are animals, which no special role uses, and their hues are a
# golden angle apart, so that any number of them stays apart; lightness and saturation keep white text readable.
_READER_EMOJI = "🦊🦉🐝🐢🐬🦔🦩🐘🦋🐧🦁🐸🦀🐙🦒🐳🦜🐌🦓🐿🦚🐞🦦🐼🦢🐏🦥🐊🦎🐇🦡🐈🦃🐎🦌🐂🦙🐠🦇🐓"
_GOLDEN_ANGLE = 0.381966
_LIGHTNESS = 0.27
_SATURATION = 0.55


def with_editors(cast: Cast, count: int) -> Cast:
    """Return *cast* with *count* editors: its first ones, or all of them and further built-in ones after them.

    No two roles share a key, name, emoji or colour, and the same cast and count give the same roles every time.

    Raises:
        CastInvalid: If *count* is not 1 to `MAX_EDITORS`.
    """
    if not 1 <= count <= MAX_EDITORS:
        raise CastInvalid((f"editors: a cast has 1 to {MAX_EDITORS} editors, not {count}",))
    editors = list(cast.editors[:count])
    candidates = _candidates()
    while len(editors) < count:
        taken = [cast.writer, *editors, cast.synthesizer]
        editors.append(next(role for role in candidates if not any(_alike(role, other) for other in taken)))
    return replace(cast, roles=(cast.writer, *editors, cast.synthesizer))


def _alike(one: Role, other: Role) -> bool:
    return one.key == other.key or one.name == other.name or one.emoji == other.emoji or one.colour == other.colour


def _candidates() -> Iterator[Role]:
    yield from _more_editors()
    pattern = _more_editors()[-1]
    for number, emoji in enumerate(_READER_EMOJI, 1):
        yield replace(
            pattern,
            key=f"reader_{number}",
            name=f"Reader {number}",
            emoji=emoji,
            colour=_colour(number),
        )


def _colour(number: int) -> str:
    red, green, blue = colorsys.hls_to_rgb((number * _GOLDEN_ANGLE) % 1, _LIGHTNESS, _SATURATION)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


@cache
def _more_editors() -> tuple[Role, ...]:
    text = resources.files("core.casts").joinpath("editors.toml").read_text(encoding="utf-8")
    return tuple(validate_role({"phase": Phase.EDITOR, **entry}) for entry in tomllib.loads(text)["roles"])
