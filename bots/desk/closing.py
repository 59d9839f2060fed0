"""A channel or thread is closed to the app: what runs there is paused, and who started it is told elsewhere.

The transaction that pauses a session stores the request to tell of it. So of many who find out at once, in whichever
processes, the one that paused it has its starter told, and what was not told yet is told by whoever comes next.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from bots.commands import Place
from bots.desk.departing import is_left_behind
from bots.desk.requests import Actor, Request, RequestKind, Spot
from bots.views.elements import Button, Buttons, Heading, Style, Text, View
from core.errors import ConflictError
from core.ids import derived_key, new_id
from core.sessions.errors import NotPossibleNow, SessionNotFound
from core.sessions.model import LIVE, Desired, Session, Status
from core.sessions.ports import Store, Transaction

_log = structlog.get_logger(__name__)
_ACTOR = "system"
_MOST_SESSIONS = 1_000
_STILL = frozenset({Status.PAUSING, Status.PAUSED})
Happening = Callable[[Request], Awaitable[object]]


class Pausing(Protocol):
    """What `core.sessions.service.SessionService` does here."""

    async def pause(
        self, session_id: str, *, actor: str, also: Callable[[Transaction], object] | None = None
    ) -> Session:
        """See there."""
        ...


class Telling(Protocol):
    """A platform's door, as far as it tells people something once."""

    async def tell_once(self, member_id: str, view: View, *, key: str) -> bool:
        """Return `bots.desk.door.Door.tell`; a repeat with the same *key* is not said again where the platform can tell."""
        ...


class Meaning(Protocol):
    """What `bots.desk.inbox.Inbox` does here."""

    def mean(self, tx: Transaction, request: Request) -> None:
        """See there."""
        ...

    def begin(self, request_id: str) -> None:
        """See there."""
        ...


class Closing:
    """Pauses what cannot be seen any more.

    Args:
        platform: ``slack`` or ``discord``.
        store: Where sessions are.
        sessions: Pauses them.
        door: Tells people.
        inbox: Stores that they are to be told.
    """

    def __init__(self, platform: str, *, store: Store, sessions: Pausing, door: Telling, inbox: Meaning) -> None:
        self._action = f"{platform}_paused"
        self._store = store
        self._sessions = sessions
        self._door = door
        self._inbox = inbox

    @property
    def happenings(self) -> Mapping[str, Happening]:
        """What is done about what this class stores, by its name; each may be repeated."""
        return {self._action: self._tell}

    async def pause_in(self, channel: str, *, workspace_id: str, why: str) -> int:
        """Pause what runs in a channel or thread, have each starter told once, and return how many sessions there were.

        Harmless to repeat, also at once: a session that is paused already is left alone.

        Args:
            channel: The platform's id of the channel or thread.
            workspace_id: Whose sessions.
            why: A sentence for people, such as that the channel was archived.
        """
        live = await self._store.read(
            lambda tx: tx.sessions.list_sessions(workspace_id=workspace_id, statuses=tuple(LIVE), limit=_MOST_SESSIONS)
        )
        paused = 0
        for session in live:
            if channel in _places(session):
                paused += await self.pause(session, why=why)
        if paused:
            _log.info("channel_closed", workspace_id=workspace_id, paused=paused)
        return paused

    async def pause(self, session: Session, *, why: str, can_resume: bool = True) -> bool:
        """Pause a session and have its starter told once; False where it ended or waits already.

        Args:
            session: As it was read.
            why: A sentence for people.
            can_resume: Whether to go on leads anywhere.
        """
        if session.status in _STILL:
            return False
        request = Request(
            id=f"q_{derived_key(self._action, session.id, new_id('n'))}",
            kind=RequestKind.HAPPENED,
            actor=Actor(session.workspace_id, ""),
            spot=Spot(session.thread, Place.THREAD),
            values={"session": session.id, "why": why, "can_resume": can_resume},
            action=self._action,
        )
        meant: list[str] = []

        def mean(tx: Transaction) -> None:
            self._inbox.mean(tx, request)
            meant.append(request.id)

        try:
            await self._sessions.pause(session.id, actor=_ACTOR, also=mean)
        except (NotPossibleNow, SessionNotFound, ConflictError):  # it ended, or waits already
            return False
        if meant:
            self._inbox.begin(request.id)
        return bool(meant)

    async def _tell(self, request: Request) -> None:
        """Tell who started a session that it waits, unless somebody let it go on or end, or removed the app, meanwhile."""

        def read(tx: Transaction) -> Session | None:
            session = tx.sessions.find(str(request.values["session"]))
            return None if session is None or is_left_behind(tx, session) else session

        found = await self._store.read(read)
        if found is None or found.status not in _STILL or found.desired is Desired.STOP:
            return
        notice = _notice(found, str(request.values["why"]), can_resume=bool(request.values["can_resume"]))
        await self._door.tell_once(found.member_id, notice, key=request.id.removeprefix("q_"))


def _places(session: Session) -> frozenset[str]:
    """Return the ids of where a session lives: its channel, without what the platform puts before it, and its thread."""
    return frozenset({session.thread.channel.rpartition("/")[2], session.thread.thread})


def _notice(session: Session, why: str, *, can_resume: bool) -> View:
    title = f"{session.title} is paused"
    resume = (Button("resume", "Resume session", session.id, style=Style.PRIMARY),) if can_resume else ()
    buttons = (
        *resume,
        Button("files", "Show files", session.id),
        Button("stop", "Stop session", session.id, style=Style.DANGER),
    )
    text = f"{why} Nothing is lost, and nothing is charged meanwhile."
    return View((Heading(title), Text(text), Buttons(buttons)), f"{title}. {why}")
