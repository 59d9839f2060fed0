"""Slack keeps the laws of the port, with the real SDK against a local Slack."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import override

from bots.slack.chat import SlackChat
from bots.slack.places import channel_ref
from core.sessions.model import ThreadRef
from tests.contracts.chat_port import ChatHarness, ChatPortLaws, SomeSession, some_session
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack

pytestmark = pytest.mark.loopback


class SlackHarness:
    def __init__(self, slack: LocalSlack, chat: SlackChat) -> None:
        self.slack = slack
        self.chat = chat

    async def shown(self) -> Sequence[tuple[str, str]]:
        return [(one.ts, one.visible_text) for one in self.slack.said_by_app()]


@pytest.fixture
async def harness() -> AsyncIterator[SlackHarness]:
    clock = FakeClock(auto=True)
    async with LocalSlack(clock) as slack, aiohttp.ClientSession() as session:
        grant = slack.world.install(slack.north, slack.ann)
        slack.general.id, slack.world.channels = "C1", {"C1": slack.general}
        slack.general.members.add(grant.user_id)
        client = AsyncWebClient(token=grant.token, base_url=slack.api_url, session=session, retry_handlers=[])

        async def clients(_team: str) -> AsyncWebClient:
            return client

        chat = SlackChat(clients, files=MemoryFiles(), clock=clock)
        yield SlackHarness(slack, chat)
        await chat.aclose()
        assert slack.api.problems == []
        assert slack.mentions() == []


class TestSlackChat(ChatPortLaws):
    """In a channel whose team nobody named."""


class TestSlackChatInATeam(ChatPortLaws):
    """In a channel of a team."""

    @override
    def some(self, harness: ChatHarness) -> SomeSession:
        some = some_session(harness.chat.platform)
        session = replace(some.session, thread=ThreadRef("slack", channel_ref("T0NORTH", "C1")))
        return SomeSession(session, replace(some.snapshot, session=session))
