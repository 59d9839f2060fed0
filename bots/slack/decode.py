"""What Slack sends, as the desk's requests: pure functions from payloads to values.

Whose request it is, is never read from the person: in a channel that is shared with another company the speaker's home
is somebody else's workspace. It is the installation through which Slack reached us; see `Install`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bots.commands import Place
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.parsing import HelpNeeded, Value, parse_command
from bots.slack.blocks import decode_press as decode_action
from bots.slack.places import channel_ref
from bots.slack.reading import mentions, plain_of
from bots.slack.tenants import PLATFORM, workspace_id_of
from core.ids import derived_key
from core.sessions.model import ThreadRef

Json = Mapping[str, Any]
_SAID = frozenset({"", "file_share", "thread_broadcast"})
_CHANGED = "message_changed"
_DELETED = "message_deleted"
_STONE = "tombstone"  # a deleted message that has replies
_DIRECT = "D"
_NOT_A_PERSON = frozenset({"USLACKBOT"})
_BRIEF_CHARACTERS = 6_000
_NAME_CHARACTERS = 60


class Shortcut(StrEnum):
    """The app's entries in Slack's menus, by callback id."""

    EDIT = "edit_with_atelier"
    NEW = "new_session"


@dataclass(frozen=True, slots=True)
class Install:
    """The installation through which something came.

    Attributes:
        tenant: See `bots.slack.tenants`.
        bot_user: Slack's id of the app's own user there, empty if nobody knows it.
    """

    tenant: str
    bot_user: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request, and everything by which a repeat of it is known.

    Attributes:
        keys: The event's own id or the press's trigger, and where there is a message, its tenant, channel and time:
            one message that names the app comes as two events with two ids.
    """

    request: Request
    keys: tuple[str, ...]


def decode_event(body: Json, install: Install) -> Decoded | None:
    """Return what an event asks, None where it asks nothing.

    Of messages without a mention only those in threads and in direct messages come back; whether a thread is a
    session's only the desk knows.
    """
    event: Json = body.get("event") or {}
    match event.get("type"):
        case "app_mention":
            return _message(body, event, install, is_mention=True)
        case "message":
            return _any_message(body, event, install)
        case "agent_session_stopped":  # Slack's own stop button
            return _command_in_thread(body, event, install, "stop")
        case _:
            return None


def decode_command(body: Json, install: Install) -> Decoded:
    """Return what a slash command asks; text that is no command asks for help, with what is wrong as ``problem``."""
    channel = _of(body, "channel_id")
    parsed = parse_command(plain_of(_of(body, "text")))
    command, values = "help", dict[str, Value]()
    if isinstance(parsed, HelpNeeded):
        given = {"command": parsed.command, "problem": parsed.problem}
        values |= {name: value for name, value in given.items() if value}
    elif parsed.command.only_on and PLATFORM not in parsed.command.only_on:
        values["problem"] = f"{parsed.command.name} is not for Slack: {parsed.command.reason}"
    else:
        command, values = parsed.command.name, dict(parsed.values)
    key = _of(body, "trigger_id")
    request = Request(
        id=_id_of(key),
        kind=RequestKind.COMMAND,
        actor=_actor(install, body.get("user_id"), body.get("user_name")),
        spot=_typed_spot(install, channel, answer=_answer(body)),
        command=command,
        values=values,
    )
    return Decoded(request, (key,))


def decode_shortcut(body: Json, install: Install) -> Decoded | None:
    """Return what an entry of Slack's menus asks: a session on a message, or a new one from nothing.

    A message without files is itself what is to be worked on: one that is too long for a brief is a document. The spot of
    the global shortcut names no channel.
    """
    key, user = _of(body, "trigger_id"), body.get("user") or {}
    values, files = dict[str, Value](), tuple[Attachment, ...]()
    match body.get("callback_id"):
        case Shortcut.EDIT:
            message: Json = body.get("message") or {}
            channel = _of(body.get("channel") or {}, "id")
            files = _files(message, asker=_of(user, "id"))
            text = plain_of(_of(message, "text"), without=install.bot_user)
            if len(text) > _BRIEF_CHARACTERS and not files:
                files = (_as_file(message, text),)
            elif text and not files:
                values["brief"] = text
            spot = _message_spot(install, channel, message, answer=_answer(body))
            if spot.place is Place.DIRECT:
                spot = _typed_spot(install, channel, answer=_answer(body))
        case Shortcut.NEW:
            spot = _typed_spot(install, "", answer={})
        case _:
            return None
    request = Request(
        id=_id_of(key),
        kind=RequestKind.COMMAND,
        actor=_actor(install, user.get("id"), user.get("name")),
        spot=spot,
        command="new",
        values=values,
        files=files,
    )
    return Decoded(request, (key,))


def decode_press(body: Json, install: Install) -> Decoded | None:
    """Return what a button asks, None for one that no view of ours drew."""
    action: Json = next(iter(body.get("actions") or ()), {})
    pressed = decode_action(_of(action, "action_id"), _of(action, "value"))
    if pressed is None:
        return None
    name, target, argument = pressed
    user, container = body.get("user") or {}, body.get("container") or {}
    key = _of(body, "trigger_id")
    request = Request(
        id=_id_of(key),
        kind=RequestKind.PRESS,
        actor=_actor(install, user.get("id"), user.get("name")),
        spot=_press_spot(install, body, container),
        action=name,
        target=target,
        argument=argument,
    )
    return Decoded(request, (key,))


def attachments_of(files: Iterable[Json], *, asker: str, role: str = "") -> tuple[Attachment, ...]:
    """Return files as Slack describes them; of one from Slack Connect its id alone may be known."""
    return tuple(_attachment(file, asker, role) for file in files if file.get("id"))


def _any_message(body: Json, event: Json, install: Install) -> Decoded | None:
    """Return what a message event asks; edits and deletions of what people wrote among them."""
    subtype = _of(event, "subtype")
    if subtype == _CHANGED:
        return _changed(body, event, install)
    if subtype == _DELETED:
        return _deleted(body, event, event.get("previous_message") or {}, install)
    if subtype not in _SAID:
        return None
    named = mentions(_of(event, "text"), install.bot_user)
    in_thread = _thread_ts(event) != ""
    if named or (_is_direct(event) and not in_thread):
        return _message(body, event, install, is_mention=True)
    return _message(body, event, install, is_mention=False) if in_thread else None


def _message(body: Json, event: Json, install: Install, *, is_mention: bool) -> Decoded | None:
    if not _is_by_person(event, install):
        return None
    person, channel, ts = str(event["user"]), _of(event, "channel"), _of(event, "ts")
    key = _message_key(install, channel, ts)
    request = Request(
        id=_id_of(key),
        kind=RequestKind.MENTION if is_mention else RequestKind.SAID,
        actor=_actor(install, person),
        spot=_message_spot(install, channel, event),
        text=plain_of(_of(event, "text"), without=install.bot_user),
        files=_files(event, asker=person),
    )
    return Decoded(request, _keys(body, key))


def _changed(body: Json, event: Json, install: Install) -> Decoded | None:
    after, before = event.get("message") or {}, event.get("previous_message") or {}
    if after.get("subtype") == _STONE:
        return _deleted(body, event, before, install)
    # a preview of a link, a new reply and a pin come as changes too
    if after.get("text") == before.get("text") or not _is_by_person(after, install) or not _thread_ts(after):
        return None
    channel, ts = _of(event, "channel"), _of(after, "ts")
    edited = str((after.get("edited") or {}).get("ts") or event.get("ts", ""))
    key = f"{_message_key(install, channel, ts)}/edited/{edited}"
    request = Request(
        id=_id_of(key),
        kind=RequestKind.EDITED,
        actor=_actor(install, after["user"]),
        spot=_message_spot(install, channel, after),
        text=plain_of(_of(after, "text"), without=install.bot_user),
        revision=edited,
    )
    return Decoded(request, _keys(body, key))


def _deleted(body: Json, event: Json, before: Json, install: Install) -> Decoded | None:
    if not _is_by_person(before, install) or not _thread_ts(before):
        return None
    channel, ts = _of(event, "channel"), str(event.get("deleted_ts") or before.get("ts", ""))
    key = f"{_message_key(install, channel, ts)}/deleted"
    request = Request(
        id=_id_of(key),
        kind=RequestKind.DELETED,
        actor=_actor(install, before["user"]),
        spot=_message_spot(install, channel, {**before, "ts": ts}),
    )
    return Decoded(request, _keys(body, key))


def _command_in_thread(body: Json, event: Json, install: Install, command: str) -> Decoded | None:
    person, channel, thread = (_of(event, name) for name in ("user", "channel", "thread_ts"))
    if not person or not thread:
        return None
    event_id = _of(body, "event_id")
    spot = Spot(_thread(install, channel, thread), _place(channel, thread))
    actor = _actor(install, person)
    return Decoded(
        Request(id=_id_of(event_id), kind=RequestKind.COMMAND, actor=actor, spot=spot, command=command), (event_id,)
    )


def _is_by_person(message: Json, install: Install) -> bool:
    """Return whether a person wrote it: no app, ours or another one, and not Slack itself."""
    person = _of(message, "user")
    is_app = bool(message.get("bot_id")) or message.get("subtype") == "bot_message"
    return bool(person) and not is_app and person != install.bot_user and person not in _NOT_A_PERSON


def _is_direct(event: Json) -> bool:
    return event.get("channel_type") == "im" or _of(event, "channel").startswith(_DIRECT)


def _thread_ts(message: Json) -> str:
    """Return the thread that a message is a reply in, empty for one that stands in the channel itself."""
    thread = _of(message, "thread_ts")
    return thread if thread != message.get("ts") else ""


def _message_spot(install: Install, channel: str, message: Json, answer: dict[str, str] | None = None) -> Spot:
    thread = _thread_ts(message)
    return Spot(
        _thread(install, channel, thread),
        _place(channel, thread),
        message_id=_of(message, "ts"),
        answer=answer or {},
    )


def _typed_spot(install: Install, channel: str, answer: dict[str, str]) -> Spot:
    """Return where somebody used a command or a menu.

    Both can be used in a conversation of two people, too, and Slack does not say whether the app is one of them: such a
    spot names no channel, and whoever posts opens the app's own conversation with the asker.
    """
    is_direct = not channel or channel.startswith(_DIRECT)
    return Spot(
        _thread(install, "" if is_direct else channel), Place.DIRECT if is_direct else Place.CHANNEL, answer=answer
    )


def _press_spot(install: Install, body: Json, container: Json) -> Spot:
    channel = str(container.get("channel_id") or (body.get("channel") or {}).get("id") or "")
    ts = _of(container, "message_ts")
    thread = _thread_ts({"ts": ts, "thread_ts": container.get("thread_ts")})
    return Spot(
        _thread(install, channel, thread),
        _place(channel, thread) if channel else Place.DIRECT,
        message_id=ts,
        answer=_answer(body),
        is_private=bool(container.get("is_ephemeral")),
    )


def _thread(install: Install, channel: str, thread: str = "") -> ThreadRef:
    return ThreadRef(PLATFORM, channel_ref(install.tenant, channel), thread)


def _place(channel: str, thread: str = "") -> Place:
    if channel.startswith(_DIRECT):
        return Place.DIRECT
    return Place.THREAD if thread else Place.CHANNEL


def _actor(install: Install, person: object, name: object = "") -> Actor:
    return Actor(workspace_id_of(install.tenant), str(person or ""), str(name or ""))


def _answer(body: Json) -> dict[str, str]:
    url = _of(body, "response_url")
    return {"response_url": url} if url else {}


def _files(message: Json, *, asker: str) -> tuple[Attachment, ...]:
    found: Sequence[Json] = message.get("files") or ()
    return attachments_of(found, asker=asker)


def _as_file(message: Json, text: str) -> Attachment:
    """Return a message as a document, named by its first words."""
    words = "".join(one if one.isalnum() or one in "-_" else " " for one in text[:_NAME_CHARACTERS]).split()
    name = " ".join(words[:-1] or words) or "message"
    return Attachment(f"message-{_of(message, 'ts')}", f"{name}.txt", size_bytes=len(text.encode()), text=text)


def _attachment(file: Json, asker: str, role: str) -> Attachment:
    author = _of(file, "user")
    return Attachment(
        id=str(file["id"]),
        name=str(file.get("name") or file.get("title") or ""),
        # never `url_private`: for some kinds of files it leads to a page
        url=_of(file, "url_private_download"),
        size_bytes=int(file.get("size") or 0),
        author_id=author if author != asker else "",
        role=role,
    )


def _message_key(install: Install, channel: str, ts: str) -> str:
    return f"{install.tenant}/{channel}/{ts}"


def _keys(body: Json, key: str) -> tuple[str, ...]:
    return tuple(one for one in (_of(body, "event_id"), key) if one)


def _id_of(key: str) -> str:
    """Return the id of what *key* names: a repeat has the same one in every process."""
    return f"q_{derived_key(PLATFORM, key)}"


def _of(body: Json, name: str) -> str:
    """Return a text of *body*; Slack leaves out some of what it does not know and sends null for the rest."""
    return str(body.get(name) or "")
