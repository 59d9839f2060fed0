"""A local Discord whose bodies are checked by Discord's own OpenAPI."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.discord.local import LocalDiscord


@pytest.fixture
async def discord(clock: FakeClock) -> AsyncIterator[LocalDiscord]:
    """A Discord whose time a test moves; at the end nothing that was said may be against Discord's OpenAPI."""
    async with LocalDiscord(clock) as discord:
        yield discord
    assert discord.api.problems == []
