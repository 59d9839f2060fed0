"""The local Slack's laws of events, delivered to the unmodified slack_bolt."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant
from tests.fakes_slack.bolt import Got, build_app, served

pytestmark = pytest.mark.loopback


@pytest.fixture
async def got(slack: LocalSlack, grant: Grant, session: aiohttp.ClientSession) -> AsyncIterator[Got]:
    """What an app got that is reached over HTTP."""
    got = Got()
    async with served(slack, build_app(slack, session, got)):
        yield got


async def test_one_message_that_names_the_bot_is_two_events(slack: LocalSlack, got: Got, grant: Grant) -> None:
    """app_mention and message tell of the same ts under different event ids, in envelopes that say all."""
    message = await slack.say(slack.ann, slack.general, f"<@{grant.user_id}> tighten this", files=[("a.docx", b"x")])
    assert sorted(got.kinds) == ["app_mention", "message/file_share"]
    assert {(one["ts"], one["channel"], one["user"]) for one in got.events} == {
        (message.ts, slack.general.id, slack.ann.id)
    }
    assert [one["files"][0]["name"] for one in got.events] == ["a.docx", "a.docx"]
    sent = [one.payload for one in slack.delivering.sent]
    assert len({one["event_id"] for one in sent}) == 2
    for envelope in sent:
        assert {"token", "api_app_id", "authorizations", "event_time", "event_context", "team_id"} <= set(envelope)
        assert {"client_msg_id", "event_ts"} <= set(envelope["event"])
    assert [one["event"].get("channel_type") for one in sent if one["event"]["type"] == "message"] == ["channel"]


async def test_a_thread_an_edit_and_a_deletion_are_told(slack: LocalSlack, got: Got) -> None:
    """A reply carries its thread, an edit both texts, a deletion what was there."""
    parent = await slack.say(slack.ann, slack.general, "one")
    reply = await slack.say(slack.ben, slack.general, "two", thread_ts=parent.ts)
    await slack.edit(reply, "two and a half")
    await slack.delete(reply)
    assert got.kinds == ["message", "message", "message/message_changed", "message/message_deleted"]
    assert (got.events[1]["thread_ts"], got.events[1]["parent_user_id"]) == (parent.ts, slack.ann.id)
    changed, deleted = got.events[2:]
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("two", "two and a half")
    assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (reply.ts, "two and a half")


async def test_the_app_hears_only_where_it_is_and_what_it_may(slack: LocalSlack, got: Got, grant: Grant) -> None:
    """No event from channels without the bot, without the scope or without a subscription."""
    other = slack.world.add_channel(slack.north, "other", [slack.ann])
    await slack.say(slack.ann, other, f"<@{grant.user_id}> psst")
    grant.scopes -= {"channels:history"}
    await slack.say(slack.ann, slack.general, "x")
    grant.scopes |= {"channels:history"}
    slack.world.app.events -= {"message.channels"}
    await slack.say(slack.ann, slack.general, "x")
    assert got.events == []
    await slack.say(slack.ann, slack.direct(slack.ann), f"<@{grant.user_id}> hello")
    assert [(one["type"], one["channel_type"]) for one in got.events] == [("message", "im")]


async def test_the_app_s_own_messages_come_back(slack: LocalSlack, got: Got, client: AsyncWebClient) -> None:
    """They are delivered with its bot id, so that an app must not answer itself; bolt drops them."""
    await client.chat_postMessage(channel=slack.general.id, text="mine")
    await slack.settled()
    assert [one.event["bot_id"] for one in slack.delivering.sent] == [slack.messages(slack.general)[0].bot_id]
    assert got.events == []
    slack.events.echoes = False
    await client.chat_postMessage(channel=slack.general.id, text="mine")
    assert len(slack.delivering.sent) == 1


async def test_a_failed_delivery_comes_three_times_more(slack: LocalSlack, got: Got, clock: FakeClock) -> None:
    """At once, after one minute and after five, with number and reason; a success ends it."""
    got.fails = 3
    await slack.say(slack.ann, slack.general, "x")
    await clock.sleepers()
    await clock.advance(59)
    assert got.retries == ["1"]
    await clock.advance(1)
    await clock.sleepers()
    await clock.advance(300)
    await slack.settled()
    assert (got.retries, got.kinds) == (["1", "2", "3"], ["message"])
    delivery = slack.delivering.sent[0]
    assert [(one.retry, one.status) for one in delivery.attempts] == [(0, 500), (1, 500), (2, 500), (3, 200)]
    assert delivery.is_acknowledged


async def test_an_app_may_ask_for_no_retries(slack: LocalSlack, grant: Grant) -> None:
    """X-Slack-No-Retry: 1 in an answer with an error ends it."""
    seen = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 500 No\r\nX-Slack-No-Retry: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    slack.world.app.request_url = "http://{}:{}/".format(*server.sockets[0].getsockname())
    await slack.say(slack.ann, slack.general, "x")
    await slack.settled()
    assert (len(seen), slack.delivering.sent[0].is_acknowledged) == (1, False)
    server.close()
    await server.wait_closed()


async def test_without_an_app_nothing_is_tried_again(slack: LocalSlack, client: AsyncWebClient) -> None:
    """Where nobody ever listened, events are written down and time does not pass for them."""
    await client.chat_postMessage(channel=slack.general.id, text="x")
    await slack.settled()
    assert [one.problem for one in slack.delivering.sent[0].attempts] == ["connection_failed"]


async def test_a_slow_answer_is_a_timeout(slack: LocalSlack, got: Got, clock: FakeClock) -> None:
    """Whatever comes later, the event is delivered again, and the reason says why."""
    slack.delivering.ack_seconds = 0.05
    got.hangs = asyncio.Event()
    await slack.say(slack.ann, slack.general, "x")
    assert slack.delivering.sent[0].attempts[0].problem == "http_timeout"
    got.hangs.set()
    slack.delivering.ack_seconds = 3.0


async def test_events_come_twice_and_in_any_order(slack: LocalSlack, got: Got) -> None:
    """A test may have each event delivered again though acknowledged, and hold events back to send them reversed."""
    slack.delivering.copies = 2
    await slack.say(slack.ann, slack.general, "twice")
    assert [one["text"] for one in got.events] == ["twice", "twice"]
    slack.delivering.copies = 1
    async with slack.delivering.held() as held:
        await slack.say(slack.ann, slack.general, "first")
        await slack.say(slack.ann, slack.general, "second")
        kept = list(held)
    await slack.delivering.in_order(kept[::-1])
    assert [one["text"] for one in got.events[2:]] == ["second", "first"]


@pytest.mark.parametrize(
    ("replay", "status"),
    [({}, 200), ({"age_seconds": 299}, 200), ({"age_seconds": 302}, 401), ({"signature": "v0=00"}, 401)],
)
async def test_replays_are_signed_as_the_test_wants(
    slack: LocalSlack, got: Got, replay: dict[str, object], status: int
) -> None:
    """Young ones pass bolt's check, old ones and wrong signatures do not."""
    await slack.say(slack.ann, slack.general, "x")
    attempt = await slack.delivering.again(slack.delivering.sent[0], **replay)  # type: ignore[arg-type]
    assert (attempt.status, len(got.events)) == (status, 2 if status == 200 else 1)


async def test_an_organisation_s_events_name_no_workspace_in_their_authorization(slack: LocalSlack, got: Got) -> None:
    """Installed for a whole organisation, team_id is None there, and the envelope says where it happened."""
    org = slack.world.install(slack.grid, slack.eve)
    for channel, person in ((slack.eastern, slack.eve), (slack.western, slack.wes)):
        channel.members.add(org.user_id)
        await slack.say(person, channel, "hello")
    assert got.contexts == [(slack.grid.id, None, True)] * 2
    assert [one.payload["team_id"] for one in slack.delivering.sent] == [slack.east.id, slack.west.id]


async def test_a_stranger_s_message_comes_through_the_installing_workspace(
    slack: LocalSlack, got: Got, grant: Grant
) -> None:
    """In a channel of Slack Connect the sender's home is said, and the installation is the app's."""
    slack.general.shared_with.add(slack.south.id)
    slack.general.members.add(slack.sue.id)
    file = slack.upload(slack.sue, "a.docx", b"x", is_hosted_elsewhere=True)
    await slack.say(slack.sue, slack.general, "hello", files=[file])
    assert got.contexts == [(None, slack.north.id, False)]
    assert (got.events[0]["user_team"], got.events[0]["files"][0]["file_access"]) == (slack.south.id, "check_file_info")
    assert slack.delivering.sent[0].payload["is_ext_shared_channel"] is True


async def test_the_end_of_an_installation_is_told(slack: LocalSlack, got: Got) -> None:
    """tokens_revoked and app_uninstalled come when the token is dead already."""
    await slack.uninstall(slack.north)
    assert sorted(one.event["type"] for one in slack.delivering.sent) == ["app_uninstalled", "tokens_revoked"]


async def test_slack_s_own_stop_button_ends_streams(slack: LocalSlack, got: Got, client: AsyncWebClient) -> None:
    """The event names the streams that it ended."""
    parent = await client.chat_postMessage(channel=slack.general.id, text="x")
    stream = await client.chat_startStream(
        channel=slack.general.id,
        thread_ts=parent["ts"],
        recipient_team_id=slack.north.id,
        recipient_user_id=slack.ann.id,
    )
    await slack.press_stop(slack.ann, slack.general, parent["ts"])
    stopped = [one for one in got.events if one["type"] == "agent_session_stopped"]
    assert [one["streaming_message_ts"] for one in stopped] == [[stream["ts"]]]
