"""Places where the app may not speak any more: its session waits, whoever started it hears what to do, and nothing is lost.

A post that a place refuses for a reason that people can mend is kept where it still matters, and said once the place is open
again (`core.orchestration.ports.NotInstalled`). Whoever finds out is mostly a session at work, in any process; what follows
is stored as a request, so that it is done once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import replace
from typing import Any, Protocol

import structlog

from bots.commands import Place as Where
from bots.desk.requests import Actor, Request, RequestKind, Spot
from bots.discord import limits
from bots.discord.decoded import PLATFORM
from bots.discord.memory import Recent
from bots.discord.places import place_of, workspace_ref
from bots.views.elements import Button, Buttons, Heading, Style, Text, View
from core.clock import Clock
from core.errors import AtelierError, ConflictError
from core.ids import derived_key
from core.orchestration.ports import HistoryUnreadable, NotInstalled, PostKind, PostRefused
from core.sessions.errors import NotPossibleNow, SessionNotFound
from core.sessions.model import ENDED, LIVE, Session, Status, ThreadRef
from core.sessions.ports import OutboxState, Store, Transaction

_log = structlog.get_logger(__name__)
Happening = Callable[[Request], Awaitable[object]]
BARRED = "discord_barred"
_UNSAID = "discord_unsaid"
_ACTOR = "system"
_STILL = frozenset({Status.PAUSING, Status.PAUSED})
_GONE = "unknown_channel"
_WHY = {
    "thread_locked": "Its thread is locked: whoever may manage threads can unlock it.",
    "missing_access": "I do not see its channel any more: an admin can give me View Channel in the channel's settings.",
    "missing_permissions": "I lack the permission {named} there: an admin can give it in the channel's settings.",
    "takes_no_messages": "Your direct messages are closed to me: open them for this server.",
    _GONE: "Its channel or thread was deleted.",
}
_ANY_PERMISSION = "Send Messages"


class CannotSpeak(NotInstalled):
    """The app may not post there until somebody changes it."""


class Taking(Protocol):
    """What `bots.desk.inbox.Inbox.take` does here."""

    def __call__(self, request: Request, *, source: str, keys: Sequence[str]) -> Coroutine[Any, Any, bool]:
        """See there."""
        ...


class Pausing(Protocol):
    """What `core.sessions.service.SessionService` does here."""

    async def pause(self, session_id: str, *, actor: str) -> Session:
        """See there."""
        ...


class Telling(Protocol):
    """What `bots.discord.door.DiscordDoor` does here."""

    async def tell_once(self, member_id: str, view: View, *, key: str) -> bool:
        """See there."""
        ...


class Barred:
    """Finds out where the app may not speak.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._take: Taking | None = None
        self._refused: Recent[str, str] = Recent(clock, seconds=limits.BARRED_SECONDS)

    def hand_to(self, take: Taking) -> None:
        """Have what was found stored by *take*; without it, it is only said in the log."""
        self._take = take

    def check(self, channel: str) -> None:
        """Return if it is worth a call to look at a place, or to bring up to date what stands there.

        Raises:
            CannotSpeak: If Discord refused a post there not long ago.
        """
        reason = self._refused.get(channel)
        if reason is not None:
            raise CannotSpeak(reason)

    @asynccontextmanager
    async def watch(self, thread: ThreadRef, channel: str, *, session_id: str = "") -> AsyncIterator[None]:
        """Watch over calls that post.

        Args:
            thread: Where the session lives, or was asked for.
            channel: Where they post.
            session_id: The session; empty for the newest in *thread*.

        Raises:
            CannotSpeak: For a refusal that people can mend.
        """
        try:
            yield
        except (PostRefused, HistoryUnreadable) as error:
            reason = _reason_of(error)
            if reason.partition(":")[0] not in _WHY:
                raise
            await self._report(thread, reason, session_id)
            if reason == _GONE:
                raise
            self._refused.keep(channel, reason)
            raise CannotSpeak(reason) from error

    async def _report(self, thread: ThreadRef, reason: str, session_id: str) -> None:
        _log.warning("discord_barred", channel=thread.channel, thread=thread.thread, reason=reason)
        if self._take is None:
            return
        period = int(self._clock.now().timestamp() // limits.BARRED_SECONDS)
        key = derived_key(BARRED, thread.channel, thread.thread, session_id, reason, period)
        request = Request(
            id=f"q_{key}",
            kind=RequestKind.HAPPENED,
            actor=Actor(workspace_ref(place_of(thread).guild), ""),
            spot=Spot(thread, Where.THREAD),
            values={"reason": reason, "session": session_id},
            action=BARRED,
        )
        try:
            # what stops a session must not run as a part of it
            await asyncio.create_task(self._take(request, source=PLATFORM, keys=(key,)), context=Context())
        except AtelierError as error:  # the next post finds out again
            _log.warning("discord_barred_untold", error=type(error).__name__)


class BarredPlaces:
    """What is done about a place that is closed; see `bots.desk.desk.Desk.happenings`.

    Args:
        store: Where sessions are.
        sessions: Pauses them.
        door: Tells people.
        take: Stores what is done once.
    """

    def __init__(self, *, store: Store, sessions: Pausing, door: Telling, take: Taking) -> None:
        self._store = store
        self._sessions = sessions
        self._door = door
        self._take = take

    @property
    def happenings(self) -> Mapping[str, Happening]:
        """What is done, by its name; each may be repeated."""
        return {BARRED: self._barred, _UNSAID: self._tell_result}

    async def _barred(self, request: Request) -> None:
        """Pause the session that cannot speak; of one that is over see that its starter hears of the result."""
        session, is_unsaid = await self._find(request)
        if session is None:
            return
        if session.status in LIVE and request.values["reason"] == _GONE:
            return  # the gateway tells of a deleted place, and whoever catches up: with its own words
        if session.status in LIVE and session.status not in _STILL:
            why = _why(str(request.values["reason"]))
            # first told, then paused: a repeat finds it paused and tells nobody
            await self._door.tell_once(session.member_id, _paused(session, why), key=request.id.removeprefix("q_"))
            try:
                await self._sessions.pause(session.id, actor=_ACTOR)
            except (NotPossibleNow, SessionNotFound, ConflictError):  # it ended, or waits already
                return
        elif session.status in ENDED and is_unsaid:
            key = derived_key(_UNSAID, session.id, str(session.segment))
            values = request.values | {"session": session.id}
            await self._take(
                replace(request, id=f"q_{key}", action=_UNSAID, values=values), source=PLATFORM, keys=(key,)
            )

    async def _tell_result(self, request: Request) -> None:
        """Say once that a session is over whose result stands nowhere yet."""
        session, is_unsaid = await self._find(request)
        if session is not None and session.status in ENDED and is_unsaid:
            why = _why(str(request.values["reason"]))
            await self._door.tell_once(session.member_id, _ended(session, why), key=request.id.removeprefix("q_"))

    async def _find(self, request: Request) -> tuple[Session | None, bool]:
        """Return the session that a request is about, and whether its result is meant and not posted."""
        thread, session_id = request.spot.thread, str(request.values["session"])

        def read(tx: Transaction) -> tuple[Session | None, bool]:
            if session_id:
                session = tx.sessions.find(session_id)
            else:
                session = tx.sessions.find_by_thread(thread.platform, thread.channel, thread.thread)
            rows = tx.outbox.list_session(session.id) if session is not None else ()
            results = [row for row in rows if row.kind == PostKind.RESULT]
            return session, bool(results) and results[-1].state is not OutboxState.SENT

        return await self._store.read(read)


def _reason_of(error: PostRefused | HistoryUnreadable) -> str:
    """Return the word for a refusal; history that may not be seen at all belongs to a place that is not seen."""
    if isinstance(error, PostRefused):
        return error.reason
    cause = error.__cause__
    return cause.reason if isinstance(cause, PostRefused) and cause.reason == "missing_access" else ""


def _why(reason: str) -> str:
    word, _, named = reason.partition(": ")
    return _WHY[word].format(named=named or _ANY_PERMISSION)


def _paused(session: Session, why: str) -> View:
    title = f"{session.title} is paused"
    buttons = (
        Button("resume", "Resume session", session.id, style=Style.PRIMARY),
        Button("files", "Show files", session.id),
        Button("stop", "Stop session", session.id, style=Style.DANGER),
    )
    text = f"{why} Then press Resume session. Nothing is lost, and nothing is charged meanwhile."
    return View((Heading(title), Text(text), Buttons(buttons)), f"{title}. {why}")


def _ended(session: Session, why: str) -> View:
    title = f"{session.title} is done"
    later = "" if why == _WHY[_GONE] else " Its result is posted there as soon as I may."
    text = f"{why}{later} Its files are here."
    return View((Heading(title), Text(text), Buttons((Button("files", "Show files", session.id),))), f"{title}. {why}")
