"""What one sees in the local Discord: messages, threads, whispers, pings, files, and what the app called."""

import asyncio
from collections.abc import Callable, Collection
from typing import TypeVar

from tests.fakes.discord.api import Api
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.model import Attachment, Channel, Guild, Json, Kind, Message, Ping, User, walk
from tests.fakes.discord.world import World

T = TypeVar("T")


class Seeing:
    """The eyes of a test.

    Attributes:
        world: What there is.
        api: The log of calls.
        gateway: The sockets.
        interactions: Every command, press and form so far.
    """

    def __init__(self, world: World, api: Api, gateway: Gateway, interactions: Interactions) -> None:
        self.world = world
        self.api = api
        self.gateway = gateway
        self.interactions = interactions

    async def until(self, condition: Callable[[], T], *, seconds: float = 10.0) -> T:
        """Return what *condition* gives as soon as that is true; it is asked after every word of the app.

        Raises:
            AssertionError: If it is not within *seconds* of the machine's time; says what was seen instead.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            waiting = [asyncio.ensure_future(one.wait()) for one in (self.api.news, self.gateway.news)]
            try:
                if found := condition():
                    return found
                left = deadline - loop.time()
                if left <= 0:
                    break
                await asyncio.wait(waiting, timeout=min(left, 0.05), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()
        said = [one.text for one in self.said_by_app()]
        calls = [(call.route, call.status, call.code) for call in self.api.calls[-15:]]
        raise AssertionError(f"not within {seconds} s; the app said {said}, calling {calls}")

    async def connected(self, shards: int = 1) -> None:
        """Return once *shards* of the app listen."""
        await self.until(lambda: sum(one.line is not None for one in self.gateway.sessions.open.values()) >= shards)

    def messages(self, channel: Channel) -> list[Message]:
        """Return what everybody sees in a channel, thread or direct conversation, oldest first."""
        return self.world.messages_in(channel)

    def said_by_app(self, channel: Channel | None = None) -> list[Message]:
        """Return all messages of the app that are there, oldest first, whispers not counted."""
        return [
            one
            for one in self.world.messages.values()
            if one.author is self.world.bot and not (one.is_deleted or one.is_ephemeral)
            if channel is None or one.channel_id == channel.id
        ]

    def ephemeral(self, user: User, channel: Channel | None = None) -> list[Message]:
        """Return what *user* alone was shown, oldest first."""
        return [
            one
            for one in self.world.messages.values()
            if one.seen_by == user.id and not one.is_deleted and (channel is None or one.channel_id == channel.id)
        ]

    def threads(self, channel: Channel) -> list[Channel]:
        """Return the threads of a channel, the private and the archived among them."""
        return [one for one in self.world.channels.values() if one.parent_id == channel.id and not one.is_deleted]

    def direct_messages(self, user: User) -> list[Message]:
        """Return the bot's direct conversation with *user*; empty when there is none."""
        rooms = [one for one in self.world.channels.values() if one.kind is Kind.DM and user in one.recipients]
        return [message for room in rooms for message in self.messages(room)]

    def pings(self, allowed: Collection[User] = ()) -> list[Ping]:
        """Return everybody whom the app called, those in *allowed* left out; mentions in edits are among them."""
        ids = {one.id for one in allowed}
        return [one for one in self.world.pings if one.message.author is self.world.bot and one.user_id not in ids]

    def without_allowed_mentions(self) -> list[Json]:
        """Return the bodies of messages that leave the default in place, by which everybody may be called."""
        found = []
        for call in self.api.calls:
            if call.status < 300 and isinstance(body := call.body, dict):
                body = body.get("data") or {} if "callback" in call.route else body
                makes_text = {"content", "embeds", "components"} & body.keys() and "title" not in body
                if makes_text and ("messages" in call.route or "callback" in call.route or "webhooks" in call.route):
                    found += [body] if body.get("allowed_mentions") is None else []
        return found

    def with_component_id(self, number: int) -> list[Message]:
        """Return the messages that hold a component of this number."""
        return [one for one in self.said_by_app() if number in {part.get("id") for part in walk(one.components)}]

    def with_nonce(self, nonce: str) -> list[Message]:
        """Return the messages that were sent with *nonce*: more than one is a duplicate."""
        return [one for one in self.world.messages.values() if one.nonce == nonce and not one.is_deleted]

    def files(self, channel: Channel | None = None) -> list[Attachment]:
        """Return the files of the app's messages, with their bytes."""
        return [file for one in self.said_by_app(channel) for file in one.attachments]

    def commands(self, guild: Guild | None = None) -> list[Json]:
        """Return the app's commands, the global ones without *guild*."""
        return self.world.commands.get(guild.id if guild else "global", [])
