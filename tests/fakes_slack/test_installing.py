"""The local Slack's laws of installing, and of Socket Mode."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import FileInstallationStore
from slack_sdk.oauth.state_store import FileOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Enterprise, Grant, Json, Refusal, Team
from tests.fakes_slack.bolt import Got, build_app, served
from tests.fakes_slack.refusals import refused

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]

BACK = "http://127.0.0.1:1/slack/oauth_redirect"


@pytest.fixture
def anonymous(slack: LocalSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    """A client without a token."""
    return AsyncWebClient(base_url=slack.api_url, session=session, retry_handlers=[])


def _page(slack: LocalSlack, **more: str) -> str:
    asked = {"client_id": slack.world.app.client_id, "scope": "chat:write,commands", "state": "s", "redirect_uri": BACK}
    return f"{slack.authorize_url}?{urlencode(asked | more)}"


async def _exchange(slack: LocalSlack, client: AsyncWebClient, where: Team | Enterprise, **more: str) -> Json:
    url = slack.agree(_page(slack), slack.ann, where)
    code = parse_qs(urlsplit(url).query)["code"][0]
    given = {"client_id": slack.world.app.client_id, "client_secret": slack.world.app.client_secret}
    answer = await client.oauth_v2_access(**given, code=code, **({"redirect_uri": BACK} | more))
    assert isinstance(answer.data, dict)
    return answer.data


async def _renew(slack: LocalSlack, client: AsyncWebClient, refresh_token: str) -> Json:
    given = {"client_id": slack.world.app.client_id, "client_secret": slack.world.app.client_secret}
    answer = await client.oauth_v2_access(**given, grant_type="refresh_token", refresh_token=refresh_token)
    assert isinstance(answer.data, dict)
    return answer.data


async def test_a_browser_is_led_back_with_code_and_state(slack: LocalSlack, session: aiohttp.ClientSession) -> None:
    """The page answers 302 to the app's redirect address, or 400 for a request that Slack does not know."""
    async with session.get(_page(slack), allow_redirects=False) as response:
        led = urlsplit(response.headers["Location"])
        assert (response.status, f"{led.scheme}://{led.netloc}{led.path}") == (302, BACK)
        assert parse_qs(led.query)["state"] == ["s"]
    async with session.get(_page(slack, scope="chat:shout"), allow_redirects=False) as response:
        assert (response.status, await response.text()) == (400, "invalid_scope")
    slack.world.app.redirect_urls = ("http://127.0.0.1:1/other",)
    with pytest.raises(Refusal, match="bad_redirect_uri"):
        slack.agree(_page(slack), slack.ann, slack.north)


async def test_a_code_is_good_for_one_token(slack: LocalSlack, anonymous: AsyncWebClient) -> None:
    """The second exchange, a wrong secret and another redirect address are refused."""
    installed = await _exchange(slack, anonymous, slack.north)
    assert (installed["team"]["id"], installed["enterprise"], installed["authed_user"]["id"]) == (
        slack.north.id,
        None,
        slack.ann.id,
    )
    assert "refresh_token" not in installed
    known = await anonymous.auth_test(token=installed["access_token"])
    assert known["user_id"] == installed["bot_user_id"]
    app = slack.world.app
    again = anonymous.oauth_v2_access(client_id=app.client_id, client_secret=app.client_secret, code="used")
    assert await refused(again) == "invalid_code"
    wrong = anonymous.oauth_v2_access(client_id=app.client_id, client_secret="wrong", code="used")
    assert await refused(wrong) == "bad_client_secret"
    assert (
        await refused(_exchange(slack, anonymous, slack.north, redirect_uri="http://127.0.0.1/")) == "bad_redirect_uri"
    )


async def test_an_organisation_has_no_team(slack: LocalSlack, anonymous: AsyncWebClient) -> None:
    """An org-wide installation says ``team: null``."""
    installed = await _exchange(slack, anonymous, slack.grid)
    assert (installed["team"], installed["enterprise"]["id"], installed["is_enterprise_install"]) == (
        None,
        slack.grid.id,
        True,
    )


async def test_a_second_installation_gives_the_same_token(slack: LocalSlack, anonymous: AsyncWebClient) -> None:
    """Without rotation a workspace has one bot token."""
    first = await _exchange(slack, anonymous, slack.north)
    second = await _exchange(slack, anonymous, slack.north)
    assert first["access_token"] == second["access_token"]


async def test_a_refresh_token_is_good_for_one_renewal(
    slack: LocalSlack, anonymous: AsyncWebClient, clock: FakeClock
) -> None:
    """Tokens live twelve hours; of two renewals with one refresh token the second is refused."""
    slack.world.app.rotates_tokens = True
    first = await _exchange(slack, anonymous, slack.north)
    assert first["expires_in"] == 43_200
    second = await _renew(slack, anonymous, first["refresh_token"])
    assert await refused(_renew(slack, anonymous, first["refresh_token"])) == "invalid_refresh_token"
    assert (await anonymous.auth_test(token=second["access_token"]))["team_id"] == slack.north.id
    clock.move(43_200)
    assert await refused(anonymous.auth_test(token=second["access_token"])) == "token_expired"
    third = await _renew(slack, anonymous, second["refresh_token"])
    assert (await anonymous.auth_test(token=third["access_token"]))["user_id"] == first["bot_user_id"]


async def test_bolt_installs_itself(slack: LocalSlack, session: aiohttp.ClientSession, tmp_path: Path) -> None:
    """slack_bolt's own pages lead through ours to a stored installation whose token works."""
    store = FileInstallationStore(base_dir=str(tmp_path / "installations"))
    settings = AsyncOAuthSettings(
        client_id=slack.world.app.client_id,
        client_secret=slack.world.app.client_secret,
        scopes=["chat:write"],
        installation_store=store,
        state_store=FileOAuthStateStore(expiration_seconds=60, base_dir=str(tmp_path / "states")),
        authorization_url=slack.authorize_url,
        install_page_rendering_enabled=False,
    )
    client = AsyncWebClient(base_url=slack.api_url, session=session, retry_handlers=[])
    app = AsyncApp(client=client, signing_secret="s", oauth_settings=settings, installation_store=store)
    async with served(slack, app):
        base = slack.world.app.request_url.removesuffix("/slack/events")
        slack.world.app.redirect_urls = (f"{base}/slack/oauth_redirect",)
        async with session.get(f"{base}/slack/install", allow_redirects=False) as response:
            page, cookie = response.headers["Location"], response.headers["Set-Cookie"].partition(";")[0]
        async with session.get(page, allow_redirects=False) as response:
            back = response.headers["Location"]
        async with session.get(back, headers={"Cookie": cookie}) as response:
            assert response.status == 200
    installed = await store.async_find_installation(enterprise_id=None, team_id=slack.north.id)
    assert installed is not None
    assert (await client.auth_test(token=installed.bot_token))["bot_id"] == installed.bot_id


@pytest.fixture
async def got(slack: LocalSlack, grant: Grant, session: aiohttp.ClientSession) -> AsyncIterator[Got]:
    """What an app got that is reached through Socket Mode."""
    got = Got()
    slack.events.echoes = False
    handler: Any = AsyncSocketModeHandler(build_app(slack, session, got), slack.world.app.app_token)
    await handler.connect_async()
    await slack.sockets.connected.wait()
    yield got
    handler.client.closed = True
    await handler.close_async()


async def test_a_socket_brings_what_http_brings(slack: LocalSlack, got: Got) -> None:
    """Events, and commands whose answer comes back through the socket."""
    await slack.say(slack.ann, slack.general, "hello")
    outcome = await slack.command(slack.ann, slack.general, "brief")
    assert (got.kinds, outcome.text) == (["message"], "Reading brief, price follows")
    assert all(one.is_acknowledged for one in slack.delivering.sent)


async def test_an_event_that_is_not_acknowledged_comes_again(slack: LocalSlack, got: Got, clock: FakeClock) -> None:
    """A deaf socket acknowledges nothing; what was missed comes with the number of the try."""
    slack.sockets.is_deaf = True
    slack.delivering.ack_seconds = 0.05
    await slack.say(slack.ann, slack.general, "hello")
    await clock.sleepers()
    slack.sockets.is_deaf = False
    slack.delivering.ack_seconds = 3.0
    await clock.advance(60)
    await slack.settled()
    assert (got.kinds, got.retries) == (["message"], ["2"])


async def test_a_socket_is_renewed_when_slack_asks(slack: LocalSlack, got: Got) -> None:
    """A disconnect envelope leads to a second apps.connections.open and a new socket."""
    await slack.sockets.refresh()
    await slack.sockets.opened_in_all(2)
    await slack.say(slack.ann, slack.general, "hello")
    assert got.kinds == ["message"]
    assert slack.api.counts["apps.connections.open"] == 2


async def test_without_the_app_token_there_is_no_socket(slack: LocalSlack, client: AsyncWebClient) -> None:
    """Bot tokens open none, and an address is good for one socket."""
    assert await refused(client.apps_connections_open(app_token="xapp-wrong")) == "invalid_auth"
    url = (await client.apps_connections_open(app_token=slack.world.app.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
