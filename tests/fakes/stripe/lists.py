"""Pages of lists, newest first. docs: api/pagination."""

import operator
from collections.abc import Iterable
from typing import Any

from tests.fakes.stripe.model import Json, Refusal, missing
from tests.fakes.stripe.world import listed

_DEFAULT, _MOST = 10, 100


def page(found: Iterable[Json], given: Json, url: str) -> Json:
    """Return the page that *given* asks for, of objects given oldest first.

    Raises:
        Refusal: For a limit out of 1..100, two cursors, or a cursor that is no object of the list.
    """
    items = [one for one in reversed(list(found)) if _within(one.get("created", 0), given.get("created"))]
    limit = given.get("limit", _DEFAULT)
    if not 1 <= limit <= _MOST:
        raise Refusal(f"This value must be between 1 and {_MOST}.", "parameter_invalid_integer", "limit")
    if "starting_after" in given and "ending_before" in given:
        raise Refusal("Received both starting_after and ending_before parameters. Please pass in only one.")
    if "starting_after" in given:
        after = items[_place(items, given["starting_after"], "starting_after") + 1 :]
        return listed(url, after[:limit], has_more=len(after) > limit)
    if "ending_before" in given:
        before = items[: _place(items, given["ending_before"], "ending_before")]
        return listed(url, before[-limit:], has_more=len(before) > limit)
    return listed(url, items[:limit], has_more=len(items) > limit)


def _place(items: list[Json], cursor: str, param: str) -> int:
    for place, one in enumerate(items):
        if one["id"] == cursor:
            return place
    raise missing("object", cursor, param)


def _within(created: int, wanted: Any) -> bool:
    if wanted is None or isinstance(wanted, int):
        return wanted in {None, created}
    laws = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
    return all(laws[name](created, moment) for name, moment in wanted.items())
