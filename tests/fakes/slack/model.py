"""What a Slack keeps: organisations, workspaces, people, channels, messages, files, views, tokens."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """Slack says no: ``ok: false`` with a code, at HTTP 200."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


class Kind(StrEnum):
    """What a channel is; the values are the prefixes of its scopes."""

    PUBLIC = "channels"
    PRIVATE = "groups"
    DIRECT = "im"
    GROUP = "mpim"


@dataclass(frozen=True)
class Enterprise:
    """An Enterprise Grid organisation."""

    id: str
    name: str


@dataclass(frozen=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str
    enterprise: Enterprise | None = None


@dataclass
class Person:
    """A user, human or bot; *team_id* is home, an organisation's for bots of organisations."""

    id: str
    team_id: str
    name: str
    is_bot: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_deleted: bool = False
    bot_id: str = ""
    tz: str = "Europe/London"


@dataclass
class Channel:
    """A conversation.

    Attributes:
        shared_with: The other workspaces of a Slack Connect channel.
        is_read_only: Whether apps may not post there; what they posted they may edit.
        locked: The threads in which nobody may reply.
    """

    id: str
    team_id: str
    name: str
    kind: Kind = Kind.PUBLIC
    members: set[str] = field(default_factory=set)
    is_archived: bool = False
    shared_with: set[str] = field(default_factory=set)
    is_read_only: bool = False
    locked: set[str] = field(default_factory=set)

    @property
    def event_type(self) -> str:
        """What an event calls it: ``channel``, ``group``, ``im``, ``mpim``."""
        return {Kind.PUBLIC: "channel", Kind.PRIVATE: "group"}.get(self.kind, self.kind.value)


@dataclass(frozen=True)
class Edition:
    """A message as it stood before an edit."""

    text: str
    blocks: tuple[Json, ...]
    at: str


@dataclass
class Stream:
    """A message that is being written."""

    started: float
    recipient: str = ""
    is_open: bool = True
    text: str = ""
    tasks: dict[str, Json] = field(default_factory=dict)
    blocks: list[Json] = field(default_factory=list)
    title: str = ""


@dataclass
class Message:
    """One message, as people see it now.

    Attributes:
        metadata: Given back by history alone.
        seen_by: The one person who sees an ephemeral message; empty when all do.
        editions: How it stood before, oldest first.
        by: The app that posted it, empty for people.
    """

    ts: str
    channel: str
    user: str
    team_id: str
    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    files: list[str] = field(default_factory=list)
    by: str = ""
    bot_id: str = ""
    username: str = ""
    icon: str = ""
    metadata: Json = field(default_factory=dict)
    seen_by: str = ""
    is_broadcast: bool = False
    is_deleted: bool = False
    is_tombstone: bool = False
    edited_at: str = ""
    editions: list[Edition] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stream: Stream | None = None
    client_msg_id: str = ""

    @property
    def is_reply(self) -> bool:
        return self.thread_ts not in {"", self.ts}

    @property
    def visible_text(self) -> str:
        """Everything that can be read in it: the blocks' words, or the text where there are none."""
        said = [self.stream.text] if self.stream else []
        said += words_of(self.blocks)
        return "\n".join(piece for piece in said if piece) or self.text


@dataclass
class File:
    """A file; *content* is None until its bytes arrived.

    Attributes:
        shares: Channel and ts of the messages that carry it.
        is_hosted_elsewhere: True for a file of Slack Connect: events say no more than that it exists.
    """

    id: str
    name: str
    title: str
    user: str
    team_id: str
    size: int
    created: int
    mimetype: str = "application/octet-stream"
    content: bytes | None = None
    is_complete: bool = False
    is_deleted: bool = False
    shares: list[tuple[str, str]] = field(default_factory=list)
    given_to: str = ""
    ticket: str = ""
    alt_text: str = ""
    is_hosted_elsewhere: bool = False


@dataclass
class View:
    """A modal or a home tab that somebody sees."""

    id: str
    team_id: str
    user: str
    content: Json
    hash: str
    by: str
    root_id: str = ""
    previous_id: str = ""
    is_open: bool = True
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def callback_id(self) -> str:
        return str(self.content.get("callback_id", ""))


@dataclass
class Grant:
    """A token and what it may do; *team_id* is empty for an organisation-wide one.

    Attributes:
        kind: ``bot``, ``user`` or ``app``.
        expires_at: Seconds since the epoch, None where tokens do not rotate.
    """

    token: str
    kind: str
    app_id: str
    team_id: str
    enterprise_id: str
    user_id: str
    bot_id: str
    scopes: frozenset[str]
    installer: str = ""
    expires_at: float | None = None
    is_revoked: bool = False
    is_uninstalled: bool = False

    @property
    def owner(self) -> str:
        """The workspace or organisation that installed the app."""
        return self.team_id or self.enterprise_id


@dataclass
class Code:
    """What somebody agreed to, for ten minutes and one exchange."""

    where: Team | Enterprise
    person: Person
    scopes: frozenset[str]
    redirect_uri: str
    at: float


@dataclass
class AppConfig:
    """The app as it is set up at Slack: what its settings pages would show."""

    id: str = "A0ATELIER"
    name: str = "Atelier"
    client_id: str = "1111.2222"
    client_secret: str = "client-secret"
    signing_secret: str = "signing-secret"
    verification_token: str = "verification-token"
    app_token: str = "xapp-1-A0ATELIER-1-local"
    request_url: str = ""
    redirect_urls: tuple[str, ...] = ()
    rotates_tokens: bool = False
    scopes: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outgoing:
    """One thing that the app sent, or said in an answer.

    Attributes:
        method: The method, or ``response_url``, ``command answer``, ``view answer``.
        arguments: Everything that was sent, decoded.
    """

    method: str
    arguments: Json
    team_id: str
    at: datetime


@dataclass
class ApiCall:
    """One request to the Web API.

    Attributes:
        outcome: ``ok``, Slack's error code, or the fault that was injected.
    """

    method: str
    arguments: Json
    token: str
    team_id: str
    at: datetime
    outcome: str = "ok"


def words_of(node: Any) -> list[str]:
    """Return every string under ``text``, ``title``, ``details``, ``output`` in blocks, in reading order."""
    if isinstance(node, list):
        return [word for item in node for word in words_of(item)]
    if not isinstance(node, dict):
        return []
    found: list[str] = []
    for key, value in node.items():
        if isinstance(value, str) and key in {"text", "title", "details", "output", "alt_text"}:
            found.append(value)
        elif isinstance(value, (dict, list)):
            found += words_of(value)
    return found
