"""Whole sessions on any platform: real store, ledger, outbox and desk, a scripted model, and a stage for the chat.

A platform supplies a `RoomStage`; `open_room` puts everything else behind it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from typing_extensions import override

from bots.desk.desk import Desk
from bots.desk.door import Door
from core.orchestration.ports import ChatPort, Content, Part, PostKind, Progress
from core.providers.base import Listener, Reply, Request, StopReason, Usage
from core.sessions.model import ENDED, Session, ThreadRef
from core.sessions.ports import OutboxRow, Transaction
from core.workspaces.model import Verbosity
from storage.database import Database
from tests.bots.desk.room import desk_over
from tests.core.orchestration.harness import Harness, MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.model import Script, helpful
from tests.waiting import until

RISING = {0: 6.0, 1: 7.0, 2: 7.5, 3: 8.0}
_PIECES = 12
_IDLE_SECONDS = 0.002
_ORDER = tuple(PostKind)


@dataclass(frozen=True, slots=True)
class Read:
    """One message as people read it.

    Attributes:
        id: The platform's, as the outbox knows it.
        text: Its words.
        files: What the files say that hang on it, by name.
    """

    id: str
    text: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def everything(self) -> str:
        """Its words, and those of its files."""
        return "\n".join((self.text, *(data.decode("utf-8", "replace") for data in self.files.values())))


class RoomStage(Protocol):
    """One platform, as the laws of rooms see it.

    Attributes:
        clock, files: What the adapter was built with.
        budget: The most posts that a thread may take, by verbosity; None where a platform has no such limit.
        summons: Who is called when a session ends, as `calls` names them; nobody where the platform cannot call.
        spoken_on_cards: Whether the platform says on the round's card what the lead editor says.
    """

    clock: FakeClock
    files: MemoryFiles
    budget: Mapping[Verbosity, int | None]
    spoken_on_cards: bool

    @property
    def chat(self) -> ChatPort:
        """The adapter of the process that lives."""
        ...

    @property
    def place(self) -> ThreadRef:
        """Where a session is asked for."""
        ...

    @property
    def member_id(self) -> str:
        """Who asks."""
        ...

    @property
    def summons(self) -> Sequence[str]: ...

    def restart(self) -> ChatPort:
        """Let the process die and return the adapter of the next one, which knows nothing of what the first did."""
        ...

    def screens(self, thread: ThreadRef) -> Sequence[Sequence[Read]]:
        """Return what stands in a session's thread, the channel's card not counted, in the order in which it is read.

        One screen, but in a terminal: there each process has its own, and nobody reads back what another one printed.
        """
        ...

    def cards(self) -> Sequence[Read]:
        """Return what stands in the channel: one card a session."""
        ...

    def calls(self) -> Sequence[str]:
        """Return who was called so far, oldest first, by whatever way the platform has."""
        ...

    def trouble(self, seed: int) -> None:
        """Let the platform lose, refuse and delay requests; nothing where there is no network."""
        ...

    def peace(self) -> None:
        """End the trouble."""
        ...

    def listening(self, room: "Room") -> AbstractAsyncContextManager[None]:
        """Let the platform's ears hear what people do, as a process does that serves it."""
        ...

    async def press(self, action: str, session: Session) -> None:
        """Do *action* (``pause``, ``stop``, ``resume``) where a person does it."""
        ...

    async def settled(self) -> None:
        """Return when nothing that somebody asked is under way any more."""
        ...


@dataclass
class UnhurriedModel:
    """A model that takes its time: about 50 seconds a turn, in pieces, on the test's clock.

    Attributes:
        held: The round whose turns stop at their first word until `free` is set; ``waiting`` is set once one does.
    """

    script: Script
    clock: FakeClock
    pause_seconds: float = 4.0
    held: int | None = None
    free: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        text = self.script(request)
        assert isinstance(text, str)
        length = len(text) // _PIECES + 1
        for start in range(0, len(text), length):
            if listener is not None:
                listener.text(text[start : start + length])
            if start == 0 and request.labels["round"] == str(self.held):
                self.waiting.set()
                await self.free.wait()
            await self.clock.advance(self.pause_seconds)
        return Reply(text, StopReason.COMPLETE, Usage(400, output_tokens=80), request.model, "scripted")


@dataclass
class Room:
    """A room whose chat is real."""

    on: RoomStage
    store: Database
    harness: Harness
    model: UnhurriedModel
    chats: list["MortalChat"] = field(default_factory=list)

    async def begin(self, **changes: object) -> Session:
        """Start a session of the stage's person."""
        return await self.harness.begin(**{"thread": self.on.place, **changes})

    def beside(self, chat: ChatPort) -> Harness:
        """Return what another process has that posts through *chat*."""
        other = Harness(
            self.store, self.harness.clock, self.model, platform=chat.platform, member_id=self.harness.member_id
        )
        other.chat = chat  # type: ignore[assignment]  # a real adapter instead of the fake
        other.files = self.on.files
        other.rebuild()
        return other

    async def run(self, **changes: object) -> Session:
        """Run a session to its end."""
        session = await self.begin(**changes)
        return await self.finish(session.id)

    async def finish(self, session_id: str) -> Session:
        """Let a session go on to its end."""
        assert (await self.harness.run(session_id))["next"] == "ended"
        return await self.harness.service.get(session_id)

    async def reach(self, session_id: str, outcome: str) -> Session:
        """Let a session go on until it is parked, or ended."""
        session = await self.harness.service.get(session_id)
        while True:
            came = await self.harness.runner.step(session_id, session.segment)
            if came["next"] != "continue":
                assert came["next"] == outcome, came
                return await self.harness.service.get(session_id)

    async def press(self, action: str, session: Session) -> None:
        """Let the stage's person do *action*, and return when it is done."""
        before = await self.harness.service.get(session.id)

        async def is_done() -> bool:
            return await self.harness.service.get(session.id) != before

        await self.on.press(action, session)
        await until(is_done)
        await self.on.settled()

    def use(self, chat: ChatPort) -> None:
        """Let *chat* post from now on."""
        self.harness.chat = chat  # type: ignore[assignment]  # a real adapter instead of the fake
        self.harness.rebuild()

    def desk(self, *doors: Door) -> Desk:
        """Return the desk of this process."""
        return desk_over(self.harness, *doors, store=self.store, clock=self.on.clock, asks_setup=frozenset())

    async def unsent(self, session_id: str) -> int:
        """Return how many posts of a session are still to be sent."""
        return await self.store.read(lambda tx: len(tuple(tx.outbox.list_open(session_id=session_id))))

    async def say_all(self, session_id: str) -> None:
        """Send what is still to be sent, as the next flushes do."""
        for _ in range(10):
            if await self.harness.poster.flush(session_id):
                break
        assert await self.unsent(session_id) == 0

    async def meant(self, session_id: str) -> Sequence[OutboxRow]:
        """Return what the outbox says was posted in the thread, in the order in which it is to be read."""

        def read(tx: Transaction) -> list[OutboxRow]:
            rows = [row for row in tx.outbox.list_session(session_id) if row.kind != PostKind.SESSION_CARD]
            return sorted(rows, key=lambda row: (row.created_at, _ORDER.index(PostKind(row.kind))))

        return await self.store.read(read)

    async def dying(self, session_id: str, *, after: bool) -> Session:
        """Run a session to its end in processes that die at every post: *after* it arrived, or just before."""
        deaths: set[str] = set()
        self.use(MortalChat(self.on.chat, deaths, after=after))
        while True:
            try:
                if (await self.harness.service.get(session_id)).status not in ENDED:
                    await self.reach(session_id, "ended")
                await self.say_all(session_id)
            except Crash:
                self.use(MortalChat(self.on.restart(), deaths, after=after))
            else:
                return await self.harness.service.get(session_id)


class Crash(BaseException):
    """The process is no more; nothing of ours catches that."""


class MortalChat(ChatPort):
    """A process that dies once at every post: just before it is sent, or after it arrived and before anybody knows.

    Args:
        chat: The adapter.
        deaths: The posts at which one died already.
        after: Whether the post arrives.
    """

    def __init__(self, chat: ChatPort, deaths: set[str], *, after: bool) -> None:
        self._chat = chat
        self._deaths = deaths
        self._after = after

    @property
    @override
    def platform(self) -> str:
        return self._chat.platform

    @override
    def render(self, content: Content) -> Sequence[Part]:
        return self._chat.render(content)

    @override
    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        self._die(key, now=not self._after)
        thread = await self._chat.open_thread(session, card, key=key, since=since)
        self._die(key, now=self._after)
        return thread

    @override
    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        self._die(key, now=not self._after)
        post_id = await self._chat.send(thread, part, key=key)
        self._die(key, now=self._after)
        return post_id

    @override
    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        return await self._chat.edit(thread, post_id, part)

    @override
    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        return await self._chat.find(thread, key, since)

    @override
    def progress(self, update: Progress) -> None:
        self._chat.progress(update)

    def _die(self, key: str, *, now: bool) -> None:
        if now and key not in self._deaths:
            self._deaths.add(key)
            raise Crash(key)


@asynccontextmanager
async def open_room(
    store: Database, on: RoomStage, *, pause_seconds: float = 4.0, script: Script | None = None
) -> AsyncIterator[Room]:
    """Put a room behind a stage; time passes: see `ticking`."""
    model = UnhurriedModel(script or helpful(RISING), on.clock, pause_seconds)
    harness = Harness(store, on.clock, model, platform=on.chat.platform, member_id=on.member_id)
    harness.files = on.files
    room = Room(on, store, harness, model)
    room.use(on.chat)
    await harness.found()
    async with ticking(on.clock):
        yield room


@asynccontextmanager
async def ticking(clock: FakeClock) -> AsyncIterator[None]:
    """Let time pass while nobody works, so that waits end."""
    task = asyncio.ensure_future(_tick(clock))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _tick(clock: FakeClock) -> None:
    while True:
        await asyncio.sleep(_IDLE_SECONDS)
        await clock.advance(0.05)
