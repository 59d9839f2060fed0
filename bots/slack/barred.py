"""Where the app may not speak in Slack, and what people can change about it: see `bots.desk.barred`.

The words are those of chat.postMessage and chat.update that speak of the place (docs: chat.postMessage, chat.update; Slack's
Java SDK has the list). Those that speak of the message, such as ``msg_too_long``, are no reason to stop.
"""

from bots.desk.barred import CannotSpeak, Refusals
from bots.slack.places import place_of
from bots.slack.tenants import PLATFORM, workspace_id_of
from core.orchestration.ports import HistoryUnreadable, PostRefused
from core.sessions.model import ThreadRef

__all__ = ["REFUSALS", "CannotSpeak", "where"]
_ARCHIVED = "Its channel is archived: whoever may manage channels can bring it back."
_READ_ONLY = "Only some people may post in its channel: an admin can let me in the channel's settings."
_LOCKED = "Its thread is locked: an admin can unlock it."
_NO_REPLIES = "Nobody may reply in threads of its channel: an admin can change that in the channel's settings."
_AWAY = "I am not in its channel any more: type /invite @Atelier there."
_SUSPENDED = "Your Slack's admins do not let me post: they can change that."
_WHY = {
    "is_archived": _ARCHIVED,
    "is_inactive": _ARCHIVED,
    "not_in_channel": _AWAY,
    "no_permission": _AWAY,
    "channel_not_found": "I do not see its channel any more: if it is still there, type /invite @Atelier in it.",
    "restricted_action": _READ_ONLY,
    "restricted_action_read_only_channel": _READ_ONLY,
    "restricted_action_thread_only_channel": "In its channel only replies may be posted: an admin can change that.",
    "restricted_action_non_threadable_channel": _NO_REPLIES,
    "restricted_action_thread_locked": _LOCKED,
    "thread_locked": _LOCKED,
    "posting_to_general_channel_denied": _READ_ONLY,
    "messages_tab_disabled": "My direct messages are switched off: an admin can switch on this app's Messages tab.",
    "ekm_access_denied": _SUSPENDED,
    "access_denied": _SUSPENDED,
    "team_access_not_granted": _SUSPENDED,
    "missing_scope": "I lack a permission: an admin has to install me again.",
    "cannot_reply_to_message": "The message that its thread begins with was deleted, so nothing can be posted there.",
}
_GONE = frozenset({"cannot_reply_to_message"})


def where(thread: ThreadRef) -> str:
    """Return what names the place where a session posts."""
    return f"{thread.channel}/{thread.thread}"


def _reason_of(error: PostRefused | HistoryUnreadable) -> str:
    """Return Slack's code; of history that cannot be read only where the app is not in the channel, and could not post."""
    if isinstance(error, PostRefused):
        return error.reason
    cause = error.__cause__
    return cause.reason if isinstance(cause, PostRefused) and cause.reason == "not_in_channel" else ""


def _why(reason: str) -> str:
    return _WHY.get(reason, "")


def _workspace_of(thread: ThreadRef) -> str:
    return workspace_id_of(place_of(thread).team)


REFUSALS = Refusals(PLATFORM, reason_of=_reason_of, why=_why, workspace_of=_workspace_of, gone=_GONE)
