"""The local Slack's laws of tokens, scopes, tiers and faults."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Faults, Trouble
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant
from tests.fakes_slack.refusals import refused

pytestmark = pytest.mark.loopback


async def _retry_after(call: Any) -> int:
    with pytest.raises(SlackApiError) as caught:
        await call
    assert caught.value.response.status_code == 429
    return int(caught.value.response.headers["Retry-After"])


async def test_tokens_die_in_their_own_ways(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant, clock: FakeClock
) -> None:
    """Missing, unknown, expired, revoked and uninstalled are told apart."""
    assert await refused(AsyncWebClient(base_url=slack.api_url, session=client.session).auth_test()) == "not_authed"
    assert await refused(client.auth_test(token="xoxb-nobody")) == "invalid_auth"
    assert (await client.auth_test())["team_id"] == slack.north.id
    grant.expires_at = clock.now().timestamp() + 60
    clock.move(60)
    assert await refused(client.auth_test()) == "token_expired"
    grant.expires_at = None
    await slack.revoke(grant)
    assert await refused(client.auth_test()) == "token_revoked"
    await slack.uninstall(slack.north)
    assert await refused(client.auth_test()) == "account_inactive"


async def test_scopes_are_asked_for_method_by_method(slack: LocalSlack, client: AsyncWebClient, grant: Grant) -> None:
    """A missing scope is named, and the one of a channel depends on its kind."""
    grant.scopes = frozenset({"channels:history"})
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=slack.general.id, text="x")
    answer = caught.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "channels:history",
    )
    await client.conversations_history(channel=slack.general.id)
    grant.scopes = frozenset({"groups:history"})
    assert await refused(client.conversations_history(channel=slack.general.id)) == "missing_scope"
    assert await refused(client.apps_connections_open(app_token=grant.token)) == "not_allowed_token_type"


async def test_speaking_under_another_name_needs_its_scope(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant
) -> None:
    """A username or icon is shown with chat:write.customize alone."""
    await client.chat_postMessage(channel=slack.general.id, text="x", username="Writer", icon_emoji=":pen:")
    assert (slack.messages(slack.general)[0].username, slack.messages(slack.general)[0].icon) == ("Writer", ":pen:")
    grant.scopes -= {"chat:write.customize"}
    assert await refused(client.chat_postMessage(channel=slack.general.id, text="x", username="W")) == "missing_scope"


async def test_a_channel_takes_one_post_a_second(slack: LocalSlack, client: AsyncWebClient, clock: FakeClock) -> None:
    """The second post within a second is 429 with Retry-After; another channel and a second later are fine."""
    slack.rates.enforced = True
    other = slack.world.add_channel(slack.north, "other")
    await client.chat_postMessage(channel=slack.general.id, text="1")
    assert await _retry_after(client.chat_postMessage(channel=slack.general.id, text="2")) == 1
    await client.chat_postMessage(channel=other.id, text="3")
    clock.move(1)
    await client.chat_postMessage(channel=slack.general.id, text="4")
    assert [one.text for one in slack.messages(slack.general)] == ["1", "4"]
    assert slack.rates.refused["chat.postMessage"] == 1


async def test_a_tier_is_by_method_and_team(slack: LocalSlack, client: AsyncWebClient, clock: FakeClock) -> None:
    """The 51st update of a minute is refused, in this workspace and of this method only."""
    slack.rates.enforced = True
    ts = (await client.chat_postMessage(channel=slack.general.id, text="0"))["ts"]
    for number in range(50):
        await client.chat_update(channel=slack.general.id, ts=ts, text=str(number))
    assert await _retry_after(client.chat_update(channel=slack.general.id, ts=ts, text="50")) == 60
    await client.conversations_history(channel=slack.general.id)
    south = slack.world.install(slack.south)
    assert await refused(client.chat_update(channel="C", ts=ts, text="x", token=south.token)) == "channel_not_found"
    clock.move(60)
    await client.chat_update(channel=slack.general.id, ts=ts, text="50")


async def test_history_may_be_one_read_of_fifteen_a_minute(
    slack: LocalSlack, client: AsyncWebClient, clock: FakeClock
) -> None:
    """So it is for apps outside the Marketplace, and for nobody else."""
    for number in range(20):
        await client.chat_postMessage(channel=slack.general.id, text=str(number))
    assert len((await client.conversations_history(channel=slack.general.id))["messages"]) == 20
    slack.world.limits_history = slack.rates.enforced = True
    clock.move(60)
    page = await client.conversations_history(channel=slack.general.id, limit=200)
    assert (len(page["messages"]), page["has_more"]) == (15, True)
    assert await _retry_after(client.conversations_history(channel=slack.general.id)) == 60
    await client.conversations_replies(channel=slack.general.id, ts=slack.messages(slack.general)[0].ts)


@pytest.mark.parametrize(
    ("trouble", "error", "posted"),
    [
        (Trouble.LOST_REQUEST, aiohttp.ClientError, 0),
        (Trouble.LOST_ANSWER, aiohttp.ClientError, 1),
        (Trouble.RATE_LIMITED, SlackApiError, 0),
        (Trouble.SERVER_ERROR, SlackApiError, 0),
        (Trouble.ERROR_AFTER, SlackApiError, 1),
        (Trouble.REFUSED, SlackApiError, 0),
        (Trouble.GARBAGE, SlackApiError, 0),
    ],
)
async def test_a_fault_does_what_it_says(
    slack: LocalSlack, client: AsyncWebClient, trouble: Trouble, error: type[Exception], posted: int
) -> None:
    """The sender sees an error, and the message is there or not as the fault's name tells; once."""
    slack.faults.add(trouble, "chat.postMessage")
    with pytest.raises(error):
        await client.chat_postMessage(channel=slack.general.id, text="x")
    assert len(slack.messages(slack.general)) == posted
    await client.chat_postMessage(channel=slack.general.id, text="y")
    assert slack.api.counts["chat.postMessage"] == 2
    assert slack.api.calls[-2].outcome not in {"", "ok"}


async def test_a_fault_can_be_aimed(slack: LocalSlack, client: AsyncWebClient) -> None:
    """By method, by arguments, after some that pass, and as a storm."""
    fault = slack.faults.add(
        Trouble.REFUSED,
        "chat.postMessage",
        error="internal_error",
        times=-1,
        skip=1,
        when=lambda given: given["text"] != "ok",
    )
    for text in ("a", "ok", "b"):
        if text == "b":
            assert await refused(client.chat_postMessage(channel=slack.general.id, text=text)) == "internal_error"
        else:
            await client.chat_postMessage(channel=slack.general.id, text=text)
    assert fault.hits == 1


def test_seeded_faults_are_the_same_every_time() -> None:
    """One number is one sequence of troubles."""

    def drawn(number: int) -> list[Trouble | None]:
        faults = Faults()
        faults.seed(number, 0.5, [Trouble.LOST_ANSWER, Trouble.SERVER_ERROR])
        return [fault.trouble if (fault := faults.next("chat.update", {})) else None for _ in range(20)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert set(drawn(1)) == {None, Trouble.LOST_ANSWER, Trouble.SERVER_ERROR}


async def test_what_nobody_knows_is_a_problem(slack: LocalSlack, client: AsyncWebClient) -> None:
    """Unknown methods and arguments are refused and written down."""
    assert await refused(client.api_call("chat.shout", json={})) == "unknown_method"
    assert await refused(client.api_call("auth.test", json={"volume": 11})) == "invalid_arguments"
    assert slack.api.problems == ["unknown method chat.shout", "auth.test: unknown arguments volume"]


async def test_workspaces_do_not_see_each_other(slack: LocalSlack, client: AsyncWebClient) -> None:
    """Channels, people and workspaces of others do not exist for a token; an organisation's reaches all of its own."""
    assert await refused(client.conversations_info(channel=slack.southern.id)) == "channel_not_found"
    assert await refused(client.users_info(user=slack.sue.id)) == "user_not_found"
    assert await refused(client.team_info(team=slack.south.id)) == "team_not_found"
    org = slack.world.install(slack.grid, slack.eve).token
    known = await client.auth_test(token=org)
    assert (known["is_enterprise_install"], known["team_id"]) == (True, slack.grid.id)
    for channel, person in ((slack.eastern, slack.eve), (slack.western, slack.wes)):
        assert (await client.conversations_info(token=org, channel=channel.id))["channel"]["name"] == channel.name
        assert (await client.users_info(token=org, user=person.id))["user"]["team_id"] == person.team_id
    assert await refused(client.conversations_info(token=org, channel=slack.general.id)) == "channel_not_found"


async def test_guests_and_admins_are_told_apart(slack: LocalSlack, client: AsyncWebClient) -> None:
    """users.info says who may not do everything."""
    shown = [(await client.users_info(user=one.id))["user"] for one in (slack.ann, slack.ben, slack.gil)]
    assert [(one["is_admin"], one["is_restricted"]) for one in shown] == [(True, False), (False, False), (False, True)]


async def test_an_answer_may_never_come(slack: LocalSlack, client: AsyncWebClient, grant: Grant) -> None:
    """A request that hangs has happened; the client gives up by itself."""
    slack.faults.add(Trouble.HANGS, "chat.postMessage")
    impatient = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05))
    async with impatient:
        hasty = AsyncWebClient(grant.token, slack.api_url, session=impatient, retry_handlers=[])
        with pytest.raises(TimeoutError):
            await hasty.chat_postMessage(channel=slack.general.id, text="x")
    assert [one.text for one in slack.messages(slack.general)] == ["x"]


async def test_a_test_waits_for_what_it_wants_to_see(slack: LocalSlack, client: AsyncWebClient) -> None:
    """`until` returns at the request that makes it true, and says what was seen when nothing does."""
    waiting = asyncio.create_task(slack.until(lambda: slack.said_by_app(slack.general)))
    await client.chat_postMessage(channel=slack.general.id, text="here I am")
    assert [one.text for one in await waiting] == ["here I am"]
    with pytest.raises(AssertionError, match="here I am"):
        await slack.until(lambda: False, seconds=0.01)
