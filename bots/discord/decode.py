"""What Discord sends, as the desk's requests: pure functions from plain values to values.

A server is a workspace. In a direct conversation there is no server: whose request it is, the caller has to find out
(`bots.discord.records`) and gives as *home*.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bots.commands import BY_NAME, Kind, Place, find_command
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.discord.places import channel_ref, workspace_ref
from bots.discord.presses import decode_press as read_custom_id
from bots.parsing import Value
from core.ids import derived_key
from core.sessions.model import ThreadRef

Json = Mapping[str, Any]
PLATFORM = "discord"
INLINE = "data:text/plain;base64,"
_SUBCOMMAND, _GROUP, _ATTACHMENT = 1, 2, 11
_MESSAGE_MENU = 3
_ORDINARY = frozenset({0, 19})  # a message, and a reply
_BRIEF_CHARACTERS = 6_000
_NAME_CHARACTERS = 40
_DOCUMENT, _REFERENCE = "document", "reference"


@dataclass(frozen=True, slots=True)
class Asked:
    """An interaction.

    Attributes:
        id, token, app: How it can be answered.
        guild: The server, empty in a direct conversation.
        channel: Where it was asked: a channel, a thread or a conversation.
        parent: The channel that a thread belongs to; empty for what is no thread.
        user, name: Who.
        data: As Discord sent it.
        message_id: The message with the button; empty where there is none.
        is_private: Whether only the reader sees that message.
        granted: What the app may do there, as a number.
    """

    id: str
    token: str
    app: str
    guild: str
    channel: str
    parent: str
    user: str
    name: str
    data: Json
    message_id: str = ""
    is_private: bool = False
    granted: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as the gateway or the history shows it.

    Attributes:
        kind: 0 for an ordinary one, 19 for a reply; others are Discord's own.
        text: As written; empty where the app may not read it.
        app: The app's own user.
        calls_app: Whether it calls the app: in its words, or as a reply to it.
        names: What people are called whom it mentions, by id.
        files: As Discord describes them.
        answered: The message that it replies to, with author and files as far as they are known.
        edited: When it was changed last, empty for never.
    """

    id: str
    guild: str
    channel: str
    parent: str
    author: str
    name: str
    app: str
    kind: int = 0
    text: str = ""
    is_by_bot: bool = False
    calls_app: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Json, ...] = ()
    answered: "Answered | None" = None
    edited: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The message that another one replies to."""

    id: str
    author: str = ""
    is_by_bot: bool = False
    files: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A request, and by what a repeat of it is known.

    Attributes:
        needs_session: Whether it is none of our business outside a session's thread.
        otherwise: What it asks where its thread is no session's; None for nothing.
        stands_in: Discord's id of the channel or thread in which a message stands, which may be a session's as well.
    """

    request: Request
    keys: tuple[str, ...]
    needs_session: bool = False
    otherwise: Request | None = None
    stands_in: str = ""


def decode_command(asked: Asked, home: str) -> Decoded:
    """Return what a slash command or an entry of the messages' menu asks.

    A command that is not there (any more) asks for help, with what is wrong as ``problem``.
    """
    if int(asked.data.get("type") or _SUBCOMMAND) == _MESSAGE_MENU:
        return _decode_menu(asked, home)
    path, options = _path(asked.data.get("options") or ())
    command = find_command(*path) if path else None
    if command is None:
        name, values = "help", dict[str, Value](problem=f"There is no command {' '.join(path)!r} here any more.")
        return _decoded(asked, home, command=name, values=values)
    resolved = (asked.data.get("resolved") or {}).get("attachments") or {}
    values = dict[str, Value]()
    files: list[Attachment] = []
    for option in options:
        name, value = str(option["name"]), option.get("value")
        if int(option.get("type") or 0) == _ATTACHMENT:
            if str(value) in resolved:
                files.append(_attachment(resolved[str(value)], role=_DOCUMENT if name == "file" else _REFERENCE))
        elif isinstance(value, str | int | float | bool):
            values[name] = value
    given = {option.name for option in command.options if option.kind is Kind.FILE}
    values = {name: value for name, value in values.items() if name not in given}
    return _decoded(asked, home, command=command.name, values=values, files=tuple(files))


def decode_press(asked: Asked, home: str) -> Decoded | None:
    """Return what a button asks, None for one that no view of ours drew."""
    pressed = read_custom_id(str(asked.data.get("custom_id") or ""))
    if pressed is None:
        return None
    action, target, argument = pressed
    decoded = _decoded(asked, home)
    request = replace(decoded.request, kind=RequestKind.PRESS, action=action, target=target, argument=argument)
    return replace(decoded, request=request)


def decode_filled(
    asked: Asked, home: str, *, command: str, values: Mapping[str, Value], files: Sequence[Attachment]
) -> Decoded:
    """Return what a form asks that was filled in: see `bots.discord.forms`."""
    return _decoded(asked, home, command=command, values=dict(values), files=tuple(files))


def decode_message(heard: Heard, home: str, *, is_live: bool = False) -> Decoded | None:
    """Return what a message asks, None where it asks nothing.

    In a session's thread everything is meant for it; elsewhere only what names the app, and every word in a direct
    conversation. A reply to a message of ours calls us by itself: what stands under a session's card is said to that
    session, and a reply elsewhere is small talk unless it names us.

    Args:
        heard: The message.
        home: The server that it counts for.
        is_live: Whether a session works in this direct conversation: then it is what words are said to.
    """
    if heard.is_by_bot or heard.kind not in _ORDINARY:
        return None
    text, files = _plain(heard), _files_of(heard)
    is_named = heard.app in _named(heard.text)
    if not text and not files and not is_named:
        return None  # nothing that we may read
    is_direct, is_under_card = not heard.guild, _is_under_card(heard)
    if is_direct and not is_live and heard.answered is None:
        spot = Spot(ThreadRef(PLATFORM, channel_ref("", heard.channel)), Place.DIRECT, message_id=heard.id)
        return _heard(heard, home, RequestKind.MENTION, spot=spot, text=text, files=files)
    if not (is_named or heard.parent or is_direct or is_under_card):
        return None
    kind = RequestKind.MENTION if is_named or heard.calls_app or is_direct else RequestKind.SAID
    needs_session = is_under_card or not (is_named or is_direct)
    decoded = _heard(heard, home, kind, text=text, files=files, needs_session=needs_session)
    if is_named and is_under_card:
        here = replace(decoded.request.spot, thread=thread_of(heard.guild, heard.channel, ""), place=Place.CHANNEL)
        return replace(decoded, otherwise=replace(decoded.request, spot=here))
    return decoded


def decode_edit(heard: Heard, home: str) -> Decoded | None:
    """Return what a changed message asks: its new words in place of the old ones.

    In an open channel a reply alone may have been said to a session; to which, our own rows know.
    """
    may_be_heard = bool(heard.parent) or not heard.guild or heard.answered is not None
    if heard.is_by_bot or heard.kind not in _ORDINARY or not heard.edited or not may_be_heard:
        return None
    decoded = _heard(
        heard, home, RequestKind.EDITED, text=_plain(heard), needs_session=True, key=f"/edited/{heard.edited}"
    )
    return replace(decoded, request=replace(decoded.request, revision=str(heard.edited)))


def decode_deletion(heard: Heard, home: str) -> Decoded:
    """Return what it means that a message is gone; Discord says neither whose it was nor what it replied to."""
    return _heard(heard, home, RequestKind.DELETED, needs_session=True, key="/deleted")


def request_id_of(heard_in: str, message: str) -> str:
    """Return the id of the request that a message made, by the channel and the message."""
    return _id_of(f"{heard_in}/{message}")


def target_of(asked: Asked) -> str:
    """Return the session that an interaction names, or the request that waits for it; empty for none."""
    pressed = read_custom_id(str(asked.data.get("custom_id") or ""))
    if pressed is not None:
        return pressed[1]
    _, options = _path(asked.data.get("options") or ())
    named = (option.get("value") for option in options if option.get("name") == "session")
    return next((str(one) for one in named if str(one).startswith("s_")), "")


def thread_of(guild: str, channel: str, parent: str) -> ThreadRef:
    """Return where something was asked, as sessions keep it."""
    in_thread = bool(parent) or not guild
    return ThreadRef(PLATFORM, channel_ref(guild, parent or channel), channel if in_thread else "")


def attachments_of(
    files: Iterable[Json], *, author: str = "", where: str = "", role: str = ""
) -> tuple[Attachment, ...]:
    """Return files as Discord describes them.

    Args:
        files: What Discord sent.
        author: Whose they are; empty for the asker's own.
        where: ``{channel}/{message}`` of the message that holds them, so that a link that died can be made anew.
        role: See `Attachment`.
    """
    return tuple(_attachment(file, author=author, where=where, role=role) for file in files if file.get("id"))


def _decode_menu(asked: Asked, home: str) -> Decoded:
    target = str(asked.data.get("target_id") or "")
    message: Json = ((asked.data.get("resolved") or {}).get("messages") or {}).get(target) or {}
    author = message.get("author") or {}
    person = str(author.get("id") or "")
    # what we posted ourselves is nobody's to give, and everybody's here to use
    is_own = person in {asked.user, asked.app} or str(message.get("application_id") or "") == asked.app
    owner = "" if is_own else person
    where = f"{asked.channel}/{target}"
    files = attachments_of(message.get("attachments") or (), author=owner, where=where)
    text = str(message.get("content") or "").strip()
    values = dict[str, Value]()
    if text and not files and owner:
        files = (_inline(text, owner, str(author.get("global_name") or author.get("username") or ""), where),)
    elif text and not files:
        values["brief"] = text[:_BRIEF_CHARACTERS]
    return _decoded(asked, home, command="new", values=values, files=files)


def _decoded(
    asked: Asked,
    home: str,
    *,
    command: str = "",
    values: dict[str, Value] | None = None,
    files: tuple[Attachment, ...] = (),
) -> Decoded:
    rights = {"granted": str(asked.granted), "where": asked.channel}
    answer = {"id": asked.id, "token": asked.token, "app": asked.app, **rights}
    spot = Spot(
        thread_of(asked.guild, asked.channel, asked.parent),
        _place(asked.guild, asked.parent),
        message_id=asked.message_id,
        answer=answer,
        is_private=asked.is_private,
    )
    request = Request(
        id=_id_of(asked.id),
        kind=RequestKind.COMMAND,
        actor=Actor(workspace_ref(home), asked.user, asked.name),
        spot=spot,
        command=command,
        values=values or {},
        files=files,
    )
    return Decoded(request, (asked.id,))


def _heard(
    heard: Heard,
    home: str,
    kind: RequestKind,
    *,
    spot: Spot | None = None,
    text: str = "",
    files: tuple[Attachment, ...] = (),
    needs_session: bool = False,
    key: str = "",
) -> Decoded:
    key = f"{heard.channel}/{heard.id}{key}"
    actor = Actor(workspace_ref(home), heard.author, heard.name)
    request = Request(_id_of(key), kind, actor, spot or _spot(heard), text=text, files=files)
    return Decoded(request, (key,), needs_session=needs_session, stands_in=heard.channel)


def _spot(heard: Heard) -> Spot:
    """Return where a message stands; what is said under a session's card stands in that card's thread."""
    if heard.answered is not None and _is_under_card(heard):
        thread = ThreadRef(PLATFORM, channel_ref(heard.guild, heard.channel), heard.answered.id)
        return Spot(thread, Place.THREAD, message_id=heard.id)
    thread = thread_of(heard.guild, heard.channel, heard.parent)
    return Spot(thread, _place(heard.guild, heard.parent), message_id=heard.id)


def _is_under_card(heard: Heard) -> bool:
    """Return whether a message replies to one of ours that stands in a channel: a thread has the id of its card."""
    return bool(heard.guild) and not heard.parent and heard.answered is not None and heard.answered.author == heard.app


def _files_of(heard: Heard) -> tuple[Attachment, ...]:
    """Return the files of a message; where it has none, those of the message that it replies to."""
    own = attachments_of(heard.files, where=f"{heard.channel}/{heard.id}")
    if own or heard.answered is None:
        return own
    answered = heard.answered
    author = "" if answered.author in {heard.author, heard.app} else answered.author
    return attachments_of(answered.files, author=author, where=f"{heard.channel}/{answered.id}")


def _place(guild: str, parent: str) -> Place:
    if not guild:
        return Place.DIRECT
    return Place.THREAD if parent else Place.CHANNEL


def _path(options: Sequence[Json]) -> tuple[list[str], Sequence[Json]]:
    """Return the names of a subcommand and the options below it."""
    path: list[str] = []
    while options and int(options[0].get("type") or 0) in {_SUBCOMMAND, _GROUP}:
        path.append(str(options[0]["name"]))
        options = options[0].get("options") or ()
    if len(path) == 1 and path[0] not in BY_NAME:
        return path, ()
    return path[:2], options


def _attachment(file: Json, *, author: str = "", where: str = "", role: str = "") -> Attachment:
    name = str(file.get("title") or "")
    stored = str(file.get("filename") or "")
    # Discord changes a file's name into letters that suit an address; its title holds what people called it
    ending = stored.rpartition(".")[2]
    shown = f"{name}.{ending}" if name and not name.endswith(f".{ending}") else name or stored
    return Attachment(
        id=f"{where}/{file['id']}" if where else str(file["id"]),
        name=shown,
        url=str(file.get("url") or ""),
        size_bytes=int(file.get("size") or 0),
        author_id=author,
        role=role,
    )


def _inline(text: str, owner: str, name: str, where: str) -> Attachment:
    """Return another's words as a file of theirs: they are asked for it as for any other."""
    data = text.encode()
    begin = " ".join(f"message of {name}".split())[:_NAME_CHARACTERS].strip()
    return Attachment(
        id=where,
        name=f"{begin or 'message'}.md",
        url=INLINE + base64.b64encode(data).decode(),
        size_bytes=len(data),
        author_id=owner,
        role=_DOCUMENT,
    )


def _named(text: str) -> set[str]:
    """Return whom a text names, by id."""
    found = set()
    for piece in text.split("<@")[1:]:
        person, closed, _ = piece.removeprefix("!").partition(">")
        if closed and person.isdigit():
            found.add(person)
    return found


def _plain(heard: Heard) -> str:
    """Return the words without the mention of the app, and other people by their names."""
    text = heard.text
    for person in _named(text):
        name = "" if person == heard.app else f"@{heard.names.get(person, 'somebody')}"
        text = text.replace(f"<@{person}>", name).replace(f"<@!{person}>", name)
    return text.strip()


def _id_of(key: str) -> str:
    """Return the id of what *key* names: a repeat has the same one in every process."""
    return f"q_{derived_key(PLATFORM, key)}"
