"""What people ask of sessions, as values that every platform decodes into."""

from dataclasses import dataclass

from core.sessions.model import ThreadRef
from core.workspaces.model import Verbosity

_NOTES = "\n\nHow to use the files to read: "


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it arrived.

    Attributes:
        name: File name for people; never trusted for the type.
        data: The bytes.
    """

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class NewSession:
    """A request for a session. None and empty mean: as the workspace has it set.

    Attributes:
        workspace_id, member_id: Who asks; both exist.
        thread: Where it was asked (thread and card may be empty).
        brief: What to do or write; may be empty when there is an upload.
        preface: Words of a template that precede the brief; the title is made of the brief all the same.
        upload: The document to work on.
        references: Files that the room reads and does not change.
        cast: Key of a cast.
        editors: Number of editors, 1 to 12.
        rounds: Rounds with a Writer, 1 to 20.
        threshold: Score at which it is good enough, 0.0 to 10.0.
        model: Model id or alias.
        notes_only: A critique without any rewriting; needs an upload.
        cap_microcredits: Spend no more than this.
        max_seconds: Work no longer than this.
        session_id: The id that the session gets; one that exists makes `SessionService.create` give that session, so
            that a request may be repeated. Empty for a new one.
        origin, origin_name: See `core.sessions.model.Session.origin`.
    """

    workspace_id: str
    member_id: str
    thread: ThreadRef
    brief: str = ""
    upload: Upload | None = None
    references: tuple[Upload, ...] = ()
    cast: str = ""
    editors: int | None = None
    rounds: int | None = None
    threshold: float | None = None
    model: str = ""
    notes_only: bool = False
    language: str = ""
    verbosity: Verbosity | None = None
    cap_microcredits: int | None = None
    max_seconds: int | None = None
    project_id: str | None = None
    session_id: str = ""
    origin: str = ""
    origin_name: str = ""
    preface: str = ""


def with_notes(brief: str, notes: str) -> str:
    """Return a brief that says at its end how the files are used that are only read."""
    return f"{brief}{_NOTES}{notes}".strip() if notes else brief


def without_notes(brief: str) -> tuple[str, str]:
    """Return a brief of `with_notes` and what was added to it; empty for nothing."""
    before, found, notes = f"\n\n{brief}".rpartition(_NOTES)
    return (before.strip(), notes) if found else (brief, "")
