"""The shop of each test."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from tests.core.billing.till import Till, open_till
from tests.fakes.clock import FakeClock


@pytest.fixture
async def till(memory_store: Database, clock: FakeClock) -> AsyncIterator[Till]:
    """A shop on a database in memory."""
    async with open_till(memory_store, clock) as found:
        yield found
