"""What the local Discord is made of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any

Json = dict[str, Any]


class Kind(IntEnum):
    """Types of channels that are played here."""

    TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


class Flags(IntFlag):
    """Flags of messages."""

    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


class Refusal(Exception):
    """An answer of Discord's that is an error.

    Args:
        status: Of HTTP.
        code: Discord's own, 0 when it has none.
        message: What Discord says.
        errors: By path, of 50035: ``{"content": ("BASE_TYPE_MAX_LENGTH", "Must be ...")}``.
    """

    def __init__(
        self, status: int, code: int, message: str, errors: dict[str, tuple[str, str]] | None = None, **more: Any
    ) -> None:
        super().__init__(f"{status} ({code}): {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors or {}
        self.more: Json = {key.removeprefix("is_"): value for key, value in more.items()}

    @property
    def body(self) -> Json:
        """The JSON that Discord sends."""
        body: Json = {"message": self.message, "code": self.code, **self.more}
        if self.errors:
            tree: Json = {}
            body["errors"] = tree
            for path, (code, message) in self.errors.items():
                node = tree
                for part in path.split("."):
                    node = node.setdefault(part, {})
                node.setdefault("_errors", []).append({"code": code, "message": message})
        return body


def invalid(path: str, code: str, message: str) -> Refusal:
    """Return the refusal of a body whose field *path* is wrong."""
    return Refusal(400, 50035, "Invalid Form Body", {path: (code, message)})


@dataclass(eq=False)
class User:
    """A person or a bot.

    Attributes:
        accepts_direct: False for somebody whose privacy settings refuse messages of this bot.
    """

    id: str
    name: str
    is_bot: bool = False
    accepts_direct: bool = True

    @property
    def mention(self) -> str:
        """How a text names this user."""
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    """A role of a guild."""

    id: str
    guild_id: str
    name: str
    permissions: int = 0
    position: int = 1
    is_mentionable: bool = False
    is_managed: bool = False

    @property
    def mention(self) -> str:
        """How a text names this role."""
        return f"<@&{self.id}>"


@dataclass
class Overwrite:
    """What a channel changes in somebody's permissions."""

    allow: int = 0
    deny: int = 0


@dataclass(eq=False)
class Member:
    """A user in a guild."""

    user: User
    joined_at: datetime
    roles: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Guild:
    """A server.

    Attributes:
        has_app: Whether the app is installed here.
        is_available: False during an outage.
        upload_bytes: The cap of one file, which boosts raise.
    """

    id: str
    name: str
    owner_id: str
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    has_app: bool = False
    is_available: bool = True
    upload_bytes: int = 10 * 1024 * 1024


@dataclass
class ThreadState:
    """What makes a channel a thread."""

    owner_id: str
    created_at: datetime
    changed_at: datetime
    auto_archive_minutes: int = 1440
    is_archived: bool = False
    is_locked: bool = False
    is_invitable: bool = True
    members: dict[str, datetime] = field(default_factory=dict)
    sent: int = 0


@dataclass(eq=False)
class Channel:
    """A channel, a thread or a direct conversation.

    Attributes:
        overwrites: By the id of a role or a user.
        recipients: Of a direct conversation, the bot not counted.
    """

    id: str
    kind: Kind
    guild_id: str = ""
    name: str = ""
    parent_id: str = ""
    position: int = 0
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    recipients: list[User] = field(default_factory=list)
    thread: ThreadState | None = None
    is_deleted: bool = False
    last_message_id: str = ""

    @property
    def mention(self) -> str:
        """How a text names this channel."""
        return f"<#{self.id}>"


@dataclass(eq=False)
class Attachment:
    """A file that hangs on a message or an option.

    Attributes:
        is_gone: True once Discord serves it no more.
    """

    id: str
    name: str
    content: bytes
    content_type: str
    channel_id: str
    description: str = ""
    is_ephemeral: bool = False
    is_gone: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)


@dataclass(frozen=True)
class Edition:
    """What a message said before an edit."""

    content: str
    components: tuple[Json, ...]
    until: datetime


@dataclass(eq=False)
class Message:
    """A message.

    Attributes:
        kind: 0 ordinary, 19 a reply, 20 an answer to a command, 23 to a menu, 18 the start of a thread.
        seen_by: The one person who sees an ephemeral message; empty for the others.
        pinged: Ids of everybody whom this message called, in any of its editions.
        nonce: Of the one who sent it.
    """

    id: str
    channel_id: str
    author: User
    at: datetime
    kind: int = 0
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: Flags = field(default_factory=lambda: Flags(0))
    mentions: list[str] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mentions_everyone: bool = False
    reference_id: str = ""
    nonce: str | int | None = None
    edited_at: datetime | None = None
    editions: list[Edition] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    interaction: Json | None = None
    webhook_id: str = ""
    seen_by: str = ""
    thread_id: str = ""
    pinged: set[str] = field(default_factory=set)
    is_deleted: bool = False

    @property
    def is_ephemeral(self) -> bool:
        """Whether one person alone sees it."""
        return bool(self.flags & Flags.EPHEMERAL)

    @property
    def is_thinking(self) -> bool:
        """Whether it says that the bot thinks."""
        return bool(self.flags & Flags.LOADING)

    @property
    def text(self) -> str:
        """Everything that people read in it, a line for each part."""
        parts = [self.content]
        for embed in self.embeds:
            parts += [embed.get("title", ""), embed.get("description", "")]
            parts += [line for one in embed.get("fields", []) for line in (one["name"], one["value"])]
        for one in walk(self.components):
            parts += [one.get("content", ""), one.get("label", ""), one.get("placeholder", "")]
        return "\n".join(part for part in parts if part)

    @property
    def controls(self) -> dict[str, Json]:
        """Buttons and menus by their custom_id."""
        return {one["custom_id"]: one for one in walk(self.components) if one.get("custom_id")}


def walk(components: list[Json]) -> list[Json]:
    """Return *components* with everything inside them, in the order in which people see them."""
    found = []
    for one in components:
        found.append(one)
        found += walk(one.get("components") or [])
        for key in ("accessory", "component"):
            if one.get(key):
                found += walk([one[key]])
    return found


@dataclass(frozen=True)
class Ping:
    """Somebody was called.

    Attributes:
        user_id: Who.
        by: ``user``, ``role``, ``everyone``, ``reply`` or ``edit``: an edit shows a mention and calls nobody.
    """

    user_id: str
    message: Message
    by: str


@dataclass(frozen=True)
class Upload:
    """A file in the body of a request."""

    field_number: str
    name: str
    content: bytes
    content_type: str
