"""Discord's ear and its door with the real discord.py, between a local Discord and a desk that remembers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
from typing_extensions import override

from bots.desk.requests import Actor, Request
from bots.discord.door import DiscordDoor
from bots.discord.gateway import AtelierBot, make_discord_bot
from bots.discord.invalid import InvalidRequests
from bots.discord.line import IdentifyBudget, run_gateway, use_gateway
from bots.discord.login import RestLogin, use_api
from bots.discord.records import Known, Words
from bots.parsing import Value
from core.errors import TransientError
from core.sessions.model import ThreadRef
from core.workspaces.model import Workspace
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.desk import FakeDesk
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.model import Channel, Kind, Message


@dataclass
class Desk(FakeDesk):
    """See `bots.desk.desk.Desk`.

    Attributes:
        completions: What is proposed, by option.
        asked_for: What was typed so far, with whose it was.
        given: What stood in all options meanwhile.
        joined: Servers that took the app in, with who is told.
        left: Those that took it away.
        slow: Called whenever the desk looks for a form.
    """

    completions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    asked_for: list[tuple[Actor, str, str, str]] = field(default_factory=list)
    given: list[dict[str, Value]] = field(default_factory=list)
    joined: list[tuple[Workspace, Actor]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    slow: Callable[[], None] = lambda: None

    @override
    def may_open_form(self, request: Request) -> bool:
        self.slow()
        return super().may_open_form(request)

    async def complete(
        self, actor: Actor, command: str, option: str, typed: str, *, given: Mapping[str, Value] | None = None
    ) -> Sequence[tuple[str, str]]:
        self.given.append(dict(given or {}))
        self.asked_for.append((actor, command, option, typed))
        return self.completions.get(option, [])

    async def installed(self, workspace: Workspace, installer: Actor) -> None:
        self.joined.append((workspace, installer))

    async def removed(self, workspace_id: str) -> None:
        self.left.append(workspace_id)


@dataclass
class Rows:
    """See `bots.discord.records.Records`.

    Attributes:
        homes: By user.
        live: Where sessions are live.
        known: Servers.
        said: For which place a message was taken, by its channel and its id.
        words: What was said to live sessions, by the id of where they live.
        failures: How often live sessions cannot be read.
        wait: What is waited for before anybody's home is known.
    """

    homes: dict[str, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    live: list[tuple[str, ThreadRef]] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    said: dict[tuple[str, str], ThreadRef] = field(default_factory=dict)
    words: dict[str, list[Words]] = field(default_factory=dict)
    failures: int = 0
    wait: Callable[[], Awaitable[object]] | None = None

    async def home_of(self, user: str, *, channel: str, target: str = "") -> str:
        if self.wait is not None:
            await self.wait()
        here = next((workspace for workspace, thread in self.live if thread.thread == channel), "")
        return self.targets.get(target) or here.removeprefix("discord:") or self.homes.get(user, "")

    async def said_to(self, channel: str, message: str) -> ThreadRef | None:
        return self.said.get((channel, message))

    async def is_live(self, channel: str) -> bool:
        return any(thread.thread == channel for _, thread in self.live)

    async def open_threads(self, ended_since: datetime) -> Sequence[tuple[str, ThreadRef]]:
        if self.failures:
            self.failures -= 1
            raise TransientError("the database is away")
        return self.live

    async def words_in(self, thread: ThreadRef) -> Sequence[Words] | None:
        return self.words.get(thread.thread)

    async def guilds(self) -> Mapping[str, Known]:
        return self.known


@dataclass
class Entrance:
    """Everything that a test of the inbound side touches."""

    discord: LocalDiscord
    desk: Desk
    door: DiscordDoor
    rows: Rows
    clock: FakeClock
    files: MemoryFiles
    login: RestLogin
    invalid: InvalidRequests
    budget: IdentifyBudget
    options: dict[str, Any]
    closed: list[tuple[str, str, str]] = field(default_factory=list)
    bots: list[AtelierBot] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def asked(self) -> list[Request]:
        """What was stored, oldest first."""
        return self.desk.asked

    async def one(self, number: int = 1) -> Request:
        """Return the newest request as soon as there are *number*."""
        await self.discord.until(lambda: len(self.asked) >= number)
        return self.asked[-1]

    async def quiet(self) -> None:
        """Return once everything that was sent before was heard: a word in a session's thread comes last."""
        number = len(self.asked)
        last = self.discord.say(self.discord.ben, self.discord.general, f"<@{self.discord.world.bot.id}> last")
        await self.discord.until(lambda: len(self.asked) > number and self.asked[-1].spot.message_id == last.id)
        self.asked.pop()

    def own(self, thread: Channel) -> ThreadRef:
        """Let a thread be a session's."""
        guild, parent = thread.guild_id, thread.parent_id or thread.id
        if thread.kind is Kind.DM:
            ref = ThreadRef("discord", f"@me/{thread.id}", thread.id)
        else:
            ref = ThreadRef("discord", f"{guild}/{parent}", thread.id)
        self.desk.owned.add((ref.channel, ref.thread))
        return ref

    def make_bot(self) -> AtelierBot:
        """Return another client, as a new process has one."""

        async def closed(workspace_id: str, channel: str, why: str) -> None:
            self.closed.append((workspace_id, channel, why))

        bot = make_discord_bot(
            self.desk,
            self.door,
            self.rows,
            closed=closed,
            clock=self.clock,
            invalid=self.invalid,
            budget=self.budget,
            **self.options,
        )
        self.bots.append(bot)
        return bot

    async def start(self) -> None:
        """Begin to listen."""
        number = len(self.bots)
        self.task = asyncio.create_task(run_gateway(self.make_bot, token=self.discord.token, clock=self.clock))
        task = self.task
        await self.discord.until(lambda: task.done() or (len(self.bots) > number and self.bots[-1].is_ready()))
        if task.done():
            await task

    async def stop(self) -> None:
        """Stop listening, as a process that ends does."""
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def restart(self) -> None:
        """End the process and begin another one, which knows nothing of the first."""
        await self.stop()
        self.door = self.new_door(self.door._downloads._http)
        await self.start()

    def new_door(self, http: aiohttp.ClientSession) -> DiscordDoor:
        """Return the door of another process."""
        return DiscordDoor(
            self.login.client,
            http,
            invalid=self.invalid,
            files=self.files,
            clock=self.clock,
            file_hosts={self.discord.world.base},
            max_bytes=1_000_000,
        )

    def whispers(self) -> list[Message]:
        """Return what Ann alone was shown."""
        return self.discord.ephemeral(self.discord.ann)


@asynccontextmanager
async def entrance(
    *, starts: bool = True, facts: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Entrance]:
    """Open the door: a Discord with the app in it, and a process that listens."""
    clock = FakeClock(auto=True)
    invalid = InvalidRequests(clock)
    async with LocalDiscord(clock, **(facts or {})) as discord, aiohttp.ClientSession() as http:
        with discord.pointed():
            use_api(discord.api_url)
            use_gateway(discord.gateway_url)
            login = RestLogin(discord.token, invalid=invalid)
            files = MemoryFiles()
            door = DiscordDoor(
                login.client,
                http,
                invalid=invalid,
                files=files,
                clock=clock,
                file_hosts={discord.world.base},
                max_bytes=1_000_000,
            )
            budget = IdentifyBudget(clock)
            shown = {"ready_seconds": 0.01, "shard_count": 1} | options
            on = Entrance(discord, Desk(), door, Rows(), clock, files, login, invalid, budget, shown)
            try:
                if starts:
                    await on.start()
                yield on
            finally:
                await on.stop()
                await login.aclose()
        assert discord.api.problems == []
        assert discord.without_allowed_mentions() == []
