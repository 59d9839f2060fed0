"""Posting and editing one message, with the way out for each refusal: no message fails silently.

Every body that leaves is made here, and every one says who may be called: nobody, or the one person of its part.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bots.discord import limits
from bots.discord.api import DiscordApi
from bots.discord.files import Bundle, Links, gather, link_line, safe_name
from bots.discord.layout import (
    Json,
    file_component,
    picture_component,
    plain_components,
    remark,
    text_units,
)
from bots.discord.marks import Mark, mark_of, put_mark, read_mark
from bots.discord.pacing import Pacer
from bots.discord.parts import Shown
from bots.discord.permissions import Permission, name_of
from bots.discord.places import Spot
from bots.discord.text import units
from core.orchestration.ports import PostRefused
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_SUPPRESS_EMBEDS, _COMPONENTS_V2 = 1 << 2, 1 << 15
_FLAGS = _SUPPRESS_EMBEDS | _COMPONENTS_V2
_BAD_LOOK = "invalid_form"
_WITHOUT_FILES = {
    "missing_permissions": f"Files cannot be attached here: the app lacks the permission {name_of(Permission.ATTACH_FILES)}.",
    "too_large": "The files are too large for Discord.",
    "explicit_content": "Discord did not take the files.",
}
_REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A message of ours as it stands.

    Attributes:
        mark: Its key; None for one that has none.
        look: What it shows, 0 where only Discord knows.
        files: Names and ids of its attachments.
    """

    mark: Mark | None
    look: int = 0
    files: tuple[tuple[str, str], ...] = ()


class Posts:
    """Writes messages.

    Args:
        api: The door to Discord.
        files: Where the bytes of sessions' files are.
        links: See `bots.discord.files.Links`.
        pacer: The pace of what may be dropped.
    """

    def __init__(self, api: DiscordApi, files: FileStore, *, links: Links, pacer: Pacer) -> None:
        self._api = api
        self._files = files
        self._links = links
        self._pacer = pacer
        self._standing: OrderedDict[Spot, Standing] = OrderedDict()

    async def post(self, channel: str, shown: Shown, *, key: str) -> Spot:
        """Post a message with its files and return where it stands.

        For some minutes Discord answers a repeat with the same *key* with the first message (docs: enforce_nonce).

        Raises:
            PostRefused, PostUncertain, TransientError: See `core.orchestration.ports.ChatPort.send`.
        """
        bundle = await gather(self._files, shown.files, shown.upload, self._links)
        mark = mark_of(key, is_settled=shown.is_settled)
        nonce = {"nonce": key[: limits.NONCE], "enforce_nonce": True}
        message = await self._write("POST", Spot(channel, ""), shown, bundle, mark, more=nonce)
        spot = Spot(channel, str(message["id"]))
        self._remember(spot, shown, mark, message)
        return spot

    async def edit(self, spot: Spot, shown: Shown, *, patient: bool = True) -> None:
        """Change a message; nothing is called when it looks like that already.

        Raises:
            PostRefused, TransientError, NoRoom: As Discord answers.
        """
        if self.shows(spot, shown):
            return
        if not patient:
            self._pacer.admit(spot.channel)
        standing = await self.standing(spot)
        if standing is None:
            raise PostRefused("unknown_message")
        mark = replace(standing.mark, is_settled=shown.is_settled) if standing.mark is not None else None
        kept = {name: file_id for name, file_id in standing.files if name in _names(shown)}
        rows = [row for row in shown.files if safe_name(str(row["name"])) not in kept]
        bundle = await gather(self._files, rows, shown.upload, self._links)
        more: Json = {}
        if standing.files or bundle.uploads:
            more["attachments"] = [{"id": file_id} for file_id in kept.values()]
        self._standing.pop(spot, None)  # until the answer is there, nobody knows how it looks
        message = await self._write("PATCH", spot, shown, bundle, mark, kept=tuple(kept), more=more)
        self._remember(spot, shown, mark, message)

    async def standing(self, spot: Spot) -> Standing | None:
        """Return how a message stands, None for one that is gone.

        Raises:
            PostRefused, TransientError: As Discord answers.
        """
        known = self._standing.get(spot)
        if known is not None:
            return known
        try:
            message: Any = await self._api.call("GET", _MESSAGE, channel_id=spot.channel, message_id=spot.message)
        except PostRefused as error:
            if error.reason == "unknown_message":
                return None
            if error.reason != "missing_permissions":
                raise
            # Without history we cannot see which key it carries: better a card that is current than one to be found.
            return Standing(None)
        standing = Standing(read_mark(message.get("components") or ()), files=_files_of(message))
        self._keep(spot, standing)
        return standing

    def shows(self, spot: Spot, shown: Shown) -> bool:
        """Return whether a message is known to look like that already."""
        standing = self._standing.get(spot)
        return standing is not None and standing.look == _look(shown)

    async def _write(
        self,
        method: str,
        spot: Spot,
        shown: Shown,
        bundle: Bundle,
        mark: Mark | None,
        *,
        kept: Sequence[str] = (),
        more: Json,
    ) -> Any:
        """Send a message or change it: without files where they are refused, plain where its look is."""
        try:
            return await self._call(method, spot, message_body(shown, bundle, mark, kept=kept, more=more), bundle)
        except PostRefused as error:
            if error.reason in _WITHOUT_FILES and bundle.uploads:
                links = [link_line(row, self._links) for row in shown.files]
                bundle = bundle.without_uploads([_WITHOUT_FILES[error.reason], *links])
            elif error.reason == _BAD_LOOK:
                _log.warning(
                    "discord_look_refused", kind=shown.kind, session=shown.session_id, why=str(error.__cause__)
                )
                plain = plain_components(shown.plain or shown.text, person=shown.person)
                shown = replace(shown, components=plain)
            else:
                raise
            _log.warning("discord_refused", kind=shown.kind, session=shown.session_id, reason=error.reason)
        return await self._call(method, spot, message_body(shown, bundle, mark, kept=kept, more=more), bundle)

    async def _call(self, method: str, spot: Spot, body: Json, bundle: Bundle) -> Any:
        if not spot.message:
            return await self._api.call(
                method, _MESSAGES, body=body, uploads=bundle.uploads, posts=True, channel_id=spot.channel
            )
        return await self._api.call(
            method, _MESSAGE, body=body, uploads=bundle.uploads, channel_id=spot.channel, message_id=spot.message
        )

    def _remember(self, spot: Spot, shown: Shown, mark: Mark | None, message: Json) -> None:
        self._keep(spot, Standing(mark, _look(shown), _files_of(message)))

    def _keep(self, spot: Spot, standing: Standing) -> None:
        self._standing[spot] = standing
        self._standing.move_to_end(spot)
        while len(self._standing) > _REMEMBERED:
            self._standing.popitem(last=False)


def message_body(
    shown: Shown, bundle: Bundle, mark: Mark | None, *, kept: Sequence[str] = (), more: Json | None = None
) -> Json:
    """Return the body of a message: the only place that makes one."""
    components = [*shown.components, *_file_components(bundle, kept)]
    for note in bundle.notes:
        line = remark(f"-# {note}")
        if text_units(components) + units(line["content"]) <= limits.MESSAGE_TEXT:
            components.append(line)
    body: Json = {
        "components": put_mark(components, mark) if mark is not None else components,
        "flags": _FLAGS,
        "allowed_mentions": {"parse": [], "users": [shown.person] if shown.person else [], "replied_user": False},
        **(more or {}),
    }
    if bundle.uploads:
        titles = dict(bundle.titles)
        new = [
            {"id": str(number), "filename": one.name, "title": titles[one.name], "description": titles[one.name]}
            for number, one in enumerate(bundle.uploads)
        ]
        body["attachments"] = [*body.get("attachments", ()), *new]
    return body


def _file_components(bundle: Bundle, kept: Sequence[str]) -> list[Json]:
    titles = dict(bundle.titles)
    pictures = [(one.name, titles[one.name]) for one in bundle.uploads if one.media_type.startswith("image/")]
    shown = dict.fromkeys([*kept, *(one.name for one in bundle.uploads if not one.media_type.startswith("image/"))])
    components = [file_component(name) for name in shown]
    return [*components, picture_component(pictures)] if pictures else components


def _names(shown: Shown) -> set[str]:
    """Return the names of the files of a post that stay when it is edited; a text is always written anew."""
    return {safe_name(str(row["name"])) for row in shown.files}


def _files_of(message: Json) -> tuple[tuple[str, str], ...]:
    return tuple((str(one["filename"]), str(one["id"])) for one in message.get("attachments") or ())


def _look(shown: Shown) -> int:
    return hash((repr(shown.components), repr(shown.upload), repr(shown.files))) or 1
