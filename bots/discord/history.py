"""Reading back: which of our messages arrived, by the mark on its components."""

from datetime import datetime, timedelta
from typing import Any

from bots.discord import limits
from bots.discord.api import DiscordApi
from bots.discord.layout import Json
from bots.discord.marks import mark_of, read_mark
from bots.discord.places import id_at
from core.errors import TransientError
from core.orchestration.ports import HistoryUnreadable, PostRefused

_SKEW = timedelta(minutes=2)  # our clock may be ahead of Discord's, which makes the ids
_UNREADABLE = frozenset({"missing_access", "missing_permissions"})


class History:
    """Finds messages."""

    def __init__(self, api: DiscordApi) -> None:
        self._api = api

    async def find(self, channel: str, key: str, since: datetime) -> str | None:
        """Return the id of the message that carries *key*, None if none did since *since*.

        Raises:
            HistoryUnreadable: If Discord does not show everything since then.
            PostRefused: If the channel is not there any more.
        """
        wanted, after = mark_of(key), _after(since)
        me = await self._me()
        for _ in range(limits.HISTORY_PAGES):
            page = await self._page(channel, after)
            if not page:
                await self._confirm_nothing(channel, after)
                return None
            for message in page:
                mark = read_mark(message.get("components") or ())
                if mark is not None and mark.of_same_key(wanted) and message["author"]["id"] == me:
                    return str(message["id"])
            if len(page) < limits.HISTORY_PAGE:
                return None
            after = str(max(int(message["id"]) for message in page))
        raise HistoryUnreadable("Discord holds more messages than can be looked through")

    async def _me(self) -> str:
        try:
            return await self._api.me()
        except TransientError as error:
            raise HistoryUnreadable(str(error), retry_after_seconds=error.retry_after_seconds) from error

    async def _page(self, channel: str, after: str) -> list[Json]:
        query = {"after": after, "limit": limits.HISTORY_PAGE}
        page: Any = await self._read("/channels/{channel_id}/messages", query, channel_id=channel)
        return list(page)

    async def _confirm_nothing(self, channel: str, after: str) -> None:
        """Return if there really is nothing: without the right to read history, Discord shows an empty one.

        Raises:
            HistoryUnreadable: If there is something that we are not shown.
        """
        found: Any = await self._read("/channels/{channel_id}", channel_id=channel)
        last = found.get("last_message_id")
        if last is None or int(last) <= int(after):
            return
        try:
            await self._read("/channels/{channel_id}/messages/{message_id}", channel_id=channel, message_id=str(last))
        except PostRefused as error:
            if error.reason == "unknown_message":
                return  # it was deleted, and Discord goes on naming it
            raise
        raise HistoryUnreadable("Discord shows no history here: the app lacks the permission Read Message History")

    async def _read(self, path: str, query: Json | None = None, *, channel_id: str, message_id: str = "") -> Any:
        try:
            return await self._api.call("GET", path, query=query, channel_id=channel_id, message_id=message_id)
        except PostRefused as error:
            if error.reason in _UNREADABLE:
                lacking = "the app lacks the permission Read Message History"
                raise HistoryUnreadable(f"Discord: {error.reason}, probably {lacking}") from error
            raise
        except TransientError as error:
            raise HistoryUnreadable(str(error), retry_after_seconds=error.retry_after_seconds) from error


def _after(since: datetime) -> str:
    """Return an id before *since*, with room for clocks that differ."""
    try:
        return id_at(since - _SKEW)
    except OverflowError:
        return "0"
