"""Places where the app may not speak any more: its session waits, whoever started it hears what to do, and nothing is lost.

A post that a place refuses for a reason that people can mend is kept where it still matters, and said once the place is open
again (`core.orchestration.ports.NotInstalled`). Whoever finds out is mostly a session at work, in any process; what follows
is stored as a request, so that it is done once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from bots.commands import Place
from bots.desk.closing import Closing, Happening, Telling
from bots.desk.departing import is_left_behind
from bots.desk.requests import Actor, Request, RequestKind, Spot
from bots.views.elements import Button, Buttons, Heading, Text, View
from core.clock import Clock
from core.errors import AtelierError
from core.ids import derived_key
from core.orchestration.ports import HistoryUnreadable, NotInstalled, PostKind, PostRefused
from core.sessions.model import ENDED, LIVE, Session, ThreadRef
from core.sessions.ports import OutboxState, Store, Transaction

_log = structlog.get_logger(__name__)
SECONDS = 300.0
"""How long it is not tried again whether a place that refused a post is open, unless a session works there."""
_TOLD_SECONDS = 60
"""How often one refusal of one place is stored: while a session works, each of its posts is refused."""


class CannotSpeak(NotInstalled):
    """The app may not post there until somebody changes it."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a platform's refusals mean.

    Attributes:
        platform: ``slack`` or ``discord``.
        reason_of: The word for an error; empty for one that says nothing about the place.
        why: What people can change, by that word, as a sentence; empty for a refusal of the post alone.
        workspace_of: The workspace of a thread.
        gone: Words after which nothing can ever be posted there: nothing is kept.
        heard: Those of them of which the platform tells by an event, and what is done then says more.
    """

    platform: str
    reason_of: Callable[[PostRefused | HistoryUnreadable], str]
    why: Callable[[str], str]
    workspace_of: Callable[[ThreadRef], str]
    gone: frozenset[str] = frozenset()
    heard: frozenset[str] = frozenset()

    @property
    def barred(self) -> str:
        """The name of the request that says that a place is closed."""
        return f"{self.platform}_barred"

    @property
    def unsaid(self) -> str:
        """The name of the request that says that a result stands nowhere."""
        return f"{self.platform}_unsaid"


class Taking(Protocol):
    """What `bots.desk.inbox.Inbox.take` does here."""

    def __call__(self, request: Request, *, source: str, keys: Sequence[str]) -> Coroutine[Any, Any, bool]:
        """See there."""
        ...


class Barred:
    """Finds out where the app may not speak.

    Args:
        refusals: The platform's.
        clock: The time.
    """

    def __init__(self, refusals: Refusals, clock: Clock) -> None:
        self._refusals = refusals
        self._clock = clock
        self._take: Taking | None = None
        self._refused: dict[str, tuple[float, str]] = {}

    def hand_to(self, take: Taking) -> None:
        """Have what was found stored by *take*; without it, it is only said in the log."""
        self._take = take

    def check(self, place: str) -> None:
        """Return if it is worth a call to look at a place, or to bring up to date what stands there.

        Raises:
            CannotSpeak: If the platform refused a post there not long ago.
        """
        until, reason = self._refused.get(place, (0.0, ""))
        if reason and until > self._clock.monotonic():
            raise CannotSpeak(reason)

    def lift(self, place: str) -> None:
        """Ask again at once: a session works there, perhaps because somebody opened the place and pressed Resume."""
        self._refused.pop(place, None)

    @asynccontextmanager
    async def watch(self, thread: ThreadRef, place: str, *, session_id: str = "") -> AsyncIterator[None]:
        """Watch over calls that post.

        Args:
            thread: Where the session lives, or was asked for.
            place: What names the place where they post.
            session_id: The session; empty for the newest in *thread*.

        Raises:
            CannotSpeak: For a refusal that people can mend.
        """
        try:
            yield
        except (PostRefused, HistoryUnreadable) as error:
            reason = self._refusals.reason_of(error)
            if not self._refusals.why(reason):
                raise
            await self._report(thread, reason, session_id)
            if reason in self._refusals.gone:
                raise
            self._keep(place, reason)
            raise CannotSpeak(reason) from error

    def _keep(self, place: str, reason: str) -> None:
        now = self._clock.monotonic()
        self._refused = {name: one for name, one in self._refused.items() if one[0] > now}
        self._refused[place] = (now + SECONDS, reason)

    async def _report(self, thread: ThreadRef, reason: str, session_id: str) -> None:
        refusals = self._refusals
        _log.warning(refusals.barred, channel=thread.channel, thread=thread.thread, reason=reason)
        if self._take is None:
            return
        period = int(self._clock.now().timestamp() // _TOLD_SECONDS)
        key = derived_key(refusals.barred, thread.channel, thread.thread, session_id, reason, period)
        request = Request(
            id=f"q_{key}",
            kind=RequestKind.HAPPENED,
            actor=Actor(refusals.workspace_of(thread), ""),
            spot=Spot(thread, Place.THREAD),
            values={"reason": reason, "session": session_id},
            action=refusals.barred,
        )
        try:
            # what stops a session must not run as a part of it
            await asyncio.create_task(self._take(request, source=refusals.platform, keys=(key,)), context=Context())
        except AtelierError as error:  # the next post finds out again
            _log.warning("barred_untold", error=type(error).__name__)


class BarredPlaces:
    """What is done about a place that is closed; see `bots.desk.desk.Desk.happenings`.

    Args:
        refusals: The platform's.
        store: Where sessions are.
        closing: Pauses them, and has their starters told.
        door: Tells people of results that were not posted.
        take: Stores what is done once.
    """

    def __init__(self, refusals: Refusals, *, store: Store, closing: Closing, door: Telling, take: Taking) -> None:
        self._refusals = refusals
        self._store = store
        self._closing = closing
        self._door = door
        self._take = take

    @property
    def happenings(self) -> Mapping[str, Happening]:
        """What is done, by its name; each may be repeated."""
        return {self._refusals.barred: self._barred, self._refusals.unsaid: self._tell_result}

    async def _barred(self, request: Request) -> None:
        """Pause the session that cannot speak; of one that is over see that its starter hears of the result."""
        session, is_unsaid = await self._find(request)
        if session is None:
            return
        reason = str(request.values["reason"])
        if session.status in LIVE:
            if reason not in self._refusals.heard:
                is_gone, why = reason in self._refusals.gone, self._refusals.why(reason)
                then = "" if is_gone else " Then press Resume session."
                await self._closing.pause(session, why=why + then, can_resume=not is_gone)
        elif session.status in ENDED and is_unsaid:
            key = derived_key(self._refusals.unsaid, session.id, str(session.segment))
            values = request.values | {"session": session.id}
            told = replace(request, id=f"q_{key}", action=self._refusals.unsaid, values=values)
            await self._take(told, source=self._refusals.platform, keys=(key,))

    async def _tell_result(self, request: Request) -> None:
        """Say once that a session is over whose result stands nowhere yet."""
        session, is_unsaid = await self._find(request)
        if session is not None and session.status in ENDED and is_unsaid:
            reason = str(request.values["reason"])
            notice = _ended(session, self._refusals.why(reason), is_kept=reason not in self._refusals.gone)
            await self._door.tell_once(session.member_id, notice, key=request.id.removeprefix("q_"))

    async def _find(self, request: Request) -> tuple[Session | None, bool]:
        """Return the session that a request is about, and whether its result is meant and not posted.

        Where the app was removed there is none: its departure stops what runs there and tells nobody.
        """
        thread, session_id = request.spot.thread, str(request.values["session"])

        def read(tx: Transaction) -> tuple[Session | None, bool]:
            if session_id:
                session = tx.sessions.find(session_id)
            else:
                session = tx.sessions.find_by_thread(thread.platform, thread.channel, thread.thread)
            if session is not None and is_left_behind(tx, session):
                return None, False
            rows = tx.outbox.list_session(session.id) if session is not None else ()
            results = [row for row in rows if row.kind == PostKind.RESULT and not row.facts.get("channel")]
            return session, bool(results) and results[-1].state is not OutboxState.SENT

        return await self._store.read(read)


def _ended(session: Session, why: str, *, is_kept: bool) -> View:
    title = f"{session.title} is done"
    later = " Its result is posted there as soon as I may." if is_kept else ""
    text = f"{why}{later} Its files are here."
    return View((Heading(title), Text(text), Buttons((Button("files", "Show files", session.id),))), f"{title}. {why}")
