"""The platforms that the settings configure, and the desk behind all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from contextlib import AsyncExitStack

    from aiohttp import web

    from bots.desk.desk import Desk
    from bots.desk.door import Door
    from bots.discord.assembly import DiscordEars, DiscordSide
    from bots.http.files import FileLinks
    from bots.settings import Settings
    from bots.slack.assembly import SlackSide
    from bots.slack.listening import SlackEars
    from core.clock import Clock
    from core.orchestration.ports import ChatPort
    from core.sessions.ports import FileStore, Store
    from storage.secrets import SecretBox


@dataclass(slots=True)
class Platforms:
    """What this process reaches; empty where it reaches none."""

    settings: Settings
    reaches: bool
    slack: SlackSide | None = None
    chats: dict[str, ChatPort] = field(default_factory=dict)
    doors: dict[str, Door] = field(default_factory=dict)
    desk: Desk | None = None
    links: FileLinks | None = None
    ears: SlackEars | None = None
    discord: DiscordSide | None = None
    gateway: DiscordEars | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the web server for what is configured."""
        routes = self.links.routes() if self.links is not None else []
        if self.ears is not None and self.settings.slack_signing_secret is not None:
            routes += self.ears.routes()
        return routes

    async def connect_slack(self, stack: AsyncExitStack) -> None:
        """Listen by Socket Mode until *stack* closes.

        Raises:
            PostRefused: If Slack does not take the token; the reason is Slack's code.
            TransientError: If Slack cannot be reached.
        """
        token = self.settings.slack_app_token
        if self.ears is None or token is None:
            raise RuntimeError("the role slack was started without its settings")
        socket = await self.ears.connect(token.get_secret_value())
        stack.push_async_callback(socket.aclose)

    async def connect_discord(self, stack: AsyncExitStack) -> asyncio.Task[None]:
        """Listen at the gateway until *stack* closes; the task ends only with an error.

        That is `BadSettings` where Discord does not let this app in.
        """
        if self.gateway is None:
            raise RuntimeError("the role discord was started without its settings")
        return await self.gateway.connect(stack)


async def open_platforms(
    settings: Settings, *, reaches: bool, store: Store, files: FileStore, clock: Clock, stack: AsyncExitStack
) -> Platforms:
    """Return the platforms, closed with *stack*."""
    platforms = Platforms(settings, reaches and (slack_is_configured(settings) or settings.discord_token is not None))
    if not platforms.reaches:
        return platforms
    if settings.public_url and settings.secret_keys:
        platforms.links = _file_links(settings, store, files, clock)
    if slack_is_configured(settings):
        from bots.slack.assembly import open_slack

        cipher = _cipher(settings) if settings.slack_client_id else None
        side = await open_slack(settings, store=store, files=files, clock=clock, cipher=cipher, stack=stack)
        platforms.slack = side
        platforms.chats[side.chat.platform] = side.chat
        platforms.doors[side.door.platform] = side.door
    if settings.discord_token is not None:
        from bots.discord.assembly import open_discord

        links = platforms.links.url if platforms.links is not None else _no_link
        there = await open_discord(settings, files=files, clock=clock, stack=stack, links=links)
        platforms.discord = there
        platforms.chats[there.chat.platform] = there.chat
        platforms.doors[there.door.platform] = there.door
    return platforms


def _no_link(_file_id: str) -> None:
    """Without a public address or a key no link can be made."""


def slack_is_configured(settings: Settings) -> bool:
    """Return whether there is an app of Slack's to be."""
    return bool(settings.slack_bot_token or settings.slack_client_id)


def _cipher(settings: Settings) -> SecretBox:
    from storage.secrets import SecretBox

    return SecretBox([key.get_secret_value() for key in settings.secret_keys])


def _file_links(settings: Settings, store: Store, files: FileStore, clock: Clock) -> FileLinks:
    from bots.http.files import FileLinks

    return FileLinks(sealer=_cipher(settings), public_url=settings.public_url, store=store, files=files, clock=clock)
