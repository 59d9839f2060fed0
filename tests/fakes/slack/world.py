"""The state of the local Slack and what can be looked up in it."""

import itertools
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from core.clock import Clock
from tests.fakes.slack.interaction import Interactions
from tests.fakes.slack.limits import ALL_SCOPES, EVENT_SCOPES
from tests.fakes.slack.model import (
    AppConfig,
    Channel,
    Code,
    Enterprise,
    File,
    Grant,
    Json,
    Kind,
    Message,
    Person,
    Refusal,
    Team,
    View,
)

Announce = Callable[[Channel | None, Team, Json], object]
_PREFIX = {Kind.PUBLIC: "C", Kind.PRIVATE: "G", Kind.DIRECT: "D", Kind.GROUP: "G"}


def _nobody(_channel: Channel | None, _team: Team, _event: Json) -> None:
    return


@dataclass
class World:
    """Everything that this Slack knows.

    Attributes:
        announce: Told of every event that an app might have asked for.
        limits_history: True for an app outside the Marketplace: fifteen objects a read.
    """

    clock: Clock
    app: AppConfig = field(default_factory=AppConfig)
    announce: Announce = _nobody
    limits_history: bool = False
    enterprises: dict[str, Enterprise] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    homes: dict[tuple[str, str], View] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    spent_refresh_tokens: set[str] = field(default_factory=set)
    statuses: dict[tuple[str, str], Json] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    tickets: set[str] = field(default_factory=set)
    base: str = ""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _last_micros: int = 0

    def __post_init__(self) -> None:
        self.interactions = Interactions(self.now)
        app_token = Grant(self.app.app_token, "app", self.app.id, "", "", "", "", frozenset({"connections:write"}))
        self.grants[app_token.token] = app_token
        self.app.scopes = self.app.scopes or ALL_SCOPES
        self.app.events = self.app.events or frozenset(EVENT_SCOPES) - {"file_shared", "reaction_added"}

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.clock.now().timestamp()

    def next_ts(self) -> str:
        """Return a ts that no message has, later than every one before."""
        self._last_micros = max(int(self.now() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        """Return a new id."""
        return f"{prefix}0{next(self._numbers):07d}"

    def add_enterprise(self, name: str) -> Enterprise:
        """Found an organisation."""
        enterprise = Enterprise(f"E0{name.upper()}", name)
        self.enterprises[enterprise.id] = enterprise
        return enterprise

    def add_team(self, name: str, enterprise: Enterprise | None = None) -> Team:
        """Found a workspace."""
        team = Team(f"T0{name.upper()}", name.title(), name.lower(), enterprise)
        self.teams[team.id] = team
        return team

    def add_person(self, team: Team, name: str, **more: Any) -> Person:
        """Hire somebody; *more* are the flags of `Person`."""
        person = Person(f"U0{name.upper()}", team.id, name, **more)
        self.people[person.id] = person
        return person

    def add_channel(
        self, team: Team, name: str, members: Iterable[Person | Grant] = (), kind: Kind = Kind.PUBLIC
    ) -> Channel:
        """Open a channel."""
        inside = {member.user_id if isinstance(member, Grant) else member.id for member in members}
        channel = Channel(self.next_id(_PREFIX[kind]), team.id, name, kind, inside)
        self.channels[channel.id] = channel
        return channel

    def install(
        self, where: Team | Enterprise, installer: Person | None = None, scopes: Iterable[str] | None = None
    ) -> Grant:
        """Give the app a bot token for a workspace or a whole organisation; the bot is hired once."""
        granted = self.app.scopes if scopes is None else frozenset(scopes)
        bot = next((one for one in self.people.values() if one.is_bot and one.team_id == where.id), None)
        if bot is None:
            bot = Person(self.next_id("U"), where.id, self.app.name.lower(), is_bot=True, bot_id=self.next_id("B"))
            self.people[bot.id] = bot
        enterprise = where if isinstance(where, Enterprise) else where.enterprise
        grant = Grant(
            token=f"xoxb-{where.id}-{secrets.token_hex(8)}",
            kind="bot",
            app_id=self.app.id,
            team_id=where.id if isinstance(where, Team) else "",
            enterprise_id=enterprise.id if enterprise else "",
            user_id=bot.id,
            bot_id=bot.bot_id,
            scopes=granted,
            installer=installer.id if installer else "",
        )
        self.grants[grant.token] = grant
        return grant

    def bot_of(self, team: Team) -> Grant | None:
        """Return the app's newest living bot token for a workspace, its own or its organisation's."""
        for grant in reversed(self.grants.values()):
            if grant.kind == "bot" and not grant.is_revoked and self.reaches(grant, team.id):
                return grant
        return None

    def reaches(self, grant: Grant, team_id: str) -> bool:
        """Return whether a token acts in a workspace."""
        if grant.team_id:
            return grant.team_id == team_id
        enterprise = self.teams[team_id].enterprise
        return enterprise is not None and enterprise.id == grant.enterprise_id

    def channel_for(self, grant: Grant, channel_id: str) -> Channel:
        """Return a channel that a token can see.

        Raises:
            Refusal: ``channel_not_found``, for other workspaces' and for private ones without the bot, too.
        """
        channel = self.channels.get(channel_id)
        teams = () if channel is None else (channel.team_id, *channel.shared_with)
        if channel is None or not any(self.reaches(grant, team) for team in teams):
            raise Refusal("channel_not_found")
        if channel.kind is not Kind.PUBLIC and grant.user_id not in channel.members:
            raise Refusal("channel_not_found")
        return channel

    def writable_channel(self, grant: Grant, channel_id: str) -> Channel:
        """Return a channel that a token may post in; a user's id stands for the direct messages with them.

        Raises:
            Refusal: ``channel_not_found``, ``is_archived``, ``not_in_channel``, ``restricted_action_read_only_channel``.
        """
        if channel_id in self.people:
            return self.direct(grant, self.person_for(grant, channel_id))
        channel = self.channel_for(grant, channel_id)
        if channel.is_archived:
            raise Refusal("is_archived")
        if grant.user_id not in channel.members and "chat:write.public" not in grant.scopes:
            raise Refusal("not_in_channel")
        if channel.is_read_only:
            raise Refusal("restricted_action_read_only_channel")
        return channel

    def person_for(self, grant: Grant, user_id: str) -> Person:
        """Return somebody whom a token can see.

        Raises:
            Refusal: ``user_not_found``.
        """
        person = self.people.get(user_id)
        if person is None or not self._knows(grant, person):
            raise Refusal("user_not_found")
        return person

    def _knows(self, grant: Grant, person: Person) -> bool:
        if person.team_id in self.enterprises:
            return grant.enterprise_id == person.team_id
        return self.reaches(grant, person.team_id) or any(
            person.id in channel.members and any(self.reaches(grant, team) for team in channel.shared_with)
            for channel in self.channels.values()
        )

    def direct(self, grant: Grant, person: Person) -> Channel:
        """Return the conversation of a bot with somebody."""
        pair = {grant.user_id, person.id}
        for channel in self.channels.values():
            if channel.kind is Kind.DIRECT and channel.members == pair:
                return channel
        channel = Channel(self.next_id("D"), person.team_id, "directmessage", Kind.DIRECT, pair)
        self.channels[channel.id] = channel
        return channel

    def message_at(self, channel_id: str, ts: str) -> Message | None:
        """Return the message that everybody sees at *ts*."""
        for message in reversed(self.messages):
            if (message.channel, message.ts) == (channel_id, ts) and not message.is_deleted and not message.seen_by:
                return message
        return None

    def thread(self, channel_id: str, thread_ts: str) -> list[Message]:
        """Return what a thread shows, its first message included."""
        return [
            message
            for message in self.messages
            if message.channel == channel_id
            and thread_ts in {message.ts, message.thread_ts}
            and not message.is_deleted
            and not message.seen_by
        ]
