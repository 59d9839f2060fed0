"""Channels, threads and direct conversations over the API."""

from tests.fakes.discord.calls import Answer, Call, Handler, Reply
from tests.fakes.discord.limits import ACTIVE_THREADS, ARCHIVE_MINUTES, THREAD_NAME_CHARACTERS
from tests.fakes.discord.model import Channel, Flags, Json, Kind, Message, Refusal, User, invalid
from tests.fakes.discord.payloads import of_channel, of_message_event, of_thread_member
from tests.fakes.discord.permissions import Permission, missing_permissions
from tests.fakes.discord.world import World

_THREAD_CREATED = 18


def get(call: Call) -> Answer:
    """Return a channel."""
    return of_channel(call.world, call.channel())


def edit(call: Call) -> Answer:
    """Change a thread or a channel."""
    channel, body = call.channel(), call.fields
    granted = call.world.permissions(channel, call.world.bot)
    if channel.thread is None:
        if not granted & Permission.MANAGE_CHANNELS:
            raise missing_permissions()
        channel.name = str(body.get("name", channel.name))
        call.world.announce("CHANNEL_UPDATE", of_channel(call.world, channel), channel=channel)
        return of_channel(call.world, channel)
    _check_thread_edit(call, channel, granted)
    apply_to_thread(call.world, channel, body)
    return of_channel(call.world, channel)


def delete(call: Call) -> Answer:
    """Delete a thread or a channel."""
    channel = call.channel(Permission.MANAGE_THREADS)
    shown = of_channel(call.world, channel)
    remove_channel(call.world, channel)
    return shown


def start_from_message(call: Call) -> Answer:
    """Open a thread on a message; it has the message's id."""
    parent = call.channel(Permission.READ_MESSAGE_HISTORY)
    message = call.world.message_at(parent, call.params["message_id"])
    if message.thread_id:
        raise Refusal(400, 160004, "A thread has already been created for this message")
    thread = _start(call, parent, Kind.PUBLIC_THREAD, message.id)
    message.thread_id = thread.id
    message.flags |= Flags.HAS_THREAD
    call.world.announce("MESSAGE_UPDATE", of_message_event(call.world, message), channel=parent)
    return Reply(201, of_channel(call.world, thread))


def start(call: Call) -> Answer:
    """Open a thread on its own; private unless another type is asked for."""
    parent = call.channel()
    kind = int(call.fields.get("type") or Kind.PRIVATE_THREAD)
    if kind not in {Kind.PUBLIC_THREAD, Kind.PRIVATE_THREAD}:
        raise invalid("type", "BASE_TYPE_CHOICES", "Value must be one of {10, 11, 12}.")
    thread = _start(call, parent, Kind(kind))
    if kind == Kind.PUBLIC_THREAD:
        world = call.world
        notice = Message(world.next_id(), parent.id, world.bot, world.now(), _THREAD_CREATED, content=thread.name)
        world.messages[notice.id] = notice
        world.announce("MESSAGE_CREATE", of_message_event(world, notice), channel=parent)
    return Reply(201, of_channel(call.world, thread))


def join(call: Call) -> Answer:
    """Let the bot, or somebody whom it adds, into a thread."""
    thread = call.channel()
    user = _member(call)
    if thread.thread is None:
        raise Refusal(400, 50024, "Cannot execute action on this channel type")
    _check_not_archived(thread)
    thread.thread.members.setdefault(user.id, call.world.now())
    return None


def leave(call: Call) -> Answer:
    """Let the bot out of a thread, or put somebody out."""
    thread = call.channel()
    user = _member(call)
    if thread.thread is None:
        raise Refusal(400, 50024, "Cannot execute action on this channel type")
    if user is not call.world.bot:
        call.channel(Permission.MANAGE_THREADS)
    _check_not_archived(thread)
    thread.thread.members.pop(user.id, None)
    return None


def members(call: Call) -> Answer:
    """Return who is in a thread."""
    thread = call.channel()
    if thread.thread is None:
        raise Refusal(400, 50024, "Cannot execute action on this channel type")
    return [of_thread_member(thread, one) for one in thread.thread.members]


def archived(call: Call) -> Answer:
    """Return the archived threads of a channel: the public ones, or all private ones, or those that the bot is in."""
    parent = call.channel(Permission.READ_MESSAGE_HISTORY)
    kind = Kind.PUBLIC_THREAD if call.route.endswith("/public") else Kind.PRIVATE_THREAD
    is_mine = "/@me/" in call.route
    if kind is Kind.PRIVATE_THREAD and not is_mine:
        call.channel(Permission.MANAGE_THREADS)
    found = [
        one
        for one in call.world.channels.values()
        if one.parent_id == parent.id and one.kind is kind and one.thread is not None and one.thread.is_archived
        if not one.is_deleted and (not is_mine or call.world.bot.id in one.thread.members)
    ]
    mine = [of_thread_member(one, call.world.bot.id) for one in found if call.world.bot.id in one.thread.members]  # type: ignore[union-attr]
    return {"threads": [of_channel(call.world, one) for one in found], "members": mine, "has_more": False}


def active(call: Call) -> Answer:
    """Return the open threads of a server that the bot sees."""
    guild, world = call.guild(), call.world
    found = [
        one
        for one in world.channels_of(guild, threads=True)
        if one.thread is not None and not one.thread.is_archived and world.sees(one, world.bot)
    ]
    mine = [of_thread_member(one, world.bot.id) for one in found if one.thread and world.bot.id in one.thread.members]
    return {"threads": [of_channel(world, one) for one in found], "members": mine, "has_more": False}


def open_direct(call: Call) -> Answer:
    """Open a direct conversation."""
    user = call.world.users.get(str(call.fields.get("recipient_id")))
    if user is None:
        raise Refusal(404, 10013, "Unknown User")
    if user.is_bot:
        raise Refusal(400, 50007, "Cannot send messages to this user")
    return of_channel(call.world, call.world.direct(user))


def remove_channel(world: World, channel: Channel) -> None:
    """Delete a channel with its threads and messages, and tell of it."""
    for thread in [one for one in world.channels.values() if one.parent_id == channel.id and not one.is_deleted]:
        remove_channel(world, thread)
    if channel.thread is None:
        world.announce("CHANNEL_DELETE", of_channel(world, channel), channel=channel)
    else:
        event: Json = {"id": channel.id, "guild_id": channel.guild_id, "parent_id": channel.parent_id}
        world.announce("THREAD_DELETE", event | {"type": int(channel.kind)}, channel=channel)
    channel.is_deleted = True
    for message in world.messages.values():
        if message.channel_id == channel.id:
            message.is_deleted = True


def apply_to_thread(world: World, thread: Channel, body: Json) -> None:
    """Change a thread and tell of it.

    Raises:
        Refusal: 50035 for a duration or a name that Discord does not know.
    """
    state = thread.thread
    assert state is not None
    if "name" in body:
        thread.name = _name(body)
    if "auto_archive_duration" in body:
        state.auto_archive_minutes = _minutes(body)
    if "locked" in body:
        state.is_locked = bool(body["locked"])
    if "invitable" in body:
        state.is_invitable = bool(body["invitable"])
    if "archived" in body:
        state.is_archived = bool(body["archived"])
        state.changed_at = world.now()
    world.announce("THREAD_UPDATE", of_channel(world, thread), channel=thread)


def _start(call: Call, parent: Channel, kind: Kind, thread_id: str = "") -> Channel:
    world, body = call.world, call.fields
    if parent.kind is not Kind.TEXT:
        raise Refusal(400, 50024, "Cannot execute action on this channel type")
    is_private = kind is Kind.PRIVATE_THREAD
    need = Permission.CREATE_PRIVATE_THREADS if is_private else Permission.CREATE_PUBLIC_THREADS
    if not world.permissions(parent, world.bot) & need:
        raise missing_permissions()
    name, minutes = _name(body), _minutes(body)
    guild = world.guilds[parent.guild_id]
    running = [one for one in world.channels_of(guild, threads=True) if one.thread and not one.thread.is_archived]
    if len(running) >= ACTIVE_THREADS:
        raise Refusal(400, 160006, "Maximum number of active threads reached")
    thread = world.add_thread(parent, name, world.bot, kind, thread_id)
    assert thread.thread is not None
    thread.thread.auto_archive_minutes = minutes
    thread.thread.is_invitable = bool(body.get("invitable", True))
    world.announce("THREAD_CREATE", of_channel(world, thread) | {"newly_created": True}, channel=thread)
    return thread


def _name(body: Json) -> str:
    name = str(body.get("name") or "").strip()
    if not 1 <= len(name) <= THREAD_NAME_CHARACTERS:
        raise invalid("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {THREAD_NAME_CHARACTERS} in length.")
    return name


def _minutes(body: Json) -> int:
    minutes = int(body.get("auto_archive_duration") or 1440)
    if minutes not in ARCHIVE_MINUTES:
        text = "Value must be one of (60, 1440, 4320, 10080)."
        raise invalid("auto_archive_duration", "BASE_TYPE_CHOICES", text)
    return minutes


def _check_thread_edit(call: Call, thread: Channel, granted: Permission) -> None:
    """Return if the bot may change a thread: its own, or with MANAGE_THREADS; anybody may open an archived one."""
    state, body = thread.thread, call.fields
    assert state is not None
    if granted & Permission.MANAGE_THREADS:
        return
    opens = set(body) == {"archived"} and body["archived"] is False
    if opens and not state.is_locked and granted & Permission.SEND_MESSAGES_IN_THREADS:
        return
    if state.owner_id != call.world.bot.id or "locked" in body or state.is_locked:
        raise missing_permissions()
    if state.is_archived and body.get("archived") is not False:
        raise Refusal(400, 50083, "Thread is archived")


def _check_not_archived(thread: Channel) -> None:
    if thread.thread is not None and thread.thread.is_archived:
        raise Refusal(400, 50083, "Thread is archived")


def _member(call: Call) -> User:
    user = call.world.users.get(call.params.get("user_id", call.world.bot.id))
    if user is None:
        raise Refusal(404, 10013, "Unknown User")
    return user


ROUTES: dict[str, Handler] = {
    "GET /channels/{channel_id}": get,
    "PATCH /channels/{channel_id}": edit,
    "DELETE /channels/{channel_id}": delete,
    "POST /channels/{channel_id}/messages/{message_id}/threads": start_from_message,
    "POST /channels/{channel_id}/threads": start,
    "PUT /channels/{channel_id}/thread-members/@me": join,
    "DELETE /channels/{channel_id}/thread-members/@me": leave,
    "PUT /channels/{channel_id}/thread-members/{user_id}": join,
    "DELETE /channels/{channel_id}/thread-members/{user_id}": leave,
    "GET /channels/{channel_id}/thread-members": members,
    "GET /channels/{channel_id}/threads/archived/public": archived,
    "GET /channels/{channel_id}/threads/archived/private": archived,
    "GET /channels/{channel_id}/users/@me/threads/archived/private": archived,
    "GET /guilds/{guild_id}/threads/active": active,
    "POST /users/@me/channels": open_direct,
}
