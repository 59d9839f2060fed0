"""Reading back: which of our messages arrived, by the key in its metadata."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bots.slack import limits
from bots.slack.api import RateLimited, SlackApi
from bots.slack.places import Place
from bots.slack.posts import DRAFT_KEY, Found, found_of
from core.errors import TransientError
from core.orchestration.ports import HistoryUnreadable, PostRefused

_SKEW = timedelta(minutes=2)  # our clock may be ahead of Slack's, whose moment a message's ts is
_THREAD_SKEW = timedelta(hours=1)  # a post may stand in the place of a draft, a message from earlier in its round
_EPOCH = datetime.fromtimestamp(0, UTC)
_UNREADABLE = frozenset({"missing_scope", "not_in_channel", "not_allowed_token_type", "access_denied"})
_NO_THREAD = frozenset({"thread_not_found", "message_not_found"})


class History:
    """Finds messages."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def find(self, place: Place, key: str, since: datetime, *, thread: str = "") -> Found | None:
        """Return the message that carries *key*, None if none did since *since*.

        Args:
            place: Where to look.
            key: The post's key.
            since: When it was meant.
            thread: The thread to look in; empty for the channel's own messages.

        Raises:
            HistoryUnreadable: If Slack does not show everything since then.
            PostRefused: If the app cannot be there any more.
        """
        begin = max(since, _EPOCH + _THREAD_SKEW) - (_THREAD_SKEW if thread else _SKEW)
        oldest = f"{begin.timestamp():.6f}"
        cursor = ""
        for _ in range(limits.HISTORY_PAGES):
            page = await self._next_page(place, thread, oldest, cursor)
            if page is None:
                return None
            for message in page.get("messages", ()):
                found = found_of(message)
                if found is not None and found.key == key:
                    return found
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                if page.get("has_more"):
                    break
                return None
        raise HistoryUnreadable("Slack holds more messages than can be looked through")

    async def find_leftovers(self, place: Place, *, thread: str, after: str) -> tuple[str, ...]:
        """Return the messages of ours in a thread since that at *after* which carry no post's key: forsaken drafts.

        Raises:
            HistoryUnreadable: If Slack does not show them.
            PostRefused: If the app cannot be there any more.
        """
        page = await self._page(place, thread, after, "") or {}
        known = [(message, found_of(message)) for message in page.get("messages", ())]
        ours = {message.get("bot_id") for message, found in known if found is not None}
        return tuple(
            str(message["ts"])
            for message, found in known
            if message.get("bot_id") in ours
            and (found is None or found.key.startswith(DRAFT_KEY))
            and str(message["ts"]) > after
        )

    async def _next_page(self, place: Place, thread: str, oldest: str, cursor: str) -> dict[str, Any] | None:
        """Return `_page`; in the middle of a walk a limit is waited for, or an app with a read a minute never arrives."""
        try:
            return await self._page(place, thread, oldest, cursor)
        except HistoryUnreadable as error:
            if not cursor or not isinstance(error.__cause__, RateLimited):
                raise
        return await self._page(place, thread, oldest, cursor)

    async def _page(self, place: Place, thread: str, oldest: str, cursor: str) -> dict[str, Any] | None:
        """Return one page, None where the thread is not there at all."""
        arguments: dict[str, Any] = {
            "channel": place.channel,
            "oldest": oldest,
            "inclusive": True,
            "include_all_metadata": True,
            "limit": limits.HISTORY_PAGE,
        }
        if cursor:
            arguments["cursor"] = cursor
        try:
            if thread:
                answer: Any = await self._api.call(
                    place.team,
                    "conversations.replies",
                    lambda client: client.conversations_replies(ts=thread, **arguments),
                )
            else:
                answer = await self._api.call(
                    place.team, "conversations.history", lambda client: client.conversations_history(**arguments)
                )
        except PostRefused as error:
            if error.reason in _NO_THREAD:
                return None
            if error.reason in _UNREADABLE:
                raise HistoryUnreadable(f"Slack: {error.reason}") from error
            raise
        except TransientError as error:
            raise HistoryUnreadable(str(error), retry_after_seconds=error.retry_after_seconds) from error
        page: dict[str, Any] = answer.data
        return page
