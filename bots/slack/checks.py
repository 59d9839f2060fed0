"""What `atelier doctor` asks Slack: one real call, and which scope, event or setting is missing."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.arrivals import ArrivalKind
from bots.slack.handshake import first_answer, socket_address
from bots.slack.http import EVENTS_PATH
from bots.slack.manifest import EVENTS, SCOPES, WITHOUT
from bots.slack.oauth import INSTALL_PATH
from core.errors import AtelierError
from core.orchestration.ports import PostRefused
from core.sessions.ports import Arrival
from core.workspaces.installations import Secret

_LONG_AGO = timedelta(days=7)
_NEWS = timedelta(days=30)
_ESSENTIAL = frozenset({"chat:write", "commands", "files:read", "im:write", "users:read"})
_REASONS = {
    "account_inactive": "the app was removed there",
    "app_uninstalled": "the app was removed there",
    "invalid_auth": "Slack does not know the token",
    "not_allowed_token_type": "the token is of another kind",
    "token_expired": "the token has ended",
    "token_revoked": "the token was revoked",
    "missing_scope": "the token lacks connections:write",
}


@dataclass(frozen=True, slots=True)
class SlackSetup:
    """What the settings say.

    Attributes:
        public_url: Where Slack reaches us over HTTP.
        has_signing_secret, has_bot_token, has_client, has_secret_keys: Whether each is set; a client is its id and
            secret.
        app_token: For Socket Mode.
    """

    public_url: str = ""
    has_signing_secret: bool = False
    has_bot_token: bool = False
    has_client: bool = False
    has_secret_keys: bool = False
    app_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class SlackFinding:
    """What was found.

    Attributes:
        is_ok: False for what keeps Slack from working.
        detail: One line.
        is_warning: Whether it works, but less well than it could.
    """

    is_ok: bool
    detail: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """A workspace whose token Slack refuses, though no event said that the app was removed.

    Attributes:
        tenant: Slack's id.
        name: Of the workspace.
        at: Since when we know.
        reason: Slack's code.
    """

    tenant: str
    name: str
    at: datetime
    reason: str


def check_settings(setup: SlackSetup) -> tuple[SlackFinding, ...]:
    """Return what is missing in the settings, nothing if they are complete."""
    return tuple(SlackFinding(is_ok=False, detail=problem) for problem in _problems(setup))


async def check_installation(client: AsyncWebClient) -> tuple[SlackFinding, ...]:
    """Return who we are in one workspace and which scopes are missing there, after one call.

    Args:
        client: With the workspace's bot token.
    """
    try:
        answer = await first_answer(client.auth_test())
    except AtelierError as error:
        return (SlackFinding(is_ok=False, detail=words_of(error)),)
    who = f"{answer.get('user')} in {answer.get('team')}"
    if not answer.get("bot_id"):
        return (SlackFinding(is_ok=False, detail=f"{who}: this is a person's token, the app's (xoxb-) is needed"),)
    return (SlackFinding(is_ok=True, detail=f"{who} answered"), *_missing(_scopes_of(answer.headers)))


async def check_channel(client: AsyncWebClient, channel: str) -> SlackFinding:
    """Return whether sessions work in a channel: scopes hold for a whole workspace, a channel needs the invitation.

    Args:
        client: With the workspace's bot token.
        channel: Slack's id of it.
    """
    try:
        answer = await first_answer(client.conversations_info(channel=channel))
    except AtelierError as error:
        detail = f"channel {channel}: {words_of(error)}; in a private one, type /invite @Atelier there first"
        return SlackFinding(is_ok=False, detail=detail)
    found: dict[str, Any] = answer["channel"]
    if found.get("is_archived"):
        return SlackFinding(is_ok=False, detail=f"channel {channel}: archived")
    if not (found.get("is_member") or found.get("is_im") or found.get("is_mpim")):
        return SlackFinding(is_ok=False, detail=f"channel {channel}: type /invite @Atelier there first")
    return SlackFinding(is_ok=True, detail=f"channel {channel}: sessions work")


async def check_socket(client: AsyncWebClient, token: Secret) -> SlackFinding:
    """Return whether Socket Mode can be opened.

    Args:
        client: Needs no token.
        token: ``xapp-...``.
    """
    try:
        await socket_address(client, token)
    except AtelierError as error:
        is_odd = isinstance(error, PostRefused) and error.reason not in _REASONS
        hint = "; is Socket Mode switched on for the app?" if is_odd else ""
        return SlackFinding(is_ok=False, detail=f"Socket Mode (SLACK_APP_TOKEN): {words_of(error)}{hint}")
    return SlackFinding(is_ok=True, detail="Socket Mode can be opened")


def check_arrivals(arrivals: Sequence[Arrival], setup: SlackSetup, now: datetime) -> tuple[SlackFinding, ...]:
    """Return what came in and what to do where nothing did; Slack does not say what an app subscribed to.

    Args:
        arrivals: What Slack last sent of each kind.
        setup: How it should come in.
        now: The time.
    """
    signed = sorted((one for one in arrivals if one.kind != ArrivalKind.REFUSED), key=lambda one: one.at, reverse=True)
    refused = [one for one in arrivals if one.kind == ArrivalKind.REFUSED and (not signed or one.at > signed[0].at)]
    found: list[SlackFinding] = []
    if refused:
        detail = (
            f"a request on {_when(refused[0])} was refused, because its signature did not fit: compare"
            " SLACK_SIGNING_SECRET with the app's Basic Information"
        )
        found.append(SlackFinding(is_ok=True, detail=detail, is_warning=True))
    if not signed:
        detail = f"no request signed by Slack has come in yet: {_way_in(setup)}"
        return (*found, SlackFinding(is_ok=True, detail=detail, is_warning=True))
    last = signed[0]
    team = f" from {last.tenant}" if last.tenant else ""
    kinds = ", ".join(f"{one.kind} {one.at:%Y-%m-%d %H:%M}" for one in signed)
    detail = f"the last signed request came in on {_when(last)}{team} over {last.way} ({kinds})"
    is_old = now - last.at > _LONG_AGO
    if is_old:
        detail += f"; if people used the app since then: {_way_in(setup)}"
    found.append(SlackFinding(is_ok=True, detail=detail, is_warning=is_old))
    if all(one.kind != ArrivalKind.EVENT for one in signed):
        detail = f"no event has come in yet: {_subscribe(setup)}"
        found.append(SlackFinding(is_ok=True, detail=detail, is_warning=True))
    return tuple(found)


def check_untold(lost: Sequence[Lost], now: datetime) -> tuple[SlackFinding, ...]:
    """Return which workspaces the app left lately without a word from Slack."""
    return tuple(
        SlackFinding(
            is_ok=True,
            detail=(
                f"{one.tenant}{f' ({one.name})' if one.name else ''}: Slack refuses the token since"
                f" {one.at:%Y-%m-%d %H:%M} UTC ({_REASONS.get(one.reason, f'Slack says {one.reason}')}), so what ran"
                " there was stopped; once the app is installed there again, what was not posted is"
            ),
            is_warning=True,
        )
        for one in lost
        if now - one.at <= _NEWS
    )


def _when(arrival: Arrival) -> str:
    return f"{arrival.at:%Y-%m-%d %H:%M} UTC"


def _way_in(setup: SlackSetup) -> str:
    """Return what must be right for anything to come in."""
    if setup.app_token is not None:
        first = "Socket Mode must be on for the app, and a process with the role slack must run (atelier serve)"
    else:
        first = (
            f"the request URLs of events, interactivity and the slash command must be {setup.public_url}{EVENTS_PATH},"
            " reachable from the internet, and a process with the role http must run (atelier serve)"
        )
    return f"{first}; {_subscribe(setup)}"


def _subscribe(setup: SlackSetup) -> str:
    flag = "--socket" if setup.app_token is not None else "--http"
    return f"the app must subscribe to {', '.join(EVENTS)} (atelier slack manifest {flag} has it all)"


def _problems(setup: SlackSetup) -> Iterator[str]:
    if not (setup.has_bot_token or setup.has_client):
        yield "SLACK_BOT_TOKEN, or SLACK_CLIENT_ID with SLACK_CLIENT_SECRET, is needed"
    if setup.app_token is None and not setup.has_signing_secret:
        yield "SLACK_SIGNING_SECRET is needed for events over HTTP, or SLACK_APP_TOKEN for Socket Mode"
    if setup.app_token is None and not setup.public_url:
        yield "PUBLIC_URL is needed, so that Slack can send events; without an address use SLACK_APP_TOKEN"
    if setup.app_token is not None and not setup.app_token.reveal().startswith("xapp-"):
        yield "SLACK_APP_TOKEN must begin with xapp-"
    if setup.has_client and not setup.public_url:
        yield f"PUBLIC_URL is needed, so that the app can be installed at {INSTALL_PATH}"
    if setup.public_url and urlsplit(setup.public_url).scheme != "https":
        yield "PUBLIC_URL must begin with https://: Slack sends to nothing else"
    if setup.has_client and not setup.has_secret_keys:
        yield "SECRET_KEYS is needed to keep the tokens of workspaces"


def _missing(granted: Collection[str] | None) -> Iterator[SlackFinding]:
    if granted is None:
        yield SlackFinding(is_ok=True, detail="Slack did not say which scopes the token has", is_warning=True)
        return
    for scope in SCOPES:
        if scope not in granted:
            events = [name for name, scopes in EVENTS.items() if scope in scopes and not set(scopes) & set(granted)]
            brings = f" (and the event {', '.join(events)})" if events else ""
            detail = f"the scope {scope}{brings} is missing: {WITHOUT[scope]}"
            yield SlackFinding(is_ok=scope not in _ESSENTIAL, detail=detail, is_warning=scope not in _ESSENTIAL)


def _scopes_of(headers: Any) -> Collection[str] | None:
    found = next((value for name, value in dict(headers).items() if name.lower() == "x-oauth-scopes"), None)
    if found is None:
        return None
    text = found if isinstance(found, str) else ",".join(found)
    return {scope.strip() for scope in text.split(",")}


def words_of(error: AtelierError) -> str:
    """Return what *error* means, on one line."""
    return _REASONS.get(error.reason, f"Slack says {error.reason}") if isinstance(error, PostRefused) else str(error)
