"""Who may do what, as Discord computes it: roles, then overwrites of the channel."""

from enum import IntFlag

from tests.fakes.discord.model import Channel, Guild, Kind, Overwrite, Refusal


class Permission(IntFlag):
    """Bits of permissions (docs: Topics, Permissions)."""

    CREATE_INSTANT_INVITE = 1 << 0
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


ALL = (1 << 53) - 1
EVERYONE = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MENTION_EVERYONE
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What @everyone has in a new server, the right to call everyone among it."""
DIRECT = EVERYONE & ~(Permission.CREATE_PUBLIC_THREADS | Permission.CREATE_PRIVATE_THREADS)


def in_guild(guild: Guild, user_id: str) -> Permission:
    """Return what a member may do where no channel changes it."""
    member = guild.members.get(user_id)
    if member is None:
        return Permission(0)
    if guild.owner_id == user_id:
        return Permission(ALL)
    granted = Permission(guild.roles[guild.id].permissions)
    for role_id in member.roles:
        granted |= guild.roles[role_id].permissions
    return Permission(ALL) if granted & Permission.ADMINISTRATOR else granted


def in_channel(guild: Guild | None, channel: Channel, user_id: str, parent: Channel | None = None) -> Permission:
    """Return what *user_id* may do in *channel*; a thread has the permissions of its *parent*."""
    if guild is None:
        return DIRECT
    granted = in_guild(guild, user_id)
    if granted == ALL or user_id not in guild.members:
        return granted
    overwrites = (parent or channel).overwrites
    granted = _changed(granted, overwrites.get(guild.id))
    together = Overwrite()
    for role_id in guild.members[user_id].roles:
        one = overwrites.get(role_id, Overwrite())
        together.allow |= one.allow
        together.deny |= one.deny
    granted = _changed(_changed(granted, together), overwrites.get(user_id))
    if not granted & Permission.VIEW_CHANNEL:
        return Permission(0)
    if channel.thread is None and not granted & Permission.SEND_MESSAGES:
        granted &= ~(Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE)
    return granted


def sees(channel: Channel, granted: Permission, user_id: str) -> bool:
    """Return whether who has *granted* sees *channel*: a private thread is its members' and the managers'."""
    if not granted & Permission.VIEW_CHANNEL:
        return False
    if channel.kind is Kind.PRIVATE_THREAD and channel.thread is not None:
        return user_id in channel.thread.members or bool(granted & Permission.MANAGE_THREADS)
    return True


def missing_access() -> Refusal:
    """Return the refusal of who may not even look."""
    return Refusal(403, 50001, "Missing Access")


def missing_permissions() -> Refusal:
    """Return the refusal of who may look, and not do this."""
    return Refusal(403, 50013, "Missing Permissions")


def _changed(granted: Permission, overwrite: Overwrite | None) -> Permission:
    if overwrite is None:
        return granted
    return (granted & ~Permission(overwrite.deny)) | Permission(overwrite.allow)
