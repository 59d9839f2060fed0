"""A local Discord whose bodies are checked by Discord's own OpenAPI, and discord.py's REST alone."""

from collections.abc import AsyncIterator

import discord
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.discord.local import LocalDiscord


@pytest.fixture
async def place(clock: FakeClock) -> AsyncIterator[LocalDiscord]:
    """A Discord whose time a test moves; at the end nothing that was said may be against Discord's OpenAPI."""
    async with LocalDiscord(clock) as place:
        yield place
    assert place.api.problems == []


@pytest.fixture
async def rest(place: LocalDiscord) -> AsyncIterator[discord.Client]:
    """The unmodified client, logged in, without a gateway; it calls everybody whom a message names."""
    with place.pointed():
        async with discord.Client(intents=discord.Intents.none(), max_ratelimit_timeout=30) as client:
            await client.login(place.token)
            yield client
