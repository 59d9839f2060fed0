"""DiscordChat with the real library in front of a local Discord."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bots.discord.chat import DiscordChat
from bots.discord.invalid import InvalidRequests
from bots.discord.login import RestLogin, use_api
from bots.discord.places import channel_ref, member_ref, workspace_ref
from core.casts.model import Phase
from core.orchestration.ports import Content, Part, PostKind, Progress, Snapshot
from core.sessions.model import Session, ThreadRef
from tests.bots.discord.test_text import CALLS
from tests.bots.views.samples import SESSION, SNAPSHOT
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel, Message

CREATE = "POST /channels/{channel_id}/messages"
EDIT = "PATCH /channels/{channel_id}/messages/{message_id}"
LIST = "GET /channels/{channel_id}/messages"
THREAD = "POST /channels/{channel_id}/messages/{message_id}/threads"


@dataclass
class Stage:
    """Everything that a test of the adapter touches."""

    discord: LocalDiscord
    chat: DiscordChat
    clock: FakeClock
    files: MemoryFiles
    login: RestLogin
    invalid: InvalidRequests
    addresses: dict[str, str] = field(default_factory=dict)
    others: list[DiscordChat] = field(default_factory=list)

    def another(self) -> DiscordChat:
        """Return the adapter of another process: it knows nothing of what the first one did."""
        chat = DiscordChat(self.login.client, invalid=self.invalid, files=self.files, clock=self.clock)
        self.others.append(chat)
        return chat

    def count(self, route: str) -> int:
        """Return how many requests of a route came."""
        return self.discord.api.count(route)

    @property
    def place(self) -> ThreadRef:
        """The general channel, before a thread is there."""
        return ThreadRef("discord", channel_ref(self.discord.north.id, self.discord.general.id))

    @property
    def session(self) -> Session:
        """A session of Ann's in the general channel."""
        guild, ann = self.discord.north.id, self.discord.ann.id
        return replace(SESSION, workspace_id=workspace_ref(guild), member_id=member_ref(guild, ann), thread=self.place)

    def snapshot(self, **changes: object) -> Snapshot:
        """Return that session, changed."""
        return replace(SNAPSHOT, session=replace(self.session, **changes))  # type: ignore[arg-type]  # any field

    def part(self, kind: PostKind, snapshot: Snapshot | None = None, **facts: object) -> Part:
        """Return the first message of a post."""
        content = Content(kind=kind, snapshot=snapshot or self.snapshot(), **facts)  # type: ignore[arg-type]  # any field
        return self.chat.render(content)[0]

    async def open(self, key: str = "c" * 24, **changes: object) -> ThreadRef:
        """Open the session's thread."""
        snapshot = self.snapshot(**changes)
        return await self.chat.open_thread(snapshot.session, self.part(PostKind.SESSION_CARD, snapshot), key=key)

    def in_channel(self, channel: Channel | None = None) -> list[Message]:
        """Return what the bot said in a channel, oldest first."""
        return self.said(channel or self.discord.general)

    def posts(self, thread: ThreadRef) -> list[Message]:
        """Return what the bot said in a session's thread."""
        return self.said(self.discord.world.channels[thread.thread])

    def said(self, channel: Channel) -> list[Message]:
        """Return the bot's messages, oldest first."""
        return self.discord.said_by_app(channel)

    def message(self, message_id: str) -> Message:
        """Return a message."""
        return self.discord.world.messages[message_id.rpartition("/")[2]]

    def text(self, message_id: str) -> str:
        """Return the words of a message."""
        return shown_text(self.message(message_id))


def sign(thread: ThreadRef, session_id: str, card_id: str, **changes: object) -> Progress:
    """Return a sign of life of the Writer in the first round."""
    fields: dict[str, object] = {
        "thread": thread,
        "session_id": session_id,
        "round": 1,
        "role_key": "writer",
        "phase": Phase.WRITER,
        "state": "writing",
        "card_id": card_id,
    }
    return Progress(**{**fields, **changes})  # type: ignore[arg-type]  # a test may say anything


@asynccontextmanager
async def stage(clock: FakeClock | None = None, **facts: Any) -> AsyncIterator[Stage]:
    """Open the curtain: a Discord with the app in it; at the end, everything that was sent is as it should be."""
    clock = clock or FakeClock(auto=True)
    invalid = InvalidRequests(clock)
    async with LocalDiscord(clock, **facts) as discord:
        stack = ExitStack()
        stack.enter_context(discord.pointed())
        use_api(discord.api_url)
        login = RestLogin(discord.world.token, invalid=invalid)
        files = MemoryFiles()
        addresses: dict[str, str] = {}
        chat = DiscordChat(login.client, invalid=invalid, files=files, clock=clock, links=addresses.get)
        on = Stage(discord, chat, clock, files, login, invalid, addresses)
        try:
            yield on
        finally:
            for one in (chat, *on.others):
                await one.aclose()
            await login.aclose()
            stack.close()
        _check_bodies(on)


def _check_bodies(on: Stage) -> None:
    """Hold what was sent against Discord's description, and against our own rule on mentions."""
    assert on.discord.api.problems == []
    assert on.discord.without_allowed_mentions() == []
    assert on.discord.pings(allowed=[on.discord.ann]) == []
    starter = f"<@{on.discord.ann.id}>"
    for call in on.discord.api.calls:
        if call.route in {CREATE, EDIT}:
            assert call.body["allowed_mentions"]["parse"] == []
            assert set(call.body["allowed_mentions"]["users"]) <= {on.discord.ann.id}
    for message in on.discord.said_by_app():
        calls = CALLS.findall(shown_text(message).replace(starter, "").replace("-# <#", ""))
        assert calls == []
