"""A session in Slack."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from datetime import datetime

import structlog
from typing_extensions import override

from bots.desk.barred import Barred
from bots.posting.cards import Cards, Pace
from bots.slack import limits
from bots.slack.api import Clients, Gone, SlackApi
from bots.slack.barred import REFUSALS, where
from bots.slack.drafts import Drafts
from bots.slack.history import History
from bots.slack.memory import Recent
from bots.slack.pacing import Pacer
from bots.slack.parts import Shown, board_post, render_parts, shown_of
from bots.slack.places import Place, channel_ref, place_of
from bots.slack.posts import Posts
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import ChatPort, Content, Part, PostKind, PostRefused, PostUncertain, Progress
from core.sessions.model import WORKING, Session, ThreadRef
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
_MAKES_WAY_FOR = frozenset({PostKind.ROUND_CARD, PostKind.TURN})
_CANNOT_BE_EDITED = frozenset({"edit_window_closed", "cant_update_message"})


class SlackChat(ChatPort):
    """See `core.orchestration.ports.ChatPort`.

    What Slack cannot do, and what happens instead:

    - A channel's id does not name its team, so `ThreadRef.channel` is ``T1/C1``: see `bots.slack.places`.
    - A message cannot be posted with files and metadata at once: files are uploaded first, and put to the message by
      an edit. `find` finishes that where a crash fell between.
    - A stream cannot carry a key: it shows the first draft only, and its message makes way for the next post.
    - Edits are counted: those of a card of what still runs wait up to two seconds and make way for newer ones, so that
      `edit` may return before people see them. Final ones are made at once.
    - Where it may not speak any more, the session waits and its starter is told what to do: see `bots.desk.barred`.

    Args:
        clients: See `bots.slack.api.Clients`.
        files: Where the bytes of sessions' files are.
        clock: The time.
        pacer: Slack's pace; one for all of this process that calls Slack.
        gone: See `bots.slack.api.SlackApi`.
    """

    def __init__(
        self, clients: Clients, *, files: FileStore, clock: Clock, pacer: Pacer | None = None, gone: Gone | None = None
    ) -> None:
        api = SlackApi(clients, pacer or Pacer(clock), gone=gone)
        self.barred = Barred(REFUSALS, clock)
        self._posts = Posts(api, files)
        self._history = History(api)
        self._cards = Cards(self._try_edit, board_post, clock, pace=Pace(limits.APPEND_SECONDS))
        self._drafts = Drafts(api, self._posts, clock)
        self._own: Recent[str, bool] = Recent()

    @property
    @override
    def platform(self) -> str:
        return PLATFORM

    @override
    def render(self, content: Content) -> Sequence[Part]:
        return render_parts(content)

    @override
    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        """Post the card: it begins the thread, or joins the one in which the session was asked for."""
        if since is not None and session.status not in WORKING:
            self.barred.check(where(session.thread))
        async with self.barred.watch(session.thread, where(session.thread), session_id=session.id):
            return await self._open_thread(session, card, key=key, since=since)

    async def _open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None) -> ThreadRef:
        thread = session.thread
        place = _place(thread, session)
        ts = await self._find(place, key, since, thread.thread) if since is not None else None
        shown = shown_of(card)
        if ts is None:
            # Within a thread the channel would not see the card; in a conversation of two there is nobody else.
            broadcast = bool(thread.thread) and not place.is_direct
            ts = await self._posts.post(place, shown, key=key, thread=thread.thread, broadcast=broadcast)
        self._cards.know(place, ts, shown)
        return replace(thread, thread=thread.thread or ts, card=ts)

    @override
    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        place = place_of(thread)
        shown = shown_of(part)
        async with self._watch(thread):
            ts = await self._in_place_of_draft(place, shown, key=key)
            if not ts:
                ts = await self._posts.post(place, shown, key=key, thread=thread.thread)
        self._own.keep(ts, value=True)
        self._cards.know(place, ts, shown)
        return ts

    @override
    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        place = place_of(thread)
        shown = shown_of(part)
        if not shown.is_settled:
            if shown.kind == PostKind.SESSION_CARD:
                self.barred.lift(where(thread))
            self._cards.later(place, post_id, shown)
            return post_id
        await self._cards.settle(place, post_id)
        self.barred.check(where(thread))
        async with self._watch(thread):
            return await self._edit(thread, post_id, shown)

    @override
    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        self.barred.check(where(thread))
        async with self._watch(thread):
            return await self._find(place_of(thread), key, since, thread.thread)

    @override
    def progress(self, update: Progress) -> None:
        place = place_of(update.thread)
        try:
            self._drafts.take(place, update, self._cards.roster(place, update.card_id))
            self._cards.take(place, update)
        except RuntimeError:  # progress may come from anywhere; without a loop nothing can be shown
            _log.debug("slack_progress_without_loop", session=update.session_id)

    async def aclose(self) -> None:
        """End what runs in the background; the clients stay open."""
        await self._drafts.aclose()
        await self._cards.aclose()

    def _watch(self, thread: ThreadRef) -> AbstractAsyncContextManager[None]:
        """Watch over calls in a session's thread; what is posted into another channel stops no session."""
        return self.barred.watch(thread, where(thread)) if thread.thread else nullcontext()

    async def _try_edit(self, place: Place, ts: str, shown: Shown) -> None:
        """Make an edit that may be dropped; in a session that says little it may be the first to find a place closed."""
        if not shown.session_id:
            await self._posts.edit(place, ts, shown, patient=False)
            return
        thread = ThreadRef(PLATFORM, channel_ref(place.team, place.channel))
        async with self.barred.watch(thread, shown.session_id, session_id=shown.session_id):
            await self._posts.edit(place, ts, shown, patient=False)

    async def _edit(self, thread: ThreadRef, post_id: str, shown: Shown) -> str:
        place = place_of(thread)
        if shown.kind == PostKind.ROUND_CARD and not self._own.get(post_id):
            await self._clear_after_crash(place, thread.thread, post_id)
        try:
            return await self._posts.edit(place, post_id, shown)
        except PostRefused as error:
            if error.reason not in _CANNOT_BE_EDITED or post_id in {thread.thread, thread.card}:
                raise
            return await self._posts.post(place, shown, key=post_id, thread=thread.thread)

    async def _find(self, place: Place, key: str, since: datetime, thread: str) -> str | None:
        found = await self._history.find(place, key, since, thread=thread)
        if found is None:
            return None
        if found.waiting:
            await self._posts.complete(place, found, thread=thread)
        return found.ts

    async def _clear_after_crash(self, place: Place, thread: str, card: str) -> None:
        """Take away the draft that a process was streaming below a round's card when it died; looked for once."""
        self._own.keep(card, value=True)
        if place.is_direct:
            return  # private answers stand there, too, and cannot be told from a draft
        try:
            found = await self._history.find_leftovers(place, thread=thread, after=card)
        except (PostRefused, TransientError) as error:
            _log.info("slack_drafts_not_looked_for", error=str(error))
            return
        await self._drafts.clear(place, found)

    async def _in_place_of_draft(self, place: Place, shown: Shown, *, key: str) -> str:
        """Let a draft's message make way for this post; return its ts, empty where it must be posted afresh."""
        if shown.kind not in _MAKES_WAY_FOR:
            if shown.kind in {PostKind.RESULT, PostKind.RECEIPT}:
                await self._drafts.withdraw(shown.session_id)
            return ""
        ts = await self._drafts.place_for_next(shown.session_id)
        if not ts or shown.is_mention or shown.files or shown.upload:
            return ""
        try:
            return await self._posts.edit(place, ts, shown, key=key)
        except PostRefused as error:
            _log.info("slack_draft_stays", reason=error.reason)
            return ""
        except TransientError as error:
            raise PostUncertain(str(error), retry_after_seconds=error.retry_after_seconds) from error


def _place(thread: ThreadRef, session: Session) -> Place:
    """Return the place of a session's thread; one that names no team is its workspace's (``slack:T1``)."""
    place = place_of(thread)
    prefix, _, team = session.workspace_id.partition(":")
    return Place(team, place.channel) if not place.team and prefix == "slack" and team.startswith("T") else place
