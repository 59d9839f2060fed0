"""What doctor says about Slack: who we are there, and which scope, event or setting is missing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bots.slack.arrivals import ArrivalKind, Arrivals
from bots.slack.authorize import Authorize
from bots.slack.checks import (
    Lost,
    SlackSetup,
    check_arrivals,
    check_installation,
    check_settings,
    check_socket,
    check_untold,
)
from bots.slack.clients import web_client
from bots.slack.errands import Errands
from bots.slack.events import make_slack_app
from bots.slack.http import slack_routes
from bots.slack.manifest import SCOPES
from core.sessions.ports import Arrival
from core.workspaces.installations import Secret
from storage.database import Database
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble

HTTP = SlackSetup("https://atelier.example", has_signing_secret=True, has_bot_token=True)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOCKET = SlackSetup(has_bot_token=True, app_token=Secret("xapp-1"))
MANY = SlackSetup("https://atelier.example", has_signing_secret=True, has_client=True, has_secret_keys=True)


@pytest.fixture
async def room() -> AsyncIterator[Entrance]:
    """The app in the workspace north with just what it asks for."""
    async with entrance(scopes=frozenset(SCOPES)) as opened:
        yield opened


@pytest.mark.loopback
async def test_all_is_well_after_one_call(room: Entrance) -> None:
    """It says who answered."""
    [found] = await check_installation(await room.grants(room.slack.north.id))
    assert (found.is_ok, found.is_warning, found.detail) == (True, False, "atelier in North answered")
    assert room.slack.api.count() == 1


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("scope", "is_ok", "words"),
    [
        ("files:read", False, "the scope files:read is missing: files that people give cannot be read"),
        ("channels:history", True, "the scope channels:history (and the event message.channels) is missing"),
        ("chat:write.customize", True, "agents cannot speak under their own names"),
    ],
)
async def test_a_missing_scope_is_named_with_what_it_costs(room: Entrance, scope: str, is_ok: bool, words: str) -> None:
    """The event that does not come without it, too; what nothing works without is a failure."""
    room.north.scopes -= {scope}
    _, found = await check_installation(await room.grants(room.slack.north.id))
    assert (found.is_ok, found.is_warning) == (is_ok, is_ok)
    assert words in found.detail


@pytest.mark.loopback
async def test_a_dead_token_says_why(room: Entrance) -> None:
    """In words, and a person's token is none of the app's."""
    client = await room.grants(room.slack.north.id)
    room.north.is_revoked = True
    assert [one.detail for one in await check_installation(client)] == ["the token was revoked"]
    room.north.is_revoked, room.north.is_uninstalled = False, True
    assert [one.detail for one in await check_installation(client)] == ["the app was removed there"]
    room.slack.faults.add(Trouble.SERVER_ERROR, "auth.test")
    [found] = await check_installation(client)
    assert not found.is_ok


@pytest.mark.loopback
async def test_socket_mode_is_tried(room: Entrance) -> None:
    """By opening it."""
    client = web_client(room.grants.http, base_url=room.slack.api_url)
    assert (await check_socket(client, Secret(room.slack.world.app.app_token))).is_ok
    wrong = await check_socket(client, Secret("xapp-wrong"))
    assert wrong.detail == "Socket Mode (SLACK_APP_TOKEN): Slack does not know the token"
    room.slack.faults.add(Trouble.REFUSED, "apps.connections.open", error="socket_mode_not_enabled")
    off = await check_socket(client, Secret(room.slack.world.app.app_token))
    assert "switched on" in off.detail


@pytest.mark.parametrize(
    ("setup", "missing"),
    [
        (HTTP, []),
        (SOCKET, []),
        (MANY, []),
        (SlackSetup(), ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PUBLIC_URL"]),
        (SlackSetup("http://x.example", has_signing_secret=True, has_bot_token=True), ["PUBLIC_URL must begin"]),
        (SlackSetup("https://x.example", has_bot_token=True), ["SLACK_SIGNING_SECRET"]),
        (SlackSetup(has_client=True, app_token=Secret("xapp-1")), ["PUBLIC_URL", "SECRET_KEYS"]),
        (SlackSetup(has_bot_token=True, app_token=Secret("xoxb-1")), ["SLACK_APP_TOKEN must begin"]),
    ],
    ids=["http", "socket", "many", "nothing", "plain http", "unsigned", "many by socket", "wrong token"],
)
def test_settings_that_are_missing_are_named(setup: SlackSetup, missing: list[str]) -> None:
    """Each way in needs its own, and no other."""
    found = check_settings(setup)
    assert [one.detail.startswith(name) for one, name in zip(found, missing, strict=True)] == [True] * len(missing)
    assert not any(one.is_ok for one in found)


def arrived(kind: ArrivalKind, days: float, way: str = "HTTP") -> Arrival:
    return Arrival("slack", kind, "" if kind is ArrivalKind.REFUSED else "T1", way, NOW - timedelta(days=days))


def test_the_last_request_is_told() -> None:
    """When, from which team, which way, and of each kind."""
    [found] = check_arrivals([arrived(ArrivalKind.EVENT, 1), arrived(ArrivalKind.COMMAND, 2)], HTTP, NOW)
    assert found.detail == (
        "the last signed request came in on 2026-11-22 12:00 UTC from T1 over HTTP"
        " (event 2026-11-22 12:00, command 2026-11-21 12:00)"
    )
    assert not found.is_warning


@pytest.mark.parametrize(
    ("setup", "words"),
    [(HTTP, "https://atelier.example/slack/events"), (SOCKET, "Socket Mode must be on")],
    ids=["http", "socket"],
)
def test_silence_says_what_to_do(setup: SlackSetup, words: str) -> None:
    """Slack does not tell what an app subscribed to, nor where it sends."""
    [found] = check_arrivals([], setup, NOW)
    assert (found.is_ok, found.is_warning) == (True, True)
    assert words in found.detail
    assert "message.channels" in found.detail
    [old] = check_arrivals([arrived(ArrivalKind.EVENT, 8)], setup, NOW)
    assert old.is_warning
    assert words in old.detail


def test_commands_without_events_name_the_subscription() -> None:
    """The address is right then, and the subscription is not."""
    came, missing = check_arrivals([arrived(ArrivalKind.COMMAND, 1)], HTTP, NOW)
    assert (came.is_warning, missing.is_warning) == (False, True)
    assert missing.detail.startswith("no event has come in yet: the app must subscribe to")


def test_a_signature_that_does_not_fit_names_the_secret() -> None:
    """Until a later one fits."""
    wrong, _ = check_arrivals([arrived(ArrivalKind.REFUSED, 1)], HTTP, NOW)
    assert "SLACK_SIGNING_SECRET" in wrong.detail
    [fine] = check_arrivals([arrived(ArrivalKind.REFUSED, 1), arrived(ArrivalKind.EVENT, 0.5)], HTTP, NOW)
    assert not fine.is_warning


async def test_socket_mode_is_told_from_http(memory_store: Database) -> None:
    """What came last says how things come in now."""
    errands = Errands()
    arrivals = Arrivals(memory_store, FakeClock(), errands)
    for way in ("HTTP", "Socket Mode"):
        arrivals.note({"type": "event_callback", "team_id": "T1"}, way=way)
        await errands.drain()
    [found] = await memory_store.read(lambda tx: tx.inbound.list_arrivals("slack"))
    assert (found.kind, found.tenant, found.way) == ("event", "T1", "Socket Mode")


@pytest.mark.loopback
async def test_what_comes_in_is_noted_once_a_minute(room: Entrance, memory_store: Database) -> None:
    """By kind, with its team and way; of what Slack did not sign, that it came."""
    slack, arrivals = room.slack, Arrivals(memory_store, room.clock, room.errands)
    app = make_slack_app(
        room.desk,
        room.door,
        authorize=Authorize(room.grants),
        client=web_client(room.grants.http, base_url=slack.api_url),
        signing_secret=slack.world.app.signing_secret,
        errands=room.errands,
        arrivals=arrivals,
    )
    runner = web.AppRunner(web.Application())
    runner.app.router.add_routes(slack_routes(app))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.world.app.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

    async def noted() -> dict[str, tuple[str, str, datetime]]:
        await room.settled()
        found = await memory_store.read(lambda tx: tx.inbound.list_arrivals("slack"))
        return {one.kind: (one.tenant, one.way, one.at) for one in found}

    await slack.command(slack.ann, slack.general, "status")
    first = room.clock.now()
    outcome = await slack.command(slack.ann, slack.general, "status")
    await slack.global_shortcut(slack.ann, "new_session")
    await slack.say(slack.ann, slack.general, f"<@{room.north.user_id}> status")
    await slack.delivering.again(outcome.delivery, signature="v0=" + "0" * 64)
    found = await noted()
    assert {kind: one[:2] for kind, one in found.items()} == {
        "command": (slack.north.id, "HTTP"),
        "event": (slack.north.id, "HTTP"),
        "press": (slack.north.id, "HTTP"),
        "refused": ("", "HTTP"),
    }
    assert found["command"][2] <= first
    room.clock.move(61)
    await slack.command(slack.ann, slack.general, "status")
    assert (await noted())["command"][2] > first
    await runner.cleanup()


def test_a_workspace_that_left_without_a_word_is_named() -> None:
    """With its name, since when and why; old news is none."""
    lost = Lost("T1", "North", NOW - timedelta(days=2), "account_inactive")
    [found] = check_untold([lost, replace(lost, tenant="T2", at=NOW - timedelta(days=40))], NOW)
    assert (found.is_ok, found.is_warning) == (True, True)
    assert found.detail.startswith(
        "T1 (North): Slack refuses the token since 2026-11-21 12:00 UTC (the app was removed"
    )
