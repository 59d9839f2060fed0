"""Messages over the API: sending, editing, deleting, reading, reacting."""

from urllib.parse import unquote

from tests.fakes.discord.calls import Answer, Call, Handler
from tests.fakes.discord.limits import NONCE_SECONDS, OLD_AFTER_SECONDS, OLD_EDITS
from tests.fakes.discord.model import Channel, Json, Kind, Message, Refusal, User, invalid
from tests.fakes.discord.payloads import of_message
from tests.fakes.discord.permissions import Permission, missing_permissions
from tests.fakes.discord.posting import Draft, change, post, remove
from tests.fakes.discord.world import World, by_id

_REPLY = 19


def create(call: Call) -> Answer:
    """Send a message."""
    channel, body = call.channel(), call.fields
    check_may_send(call, channel)
    if body.get("enforce_nonce") and (earlier := _with_nonce(call.world, channel, body.get("nonce"))):
        if earlier.is_deleted:
            raise Refusal(404, 10008, "Unknown Message")
        return of_message(call.world, earlier)
    reference_id = _reference(call.world, channel, body.get("message_reference"))
    kind = _REPLY if reference_id else 0
    draft = Draft(channel, call.world.bot, body, call.uploads, kind, reference_id=reference_id)
    return of_message(call.world, post(call.world, draft))


def edit(call: Call) -> Answer:
    """Edit a message of the bot's."""
    channel = call.channel()
    message = call.world.message_at(channel, call.params["message_id"])
    if message.author is not call.world.bot:
        raise Refusal(403, 50005, "Cannot edit a message authored by another user")
    _check_open(channel)
    _check_age(call.world, message)
    change(call.world, message, call.fields, call.uploads)
    return of_message(call.world, message)


def delete(call: Call) -> Answer:
    """Delete a message: one's own, or with MANAGE_MESSAGES anybody's."""
    channel = call.channel()
    message = call.world.message_at(channel, call.params["message_id"])
    may_manage = call.world.permissions(channel, call.world.bot) & Permission.MANAGE_MESSAGES
    if message.author is not call.world.bot and not may_manage:
        raise missing_permissions()
    _check_open(channel)
    remove(call.world, message)
    return None


def get(call: Call) -> Answer:
    """Return a message."""
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return of_message(call.world, call.world.message_at(channel, call.params["message_id"]))


def listing(call: Call) -> Answer:
    """Return messages, newest first, from one side of a given one; empty without the right to read history."""
    channel = call.channel()
    if not call.world.permissions(channel, call.world.bot) & Permission.READ_MESSAGE_HISTORY:
        return []
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
    found = by_id(call.world.messages_in(channel))
    if "before" in call.query:
        found = [one for one in found if int(one.id) < int(call.query["before"])]
    if "after" in call.query:
        found = [one for one in found if int(one.id) > int(call.query["after"])][-limit:]
    if "around" in call.query:
        middle = int(call.query["around"])
        nearest = sorted(found, key=lambda one: abs(int(one.id) - middle))[:limit]
        found = by_id(nearest)
    return [of_message(call.world, one) for one in found[:limit]]


def react(call: Call) -> Answer:
    """Put the bot's emoji on a message."""
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    message = call.world.message_at(channel, call.params["message_id"])
    _check_open(channel)
    emoji = unquote(call.params["emoji_name"])
    if (
        emoji not in message.reactions
        and not call.world.permissions(channel, call.world.bot) & Permission.ADD_REACTIONS
    ):
        raise missing_permissions()
    put_reaction(call.world, message, call.world.bot, emoji)
    return None


def unreact(call: Call) -> Answer:
    """Take the bot's emoji off a message."""
    channel = call.channel()
    message = call.world.message_at(channel, call.params["message_id"])
    _check_open(channel)
    take_reaction(call.world, message, call.world.bot, unquote(call.params["emoji_name"]))
    return None


def typing(call: Call) -> Answer:
    """Show that the bot types."""
    check_may_send(call, call.channel())
    return None


def check_may_send(call: Call, channel: Channel) -> None:
    """Return if the bot may post in *channel*.

    Raises:
        Refusal: 50007 for somebody who takes no messages; 50013, also for files without ATTACH_FILES; 160005 for a
            locked thread.
    """
    world = call.world
    if channel.kind is Kind.DM:
        if not all(_reaches(world, one) for one in channel.recipients):
            raise Refusal(403, 50007, "Cannot send messages to this user")
        return
    granted = world.permissions(channel, world.bot)
    need = Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS
    if not granted & need or (call.uploads and not granted & Permission.ATTACH_FILES):
        raise missing_permissions()
    if channel.thread is not None and channel.thread.is_locked and not granted & Permission.MANAGE_THREADS:
        raise Refusal(403, 160005, "Thread is locked")


def put_reaction(world: World, message: Message, user: User, emoji: str) -> None:
    """Note a reaction and tell of it."""
    users = message.reactions.setdefault(emoji, [])
    if user.id not in users:
        users.append(user.id)
        _tell_of_reaction(world, "MESSAGE_REACTION_ADD", message, user, emoji)


def take_reaction(world: World, message: Message, user: User, emoji: str) -> None:
    """Forget a reaction and tell of it."""
    users = message.reactions.get(emoji, [])
    if user.id in users:
        users.remove(user.id)
        _tell_of_reaction(world, "MESSAGE_REACTION_REMOVE", message, user, emoji)
    if not users:
        message.reactions.pop(emoji, None)


def _tell_of_reaction(world: World, event: str, message: Message, user: User, emoji: str) -> None:
    channel = world.channels[message.channel_id]
    name, _, emoji_id = emoji.partition(":")
    data: Json = {"user_id": user.id, "channel_id": channel.id, "message_id": message.id, "burst": False, "type": 0}
    data |= {"emoji": {"id": emoji_id or None, "name": name}, "message_author_id": message.author.id}
    if channel.guild_id:
        data["guild_id"] = channel.guild_id
    world.announce(event, data, channel=channel)


def _reaches(world: World, user: User) -> bool:
    """Return whether the bot may write to *user*: they share a server, and it is not refused."""
    together = any(guild.has_app and user.id in guild.members for guild in world.guilds.values())
    return together and user.accepts_direct and not user.is_bot


def _with_nonce(world: World, channel: Channel, nonce: str | int | None) -> Message | None:
    for message in reversed(world.messages.values()):
        if message.nonce is not None and message.nonce == nonce and message.channel_id == channel.id:
            is_recent = (world.now() - message.at).total_seconds() <= NONCE_SECONDS
            return message if is_recent and message.author is world.bot else None
    return None


def _reference(world: World, channel: Channel, reference: Json | None) -> str:
    """Return the id of the message that is answered, empty for none."""
    if not reference:
        return ""
    answered = world.messages.get(str(reference["message_id"]))
    if answered is None or answered.is_deleted or answered.is_ephemeral or answered.channel_id != channel.id:
        if reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return ""
    return answered.id


def _check_open(channel: Channel) -> None:
    if channel.thread is not None and channel.thread.is_archived:
        raise Refusal(400, 50083, "Thread is archived")


def _check_age(world: World, message: Message) -> None:
    """Return if a message may still be edited: an old one a few times only."""
    edits = [one for one in message.editions if (one.until - message.at).total_seconds() > OLD_AFTER_SECONDS]
    if (world.now() - message.at).total_seconds() > OLD_AFTER_SECONDS and len(edits) >= OLD_EDITS:
        text = "Maximum number of edits to messages older than 1 hour reached. Try again later."
        raise Refusal(429, 30046, text, retry_after=60.0, is_global=False)


ROUTES: dict[str, Handler] = {
    "POST /channels/{channel_id}/messages": create,
    "GET /channels/{channel_id}/messages": listing,
    "GET /channels/{channel_id}/messages/{message_id}": get,
    "PATCH /channels/{channel_id}/messages/{message_id}": edit,
    "DELETE /channels/{channel_id}/messages/{message_id}": delete,
    "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": react,
    "DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me": unreact,
    "POST /channels/{channel_id}/typing": typing,
}
