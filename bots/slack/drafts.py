"""A first draft while it is written: streamed into a message of its own, which makes way for the next post.

Slack ends a stream after about five minutes, so each is rolled before. Where a stream cannot begin or breaks, the text
goes on by edits. Nothing depends on it: the draft stands on the round's card, and longer ones come as files.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from slack_sdk.web.async_chat_stream import AsyncChatStream

from bots.posting.cards import NoRoom
from bots.posting.text import shorten
from bots.slack.api import SlackApi
from bots.slack.blocks import Json
from bots.slack.limits import APPEND_SECONDS, STREAM_SECONDS
from bots.slack.parts import Shown
from bots.slack.places import Place
from bots.slack.posts import DRAFT_KEY, Posts, draft_blocks
from bots.slack.text import Defuser, defuse, escape
from bots.views.turn import LIVE_DRAFT_CHARACTERS
from core.casts.model import Phase
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import PostRefused, PostUncertain, Progress

_log = structlog.get_logger(__name__)
_OVER = frozenset({"finished", "failed"})
_TOO_LONG = "\n\n_It is long, so the whole of it comes as a file._"
_STREAM_ENDED = frozenset({"message_not_in_streaming_state", "message_not_owned_by_app", "message_not_found"})


@dataclass
class _Piece:
    """One message of a draft: a stream's life is limited, so a slow draft may take more than one.

    Attributes:
        sent: What it shows.
        stream: Its stream, None where edits show it.
        began: When the stream began.
    """

    ts: str
    sent: str = ""
    stream: AsyncChatStream | None = None
    began: float = 0.0


@dataclass
class _Draft:
    """What one Writer writes, and where it is shown."""

    place: Place
    thread: str
    starter: str
    speaker: Json
    defuser: Defuser = field(default_factory=Defuser)
    pieces: list[_Piece] = field(default_factory=list)
    unsent: str = ""
    shown_characters: int = 0
    is_long: bool = False
    streams: bool = True
    is_off: bool = False
    is_over: bool = False
    is_whole: bool = False
    edits: int = 0
    nap: asyncio.Future[None] | None = None
    task: asyncio.Task[None] | None = None

    def write(self, delta: str) -> None:
        """Take more text, as much as is shown live."""
        if self.is_long:
            return
        room = LIVE_DRAFT_CHARACTERS - self.shown_characters
        self.shown_characters += len(delta)
        self.unsent += self.defuser.feed(delta[:room])
        if len(delta) > room:
            self.is_long = True
            self.unsent += self.defuser.flush() + _TOO_LONG

    def restart(self) -> None:
        """Forget the text: another try begins. A stream cannot be unsaid, an edit can."""
        self.defuser, self.unsent, self.shown_characters, self.is_long = Defuser(), "", 0, False
        self.streams = False
        for piece in self.pieces:
            piece.sent = ""


class Drafts:
    """Shows drafts, one a session."""

    def __init__(self, api: SlackApi, posts: Posts, clock: Clock) -> None:
        self._api = api
        self._posts = posts
        self._clock = clock
        self._drafts: dict[str, _Draft] = {}

    def take(self, place: Place, update: Progress, roster: Json) -> None:
        """Show a sign of life if it is one of a first draft."""
        if update.phase is not Phase.WRITER or update.total_blocks or not update.card_id:
            return
        draft = self._drafts.get(update.session_id)
        if draft is None:
            if not roster or update.round != 1 or update.state in _OVER:
                return
            speaker = {}
            if roster["chatty"] and update.role_key in roster["roles"]:
                speaker = {"username": " ".join(roster["roles"][update.role_key]).strip()}
            draft = _Draft(place, update.thread.thread, str(roster["starter"]), speaker)
            self._drafts[update.session_id] = draft
        if update.state in {"started", "restarted"} and (draft.pieces or draft.unsent):
            draft.is_over = draft.is_whole = False
            draft.restart()
        if update.delta:
            draft.write(update.delta)
            if draft.task is None or draft.task.done():
                draft.task = asyncio.get_running_loop().create_task(self._run(draft))
        if update.state in _OVER:
            draft.is_whole = update.state == "finished"
            _finish(draft)

    async def place_for_next(self, session_id: str) -> str:
        """Return the ts of the message that makes way for the next post, empty where there is none.

        The draft is over then. Of several messages all but the last are deleted.
        """
        draft = self._drafts.pop(session_id, None)
        if draft is None:
            return ""
        await _end(draft)
        if not draft.pieces or draft.is_off:
            return ""
        await self._take_away(draft, draft.pieces[:-1])
        return draft.pieces[-1].ts

    async def withdraw(self, session_id: str) -> None:
        """Take a draft away that is whole, since it has its lasting place by now; one that was cut off stands here alone."""
        draft = self._drafts.pop(session_id, None)
        if draft is None:
            return
        await _end(draft)
        if draft.is_whole and not draft.is_off:
            await self._take_away(draft, draft.pieces)

    async def _take_away(self, draft: _Draft, pieces: Iterable[_Piece]) -> None:
        for piece in pieces:
            try:
                await self._posts.delete(draft.place, piece.ts)
            except (PostRefused, TransientError) as error:
                _log.debug("slack_draft_left", ts=piece.ts, error=str(error))

    async def clear(self, place: Place, tss: Iterable[str]) -> None:
        """Take away messages of drafts, also those that a process was streaming when it died."""
        for ts in tss:
            try:
                await self._close(place, ts)
                await self._posts.delete(place, ts)
            except (PostRefused, TransientError) as error:
                _log.info("slack_draft_left", ts=ts, error=str(error))

    async def _close(self, place: Place, ts: str) -> None:
        """End the stream of a message, if it has one: what still streams cannot be deleted."""
        with contextlib.suppress(PostRefused):
            await self._api.call(
                place.team, "chat.stopStream", lambda client: client.chat_stopStream(channel=place.channel, ts=ts)
            )

    async def leave(self, session_id: str) -> None:
        """Let a draft stand where it is."""
        draft = self._drafts.pop(session_id, None)
        if draft is not None:
            await _end(draft)

    async def aclose(self) -> None:
        """End every stream, so that none is left that seems to be written."""
        for session_id in list(self._drafts):
            await self.leave(session_id)

    async def _run(self, draft: _Draft) -> None:
        """Show what is written, at most once in a while, until it is over."""
        while not draft.is_off:
            over = draft.is_over
            if over:
                draft.unsent += draft.defuser.flush()
            try:
                if over and draft.streams and draft.pieces:
                    await self._stop(draft, rest=True)
                else:
                    await self._show(draft, patient=over)
                    if over:
                        await self._stop(draft)
            except NoRoom:
                pass
            except PostUncertain:
                # A message may stand there of which we do not know the id: no second one is put beside it.
                draft.is_off = True
            except (PostRefused, TransientError) as error:
                _log.info("slack_draft_by_edits", error=str(error))
                draft.is_off = not draft.streams
                draft.streams = False
                if over and not draft.is_off:
                    continue
            if over:
                return
            await self._rest(draft)

    async def _rest(self, draft: _Draft) -> None:
        if draft.is_over:
            return
        seconds = APPEND_SECONDS if draft.streams else APPEND_SECONDS * 2 ** min(draft.edits, 4)
        draft.nap = asyncio.ensure_future(self._clock.sleep(seconds))
        await asyncio.wait([draft.nap])
        draft.nap = None

    async def _show(self, draft: _Draft, *, patient: bool) -> None:
        piece = draft.pieces[-1] if draft.pieces else None
        if not draft.streams:
            await self._show_by_edit(draft, piece, patient=patient)
            return
        if not draft.unsent:
            return
        text = draft.unsent
        if piece is not None and piece.stream is not None and self._clock.monotonic() - piece.began >= STREAM_SECONDS:
            await self._stop(draft)
            piece = None
        if piece is None or piece.stream is None:
            await self._begin(draft, text)
        else:
            try:
                await self._append(draft.place, piece, text, patient=patient)
            except PostRefused as error:
                if error.reason not in _STREAM_ENDED:
                    raise
                piece.stream = None
                await self._edit(draft.place, piece)
                await self._begin(draft, text)
        draft.unsent = draft.unsent[len(text) :]

    async def _begin(self, draft: _Draft, text: str) -> None:
        """Open a stream that shows *text*."""

        async def start(client: Any) -> AsyncChatStream:
            stream: AsyncChatStream = await client.chat_stream(
                buffer_size=1,  # this class decides when to send
                channel=draft.place.channel,
                thread_ts=draft.thread,
                recipient_team_id=draft.place.team or None,
                recipient_user_id=draft.starter or None,
                **draft.speaker,
            )
            await stream.append(markdown_text=text)
            return stream

        began = self._clock.monotonic()
        place = draft.place
        try:
            stream = await self._api.call(
                place.team, "chat.startStream", start, channel=place.channel, patient=False, posts=True
            )
        except PostRefused as error:
            if error.reason != "missing_scope" or not draft.speaker:
                raise
            draft.speaker = {}  # the app may not speak as somebody else here
            stream = await self._api.call(place.team, "chat.startStream", start, channel=place.channel, posts=True)
        draft.pieces.append(_Piece(str(stream.ts), text, stream, began))

    async def _append(self, place: Place, piece: _Piece, text: str, *, patient: bool) -> None:
        stream = piece.stream
        if stream is None:
            return
        await self._api.call(
            place.team, "chat.appendStream", lambda _: stream.append(markdown_text=text), patient=patient
        )
        piece.sent += text

    async def _stop(self, draft: _Draft, *, rest: bool = False) -> None:
        """End the stream of the last message, if it has one that still runs, with the *rest* of the text if wanted."""
        piece = draft.pieces[-1] if draft.pieces else None
        if piece is None or piece.stream is None:
            return
        stream, piece.stream = piece.stream, None
        text = draft.unsent if rest else ""
        piece.sent += text
        draft.unsent = draft.unsent[len(text) :]
        try:
            await self._api.call(draft.place.team, "chat.stopStream", lambda _: stream.stop(markdown_text=text or None))
        except (PostRefused, TransientError) as error:
            _log.debug("slack_stream_ended_before", error=str(error))
            if text:
                await self._edit(draft.place, piece)

    async def _show_by_edit(self, draft: _Draft, piece: _Piece | None, *, patient: bool) -> None:
        if piece is None:
            if not draft.unsent:
                return
            text, draft.unsent = draft.unsent, ""
            shown = _shown(text)
            ts = await self._posts.post(draft.place, shown, key=f"{DRAFT_KEY}{draft.thread}", thread=draft.thread)
            draft.pieces.append(_Piece(ts, text))
            return
        await self._stop(draft)
        piece.sent += draft.unsent
        draft.unsent = ""
        draft.edits += 1
        await self._edit(draft.place, piece, patient=patient)

    async def _edit(self, place: Place, piece: _Piece, *, patient: bool = True) -> None:
        await self._posts.edit(place, piece.ts, _shown(piece.sent), patient=patient)


def _shown(text: str) -> Shown:
    words = defuse(text)
    line = escape(shorten(" ".join(words.split()), 200)) or "Starting again"
    return Shown(text=line, blocks=draft_blocks(words or "_Starting again_"), plain=escape(words) or line)


def _finish(draft: _Draft) -> None:
    draft.is_over = True
    if draft.nap is not None:
        draft.nap.cancel()


async def _end(draft: _Draft) -> None:
    """Return when nothing writes to the draft any more."""
    _finish(draft)
    if draft.task is not None and not draft.task.done():
        await asyncio.wait([draft.task])
