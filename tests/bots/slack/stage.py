"""SlackChat with the real SDK in front of a local Slack."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.api import Clients
from bots.slack.chat import SlackChat
from bots.slack.pacing import Pacer
from bots.slack.places import channel_ref
from core.casts.model import Phase
from core.orchestration.ports import Progress
from core.sessions.model import Session, ThreadRef
from core.sessions.ports import Store
from tests.bots.views.samples import SESSION
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.slack.limits import ALL_SCOPES
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Message


@dataclass
class Stage:
    """Everything that a test of the adapter touches."""

    slack: LocalSlack
    chat: SlackChat
    clock: FakeClock
    files: MemoryFiles
    clients: Clients

    store: Store | None = None

    def another(self) -> SlackChat:
        """Return the adapter of another process: it knows nothing of what the first one did."""
        pacer = Pacer(self.clock, store=self.store)
        return SlackChat(self.clients, files=self.files, clock=self.clock, pacer=pacer)

    @property
    def place(self) -> ThreadRef:
        """The general channel, before a thread is there."""
        return ThreadRef("slack", channel_ref(self.slack.north.id, self.slack.general.id))

    @property
    def session(self) -> Session:
        """A session of Ann's in the general channel."""
        team, ann = self.slack.north.id, self.slack.ann.id
        return replace(SESSION, workspace_id=f"slack:{team}", member_id=f"slack:{team}/{ann}", thread=self.place)

    def posts(self, thread: ThreadRef) -> list[Message]:
        """Return what stands in a thread, its card not counted."""
        return self.slack.messages(self.slack.general, thread.thread)[1:]

    def calls(self, *, streams: bool = True) -> int:
        """Return how many calls Slack got, uploads of bytes among them."""
        left_out = 0 if streams else self.slack.api.count("chat.appendStream")
        return self.slack.api.count() - left_out


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
async def stage(
    clock: FakeClock | None = None,
    *,
    without: Iterable[str] = (),
    tiers: bool = True,
    history_limited: bool = False,
    store: Store | None = None,
) -> AsyncIterator[Stage]:
    """Open the curtain: a Slack with the app in it; at the end nothing was sent that no Slack would understand."""
    clock = clock or FakeClock(auto=True)
    async with (
        LocalSlack(clock, tiers=tiers, history_limited=history_limited) as slack,
        aiohttp.ClientSession() as http,
    ):
        grant = slack.world.install(slack.north, slack.ann, ALL_SCOPES - set(without))
        slack.general.members.add(grant.user_id)
        client = AsyncWebClient(token=grant.token, base_url=slack.api_url, session=http, retry_handlers=[])

        async def clients(_team: str) -> AsyncWebClient:
            return client

        files = MemoryFiles()
        chat = SlackChat(clients, files=files, clock=clock, pacer=Pacer(clock, store=store))
        yield Stage(slack, chat, clock, files, clients, store)
        await chat.aclose()
        assert slack.api.problems == []
        assert slack.mentions(allowed=[f"<@{slack.ann.id}>"]) == []
