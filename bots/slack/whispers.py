"""Private answers: where somebody asked, seen by nobody else; and where that is not possible, in their direct messages.

Slack has no key that makes a private answer one, and shows none of them to us: what was lost on the way cannot be looked up.
So an answer whose outcome nobody knows is given again and counted (``slack_answer_uncertain``): it may be seen twice, never
not at all. One that is known to have been delivered is noted at its request, and another try of that leaves it out.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bots.commands import Place as Where
from bots.desk.requests import Request
from bots.posting.text import shorten
from bots.slack import limits
from bots.slack.api import BAD_BLOCKS, TOO_LONG, SlackApi
from bots.slack.blocks import Json, Message, render_view
from bots.slack.memory import Recent
from bots.slack.places import Place, place_of
from bots.views.elements import View
from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import PostRefused, PostUncertain

_log = structlog.get_logger(__name__)
_SECONDS = 10.0
_OK = 200
_SERVER = 500
Note = Callable[[str, str], Awaitable[None]]
_MOST_REMEMBERED = 5_000
# These say that a conversation is closed to us, or to the one who asked; their own direct messages may be open.
_ELSEWHERE = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "messages_tab_disabled",
        "not_in_channel",
        "restricted_action",
        "team_access_not_granted",
        "user_not_in_channel",
    }
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Where an answer belongs.

    Attributes:
        thread: The thread's ts, empty in the channel itself.
    """

    place: Place
    person: str
    thread: str


class Whispers:
    """Answers privately.

    Args:
        api: The door to Slack.
        http: Connections; an answer's address needs no token.
        note: Remembers that an answer to a request was delivered, by the request's id and the answer's key.
    """

    def __init__(self, api: SlackApi, http: aiohttp.ClientSession, note: Note | None = None) -> None:
        self._api = api
        self._http = http
        self._note = note
        self._uses: Recent[str, int] = Recent(_MOST_REMEMBERED)

    async def say(self, request: Request, view: View, *, is_noted: bool = True) -> None:
        """Show *view* to the one who asked; it replaces the private message that was pressed.

        What an earlier try of the request delivered is left out.

        Args:
            request: What was asked.
            view: The answer.
            is_noted: Whether another try of the request would say it again.

        Raises:
            PostRefused: If Slack takes it nowhere.
            TransientError: If it cannot be shown now.
        """
        thread = request.spot.thread
        asked = _Asked(place_of(thread), request.actor.external_id, thread.thread)
        for number, message in enumerate(render_view(view)):
            key = derived_key("whisper", number, message.text, json.dumps(message.blocks, sort_keys=True))
            if key in request.answered:
                continue
            replaces = request.spot.is_private and number == 0
            url = request.spot.answer.get("response_url", "")
            if not await self._respond(url, message, thread=asked.thread, replaces=replaces):
                await self._otherwise(asked, message, is_direct=request.spot.place is Where.DIRECT)
            if is_noted:
                await self.note(request, key)

    async def note(self, request: Request, key: str) -> None:
        """Remember that an answer was delivered; where that cannot be written another try may say it again."""
        if self._note is None:
            return
        try:
            await self._note(request.id, key)
        except TransientError as error:
            _log.warning("slack_answer_not_noted", error=type(error).__name__)

    async def tell(self, team: str, person: str, view: View) -> None:
        """Write to somebody's direct messages.

        Raises:
            PostRefused: If that person takes none.
            TransientError: If it cannot be written now.
        """
        channel = await self.open_direct(team, person)
        for message in render_view(view):
            await self._post(Place(team, channel), message, thread="")

    async def open_direct(self, team: str, person: str) -> str:
        """Return Slack's id of the app's conversation with somebody.

        Raises:
            PostRefused, TransientError: As Slack answers.
        """
        answer: Any = await self._api.call(
            team, "conversations.open", lambda client: client.conversations_open(users=person)
        )
        return str(answer["channel"]["id"])

    async def show_one(self, place: Place, person: str, view: View, *, thread: str) -> None:
        """Show *view* to one person of a channel.

        Raises:
            PostRefused, TransientError: As Slack answers.
        """
        for message in render_view(view):
            await self._ephemeral(_Asked(place, person, thread), message)

    async def _respond(self, url: str, message: Message, *, thread: str, replaces: bool) -> bool:
        """Answer at the address that came with the request; False where it takes nothing (any more)."""
        uses = self._uses.get(url) or 0
        if not url or uses >= limits.RESPONSE_URL_USES:
            return False
        self._uses.keep(url, uses + 1)
        answer: Json = {"response_type": "ephemeral", "replace_original": replaces}
        if thread:
            answer["thread_ts"] = thread
        status, said = await self._send(url, _looks(message) | answer)
        if said in BAD_BLOCKS:
            _log.warning("slack_blocks_refused", kind="private", reason=said)
            status, said = await self._send(url, {"text": _words(message)} | answer)
        if status != _OK:
            _log.info("slack_response_url_refused", status=status, reason=said)
            self._uses.keep(url, limits.RESPONSE_URL_USES)
        return status == _OK

    async def _send(self, url: str, answer: Json) -> tuple[int, str]:
        """Return the status and Slack's code, status 0 where no answer came."""
        try:
            async with asyncio.timeout(_SECONDS), self._http.post(url, json=answer, allow_redirects=False) as response:
                if response.status == _OK:
                    return _OK, ""
                if response.status >= _SERVER:
                    _log.warning("slack_answer_uncertain", way="response_url", reason=response.status)
                return response.status, _code(await response.text())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return 0, type(error).__name__
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.warning("slack_answer_uncertain", way="response_url", reason=type(error).__name__)
            return 0, type(error).__name__

    async def _otherwise(self, asked: _Asked, message: Message, *, is_direct: bool) -> None:
        place = asked.place
        if place.channel and not is_direct:
            try:
                await self._ephemeral(asked, message)
            except PostRefused as error:
                if error.reason not in _ELSEWHERE:
                    raise
            else:
                return
        thread = asked.thread if place.is_direct else ""
        if not thread or not await self._is_posted(place, message, thread=thread):
            channel = await self.open_direct(place.team, asked.person)
            await self._post(Place(place.team, channel), message, thread="")

    async def _is_posted(self, place: Place, message: Message, *, thread: str) -> bool:
        """Post into a thread of direct messages; False where that conversation is not ours."""
        try:
            await self._post(place, message, thread=thread)
        except PostRefused as error:
            if error.reason not in _ELSEWHERE:
                raise
            return False
        return True

    async def _ephemeral(self, asked: _Asked, message: Message) -> None:
        arguments: Json = {"channel": asked.place.channel, "user": asked.person}
        if asked.thread:
            arguments["thread_ts"] = asked.thread
        await self._either(
            "chat.postEphemeral",
            message,
            lambda looks: self._api.call(
                asked.place.team,
                "chat.postEphemeral",
                _ephemeral_call(arguments | looks),
                channel=asked.place.channel,
                posts=True,
            ),
        )

    async def _post(self, place: Place, message: Message, *, thread: str) -> None:
        arguments: Json = {"channel": place.channel, "unfurl_links": False, "unfurl_media": False}
        if thread:
            arguments["thread_ts"] = thread
        await self._either(
            "chat.postMessage",
            message,
            lambda looks: self._api.call(
                place.team,
                "chat.postMessage",
                _post_call(arguments | looks),
                channel=place.channel,
                posts=True,
            ),
        )

    async def _either(self, way: str, message: Message, call: Callable[[Json], Awaitable[object]]) -> None:
        """Make a call with the message's looks, or with its words alone where Slack refuses the looks."""
        try:
            await self._counted(way, call(_looks(message)))
        except PostRefused as error:
            if error.reason not in BAD_BLOCKS | TOO_LONG:
                raise
            _log.warning("slack_blocks_refused", kind="private", reason=error.reason)
            await self._counted(way, call({"text": _words(message)}))

    async def _counted(self, way: str, called: Awaitable[object]) -> None:
        try:
            await called
        except PostUncertain as error:
            _log.warning("slack_answer_uncertain", way=way, reason=str(error))
            raise


def _ephemeral_call(arguments: Json) -> Callable[[AsyncWebClient], Awaitable[object]]:
    return lambda client: client.chat_postEphemeral(**arguments)


def _post_call(arguments: Json) -> Callable[[AsyncWebClient], Awaitable[object]]:
    return lambda client: client.chat_postMessage(**arguments)


def _looks(message: Message) -> Json:
    return {"text": message.text, "blocks": message.blocks}


def _words(message: Message) -> str:
    return shorten(message.plain or message.text, limits.TEXT)


def _code(said: str) -> str:
    """Return Slack's code in an answer that is a word, or JSON with one."""
    for code in BAD_BLOCKS:
        if code in said:
            return code
    return shorten(said, 80)
