"""The state of the local Discord and what can be looked up in it."""

import base64
import hashlib
import hmac
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from core.clock import Clock
from tests.fakes.discord.limits import LINK_HOURS
from tests.fakes.discord.model import (
    Attachment,
    Channel,
    Guild,
    Json,
    Kind,
    Member,
    Message,
    Ping,
    Refusal,
    Role,
    ThreadState,
    User,
)
from tests.fakes.discord.permissions import EVERYONE, Permission, in_channel, sees

EPOCH_MILLISECONDS = 1_420_070_400_000
_FIRST_GUILD = datetime(2020, 1, 1, tzinfo=UTC)
_LINK_SECRET = b"local discord"
DEFAULT_APP_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)


class Announce(Protocol):
    """Tells the app's connections of an event."""

    def __call__(self, name: str, data: Json, *, channel: Channel | None = None, guild: Guild | None = None) -> None:
        """Send *data* to every session that asked for it."""


def _nobody(name: str, data: Json, *, channel: Channel | None = None, guild: Guild | None = None) -> None:
    return


@dataclass
class World:
    """Everything that this Discord knows.

    Attributes:
        announce: Told of every event that an app might have asked for.
        commands: The app's commands by scope: ``global`` or the id of a guild.
        pings: Everybody who was called, in order.
        message_content: Whether the app may ask for the content of messages (developer portal).
        members_intent: Whether it may ask for members.
        presence_intent: Whether it may ask who is online.
        command_creates: When commands were made, by scope.
    """

    clock: Clock
    announce: Announce = _nobody
    base: str = ""
    gateway_url: str = ""
    users: dict[str, User] = field(default_factory=dict)
    guilds: dict[str, Guild] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)
    commands: dict[str, list[Json]] = field(default_factory=dict)
    pings: list[Ping] = field(default_factory=list)
    message_content: bool = True
    members_intent: bool = False
    presence_intent: bool = False
    command_creates: dict[str, list[float]] = field(default_factory=dict)
    _last_id: int = 0
    _by_guild: dict[str, list[Channel]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bot = User(self.next_id(), "atelier", is_bot=True)
        self.users[self.bot.id] = self.bot
        self.owner = self.add_user("owner")
        start = base64.urlsafe_b64encode(self.bot.id.encode()).decode().rstrip("=")
        self.token = f"{start}.Glocal.{'x' * 27}"

    @property
    def app_id(self) -> str:
        """The app's id, which is its bot's."""
        return self.bot.id

    def now(self) -> datetime:
        """Return the time here."""
        return self.clock.now()

    def next_id(self) -> str:
        """Return a snowflake that is later than every one before."""
        milliseconds = int(self.now().timestamp() * 1000) - EPOCH_MILLISECONDS
        self._last_id = max(milliseconds << 22, self._last_id + 1)
        return str(self._last_id)

    def add_user(self, name: str) -> User:
        """Let somebody join Discord."""
        user = User(self.next_id(), name)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, owner: User | None = None) -> Guild:
        """Found a server, without the app; each spreads to another shard than the one before."""
        founded = _FIRST_GUILD + timedelta(milliseconds=len(self.guilds))
        snowflake = (int(founded.timestamp() * 1000) - EPOCH_MILLISECONDS) << 22
        guild = Guild(str(snowflake), name, (owner or self.owner).id)
        guild.roles[guild.id] = Role(guild.id, guild.id, "@everyone", int(EVERYONE), position=0)
        self.guilds[guild.id] = guild
        self.join(guild, owner or self.owner)
        return guild

    def add_role(self, guild: Guild, name: str, permissions: int = 0, *, is_mentionable: bool = False) -> Role:
        """Make a role."""
        role = Role(self.next_id(), guild.id, name, int(permissions), len(guild.roles), is_mentionable)
        guild.roles[role.id] = role
        return role

    def join(self, guild: Guild, user: User, *roles: Role) -> Member:
        """Let *user* into *guild*."""
        member = Member(user, self.now(), [role.id for role in roles])
        guild.members[user.id] = member
        return member

    def add_channel(self, guild: Guild, name: str) -> Channel:
        """Open a text channel."""
        channel = Channel(self.next_id(), Kind.TEXT, guild.id, name, position=len(self.channels_of(guild)))
        self.keep(channel)
        return channel

    def keep(self, channel: Channel) -> None:
        """Let a channel be there."""
        self.channels[channel.id] = channel
        if channel.guild_id:
            self._by_guild.setdefault(channel.guild_id, []).append(channel)

    def install(self, guild: Guild, permissions: int = DEFAULT_APP_PERMISSIONS) -> None:
        """Let the app into *guild*, with a role of its own."""
        role = self.add_role(guild, self.bot.name, permissions)
        role.is_managed = True
        self.join(guild, self.bot, role)
        guild.has_app = True

    def direct(self, user: User) -> Channel:
        """Return the bot's direct conversation with *user*, opening it when there is none."""
        for channel in self.channels.values():
            if channel.kind is Kind.DM and channel.recipients == [user]:
                return channel
        channel = Channel(self.next_id(), Kind.DM, recipients=[user])
        self.keep(channel)
        return channel

    def add_thread(self, parent: Channel, name: str, owner: User, kind: Kind, thread_id: str = "") -> Channel:
        """Open a thread, with its owner in it."""
        now = self.now()
        state = ThreadState(owner.id, now, now, members={owner.id: now})
        thread = Channel(thread_id or self.next_id(), kind, parent.guild_id, name, parent.id, thread=state)
        self.keep(thread)
        return thread

    def add_attachment(
        self, channel_id: str, name: str, content: bytes, content_type: str = "", *, is_ephemeral: bool = False
    ) -> Attachment:
        """Keep a file."""
        guessed = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        attachment = Attachment(self.next_id(), name, content, guessed, channel_id, is_ephemeral=is_ephemeral)
        self.attachments[attachment.id] = attachment
        return attachment

    def channels_of(self, guild: Guild, *, threads: bool = False) -> list[Channel]:
        """Return the channels of *guild*, or its threads."""
        mine = [one for one in self._by_guild.get(guild.id, ()) if not one.is_deleted]
        return [one for one in mine if (one.thread is not None) is threads]

    def guild_of(self, channel: Channel) -> Guild | None:
        """Return the server of *channel*, None for a direct conversation."""
        return self.guilds[channel.guild_id] if channel.guild_id else None

    def permissions(self, channel: Channel, user: User) -> Permission:
        """Return what *user* may do in *channel*."""
        return in_channel(self.guild_of(channel), channel, user.id, self.channels.get(channel.parent_id))

    def sees(self, channel: Channel, user: User) -> bool:
        """Return whether *user* sees *channel*."""
        if channel.kind is Kind.DM:
            return user in channel.recipients or user is self.bot
        return not channel.is_deleted and sees(channel, self.permissions(channel, user), user.id)

    def messages_in(self, channel: Channel) -> list[Message]:
        """Return the messages of *channel* that everybody there sees, oldest first."""
        return [one for one in self.messages.values() if one.channel_id == channel.id and not hidden(one)]

    def message_at(self, channel: Channel, message_id: str) -> Message:
        """Return a message of *channel*.

        Raises:
            Refusal: 10008 when there is none, or one that a single person sees.
        """
        message = self.messages.get(message_id)
        if message is None or message.channel_id != channel.id or hidden(message):
            raise Refusal(404, 10008, "Unknown Message")
        return message

    def link(self, attachment: Attachment) -> str:
        """Return the address of a file, signed for a day."""
        folder = "ephemeral-attachments" if attachment.is_ephemeral else "attachments"
        expires = int((self.now() + timedelta(hours=LINK_HOURS)).timestamp())
        path = f"/{folder}/{attachment.channel_id}/{attachment.id}/{quote(attachment.name)}"
        issued = int(self.now().timestamp())
        return f"{self.base}{path}?ex={expires:x}&is={issued:x}&hm={sign(attachment.id, expires)}"


def sign(attachment_id: str, expires: int) -> str:
    """Return the signature of a link."""
    return hmac.new(_LINK_SECRET, f"{attachment_id}.{expires:x}".encode(), hashlib.sha256).hexdigest()


def hidden(message: Message) -> bool:
    """Return whether a message is deleted or one person's alone."""
    return message.is_deleted or message.is_ephemeral


def by_id(messages: Sequence[Message]) -> list[Message]:
    """Return *messages*, newest first, as Discord lists them."""
    return sorted(messages, key=lambda one: int(one.id), reverse=True)
