"""What Slack last sent, for whoever has to find out why nothing comes in: `atelier doctor` reads it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bots.slack.errands import Errands
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.sessions.ports import Arrival, Store

_SECONDS = 60.0
HTTP, SOCKET = "HTTP", "Socket Mode"


class ArrivalKind(StrEnum):
    """What came in; Slack has a setting for each of the first three."""

    EVENT = "event"
    COMMAND = "command"
    PRESS = "press"
    """A button, a form, a menu entry: what Slack calls interactivity."""
    CHECK = "check"
    """Slack asked whether the address is ours."""
    REFUSED = "refused"
    """Its signature did not fit."""


class Arrivals:
    """Notes what comes in, beside its acknowledgement and at most once a minute of each kind.

    Args:
        store: Where it is kept.
        clock: The time.
        errands: What writes it.
    """

    def __init__(self, store: Store, clock: Clock, errands: Errands) -> None:
        self._store = store
        self._clock = clock
        self._errands = errands
        self._noted: dict[tuple[ArrivalKind, str], float] = {}

    def note(self, body: Mapping[str, Any], *, way: str, is_refused: bool = False) -> None:
        """Note a request.

        Args:
            body: What Slack signed; of a refused one nothing is believed.
            way: `HTTP` or `SOCKET`.
            is_refused: Whether its signature did not fit.
        """
        kind = ArrivalKind.REFUSED if is_refused else kind_of(body)
        now, last = self._clock.monotonic(), self._noted.get((kind, way))
        if last is not None and now - last < _SECONDS:
            return
        self._noted[kind, way] = now
        tenant = "" if is_refused else _team_of(body)
        arrival = Arrival(PLATFORM, kind, tenant, way, self._clock.now())
        self._errands.begin("arrival", self._store.write(lambda tx: tx.inbound.note_arrival(arrival)))


def kind_of(body: Mapping[str, Any]) -> ArrivalKind:
    """Return what a request is."""
    if body.get("command"):
        return ArrivalKind.COMMAND
    match body.get("type"):
        case "event_callback" | "app_rate_limited":
            return ArrivalKind.EVENT
        case "url_verification":
            return ArrivalKind.CHECK
        case _:
            return ArrivalKind.PRESS


def _team_of(body: Mapping[str, Any]) -> str:
    team = body.get("team")
    named = team.get("id") if isinstance(team, Mapping) else ""
    return str(body.get("team_id") or named or body.get("enterprise_id") or "")
