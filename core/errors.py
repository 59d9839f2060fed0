"""The error tree. Leaves live in ``core/<domain>/errors.py`` and keep facts as attributes."""


class AtelierError(Exception):
    """Root of every error that Atelier raises on purpose; never raised itself."""


class UserFacingError(AtelierError):
    """An error that a person can act on.

    Attributes:
        code: Stable identifier, ``noun_adjective``; ``bots/views`` chooses the words.
    """

    code: str = "error"


class TransientError(AtelierError):
    """An error that may pass by itself: callers may try again.

    Attributes:
        retry_after_seconds: Earliest useful moment, in seconds from now; None when nobody knows.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ConflictError(AtelierError):
    """A repeat or a lost race: somebody else did it already, so it is safe to drop."""
