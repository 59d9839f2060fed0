"""Where the app may not speak in Discord, and what people can change about it: see `bots.desk.barred`."""

from bots.desk.barred import CannotSpeak, Refusals
from bots.discord.decoded import PLATFORM
from bots.discord.places import place_of, workspace_ref
from core.orchestration.ports import HistoryUnreadable, PostRefused
from core.sessions.model import ThreadRef

__all__ = ["REFUSALS", "CannotSpeak"]
_GONE = "unknown_channel"
_WHY = {
    "thread_locked": "Its thread is locked: whoever may manage threads can unlock it.",
    "missing_access": "I do not see its channel any more: an admin can give me View Channel in the channel's settings.",
    "missing_permissions": "I lack the permission {named} there: an admin can give it in the channel's settings.",
    "takes_no_messages": "Your direct messages are closed to me: open them for this server.",
    _GONE: "Its channel or thread was deleted.",
}
_ANY_PERMISSION = "Send Messages"


def _reason_of(error: PostRefused | HistoryUnreadable) -> str:
    """Return the word for a refusal; history that may not be seen at all belongs to a place that is not seen."""
    if isinstance(error, PostRefused):
        return error.reason
    cause = error.__cause__
    return cause.reason if isinstance(cause, PostRefused) and cause.reason == "missing_access" else ""


def _why(reason: str) -> str:
    word, _, named = reason.partition(": ")
    return _WHY.get(word, "").format(named=named or _ANY_PERMISSION)


def _workspace_of(thread: ThreadRef) -> str:
    return workspace_ref(place_of(thread).guild)


REFUSALS = Refusals(
    PLATFORM,
    reason_of=_reason_of,
    why=_why,
    workspace_of=_workspace_of,
    gone=frozenset({_GONE}),
    heard=frozenset({_GONE}),
)
