"""chat.*: posting, editing, deleting, whispering."""

import json
from typing import Any

from tests.fakes.slack import limits
from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.blocks import check_blocks
from tests.fakes.slack.model import Channel, Edition, File, Json, Message, Refusal
from tests.fakes.slack.payloads import of_message
from tests.fakes.slack.world import World


@answers("chat.postMessage")
def post_message(ask: Ask) -> Json:
    """Post; what the answer shows is without metadata, as history alone gives that back."""
    channel = ask.world.writable_channel(ask.grant, ask.need("channel"))
    message = new_message(ask, channel)
    if ask.flag("reply_broadcast") and message.is_reply:
        message.is_broadcast = True
    keep(ask, channel, message)
    return {"channel": channel.id, "ts": message.ts, "message": of_message(ask.world, message)}


@answers("chat.postEphemeral")
def post_ephemeral(ask: Ask) -> Json:
    """Show something to one person in a channel."""
    world = ask.world
    channel = world.writable_channel(ask.grant, ask.need("channel"))
    person = world.person_for(ask.grant, ask.need("user"))
    if person.id not in channel.members:
        raise Refusal("user_not_in_channel")
    message = new_message(ask, channel)
    message.seen_by = person.id
    world.messages.append(message)
    return {"message_ts": message.ts}


@answers("chat.update")
def update(ask: Ask) -> Json:
    """Edit one of the app's own messages. Blocks that are not mentioned stay; an empty list takes them away."""
    world = ask.world
    channel, message = own_message(ask, "cant_update_message")
    if message.stream is not None and is_streaming(ask, message):
        raise Refusal("streaming_state_conflict")
    text, blocks, markdown = ask.text("text"), ask.arguments.get("blocks"), ask.text("markdown_text")
    if not (text or blocks or markdown or ask.arguments.get("attachments") or ask.arguments.get("metadata")):
        raise Refusal("no_text")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if len(text) > limits.UPDATE_TEXT or len(markdown) > limits.MARKDOWN_TEXT:
        raise Refusal("msg_too_long")
    if blocks:
        check_blocks(blocks)
    attached = _attached(ask)
    before = of_message(world, message)
    message.editions.append(Edition(message.text, tuple(message.blocks), message.edited_at or message.ts))
    message.text = text or markdown or message.text
    if blocks is not None:
        message.blocks = blocks
    if markdown:
        message.blocks = [{"type": "markdown", "text": markdown}]
    if (metadata := ask.arguments.get("metadata")) is not None:
        message.metadata = checked_metadata(metadata) if metadata else {}
    message.stream = None
    for file in attached:
        message.files.append(file.id)
        file.shares.append((channel.id, message.ts))
    message.edited_at = world.next_ts()
    changed(ask, channel, message, before)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": of_message(world, message)}


def _attached(ask: Ask) -> list[File]:
    """Return the files that an edit puts to a message: the app's own, complete, in no message yet.

    Raises:
        Refusal: ``file_not_found``.
    """
    given = [one for one in ask.text("file_ids").split(",") if one]
    files = [ask.world.files[one] for one in given if one in ask.world.files]
    if len(files) < len(given) or any(
        one.user != ask.grant.user_id or not one.is_complete or one.is_deleted or one.shares for one in files
    ):
        raise Refusal("file_not_found")
    return files


@answers("chat.delete")
def delete(ask: Ask) -> Json:
    """Delete one of the app's own messages."""
    channel, message = own_message(ask, "cant_delete_message")
    if is_streaming(ask, message):
        raise Refusal("cant_delete_message")
    remove(ask.world, channel, message)
    return {"channel": channel.id, "ts": message.ts}


@answers("chat.getPermalink")
def get_permalink(ask: Ask) -> Json:
    """Return where a message stands."""
    world = ask.world
    channel = world.channel_for(ask.grant, ask.need("channel"))
    ts = ask.need("message_ts")
    if world.message_at(channel.id, ts) is None:
        raise Refusal("message_not_found")
    link = f"https://{world.teams[channel.team_id].domain}.slack.test/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


def new_message(ask: Ask, channel: Channel) -> Message:
    """Return the message that the arguments describe, not yet posted.

    Raises:
        Refusal: If Slack would not take it.
    """
    text, blocks, markdown = ask.text("text"), ask.arguments.get("blocks") or [], ask.text("markdown_text")
    attachments = ask.arguments.get("attachments") or []
    if not (text or blocks or markdown or attachments):
        raise Refusal("no_text")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if len(markdown) > limits.MARKDOWN_TEXT:
        raise Refusal("msg_too_long")
    if blocks:
        check_blocks(blocks)
    customized = ask.text("username") or ask.text("icon_emoji") or ask.text("icon_url")
    if customized and "chat:write.customize" not in ask.grant.scopes:
        raise missing_scope(ask, "chat:write.customize")
    metadata = ask.arguments.get("metadata")
    return Message(
        ts=ask.world.next_ts(),
        channel=channel.id,
        user=ask.grant.user_id,
        team_id=ask.grant.team_id or channel.team_id,
        text=(text or markdown)[: limits.FALLBACK_TEXT],
        blocks=[{"type": "markdown", "text": markdown}] if markdown else blocks,
        attachments=attachments,
        thread_ts=checked_thread(ask, channel, ask.text("thread_ts")),
        by=ask.grant.app_id,
        bot_id=ask.grant.bot_id,
        username=ask.text("username"),
        icon=ask.text("icon_emoji") or ask.text("icon_url"),
        metadata=checked_metadata(metadata) if metadata else {},
    )


def missing_scope(ask: Ask, needed: str) -> Refusal:
    """Return the refusal that names a scope."""
    return Refusal("missing_scope", needed=needed, provided=",".join(sorted(ask.grant.scopes)))


def checked_thread(ask: Ask, channel: Channel, thread_ts: str) -> str:
    """Return the ts of the thread's first message.

    Raises:
        Refusal: ``cannot_reply_to_message`` when no thread can be there, ``restricted_action_thread_locked``.
    """
    if not thread_ts:
        return ""
    parent = ask.world.message_at(channel.id, thread_ts)
    if parent is None or parent.is_tombstone:
        raise Refusal("cannot_reply_to_message")
    top = parent.thread_ts or parent.ts
    if top in channel.locked:
        raise Refusal("restricted_action_thread_locked")
    return top


def checked_metadata(metadata: Any) -> Json:
    """Return metadata that Slack keeps.

    Raises:
        Refusal: If it does not.
    """
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if len(json.dumps(metadata)) > limits.METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return metadata


def own_message(ask: Ask, otherwise: str) -> tuple[Channel, Message]:
    """Return a message of the app itself.

    Raises:
        Refusal: ``message_not_found``, or *otherwise* when it is somebody else's.
    """
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    if channel.is_archived:
        raise Refusal("is_archived")
    message = ask.world.message_at(channel.id, ask.need("ts"))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != ask.grant.user_id:
        raise Refusal(otherwise)
    return channel, message


def is_streaming(ask: Ask, message: Message) -> bool:
    """Return whether a message is still being written: its life is absolute."""
    stream = message.stream
    return stream is not None and stream.is_open and ask.world.now() - stream.started < limits.STREAM_SECONDS


def keep(ask: Ask, channel: Channel, message: Message) -> None:
    """Show a new message to all and announce it."""
    world = ask.world
    world.messages.append(message)
    world.announce(channel, world.teams[channel.team_id], of_message(world, message))


def changed(ask: Ask, channel: Channel, message: Message, before: Json) -> None:
    """Announce an edit."""
    world = ask.world
    event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": world.next_ts()}
    event |= {"message": of_message(world, message), "previous_message": before}
    world.announce(channel, world.teams[channel.team_id], event)


def remove(world: World, channel: Channel, message: Message) -> None:
    """Take a message away; of one with replies a stone stays. Announce it."""
    before = of_message(world, message)
    if any(one is not message for one in world.thread(channel.id, message.ts)):
        message.is_tombstone = True
    else:
        message.is_deleted = True
    for file_id in message.files:
        file = world.files[file_id]
        file.shares = [one for one in file.shares if one != (channel.id, message.ts)]
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": world.next_ts()}
    event |= {"deleted_ts": message.ts, "previous_message": before}
    world.announce(channel, world.teams[channel.team_id], event)
