"""The files of a request: which ones, in which role, with whose leave, and their bytes."""

from collections.abc import Sequence
from dataclasses import replace

from bots.commands import Place
from bots.desk.holding import as_command
from bots.desk.requests import Attachment, Request, RequestKind
from bots.desk.tools import Call, Tools
from bots.views.ask import consent_view, said
from core.sessions.errors import BadRequest
from core.sessions.requests import Upload

DOCUMENT, REFERENCE = "document", "reference"
MOST_FILES = 6
_READABLE = (".docx", ".pdf", ".txt", ".md", ".markdown")


def with_roles(files: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """Return files with their roles: whoever said so is right; else the first is the document, the rest is read only.

    Of files without a role, one that can be read goes before one that cannot.
    """
    given = next((file for file in files if file.role == DOCUMENT), None)
    free = [file for file in files if not file.role]
    document = given or next((file for file in free if _looks_readable(file)), free[0] if free else None)
    return tuple(
        replace(file, role=DOCUMENT if file is document else REFERENCE)
        if not file.role or file.role == DOCUMENT
        else file
        for file in files
    )


def missing_consents(request: Request, files: Sequence[Attachment]) -> tuple[str, ...]:
    """Return the authors, other than the asker, who were not asked yet, in order."""
    authors = dict.fromkeys(file.author_id for file in files if file.author_id)
    return tuple(one for one in authors if one not in {request.actor.external_id, *request.consents})


async def find_files(call: Call) -> tuple[Attachment, ...]:
    """Return the request's own files; of a mention in a thread without any, the newest that was given there."""
    request = call.request
    if request.files or request.kind is not RequestKind.MENTION or request.spot.place is Place.CHANNEL:
        return request.files
    if not request.spot.thread.thread:
        return ()
    nearby = await call.door.files_nearby(request)
    newest = next((file for file in nearby if _looks_readable(file)), None)
    return (newest,) if newest is not None else ()


async def gather(tools: Tools, call: Call, command: str) -> tuple[Attachment, ...] | None:
    """Return the files to work with, None where the request waits for an author's leave.

    Raises:
        BadRequest: If there are too many.
    """
    files = with_roles(await find_files(call))
    if len(files) > MOST_FILES:
        raise BadRequest("upload", f"Give at most {MOST_FILES} files at a time.")
    if not call.workspace.settings.asks_consent:
        return files
    missing = missing_consents(call.request, files)
    if not missing:
        return files
    author = missing[0]
    names = [file.name for file in files if file.author_id == author]
    view = consent_view(asker=call.member.name, names=names, request_id=call.request.id, vendors=tools.vendors)
    shown = call.door.mention(author)
    if not await call.door.ask_author(call.request, author, view):
        await call.say(said(f"{shown} cannot be asked for leave. Ask them to post the file to me themselves."))
        return None
    held = replace(as_command(call, command), files=files)
    await tools.inbox.hold(held, waits_for=f"consent:{author}")
    await call.say(said(f"{shown} is asked to allow the use of {', '.join(names)}. It goes on as soon as they do."))
    return None


async def fetch(call: Call, files: Sequence[Attachment]) -> tuple[Upload | None, tuple[Upload, ...]]:
    """Return the document, if any, and what is only read; raises `bots.errors.FileUnavailable`."""
    uploads = [(file.role, Upload(file.name, await _bytes_of(call, file))) for file in files]
    document = next((upload for role, upload in uploads if role == DOCUMENT), None)
    return document, tuple(upload for role, upload in uploads if role != DOCUMENT)


async def _bytes_of(call: Call, file: Attachment) -> bytes:
    return file.text.encode() if file.text else await call.door.fetch(call.request, file)


def _looks_readable(file: Attachment) -> bool:
    return file.name.lower().endswith(_READABLE)
