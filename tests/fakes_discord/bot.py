"""A small bot on the unmodified discord.py that does a little of everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands
from typing_extensions import override

from tests.fakes.discord.local import LocalDiscord

INTENTS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)


class Verdict(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"t:(?P<verb>accept|reject):(?P<n>\d+)"
):
    """A button that works after a restart."""

    def __init__(self, verb: str, n: str) -> None:
        super().__init__(discord.ui.Button(label=verb, custom_id=f"t:{verb}:{n}"))
        self.verb, self.n = verb, n

    @classmethod
    @override
    async def from_custom_id(cls, interaction: Any, item: Any, match: Any, /) -> "Verdict":
        return cls(match["verb"], match["n"])

    @override
    async def callback(self, interaction: Any) -> None:
        await interaction.response.edit_message(content=f"{self.verb}ed {self.n}", view=None)


class Form(discord.ui.Modal, title="New session"):
    """A form with every field that matters."""

    brief: Any = discord.ui.Label(text="Brief", component=discord.ui.TextInput(custom_id="brief", max_length=50))
    docs: Any = discord.ui.Label(
        text="Drafts", component=discord.ui.FileUpload(custom_id="docs", max_values=5, required=False)
    )

    @override
    async def on_submit(self, interaction: Any) -> None:
        files = [(one.filename, await one.read()) for one in self.docs.component.values]
        await interaction.response.send_message(f"{self.brief.component.value}: {files}", ephemeral=True)


class Bot(commands.AutoShardedBot):
    """The bot; what it saw is in `seen`."""

    def __init__(self, intents: discord.Intents = INTENTS, **more: Any) -> None:
        settings: dict[str, Any] = {
            "intents": intents,
            "allowed_mentions": discord.AllowedMentions.none(),
            "guild_ready_timeout": 0.01,
            "max_messages": None,
            "chunk_guilds_at_startup": False,
            "member_cache_flags": discord.MemberCacheFlags.none(),
            "shard_count": 1,
        }
        super().__init__(commands.when_mentioned, **(settings | more))
        self.seen: list[discord.Message] = []
        self.events: list[tuple[str, Any]] = []
        self.syncs = True

    @override
    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Not wait the five seconds."""

    @override
    async def setup_hook(self) -> None:
        self.add_dynamic_items(Verdict)
        self.tree.add_command(_group())
        self.tree.add_command(app_commands.ContextMenu(name="Edit it", callback=_edit))
        if self.syncs:
            await self.tree.sync()

    @override
    async def on_message(self, message: discord.Message, /) -> None:
        self.seen.append(message)

    @override
    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        self.events.append((event_name, args))
        super().dispatch(event_name, *args, **kwargs)

    def had(self, name: str) -> list[Any]:
        """Return what came with the events *name*."""
        return [args for event, args in self.events if event == name]


@asynccontextmanager
async def running(discord_: LocalDiscord, bot: Bot | None = None) -> AsyncIterator[Bot]:
    """Run a bot against the local Discord until the block ends."""
    bot = bot or Bot()
    with discord_.pointed():
        async with bot:
            task = asyncio.create_task(bot.start(discord_.token))
            try:
                await discord_.until(lambda: task.done() or bot.had("ready"))
                if task.done():
                    await task
                yield bot
            finally:
                await bot.close()
                await asyncio.gather(task, return_exceptions=True)


def _group() -> app_commands.Group:
    group = app_commands.Group(name="atelier", description="The room")

    @group.command(name="new", description="Begin")
    async def _new(interaction: Any, brief: str, file: discord.Attachment | None = None) -> None:
        await interaction.response.defer(thinking=True)
        size = len(await file.read()) if file else 0
        await interaction.edit_original_response(content=f"{brief}, {size} bytes")
        message = await interaction.channel.send("round 1 @everyone <@1>", view=_buttons())
        thread = await message.create_thread(name="Atelier")
        await thread.send("in the thread")

    @group.command(name="form", description="Open a form")
    async def _form(interaction: Any) -> None:
        await interaction.response.send_modal(Form())

    @group.command(name="status", description="Look")
    @app_commands.describe(session="Which")
    async def _status(interaction: Any, session: str) -> None:
        view = discord.ui.LayoutView(timeout=None)
        view.add_item(discord.ui.Container(discord.ui.TextDisplay(f"# {session}")))
        await interaction.response.send_message(view=view, ephemeral=True)

    @_status.autocomplete("session")
    async def _sessions(interaction: Any, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"session {current}", value="s1")]

    @group.command(name="twice", description="Answer, then follow up")
    async def _twice(interaction: Any) -> None:
        await interaction.response.send_message("first")
        await interaction.followup.send("second", ephemeral=True)

    @group.command(name="late", description="Leave the answer to somebody else")
    async def _late(interaction: Any) -> None:
        pass

    return group


async def _edit(interaction: Any, message: discord.Message) -> None:
    await interaction.response.send_message(f"{message.content}|{[one.filename for one in message.attachments]}")


def _buttons() -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(Verdict("accept", "1"))
    view.add_item(Verdict("reject", "1"))
    return view
