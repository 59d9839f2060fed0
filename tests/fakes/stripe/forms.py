"""Parameters as they come over the wire: ``a[b][0][c]=d``."""

import re
from collections.abc import Iterable

from tests.fakes.stripe.model import Json, Refusal

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decoded(pairs: Iterable[tuple[str, str]]) -> Json:
    """Return nested parameters; what has the keys 0, 1, 2... is a list.

    Raises:
        Refusal: If a name cannot be read, or one name is both a value and a container.
    """
    found: Json = {}
    for name, value in pairs:
        match = _KEY.fullmatch(name)
        if match is None:
            raise Refusal(f"Invalid parameter name: {name}", param=name, executed=False)
        parts = [match[1], *_PART.findall(match[2])]
        place = found
        for part in parts[:-1]:
            place = place.setdefault(part or str(len(place)), {})
            if not isinstance(place, dict):
                raise Refusal(f"Invalid object: {name}", param=name, executed=False)
        place[parts[-1] or str(len(place))] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if set(value) == {str(number) for number in range(len(value))}:
        return [_listed(value[str(number)]) for number in range(len(value))]
    return {name: _listed(one) for name, one in value.items()}
