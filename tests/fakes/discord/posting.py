"""Messages as they are made and changed, whoever makes them: bodies are checked, mentions computed, events sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes.discord import mentions
from tests.fakes.discord.bodies import check_body, stored_components
from tests.fakes.discord.model import (
    Attachment,
    Channel,
    Edition,
    Flags,
    Json,
    Kind,
    Message,
    Refusal,
    Upload,
    User,
    invalid,
)
from tests.fakes.discord.payloads import of_channel, of_message_event
from tests.fakes.discord.world import World

_SETTABLE = Flags.SUPPRESS_EMBEDS | Flags.SUPPRESS_NOTIFICATIONS | Flags.COMPONENTS_V2 | Flags.EPHEMERAL
_EDITABLE = Flags.SUPPRESS_EMBEDS | Flags.COMPONENTS_V2


@dataclass
class Draft:
    """A message that is to be."""

    channel: Channel
    author: User
    body: Json
    uploads: Sequence[Upload] = ()
    kind: int = 0
    webhook_id: str = ""
    interaction: Json | None = None
    seen_by: str = ""
    reference_id: str = ""
    extra_flags: Flags = field(default_factory=lambda: Flags(0))
    is_placeholder: bool = False


def post(world: World, draft: Draft) -> Message:
    """Make a message and tell of it.

    Raises:
        Refusal: If Discord would not take it.
    """
    body, channel = draft.body, draft.channel
    allowed = body.get("allowed_mentions")
    mentions.check(allowed)
    flags = Flags(int(body.get("flags") or 0)) & _SETTABLE | draft.extra_flags
    kept = _new_attachments(world, draft, is_ephemeral=bool(flags & Flags.EPHEMERAL))
    if not draft.is_placeholder:
        check_body(body, flags, kept)
    message = Message(
        world.next_id(),
        channel.id,
        draft.author,
        world.now(),
        draft.kind,
        content=str(body.get("content") or "").strip(),
        embeds=[_embed(one) for one in body.get("embeds") or []],
        attachments=kept,
        flags=flags,
        reference_id=draft.reference_id,
        nonce=body.get("nonce"),
        interaction=draft.interaction,
        webhook_id=draft.webhook_id,
        seen_by=draft.seen_by,
    )
    message.components = stored_components(world, body.get("components") or [], kept)
    world.messages[message.id] = message
    if channel.thread is not None:
        _wake(world, channel, message.author)
    channel.last_message_id = message.id
    if not message.is_ephemeral:
        mentions.apply(world, message, allowed)
        _draw_in(world, channel, message)
        world.announce("MESSAGE_CREATE", of_message_event(world, message), channel=channel)
    return message


def change(world: World, message: Message, body: Json, uploads: Sequence[Upload] = ()) -> None:
    """Edit a message and tell of it; what *body* does not name stays.

    Raises:
        Refusal: If Discord would not take it.
    """
    channel = world.channels[message.channel_id]
    mentions.check(body.get("allowed_mentions"))
    wanted = Flags(int(body["flags"] or 0)) & _EDITABLE if body.get("flags") is not None else message.flags & _EDITABLE
    if message.flags & Flags.COMPONENTS_V2 and not wanted & Flags.COMPONENTS_V2:
        wanted |= Flags.COMPONENTS_V2  # docs: the flag cannot be removed
    flags = (message.flags & ~_EDITABLE & ~Flags.LOADING) | wanted
    kept = _kept_attachments(message, body) + _uploaded(
        world, channel, body, uploads, is_ephemeral=message.is_ephemeral
    )
    after: Json = {
        "content": body.get("content", message.content),
        "embeds": body.get("embeds", message.embeds),
        "components": body.get("components", message.components),
    }
    check_body(after, flags, kept)
    message.editions.append(Edition(message.content, tuple(message.components), world.now()))
    message.content = str(after["content"] or "").strip()
    message.embeds = [_embed(one) for one in after["embeds"] or []]
    message.attachments = kept
    if "components" in body:
        message.components = stored_components(world, body["components"] or [], kept)
    was_thinking, message.flags = message.is_thinking, flags
    message.edited_at = None if was_thinking else world.now()
    if message.is_ephemeral:
        return
    if {"content", "components"} & body.keys():
        mentions.apply(world, message, body.get("allowed_mentions"), is_edit=not was_thinking)
    world.announce("MESSAGE_UPDATE", of_message_event(world, message), channel=channel)


def remove(world: World, message: Message) -> None:
    """Delete a message and tell of it."""
    message.is_deleted = True
    for attachment in message.attachments:
        attachment.is_gone = True
    if message.is_ephemeral:
        return
    channel = world.channels[message.channel_id]
    event: Json = {"id": message.id, "channel_id": channel.id}
    if channel.guild_id:
        event["guild_id"] = channel.guild_id
    world.announce("MESSAGE_DELETE", event, channel=channel)


def _new_attachments(world: World, draft: Draft, *, is_ephemeral: bool) -> list[Attachment]:
    return _uploaded(world, draft.channel, draft.body, draft.uploads, is_ephemeral=is_ephemeral)


def _uploaded(
    world: World, channel: Channel, body: Json, uploads: Sequence[Upload], *, is_ephemeral: bool
) -> list[Attachment]:
    """Keep the files of a request; their entries in ``attachments`` may rename and describe them."""
    guild = world.guild_of(channel)
    most = guild.upload_bytes if guild else 10 * 1024 * 1024
    described = {str(one["id"]): one for one in body.get("attachments") or []}
    kept = []
    for upload in uploads:
        if len(upload.content) > most:
            raise Refusal(413, 40005, "Request entity too large")
        entry = described.get(upload.field_number, {})
        name = str(entry.get("filename") or upload.name)
        attachment = world.add_attachment(
            channel.id, name, upload.content, upload.content_type, is_ephemeral=is_ephemeral
        )
        attachment.description = str(entry.get("description") or "")
        kept.append(attachment)
    return kept


def _kept_attachments(message: Message, body: Json) -> list[Attachment]:
    if body.get("attachments") is None:
        return [] if "attachments" in body else list(message.attachments)
    named = {str(one["id"]) for one in body["attachments"]}
    mine = {one.id for one in message.attachments}
    if strangers := [one for one in named if len(one) > 2 and one not in mine]:
        raise invalid("attachments", "ATTACHMENT_NOT_FOUND", f"Attachment {strangers[0]} could not be found")
    return [one for one in message.attachments if one.id in named]


def _wake(world: World, thread: Channel, author: User) -> None:
    """Count a message of a thread, let its author in, and open the thread again when it was archived."""
    state = thread.thread
    assert state is not None
    state.sent += 1
    state.members.setdefault(author.id, world.now())
    if state.is_archived:
        state.is_archived = False
        state.changed_at = world.now()
        world.announce("THREAD_UPDATE", of_channel(world, thread), channel=thread)


def _draw_in(world: World, channel: Channel, message: Message) -> None:
    """Let who is called in a thread into it."""
    if channel.thread is None or channel.kind not in {Kind.PUBLIC_THREAD, Kind.PRIVATE_THREAD}:
        return
    for user_id in message.pinged:
        channel.thread.members.setdefault(user_id, world.now())


def _embed(embed: Json) -> Json:
    return {"type": "rich"} | {key: value for key, value in embed.items() if value is not None}
