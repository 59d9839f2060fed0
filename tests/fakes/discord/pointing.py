"""The seams by which an unmodified discord.py is pointed elsewhere (discord.py 2.7.1, class attributes)."""

from collections.abc import Iterator
from contextlib import contextmanager

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route


@contextmanager
def point_discord_at(api_url: str, gateway_url: str) -> Iterator[None]:
    """Let discord.py speak to *api_url* (``http://…/api/v10``) and *gateway_url* (``ws://…/``) for a while.

    The product does the first two assignments itself, from DISCORD_API_URL and DISCORD_GATEWAY_URL; files need nothing,
    because their links come from Discord's answers.
    """
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.asset.Asset.BASE
    Route.BASE = api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    discord.asset.Asset.BASE = api_url.partition("/api")[0]
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, discord.asset.Asset.BASE = before
