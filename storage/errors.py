"""What can go wrong with the storage itself."""

from core.errors import AtelierError, TransientError


class DatabaseUnavailable(TransientError):
    """The database cannot be reached or cannot work right now: locked, full, restarting, out of connections."""


class RoleUnknown(AtelierError):
    """The database server has no such role.

    Attributes:
        role: Its name.
    """

    def __init__(self, role: str) -> None:
        super().__init__(f"the database server has no role {role}")
        self.role = role


class DatabaseClosed(AtelierError):
    """Work was brought to a database that was closed: a fault in the order of shutting down."""
