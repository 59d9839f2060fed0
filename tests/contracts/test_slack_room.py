"""Rooms in Slack keep the laws, with the real SDK and the real ears against a local Slack."""

from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from core.sessions.model import Session
from core.workspaces.model import Verbosity
from tests.bots.slack.room import SlackRoom
from tests.bots.slack.stage import stage
from tests.contracts.chat_room import RoomStage
from tests.contracts.chat_room_laws import ChatRoomLaws
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.loopback
_CALLS = {Verbosity.QUIET: 15, Verbosity.NORMAL: 40, Verbosity.FULL: 10_000}


class TestSlackRoom(ChatRoomLaws):
    @pytest.fixture
    async def on(self) -> AsyncIterator[SlackRoom]:
        async with stage(FakeClock()) as on:
            room = SlackRoom(on)
            yield room
            for chat in room.others:
                await chat.aclose()

    @override
    def and_its_own(self, on: RoomStage, session: Session, *, has_draft: bool) -> None:
        """Few calls, no 429, a stream for a first draft alone, and the files with the one call."""
        assert isinstance(on, SlackRoom)
        slack = on.on.slack
        assert on.on.calls(streams=False) <= _CALLS[session.verbosity], slack.api.counts
        assert [call.outcome for call in slack.api.calls if call.outcome != "ok"] == []
        is_streamed = has_draft and session.verbosity is not Verbosity.QUIET
        assert slack.api.count("chat.startStream") == int(is_streamed)
        (result,) = [one for one in on.on.posts(session.thread) if one.files]
        assert on.summons[0] in result.text
        assert "Done" in slack.messages(slack.general)[0].visible_text
