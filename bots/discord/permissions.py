"""What the app must be allowed to, by the names under which people find it in a server's settings."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntFlag
from functools import reduce
from operator import or_
from typing import Any

ADMINISTRATOR, MANAGE_GUILD = 1 << 3, 1 << 5
_ALL = (1 << 60) - 1


class Permission(IntFlag):
    """Bits of a set of permissions (docs: Permissions)."""

    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    SEND_MESSAGES_IN_THREADS = 1 << 38


WANTED = reduce(or_, Permission)
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


def in_server(everyone: str, roles: Mapping[str, int], member_roles: Iterable[str], *, is_owner: bool = False) -> int:
    """Return what a member may do where no channel changes it (docs: Permissions).

    Args:
        everyone: Id of the role that all have: the server's.
        roles: What each role may do, by its id.
        member_roles: Ids of the member's roles.
        is_owner: Whether the server is theirs.
    """
    if is_owner:
        return _ALL
    granted = roles.get(everyone, 0)
    for role in member_roles:
        granted |= roles.get(role, 0)
    return _ALL if granted & ADMINISTRATOR else granted


def in_channel(
    granted: int, overwrites: Sequence[Mapping[str, Any]], *, everyone: str, member: str, member_roles: Iterable[str]
) -> int:
    """Return what a member may do in a channel: what they may in the server, changed by its overwrites.

    A thread has those of its channel.
    """
    if granted == _ALL:
        return granted
    by_id = {str(one["id"]): (int(one.get("allow") or 0), int(one.get("deny") or 0)) for one in overwrites}
    nothing = (0, 0)
    allow, deny = by_id.get(everyone, nothing)
    granted = granted & ~deny | allow
    allow = deny = 0
    for role in member_roles:
        more_allow, more_deny = by_id.get(role, nothing)
        allow, deny = allow | more_allow, deny | more_deny
    granted = granted & ~deny | allow
    allow, deny = by_id.get(member, nothing)
    granted = granted & ~deny | allow
    return granted if granted & Permission.VIEW_CHANNEL else 0
