"""Private answers: beside what somebody typed or pressed, while Discord takes them there; else in their direct messages.

The token of an interaction lives for a quarter of an hour. Nothing depends on it: an answer that comes later, or in
another process, or after a first answer that came too late, goes to the direct messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bots.commands import Place as Where
from bots.desk.requests import Request
from bots.discord import limits
from bots.discord.api import DiscordApi, Upload
from bots.discord.files import Bundle, Links, gather
from bots.discord.layout import Json, Message, plain_components, render_view
from bots.discord.memory import Recent
from bots.discord.parts import Shown
from bots.discord.places import Spot, moment_of, place_of
from bots.discord.posts import Posts, message_body
from bots.views.elements import View
from core.clock import Clock
from core.ids import derived_key, new_id
from core.orchestration.ports import PostRefused
from core.sessions.model import SessionFile
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
_HOOK = "/webhooks/{webhook_id}/{webhook_token}"
_ORIGINAL = "@original"
_EPHEMERAL = 1 << 6
_BAD_LOOK = "invalid_form"
_GONE = "unknown_message"
_OVER = frozenset({"token_over", "unknown_webhook", "unknown_interaction"})
_CLOSED = "takes_no_messages"
_BESIDE = "beside"
_UNREACHED = (
    "I have an answer for you alone, and your direct messages are closed to me. "
    "Open them for this server, or type it after `/atelier`: then only you see what I say."
)


@dataclass(frozen=True, slots=True)
class _Hook:
    """Where an interaction is answered.

    Attributes:
        is_beside: Whether its first answer is somebody else's message, so that ours stands beside it.
    """

    app: str
    token: str
    is_beside: bool

    @property
    def path(self) -> Mapping[str, str]:
        """The names in the address."""
        return {"webhook_id": self.app, "webhook_token": self.token}


class Answers:
    """Answers privately.

    Args:
        api: The door to Discord.
        posts: Writes messages.
        files: Where the bytes of sessions' files are.
        links: See `bots.discord.files.Links`.
        clock: The time.
    """

    def __init__(self, api: DiscordApi, posts: Posts, *, files: FileStore, links: Links, clock: Clock) -> None:
        self._api = api
        self._posts = posts
        self._files = files
        self._links = links
        self._clock = clock
        self._said: Recent[str, tuple[str, ...]] = Recent(clock, seconds=limits.TOKEN_LIFE_SECONDS)
        self._told: Recent[str, tuple[Spot, ...]] = Recent(clock, seconds=limits.EDIT_SECONDS)

    async def say(self, request: Request, view: View, files: Sequence[SessionFile] = ()) -> None:
        """Show *view* to the one who asked, in place of what was said about this request before.

        Raises:
            PostRefused: If Discord takes it nowhere.
            TransientError: If it cannot be shown now.
        """
        shown = [_shown(one) for one in render_view(view)]
        shown[-1] = _with_files(shown[-1], files)
        hook = self._hook(request)
        if hook is not None:
            try:
                await self._beside(hook, shown)
            except PostRefused as error:
                if error.reason not in _OVER:
                    raise
                _log.info("discord_token_over", reason=error.reason)
            else:
                return
        try:
            await self._directly(request, shown)
        except PostRefused as error:
            if error.reason != _CLOSED or request.spot.place is Where.DIRECT:
                raise
            await self._say_unreached(request)

    async def tell(self, person: str, view: View, *, key: str = "") -> None:
        """Write to somebody's direct messages.

        Args:
            person: Discord's id of whom.
            view: What.
            key: By which a repeat within minutes is known; empty for none.

        Raises:
            PostRefused: If that person takes none.
            TransientError: If it cannot be written now.
        """
        channel = await self.open_direct(person)
        for number, message in enumerate(render_view(view)):
            one = derived_key("told", key, number) if key else new_id("m")[2:]
            await self._posts.post(channel, _shown(message), key=one)

    async def open_direct(self, person: str) -> str:
        """Return Discord's id of the app's conversation with somebody.

        Raises:
            PostRefused, TransientError: As Discord answers.
        """
        answer: Any = await self._api.call("POST", "/users/@me/channels", body={"recipient_id": person})
        return str(answer["id"])

    def _hook(self, request: Request) -> _Hook | None:
        """Return where a request can be answered, None where its token has ended or there never was one."""
        answer = request.spot.answer
        token, interaction = answer.get("token", ""), answer.get("id", "")
        if not token or not interaction.isdigit():
            return None
        age = (self._clock.now() - moment_of(interaction)).total_seconds()
        if age > limits.TOKEN_LIFE_SECONDS:
            return None
        return _Hook(answer.get("app", ""), token, is_beside=bool(answer.get(_BESIDE)))

    async def _beside(self, hook: _Hook, shown: Sequence[Shown]) -> None:
        """Put an answer where the one before stands; what is longer goes on below, what is left over goes away."""
        before = self._said.get(hook.token)
        if before is None:
            before = () if hook.is_beside else (_ORIGINAL,)
        said: list[str] = []
        for number, one in enumerate(shown):
            place = before[number] if number < len(before) else ""
            said.append(await self._put(hook, place, one))
            self._said.keep(hook.token, (*said, *before[number + 1 :]))
        for place in before[len(shown) :]:
            await self._take_away(hook, place)
        self._said.keep(hook.token, tuple(said))

    async def _put(self, hook: _Hook, place: str, shown: Shown) -> str:
        """Write a message at *place*, or a new one where that is empty or gone; return where it stands."""
        if place:
            try:
                await self._write("PATCH", _path_to(place), {**hook.path, "message_id": place}, shown)
            except PostRefused as error:
                if error.reason != _GONE:  # its reader put it away
                    raise
            else:
                return place
        answer: Any = await self._write("POST", _HOOK, hook.path, shown)
        return str(answer["id"])

    async def _take_away(self, hook: _Hook, place: str) -> None:
        try:
            await self._api.call("DELETE", _path_to(place), more={**hook.path, "message_id": place})
        except PostRefused as error:
            if error.reason != _GONE:
                raise

    async def _write(self, method: str, path: str, names: Mapping[str, str], shown: Shown) -> Any:
        bundle = await gather(self._files, shown.files, shown.upload, self._links)
        try:
            return await self._call(method, path, names, shown, bundle)
        except PostRefused as error:
            if error.reason != _BAD_LOOK:
                raise
            _log.warning("discord_look_refused", kind="private", why=str(error.__cause__))
        plain = Shown(text=shown.text, components=plain_components(shown.plain or shown.text), plain=shown.plain)
        return await self._call(method, path, names, plain, Bundle())

    async def _call(self, method: str, path: str, names: Mapping[str, str], shown: Shown, bundle: Bundle) -> Any:
        is_new = method == "POST"
        body: Json = message_body(shown, bundle, None, more={} if is_new else {"attachments": []})
        if is_new:
            body["flags"] |= _EPHEMERAL
        uploads: Sequence[Upload] = bundle.uploads
        query = {"wait": "true"} if is_new else None
        # a second showing is better than none, so a lost answer is tried again with the whole request
        return await self._api.call(method, path, body=body, query=query, uploads=uploads, more=names)

    async def _directly(self, request: Request, shown: Sequence[Shown]) -> None:
        """Write to the asker's direct messages, in place of what was written there about this request."""
        before = self._told.get(request.id) or ()
        told: list[Spot] = []
        channel = "" if before else await self._direct_channel(request)
        for number, one in enumerate(shown):
            if number < len(before):
                try:
                    await self._posts.edit(before[number], one)
                except PostRefused as error:
                    if error.reason != _GONE:
                        raise
                else:
                    told.append(before[number])
                    continue
            channel = channel or await self._direct_channel(request)
            told.append(await self._posts.post(channel, one, key=new_id("m")[2:]))
        self._told.keep(request.id, (*told, *before[len(shown) :]))

    async def _direct_channel(self, request: Request) -> str:
        place = place_of(request.spot.thread)
        if request.spot.place is Where.DIRECT and place.channel:
            return place.channel
        return await self.open_direct(request.actor.external_id)

    async def _say_unreached(self, request: Request) -> None:
        """Say under a message that its author cannot be answered; there is no other private way to somebody."""
        spot = request.spot
        if not spot.message_id:
            raise PostRefused(_CLOSED)
        channel = spot.thread.thread or place_of(spot.thread).channel
        shown = Shown(text=_UNREACHED, components=plain_components(_UNREACHED), plain=_UNREACHED)
        await self._posts.post(channel, shown, key=new_id("m")[2:])


def _path_to(place: str) -> str:
    """Return the address of an answer; names in braces would be quoted, which ``@original`` does not bear everywhere."""
    return f"{_HOOK}/messages/{place if place == _ORIGINAL else '{message_id}'}"


def _shown(message: Message) -> Shown:
    return Shown(text=message.text, components=message.components, plain=message.plain, upload=message.upload)


def _with_files(shown: Shown, files: Sequence[SessionFile]) -> Shown:
    rows = tuple(
        {
            "id": one.id,
            "key": one.storage_key,
            "name": one.name,
            "media_type": one.media_type,
            "size": one.size_bytes,
        }
        for one in files
    )
    return Shown(text=shown.text, components=shown.components, plain=shown.plain, upload=shown.upload, files=rows)
