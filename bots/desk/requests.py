"""What people do, as values that every platform decodes into and that survive a crash as JSON."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from bots.commands import Place
from bots.parsing import Value
from core.sessions.model import ThreadRef


class RequestKind(StrEnum):
    """How somebody asked.

    ``COMMAND``: a slash command, a form or a menu entry, decoded by the platform into command and values.
    ``MENTION``: words to the app, in a mention or in a conversation with it; they may be a command or a brief.
    ``SAID``, ``EDITED``, ``DELETED``: a message in a thread that is a session's, without a mention.
    ``PRESS``: a button.
    ``HAPPENED``: nobody asks anything, and something is to be done all the same: the app was removed, a channel closed.
    """

    COMMAND = "command"
    MENTION = "mention"
    SAID = "said"
    EDITED = "edited"
    DELETED = "deleted"
    PRESS = "press"
    HAPPENED = "happened"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Attributes:
        workspace_id: ``slack:T1``, ``slack-ent:E1`` or ``discord:1``: the workspace that installed the app, whatever the
            person's own one is.
        external_id: The platform's id of the person.
        name: As people see it; may be empty where the event does not say, then the desk looks it up.
    """

    workspace_id: str
    external_id: str
    name: str = ""

    @property
    def member_id(self) -> str:
        """The member's id: `core.workspaces.model.Member.id`."""
        return f"{self.workspace_id}/{self.external_id}"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody asked, and how to answer there.

    Attributes:
        thread: Platform, channel and thread, as sessions keep them; the thread is empty in the open channel.
        place: Channel, thread or direct message.
        message_id: The platform's id of the message that asked, or that carries the button; empty for a slash command.
        answer: What the platform needs to answer this very request (an address, a token); only its own door reads it.
        is_private: Whether the message with the button is one that only its reader sees, so that an answer may replace it.
    """

    thread: ThreadRef
    place: Place
    message_id: str = ""
    answer: dict[str, str] = field(default_factory=dict)
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that somebody gave, not fetched yet.

    Attributes:
        id: The platform's id of the file.
        name: For people; never trusted for the type.
        url: Where the door fetches it; the door checks the host.
        size_bytes: As the platform says, 0 when unknown.
        author_id: The platform's id of whose it is; empty for the asker's own.
        role: ``document``, ``reference`` or empty: the desk decides.
        text: What it holds, where the platform gave the words themselves, such as a long message; nothing is fetched then.
    """

    id: str
    name: str
    url: str = ""
    size_bytes: int = 0
    author_id: str = ""
    role: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that somebody did.

    Attributes:
        id: ``q_...``; a session that the request makes gets its id from it, so that it is made once.
        actor, spot: Who and where.
        text: The words of MENTION, SAID and EDITED, without the mention of the app itself.
        revision: Of EDITED, what orders the edits of one message, as the platform tells it; later ones sort higher.
        command, values: Of COMMAND: the command's name and its options by name, files not among them. Of HAPPENED
            *values* are the facts.
        files: Files that came with it.
        action, target, argument: Of PRESS: see `bots.views.elements.Button`. Of HAPPENED *action* says what.
        consents: Authors (external ids) who allowed their files to be used in this request.
        wants_form: Whether it was stored although a form may have to be filled in first: whoever handles it then says how
            to get to the form.
        answered: Private answers that an earlier try delivered, in the door's words; the row knows them, not the request.
    """

    id: str
    kind: RequestKind
    actor: Actor
    spot: Spot
    text: str = ""
    revision: str = ""
    command: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    files: tuple[Attachment, ...] = ()
    action: str = ""
    target: str = ""
    argument: str = ""
    consents: tuple[str, ...] = ()
    wants_form: bool = False
    answered: tuple[str, ...] = ()


_ADAPTER = TypeAdapter(Request)


def dump_request(request: Request) -> dict[str, Any]:
    """Return *request* as JSON types."""
    dumped: dict[str, Any] = _ADAPTER.dump_python(request, mode="json", exclude={"answered"})
    return dumped


def load_request(payload: dict[str, Any]) -> Request:
    """Return the request of `dump_request`; raises `pydantic.ValidationError` for anything else."""
    return _ADAPTER.validate_python(payload)
