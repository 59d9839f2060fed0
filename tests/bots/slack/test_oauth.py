"""Installing the app in a browser: pages, states, what is kept, and what nobody may read."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import structlog

from bots.slack.install_pages import THINGS_TO_TRY
from bots.slack.oauth import Arrival
from core.errors import TransientError
from core.workspaces.model import Workspace
from storage.database import Database
from tests.bots.slack.house import PUBLIC_URL, SCOPES, House, house
from tests.fakes.slack.faults import Trouble

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]


@pytest.fixture
async def home(memory_store: Database) -> AsyncIterator[House]:
    async with house(memory_store) as opened:
        yield opened


async def test_the_first_page_is_slacks(home: House) -> None:
    """Nobody has to press a second button: the browser goes on with our scopes, a state and a cookie that holds it."""
    page = await home.get("/slack/install")
    assert page.status == 302
    assert page.location.startswith(f"{home.slack.authorize_url}?state=")
    assert f"scope={','.join(SCOPES)}&user_scope=&" in page.location
    assert page.location.endswith(f"redirect_uri={PUBLIC_URL}/slack/oauth_redirect")
    state = page.location.partition("state=")[2].partition("&")[0]
    assert page.cookie.startswith(f"slack-app-oauth-state={state}; ")
    assert {"Secure", "HttpOnly", "Max-Age=600", "Path=/"} <= set(page.cookie.split("; "))


@pytest.mark.parametrize(
    ("asked", "given"),
    [("T0NORTH", "&team=T0NORTH"), ("T1%26scope=admin", ""), ("T1%0d%0aX-Evil:%201", ""), ("", "")],
    ids=["team", "more", "header", "empty"],
)
async def test_a_link_names_a_team_and_nothing_else(home: House, asked: str, given: str) -> None:
    """What a link to us says besides a team's id does not reach Slack's page."""
    page = await home.get(f"/slack/install?team={asked}")
    assert (page.status, page.location.partition("/oauth_redirect")[2]) == (302, given)


async def test_an_installation_ends_with_what_to_do_next(home: House) -> None:
    """The page opens Atelier in the right team and says three things to try; the hook hears of it after the commit."""
    page = await home.install(home.slack.ann, home.slack.north)
    assert page.status == 200
    assert "Atelier is installed" in page.text
    assert 'href="slack://app?team=T0NORTH&amp;id=A0ATELIER">Open Atelier<' in page.text
    assert all(what in page.text for _, _, what in THINGS_TO_TRY)
    assert len(THINGS_TO_TRY) == page.text.count("<li>") == 3
    assert "deleted" in page.cookie
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert home.arrivals == [Arrival("slack:T0NORTH", "T0NORTH", "North", "U0ANN", "A0ATELIER")]
    client = await home.process.workspaces("T0NORTH")
    assert (await client.auth_test())["team_id"] == "T0NORTH"


async def test_an_organisation_says_where_it_will_be(home: House) -> None:
    """A whole organisation has no team to open: its admin chooses workspaces."""
    page = await home.install(home.slack.eve, home.slack.grid)
    manage = "https://grid.slack.test/manage/organization/apps/profile/A0ATELIER/workspaces/add"
    assert f'href="{manage}">Choose its workspaces<' in page.text
    assert home.arrivals == [Arrival("slack-ent:E0GRID", "E0GRID", "grid", "U0EVE", "A0ATELIER")]


async def test_the_hook_is_after_the_commit_and_undoes_nothing(home: House) -> None:
    """A welcome that fails leaves the app installed and the page as it is."""
    home.welcome = TransientError("Slack is away")
    page = await home.install(home.slack.ann, home.slack.north)
    assert page.status == 200
    assert await home.process.credentials.find("T0NORTH") is not None


async def test_of_eight_callbacks_with_one_state_one_is_let_in(home: House) -> None:
    """A state is consumed before anything else happens, so that a code is never exchanged twice either."""
    path, cookie = await home.begin(home.slack.ann, home.slack.north)
    pages = await asyncio.gather(*(home.get(path, cookie) for _ in range(8)))
    assert sorted(page.status for page in pages) == [200] + [401] * 7
    assert home.slack.api.count("oauth.v2.access") == 1
    assert len(home.arrivals) == 1


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda path, _: (path, ""), 400, "opened on its own"),
        (lambda path, _: (path, "slack-app-oauth-state=other"), 400, "opened on its own"),
        (lambda path, cookie: (path.replace("code=", "kode="), cookie), 401, "Slack sent nothing to go on"),
        (lambda path, cookie: (path.replace("code=", "code=0"), cookie), 400, "did not accept the installation"),
        (lambda path, cookie: (f"{path}&error=access_denied", cookie), 200, "Nothing was installed"),
        (lambda path, cookie: (f"{path}&error=<script>", cookie), 200, "&lt;script&gt;"),
    ],
    ids=["no-cookie", "other-cookie", "no-code", "bad-code", "denied", "script"],
)
async def test_what_fails_is_said_in_words(home: House, change, status: int, words: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Every page that ends nowhere says why and leads back to the beginning; nothing is kept."""
    page = await home.get(*change(*await home.begin(home.slack.ann, home.slack.north)))
    assert page.status == status
    assert words in page.text
    assert 'href="/slack/install">Start again<' in page.text
    assert await home.process.credentials.find("T0NORTH") is None
    assert home.arrivals == []


async def test_a_state_lives_for_ten_minutes(home: House) -> None:
    """Who comes back later begins anew."""
    path, cookie = await home.begin(home.slack.ann, home.slack.north)
    home.clock.move(600)
    page = await home.get(path, cookie)
    assert (page.status, "took too long" in page.text) == (401, True)


@pytest.mark.parametrize("trouble", [Trouble.LOST_ANSWER, Trouble.SERVER_ERROR, Trouble.GARBAGE, Trouble.RATE_LIMITED])
async def test_a_slack_that_is_away_is_said_in_words(home: House, trouble: Trouble) -> None:
    """A failed exchange is a page, not an error of the server."""
    home.slack.faults.add(trouble, "oauth.v2.access")
    page = await home.install(home.slack.ann, home.slack.north)
    assert (page.status, "Slack did not answer" in page.text) == (503, True)


async def test_a_token_is_kept_though_slack_does_not_say_whose(home: House) -> None:
    """What was granted is not lost because a second question failed."""
    home.slack.faults.add(Trouble.SERVER_ERROR, "auth.test", times=2)
    assert (await home.install(home.slack.ann, home.slack.north)).status == 200
    assert (await (await home.process.workspaces("T0NORTH")).auth_test())["ok"]


async def test_who_comes_back_finds_everything(home: House) -> None:
    """A new installation takes the mark of the old one's removal away; nobody else's."""
    gone = home.clock.now()
    for team in ("T0NORTH", "T0SOUTH"):
        workspace = Workspace(f"slack:{team}", "slack", "Old name", gone, tier="pro", removed_at=gone)
        await home.store.write(lambda tx, workspace=workspace: tx.workspaces.save(workspace))  # type: ignore[misc]
    await home.install(home.slack.ann, home.slack.north)
    north = await home.store.read(lambda tx: tx.workspaces.find("slack:T0NORTH"))
    south = await home.store.read(lambda tx: tx.workspaces.find("slack:T0SOUTH"))
    assert north is not None
    assert south is not None
    assert (north.name, north.tier, north.removed_at) == ("North", "pro", None)
    assert south.removed_at == gone
    audit = await home.store.read(lambda tx: tx.audit.list_entries())
    assert [(one.action, one.actor, one.target) for one in audit] == [
        ("app_installed", "slack:T0NORTH/U0ANN", "T0NORTH")
    ]


async def test_no_token_is_written_anywhere(memory_store: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Through an installation, a renewal and a failure of each, with every logger at its loudest."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        async with house(memory_store, rotates=True) as home:
            await home.install(home.slack.ann, home.slack.north)
            home.slack.faults.add(Trouble.REFUSED, "oauth.v2.access", error="invalid_code")
            await home.install(home.slack.sue, home.slack.south)
            home.clock.move(43_000)
            home.slack.faults.add(Trouble.GARBAGE, "oauth.v2.access")
            assert await home.process.credentials.find("T0NORTH") is not None
            await home.process.credentials.aclose()
            home.clock.move(61)
            assert await home.process.credentials.find("T0NORTH") is not None
            await home.process.credentials.aclose()
            world = home.slack.world
            secrets = [*world.refresh_tokens, *(one.token for one in world.grants.values() if one.kind == "bot")]
            assert len(world.refresh_tokens) == 2
            rows = await home.store.read(lambda tx: tx.installations.list_all())
    written = f"{caplog.text}{events}{rows}{[row.sealed for row in rows]}{home.process.credentials.__dict__}"
    assert "slack_token_renewed" in written
    assert [secret for secret in (*secrets, world.app.client_secret) if secret in written] == []
