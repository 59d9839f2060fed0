"""Discord as the desk sees it: private answers, people, files, and where the app may post."""

from collections.abc import Collection, Sequence
from typing import Any

import aiohttp
import structlog
from typing_extensions import override

from bots.commands import Place as Where
from bots.desk.door import CannotPost, Door, Mark, Standing
from bots.desk.requests import Actor, Attachment, Request, Spot
from bots.discord import limits
from bots.discord.answers import Answers
from bots.discord.api import DiscordApi
from bots.discord.decoded import PLATFORM, attachments_of
from bots.discord.downloads import FILE_HOSTS, Downloads
from bots.discord.files import Links
from bots.discord.invalid import InvalidRequests
from bots.discord.keeping import KeptFiles
from bots.discord.layout import render_view
from bots.discord.login import Connect
from bots.discord.memory import Recent
from bots.discord.pacing import Pacer
from bots.discord.parts import Shown
from bots.discord.people import People
from bots.discord.permissions import missing
from bots.discord.places import channel_ref, person_of, place_of, posts_in
from bots.discord.posts import Posts
from bots.discord.threads import Threads
from bots.posting.text import shorten
from bots.views.elements import View
from core.clock import Clock
from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import PostRefused
from core.sessions.model import SessionFile, ThreadRef
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
_SIGNS = {Mark.TAKEN: "✅", Mark.MUTED: "🔇"}
_REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
_MOST_BYTES = 32 * 1024 * 1024
_THREAD_SECONDS = 900.0
_TITLE = 60
_UNSEEN = "I do not see this channel: an admin can give me View Channel in its settings, or you start in another one."
_LOCKED = "This thread is locked: start in its channel, or in another thread."
_NO_DIRECT = "Discord does not let me write to you: start in a channel, or open your direct messages for this server."
_NO_THREAD_HERE = "Discord has no private threads in this kind of channel: start in a text channel."


class DiscordDoor(Door):
    """See `bots.desk.door.Door`. It needs no gateway: any process that can reach Discord's API may answer.

    Args:
        connect: See `bots.discord.login.Connect`.
        http: Connections for files.
        invalid: The counter that the client of *connect* reports to.
        files: Where the bytes of sessions' files are.
        clock: The time.
        links: See `bots.discord.files.Links`: for files that are too large for Discord.
        file_hosts: Origins that files may come from.
        max_bytes: Of a file.
    """

    def __init__(
        self,
        connect: Connect,
        http: aiohttp.ClientSession,
        *,
        invalid: InvalidRequests,
        files: FileStore,
        clock: Clock,
        links: Links = lambda _file_id: None,
        file_hosts: Collection[str] = FILE_HOSTS,
        max_bytes: int = _MOST_BYTES,
    ) -> None:
        self._api = DiscordApi(connect, invalid=invalid)
        self._posts = Posts(self._api, files, links=links, pacer=Pacer(clock))
        self._answers = Answers(self._api, self._posts, files=files, links=links, clock=clock)
        self._people = People(self._api, clock)
        self._downloads = Downloads(self._api, http, max_bytes=max_bytes, hosts=file_hosts)
        self._kept = KeptFiles(files, self._downloads.fetch)
        self._threads = Threads(self._api)
        self._opened: Recent[str, ThreadRef] = Recent(clock, seconds=_THREAD_SECONDS)

    @property
    @override
    def platform(self) -> str:
        return PLATFORM

    @property
    @override
    def keeps_one_answer(self) -> bool:
        """See `bots.desk.door.Door`."""
        return True

    def meet(self, actor: Actor, standing: Standing) -> None:
        """Remember what Discord just said of somebody, so that it need not be asked."""
        self._people.meet(actor, standing)

    @override
    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        await self._answers.say(request, view, files)

    @override
    async def tell(self, member_id: str, view: View) -> bool:
        return await self._tell(member_id, view)

    async def tell_once(self, member_id: str, view: View, *, key: str) -> bool:
        """Return `tell`; a repeat with the same *key* within minutes is not said again."""
        return await self._tell(member_id, view, key=key)

    @override
    async def mark(self, spot: Spot, mark: Mark, *, on: bool = True) -> None:
        """See `Door.mark`; what stands under a session's card stands in the card's channel, not in its thread."""
        if not spot.message_id.isdigit():
            return
        method = "PUT" if on else "DELETE"
        for channel in dict.fromkeys((posts_in(spot.thread), place_of(spot.thread).channel)):
            names = {"emoji": _SIGNS[mark]}
            try:
                await self._api.call(method, _REACTION, channel_id=channel, message_id=spot.message_id, more=names)
            except PostRefused as error:  # a sign is a courtesy: what it says holds without it
                if error.reason == "unknown_message":
                    continue
                _log.info("discord_mark_refused", reason=error.reason)
            return

    @override
    async def standing(self, actor: Actor) -> Standing:
        return await self._people.standing(actor)

    @override
    async def check_post(self, request: Request, thread: ThreadRef) -> None:
        await self._check(request, thread)

    @override
    async def channel_name(self, thread: ThreadRef) -> str:
        place = place_of(thread)
        if place.is_direct:
            return ""
        try:
            found: Any = await self._api.call("GET", "/channels/{channel_id}", channel_id=place.channel)
        except (PostRefused, TransientError) as error:
            _log.info("discord_channel_unknown", error=str(error))
            return ""
        return f"#{found['name']}" if found.get("name") else ""

    @override
    async def open_direct(self, actor: Actor) -> ThreadRef:
        try:
            channel = await self._answers.open_direct(actor.external_id)
        except PostRefused as error:
            raise CannotPost(error.reason, _NO_DIRECT) from error
        return ThreadRef(PLATFORM, channel_ref("", channel), channel)

    @override
    async def open_private(self, request: Request) -> ThreadRef:
        """See `Door.open_private`: a private thread, which is opened once for a request."""
        if request.spot.place is Where.DIRECT:
            return await self.open_direct(request.actor)
        known = self._opened.get(request.id)
        if known is not None:
            return known
        place = place_of(request.spot.thread)
        await self._check(request, ThreadRef(PLATFORM, request.spot.thread.channel), is_private=True)
        try:
            thread = await self._threads.open_private(place, _title(request), request.actor.external_id)
        except PostRefused as error:
            named = error.reason.partition(": ")[2]
            raise CannotPost(error.reason, _lacks([named]) if named else _NO_THREAD_HERE) from error
        self._opened.keep(request.id, thread)
        return thread

    @override
    async def fetch(self, request: Request, attachment: Attachment) -> bytes:
        kept = await self._kept.get(request, attachment)
        return await self._downloads.fetch(attachment) if kept is None else kept

    @override
    async def keep(self, request: Request) -> Request:
        """See `Door.keep`; what hangs on a message is fetched anew when it is needed."""
        return await self._kept.keep(request)

    @override
    async def let_go(self, request: Request) -> None:
        await self._kept.let_go(request)

    @override
    async def files_nearby(self, request: Request) -> Sequence[Attachment]:
        """See `Door.files_nearby`; files of apps, our own results among them, are nobody's to give.

        Without the intent for the content of messages Discord shows no files here either.
        """
        thread = request.spot.thread
        if not thread.thread:
            return ()
        query = {"limit": limits.RECENT_MESSAGES}
        try:
            messages: Any = await self._api.call(
                "GET", "/channels/{channel_id}/messages", channel_id=thread.thread, query=query
            )
        except PostRefused as error:
            _log.info("discord_thread_unreadable", reason=error.reason)
            return ()
        found: list[Attachment] = []
        for message in messages:
            author: dict[str, Any] = message.get("author") or {}
            if str(message["id"]) == request.spot.message_id or author.get("bot"):
                continue
            person = str(author.get("id") or "")
            self._people.name(person, str(author.get("global_name") or author.get("username") or ""))
            owner = "" if person == request.actor.external_id else person
            where = f"{thread.thread}/{message['id']}"
            found += attachments_of(message.get("attachments") or (), author=owner, where=where)
        return found

    @override
    async def ask_author(self, request: Request, author_id: str, view: View) -> bool:
        """See `Door.ask_author`: in their direct messages; where those are closed, where it was asked, calling nobody.

        What is private stays out of the channel.
        """
        person = person_of(author_id)
        author = Actor(request.actor.workspace_id, author_id)
        standing = await self.standing(author)
        if not person or standing.is_bot or standing.is_outsider:
            return False
        key = derived_key("consent", request.id, author_id)
        if await self._tell(author.member_id, view, key=key):
            return True
        if request.spot.place is Where.DIRECT or _is_on(request.values.get("private")):
            return False
        channel = posts_in(request.spot.thread)
        try:
            for number, message in enumerate(render_view(view, person=person)):
                shown = Shown(
                    text=message.text, components=message.components, plain=message.plain, upload=message.upload
                )
                await self._posts.post(channel, shown, key=derived_key(key, number))
        except PostRefused as error:
            _log.info("discord_question_refused", reason=error.reason)
            return False
        return True

    @override
    def is_at_home(self, request: Request) -> bool:
        """See `Door.is_at_home`: Discord keeps no such page."""
        return False

    @override
    async def show_home(self, actor: Actor, view: View) -> None:
        """See `is_at_home`."""

    @override
    def mention(self, external_id: str) -> str:
        """See `Door.mention`: a mention of Discord's would be broken as everybody's are, so it is the name."""
        name = self._people.name_of(external_id)
        return f"@{name}" if name else "its author"

    async def _tell(self, member_id: str, view: View, *, key: str = "") -> bool:
        try:
            await self._answers.tell(person_of(member_id), view, key=key)
        except PostRefused as error:
            _log.info("discord_direct_message_refused", reason=error.reason)
            return False
        return True

    async def _check(self, request: Request, thread: ThreadRef, *, is_private: bool = False) -> None:
        """Return if a session may live in *thread*.

        Raises:
            CannotPost: With the permissions that are missing by their names.
        """
        place = place_of(thread)
        if place.is_direct or not place.channel:
            return
        granted, is_locked = await self._granted(request, thread)
        if is_locked:
            raise CannotPost("thread_locked", _LOCKED)
        lacking = missing(granted, in_thread=bool(thread.thread), is_private=is_private)
        if lacking:
            raise CannotPost(f"missing_permissions: {', '.join(lacking)}", _lacks(lacking))

    async def _granted(self, request: Request, thread: ThreadRef) -> tuple[int, bool]:
        place = place_of(thread)
        answer = request.spot.answer
        said, where = answer.get("granted", ""), answer.get("where", "")
        if said.isdigit() and where in {place.channel, thread.thread}:
            return int(said), False  # Discord said so with the request itself; a thread has its channel's rights
        try:
            return await self._people.granted(place.guild, posts_in(thread))
        except PostRefused as error:
            raise CannotPost(error.reason, _UNSEEN) from error


def _is_on(value: object) -> bool:
    return str(value).lower() in {"true", "yes", "on", "1"}


def _lacks(names: Sequence[str]) -> str:
    """Return what an admin can do about missing permissions."""
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    what = "permission" if len(names) == 1 else "permissions"
    return f"I lack the {what} {listed} here: an admin can give it in the channel's settings."


def _title(request: Request) -> str:
    """Return what a private thread is called before its session has a title."""
    brief = str(request.values.get("brief") or request.text)
    name = brief or (request.files[0].name if request.files else "")
    return shorten(" ".join(name.split()), _TITLE) or "Private session"
