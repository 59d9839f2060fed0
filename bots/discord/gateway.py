"""The client that hears Discord: what happens is handed to whoever it is for. `bots.discord.line` looks after it."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any, Protocol

import discord
import structlog
from typing_extensions import override

from bots.commands import offered
from bots.desk.requests import Actor
from bots.discord import limits
from bots.discord.catching_up import CHANNEL_GONE, THREAD_GONE, CatchingUp, Closing
from bots.discord.catching_up import Remembering as RememberingThreads
from bots.discord.decoded import PLATFORM
from bots.discord.ears import Answering, Ears, FrontDesk
from bots.discord.heard import Heard
from bots.discord.hearing import FrontDesk as HearingDesk
from bots.discord.hearing import Hearing, Places
from bots.discord.homes import Homes, Known
from bots.discord.invalid import InvalidRequests
from bots.discord.line import IdentifyBudget
from bots.discord.memory import Recent
from bots.discord.places import workspace_ref
from bots.discord.reading import heard_of
from bots.discord.sync import sync_commands
from bots.discord.tree import Tree
from bots.errors import BadSettings
from core.clock import Clock
from core.errors import AtelierError, TransientError
from core.workspaces.model import Workspace

_log = structlog.get_logger(__name__)
_PARENT_SECONDS = 3_600.0
_RESERVE = 50
_PATIENCE = (5.0, 30.0, 120.0)
_MUST_PARSE = frozenset({"READY", "RESUMED"})
_NO_COUNT = "DISCORD_SHARD_IDS needs DISCORD_SHARD_COUNT, and numbers below it, beginning with 0."


class Gate(FrontDesk, HearingDesk, Protocol):
    """What `bots.desk.desk.Desk` does here."""

    async def installed(self, workspace: Workspace, installer: Actor) -> None:
        """See there."""
        ...

    async def removed(self, workspace_id: str) -> None:
        """See there."""
        ...


class Remembering(Known, Places, RememberingThreads, Protocol):
    """What `bots.discord.records.Records` does here."""


class Press(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"atelier:(?P<action>[^:]+):[^:]*:.*"):
    """Any button of ours, however old: what it says stands in its custom id, and is decoded from there."""

    def __init__(self, item: discord.ui.Button[Any]) -> None:
        super().__init__(item)

    @classmethod
    @override
    async def from_custom_id(cls, interaction: Any, item: Any, match: Any, /) -> "Press":
        return cls(item)

    @override
    async def callback(self, interaction: Any) -> None:
        await interaction.client.ears.on_press(interaction)


class AtelierBot(discord.AutoShardedClient):
    """The client; see `make_discord_bot`."""

    def __init__(
        self,
        desk: Gate,
        door: Answering,
        records: Remembering,
        *,
        closed: Closing,
        clock: Clock,
        budget: IdentifyBudget,
        invalid: InvalidRequests,
        syncs: bool,
        sells: bool,
        options: dict[str, Any],
    ) -> None:
        super().__init__(
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=limits.WAIT_SECONDS,
            http_trace=invalid.trace(),
            **options,
        )
        homes = Homes(records, door, guilds=lambda: [str(one.id) for one in self.guilds])
        self.ears = Ears(desk, door, homes)
        self.hearing = Hearing(desk, door, homes, records, clock=clock)
        self.tree = Tree(self, self.ears, offered(platform=PLATFORM, sells=sells))
        self._desk = desk
        self._closed = closed
        self._clock = clock
        self._budget = budget
        self._syncs = syncs
        self._catching_up = CatchingUp(self, records, clock=clock, hearing=self.hearing, closed=closed)
        self._parents: Recent[int, str] = Recent(clock, seconds=_PARENT_SECONDS)
        self._missed: set[int] = set()
        self._looking: set[int] = set()

    @override
    async def setup_hook(self) -> None:
        self.add_dynamic_items(Press)
        parsers = self._connection.parsers
        for event in [name for name in parsers if name not in _MUST_PARSE]:
            parsers[event] = _surviving(event, parsers[event])
        if self._syncs and 0 in (self.shard_ids or (0,)):
            try:
                await sync_commands(self, self.tree.payloads())
            except discord.HTTPException as error:  # those that Discord has still work
                _log.error("discord_commands_not_synced", code=error.code, status=error.status)

    @override
    async def connect(self, *, reconnect: bool = True) -> None:
        await self._check_budget()
        await super().connect(reconnect=reconnect)

    @override
    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        await self._budget.admit()
        if not initial:
            await self._clock.sleep(limits.IDENTIFY_SECONDS)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Take forms; commands and buttons come by the tree and by `Press`."""
        if interaction.type is discord.InteractionType.modal_submit:
            await self.ears.on_form(interaction)

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        if not message.author.bot:
            await self.hearing.on_message(await self._heard(message))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody changed what they wrote, or a preview of a link appeared."""
        message = payload.message
        if message.edited_at is not None and not message.author.bot:
            await self.hearing.on_edit(await self._heard(message))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message is gone."""
        await self._forget(payload.guild_id, payload.channel_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many are."""
        await self._forget(payload.guild_id, payload.channel_id, sorted(payload.message_ids))

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone."""
        await self._close(payload.guild_id, payload.thread_id, THREAD_GONE)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel is gone, with all its threads."""
        await self._close(channel.guild.id, channel.id, CHANNEL_GONE)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """A server took the app in: it is recorded, and nobody is told anything."""
        await self._arrive(guild)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """A server took the app away; an outage does not come here."""
        await self._desk.removed(workspace_ref(str(guild.id)))

    async def on_shard_ready(self, shard_id: int) -> None:
        """A session began at the gateway: what was missed is looked up."""
        await self._look_up(shard_id)

    @override
    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        kind, error, _ = sys.exc_info()
        if not isinstance(error, TransientError):
            _log.error("discord_event_failed", handler=event_method, exc_info=sys.exc_info())
            return
        _log.warning("discord_event_missed", handler=event_method, error=kind.__name__ if kind else "")
        await asyncio.gather(*(self._look_up(shard_id) for shard_id in self.shards))

    async def _look_up(self, shard_id: int) -> None:
        """Look up what a shard missed, as soon as our own rows can be read: nothing else brings it back.

        What is missed while somebody looks is looked up after that.
        """
        self._missed.add(shard_id)
        if shard_id in self._looking:
            return
        self._looking.add(shard_id)
        waits = chain(_PATIENCE, repeat(_PATIENCE[-1]))
        try:
            while shard_id in self._missed and not self.is_closed():
                self._missed.discard(shard_id)
                try:
                    await self._catch_up(shard_id)
                except AtelierError as error:
                    self._missed.add(shard_id)
                    wait = next(waits)
                    _log.warning("discord_not_caught_up", shard=shard_id, error=type(error).__name__, waits=wait)
                    await self._clock.sleep(wait)
        finally:
            self._looking.discard(shard_id)

    async def _catch_up(self, shard_id: int) -> None:
        def is_mine(guild: str) -> bool:
            return (int(guild or 0) >> 22) % (self.shard_count or 1) == shard_id

        gone, back = await self._catching_up.changed_guilds(is_mine)
        for guild in gone:
            await self._desk.removed(workspace_ref(guild))
        for guild in back:
            found = self.get_guild(int(guild))
            if found is not None:
                await self._arrive(found)
        seen = await self._catching_up.hear_missed(is_mine)
        _log.info("discord_shard_ready", shard=shard_id, missed=seen, gone=len(gone), back=len(back))

    async def _arrive(self, guild: discord.Guild) -> None:
        workspace_id = workspace_ref(str(guild.id))
        workspace = Workspace(workspace_id, PLATFORM, guild.name, self._clock.now())
        await self._desk.installed(workspace, Actor(workspace_id, ""))

    async def _forget(self, guild_id: int | None, channel_id: int, message_ids: Sequence[int]) -> None:
        parent = await self._parent_of(guild_id, channel_id)
        app = str(self.user.id) if self.user is not None else ""
        for message_id in message_ids:
            await self.hearing.on_deletion(
                Heard(str(message_id), str(guild_id or ""), str(channel_id), parent, author="", name="", app=app)
            )

    async def _close(self, guild_id: int, channel_id: int, why: str) -> None:
        await self._closed(workspace_ref(str(guild_id)), str(channel_id), why)

    async def _heard(self, message: discord.Message) -> Heard:
        app = str(self.user.id) if self.user is not None else ""
        if not isinstance(message.channel, discord.PartialMessageable):
            return heard_of(message, app)
        parent = await self._parent_of(message.channel.guild_id, message.channel.id)
        return heard_of(message, app, parent=parent)

    async def _parent_of(self, guild_id: int | None, channel_id: int) -> str:
        """Return the channel that a thread belongs to, empty for what is no thread.

        The library knows threads that are open; of an old one Discord is asked.
        """
        if guild_id is None:
            return ""
        guild = self.get_guild(guild_id)
        found: Any = guild.get_channel_or_thread(channel_id) if guild is not None else None
        if found is None:
            known = self._parents.get(channel_id)
            if known is not None:
                return known
            try:
                found = await self.fetch_channel(channel_id)
            except discord.DiscordException as error:
                _log.info("discord_channel_unknown", error=type(error).__name__)
        parent = str(found.parent_id) if isinstance(found, discord.Thread) else ""
        self._parents.keep(channel_id, parent)
        return parent

    async def _check_budget(self) -> None:
        """Return if Discord lets us begin the sessions that we need.

        Raises:
            TransientError: If not before so many seconds.
        """
        shards, _, left = await self.http.get_bot_gateway()
        needed = len(self.shard_ids) if self.shard_ids else self.shard_count or shards
        if left["remaining"] < needed + min(_RESERVE, left["total"] // 20):
            wait = left["reset_after"] / 1000
            raise TransientError("Discord lets us begin no more sessions today", retry_after_seconds=wait)


def make_discord_bot(
    desk: Gate,
    door: Answering,
    records: Remembering,
    *,
    closed: Closing,
    clock: Clock,
    invalid: InvalidRequests,
    budget: IdentifyBudget | None = None,
    message_content: bool = False,
    shard_ids: Sequence[int] = (),
    shard_count: int | None = None,
    syncs: bool = True,
    sells: bool = True,
    ready_seconds: float = 2.0,
) -> AtelierBot:
    """Return a client that was not started.

    Args:
        desk: What people ask goes to it.
        door: Answers, and remembers people.
        records: What our rows know: `bots.discord.records.Records`.
        closed: See `Closing`.
        clock: The time.
        invalid: Counts the answers that Discord counts, for the whole process.
        budget: Shared by all clients of a process; None for one of its own.
        message_content: Whether to ask for the content of messages, which Discord must have allowed.
        shard_ids: The parts of Discord that this process hears; empty for all.
        shard_count: Of how many parts; None for what Discord suggests. Needed with *shard_ids*.
        syncs: Whether commands are given to Discord where they differ.
        sells: Whether credits are sold: without, the commands that buy are not offered.
        ready_seconds: How long the library waits for another server before it says that it is ready.

    Raises:
        BadSettings: If the parts do not fit their number.
    """
    if shard_ids and (shard_count is None or max(shard_ids) >= shard_count):
        raise BadSettings((_NO_COUNT,))
    intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=message_content)
    options: dict[str, Any] = {"intents": intents, "guild_ready_timeout": ready_seconds}
    if shard_count is not None:
        options["shard_count"] = shard_count
    if shard_ids:
        options["shard_ids"] = list(shard_ids)
    return AtelierBot(
        desk,
        door,
        records,
        closed=closed,
        clock=clock,
        budget=budget or IdentifyBudget(clock),
        invalid=invalid,
        syncs=syncs,
        sells=sells,
        options=options,
    )


def _surviving(event: str, parse: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return *parse* so that an event which the library cannot read is left out; else it ends the whole client."""

    def survive(data: Any) -> None:
        try:
            parse(data)
        except Exception as error:  # noqa: BLE001 - the edge: what Discord sends is not ours to choose
            _log.error("discord_event_unreadable", type=event, error=repr(error)[:200])

    return survive
