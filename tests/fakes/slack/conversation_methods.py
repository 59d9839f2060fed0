"""conversations.* and reactions.*: where things stand, and reading them back."""

import base64
from collections.abc import Sequence

from tests.fakes.slack import limits
from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.model import Channel, Json, Kind, Message, Refusal
from tests.fakes.slack.payloads import of_channel, of_message


@answers("conversations.info")
def info(ask: Ask) -> Json:
    """Return a channel."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    return {"channel": of_channel(channel, ask.grant, full=ask.flag("include_num_members"))}


@answers("conversations.list")
def list_channels(ask: Ask) -> Json:
    """Return the channels of a workspace that the bot can see."""
    team_id = ask.grant.team_id or ask.need("team_id")
    kinds = {"public_channel": Kind.PUBLIC, "private_channel": Kind.PRIVATE, "im": Kind.DIRECT, "mpim": Kind.GROUP}
    wanted = {kinds[name.strip()] for name in (ask.text("types") or "public_channel").split(",")}
    seen = [
        channel
        for channel in ask.world.channels.values()
        if team_id in {channel.team_id, *channel.shared_with}
        and channel.kind in wanted
        and (channel.kind is Kind.PUBLIC or ask.grant.user_id in channel.members)
    ]
    return {"channels": [of_channel(one, ask.grant) for one in seen], "response_metadata": {"next_cursor": ""}}


@answers("conversations.members")
def members(ask: Ask) -> Json:
    """Return who is in a channel."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    return {"members": sorted(channel.members), "response_metadata": {"next_cursor": ""}}


@answers("conversations.open")
def open_direct(ask: Ask) -> Json:
    """Return the direct messages with somebody."""
    users = [one for one in ask.text("users").split(",") if one]
    if not users and ask.text("channel"):
        return {"channel": {"id": ask.world.channel_for(ask.grant, ask.text("channel")).id}}
    if len(users) != 1:
        raise Refusal("not_enough_users" if not users else "too_many_users")
    person = ask.world.person_for(ask.grant, users[0])
    if person.is_bot:
        raise Refusal("cannot_dm_bot")
    channel = ask.world.direct(ask.grant, person)
    return {"channel": {"id": channel.id} | (of_channel(channel, ask.grant) if ask.flag("return_im") else {})}


@answers("conversations.join")
def join(ask: Ask) -> Json:
    """Let the bot into a public channel."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    if channel.is_archived:
        raise Refusal("is_archived")
    if channel.kind is not Kind.PUBLIC:
        raise Refusal("method_not_supported_for_channel_type")
    channel.members.add(ask.grant.user_id)
    return {"channel": of_channel(channel, ask.grant)}


@answers("conversations.history")
def history(ask: Ask) -> Json:
    """Return a channel's own messages, newest first."""
    channel = _readable(ask)
    found = [
        one
        for one in ask.world.messages
        if one.channel == channel.id
        and not (one.is_deleted or one.seen_by)
        and (not one.is_reply or one.is_broadcast)
        and _within(ask, one)
    ]
    return _page(ask, found[::-1], limits.HISTORY_DEFAULT)


@answers("conversations.replies")
def replies(ask: Ask) -> Json:
    """Return a thread, its first message first on every page, the rest oldest first."""
    channel = _readable(ask)
    message = ask.world.message_at(channel.id, ask.need("ts"))
    if message is None:
        raise Refusal("thread_not_found")
    thread = ask.world.thread(channel.id, message.thread_ts or message.ts)
    parent, rest = thread[:1], thread[1:]
    page = _page(ask, [one for one in rest if _within(ask, one)], limits.REPLIES_DEFAULT)
    page["messages"] = [_shown(ask, one) for one in parent] + page["messages"]
    return page


@answers("reactions.add")
def add_reaction(ask: Ask) -> Json:
    """Put an emoji on a message."""
    message, name = _reacted(ask)
    if ask.grant.user_id in message.reactions.get(name, []):
        raise Refusal("already_reacted")
    message.reactions.setdefault(name, []).append(ask.grant.user_id)
    return {}


@answers("reactions.remove")
def remove_reaction(ask: Ask) -> Json:
    """Take an emoji away."""
    message, name = _reacted(ask)
    if ask.grant.user_id not in message.reactions.get(name, []):
        raise Refusal("no_reaction")
    message.reactions[name].remove(ask.grant.user_id)
    return {}


@answers("reactions.get")
def get_reactions(ask: Ask) -> Json:
    """Return a message with its emoji."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    message = ask.world.message_at(channel.id, ask.need("timestamp"))
    if message is None:
        raise Refusal("message_not_found")
    return {"type": "message", "channel": channel.id, "message": of_message(ask.world, message)}


def _reacted(ask: Ask) -> tuple[Message, str]:
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    message = ask.world.message_at(channel.id, ask.need("timestamp"))
    name = ask.need("name")
    if message is None:
        raise Refusal("message_not_found")
    if channel.is_archived:
        raise Refusal("is_archived")
    if ask.grant.user_id not in channel.members:
        raise Refusal("not_in_channel")
    if not name.replace("_", "").replace("-", "").replace("+", "").isalnum() or name != name.lower():
        raise Refusal("invalid_name")
    return message, name


def _readable(ask: Ask) -> Channel:
    channel = ask.world.channel_for(ask.grant, ask.need("channel"))
    if ask.grant.user_id not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _within(ask: Ask, message: Message) -> bool:
    oldest, latest, inclusive = ask.text("oldest"), ask.text("latest"), ask.flag("inclusive")
    at = float(message.ts)
    if oldest and (at < float(oldest) or (at == float(oldest) and not inclusive)):
        return False
    return not latest or at < float(latest) or (at == float(latest) and inclusive)


def _shown(ask: Ask, message: Message) -> Json:
    return of_message(ask.world, message, with_metadata=ask.flag("include_all_metadata"))


def _page(ask: Ask, found: Sequence[Message], default: int) -> Json:
    most = min(ask.number("limit", default), limits.MOST_OBJECTS + 1)
    if ask.world.limits_history:
        most = min(most, limits.HISTORY_LIMITED_OBJECTS)
    if most < 1:
        raise Refusal("invalid_limit")
    start = _offset(ask.text("cursor"))
    page = found[start : start + most]
    more = start + most < len(found)
    cursor = base64.b64encode(f"next:{start + most}".encode()).decode() if more else ""
    answer: Json = {"messages": [_shown(ask, one) for one in page], "has_more": more}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if more else {})


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("next:"))
    except ValueError:
        raise Refusal("invalid_cursor") from None
