"""Who a message calls: what its text names, and what ``allowed_mentions`` lets through (docs: Allowed Mentions)."""

import re
from collections.abc import Iterator

from tests.fakes.discord.model import Channel, Guild, Json, Message, Ping, User, invalid, walk
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.world import World

_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_EVERYONE = re.compile(r"@(everyone|here)\b")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_MOST = 100
_TYPES = {"users", "roles", "everyone"}


def check(allowed: Json | None) -> None:
    """Return if *allowed* is well formed.

    Raises:
        Refusal: 50035 when a kind is both parsed and listed, or when a list is too long.
    """
    if allowed is None:
        return
    parse = allowed.get("parse")
    if parse is not None and not set(parse) <= _TYPES:
        raise invalid(
            "allowed_mentions.parse", "BASE_TYPE_CHOICES", "Value must be one of ('users', 'roles', 'everyone')."
        )
    for kind in ("users", "roles"):
        listed = allowed.get(kind) or []
        if len(listed) > _MOST:
            raise invalid(f"allowed_mentions.{kind}", "BASE_TYPE_BAD_LENGTH", "Must be 100 or fewer in length.")
        if listed and kind in (parse or ()):
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)


def shown_text(message: Message) -> str:
    """Return the text whose mentions count: content, and the text displays of Components V2."""
    displays = [one["content"] for one in walk(message.components) if one["type"] == 10]
    return "\n".join([message.content, *displays])


def apply(world: World, message: Message, allowed: Json | None, *, is_edit: bool = False) -> None:
    """Set the mentions of *message*, and note who is called: an edit calls nobody.

    Interaction answers and bots' messages parse everything when *allowed* is missing, as Discord does.
    """
    channel = world.channels[message.channel_id]
    guild = world.guild_of(channel)
    text = _CODE.sub("", shown_text(message))
    users = [one for one in dict.fromkeys(_USER.findall(text)) if one in world.users]
    roles = [one for one in dict.fromkeys(_ROLE.findall(text)) if guild and one in guild.roles]
    message.mentions = users
    message.mention_roles = [one for one in roles if _lets(allowed, "roles", one)]
    may_call_all = bool(world.permissions(channel, message.author) & Permission.MENTION_EVERYONE)
    message.mentions_everyone = bool(_EVERYONE.search(text)) and _lets(allowed, "everyone") and may_call_all
    called = [Ping(one, message, "user") for one in users if _lets(allowed, "users", one)]
    if guild is not None:
        for role_id in message.mention_roles:
            if guild.roles[role_id].is_mentionable or may_call_all:
                called += [Ping(one, message, "role") for one in _holders(guild, role_id)]
    if message.mentions_everyone and guild is not None:
        called += [Ping(one, message, "everyone") for one in guild.members]
    called += _replied(world, message, allowed)
    if is_edit:
        called = [Ping(one.user_id, message, "edit") for one in called if one.user_id not in message.pinged]
    told = set(_readers(world, channel))
    for ping in called:
        if ping.user_id != message.author.id and ping.user_id in told:
            world.pings.append(ping)
            if not is_edit:
                message.pinged.add(ping.user_id)


def _replied(world: World, message: Message, allowed: Json | None) -> Iterator[Ping]:
    answered = world.messages.get(message.reference_id)
    if answered is None or answered.author.id in message.mentions:
        return
    if allowed is None or allowed.get("replied_user", False):
        message.mentions = [*message.mentions, answered.author.id]
        yield Ping(answered.author.id, message, "reply")


def _lets(allowed: Json | None, kind: str, one: str = "") -> bool:
    if allowed is None:
        return True
    listed = {str(item) for item in allowed.get(kind) or ()} if kind != "everyone" else set()
    return kind in (allowed.get("parse") or ()) or one in listed


def _holders(guild: Guild, role_id: str) -> list[str]:
    return [one.user.id for one in guild.members.values() if role_id in one.roles]


def _readers(world: World, channel: Channel) -> Iterator[str]:
    """Yield who can see the message at all: mentions of others call nobody, but a private thread's are drawn in."""
    people: list[User] = list(world.users.values())
    for user in people:
        if channel.thread is not None:
            parent = world.channels[channel.parent_id]
            if world.sees(parent, user):
                yield user.id
        elif world.sees(channel, user):
            yield user.id
