"""Events from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.sessions.ports import Arrival
from storage.models.arrivals import arrivals
from storage.models.operations import inbound_events
from storage.rows import Rows


@dataclass(frozen=True, slots=True)
class _Event:
    source: str
    event_id: str
    at: datetime


_EVENTS = Rows(inbound_events, _Event)
_ADD = _EVENTS.insert_ignoring()
_LAST = sa.select(sa.func.max(inbound_events.c.at)).where(inbound_events.c.source == sa.bindparam("source"))
_FIND = _EVENTS.query(
    _EVENTS.select.where(
        inbound_events.c.source == sa.bindparam("source"), inbound_events.c.event_id == sa.bindparam("event_id")
    )
)
_ARRIVALS = Rows(arrivals, Arrival)
_NOTE = _ARRIVALS.upsert()
_LIST_ARRIVALS = _ARRIVALS.query(
    _ARRIVALS.select.where(arrivals.c.source == sa.bindparam("source")).order_by(arrivals.c.kind)
)
_DELETE = sa.delete(inbound_events).where(inbound_events.c.at < sa.bindparam("moment"))


class SqlInboundRepository:
    """See `core.sessions.ports.InboundRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, *, source: str, event_id: str, at: datetime) -> bool:
        return _ADD.run(self._connection, _Event(source, event_id, at)) == 1

    def has(self, *, source: str, event_id: str) -> bool:
        return _FIND.first(self._connection, source=source, event_id=event_id) is not None

    def last_at(self, source: str) -> datetime | None:
        latest: datetime | None = self._connection.execute(_LAST, {"source": source}).scalar_one()
        return latest

    def note_arrival(self, arrival: Arrival) -> None:
        _NOTE.run(self._connection, arrival)

    def list_arrivals(self, source: str) -> Sequence[Arrival]:
        return _LIST_ARRIVALS.all(self._connection, source=source)

    def delete_before(self, moment: datetime) -> int:
        return self._connection.execute(_DELETE, {"moment": moment}).rowcount
