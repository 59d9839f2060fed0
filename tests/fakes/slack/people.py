"""What people do in Slack: say, edit, react, upload, press, fill in, invite, install, remove."""

import asyncio
import mimetypes
import uuid
from collections.abc import Sequence

from tests.fakes.slack.chat_methods import remove
from tests.fakes.slack.delivery import Delivering, Delivery
from tests.fakes.slack.events import Events
from tests.fakes.slack.forms import NotShown
from tests.fakes.slack.model import Channel, Edition, Enterprise, File, Grant, Json, Message, Person, Team
from tests.fakes.slack.oauth_methods import agree, end
from tests.fakes.slack.payloads import of_message
from tests.fakes.slack.seeing import Seeing
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.world import World

Attached = File | tuple[str, bytes]


class People(Seeing):
    """The hands of a test. Each returns when what it caused was delivered for the first time.

    Attributes:
        events: Which events the app gets.
        delivering: How they get there.
    """

    def __init__(self, world: World, api: WebApi, events: Events, delivering: Delivering) -> None:
        super().__init__(world, api)
        self.events = events
        self.delivering = delivering

    async def say(
        self,
        person: Person,
        channel: Channel,
        text: str,
        *,
        thread_ts: str = "",
        files: Sequence[Attached] = (),
        broadcast: bool = False,
    ) -> Message:
        """Post as *person*: a message event, and an app_mention besides when the bot is named.

        *text* is as events have it: ``&lt;`` for a typed ``<``, ``<@U…>`` for a name.
        """
        if person.id not in channel.members or channel.is_archived:
            raise NotShown(f"{person.name} cannot post in #{channel.name}")
        attached = [one if isinstance(one, File) else self.upload(person, *one) for one in files]
        message = Message(
            ts=self.world.next_ts(),
            channel=channel.id,
            user=person.id,
            team_id=person.team_id,
            text=text,
            thread_ts=thread_ts,
            files=[file.id for file in attached],
            is_broadcast=broadcast,
            client_msg_id=str(uuid.uuid4()),
        )
        for file in attached:
            file.shares.append((channel.id, message.ts))
        self.world.messages.append(message)
        team, shown = self.world.teams[channel.team_id], of_message(self.world, message)
        begun = self.events.mention(channel, team, shown) + self.events.announce(channel, team, shown)
        for file in attached:
            begun += self.events.announce(channel, team, self._file_shared(file, person, channel))
        await _first_tries(begun)
        return message

    def upload(self, person: Person, name: str, content: bytes, *, is_hosted_elsewhere: bool = False) -> File:
        """Return a file of *person*'s, not yet shared."""
        file = File(
            id=self.world.next_id("F"),
            name=name,
            title=name,
            user=person.id,
            team_id=person.team_id,
            size=len(content),
            created=int(self.world.now()),
            mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
            content=content,
            is_complete=True,
            is_hosted_elsewhere=is_hosted_elsewhere,
        )
        self.world.files[file.id] = file
        return file

    async def edit(self, message: Message, text: str) -> None:
        """Change what a person wrote."""
        channel, before = self.world.channels[message.channel], of_message(self.world, message)
        message.editions.append(Edition(message.text, tuple(message.blocks), message.edited_at or message.ts))
        message.text, message.edited_at = text, self.world.next_ts()
        event: Json = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": message.edited_at}
        event |= {"message": of_message(self.world, message), "previous_message": before}
        await _first_tries(self.events.announce(channel, self.world.teams[channel.team_id], event))

    async def delete(self, message: Message) -> None:
        """Take back what a person wrote."""
        before = len(self.delivering.sent)
        remove(self.world, self.world.channels[message.channel], message)
        await _first_tries(self.delivering.sent[before:])

    async def react(self, person: Person, message: Message, name: str) -> None:
        """Put an emoji on a message."""
        message.reactions.setdefault(name, []).append(person.id)
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event = {"type": "reaction_added", "user": person.id, "reaction": name, "item": item, "item_user": message.user}
        await self._happens(self.world.channels[message.channel], event)

    def direct(self, person: Person) -> Channel:
        """Return the app's direct messages with *person*."""
        grant = self.world.bot_of(self.world.teams[person.team_id])
        if grant is None:
            raise NotShown("the app is not installed there")
        return self.world.direct(grant, person)

    async def open_home(self, person: Person) -> None:
        """Look at the app's home tab."""
        channel = self.direct(person)
        event = {"type": "app_home_opened", "user": person.id, "channel": channel.id, "tab": "home"}
        await self._happens(channel, event)

    async def invite_app(self, channel: Channel, by: Person) -> None:
        """Let the bot into a channel."""
        grant = self.world.bot_of(self.world.teams[channel.team_id])
        if grant is None:
            raise NotShown("the app is not installed there")
        channel.members.add(grant.user_id)
        event = {"type": "member_joined_channel", "user": grant.user_id, "channel": channel.id, "inviter": by.id}
        await self._happens(channel, event)

    async def remove_app(self, channel: Channel) -> None:
        """Throw the bot out of a channel; it is told so."""
        team = self.world.teams[channel.team_id]
        grant = self.world.bot_of(team)
        if grant is not None:
            event = {"type": "member_left_channel", "user": grant.user_id, "channel": channel.id, "team": team.id}
            begun = self.events.announce(channel, team, event)
            channel.members.discard(grant.user_id)
            await _first_tries(begun)

    async def archive(self, channel: Channel, by: Person) -> None:
        """Close a channel."""
        channel.is_archived = True
        await self._happens(channel, {"type": "channel_archive", "channel": channel.id, "user": by.id})

    async def press_stop(self, person: Person, channel: Channel, thread_ts: str) -> None:
        """Press Slack's own stop button in an agent's session: streams in it end, and the app is told."""
        stopped = []
        for message in self.world.thread(channel.id, thread_ts):
            if message.stream is not None and message.stream.is_open:
                message.stream.is_open = False
                stopped.append(message.ts)
        event: Json = {"type": "agent_session_stopped", "channel": channel.id, "thread_ts": thread_ts}
        await self._happens(channel, event | {"user": person.id, "streaming_message_ts": stopped})

    def agree(self, url: str, person: Person, where: Team | Enterprise) -> str:
        """Agree to an installation on the page at *url*, and return where the browser goes next."""
        return agree(self.world, url, person, where)

    async def uninstall(self, where: Team | Enterprise) -> None:
        """Take the app out: its tokens die, then it is told, in the order in which Slack tells."""
        ended = end(self.world, where.id)
        team = where if isinstance(where, Team) else next(t for t in self.world.teams.values() if t.enterprise == where)
        if ended:
            tokens = {"oauth": [], "bot": [ended[-1].user_id]}
            begun = self.events.tell(ended[-1], team, {"type": "tokens_revoked", "tokens": tokens})
            begun += self.events.tell(ended[-1], team, {"type": "app_uninstalled"})
            await _first_tries(begun)

    async def revoke(self, grant: Grant, *, tell: bool = True) -> None:
        """End a token while the app stays installed; with *tell*, the app hears of it."""
        grant.is_revoked = True
        where = self.world.teams.get(grant.team_id) or next(
            team for team in self.world.teams.values() if self.world.reaches(grant, team.id)
        )
        if tell:
            event = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [grant.user_id]}}
            await _first_tries(self.events.tell(grant, where, event))

    async def rate_limit_events(self, team: Team) -> None:
        """Tell the app that it missed events, as Slack does beyond 30,000 an hour."""
        grant = self.world.bot_of(team)
        if grant is not None:
            event = {"type": "app_rate_limited", "minute_rate_limited": int(self.world.now())}
            await _first_tries(self.events.tell(grant, team, event))

    async def settled(self) -> None:
        """Return when nothing is being delivered any more."""
        await self.delivering.settled()

    async def _happens(self, channel: Channel, event: Json) -> None:
        event = {"event_ts": self.world.next_ts(), **event}
        await _first_tries(self.events.announce(channel, self.world.teams[channel.team_id], event))

    def _file_shared(self, file: File, person: Person, channel: Channel) -> Json:
        shared = {"type": "file_shared", "file_id": file.id, "file": {"id": file.id}, "user_id": person.id}
        return shared | {"channel_id": channel.id, "event_ts": self.world.next_ts()}


async def _first_tries(deliveries: Sequence[Delivery]) -> None:
    await asyncio.gather(*(one.tried.wait() for one in deliveries))
