"""What people do in Discord: say, edit, react, open and archive threads, invite and remove the app."""

from collections.abc import Sequence

from tests.fakes.discord import channel_routes, guild_routes
from tests.fakes.discord.message_routes import put_reaction, take_reaction
from tests.fakes.discord.model import (
    Attachment,
    Channel,
    Flags,
    Guild,
    Json,
    Kind,
    Message,
    Overwrite,
    Role,
    Upload,
    User,
)
from tests.fakes.discord.payloads import of_channel, of_member, of_message_event, of_role, of_user, stamp
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.posting import Draft, change, post, remove
from tests.fakes.discord.seeing import Seeing
from tests.fakes.discord.world import DEFAULT_APP_PERMISSIONS

Attached = tuple[str, bytes]
_REPLY = 19


class NotShown(Exception):
    """A person cannot do this: Discord does not show it to them."""


class People(Seeing):
    """The hands of a test. What they cause is sent at once; `until` waits for what the app makes of it."""

    def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        files: Sequence[Attached] = (),
        *,
        reply_to: Message | None = None,
        pings_back: bool = True,
    ) -> Message:
        """Post as *user*; a reply calls the author it answers unless *pings_back* is False.

        Raises:
            NotShown: If *user* may not write there.
        """
        self._must_write(user, channel)
        body: Json = {"content": text}
        if not pings_back:
            body["allowed_mentions"] = {"parse": ["users", "roles", "everyone"], "replied_user": False}
        uploads = [Upload(str(number), name, content, "") for number, (name, content) in enumerate(files)]
        answered = reply_to.id if reply_to else ""
        draft = Draft(channel, user, body, uploads, _REPLY if answered else 0, reference_id=answered)
        if channel.kind is Kind.DM:
            self._open_direct(channel)
        return post(self.world, draft)

    def edit(self, message: Message, text: str) -> None:
        """Change what a person wrote."""
        change(self.world, message, {"content": text})

    def delete(self, message: Message) -> None:
        """Take a message away, whoever wrote it."""
        remove(self.world, message)

    def react(self, user: User, message: Message, emoji: str) -> None:
        """Put an emoji on a message."""
        put_reaction(self.world, message, user, emoji)

    def unreact(self, user: User, message: Message, emoji: str) -> None:
        """Take an emoji off a message."""
        take_reaction(self.world, message, user, emoji)

    def type(self, user: User, channel: Channel) -> None:
        """Be seen typing."""
        event: Json = {"channel_id": channel.id, "user_id": user.id, "timestamp": int(self.world.now().timestamp())}
        if (guild := self.world.guild_of(channel)) is not None:
            event |= {"guild_id": guild.id, "member": of_member(guild.members[user.id])}
        self.world.announce("TYPING_START", event, channel=channel)

    def direct(self, user: User) -> Channel:
        """Return the direct conversation of *user* with the bot."""
        return self.world.direct(user)

    def start_thread(self, user: User, channel: Channel, name: str, *, message: Message | None = None) -> Channel:
        """Open a thread as a person."""
        thread = self.world.add_thread(channel, name, user, Kind.PUBLIC_THREAD, message.id if message else "")
        if message is not None:
            message.thread_id = thread.id
            message.flags |= Flags.HAS_THREAD
        self.world.announce("THREAD_CREATE", of_channel(self.world, thread) | {"newly_created": True}, channel=thread)
        return thread

    def archive(self, thread: Channel, *, locked: bool = False) -> None:
        """Archive a thread, as people or time do."""
        channel_routes.apply_to_thread(self.world, thread, {"archived": True, "locked": locked})

    def unarchive(self, thread: Channel) -> None:
        """Open a thread again."""
        channel_routes.apply_to_thread(self.world, thread, {"archived": False, "locked": False})

    def join_thread(self, user: User, thread: Channel) -> None:
        """Let somebody into a thread."""
        assert thread.thread is not None
        thread.thread.members.setdefault(user.id, self.world.now())
        if user is self.world.bot:
            self.world.announce("THREAD_CREATE", of_channel(self.world, thread), channel=thread)

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or a thread."""
        channel_routes.remove_channel(self.world, channel)

    def add_channel(self, guild: Guild, name: str) -> Channel:
        """Open a channel while the app listens."""
        channel = self.world.add_channel(guild, name)
        self.world.announce("CHANNEL_CREATE", of_channel(self.world, channel), channel=channel)
        return channel

    def allow(self, channel: Channel, who: User | Role, *permissions: Permission) -> None:
        """Let somebody do something in a channel."""
        overwrite = channel.overwrites.setdefault(who.id, Overwrite())
        for one in permissions:
            overwrite.allow |= one
            overwrite.deny &= ~one
        self.world.announce("CHANNEL_UPDATE", of_channel(self.world, channel), channel=channel)

    def deny(self, channel: Channel, who: User | Role, *permissions: Permission) -> None:
        """Forbid somebody something in a channel; ``world.bot`` for the app."""
        overwrite = channel.overwrites.setdefault(who.id, Overwrite())
        for one in permissions:
            overwrite.deny |= one
            overwrite.allow &= ~one
        self.world.announce("CHANNEL_UPDATE", of_channel(self.world, channel), channel=channel)

    def grant(self, guild: Guild, user: User, permissions: int) -> Role:
        """Give somebody a new role with *permissions*."""
        role = self.world.add_role(guild, f"role of {user.name}", permissions)
        guild.members[user.id].roles.append(role.id)
        self.world.announce("GUILD_ROLE_CREATE", {"guild_id": guild.id, "role": of_role(role)}, guild=guild)
        event = of_member(guild.members[user.id]) | {"guild_id": guild.id}
        self.world.announce("GUILD_MEMBER_UPDATE", event, guild=guild)
        return role

    def join(self, user: User, guild: Guild) -> None:
        """Come into a server."""
        member = self.world.join(guild, user)
        self.world.announce("GUILD_MEMBER_ADD", of_member(member) | {"guild_id": guild.id}, guild=guild)

    def leave(self, user: User, guild: Guild) -> None:
        """Go out of a server."""
        del guild.members[user.id]
        self.world.announce("GUILD_MEMBER_REMOVE", {"guild_id": guild.id, "user": of_user(user)}, guild=guild)

    def invite_app(self, guild: Guild, permissions: int = DEFAULT_APP_PERMISSIONS) -> None:
        """Let the app into a server while it listens."""
        self.world.install(guild, permissions)
        self.gateway.sessions.announce_guild(guild, is_new=True)

    def remove_app(self, guild: Guild) -> None:
        """Throw the app out of a server; it is told."""
        guild_routes.remove_app(self.world, guild.id)

    def begin_outage(self, guild: Guild) -> None:
        """Let a server be away: GUILD_DELETE with ``unavailable``; the app stays installed."""
        self.world.announce("GUILD_DELETE", {"id": guild.id, "unavailable": True}, guild=guild)
        guild.is_available = False

    def end_outage(self, guild: Guild) -> None:
        """Let a server be there again."""
        guild.is_available = True
        self.gateway.sessions.announce_guild(guild, is_new=False)

    def lose(self, attachment: Attachment) -> None:
        """Let a file be gone: its link answers 404."""
        attachment.is_gone = True

    def announce_again(self, message: Message) -> None:
        """Deliver a message's event once more."""
        channel = self.world.channels[message.channel_id]
        self.world.announce("MESSAGE_CREATE", of_message_event(self.world, message), channel=channel)

    def pin(self, channel: Channel) -> None:
        """Let the pins of a channel change: an event that has nothing to do with anything."""
        event: Json = {"channel_id": channel.id, "last_pin_timestamp": stamp(self.world.now())}
        if channel.guild_id:
            event["guild_id"] = channel.guild_id
        self.world.announce("CHANNEL_PINS_UPDATE", event, channel=channel)

    def _must_write(self, user: User, channel: Channel) -> None:
        if not self.world.sees(channel, user):
            raise NotShown(f"{user.name} does not see {channel.name}")
        granted = self.world.permissions(channel, user)
        need = Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS
        if not granted & need:
            raise NotShown(f"{user.name} may not write in {channel.name}")
        is_locked = channel.thread is not None and channel.thread.is_locked
        if is_locked and not granted & Permission.MANAGE_THREADS:
            raise NotShown(f"{channel.name} is locked")

    def _open_direct(self, channel: Channel) -> None:
        if not self.messages(channel):
            self.world.announce("CHANNEL_CREATE", of_channel(self.world, channel), channel=channel)
