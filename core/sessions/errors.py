"""What can go wrong with a session, for people to act on."""

from core.errors import UserFacingError
from core.sessions.model import Status


class SessionNotFound(UserFacingError):
    """There is no such session here.

    Attributes:
        session_id: What was asked for.
    """

    code = "session_not_found"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"no session {session_id!r}")
        self.session_id = session_id


class NotPossibleNow(UserFacingError):
    """The session's state does not allow the verb.

    Attributes:
        verb: ``start``, ``pause``, ``resume``, ``stop``, ``retry``, ``one_more_round``, ``continue``, ``guide``, ``delete``,
            ``forget``.
        status: Where the session stands.
    """

    code = "not_possible_now"

    def __init__(self, verb: str, status: Status) -> None:
        super().__init__(f"cannot {verb} a session that is {status}")
        self.verb = verb
        self.status = status


class TextsForgotten(UserFacingError):
    """The session's texts were removed, so it cannot go on.

    Attributes:
        session_id: Which one.
    """

    code = "texts_forgotten"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"the texts of {session_id!r} were removed")
        self.session_id = session_id


class BadRequest(UserFacingError):
    """The request itself cannot be met.

    Attributes:
        field: Which field: ``brief``, ``rounds``, ``editors``, ``threshold``, ``model``, ``cast``, ``upload``, ``cap``.
        reason: One sentence in plain words.
    """

    code = "bad_request"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
