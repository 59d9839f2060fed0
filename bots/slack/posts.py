"""Posting, editing and deleting one message, with the way out for each refusal: no message fails silently."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bots.posting.text import shorten
from bots.slack import limits
from bots.slack.api import BAD_BLOCKS, TOO_LONG, SlackApi
from bots.slack.blocks import Json, remark, text_block
from bots.slack.memory import Recent
from bots.slack.parts import Shown
from bots.slack.places import Place
from core.errors import TransientError
from core.orchestration.ports import PostRefused, PostUncertain
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
EVENT_TYPE = "atelier_post"
DRAFT_KEY = "draft-"
_WITHOUT_SCOPE = "missing_scope"
_REMEMBERED = 2_000
# Slack takes an agent's picture by its own names for emoji; another one stands before the name instead.
_ICONS = {
    "✍": "writing_hand",
    "🧭": "compass",
    "🖋": "lower_left_fountain_pen",
    "🔎": "mag_right",
    "⚖": "scales",
    "🖍": "lower_left_crayon",
    "🛠": "hammer_and_wrench",
    "📐": "triangular_ruler",
    "🙋": "raising_hand",
    "🧵": "thread",
    "🧱": "bricks",
    "👥": "busts_in_silhouette",
    "✂": "scissors",
    "📖": "book",
    "🎯": "dart",
    "🛡": "shield",
    "♿": "wheelchair",
    "🐣": "hatching_chick",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A message of ours as history shows it.

    Attributes:
        waiting: Slack's ids of files that were uploaded for it and not yet put to it.
    """

    ts: str
    text: str
    blocks: list[Json]
    key: str
    waiting: tuple[str, ...] = ()


class Posts:
    """Writes messages.

    Args:
        api: The door to Slack.
        files: Where the bytes of sessions' files are.
    """

    def __init__(self, api: SlackApi, files: FileStore) -> None:
        self._api = api
        self._files = files
        self._looks: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        # of posts that were refused: where a place stays closed for days, each try would leave its files behind
        self._uploaded: Recent[tuple[str, str], tuple[str, ...]] = Recent(_REMEMBERED)

    async def post(self, place: Place, shown: Shown, *, key: str, thread: str = "", broadcast: bool = False) -> str:
        """Post a message with its files and return its ts.

        The files are uploaded first and belong to nobody yet, so that a failure leaves nothing half-made; the message
        carries *key* and their ids, and takes them in by an edit. A crash before that edit is mended by `complete`.

        Raises:
            PostRefused, PostUncertain, TransientError: See `core.orchestration.ports.ChatPort.send`.
        """
        shown, uploaded = await self._with_files(place, shown, key)
        metadata = _metadata(key, uploaded)
        more: Json = {"thread_ts": thread} if thread else {}
        if broadcast:
            more["reply_broadcast"] = True
        try:
            ts = await self._post(place, shown, {"metadata": metadata, **more})
        except PostRefused as error:
            if error.reason not in BAD_BLOCKS | TOO_LONG:
                self._uploaded.keep((place.team, key), uploaded)
                raise
            _log.warning("slack_blocks_refused", kind=shown.kind, session=shown.session_id, reason=error.reason)
            shown, uploaded = await self._as_plain(place, shown, uploaded)
            ts = await self._post(place, shown, {"metadata": _metadata(key, uploaded), **more})
        if uploaded:
            await self._attach_after(place, Found(ts, shown.text, shown.blocks, key, uploaded), thread=thread or ts)
        self._remember(place, ts, shown)
        return ts

    async def edit(self, place: Place, ts: str, shown: Shown, *, key: str = "", patient: bool = True) -> str:
        """Change a message and return its ts; nothing is called when it looks like that already.

        Raises:
            PostRefused, TransientError, NoRoom: As Slack answers.
        """
        if not key and self._looks.get((place.team, place.channel, ts)) == _look(shown):
            return ts
        more: Json = {"metadata": _metadata(key, ())} if key else {}
        self._looks.pop((place.team, place.channel, ts), None)  # until the answer is there, nobody knows how it looks
        try:
            await self._update(place, ts, shown.text, shown.blocks, more, patient=patient)
        except PostRefused as error:
            if error.reason not in BAD_BLOCKS | TOO_LONG:
                raise
            _log.warning("slack_blocks_refused", kind=shown.kind, session=shown.session_id, reason=error.reason)
            plain, uploaded = await self._as_plain(place, shown, ())
            if uploaded:
                more["file_ids"] = list(uploaded)
            await self._update(place, ts, plain.text, [], more, patient=patient)
        self._remember(place, ts, shown)
        return ts

    async def complete(self, place: Place, found: Found, *, thread: str) -> None:
        """Put the files to a message that waits for them.

        Raises:
            TransientError: If that cannot be done now.
        """
        arguments = {"file_ids": list(found.waiting), "metadata": _metadata(found.key, ())}
        try:
            await self._update(place, found.ts, found.text, found.blocks, arguments)
        except PostRefused as error:
            # The files are uploaded but Slack will not put them to this message: say so rather than lose them.
            _log.warning("slack_files_refused", reason=error.reason, thread=thread)
            note = remark(f"The files could not be attached here (Slack says `{error.reason}`): press Show files.")
            await self._update(
                place, found.ts, found.text, [*found.blocks, note], {"metadata": _metadata(found.key, ())}
            )

    async def delete(self, place: Place, ts: str) -> None:
        """Take a message away.

        Raises:
            PostRefused, TransientError: As Slack answers.
        """
        await self._api.call(place.team, "chat.delete", lambda client: client.chat_delete(channel=place.channel, ts=ts))

    async def _post(self, place: Place, shown: Shown, more: Json) -> str:
        arguments: Json = {
            "channel": place.channel,
            "text": shown.text,
            "unfurl_links": False,
            "unfurl_media": False,
            **more,
        }
        if shown.blocks:
            arguments["blocks"] = shown.blocks
        try:
            return await self._send(place, arguments | _speaker(shown))
        except PostRefused as error:
            if error.reason != _WITHOUT_SCOPE or not shown.speaker:
                raise
            return await self._send(place, arguments)

    async def _send(self, place: Place, arguments: Json) -> str:
        answer: Any = await self._api.call(
            place.team,
            "chat.postMessage",
            lambda client: client.chat_postMessage(**arguments),
            channel=place.channel,
            posts=True,
        )
        return str(answer["ts"])

    async def _update(
        self, place: Place, ts: str, text: str, blocks: list[Json], more: Json, *, patient: bool = True
    ) -> None:
        # An empty list takes blocks away; without one the old ones would stay.
        await self._api.call(
            place.team,
            "chat.update",
            lambda client: client.chat_update(
                channel=place.channel, ts=ts, text=text[: limits.TEXT], blocks=blocks, **more
            ),
            channel=place.channel,
            patient=patient,
        )

    async def _attach_after(self, place: Place, found: Found, *, thread: str) -> None:
        try:
            await self.complete(place, found, thread=thread)
        except TransientError as error:
            raise PostUncertain("posted, its files are not", retry_after_seconds=error.retry_after_seconds) from error

    async def _with_files(self, place: Place, shown: Shown, key: str) -> tuple[Shown, tuple[str, ...]]:
        """Upload what goes with a message, unless an earlier try did; return the message and Slack's ids of the files."""
        uploads: list[Json] = []
        gone: list[str] = []
        for file in shown.files:
            try:
                data = await self._files.get(str(file["key"]))
            except KeyError:
                gone.append(str(file["name"]))
                continue
            uploads.append(_upload(str(file["name"]), data, str(file["media_type"])))
        if shown.upload:
            uploads.append(_upload(shown.upload["name"], shown.upload["text"].encode(), "text/markdown"))
        notes = [f"{name} is not kept any more." for name in gone]
        uploaded: tuple[str, ...] = ()
        try:
            uploaded = self._uploaded.get((place.team, key)) or await self._upload(
                place, [item for item in uploads if item["content"]]
            )
        except PostRefused as error:
            _log.warning("slack_upload_refused", session=shown.session_id, reason=error.reason)
            notes.append(f"The files could not be attached here (Slack says `{error.reason}`): press Show files.")
        if notes:
            shown = replace(shown, blocks=[*shown.blocks, *(remark(note) for note in notes)])
        return shown, uploaded

    async def _upload(self, place: Place, uploads: Sequence[Json]) -> tuple[str, ...]:
        if not uploads:
            return ()
        answer: Any = await self._api.call(
            place.team,
            "files.getUploadURLExternal",
            lambda client: client.files_upload_v2(file_uploads=list(uploads)),
        )
        return tuple(str(file["id"]) for file in answer["files"])

    async def _as_plain(self, place: Place, shown: Shown, uploaded: tuple[str, ...]) -> tuple[Shown, tuple[str, ...]]:
        """Return a message without its looks; one that is too long for plain text becomes a file and one line."""
        plain = shown.plain or shown.text
        if len(plain) <= limits.TEXT:
            return replace(shown, text=plain, blocks=[]), uploaded
        try:
            more = await self._upload(place, [_upload("text.txt", plain.encode(), "text/plain")])
        except PostRefused as error:
            _log.warning("slack_upload_refused", session=shown.session_id, reason=error.reason)
            note = f"\n\nThe rest could not be attached here (Slack says `{error.reason}`): press Show files."
            return replace(shown, text=shorten(plain, limits.TEXT - len(note)) + note, blocks=[]), uploaded
        return replace(shown, blocks=[]), (*uploaded, *more)

    def _remember(self, place: Place, ts: str, shown: Shown) -> None:
        self._looks[place.team, place.channel, ts] = _look(shown)
        self._looks.move_to_end((place.team, place.channel, ts))
        while len(self._looks) > _REMEMBERED:
            self._looks.popitem(last=False)


def draft_blocks(markdown: str) -> list[Json]:
    """Return the blocks of a draft that is shown by edits."""
    return [text_block(markdown)]


def found_of(message: Json) -> Found | None:
    """Return a message of history as one of ours, None for another's."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT_TYPE or not payload.get("key"):
        return None
    waiting = str(payload.get("waiting", ""))
    return Found(
        ts=str(message["ts"]),
        text=str(message.get("text", "")),
        blocks=list(message.get("blocks") or ()),
        key=str(payload["key"]),
        waiting=tuple(one for one in waiting.split(",") if one),
    )


def _metadata(key: str, waiting: Sequence[str]) -> Json:
    payload: Json = {"key": key}
    if waiting:
        payload["waiting"] = ",".join(waiting)
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _upload(name: str, content: bytes, media_type: str) -> Json:
    upload: Json = {"filename": name, "title": name, "content": content}
    if media_type.startswith("image/"):
        upload["alt_txt"] = name[: limits.ALT_TEXT]
    return upload


def _speaker(shown: Shown) -> Json:
    if not shown.speaker:
        return {}
    icon = _ICONS.get(shown.icon.rstrip("\ufe0f"))
    name = shown.speaker if icon or not shown.icon else f"{shown.icon} {shown.speaker}"
    return {"username": name[: limits.USERNAME]} | ({"icon_emoji": f":{icon}:"} if icon else {})


def _look(shown: Shown) -> int:
    return hash((shown.text, repr(shown.blocks)))
