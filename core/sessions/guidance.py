"""What a message in a session's thread counts as, in whatever order what became of it is told.

A platform tells of a message, of its edits and of its deletion one by one. Each may come twice, and a later one may come
before an earlier one: the message waits for a retry while its deletion goes through. So a row remembers what was told, also of a
message that was not heard of yet, and what is told last in time wins, whenever it arrives.
"""

from collections.abc import Iterable
from dataclasses import replace

from core.sessions.model import Guidance
from core.sessions.ports import Transaction

GONE = "~"
"""The revision of a message that was deleted, or taken out by its author for good: it sorts after every other."""


_CONTINUES = "continue-"


def continuing_id(segment: int) -> str:
    """Return the id of what somebody said who had an ended session go on as *segment*."""
    return f"{_CONTINUES}{segment}"


def heard_from(guidance: Iterable[Guidance]) -> int:
    """Return the first round that heard what its people last went on with, 0 where they said nothing."""
    taken = (item.taken_round for item in guidance if item.id.startswith(_CONTINUES) and not item.muted)
    return max((number for number in taken if number is not None), default=0)


def merge(known: Guidance | None, told: Guidance) -> Guidance:
    """Return what is known of a message after something more was told.

    In whichever order a message and what became of it are merged, and however often, the result says the same.

    Args:
        known: The row so far, None for none.
        told: The message (`is_heard`, no revision), an edit of it (its revision) or its deletion (`GONE`).
    """
    if known is None:
        return _settled(told)
    author = told.member_id if told.is_heard and not known.is_heard else known.member_id
    # Nobody edits what somebody else said; of a deletion some platforms do not tell whose the message was.
    words = max(
        (one for one in (told, known) if one.member_id == author or one.revision == GONE), key=lambda one: one.revision
    )
    merged = replace(
        known,
        member_id=author,
        text=words.text,
        revision=words.revision,
        is_heard=known.is_heard or told.is_heard,
        taken_round=known.taken_round if words.text == known.text else None,
    )
    return _settled(merged)


def tell_guidance(tx: Transaction, told: Guidance) -> Guidance:
    """Record what is told of a message, and return what is known of it now; the session is locked."""
    known = merge(find_guidance(tx, told.session_id, told.id), told)
    tx.sessions.save_guidance(known)
    return known


def find_guidance(tx: Transaction, session_id: str, message_id: str) -> Guidance | None:
    """Return what is known of a message."""
    return next((item for item in tx.sessions.list_guidance(session_id) if item.id == message_id), None)


def _settled(item: Guidance) -> Guidance:
    """Return *item* muted if it does not count: unheard, gone, or without words for the room."""
    return replace(item, muted=not item.is_heard or item.revision == GONE or not item.text)
