"""Slack as the desk sees it: private answers, people, files, and where the app may post."""

from collections.abc import Collection, Sequence
from typing import Any

import aiohttp
import structlog
from typing_extensions import override

from bots.commands import Place as Where
from bots.desk.door import CannotPost, Door, Mark, Standing
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.slack import limits
from bots.slack.api import Clients, Gone, SlackApi
from bots.slack.blocks import render_view
from bots.slack.colleagues import Colleagues
from bots.slack.decode import attachments_of
from bots.slack.downloads import FILE_HOSTS, Downloads
from bots.slack.errands import Errands
from bots.slack.home import draw_home
from bots.slack.pacing import Pacer
from bots.slack.parts import Shown
from bots.slack.places import Place, channel_ref, person_of, place_of
from bots.slack.posts import Posts
from bots.slack.tenants import PLATFORM, tenant_of_workspace
from bots.slack.whispers import Note, Whispers
from bots.views.elements import Small, Text, View
from core.clock import Clock
from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import PostRefused
from core.sessions.model import SessionFile, ThreadRef
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
_SIGNS = {Mark.TAKEN: "white_check_mark", Mark.MUTED: "mute"}
_HEARD = frozenset({RequestKind.MENTION, RequestKind.SAID})
_HARMLESS = frozenset({"already_reacted", "message_not_found", "no_reaction"})
_THREAD_PAGES = 5
_INVITE = "Type /invite @{app}, then Try again."
_REMEDIES = {
    "channel_not_found": _INVITE,
    "not_in_channel": _INVITE,
    "is_archived": "This channel is archived: start in another one.",
    "missing_scope": "An admin has to install {app} again, so that it may see channels.",
    "restricted_action": "An admin allows only some people to post here: start in another channel.",
}
_DIRECT = "This is a conversation between people, and {app} is not in it: choose Run it in my DM."
_NO_DIRECT = "Your Slack does not let {app} write to you: start in a channel."
_IN_DIRECT = "The files are in your direct messages"
_TOO_LONG = "This is too long to be shown here, so it is in your direct messages with a file"
_MOST_BYTES = 32 * 1024 * 1024


class SlackDoor(Door):
    """See `bots.desk.door.Door`.

    Args:
        clients: See `bots.slack.api.Clients`.
        http: Connections for files and for answers at their own addresses.
        files: Where the bytes of sessions' files are.
        clock: The time.
        pacer: Slack's pace; the one that `bots.slack.chat.SlackChat` has.
        file_hosts: Origins that files may come from.
        max_bytes: Of a file.
        app_name: What people type after ``@``.
        note: See `bots.slack.whispers.Whispers`.
        gone: See `bots.slack.api.SlackApi`.
    """

    def __init__(
        self,
        clients: Clients,
        http: aiohttp.ClientSession,
        *,
        files: FileStore,
        clock: Clock,
        pacer: Pacer | None = None,
        file_hosts: Collection[str] = FILE_HOSTS,
        max_bytes: int = _MOST_BYTES,
        app_name: str = "Atelier",
        note: Note | None = None,
        gone: Gone | None = None,
    ) -> None:
        self._api = SlackApi(clients, pacer or Pacer(clock), gone=gone)
        self._whispers = Whispers(self._api, http, note)
        self._colleagues = Colleagues(self._api, clock)
        self._downloads = Downloads(self._api, clients, http, max_bytes=max_bytes, hosts=file_hosts)
        self._posts = Posts(self._api, files)
        self._errands = Errands()
        self._app_name = app_name

    @property
    @override
    def platform(self) -> str:
        return PLATFORM

    @property
    @override
    def keeps_one_answer(self) -> bool:
        return False

    @override
    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        if not files and not _needs_file(view):
            await self._whispers.say(request, view)
            return
        spot, place = request.spot, place_of(request.spot.thread)
        is_here = spot.place is Where.DIRECT and place.is_direct
        if not is_here:
            place = Place(place.team, await self._whispers.open_direct(place.team, request.actor.external_id))
        key = derived_key("files", view.fallback, *(one.id for one in files))
        if key not in request.answered:
            await self._post_files(place, request.id, view, files, thread=spot.thread.thread if is_here else "")
            await self._whispers.note(request, key)
        if not is_here:
            note = f"{_IN_DIRECT if files else _TOO_LONG}: nobody else sees {'them' if files else 'it'} there."
            await self._whispers.say(request, View((Text(note),), note))

    def whisper_soon(self, request: Request, text: str) -> None:
        """Say one line privately while the caller goes on; it is lost where Slack does not take it at once."""
        self._errands.begin("whisper", self._whispers.say(request, View((Small(text),), text), is_noted=False))

    @override
    async def tell(self, member_id: str, view: View) -> bool:
        team = tenant_of_workspace(member_id.rpartition("/")[0])
        try:
            if _needs_file(view):
                channel = await self._whispers.open_direct(team, person_of(member_id))
                await self._post_files(Place(team, channel), derived_key(member_id, view.fallback), view, (), thread="")
            else:
                await self._whispers.tell(team, person_of(member_id), view)
        except PostRefused as error:
            _log.info("slack_direct_message_refused", reason=error.reason)
            return False
        return True

    async def tell_once(self, member_id: str, view: View, *, key: str) -> bool:
        """Return `tell`. Slack takes no key: what is to be told once is told by the one who claimed it."""
        _log.debug("slack_told", key=key)
        return await self.tell(member_id, view)

    @override
    async def mark(self, spot: Spot, mark: Mark, *, on: bool = True) -> None:
        place = place_of(spot.thread)
        arguments = {"channel": place.channel, "timestamp": spot.message_id, "name": _SIGNS[mark]}
        method = "reactions.add" if on else "reactions.remove"
        try:
            if on:
                await self._api.call(place.team, method, lambda client: client.reactions_add(**arguments))
            else:
                await self._api.call(place.team, method, lambda client: client.reactions_remove(**arguments))
        except PostRefused as error:  # a sign is a courtesy: what it says holds without it
            if error.reason not in _HARMLESS:
                _log.warning("slack_mark_refused", reason=error.reason)

    @override
    async def standing(self, actor: Actor) -> Standing:
        return await self._colleagues.standing(actor)

    @override
    async def check_post(self, request: Request, thread: ThreadRef) -> None:
        place = place_of(thread)
        if not place.channel:
            return  # the Home tab: nothing was meant but the asker's own direct messages
        if request.kind in _HEARD and place == place_of(request.spot.thread):
            return  # Slack tells us what is said only where we are
        try:
            answer: Any = await self._api.call(
                place.team, "conversations.info", lambda client: client.conversations_info(channel=place.channel)
            )
        except PostRefused as error:
            raise self._cannot_post(error.reason, place) from error
        channel = answer["channel"]
        if channel.get("is_archived"):
            raise self._cannot_post("is_archived", place)
        # in a public channel a message would go out, but nothing that people reply would ever come in
        if not (channel.get("is_member") or channel.get("is_im") or channel.get("is_mpim")):
            raise self._cannot_post("not_in_channel", place)

    @override
    async def channel_name(self, thread: ThreadRef) -> str:
        place = place_of(thread)
        try:
            answer: Any = await self._api.call(
                place.team, "conversations.info", lambda client: client.conversations_info(channel=place.channel)
            )
        except (PostRefused, TransientError) as error:
            _log.info("slack_channel_unknown", error=str(error))
            return ""
        name = str(answer["channel"].get("name") or "")
        return f"#{name}" if name and not place.is_direct else ""

    @override
    async def open_direct(self, actor: Actor) -> ThreadRef:
        tenant = tenant_of_workspace(actor.workspace_id)
        try:
            channel = await self._whispers.open_direct(tenant, actor.external_id)
        except PostRefused as error:
            raise CannotPost(error.reason, _NO_DIRECT.format(app=self._app_name)) from error
        return ThreadRef(PLATFORM, channel_ref(tenant, channel))

    @override
    async def open_private(self, request: Request) -> ThreadRef:
        return await self.open_direct(request.actor)

    @override
    async def fetch(self, request: Request, attachment: Attachment) -> bytes:
        return await self._downloads.fetch(place_of(request.spot.thread).team, attachment)

    @override
    async def keep(self, request: Request) -> Request:
        """See `Door.keep`; Slack serves a file for as long as it is there."""
        return request

    @override
    async def let_go(self, request: Request) -> None:
        """See `Door.let_go`."""

    @override
    async def files_nearby(self, request: Request) -> Sequence[Attachment]:
        """See `Door.files_nearby`; files of apps, our own results among them, are nobody's to give."""
        thread = request.spot.thread
        if not thread.thread:
            return ()
        found: list[Attachment] = []
        for message in await self._replies(place_of(thread), thread.thread):
            if message.get("ts") != request.spot.message_id and not message.get("bot_id"):
                found += attachments_of(message.get("files") or (), asker=request.actor.external_id)
        return tuple({one.id: one for one in reversed(found)}.values())

    @override
    async def ask_author(self, request: Request, author_id: str, view: View) -> bool:
        """See `Door.ask_author`: in their direct messages, which last; else in the channel, for as long as they look."""
        thread, place = request.spot.thread, place_of(request.spot.thread)
        if await self.tell(f"{request.actor.workspace_id}/{author_id}", view):
            return True
        try:
            await self._whispers.show_one(place, author_id, view, thread=thread.thread)
        except PostRefused as error:
            _log.info("slack_question_refused", reason=error.reason)
            return False
        return True

    @override
    def mention(self, external_id: str) -> str:
        """See `Door.mention`: Slack knows no way to name somebody without a ping but their name."""
        name = self._colleagues.name(external_id)
        return f"@{name}" if name else "a colleague"

    @override
    def is_at_home(self, request: Request) -> bool:
        """See `Door.is_at_home`: what is asked nowhere else is asked on the Home tab, or in a menu beside it."""
        return not place_of(request.spot.thread).channel

    @override
    async def show_home(self, actor: Actor, view: View) -> None:
        drawn = draw_home(view)
        await self._api.call(
            tenant_of_workspace(actor.workspace_id),
            "views.publish",
            lambda client: client.views_publish(user_id=actor.external_id, view=drawn),
        )

    async def drain(self) -> None:
        """Return when nothing is under way."""
        await self._errands.drain()

    async def aclose(self) -> None:
        """Give up on what is under way; connections stay open."""
        await self._errands.aclose()

    async def _post_files(
        self, place: Place, cause: str, view: View, files: Sequence[SessionFile], *, thread: str
    ) -> None:
        messages = render_view(view)
        for number, message in enumerate(messages, 1):
            is_last = number == len(messages)
            carried = tuple(_file(one) for one in files) if is_last else ()
            shown = Shown(message.text, message.blocks, message.plain, upload=message.upload, files=carried)
            key = derived_key("whisper", cause, number, *(one.id for one in files))
            await self._posts.post(place, shown, key=key, thread=thread)

    async def _replies(self, place: Place, thread: str) -> list[dict[str, Any]]:
        """Return the messages of a thread, oldest first, as far as Slack shows them now."""
        messages: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        for _ in range(_THREAD_PAGES):
            try:
                page = await self._page(place, thread, more)
            except PostRefused as error:
                _log.info("slack_thread_unreadable", reason=error.reason)
                break
            except TransientError:
                if not messages:
                    raise
                break  # an app outside the Marketplace reads one page a minute: what was seen has to do
            messages += page.get("messages") or ()
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
            more = {"cursor": cursor}
        return messages

    async def _page(self, place: Place, thread: str, more: dict[str, Any]) -> dict[str, Any]:
        arguments = {"channel": place.channel, "ts": thread, "limit": limits.HISTORY_PAGE, **more}
        answer: Any = await self._api.call(
            place.team,
            "conversations.replies",
            lambda client: client.conversations_replies(**arguments),
            patient=not more,
        )
        page: dict[str, Any] = answer.data
        return page

    def _cannot_post(self, reason: str, place: Place) -> CannotPost:
        words = _DIRECT if place.is_direct else _REMEDIES.get(reason, _INVITE)
        return CannotPost(reason, words.format(app=self._app_name))


def _needs_file(view: View) -> bool:
    """Return whether *view* is so long that the whole of it is a file, which a private answer cannot carry."""
    return any(message.upload for message in render_view(view))


def _file(file: SessionFile) -> dict[str, Any]:
    return {"key": file.storage_key, "name": file.name, "media_type": file.media_type}
