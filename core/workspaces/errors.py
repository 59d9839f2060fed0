"""What can go wrong with what workspaces entrusted to us."""

from core.errors import AtelierError


class SecretUnreadable(AtelierError):
    """A stored secret was made with a key that is not among ours, was changed, or stands where it does not belong."""
