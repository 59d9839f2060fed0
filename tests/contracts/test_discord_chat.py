"""Discord keeps the laws of the port, with the real library against a local Discord."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from typing_extensions import override

from bots.discord.chat import DiscordChat
from bots.discord.places import channel_ref
from core.sessions.model import ThreadRef
from tests.bots.discord.stage import Stage, stage
from tests.contracts.chat_port import ChatHarness, ChatPortLaws, SomeSession, some_session
from tests.fakes.discord.mentions import shown_text

pytestmark = pytest.mark.loopback


class DiscordHarness:
    def __init__(self, on: Stage, place: ThreadRef) -> None:
        self.on = on
        self.place = place

    @property
    def chat(self) -> DiscordChat:
        return self.on.chat

    async def shown(self) -> Sequence[tuple[str, str]]:
        return [(one.id, shown_text(one)) for one in self.on.discord.said_by_app()]


class _Laws(ChatPortLaws):
    @override
    def some(self, harness: ChatHarness) -> SomeSession:
        assert isinstance(harness, DiscordHarness)
        some = some_session(harness.chat.platform)
        session = replace(some.session, thread=harness.place)
        return SomeSession(session, replace(some.snapshot, session=session))


class TestDiscordChat(_Laws):
    """In a channel of a server."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[DiscordHarness]:
        async with stage() as on:
            yield DiscordHarness(on, on.place)


class TestDiscordChatInAConversation(_Laws):
    """In a direct conversation, where no thread can be."""

    @pytest.fixture
    async def harness(self) -> AsyncIterator[DiscordHarness]:
        async with stage() as on:
            direct = on.discord.world.direct(on.discord.ann)
            yield DiscordHarness(on, ThreadRef("discord", channel_ref("", direct.id)))
