"""What can go wrong with the storage itself."""

from core.errors import AtelierError, TransientError


class DatabaseUnavailable(TransientError):
    """The database cannot be reached or cannot work right now: locked, full, restarting, out of connections."""


class DatabaseClosed(AtelierError):
    """Work was brought to a database that was closed: a fault in the order of shutting down."""
