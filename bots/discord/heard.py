"""Messages that Discord shows, as the desk's requests: pure functions from plain values to values.

In a direct conversation there is no server: whose request it is, the caller has to find out (`bots.discord.homes`) and gives
as *home*.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bots.commands import Place
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.discord.decoded import PLATFORM, Decoded, Json, attachments_of, id_of, place_in, thread_of
from bots.discord.places import channel_ref, workspace_ref
from core.sessions.model import ThreadRef

_ORDINARY = frozenset({0, 19})  # a message, and a reply


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
    return id_of(f"{heard_in}/{message}")


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
    request = Request(id_of(key), kind, actor, spot or _spot(heard), text=text, files=files)
    return Decoded(request, (key,), needs_session=needs_session, stands_in=heard.channel)


def _spot(heard: Heard) -> Spot:
    """Return where a message stands; what is said under a session's card stands in that card's thread."""
    if heard.answered is not None and _is_under_card(heard):
        thread = ThreadRef(PLATFORM, channel_ref(heard.guild, heard.channel), heard.answered.id)
        return Spot(thread, Place.THREAD, message_id=heard.id)
    thread = thread_of(heard.guild, heard.channel, heard.parent)
    return Spot(thread, place_in(heard.guild, heard.parent), message_id=heard.id)


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
