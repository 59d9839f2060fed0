"""Rooms in a terminal keep the laws, on what its reader really sees: lines and panels, keys and another terminal."""

from collections.abc import AsyncIterator

import pytest

from bots.terminal.chat import Mode
from tests.bots.terminal.room import TerminalRoom
from tests.contracts.chat_room_laws import ChatRoomLaws


class TestTerminalRoom(ChatRoomLaws):
    @pytest.fixture(params=[Mode.PLAIN, Mode.LIVE])
    async def on(self, request: pytest.FixtureRequest) -> AsyncIterator[TerminalRoom]:
        room = TerminalRoom(request.param)
        yield room
        for screen in room._screens:
            screen.chat.close()
