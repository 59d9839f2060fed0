"""Budgets of calls to somebody who counts all of our processes together, and what each process took out of them.

A process takes a few calls at a time. What it took counts against the budget for a while after it may last have been
used, so that nobody who adds up any such span sees more than the budget, however many processes come and go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ration:
    """One budget.

    Attributes:
        key: Whose and of what.
        given: What was given out and still counts: until when, and how many calls.
        closed_until: Before this nobody gets anything; None if nobody said so.
        used_at: When it was last asked for; one that nobody asks for any more may be deleted.
    """

    key: str
    used_at: datetime
    given: tuple[tuple[datetime, int], ...] = ()
    closed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How a budget is given out.

    Attributes:
        most: Calls that may count at the same time, at least 1.
        portion: Calls that one who asks gets at most, at least 1.
        counts_for: How long what was given counts.
    """

    most: int
    portion: int
    counts_for: timedelta


class RationRepository(Protocol):
    """Budgets by key."""

    def lock(self, key: str, *, now: datetime) -> Ration:
        """Return a budget, a new one if it is not there; nobody else reads it until this transaction ends."""
        ...

    def save(self, ration: Ration) -> None: ...
    def delete_before(self, moment: datetime) -> int:
        """Delete budgets that nobody has asked for since *moment*; return how many."""
        ...


def take(ration: Ration, terms: Terms, *, now: datetime) -> tuple[Ration, int, float]:
    """Return what is left of a budget, how many calls are given, and without any the seconds until there may be some."""
    given = tuple(one for one in ration.given if one[0] > now)
    current = replace(ration, given=given, used_at=now)
    if ration.closed_until is not None and ration.closed_until > now:
        return current, 0, (ration.closed_until - now).total_seconds()
    room = terms.most - sum(calls for _, calls in given)
    if room <= 0:
        return current, 0, (_room_at(given, room) - now).total_seconds()
    calls = min(room, terms.portion)
    return replace(current, given=(*given, (now + terms.counts_for, calls))), calls, 0.0


def close(ration: Ration, *, now: datetime, seconds: float) -> Ration:
    """Return a budget from which nobody gets anything for *seconds*; one that is closed for longer stays so."""
    until = now + timedelta(seconds=seconds)
    if ration.closed_until is not None:
        until = max(until, ration.closed_until)
    return replace(ration, closed_until=until, used_at=now)


def _room_at(given: Sequence[tuple[datetime, int]], room: int) -> datetime:
    """Return when enough of *given* counts no more for one call to be free; *room* is at most 0."""
    for until, calls in sorted(given):
        room += calls
        if room > 0:
            return until
    raise ValueError("a budget of no calls")
