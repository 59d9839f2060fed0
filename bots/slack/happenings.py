"""What happens in Slack and asks nothing: a channel closes, the app is removed. Stored as requests are, and done later.

Slack waits three seconds for an acknowledgement; to stop what runs in a large workspace may take longer.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from bots.commands import Place
from bots.desk.closing import Closing
from bots.desk.departing import Stopping
from bots.desk.requests import Actor, Request, RequestKind, Spot
from bots.parsing import Value
from bots.slack.decode import Decoded, Install
from bots.slack.leaving import UNTOLD, Departure, decode_departure, dump_departure, forget, load_departure
from bots.slack.places import channel_ref, place_of
from bots.slack.tenants import PLATFORM, workspace_id_of
from core.clock import Clock
from core.ids import derived_key
from core.sessions.model import ThreadRef
from core.sessions.ports import Store

Do = Callable[[Request], Awaitable[object]]
LEFT, CLOSED = "slack_left", "slack_closed"
CLOSINGS = {
    "channel_archive": "Its channel was archived.",
    "group_archive": "Its channel was archived.",
    "member_left_channel": "Atelier was removed from its channel. Invite it again to go on there.",
}


def decode_happening(body: Mapping[str, Any], install: Install) -> Decoded | None:
    """Return what is to be done about an event that asks nothing, None where that is nothing."""
    departure = decode_departure(body)
    if departure is not None:
        return _decoded(body, departure.tenant, LEFT, dump_departure(departure))
    event: Mapping[str, Any] = body.get("event") or {}
    kind = str(event.get("type", ""))
    is_about_us = kind != "member_left_channel" or event.get("user") == install.bot_user
    if kind not in CLOSINGS or not is_about_us:
        return None
    return _decoded(body, install.tenant, CLOSED, {"why": CLOSINGS[kind]}, channel=str(event.get("channel", "")))


def lost_token(tenant: str, *, installed_at: datetime | None, now: datetime, reason: str) -> Decoded:
    """Return the request that stands for an event that never came: the app's token in *tenant* is dead.

    It is the same one for an hour, whichever process finds out.
    """
    departure = Departure(UNTOLD, tenant, installed_at or now, is_bot=True, reason=reason)
    hour = now.replace(minute=0, second=0, microsecond=0)
    since = installed_at.isoformat() if installed_at is not None else ""
    key = derived_key(UNTOLD, tenant, since, hour.isoformat())
    return _decoded({"event_id": key, "event": {}}, tenant, LEFT, dump_departure(departure))


def slack_happenings(
    *, store: Store, sessions: Stopping, clock: Clock, closing: Closing, changed: Callable[[str], None]
) -> dict[str, Do]:
    """Return what is done about each, for `bots.desk.desk.Desk.happenings`; each may be repeated.

    Args:
        store: Where installations, workspaces and sessions are.
        sessions: Stops them.
        clock: The time.
        closing: Pauses what runs where nobody can see it.
        changed: See `bots.slack.leaving.forget`.
    """

    async def left(request: Request) -> None:
        departure: Departure = load_departure(request.values)
        await forget(departure, store=store, sessions=sessions, clock=clock, changed=changed)

    async def closed(request: Request) -> None:
        channel, why = place_of(request.spot.thread).channel, str(request.values["why"])
        await closing.pause_in(channel, workspace_id=request.actor.workspace_id, why=why)

    return {LEFT: left, CLOSED: closed}


def _decoded(
    body: Mapping[str, Any], tenant: str, action: str, facts: Mapping[str, Value], *, channel: str = ""
) -> Decoded:
    event: Mapping[str, Any] = body["event"]
    named = (action, tenant, channel, event.get("event_ts"), body.get("event_time"))
    key = str(body.get("event_id") or derived_key(*(str(part or "") for part in named)))
    request = Request(
        id=f"q_{derived_key(PLATFORM, key)}",
        kind=RequestKind.HAPPENED,
        actor=Actor(workspace_id_of(tenant), ""),
        spot=Spot(ThreadRef(PLATFORM, channel_ref(tenant, channel), ""), Place.CHANNEL),
        values=dict(facts),
        action=action,
    )
    return Decoded(request, (key,))
