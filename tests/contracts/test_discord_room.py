"""Rooms in Discord keep the laws, with the real library and the real ears against a local Discord."""

from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from core.sessions.model import Session
from tests.bots.discord.room import DiscordRoom
from tests.bots.discord.stage import EDIT, stage
from tests.contracts.chat_room import RoomStage
from tests.contracts.chat_room_laws import ChatRoomLaws
from tests.fakes.clock import FakeClock
from tests.fakes.discord.mentions import shown_text

pytestmark = pytest.mark.loopback


class TestDiscordRoom(ChatRoomLaws):
    @pytest.fixture
    async def on(self) -> AsyncIterator[DiscordRoom]:
        async with stage(FakeClock()) as on:
            # a session's minutes pass in a second here, and this limit is one of the machine's seconds
            on.discord.rates.global_limit = 0
            yield DiscordRoom(on)

    @override
    def and_its_own(self, on: RoomStage, session: Session, *, has_draft: bool) -> None:
        """Few edits, no request refused or counted as invalid, the receipt with the result, the files with the one call."""
        assert isinstance(on, DiscordRoom)
        discord = on.on.discord
        assert dict(discord.rates.refused) == {}
        assert on.on.invalid.total == 0
        assert on.on.count(EDIT) <= 60
        (ping,) = discord.world.pings
        assert ping.message.attachments
        assert "Done" in shown_text(on.on.in_channel()[0])
        assert "Receipt" in shown_text(on.on.posts(session.thread)[-1])
