"""chat.startStream, appendStream, stopStream: messages that are written before one's eyes, for five minutes."""

import json

from tests.fakes.slack import limits
from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.blocks import check_blocks, check_chunks
from tests.fakes.slack.chat_methods import (
    changed,
    checked_metadata,
    checked_thread,
    is_streaming,
    keep,
    missing_scope,
    own_message,
)
from tests.fakes.slack.model import Json, Kind, Message, Refusal, Stream
from tests.fakes.slack.payloads import of_message


@answers("chat.startStream")
def start_stream(ask: Ask) -> Json:
    """Begin a message in a thread; in channels it must be said for whom."""
    world = ask.world
    channel = world.writable_channel(ask.grant, ask.need("channel"))
    thread_ts = checked_thread(ask, channel, ask.need("thread_ts"))
    if channel.kind is not Kind.DIRECT:
        for name in ("recipient_team_id", "recipient_user_id"):
            if not ask.text(name):
                raise Refusal(f"missing_{name}")
        world.person_for(ask.grant, ask.text("recipient_user_id"))
    if (ask.text("username") or ask.text("icon_emoji")) and "chat:write.customize" not in ask.grant.scopes:
        raise missing_scope(ask, "chat:write.customize")
    if ask.text("task_display_mode") not in {"", "timeline", "plan"}:
        raise Refusal("invalid_arguments")
    message = Message(
        ts=world.next_ts(),
        channel=channel.id,
        user=ask.grant.user_id,
        team_id=ask.grant.team_id or channel.team_id,
        thread_ts=thread_ts,
        by=ask.grant.app_id,
        bot_id=ask.grant.bot_id,
        username=ask.text("username"),
        icon=ask.text("icon_emoji"),
        stream=Stream(started=world.now(), recipient=ask.text("recipient_user_id")),
    )
    _write(ask, message.stream, is_empty_fine=True)
    message.text = message.stream.text if message.stream else ""
    keep(ask, channel, message)
    return {"channel": channel.id, "ts": message.ts}


@answers("chat.appendStream")
def append_stream(ask: Ask) -> Json:
    """Go on writing."""
    channel, message = own_message(ask, "message_not_owned_by_app")
    if not is_streaming(ask, message):
        raise Refusal("message_not_in_streaming_state")
    _write(ask, message.stream)
    message.text = message.stream.text if message.stream else ""
    return {"channel": channel.id, "ts": message.ts}


@answers("chat.stopStream")
def stop_stream(ask: Ask) -> Json:
    """Finish: what was written stays as the message's text, tasks and last blocks as its blocks."""
    channel, message = own_message(ask, "message_not_owned_by_app")
    stream = message.stream
    if stream is None or not is_streaming(ask, message):
        raise Refusal("message_not_in_streaming_state")
    before = of_message(ask.world, message)
    last = ask.arguments.get("blocks") or []
    if last:
        check_blocks(last)
    _write(ask, stream, is_empty_fine=True)
    if len(stream.text) + len(json.dumps(list(stream.tasks.values()))) > limits.STREAM_TEXT:
        raise Refusal("msg_too_long")
    stream.is_open = False
    message.text = stream.text
    message.blocks = [*_tasks(stream), *stream.blocks, *last]
    if metadata := ask.arguments.get("metadata"):
        message.metadata = checked_metadata(metadata)
    changed(ask, channel, message, before)
    return {"channel": channel.id, "ts": message.ts, "message": of_message(ask.world, message)}


def _write(ask: Ask, stream: Stream | None, *, is_empty_fine: bool = False) -> None:
    """Take in markdown text or chunks."""
    if stream is None:
        raise Refusal("message_not_in_streaming_state")
    markdown, chunks = ask.text("markdown_text"), ask.arguments.get("chunks") or []
    if not markdown and not chunks and not is_empty_fine:
        raise Refusal("no_text")
    if markdown and chunks:
        raise Refusal("markdown_text_conflict")
    if len(markdown) > limits.MARKDOWN_TEXT:
        raise Refusal("msg_too_long")
    check_chunks(chunks)
    added = [block for chunk in chunks if chunk["type"] == "blocks" for block in chunk["blocks"]]
    if len(stream.blocks) + len(added) > limits.BLOCKS["message"]:
        raise Refusal("invalid_blocks")
    stream.blocks += added
    stream.text += markdown
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text":
                stream.text += chunk["text"]
            case "task_update":
                stream.tasks[chunk["id"]] = stream.tasks.get(chunk["id"], {}) | chunk
            case "plan_update":
                stream.title = chunk["title"]
            case _:
                pass


def _tasks(stream: Stream) -> list[Json]:
    """Return the tasks as the blocks that stay when a stream has ended."""
    cards = []
    for key, task in stream.tasks.items():
        card: Json = {"type": "task_card", "task_id": key, "title": task["title"], "status": task["status"]}
        for name in ("details", "output"):
            if task.get(name):
                said = {"type": "rich_text_section", "elements": [{"type": "text", "text": task[name]}]}
                card[name] = {"type": "rich_text", "elements": [said]}
        cards.append(card)
    return [{"type": "plan", "title": stream.title, "tasks": cards}] if stream.title else cards
