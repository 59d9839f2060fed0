"""The app was removed, or its tokens were revoked: they are deleted, what runs is stopped, and the ledger stays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from bots.desk.departing import Stopping, live_sessions, mark_left, stop_all
from bots.parsing import Value
from bots.slack.places import place_of
from bots.slack.tenants import PLATFORM, tenant_of, workspace_id_of
from core.clock import Clock
from core.sessions.ports import Store, Transaction

_log = structlog.get_logger(__name__)
LEAVING = ("app_uninstalled", "tokens_revoked", "team_access_revoked")
UNTOLD = "token_refused"
"""What stands for the event where none came: Slack refuses the token."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Who took what from the app.

    Attributes:
        event: The event's type: one of `LEAVING`, or `UNTOLD`.
        tenant: Whose installation.
        at: When, by Slack's clock, in whole seconds; for `UNTOLD`, when the app was installed whose token is refused.
        is_app: Whether everything is gone, the tokens of single persons among it.
        is_bot: Whether the app's own tokens are gone.
        people: Whose personal tokens are gone.
        teams: Teams that an organisation's installation may not enter any more.
        reason: Slack's code for a token that it refuses.
    """

    event: str
    tenant: str
    at: datetime
    is_app: bool = False
    is_bot: bool = False
    people: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What `forget` did.

    Attributes:
        installations: How many were deleted.
        sessions: How many were told to stop.
        is_stale: Whether the app was installed again after the event: then nothing was done.
    """

    installations: int = 0
    sessions: int = 0
    is_stale: bool = False


def decode_departure(body: Mapping[str, Any]) -> Departure | None:
    """Return what an event says of tokens that are gone, None for any other event.

    Args:
        body: The whole envelope of the event.
    """
    event = body.get("event") or {}
    kind = event.get("type")
    if kind not in LEAVING:
        return None
    whose = next(iter(body.get("authorizations") or ()), body)
    tenant = tenant_of(
        whose.get("enterprise_id"), whose.get("team_id"), is_org=bool(whose.get("is_enterprise_install"))
    )
    at = datetime.fromtimestamp(int(body.get("event_time") or 0), UTC)
    tokens = event.get("tokens") or {}
    return Departure(
        event=kind,
        tenant=tenant,
        at=at,
        is_app=kind == "app_uninstalled",
        is_bot=kind == "app_uninstalled" or bool(tokens.get("bot")),
        people=tuple(tokens.get("oauth") or ()),
        teams=tuple(event.get("team_ids") or ()),
    )


def dump_departure(departure: Departure) -> dict[str, Value]:
    """Return a departure as the facts of a request; no id of Slack's has a comma in it."""
    return {
        "event": departure.event,
        "tenant": departure.tenant,
        "at": int(departure.at.timestamp()),
        "is_app": departure.is_app,
        "is_bot": departure.is_bot,
        "people": ",".join(departure.people),
        "teams": ",".join(departure.teams),
        "reason": departure.reason,
    }


def load_departure(facts: Mapping[str, Value]) -> Departure:
    """Return the departure of `dump_departure`."""
    return Departure(
        event=str(facts["event"]),
        tenant=str(facts["tenant"]),
        at=datetime.fromtimestamp(int(facts["at"]), UTC),
        is_app=bool(facts["is_app"]),
        is_bot=bool(facts["is_bot"]),
        people=tuple(filter(None, str(facts["people"]).split(","))),
        teams=tuple(filter(None, str(facts["teams"]).split(","))),
        reason=str(facts.get("reason", "")),
    )


async def forget(
    departure: Departure, *, store: Store, sessions: Stopping, clock: Clock, changed: Callable[[str], None]
) -> Forgotten:
    """Delete the tokens that are gone; where the app's own are, mark the workspace as left and stop what runs there.

    Harmless to repeat, and to hear late: whoever installed the app again after the event keeps it. Purchases, credits
    and texts stay, for a workspace that comes back.

    Args:
        departure: See `decode_departure`.
        store: Where installations, workspaces and sessions are.
        sessions: Stops them.
        clock: The time.
        changed: Told each tenant whose tokens are gone: see `bots.slack.credentials.Credentials.drop`.
    """
    deleted, left = await store.write(lambda tx: _leave(tx, departure, clock.now()))
    for tenant in (departure.tenant, *departure.teams):
        changed(tenant)
    if left is None:
        _log.info("slack_departure_stale", slack_event=departure.event, tenant=departure.tenant)
        return Forgotten(is_stale=True)
    stopped = await stop_all(sessions, await store.read(lambda tx: _running(tx, departure, left)))
    _log.info("slack_departure", slack_event=departure.event, tenant=departure.tenant, deleted=deleted, stopped=stopped)
    return Forgotten(deleted, stopped)


def _leave(tx: Transaction, departure: Departure, now: datetime) -> tuple[int, tuple[str, ...] | None]:
    """Delete what is gone; return how much, and which tenants the app has left, None for an event that came too late."""
    details = {"event": departure.event} | ({"reason": departure.reason} if departure.reason else {})
    if departure.teams:
        left = tuple(team for team in departure.teams if not _is_stale(tx, team, departure.at))
        for team in departure.teams:
            tx.installations.delete_owner(PLATFORM, team)
        deleted = sum(tx.installations.delete_all(PLATFORM, team) for team in left)
    elif _is_stale(tx, departure.tenant, departure.at):
        return 0, None
    elif departure.is_app:
        deleted = tx.installations.delete_all(PLATFORM, departure.tenant)
        left = (departure.tenant,)
    else:
        people = ("", *departure.people) if departure.is_bot else departure.people
        deleted = sum(tx.installations.delete(PLATFORM, departure.tenant, person) for person in people)
        left = (departure.tenant,) if departure.is_bot else ()
    for tenant in left:
        mark_left(tx, workspace_id_of(tenant), at=now, target=tenant, details=details)
    return deleted, left


def _running(tx: Transaction, departure: Departure, left: tuple[str, ...]) -> list[str]:
    """Return the sessions in which nobody can be answered any more."""
    found: list[str] = []
    for tenant in dict.fromkeys((*left, departure.tenant)):
        live = live_sessions(tx, workspace_id_of(tenant))
        found += [one.id for one in live if tenant in left or place_of(one.thread).team in departure.teams]
    return found


def _is_stale(tx: Transaction, tenant: str, at: datetime) -> bool:
    """Return whether the app was installed after *at*; both are taken in whole seconds, as Slack tells them."""
    found = tx.installations.find(PLATFORM, tenant)
    return found is not None and int(found.installed_at.timestamp()) > int(at.timestamp())
