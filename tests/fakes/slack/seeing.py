"""What one sees in the local Slack: messages, threads, whispers, files, views, and what the app sent."""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

from tests.fakes.slack.model import Channel, File, Message, Person, View
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.world import World

T = TypeVar("T")
MENTION = re.compile(r"<[!@#][^>\s]*>?")


class Seeing:
    """The eyes of a test.

    Attributes:
        world: What there is.
        api: The log of calls, with `WebApi.count` and `WebApi.counts`.
    """

    def __init__(self, world: World, api: WebApi) -> None:
        self.world = world
        self.api = api

    async def until(self, condition: Callable[[], T], *, seconds: float = 10.0) -> T:
        """Return what *condition* gives as soon as that is true; it is asked after every request of the app.

        Raises:
            AssertionError: If it is not within *seconds* of the machine's time; says what was seen instead.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            news = self.api.news
            if found := condition():
                return found
            try:
                async with asyncio.timeout_at(deadline):
                    await news.wait()
            except TimeoutError:
                seen = [one.visible_text for one in self.world.messages if one.by]
                calls = [(call.method, call.outcome) for call in self.api.calls[-20:]]
                raise AssertionError(f"not within {seconds} s; the app said {seen}, calling {calls}") from None

    def messages(self, channel: Channel | str, thread_ts: str = "") -> list[Message]:
        """Return what everybody sees in a channel, or in one of its threads with its first message."""
        channel_id = channel if isinstance(channel, str) else channel.id
        if thread_ts:
            return self.world.thread(channel_id, thread_ts)
        return [
            one
            for one in self.world.messages
            if one.channel == channel_id
            and not (one.is_deleted or one.is_tombstone or one.seen_by)
            and (not one.is_reply or one.is_broadcast)
        ]

    def said_by_app(self, channel: Channel | str | None = None) -> list[Message]:
        """Return all messages of the app that are there, in order, whispers not counted."""
        channel_id = channel.id if isinstance(channel, Channel) else channel
        return [
            one
            for one in self.world.messages
            if one.by and not (one.is_deleted or one.is_tombstone or one.seen_by) and channel_id in {None, one.channel}
        ]

    def message(self, channel: Channel | str, ts: str) -> Message:
        """Return the message at *ts*.

        Raises:
            LookupError: If nobody sees one there.
        """
        channel_id = channel if isinstance(channel, str) else channel.id
        found = self.world.message_at(channel_id, ts)
        if found is None:
            raise LookupError(f"no message at {ts} in {channel_id}")
        return found

    def ephemeral(self, person: Person, channel: Channel | None = None) -> list[Message]:
        """Return what *person* alone was shown, oldest first."""
        return [
            one
            for one in self.world.messages
            if one.seen_by == person.id and not one.is_deleted and (channel is None or one.channel == channel.id)
        ]

    def direct_messages(self, person: Person) -> list[Message]:
        """Return the conversation of *person* with the app."""
        rooms = {one.id for one in self.world.channels.values() if one.kind == "im" and person.id in one.members}
        return [one for one in self.world.messages if one.channel in rooms and not (one.is_deleted or one.seen_by)]

    def with_key(self, key: str) -> list[Message]:
        """Return the messages whose metadata hold *key*: more than one is a duplicate."""
        return [one for one in self.world.messages if key in str(one.metadata) and not one.is_deleted]

    def files(self, channel: Channel | None = None) -> list[File]:
        """Return the files that are there, with their bytes."""
        return [
            one
            for one in self.world.files.values()
            if one.is_complete
            and not one.is_deleted
            and (channel is None or channel.id in {place for place, _ in one.shares})
        ]

    def modal(self, person: Person) -> View | None:
        """Return the modal that *person* has in front, None when there is none."""
        opened = [one for one in self.world.views.values() if one.user == person.id and one.is_open]
        return opened[-1] if opened else None

    def home(self, person: Person) -> View | None:
        """Return the home tab as *person* sees it."""
        return self.world.homes.get((person.team_id, person.id))

    def mentions(self, allowed: Collection[str] = ()) -> list[str]:
        """Return every mention that the app sent and that is not *allowed*, such as ``<@U0ANN>``.

        What streams add up to is looked at as well, so that a mention across two appends is found.
        """
        sent = [text for one in self.api.outgoing for text in _strings(one.arguments)]
        sent += [one.stream.text for one in self.world.messages if one.stream]
        sent += [text for one in self.world.messages if one.by for text in (one.text, *_strings(one.blocks))]
        return sorted({found for text in sent for found in MENTION.findall(text)} - set(allowed))


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, Sequence):
        for value in node:
            yield from _strings(value)
