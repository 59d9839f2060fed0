"""A session in Discord."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from typing_extensions import override

from bots.desk.barred import Barred
from bots.discord import limits
from bots.discord.api import DiscordApi
from bots.discord.barred import REFUSALS
from bots.discord.files import Links
from bots.discord.history import History
from bots.discord.invalid import InvalidRequests
from bots.discord.layout import plain_components, remark
from bots.discord.login import Connect
from bots.discord.pacing import Pacer
from bots.discord.parts import Shown, board_post, render_parts, shown_of
from bots.discord.permissions import Permission
from bots.discord.places import Place, Spot, moment_of, place_of, post_ref, posts_in, spot_of
from bots.discord.posts import Posts
from bots.discord.threads import Threads, lacking
from bots.posting.cards import Cards, Pace
from core.clock import Clock
from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import ChatPort, Content, HistoryUnreadable, Part, PostKind, PostRefused, Progress
from core.sessions.model import Session, ThreadRef
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
_PACE = Pace(limits.EDIT_GAP_SECONDS, drafts=True)
_REMEMBERED = 2_000
_LOOK_BACK = timedelta(hours=1)
# What a message cannot be edited for, and a new one takes its place. Sending opens an archived thread again.
_POST_ANEW = frozenset({"thread_archived", "too_many_edits", "unknown_message"})


class DiscordChat(ChatPort):
    """See `core.orchestration.ports.ChatPort`.

    What Discord cannot do, and what happens instead:

    - A channel's id does not say where people went on: see `bots.discord.places` for what a `ThreadRef` holds.
    - Where a thread cannot be opened, the session says why and goes on in the channel itself.
    - A message carries no key that history shows: two of its components have numbers that say it (`bots.discord.marks`).
    - A message older than an hour is hardly edited any more: what is final is posted anew, and `edit` returns its id. A
      round's card that was final is left as it is. That a session waits no more is one edit of its notice, tried
      however old that is; where Discord refuses, the notice stays as it is.
    - Where it may not speak any more, the session waits and its starter is told what to do: see `bots.desk.barred`.
    - A thread takes few posts: a receipt stands within its result, and what the lead editor says on its round's card.
      `send` returns the id of the message that holds it.
    - Edits of a card of what still runs wait two seconds and make way for newer ones. A first draft shows on its
      round's card while it is written.

    Args:
        connect: See `bots.discord.login.Connect`.
        invalid: The counter that the client of *connect* reports to.
        files: Where the bytes of sessions' files are.
        clock: The time.
        links: See `bots.discord.files.Links`: for files that are too large for Discord.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        invalid: InvalidRequests,
        files: FileStore,
        clock: Clock,
        links: Links = lambda _file_id: None,
    ) -> None:
        api = DiscordApi(connect, invalid=invalid)
        self._clock = clock
        self.barred = Barred(REFUSALS, clock)
        self._posts = Posts(api, files, links=links, pacer=Pacer(clock))
        self._history = History(api)
        self._threads = Threads(api)
        self._cards = Cards(self._sign, board_post, clock, pace=_PACE)
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    @property
    @override
    def platform(self) -> str:
        return "discord"

    @override
    def render(self, content: Content) -> Sequence[Part]:
        return render_parts(content)

    @override
    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        """Post the card and open a thread from it; in a thread and in a direct conversation it works in place."""
        async with self.barred.watch(session.thread, posts_in(session.thread), session_id=session.id):
            return await self._open_thread(session, card, key=key, since=since)

    async def _open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None) -> ThreadRef:
        asked, place = session.thread, place_of(session.thread)
        is_in_place = bool(asked.thread) or place.is_direct
        channel = asked.thread or place.channel
        shown = shown_of(card)
        found = await self._history.find(channel, key, since) if since is not None else None
        spot = Spot(channel, found) if found is not None else await self._post(asked, channel, shown, key=key)
        self._cards.know(spot.channel, spot.message, shown)
        if is_in_place:
            return replace(asked, thread=channel, card=spot.message)
        thread, why = await self._threads.open_from(channel, spot.message, session.title)
        if not thread:
            await self._say_why(channel, why, key=derived_key(key, "why"), since=since)
        return replace(asked, thread=thread or channel, card=spot.message)

    async def open_private(self, place: Place, name: str, person: str) -> ThreadRef:
        """Return a new private thread with *person* in it; a session that is asked for there works in place.

        Raises:
            PostRefused: If that cannot be; the reason names the permission that is missing.
            TransientError: If Discord cannot be reached.
        """
        return await self._threads.open_private(place, name, person)

    @override
    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        channel, shown = posts_in(thread), shown_of(part)
        if shown.within and (host := await self._host(thread, shown.within)):
            return host
        async with self.barred.watch(thread, channel):
            spot = await self._post(thread, channel, shown, key=key)
        self._cards.know(spot.channel, spot.message, shown)
        post_id = post_ref(thread, spot)
        self._learn(channel, key, post_id)
        return post_id

    @override
    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        channel, shown = spot_of(thread, post_id).channel, shown_of(part)
        if shown.kind == PostKind.SESSION_CARD and not shown.is_settled:
            self.barred.lift(channel)
            self.barred.lift(posts_in(thread))
        self.barred.check(channel)
        async with self.barred.watch(thread, channel):
            return await self._edit(thread, post_id, part)

    async def _edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        spot = spot_of(thread, post_id)
        shown = _placed(thread, spot, shown_of(part))
        if shown.within:
            return post_id
        if self._is_old(spot):
            if shown.kind == PostKind.NOTICE:
                await self._take_back(spot, shown)
                return post_id
            await self._cards.settle(spot.channel, spot.message)
            return await self._instead(thread, spot, shown)
        if not shown.is_settled:
            self._cards.later(spot.channel, spot.message, shown)
            return post_id
        await self._cards.settle(spot.channel, spot.message)
        try:
            await self._posts.edit(spot, shown)
        except PostRefused as error:
            if error.reason not in _POST_ANEW:
                raise
            return await self._instead(thread, spot, shown)
        return post_id

    @override
    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        channel = posts_in(thread)
        self.barred.check(channel)
        async with self.barred.watch(thread, channel):
            message = await self._history.find(channel, key, since)
        if message is None:
            return None
        post_id = post_ref(thread, Spot(channel, message))
        self._learn(channel, key, post_id)
        return post_id

    @override
    def progress(self, update: Progress) -> None:
        spot = spot_of(update.thread, update.card_id)
        try:
            self._cards.take(
                spot.channel, update if update.card_id == spot.message else replace(update, card_id=spot.message)
            )
        except RuntimeError:  # progress may come from anywhere; without a loop nothing can be shown
            _log.debug("discord_progress_without_loop", session=update.session_id)

    async def aclose(self) -> None:
        """End what runs in the background; the client stays open."""
        await self._cards.aclose()

    async def _post(self, thread: ThreadRef, channel: str, shown: Shown, *, key: str) -> Spot:
        try:
            return await self._posts.post(channel, shown, key=key)
        except PostRefused as error:
            if error.reason != "missing_permissions":
                raise
            in_thread = channel != place_of(thread).channel
            needed = Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES
            raise PostRefused(lacking(error.reason, needed)) from error

    async def _sign(self, channel: str, message: str, shown: Shown) -> None:
        """Make an edit that may be dropped."""
        spot = Spot(channel, message)
        if not self._is_old(spot):
            await self._posts.edit(spot, shown, patient=False)

    async def _take_back(self, spot: Spot, shown: Shown) -> None:
        """Edit an old message once if Discord lets us: what it takes away is not worth a later post that waits."""
        try:
            await self._posts.edit(spot, shown)
        except (PostRefused, TransientError) as error:
            _log.info("discord_notice_stays", error=str(error))

    async def _instead(self, thread: ThreadRef, spot: Spot, shown: Shown) -> str:
        """Post anew what cannot be edited any more, where something must be said; return the id of what says it now.

        The channel's card speaks for the session as long as that lives, so a change of it is said again; a round's
        card only speaks for a round, so what was final stays. A card that somebody deleted is not wanted there.
        """
        standing = await self._posts.standing(spot)
        post_id = post_ref(thread, spot)
        is_card = shown.kind == PostKind.SESSION_CARD
        was_settled = standing is not None and standing.mark is not None and standing.mark.is_settled
        says_more = shown.is_settled or was_settled if is_card else shown.is_settled and not was_settled
        is_unwanted = standing is None and is_card
        if not says_more or is_unwanted or self._posts.shows(spot, shown):
            return post_id
        key = derived_key(spot.channel, spot.message, "instead")
        since = max(moment_of(spot.message), self._clock.now() - _LOOK_BACK)
        shown = _placed(thread, Spot(spot.channel, ""), shown)
        found = await self._history.find(spot.channel, key, since)
        if found is not None:
            await self._posts.edit(Spot(spot.channel, found), shown)
            return post_ref(thread, Spot(spot.channel, found))
        new = await self._post(thread, spot.channel, shown, key=key)
        self._cards.know(new.channel, new.message, shown)
        return post_ref(thread, new)

    async def _host(self, thread: ThreadRef, key: str) -> str:
        """Return the id of the post that carries *key* and says what was to be sent, empty where there is none."""
        channel = posts_in(thread)
        known = self._known.get((channel, key))
        if known is not None:
            return known
        begun = thread.card or thread.thread
        try:
            return await self.find(thread, key, moment_of(begun)) or "" if begun.isdigit() else ""
        except HistoryUnreadable:
            return ""  # said twice is better than not at all

    async def _say_why(self, channel: str, why: str, *, key: str, since: datetime | None) -> None:
        """Say, once, why a session goes on in its channel."""
        if since is not None and await self._history.find(channel, key, since) is not None:
            return
        text = f"A thread cannot be opened here ({why}), so the session goes on in this channel."
        shown = Shown(text=text, components=plain_components(text), plain=text, kind=PostKind.NOTICE)
        await self._posts.post(channel, shown, key=key)

    def _learn(self, channel: str, key: str, post_id: str) -> None:
        self._known[channel, key] = post_id
        self._known.move_to_end((channel, key))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _is_old(self, spot: Spot) -> bool:
        """Whether a message is too old to be edited."""
        if not spot.message.isdigit():
            return False
        return (self._clock.now() - moment_of(spot.message)).total_seconds() > limits.EDIT_SECONDS


def _placed(thread: ThreadRef, spot: Spot, shown: Shown) -> Shown:
    """Return a message as it reads at *spot*: a card that has not the thread hanging on it says where the thread is.

    Such a mention of a channel calls nobody.
    """
    if spot.channel == posts_in(thread) or spot.message == thread.thread:
        return shown
    link = remark(f"-# <#{posts_in(thread)}>")
    return shown if link in shown.components else replace(shown, components=[*shown.components, link])
