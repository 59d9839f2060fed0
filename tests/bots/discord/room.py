"""A room's stage in Discord: the real library and the real ears against a local Discord."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import aiohttp
from pydantic import SecretStr
from typing_extensions import override

from bots.discord.assembly import DiscordEars, DiscordSide
from bots.discord.chat import DiscordChat
from bots.discord.door import DiscordDoor
from bots.discord.line import use_gateway
from bots.settings import Settings
from core.sessions.model import Session, ThreadRef
from core.workspaces.model import Verbosity
from tests.bots.discord.stage import Stage
from tests.bots.discord.test_text import CALLS
from tests.contracts.chat_room import Read, Room, RoomStage
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Message

if TYPE_CHECKING:
    from bots.desk.inbox import Inbox

_KINDS = (Trouble.LOST_ANSWER, Trouble.LOST_REQUEST, Trouble.RATE_LIMITED)


class DiscordRoom(RoomStage):
    """See `tests.contracts.chat_room.RoomStage`."""

    budget: Mapping[Verbosity, int | None] = MappingProxyType(
        {Verbosity.QUIET: 1, Verbosity.NORMAL: 4, Verbosity.FULL: 18}
    )
    spoken_on_cards = True

    def __init__(self, on: Stage) -> None:
        self.on = on
        self.clock, self.files = on.clock, on.files
        self._chat = on.chat
        self._drain: list[Inbox] = []

    @property
    @override
    def chat(self) -> DiscordChat:
        return self._chat

    @property
    @override
    def place(self) -> ThreadRef:
        return self.on.place

    @property
    @override
    def member_id(self) -> str:
        return self.on.session.member_id

    @property
    @override
    def summons(self) -> Sequence[str]:
        return [f"user {self.on.discord.ann.id}"]

    @override
    def restart(self) -> DiscordChat:
        self._chat = self.on.another()
        return self._chat

    @override
    def screens(self, thread: ThreadRef) -> Sequence[Sequence[Read]]:
        return [[_read(one) for one in self.on.posts(thread)]]

    @override
    def cards(self) -> Sequence[Read]:
        return [_read(one) for one in self.on.in_channel()]

    @override
    def calls(self) -> Sequence[str]:
        """Who was really called, and every text that looks as if it called somebody else."""
        discord = self.on.discord
        starter = f"<@{discord.ann.id}>"
        shown = [shown_text(one).replace(starter, "").replace("-# <#", "") for one in discord.said_by_app()]
        looks = [f"looks like {call}" for text in shown for call in CALLS.findall(text)]
        return [f"{one.by} {one.user_id}" for one in discord.pings()] + looks

    @override
    def trouble(self, seed: int) -> None:
        self.on.discord.faults.seed(seed, 0.2, _KINDS)

    @override
    def peace(self) -> None:
        self.on.discord.faults.clear()

    @override
    @asynccontextmanager
    async def listening(self, room: Room) -> AsyncIterator[None]:
        on, discord = self.on, self.on.discord
        async with AsyncExitStack() as stack:
            use_gateway(discord.gateway_url)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            door = DiscordDoor(on.login.client, http, invalid=on.invalid, files=self.files, clock=self.clock)
            settings = Settings(discord_token=SecretStr(discord.token), discord_shard_count=1)
            desk = room.desk(door)
            ears = DiscordEars(
                DiscordSide(self.chat, door, on.login, on.invalid),
                settings,
                desk,
                store=room.store,
                sessions=room.harness.service,
                clock=self.clock,
            )
            task = await ears.connect(stack)
            await discord.connected()
            await discord.until(lambda: task.done() or discord.commands())
            self._drain = [desk.inbox]
            yield
            await desk.inbox.drain()
            assert not task.done()

    @override
    async def press(self, action: str, session: Session) -> None:
        discord = self.on.discord
        (card,) = self.on.in_channel()
        await discord.press(discord.ann, card, next(one for one in card.controls if f":{action}:" in one))

    @override
    async def settled(self) -> None:
        for inbox in self._drain:
            await inbox.drain()


def _read(one: Message) -> Read:
    return Read(one.id, shown_text(one), {file.name: file.content for file in one.attachments})
