"""The local Slack's laws of streams."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack
from tests.fakes_slack.refusals import refused

pytestmark = pytest.mark.loopback


async def _arguments(slack: LocalSlack, client: AsyncWebClient) -> dict[str, Any]:
    parent = await client.chat_postMessage(channel=slack.general.id, text="parent")
    return {
        "channel": slack.general.id,
        "thread_ts": parent["ts"],
        "recipient_team_id": slack.north.id,
        "recipient_user_id": slack.ann.id,
    }


async def test_a_stream_of_the_sdk_becomes_a_message(slack: LocalSlack, client: AsyncWebClient) -> None:
    """chat_stream's appends add up to the text, tasks and last blocks stay as blocks, metadata come by stop."""
    arguments = await _arguments(slack, client)
    stream = await client.chat_stream(buffer_size=4, **arguments)
    for piece in ("One ", "two ", "three"):
        await stream.append(markdown_text=piece)
    task = {"type": "task_update", "id": "t", "title": "Reading", "status": "complete"}
    metadata = {"event_type": "e", "event_payload": {"key": "k"}}
    await stream.stop(chunks=[task], blocks=[{"type": "divider"}], metadata=metadata)
    message = slack.message(slack.general, str(stream.ts))
    assert message.text == "One two three"
    assert [block["type"] for block in message.blocks] == ["task_card", "divider"]
    assert slack.with_key("'key': 'k'") == [message]
    assert await refused(client.chat_appendStream(channel=slack.general.id, ts=message.ts, markdown_text="x")) == (
        "message_not_in_streaming_state"
    )


async def test_a_stream_dies_after_five_minutes_whatever_is_written(
    slack: LocalSlack, client: AsyncWebClient, clock: FakeClock
) -> None:
    """Appends do not prolong it; append and stop are refused, and an update takes its place."""
    arguments = await _arguments(slack, client)
    stream = await client.chat_stream(buffer_size=1, **arguments)
    await stream.append(markdown_text="a")
    clock.move(299)
    await stream.append(markdown_text="b")
    clock.move(1)
    for call in (stream.append(markdown_text="c"), stream.stop()):
        with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
            await call
    await client.chat_update(channel=slack.general.id, ts=str(stream.ts), text="whole")
    assert slack.message(slack.general, str(stream.ts)).visible_text == "whole"


async def test_an_open_stream_is_neither_edited_nor_deleted(slack: LocalSlack, client: AsyncWebClient) -> None:
    """While it is written, chat.update and chat.delete are refused."""
    arguments = await _arguments(slack, client)
    ts = (await client.chat_startStream(markdown_text="a", **arguments))["ts"]
    where = {"channel": slack.general.id, "ts": ts}
    assert await refused(client.chat_update(text="x", **where)) == "streaming_state_conflict"
    assert await refused(client.chat_delete(**where)) == "cant_delete_message"


@pytest.mark.parametrize("missing", ["recipient_team_id", "recipient_user_id"])
async def test_in_channels_a_stream_is_for_somebody(slack: LocalSlack, client: AsyncWebClient, missing: str) -> None:
    """Without a recipient no stream starts outside of direct messages."""
    arguments = await _arguments(slack, client)
    del arguments[missing]
    assert await refused(client.chat_startStream(**arguments)) == f"missing_{missing}"


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"chunks": [{"type": "markdown_text", "text": "x" * 12_001}]}, "msg_too_long"),
        ({"chunks": [{"type": "task_update", "id": "1", "title": "t", "status": "done"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "plan_update", "title": "t" * 257}]}, "invalid_chunks"),
        ({"chunks": [{"type": "markdown_text", "text": "x", "colour": "red"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "noise"}]}, "invalid_chunks"),
    ],
)
async def test_chunks_are_looked_at(
    slack: LocalSlack, client: AsyncWebClient, written: dict[str, Any], error: str
) -> None:
    """Too long or of a shape that Slack does not know: nothing is appended."""
    arguments = await _arguments(slack, client)
    ts = (await client.chat_startStream(markdown_text="a", **arguments))["ts"]
    assert await refused(client.chat_appendStream(channel=slack.general.id, ts=ts, **written)) == error
    assert slack.message(slack.general, ts).text == "a"


async def test_a_mention_across_two_appends_is_found(slack: LocalSlack, client: AsyncWebClient) -> None:
    """`mentions` looks at what streams add up to, not only at each call."""
    arguments = await _arguments(slack, client)
    ts = (await client.chat_startStream(markdown_text="hello <", **arguments))["ts"]
    assert slack.mentions() == []
    await client.chat_appendStream(channel=slack.general.id, ts=ts, markdown_text="!channel> all")
    assert slack.mentions() == ["<!channel>"]
    assert slack.mentions(allowed={"<!channel>"}) == []
