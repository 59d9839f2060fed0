"""Whose a request is, and with which token it is answered: asked of Slack once a token."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bots.slack.authorize import Authorize, tenant_in
from bots.slack.clients import OneWorkspace, open_session, web_client
from bots.slack.credentials import Credentials
from core.orchestration.ports import PostRefused
from core.workspaces.installations import Secret
from storage.database import Database
from tests.bots.slack.house import House, Process, house
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Kind
from tests.fakes_slack.bolt import served

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]


@pytest.fixture
async def home(memory_store: Database) -> AsyncIterator[House]:
    """The app in two workspaces and in one organisation."""
    async with house(memory_store) as opened:
        await opened.install(opened.slack.ann, opened.slack.north)
        await opened.install(opened.slack.sue, opened.slack.south)
        await opened.install(opened.slack.eve, opened.slack.grid)
        opened.slack.api.calls.clear()
        yield opened


async def test_twenty_commands_cost_one_question(home: House) -> None:
    """Slack is asked once a token, also when all come at once."""
    slack = home.slack
    outcomes = await asyncio.gather(*(slack.command(slack.ann, slack.general, f"n{number}") for number in range(20)))
    assert [outcome.text for outcome in outcomes] == ["Reading"] * 20
    assert slack.api.counts == {"auth.test": 1}
    await slack.command(slack.sue, slack.southern, "other")
    assert slack.api.counts == {"auth.test": 2}
    assert home.seen == ["T0NORTH"] * 20 + ["T0SOUTH"]


async def test_a_renewed_token_is_asked_about_anew(memory_store: Database) -> None:
    """A new token is a new question, and one is enough."""
    async with house(memory_store, rotates=True) as home:
        slack = home.slack
        await home.install(slack.ann, slack.north)
        slack.api.calls.clear()
        await slack.command(slack.ann, slack.general, "first")
        home.clock.move(43_200)
        await slack.command(slack.ann, slack.general, "second")
        await slack.command(slack.ann, slack.general, "third")
        assert slack.api.counts == {"auth.test": 2, "oauth.v2.access": 1}
        assert home.asked == ["first", "second", "third"]


async def test_an_organisation_answers_for_its_teams(home: House) -> None:
    """Commands name a team, events of such an installation none: both are the organisation's, who pays."""
    slack = home.slack
    await slack.invite_app(slack.eastern, slack.eve)
    bot = slack.world.bot_of(slack.east)
    assert bot is not None
    await slack.command(slack.eve, slack.eastern, "from east")
    await slack.command(slack.wes, slack.western, "from west")
    await slack.say(slack.eve, slack.eastern, f"<@{bot.user_id}> hello")
    assert home.seen == ["E0GRID"] * 3
    credential = await home.process.credentials.find("T0EAST")
    assert credential is not None
    assert (credential.tenant, credential.workspace_id, credential.team_id) == ("E0GRID", "slack-ent:E0GRID", "")


async def test_a_worker_knows_a_team_of_an_organisation(home: House) -> None:
    """A process that is told a team alone posts with the organisation's token once one request came from there."""
    with pytest.raises(PostRefused):
        await home.process.workspaces("T0EAST")
    await home.slack.command(home.slack.eve, home.slack.eastern, "x")
    worker = Process(home.slack, home.store, home.clock, home.cipher)
    client = await worker.workspaces("T0EAST")
    assert (await client.auth_test())["team_id"] == "E0GRID"
    with pytest.raises(PostRefused):
        await worker.workspaces("T0WEST")
    await worker.aclose()


async def test_a_team_of_an_organisation_with_its_own_installation(home: House) -> None:
    """The closest installation answers: what a team installed for itself comes before its organisation's."""
    slack = home.slack
    await slack.command(slack.eve, slack.eastern, "x")
    await home.install(slack.eve, slack.east)
    for team, tenant in (("T0EAST", "T0EAST"), ("T0WEST", "E0GRID")):
        credential = await home.process.credentials.find(team, "E0GRID")
        assert credential is not None
        assert credential.tenant == tenant
    whole = await home.process.credentials.find("T0EAST", "E0GRID", is_org=True)
    assert whole is not None
    assert whole.tenant == "E0GRID"


async def test_in_a_shared_channel_the_installing_team_counts(home: House) -> None:
    """Slack Connect: somebody of another company speaks, and the request is still the team's that has the app there."""
    slack = home.slack
    shared = slack.world.add_channel(slack.north, "with-south", [slack.ann, slack.sue], Kind.PUBLIC)
    shared.shared_with.add(slack.south.id)
    await slack.invite_app(shared, slack.ann)
    bot = slack.world.bot_of(slack.north)
    assert bot is not None
    await slack.say(slack.sue, shared, f"<@{bot.user_id}> hello")
    assert home.seen == ["T0NORTH"]


async def test_without_an_installation_a_request_says_so(home: House) -> None:
    """Nobody's token is used for a team that has none."""
    slack = home.slack
    ivy = slack.world.add_person(slack.world.add_team("island"), "ivy")
    outcome = await slack.command(ivy, slack.world.add_channel(slack.world.teams["T0ISLAND"], "sea", [ivy]), "x")
    assert "reinstall" in str(outcome.delivery.attempts) + str(slack.ephemeral(ivy))
    assert home.asked == []


@pytest.mark.parametrize("trouble", [Trouble.SERVER_ERROR, Trouble.LOST_ANSWER, Trouble.RATE_LIMITED])
async def test_a_slack_that_is_slow_keeps_nobody_out(home: House, trouble: Trouble) -> None:
    """The request is signed and the team is known; the question is asked again the next time."""
    home.slack.faults.add(trouble, "auth.test")
    assert (await home.slack.command(home.slack.ann, home.slack.general, "first")).text == "Reading"
    await home.slack.command(home.slack.ann, home.slack.general, "second")
    await home.slack.command(home.slack.ann, home.slack.general, "third")
    assert home.seen == ["T0NORTH"] * 3
    assert home.slack.api.counts == {"auth.test": 2}


async def test_a_clear_no_is_a_no(home: House) -> None:
    """A token that Slack revoked answers nobody."""
    grant = home.slack.world.bot_of(home.slack.north)
    assert grant is not None
    await home.slack.revoke(grant, tell=False)
    await home.slack.command(home.slack.ann, home.slack.general, "x")
    assert home.asked == []


async def test_memory_is_bounded(memory_store: Database) -> None:
    """However many teams ask, only so many are remembered; those forgotten are read again."""
    async with house(memory_store) as home:
        teams = [home.slack.world.add_team(f"n{number}") for number in range(3)]
        small = Credentials(memory_store, home.cipher, home.clock, home.process.credentials._renewal, most=2)
        for team in teams:
            person = home.slack.world.add_person(team, f"p{team.domain}")
            await home.install(person, team)
            assert await small.find(team.id) is not None
        assert len(small._kept) == 2
        assert await small.find(teams[0].id) is not None


async def test_one_token_of_the_operators_own() -> None:
    """One workspace: the token of the settings answers for its own team, for a reference without one, for no other."""
    clock = FakeClock(auto=True)
    async with LocalSlack(clock, tiers=False) as slack, open_session() as session:
        grant = slack.world.install(slack.north, slack.ann)
        one = OneWorkspace(Secret(grant.token), session, base_url=slack.api_url)
        clients = await asyncio.gather(one("T0NORTH"), one(""), one("T0NORTH"))
        assert len({id(client) for client in clients}) == 1
        assert slack.api.counts == {"auth.test": 1}
        with pytest.raises(PostRefused) as caught:
            await one("T0SOUTH")
        assert caught.value.reason == "account_inactive"
        seen: list[str] = []
        await _ask_as_one(slack, one, session, seen)
        assert seen == ["T0NORTH"]
        assert slack.api.counts == {"auth.test": 2}


async def _ask_as_one(slack: LocalSlack, one: OneWorkspace, session: aiohttp.ClientSession, seen: list[str]) -> None:
    app = AsyncApp(
        client=web_client(session, base_url=slack.api_url),
        signing_secret=slack.world.app.signing_secret,
        authorize=Authorize(one),  # type: ignore[arg-type]  # bolt's annotation forgets its own class
        process_before_response=True,
    )

    async def on_command(ack, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - bolt looks at names
        seen.append(tenant_in(context))
        await ack("Reading")

    app.command("/atelier")(on_command)
    async with served(slack, app):
        await slack.command(slack.ann, slack.general, "x")


async def test_a_token_that_slack_does_not_know_is_refused() -> None:
    """A wrong token of the settings answers nobody, in words of Slack's own; an outage is told apart from it."""
    async with LocalSlack(FakeClock(auto=True), tiers=False) as slack, open_session() as session:
        wrong = OneWorkspace(Secret("xoxb-wrong"), session, base_url=slack.api_url)
        slack.faults.add(Trouble.REFUSED, "auth.test", error="account_inactive")
        with pytest.raises(PostRefused) as caught:
            await wrong("T0NORTH")
        assert caught.value.reason == "account_inactive"


async def test_clients_send_nothing_twice() -> None:
    """One set of connections with a timeout, and none of the SDK's own retries."""
    async with LocalSlack(FakeClock(auto=True), tiers=False) as slack, open_session(seconds=7) as session:
        client = web_client(session, base_url=slack.api_url, token=Secret("t"))
        assert (client.session, client.retry_handlers, client.token) == (session, [], "t")
        assert session.timeout.total == 7
        slack.faults.add(Trouble.LOST_ANSWER, "api.test")
        with pytest.raises(aiohttp.ClientError):
            await client.api_test()
        assert slack.api.count("api.test") == 1
        assert web_client(session).base_url == "https://slack.com/api/"
