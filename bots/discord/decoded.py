"""What everything that Discord sends is decoded into, and the words that commands and messages share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bots.commands import Place
from bots.desk.requests import Attachment, Request
from bots.discord.places import channel_ref
from core.ids import derived_key
from core.sessions.model import ThreadRef

Json = Mapping[str, Any]
PLATFORM = "discord"


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


def thread_of(guild: str, channel: str, parent: str) -> ThreadRef:
    """Return where something was asked, as sessions keep it."""
    in_thread = bool(parent) or not guild
    return ThreadRef(PLATFORM, channel_ref(guild, parent or channel), channel if in_thread else "")


def place_in(guild: str, parent: str) -> Place:
    """Return what kind of place something was asked in."""
    if not guild:
        return Place.DIRECT
    return Place.THREAD if parent else Place.CHANNEL


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
    return tuple(attachment_of(file, author=author, where=where, role=role) for file in files if file.get("id"))


def attachment_of(file: Json, *, author: str = "", where: str = "", role: str = "") -> Attachment:
    """Return one file; see `attachments_of`."""
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


def id_of(key: str) -> str:
    """Return the id of what *key* names: a repeat has the same one in every process."""
    return f"q_{derived_key(PLATFORM, key)}"
