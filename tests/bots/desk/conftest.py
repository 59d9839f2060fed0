"""A room for every test of the desk."""

import pytest

from storage.database import Database
from tests.bots.desk.room import Room
from tests.fakes.clock import FakeClock


@pytest.fixture
async def room(memory_store: Database) -> Room:
    """A workspace with credits, a desk, and nobody known yet."""
    made = Room(memory_store, FakeClock(auto=True))
    await made.found()
    return made
