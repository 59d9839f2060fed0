"""A channel or thread is closed to the app: what runs there is paused, and who started it is told elsewhere."""

from typing import Protocol

import structlog

from bots.views.elements import Button, Buttons, Heading, Style, Text, View
from core.errors import ConflictError, TransientError
from core.sessions.errors import NotPossibleNow, SessionNotFound
from core.sessions.model import LIVE, Session, Status
from core.sessions.ports import Store

_log = structlog.get_logger(__name__)
_ACTOR = "system"
_MOST_SESSIONS = 1_000
_STILL = frozenset({Status.PAUSING, Status.PAUSED})


class Pausing(Protocol):
    """What `core.sessions.service.SessionService` does here."""

    async def pause(self, session_id: str, *, actor: str) -> Session:
        """See there."""
        ...


class Telling(Protocol):
    """What `bots.desk.door.Door` does here."""

    async def tell(self, member_id: str, view: View) -> bool:
        """See there."""
        ...


async def pause_in(channel: str, *, workspace_id: str, why: str, store: Store, sessions: Pausing, door: Telling) -> int:
    """Pause what runs in a channel or thread, tell each starter in direct messages, and return how many sessions there were.

    Harmless to repeat: a session that is paused already is left alone.

    Args:
        channel: The platform's id of the channel or thread.
        workspace_id: Whose sessions.
        why: A sentence for people, such as that the channel was archived.
        store: Where sessions are.
        sessions: Pauses them.
        door: Tells people.
    """
    live = await store.read(
        lambda tx: tx.sessions.list_sessions(workspace_id=workspace_id, statuses=tuple(LIVE), limit=_MOST_SESSIONS)
    )
    paused = 0
    for session in live:
        if channel not in _places(session) or session.status in _STILL:
            continue
        try:
            await sessions.pause(session.id, actor=_ACTOR)
        except (NotPossibleNow, SessionNotFound, ConflictError):  # it ended, or waits already
            continue
        paused += 1
        try:
            await door.tell(session.member_id, _notice(session, why))
        except TransientError as error:  # told again by nobody: a repeat finds the session paused
            _log.warning("notice_lost", session=session.id, error=type(error).__name__)
    if paused:
        _log.info("channel_closed", workspace_id=workspace_id, paused=paused)
    return paused


def _places(session: Session) -> frozenset[str]:
    """Return the ids of where a session lives: its channel, without what the platform puts before it, and its thread."""
    return frozenset({session.thread.channel.rpartition("/")[2], session.thread.thread})


def _notice(session: Session, why: str) -> View:
    title = f"{session.title} is paused"
    buttons = (
        Button("resume", "Resume session", session.id, style=Style.PRIMARY),
        Button("files", "Show files", session.id),
        Button("stop", "Stop session", session.id, style=Style.DANGER),
    )
    return View(
        (Heading(title), Text(f"{why} Nothing is lost, and nothing is charged."), Buttons(buttons)), f"{title}. {why}"
    )
