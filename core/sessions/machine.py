"""The state machine: every change of a session's status goes through `move`."""

from dataclasses import replace
from typing import Any

from core.errors import ConflictError
from core.sessions.model import TRANSITIONS, Desired, Session, Status


class IllegalMove(ConflictError):
    """Somebody else moved the session first, or the verb does not fit its status.

    Attributes:
        session_id: Which session.
        status: Where it stands.
        wanted: Where it should have gone.
    """

    def __init__(self, session_id: str, status: Status, wanted: Status) -> None:
        super().__init__(f"{session_id}: {status} cannot become {wanted}")
        self.session_id = session_id
        self.status = status
        self.wanted = wanted


def move(session: Session, status: Status, **changes: Any) -> Session:
    """Return *session* in *status* with *changes*.

    Raises:
        IllegalMove: If `TRANSITIONS` does not allow it.
    """
    if status not in TRANSITIONS[session.status]:
        raise IllegalMove(session.id, session.status, status)
    return replace(session, status=status, **changes)


def requeued(session: Session) -> Session:
    """Return *session* at the start of its next segment; raises as `move`."""
    return move(
        session,
        Status.QUEUED,
        desired=Desired.RUN,
        segment=session.segment + 1,
        end_reason=None,
        ended_at=None,
        wake_at=None,
    )
