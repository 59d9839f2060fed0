"""Which files go with a message, under which names, and what is said of those that Discord does not take."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from bots.discord import limits
from bots.discord.api import Upload
from bots.discord.layout import Json
from bots.discord.text import literal
from core.sessions.ports import FileStore

_log = structlog.get_logger(__name__)
Links = Callable[[str], str | None]
"""Gives a signed address at which a file of a session (by its id) can be fetched, None where we have no address."""
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of a message.

    Attributes:
        uploads: Those that go with it.
        titles: What people call them, by the names under which they go.
        notes: What is said of the others, a line of Markdown each.
    """

    uploads: tuple[Upload, ...] = ()
    titles: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def without_uploads(self, links: Sequence[str]) -> "Bundle":
        """Return the bundle where nothing can be attached; *links* say where the files are."""
        return Bundle(notes=(*self.notes, *links))


def safe_name(name: str, taken: Sequence[str] = ()) -> str:
    """Return a file's name of which Discord changes nothing: it is how components refer to the file."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    ending = _ODD.sub("", ending)[:10]
    stem = _ODD.sub("_", stem).strip("_.") or "document"
    end = f".{ending}" if ending else ""
    safe, number = f"{stem[: limits.FILE_NAME]}{end}", 1
    while safe in taken:
        number += 1
        safe = f"{stem[: limits.FILE_NAME]}-{number}{end}"
    return safe


async def gather(files: FileStore, rows: Sequence[Json], upload: Json, links: Links) -> Bundle:
    """Return what goes with a message.

    Args:
        files: Where the bytes are.
        rows: The files of the post: see `bots.posting.contents.files_of`.
        upload: Text that goes with it, by name; empty for none.
        links: See `Links`.
    """
    uploads: list[Upload] = []
    titles: list[tuple[str, str]] = []
    notes: list[str] = []
    room, places = limits.REQUEST_BYTES, limits.FILES
    if upload:
        content = str(upload["text"]).encode()[: limits.FILE_BYTES]
        uploads.append(Upload(safe_name(str(upload["name"])), content, "text/markdown"))
        titles.append((uploads[0].name, str(upload["name"])))
        room, places = room - len(content), places - 1
    for row in rows:
        size = int(row["size"])
        if size > min(limits.FILE_BYTES, room) or not places:
            notes.append(link_line(row, links))
            continue
        try:
            content = await files.get(str(row["key"]))
        except KeyError:
            notes.append(f"{literal(str(row['name']))} is not kept any more.")
            continue
        if len(content) > min(limits.FILE_BYTES, room):
            notes.append(link_line(row | {"size": len(content)}, links))
            continue
        name = safe_name(str(row["name"]), [one.name for one in uploads])
        uploads.append(Upload(name, content, str(row["media_type"])))
        titles.append((name, str(row["name"])))
        room, places = room - len(content), places - 1
    return Bundle(tuple(uploads), tuple(titles), tuple(notes))


def link_line(row: Json, links: Links) -> str:
    """Return where a file is that does not go with the message."""
    name, size = literal(str(row["name"])), f"{max(int(row['size']) / _MEGABYTE, 0.1):.1f} MiB"
    address = links(str(row["id"]))
    if address is None:
        _log.warning("discord_file_without_address", file=row["id"], size=row["size"])
        return f"{name} ({size}) cannot be sent here, and this installation has no address from which to fetch it."
    return f"{name} ({size}): {address}"
