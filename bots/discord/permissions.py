"""What the app must be allowed to, by the names under which people find it in a server's settings."""

from enum import IntFlag


class Permission(IntFlag):
    """Bits of a set of permissions (docs: Permissions)."""

    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


WANTED = ~Permission(0)
"""Everything that the app asks for when it is invited."""
_NEEDED = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY | Permission.ATTACH_FILES


def missing(granted: int, *, in_thread: bool = False, is_private: bool = False) -> tuple[str, ...]:
    """Return the names of what is missing for a session, none where it can begin.

    Args:
        granted: What the app may do in the channel, as Discord says with every interaction.
        in_thread: Whether it would live in the thread in which it was asked for.
        is_private: Whether it wants a private thread.
    """
    needed = _NEEDED | Permission.SEND_MESSAGES_IN_THREADS
    if not in_thread:
        needed |= Permission.CREATE_PRIVATE_THREADS if is_private else Permission.CREATE_PUBLIC_THREADS
        if not is_private:
            needed |= Permission.SEND_MESSAGES
    return tuple(name_of(one) for one in Permission if one & needed and not one & granted)


def name_of(permission: Permission) -> str:
    """Return ``Send Messages in Threads``."""
    words = (permission.name or "").split("_")
    return " ".join(word.lower() if word == "IN" else word.capitalize() for word in words)
