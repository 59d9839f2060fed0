"""Discord, as the settings configure it: what every process needs that posts there, and what listens."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from typing_extensions import override

from bots.desk.barred import BarredPlaces
from bots.desk.closing import Closing, Happening, Meaning, Pausing
from bots.discord.barred import REFUSALS
from bots.discord.chat import DiscordChat
from bots.discord.decoded import PLATFORM
from bots.discord.door import DiscordDoor
from bots.discord.downloads import FILE_HOSTS
from bots.discord.files import Links
from bots.discord.gateway import AtelierBot, Gate, make_discord_bot
from bots.discord.hearing import Taking
from bots.discord.invalid import InvalidRequests
from bots.discord.line import IdentifyBudget, run_gateway, use_gateway
from bots.discord.login import RestLogin, use_api
from bots.discord.records import Records
from bots.fetching import origin_of
from bots.settings import Settings
from core.clock import Clock
from core.sessions.ports import FileStore, Store


@dataclass(frozen=True, slots=True)
class DiscordSide:
    """What every process needs that posts in Discord, and what the listening ones build on.

    Attributes:
        chat, door: How sessions and the desk reach Discord; both speak REST alone.
        invalid: Counts the answers that Discord counts, for the whole process.
    """

    chat: DiscordChat
    door: DiscordDoor
    login: RestLogin
    invalid: InvalidRequests


async def open_discord(
    settings: Settings, *, files: FileStore, clock: Clock, stack: AsyncExitStack, links: Links = lambda _file_id: None
) -> DiscordSide:
    """Return Discord's side, closed with *stack*. Nothing is asked of Discord yet.

    Args:
        settings: Hold the bot's token.
        files: Where the bytes of sessions' files are.
        clock: The time.
        stack: Closes it.
        links: See `bots.discord.files.Links`.
    """
    if settings.discord_api_url:
        use_api(settings.discord_api_url)
    if settings.discord_gateway_url:
        use_gateway(settings.discord_gateway_url)
    invalid = InvalidRequests(clock)
    login = RestLogin(_token(settings), invalid=invalid)
    stack.push_async_callback(login.aclose)
    http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    chat = DiscordChat(login.client, invalid=invalid, files=files, clock=clock, links=links)
    stack.push_async_callback(chat.aclose)
    hosts = {*FILE_HOSTS, *([origin_of(settings.discord_api_url)] if settings.discord_api_url else [])}
    door = DiscordDoor(login.client, http, invalid=invalid, files=files, clock=clock, links=links, file_hosts=hosts)
    return DiscordSide(chat, door, login, invalid)


class Storing(Taking, Meaning, Protocol):
    """What `bots.desk.inbox.Inbox` does here."""


class FrontDesk(Gate, Protocol):
    """What `bots.desk.desk.Desk` does here."""

    @property
    @override
    def inbox(self) -> Storing:
        """Where requests are stored."""
        ...

    @property
    def happenings(self) -> dict[str, Happening]:
        """See there."""
        ...


class DiscordEars:
    """What listens to Discord.

    Args:
        side: See `open_discord`.
        settings: Hold the token, the intent and the shards.
        desk: What people ask goes to it.
        store: Where our rows are.
        sessions: Pauses what runs in a channel that is gone.
        clock: The time.
    """

    def __init__(
        self, side: DiscordSide, settings: Settings, desk: FrontDesk, *, store: Store, sessions: Pausing, clock: Clock
    ) -> None:
        self._side = side
        self._settings = settings
        self._desk = desk
        self._store = store
        self._clock = clock
        self._records = Records(store)
        take = desk.inbox.take
        self._closing = Closing(PLATFORM, store=store, sessions=sessions, door=side.door, inbox=desk.inbox)
        places = BarredPlaces(REFUSALS, store=store, closing=self._closing, door=side.door, take=take)
        desk.happenings.update({**self._closing.happenings, **places.happenings})
        side.chat.barred.hand_to(take)
        self._budget = IdentifyBudget(clock)

    def make_bot(self) -> AtelierBot:
        """Return a client that was not started; each is used once."""
        settings = self._settings
        return make_discord_bot(
            self._desk,
            self._side.door,
            self._records,
            closed=self._closed,
            clock=self._clock,
            invalid=self._side.invalid,
            budget=self._budget,
            message_content=settings.discord_message_content,
            shard_ids=settings.discord_shard_ids,
            shard_count=settings.discord_shard_count,
            sells=settings.stripe_secret_key is not None,
        )

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            BadSettings: If Discord does not let this app in, with what to change.
        """
        await run_gateway(self.make_bot, token=_token(self._settings), clock=self._clock)

    async def connect(self, stack: AsyncExitStack) -> "asyncio.Task[None]":
        """Begin to listen, until *stack* closes; the task that is returned ends only with an error: see `run`."""
        task = asyncio.create_task(self.run())

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        stack.push_async_callback(end)
        return task

    async def _closed(self, workspace_id: str, channel: str, why: str) -> None:
        await self._closing.pause_in(channel, workspace_id=workspace_id, why=why)


def _token(settings: Settings) -> str:
    return settings.discord_token.get_secret_value() if settings.discord_token is not None else ""
