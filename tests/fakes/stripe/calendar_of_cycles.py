"""When periods of subscriptions end: months keep the day of their anchor where they have it."""

import calendar
from datetime import UTC, datetime, timedelta

from tests.fakes.stripe.model import Json

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


def period_end(anchor: int, start: int, recurring: Json) -> int:
    """Return the first moment after *start* at which a cycle that was anchored at *anchor* ends."""
    number = 1
    while (end := _after(anchor, recurring, number)) <= start:
        number += 1
    return end


def _after(anchor: int, recurring: Json, number: int) -> int:
    first = datetime.fromtimestamp(anchor, UTC)
    count = recurring["interval_count"] * number
    if recurring["interval"] in _DAYS:
        return int((first + timedelta(days=_DAYS[recurring["interval"]] * count)).timestamp())
    months = first.month - 1 + _MONTHS[recurring["interval"]] * count
    year, month = first.year + months // 12, months % 12 + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return int(first.replace(year=year, month=month, day=day).timestamp())
