"""A room's stage in a terminal: what its reader really sees, keys, and the command line of another one."""

import asyncio
import io
import re
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from rich.console import Console
from typing_extensions import override

from admin_cli.foreground import run_here
from admin_cli.local import MEMBER, THREAD
from bots.terminal.chat import Mode, TerminalChat
from core.credits.tariff import Tariff
from core.sessions.model import Session, ThreadRef
from core.sessions.service import SessionService
from core.workspaces.model import Verbosity
from storage.database import Database
from tests.contracts.chat_room import Read, Room, RoomStage
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from bots.bootstrap import Parts

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """One terminal, and where on it each post begins."""

    def __init__(self, mode: Mode, clock: FakeClock) -> None:
        self.output = io.StringIO()
        console = Console(
            file=self.output, width=120, height=50, force_terminal=mode is Mode.LIVE, legacy_windows=False
        )
        self.chat = TerminalChat(console, clock=clock, mode=mode)
        self.chat.printed = self._printed = _Printed(self.output)

    def posts(self) -> list[tuple[str, str, str]]:
        """Return id, plain text and what stands on the screen, of each post."""
        shown = self.output.getvalue()
        ends = [*self._printed.at, len(shown)][1:]
        return [
            (post_id, text, _STYLE.sub("", shown[start:end]))
            for (post_id, text), start, end in zip(self.chat.printed, self._printed.at, ends, strict=True)
        ]


class _Printed(list[tuple[str, str]]):
    """What was printed, with where it begins."""

    def __init__(self, output: io.StringIO) -> None:
        super().__init__()
        self._output = output
        self.at: list[int] = []

    @override
    def append(self, item: tuple[str, str]) -> None:
        self.at.append(self._output.tell())
        super().append(item)


@dataclass(frozen=True)
class _Parts:
    """What `run_here` uses of `bots.bootstrap.Parts`."""

    sessions: SessionService
    database: Database
    clock: FakeClock
    tariff: Tariff


class TerminalRoom(RoomStage):
    """See `tests.contracts.chat_room.RoomStage`."""

    budget: Mapping[Verbosity, int | None] = MappingProxyType(dict.fromkeys(Verbosity))
    spoken_on_cards = False
    summons: Sequence[str] = ()

    def __init__(self, mode: Mode) -> None:
        self.clock, self.files = FakeClock(), MemoryFiles()
        self._mode = mode
        self._screens = [Screen(mode, self.clock)]
        self._room: Room | None = None
        self._running: list[asyncio.Task[Session]] = []

    @property
    @override
    def chat(self) -> TerminalChat:
        return self._screens[-1].chat

    @property
    @override
    def place(self) -> ThreadRef:
        return THREAD

    @property
    @override
    def member_id(self) -> str:
        return MEMBER

    @override
    def restart(self) -> TerminalChat:
        self._screens.append(Screen(self._mode, self.clock))
        return self.chat

    @override
    def screens(self, thread: ThreadRef) -> Sequence[Sequence[Read]]:
        return [
            [Read(post_id, shown) for post_id, text, shown in screen.posts() if not _is_card(text)]
            for screen in self._screens
        ]

    @override
    def cards(self) -> Sequence[Read]:
        return [
            Read(post_id, shown)
            for screen in self._screens
            for post_id, text, shown in screen.posts()
            if _is_card(text)
        ]

    @override
    def calls(self) -> Sequence[str]:
        """Whatever makes a terminal ring, or do more than move and colour."""
        shown = [_STYLE.sub("", screen.output.getvalue()) for screen in self._screens]
        return [repr(sign) for text in shown for sign in re.findall(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", text)]

    @override
    def trouble(self, seed: int) -> None:
        """A terminal loses nothing."""

    @override
    def peace(self) -> None:
        """See `trouble`."""

    @override
    @asynccontextmanager
    async def listening(self, room: Room) -> AsyncIterator[None]:
        self._room = room
        yield
        for task in self._running:
            await task

    @override
    async def press(self, action: str, session: Session) -> None:
        """Ctrl-C pauses; what else there is stands on the command line: ``atelier sessions stop`` and ``resume``."""
        assert self._room is not None
        sessions = self._room.harness.service
        match action:
            case "pause":
                await self._interrupt(session)
            case "stop":
                await sessions.stop(session.id, actor=MEMBER)
            case _:
                await sessions.resume(session.id, actor=MEMBER)

    async def _interrupt(self, session: Session) -> None:
        room = self._room
        assert room is not None
        used = _Parts(room.harness.service, room.store, self.clock, room.harness.tariff)
        parts = cast("Parts", used)
        begun = asyncio.Event()

        async def begin() -> Session:
            begun.set()
            return session

        self._running.append(asyncio.create_task(run_here(parts, self.chat, session, begin, out="")))
        await begun.wait()
        signal.raise_signal(signal.SIGINT)

    @override
    async def settled(self) -> None:
        """Keys and the command line have nothing under way."""


def _is_card(text: str) -> bool:
    return "\nEditors: " in text
