"""What doctor says about Slack: who we are there, and which scope, event or setting is missing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bots.slack.checks import SlackSetup, check_arrivals, check_installation, check_settings, check_socket
from bots.slack.clients import web_client
from bots.slack.manifest import SCOPES
from core.workspaces.installations import Secret
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.slack.faults import Trouble

HTTP = SlackSetup("https://atelier.example", has_signing_secret=True, has_bot_token=True)
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


def test_silence_is_a_sign() -> None:
    """Slack does not tell what an app subscribed to."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert "message.channels" in check_arrivals(None, now).detail
    assert check_arrivals(now - timedelta(days=8), now).is_warning
    assert not check_arrivals(now - timedelta(days=1), now).is_warning
