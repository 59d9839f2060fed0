"""The whole program beside a local Discord, and what people see of it: nothing is faked but Discord.

    async with local_discord() as discord, office(discord, settings_of(sqlite_url, discord)) as house:
        await house.set_up()
        await discord.slash(discord.ann, discord.general, "atelier new", brief="...")

The program is the one of `atelier serve`: real settings, desk, services, engine and database, the real library at its
gateway, and the rehearsal model at full speed. The program's time runs faster than the machine's, and Discord's dates do
with it. How long an interaction lives is counted by what a test lets pass, so that a busy machine is no reason to fail;
`benchmarks.discord_ack` says how long people wait.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bots.bootstrap import Choices, Parts, open_parts
from bots.discord.gateway import AtelierBot
from bots.discord.line import run_gateway
from bots.discord.places import workspace_ref
from bots.settings import Settings
from core.orchestration.engine import migrate_engine
from core.sessions.model import ENDED, Guidance, Session, Status
from tests.fakes.discord.interactions import Interaction
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel, Guild, Kind, Message, User
from tests.scenarios.slack_office import QuickClock, tick
from tests.waiting import until

_READY_SECONDS = 0.05  # of the machine's: the library waits as long for one more server, by default two seconds
_HANDLERS = ("discord.py: ", "CommandTree", "discord-ui-")


class WorldClock:
    """Discord's time: its dates are the program's, its patience is the test's. See `core.clock.Clock`."""

    def __init__(self) -> None:
        self.quick = QuickClock()
        self._passed = 0.0

    def now(self) -> datetime:
        return self.quick.now()

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        await self.quick.sleep(seconds)

    def move(self, seconds: float) -> None:
        """Let *seconds* pass at once, for everybody."""
        self.quick.move(seconds)
        self._passed += seconds


@dataclass
class Office:
    """The program, and a test's hands on it.

    Attributes:
        bots: Its clients, the one that listens last.
        line: What looks after them.
    """

    discord: LocalDiscord
    clock: WorldClock
    settings: Settings
    parts: Parts
    bots: list[AtelierBot] = field(default_factory=list)
    line: "asyncio.Task[None] | None" = None

    @property
    def bot(self) -> AtelierBot:
        """The client that listens."""
        return self.bots[-1]

    async def set_up(self, manager: User | None = None, channel: Channel | None = None) -> None:
        """Let a manager look at the settings, so that others may start."""
        discord = self.discord
        manager, channel = manager or discord.ann, channel or discord.general
        await discord.slash(manager, channel, "atelier sessions")
        shown = await self.told(manager, "may start")
        await self.press(manager, shown, "use_settings")
        await self.settled()

    def room(self, name: str, guild: Guild | None = None) -> Channel:
        """Open a channel that everybody sees, the app among them."""
        return self.discord.add_channel(guild or self.discord.north, name)

    async def settled(self) -> None:
        """Return when nothing that somebody did is under way any more."""
        desk = self.parts.platforms.desk
        assert desk is not None
        while True:
            await until(self._has_heard)
            await desk.inbox.drain()
            if await self._has_heard():
                return

    async def listens(self, number: int = 1) -> None:
        """Return once *number* clients were made and the last one has looked up what was missed."""

        async def is_there() -> bool:
            return len(self.bots) >= number and self.bot.is_ready()

        await until(is_there)
        await self.settled()

    async def _has_heard(self) -> bool:
        """Return whether the client read all that was sent to it, and has done with it."""
        sent = {one.id: one.seq for one in self.discord.gateway.sessions.open.values() if one.line is not None}
        for shard in self.bot.shards.values() if self.bots else ():
            socket = shard._parent.ws
            if sent.get(socket.session_id or "", socket.sequence) != socket.sequence:
                return False
        names = [one.get_name() for one in asyncio.all_tasks() if not one.done()]
        return not any(name.startswith(_HANDLERS) for name in names)

    async def told(self, user: User, words: str) -> Message:
        """Return the newest private message with *words* as soon as *user* sees it."""

        def find() -> Message | None:
            private = [*self.discord.direct_messages(user), *self.discord.ephemeral(user)]
            private.sort(key=lambda one: int(one.id))
            return next((one for one in reversed(private) if words in shown_text(one)), None)

        try:
            found = await self.discord.until(find)
        except AssertionError as error:
            raise AssertionError(f"no {words!r} for {user.name}, but {self.whispers(user)}") from error
        assert found is not None
        return found

    def whispers(self, user: User) -> list[str]:
        """Return what *user* alone was shown beside what they did."""
        return [shown_text(one) for one in self.discord.ephemeral(user)]

    async def press(self, user: User, message: Message, action: str) -> Interaction:
        """Press the button of *message* that stands for *action*."""
        return await self.discord.press(user, message, button_of(message, action))

    def card(self, channel: Channel) -> Message:
        """Return the one card in a channel."""
        (card,) = [one for one in self.discord.said_by_app(channel) if any("atelier:" in name for name in one.controls)]
        return card

    def thread(self, channel: Channel) -> Channel:
        """Return the one thread of a channel."""
        (thread,) = [one for one in self.discord.threads(channel) if one.kind is not Kind.TEXT]
        return thread

    def posts(self, channel: Channel) -> list[Message]:
        """Return what the app said in the thread of its card."""
        return self.discord.said_by_app(self.thread(channel))

    async def sessions(self, guild: Guild | None = None) -> Sequence[Session]:
        """Return a server's sessions, oldest first."""
        workspace = workspace_ref((guild or self.discord.north).id)
        found = await self.parts.database.read(
            lambda tx: list(tx.sessions.list_sessions(workspace_id=workspace, limit=1_000))
        )
        return sorted(found, key=lambda session: session.created_at)

    async def sessions_in(self, channel: Channel) -> Sequence[Session]:
        """Return the sessions that live in a channel or a conversation, oldest first."""
        if channel.guild_id:
            found = await self.sessions(self.discord.world.guilds[channel.guild_id])
        else:
            found = [one for guild in self.discord.world.guilds.values() for one in await self.sessions(guild)]
        return [one for one in found if one.thread.channel.endswith(f"/{channel.id}")]

    async def running(self, channel: Channel) -> Session:
        """Return the newest session of a channel once it works and its card can be seen."""

        async def begun() -> bool:
            found = await self.sessions_in(channel)
            return bool(found) and found[-1].status is Status.RUNNING and bool(found[-1].thread.card)

        await until(begun)
        return (await self.sessions_in(channel))[-1]

    async def reaches(self, channel: Channel, *statuses: Status) -> Session:
        """Return the newest session of a channel once it is in one of *statuses*."""

        async def there() -> bool:
            found = await self.sessions_in(channel)
            return bool(found) and found[-1].status in statuses

        await until(there)
        await self.settled()
        return (await self.sessions_in(channel))[-1]

    async def ended(self, channel: Channel, number: int = 1, *, seconds: float = 30, hurried: float = 0.0) -> Session:
        """Return the newest session of a channel once *number* of them ended and all of their posts are there.

        Args:
            channel: Where they live.
            number: How many.
            seconds: Of the machine's time.
            hurried: How many seconds of theirs pass besides, whenever it is looked.
        """

        async def done() -> bool:
            self.clock.quick.move(hurried)
            sessions = [one for one in await self.sessions_in(channel) if one.status in ENDED]
            return len(sessions) >= number and not await self._open_posts(sessions)

        await until(done, seconds=seconds)
        await self.settled()
        return (await self.sessions_in(channel))[-1]

    async def guidance(self, session: Session) -> list[Guidance]:
        """Return what people said to a session."""
        return list(await self.parts.database.read(lambda tx: tx.sessions.list_guidance(session.id)))

    async def guided(self, session: Session, *texts: str) -> None:
        """Return once *texts*, and nothing else, count for a session."""

        async def counts() -> bool:
            return [one.text for one in await self.guidance(session) if not one.muted] == list(texts)

        await until(counts)

    async def _open_posts(self, sessions: Sequence[Session]) -> bool:
        def work(tx: Any) -> bool:
            rows = (row for one in sessions for row in tx.outbox.list_session(one.id))
            return any(row.state not in {"sent", "refused"} for row in rows)

        return await self.parts.database.read(work)

    def read_aloud(self, *channels: Channel) -> str:
        """Return all that there is to see, as members would read it: to be printed while a test is written."""
        lines = []
        for one in self.discord.world.messages.values():
            where = self.discord.world.channels[one.channel_id]
            if one.is_deleted or (channels and where not in channels):
                continue
            seen = f" (only {one.seen_by})" if one.seen_by else ""
            files = [file.name for file in one.attachments]
            lines.append(f"--- #{where.name or where.kind.name} {one.author.name}{seen} files={files}")
            lines += [f"    {line}" for line in shown_text(one).splitlines()]
            lines += [f"    [{label}]" for label in labels_of(one)]
        return "\n".join(lines)


def labels_of(message: Message) -> list[str]:
    """Return the labels of the buttons that somebody sees, in order."""
    return [str(one.get("label")) for one in message.controls.values()]


def button_of(message: Message, action: str) -> str:
    """Return the custom id of the one button that stands for *action*."""
    found = [name for name in message.controls if name.startswith(f"atelier:{action}:")]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} buttons {action!r}, but {labels_of(message)}: {list(message.controls)}")
    return found[0]


def text_of(messages: Sequence[Message]) -> str:
    """Return what several messages say."""
    return "\n".join(shown_text(one) for one in messages)


def field_of(opened: Interaction, name: str) -> str:
    """Return the custom id of a form's field."""
    assert opened.modal is not None, opened.callback
    ids = [str(part["component"]["custom_id"]) for part in opened.modal["components"] if "component" in part]
    return next(one for one in ids if one.rpartition(".")[2] == name)


def settings_of(database_url: str, discord: LocalDiscord, **more: Any) -> Settings:
    """Return the settings of a program that is *discord*'s app."""
    given: dict[str, Any] = {
        "_env_file": None,
        "database_url": database_url,
        "discord_token": discord.token,
        "discord_api_url": discord.api_url,
        "discord_gateway_url": discord.gateway_url,
        "discord_shard_count": 1,
        **more,
    }
    return Settings(**given)


@asynccontextmanager
async def office(
    discord: LocalDiscord, settings: Settings, *, listens: bool = True, **more: Any
) -> AsyncIterator[Office]:
    """Start the program and end it again; *more* are fields of `Choices`."""
    clock = discord.world.clock
    assert isinstance(clock, WorldClock)
    choices = Choices(runs_sessions=True, reaches_platforms=True, clock=clock.quick, **more)
    if not settings.is_sqlite:
        await asyncio.to_thread(migrate_engine, settings.engine_url)
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, choices=choices))
        gateway = parts.platforms.gateway
        assert gateway is not None
        house = Office(discord, clock, settings, parts)

        def make_bot() -> AtelierBot:
            bot = gateway.make_bot()
            bot._connection.guild_ready_timeout = _READY_SECONDS
            house.bots.append(bot)
            return bot

        ticking = asyncio.create_task(tick(parts))
        stack.push_async_callback(_end, ticking)
        house.line = asyncio.create_task(run_gateway(make_bot, token=discord.token, clock=parts.clock))
        stack.push_async_callback(_end, house.line)
        if listens:
            await house.listens()
        yield house
        assert not house.line.done()
        await house.settled()
    assert discord.api.problems == []
    assert discord.without_allowed_mentions() == []


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def local_discord(**more: Any) -> AsyncIterator[LocalDiscord]:
    """Open a Discord whose dates pass quickly, for the library of this process; *more* are for `LocalDiscord`."""
    async with LocalDiscord(WorldClock(), **more) as discord:
        with discord.pointed():
            yield discord


async def waits_until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
    """Return as soon as *condition* holds. See `tests.waiting.until`."""
    await until(condition, seconds=seconds)
