"""Ids that become the objects that they name. docs: api/expanding_objects."""

from collections.abc import Callable
from typing import Any

from tests.fakes.stripe.model import Json, Refusal, copied
from tests.fakes.stripe.world import World

_DEEPEST = 4

Include = Callable[[World, Json], Any]
INCLUDED: dict[tuple[str, str], Include] = {}
"""Fields that stand in an answer only when they were asked for, by the object's kind and their name."""


def includes(kind: str, name: str) -> Callable[[Include], Include]:
    """Register how a field is made that answers carry only on request."""

    def register(include: Include) -> Include:
        INCLUDED[kind, name] = include
        return include

    return register


def expanded(world: World, answer: Json, paths: list[str]) -> Json:
    """Return a copy of an answer with *paths* expanded.

    Raises:
        Refusal: For what cannot be, and for more than four levels.
    """
    found = copied(answer)
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST + (parts[0] == "data"):
            raise Refusal("You cannot expand more than 4 levels of a property", param="expand")
        _expand(world, found, parts, path)
    return found


def _expand(world: World, place: Any, parts: list[str], path: str) -> None:
    if not parts or place is None:
        return
    name, rest = parts[0], parts[1:]
    if isinstance(place, list):
        for one in place:
            _expand(world, one, parts, path)
        return
    if not isinstance(place, dict):
        raise _cannot(path)
    if (include := INCLUDED.get((place.get("object", ""), name))) is not None and name not in place:
        place[name] = copied(include(world, place))
    if name not in place:
        raise _cannot(path)
    place[name] = _fetched(world, place[name], path)
    _expand(world, place[name], rest, path)


def _fetched(world: World, value: Any, path: str) -> Any:
    match value:
        case str() if value in world.objects:
            return copied(world.objects[value])
        case None | dict() | list():
            return value
        case _:
            raise _cannot(path)


def _cannot(path: str) -> Refusal:
    return Refusal(f"This property cannot be expanded ({path}).", param="expand")
