"""What can go wrong with workspaces: who may not, and what they entrusted to us."""

from core.errors import AtelierError, UserFacingError


class SecretUnreadable(AtelierError):
    """A stored secret was made with a key that is not among ours, was changed, or stands where it does not belong."""


class NotAllowed(UserFacingError):
    """Somebody may not do what they asked.

    Attributes:
        reason: A `core.workspaces.access.Denial`.
    """

    code = "not_allowed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
