"""Interactions (commands, menus, buttons, forms), as the desk's requests: pure functions from plain values to values.

A server is a workspace. In a direct conversation there is no server: whose request it is, the caller has to find out
(`bots.discord.homes`) and gives as *home*.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bots.commands import BY_NAME, Kind, find_command
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.discord.decoded import Decoded, Json, attachment_of, attachments_of, id_of, place_in, thread_of
from bots.discord.places import workspace_ref
from bots.discord.presses import decode_press as read_custom_id
from bots.parsing import Value

INLINE = "data:text/plain;base64,"
_SUBCOMMAND, _GROUP, _ATTACHMENT = 1, 2, 11
_MESSAGE_MENU = 3
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
                files.append(attachment_of(resolved[str(value)], role=_DOCUMENT if name == "file" else _REFERENCE))
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


def target_of(asked: Asked) -> str:
    """Return the session that an interaction names, or the request that waits for it; empty for none."""
    pressed = read_custom_id(str(asked.data.get("custom_id") or ""))
    if pressed is not None:
        return pressed[1]
    _, options = _path(asked.data.get("options") or ())
    named = (option.get("value") for option in options if option.get("name") == "session")
    return next((str(one) for one in named if str(one).startswith("s_")), "")


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
        place_in(asked.guild, asked.parent),
        message_id=asked.message_id,
        answer=answer,
        is_private=asked.is_private,
    )
    request = Request(
        id=id_of(asked.id),
        kind=RequestKind.COMMAND,
        actor=Actor(workspace_ref(home), asked.user, asked.name),
        spot=spot,
        command=command,
        values=values or {},
        files=files,
    )
    return Decoded(request, (asked.id,))


def _path(options: Sequence[Json]) -> tuple[list[str], Sequence[Json]]:
    """Return the names of a subcommand and the options below it."""
    path: list[str] = []
    while options and int(options[0].get("type") or 0) in {_SUBCOMMAND, _GROUP}:
        path.append(str(options[0]["name"]))
        options = options[0].get("options") or ()
    if len(path) == 1 and path[0] not in BY_NAME:
        return path, ()
    return path[:2], options


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
