"""What Slack last sent, for whoever has to find out why nothing comes in: `atelier doctor` reads it."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from bots.slack import limits
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
        missed: Called at the first event after the start, and after a silence: others may not have come.
    """

    def __init__(
        self, store: Store, clock: Clock, errands: Errands, *, missed: Callable[[], None] | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._errands = errands
        self._missed = missed
        self._last_event: float | None = None
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
        if kind is ArrivalKind.EVENT:
            self._hear_event(body, now)
        if last is not None and now - last < _SECONDS:
            return
        self._noted[kind, way] = now
        tenant = "" if is_refused else _team_of(body)
        arrival = Arrival(PLATFORM, kind, tenant, way, self._clock.now())
        self._errands.begin("arrival", self._store.write(lambda tx: tx.inbound.note_arrival(arrival)))

    def _hear_event(self, body: Mapping[str, Any], now: float) -> None:
        """See to what may not have come before this event: Slack was silent, or says that it left some out."""
        last, self._last_event = self._last_event, now
        is_late = last is None or now - last >= limits.SILENCE_SECONDS
        if self._missed is not None and (is_late or body.get("type") == "app_rate_limited"):
            self._missed()


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
