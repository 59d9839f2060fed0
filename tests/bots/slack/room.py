"""A room's stage in Slack: the real SDK and the real ears against a local Slack."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import SecretStr
from typing_extensions import override

from bots.settings import Settings
from bots.slack.assembly import SlackSide
from bots.slack.authorize import Authorize
from bots.slack.chat import SlackChat
from bots.slack.clients import open_session, web_client
from bots.slack.door import SlackDoor
from bots.slack.errands import Errands
from bots.slack.listening import listen_to_slack
from bots.slack.lost import LostTokens
from bots.slack.pacing import Pacer
from core.sessions.model import Session, ThreadRef
from core.workspaces.model import Verbosity
from tests.bots.slack.entrance import Grants
from tests.bots.slack.stage import Stage
from tests.contracts.chat_room import Read, Room, RoomStage
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import Message
from tests.fakes.slack.seeing import MENTION
from tests.fakes_slack.bolt import served

if TYPE_CHECKING:
    from bots.desk.inbox import Inbox

_KINDS = (
    Trouble.LOST_ANSWER,
    Trouble.LOST_REQUEST,
    Trouble.RATE_LIMITED,
    Trouble.SERVER_ERROR,
    Trouble.ERROR_AFTER,
)


class SlackRoom(RoomStage):
    """See `tests.contracts.chat_room.RoomStage`."""

    budget: Mapping[Verbosity, int | None] = MappingProxyType(
        {Verbosity.QUIET: 2, Verbosity.NORMAL: 5, Verbosity.FULL: 20}
    )
    spoken_on_cards = False

    def __init__(self, on: Stage) -> None:
        self.on = on
        self.clock, self.files = on.clock, on.files
        self._chat = on.chat
        self.others: list[SlackChat] = []
        self._settle: list[Errands] = []
        self._drain: list[Inbox] = []

    @property
    @override
    def chat(self) -> SlackChat:
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
        return [f"<@{self.on.slack.ann.id}>"]

    @override
    def restart(self) -> SlackChat:
        self._chat = self.on.another()
        self.others.append(self._chat)
        return self._chat

    @override
    def screens(self, thread: ThreadRef) -> Sequence[Sequence[Read]]:
        return [[self._read(one) for one in self.on.posts(thread)]]

    @override
    def cards(self) -> Sequence[Read]:
        return [self._read(one) for one in self.on.slack.messages(self.on.slack.general)]

    @override
    def calls(self) -> Sequence[str]:
        slack = self.on.slack
        called = [
            call for one in slack.said_by_app() for call in sorted(set(MENTION.findall(str((one.text, one.blocks)))))
        ]
        return called + [call for call in slack.mentions() if call not in called]

    @override
    def trouble(self, seed: int) -> None:
        self.on.slack.faults.seed(seed, 0.2, _KINDS)

    @override
    def peace(self) -> None:
        self.on.slack.faults.clear()

    @override
    @asynccontextmanager
    async def listening(self, room: Room) -> AsyncIterator[None]:
        slack = self.on.slack
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(open_session())
            grants = Grants(slack, http)
            door = SlackDoor(grants, http, files=self.files, clock=self.clock, pacer=Pacer(self.clock))
            stack.push_async_callback(door.aclose)
            errands = Errands()
            stack.push_async_callback(errands.aclose)
            client = web_client(http, base_url=slack.api_url)
            side = SlackSide(
                self.chat,
                door,
                grants,
                Authorize(grants),
                client,
                errands,
                drop=lambda _tenant: None,
                cipher=None,
                lost=LostTokens(grants, self.clock, refresh=lambda _team: None),
            )
            settings = Settings(slack_signing_secret=SecretStr(slack.world.app.signing_secret))
            desk = room.desk(door)
            sessions = room.harness.service
            ears = listen_to_slack(side, settings, desk, store=room.store, sessions=sessions, clock=self.clock)
            await stack.enter_async_context(served(slack, ears.app))
            self._settle, self._drain = [errands], [desk.inbox]
            yield

    @override
    async def press(self, action: str, session: Session) -> None:
        slack = self.on.slack
        (card,) = slack.messages(slack.general)
        outcome = await slack.click(slack.ann, card, re.findall(rf"atelier\.{action}\.\d+", str(card.blocks))[0])
        assert outcome.error == ""

    @override
    async def settled(self) -> None:
        for errands in self._settle:
            await errands.drain()
        for inbox in self._drain:
            await inbox.drain()

    def _read(self, one: Message) -> Read:
        files = [self.on.slack.world.files[file_id] for file_id in one.files]
        return Read(one.ts, one.visible_text, {file.name: file.content or b"" for file in files})
