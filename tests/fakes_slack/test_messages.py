"""The local Slack's laws of posting, editing, deleting and reading back."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant
from tests.fakes_slack.refusals import refused

pytestmark = pytest.mark.loopback

KEY = "k" * 24
MARK = {"event_type": "atelier_post", "event_payload": {"key": KEY}}


async def test_a_post_is_seen_and_its_metadata_come_back_by_history_alone(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    """What an answer shows is without metadata; history gives them when asked for."""
    answer = await client.chat_postMessage(channel=slack.general.id, text="hello", metadata=MARK)
    assert "metadata" not in answer["message"]
    assert [one.text for one in slack.messages(slack.general)] == ["hello"]
    plain = await client.conversations_history(channel=slack.general.id)
    marked = await client.conversations_history(channel=slack.general.id, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert marked["messages"][0]["metadata"] == MARK
    assert slack.with_key(KEY)[0].ts == answer["ts"]


async def test_a_thread_is_read_with_its_first_message_first(slack: LocalSlack, client: AsyncWebClient) -> None:
    """conversations.replies gives parent and replies, oldest first; history gives the parent alone."""
    parent = (await client.chat_postMessage(channel=slack.general.id, text="parent"))["ts"]
    for number in range(3):
        await client.chat_postMessage(channel=slack.general.id, text=f"reply {number}", thread_ts=parent)
    thread = await client.conversations_replies(channel=slack.general.id, ts=parent)
    assert [one["text"] for one in thread["messages"]] == ["parent", "reply 0", "reply 1", "reply 2"]
    assert {one["parent_user_id"] for one in thread["messages"][1:]} == {thread["messages"][0]["user"]}
    top = await client.conversations_history(channel=slack.general.id)
    assert [(one["text"], one["reply_count"]) for one in top["messages"]] == [("parent", 3)]


async def test_pages_follow_cursors(slack: LocalSlack, client: AsyncWebClient) -> None:
    """No message is missing or shown twice when a channel is read in pages, newest first."""
    for number in range(7):
        await client.chat_postMessage(channel=slack.general.id, text=str(number))
    seen = []
    async for page in await client.conversations_history(channel=slack.general.id, limit=3):
        seen += [one["text"] for one in page["messages"]]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_an_edit_keeps_how_it_was(slack: LocalSlack, client: AsyncWebClient) -> None:
    """chat.update changes what is seen; blocks that are not mentioned stay, an empty list takes them away."""
    blocks = [{"type": "markdown", "text": "**one**"}]
    ts = (await client.chat_postMessage(channel=slack.general.id, text="one", blocks=blocks))["ts"]
    await client.chat_update(channel=slack.general.id, ts=ts, text="two")
    message = slack.message(slack.general, ts)
    assert (message.text, message.blocks, message.visible_text) == ("two", blocks, "**one**")
    await client.chat_update(channel=slack.general.id, ts=ts, text="three", blocks=[])
    assert (message.visible_text, [edition.text for edition in message.editions]) == ("three", ["one", "two"])


async def test_only_its_own_can_be_edited_or_deleted(slack: LocalSlack, client: AsyncWebClient, grant: Grant) -> None:
    """Other people's messages are other people's, and what is gone is gone."""
    ts = (await client.chat_postMessage(channel=slack.general.id, text="mine"))["ts"]
    slack.message(slack.general, ts).user = slack.ann.id
    assert await refused(client.chat_update(channel=slack.general.id, ts=ts, text="x")) == "cant_update_message"
    assert await refused(client.chat_delete(channel=slack.general.id, ts=ts)) == "cant_delete_message"
    slack.message(slack.general, ts).user = grant.user_id
    await client.chat_delete(channel=slack.general.id, ts=ts)
    assert await refused(client.chat_update(channel=slack.general.id, ts=ts, text="x")) == "message_not_found"


async def test_a_deleted_parent_leaves_a_stone(slack: LocalSlack, client: AsyncWebClient, clock: FakeClock) -> None:
    """A thread survives its first message; nobody can answer to the stone."""
    ts = (await client.chat_postMessage(channel=slack.general.id, text="parent"))["ts"]
    await client.chat_postMessage(channel=slack.general.id, text="reply", thread_ts=ts)
    await client.chat_delete(channel=slack.general.id, ts=ts)
    thread = await client.conversations_replies(channel=slack.general.id, ts=ts)
    assert [one.get("subtype") for one in thread["messages"]] == ["tombstone", None]
    post = client.chat_postMessage(channel=slack.general.id, text="x", thread_ts=ts)
    assert await refused(post) == "cannot_reply_to_message"


async def test_a_whisper_is_seen_by_one(slack: LocalSlack, client: AsyncWebClient) -> None:
    """An ephemeral message is in no history, and only members of the channel can be whispered to."""
    await client.chat_postEphemeral(channel=slack.general.id, user=slack.ben.id, text="psst")
    assert [one.text for one in slack.ephemeral(slack.ben)] == ["psst"]
    assert slack.ephemeral(slack.ann) == []
    assert (await client.conversations_history(channel=slack.general.id))["messages"] == []
    slack.general.members.remove(slack.ben.id)
    post = client.chat_postEphemeral(channel=slack.general.id, user=slack.ben.id, text="psst")
    assert await refused(post) == "user_not_in_channel"


async def test_where_the_bot_cannot_post_it_is_told_why(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant
) -> None:
    """Outside, archived, another workspace's and unknown are different refusals."""
    grant.scopes -= {"chat:write.public"}
    slack.general.members.discard(grant.user_id)
    assert await refused(client.chat_postMessage(channel=slack.general.id, text="x")) == "not_in_channel"
    slack.general.is_archived = True
    assert await refused(client.chat_postMessage(channel=slack.general.id, text="x")) == "is_archived"
    assert await refused(client.chat_postMessage(channel=slack.southern.id, text="x")) == "channel_not_found"
    assert await refused(client.chat_postMessage(channel="C0NOWHERE", text="x")) == "channel_not_found"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "no_text"),
        ({"markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        (
            {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": [{"type": "markdown", "text": "x" * 6_001}] * 2}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_schema"),
        ({"text": "x", "colour": "red"}, "invalid_arguments"),
    ],
)
async def test_what_slack_refuses_is_refused(
    slack: LocalSlack, client: AsyncWebClient, arguments: dict[str, Any], error: str
) -> None:
    """Too long, malformed or unknown: the code is Slack's, and nothing is posted."""
    assert await refused(client.api_call("chat.postMessage", json={"channel": slack.general.id, **arguments})) == error
    assert slack.messages(slack.general) == []


async def test_a_long_text_is_cut_in_posts_and_refused_in_edits(slack: LocalSlack, client: AsyncWebClient) -> None:
    """PostMessage shortens to 40,000 characters without a word; update refuses more than 4,000."""
    ts = (await client.chat_postMessage(channel=slack.general.id, text="x" * 40_001))["ts"]
    assert len(slack.message(slack.general, ts).text) == 40_000
    assert await refused(client.chat_update(channel=slack.general.id, ts=ts, text="x" * 4_001)) == "msg_too_long"


async def test_arguments_come_by_query_form_and_json(slack: LocalSlack, client: AsyncWebClient, grant: Grant) -> None:
    """The three ways of the SDK lead to the same call, with JSON inside of forms read."""
    blocks = [{"type": "divider"}]
    query = {"channel": slack.general.id, "text": "a"}
    await client.api_call("chat.postMessage", params={**query, "blocks": '[{"type":"divider"}]'})
    await client.api_call("chat.postMessage", data={**query, "blocks": '[{"type":"divider"}]'})
    await client.api_call("chat.postMessage", json={**query, "blocks": blocks})
    assert [one.blocks for one in slack.messages(slack.general)] == [blocks] * 3


async def test_reactions_are_put_once_and_taken_once(slack: LocalSlack, client: AsyncWebClient) -> None:
    """A second one is ``already_reacted``, taking away what is not there ``no_reaction``."""
    ts = (await client.chat_postMessage(channel=slack.general.id, text="x"))["ts"]
    where = {"channel": slack.general.id, "timestamp": ts, "name": "eyes"}
    await client.reactions_add(**where)
    assert await refused(client.reactions_add(**where)) == "already_reacted"
    await client.reactions_remove(**where)
    assert await refused(client.reactions_remove(**where)) == "no_reaction"


async def test_an_error_is_an_answer_of_200(slack: LocalSlack, client: AsyncWebClient) -> None:
    """``ok: false`` comes with HTTP 200, so that status alone says nothing."""
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0NOWHERE", text="x")
    assert caught.value.response.status_code == 200
