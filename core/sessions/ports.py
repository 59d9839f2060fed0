"""What sessions need of storage: repositories inside one transaction, and a store that runs transactions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from core.credits.ports import CreditRepository
from core.sessions.model import (
    Guidance,
    Note,
    Round,
    Session,
    SessionFile,
    Status,
    Turn,
    TurnAttempt,
    Version,
)
from core.workspaces.installations import InstallationRepository
from core.workspaces.model import Member, Project, Template, Workspace
from core.workspaces.rations import RationRepository

T = TypeVar("T")


class OutboxState(StrEnum):
    """Where a post stands: meant, sent, sent but no longer what it should say, perhaps sent, refused for good."""

    INTENT = "intent"
    SENT = "sent"
    STALE = "stale"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """The intent to post one message once.

    Attributes:
        key: 24 characters, travels with the post.
        kind: A `core.orchestration.ports.PostKind`.
        facts: What to render it from: round, role_key, code, a notice's details; ``sent`` lists the ids of its parts.
        post_id: The platform's id of the first part once it was sent.
        attempts: Sends that were begun.
    """

    key: str
    session_id: str
    kind: str
    created_at: datetime
    state: OutboxState = OutboxState.INTENT
    facts: dict[str, Any] = field(default_factory=dict)
    post_id: str = ""
    attempts: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something is still to be sent or edited."""
        return self.state not in {OutboxState.SENT, OutboxState.REFUSED}


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a platform last sent something of one kind.

    Attributes:
        source: The platform.
        kind: What was sent, in its adapter's words.
        tenant: Whose workspace it came from, as the platform names it; empty where it does not say.
        way: How it came in, in its adapter's words.
    """

    source: str
    kind: str
    tenant: str
    way: str
    at: datetime


class InboxState(StrEnum):
    """Where a request of a person stands: to be done (or claimed), waiting for a person, done, given up."""

    NEW = "new"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A request that was acknowledged and must not be lost.

    Attributes:
        id: ``q_...``.
        due_at: When it may be (tried again); a claim moves it into the future.
        payload: The request, JSON types; its platform's adapter knows the shape.
        waits_for: Whose act a HELD one waits for, in the adapter's words.
        attempts: Tries that were begun; a claim counts one.
        error: Name of the error of the last try.
        answered: Keys of the private answers that were delivered since it became NEW; the adapter makes them.
    """

    id: str
    created_at: datetime
    due_at: datetime
    payload: dict[str, Any]
    state: InboxState = InboxState.NEW
    waits_for: str = ""
    attempts: int = 0
    error: str = ""
    answered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, for operators; never document text."""

    at: datetime
    actor: str
    action: str
    workspace_id: str
    target: str
    details: dict[str, Any] = field(default_factory=dict)


class WorkspaceRepository(Protocol):
    """Workspaces, members, projects."""

    def find(self, workspace_id: str) -> Workspace | None: ...
    def lock(self, workspace_id: str) -> Workspace | None:
        """Return the workspace, locked until the transaction ends: for whoever changes a part of it and saves it."""
        ...

    def list_all(self, *, limit: int = 100, after: str = "") -> Sequence[Workspace]: ...
    def save(self, workspace: Workspace) -> None:
        """Insert or update."""
        ...

    def guard(self, workspace_id: str) -> None:
        """Lock the workspace until the transaction ends, so that a name which is free stays so."""
        ...

    def set_tier(self, workspace_id: str, tier: str) -> None:
        """Change the tier and nothing else, so that settings which somebody saves meanwhile stay."""
        ...

    def find_member(self, member_id: str) -> Member | None: ...
    def lock_member(self, member_id: str) -> Member | None:
        """Return the member, locked as a workspace is by `lock`."""
        ...

    def list_members(self, workspace_id: str) -> Sequence[Member]: ...
    def list_memberships(self, external_id: str) -> Sequence[Member]:
        """Return the members that one person of a platform is, one a workspace, those who came last first."""
        ...

    def save_member(self, member: Member) -> None:
        """Insert or update."""
        ...

    def find_project(self, project_id: str) -> Project | None: ...
    def list_projects(self, workspace_id: str, *, archived: bool = False) -> Sequence[Project]: ...
    def save_project(self, project: Project) -> None:
        """Insert or update."""
        ...


class TemplateRepository(Protocol):
    """Templates that workspaces keep; those that ship are not among them."""

    def add(self, template: Template) -> None: ...
    def find(self, template_id: str) -> Template | None: ...
    def list_templates(self, workspace_id: str) -> Sequence[Template]:
        """Return a workspace's own, oldest first."""
        ...

    def save(self, template: Template) -> None:
        """Write what changed of a template that is there."""
        ...

    def delete(self, template_id: str) -> bool:
        """Delete it; False if it is not there."""
        ...


class SessionRepository(Protocol):
    """Sessions and all that they record."""

    def add(self, session: Session) -> None: ...
    def find(self, session_id: str) -> Session | None: ...
    def lock(self, session_id: str) -> Session | None:
        """Return the session, locked until the transaction ends."""
        ...

    def guard(self, session_id: str) -> None:
        """Lock the session until the transaction ends, for a caller who need not read it; one that is gone is no error."""
        ...

    def save(self, session: Session) -> None:
        """Update every field of the session that can change."""
        ...

    def list_sessions(
        self,
        *,
        workspace_id: str | None = None,
        member_id: str | None = None,
        project_id: str | None = None,
        channel: str | None = None,
        statuses: Sequence[Status] = (),
        limit: int = 50,
        before: datetime | None = None,
    ) -> Sequence[Session]:
        """Return sessions, newest first; *channel* is that of `ThreadRef`."""
        ...

    def list_due(self, now: datetime) -> Sequence[Session]:
        """Return WAITING sessions whose wake_at has come."""
        ...

    def count(self, workspace_id: str, *, statuses: Sequence[Status] = (), since: datetime | None = None) -> int: ...

    def list_models(self) -> Sequence[str]:
        """Return the ids of the models that sessions were made with, each once, in order."""
        ...

    def spent_since(self, workspace_id: str, moment: datetime, *, member_id: str | None = None) -> int:
        """Return what the turns that were finished since *moment* cost, in micro-credits.

        Of a member, turns of the sessions that are theirs and were not deleted.
        """
        ...

    def spent_on(self, session_ids: Sequence[str]) -> int:
        """Return what the finished turns of these sessions cost, in micro-credits."""
        ...

    def find_by_thread(self, platform: str, channel: str, thread: str) -> Session | None:
        """Return the newest session of a thread."""
        ...

    def delete(self, session_id: str) -> None:
        """Delete the session and everything it recorded, except ledger entries."""
        ...

    def forget_texts(self, session_id: str) -> None:
        """Delete what people and models wrote in a session, its posts' keys included.

        Its row, its rounds with their scores and its turns with what they cost stay: they are the receipt. Call it
        through `core.sessions.forgetting.forget_texts`, which does the rest.
        """
        ...

    def add_file(self, file: SessionFile) -> None:
        """Insert; a repeat of the id is ignored."""
        ...

    def list_files(self, session_id: str) -> Sequence[SessionFile]: ...
    def find_file(self, file_id: str) -> SessionFile | None: ...

    def save_round(self, round_: Round) -> None:
        """Insert or update by session and number."""
        ...

    def list_rounds(self, session_id: str) -> Sequence[Round]: ...

    def find_turn(self, turn_id: str) -> Turn | None: ...
    def add_turn(self, turn: Turn) -> None:
        """Insert; ConflictError if the turn is already there."""
        ...

    def list_turns(self, session_id: str) -> Sequence[Turn]:
        """Return turns by round, then in order of finishing."""
        ...

    def list_round_turns(self, session_id: str, round_number: int) -> Sequence[Turn]:
        """Return the turns of one round, in order of finishing."""
        ...

    def save_attempt(self, attempt: TurnAttempt) -> None:
        """Insert or update by turn and number."""
        ...

    def list_attempts(self, session_id: str) -> Sequence[TurnAttempt]: ...

    def list_turn_attempts(self, turn_id: str) -> Sequence[TurnAttempt]:
        """Return the tries at one turn, by number."""
        ...

    def save_notes(self, notes: Sequence[Note]) -> None:
        """Insert or update by session and id."""
        ...

    def list_notes(self, session_id: str) -> Sequence[Note]:
        """Return notes in order of their number."""
        ...

    def count_notes(self, session_id: str) -> int:
        """Return how many notes a session has; single notes are never deleted, so it is the highest number too."""
        ...

    def save_version(self, version: Version) -> None:
        """Insert or update by session and number."""
        ...

    def find_version(self, session_id: str, number: int) -> Version | None: ...
    def list_versions(self, session_id: str) -> Sequence[Version]:
        """Return versions with their documents, by number."""
        ...

    def save_guidance(self, guidance: Guidance) -> None:
        """Insert or update by session and id."""
        ...

    def list_guidance(self, session_id: str) -> Sequence[Guidance]: ...


class OutboxRepository(Protocol):
    """Posts that were meant, and what became of them."""

    def add(self, row: OutboxRow) -> bool:
        """Insert; False if the key is already there."""
        ...

    def find(self, key: str) -> OutboxRow | None: ...
    def save(self, row: OutboxRow) -> None: ...
    def list_open(self, *, session_id: str | None = None) -> Sequence[OutboxRow]:
        """Return rows in INTENT, UNKNOWN or STALE, oldest first."""
        ...

    def list_session(self, session_id: str) -> Sequence[OutboxRow]: ...


class InboundRepository(Protocol):
    """Events from outside, so that each is acted on once."""

    def add(self, *, source: str, event_id: str, at: datetime) -> bool:
        """Remember an event; False if it was seen before."""
        ...

    def has(self, *, source: str, event_id: str) -> bool:
        """Return whether an event was seen."""
        ...

    def last_at(self, source: str) -> datetime | None: ...
    def note_arrival(self, arrival: Arrival) -> None:
        """Remember what a platform sent in place of the last of its kind."""
        ...

    def list_arrivals(self, source: str) -> Sequence[Arrival]:
        """Return what a platform last sent of each kind."""
        ...

    def delete_before(self, moment: datetime) -> int: ...


class InboxRepository(Protocol):
    """Requests of people, each done once."""

    def add(self, row: InboxRow) -> bool:
        """Insert; False if the id is already there."""
        ...

    def find(self, request_id: str) -> InboxRow | None: ...
    def claim(self, request_id: str, *, now: datetime, until: datetime) -> InboxRow | None:
        """Take a NEW request that is due, for nobody else until *until*; None if there is nothing to take."""
        ...

    def finish(self, request_id: str, *, attempts: int, state: InboxState, due_at: datetime, error: str) -> bool:
        """Write how try *attempts* ended, unless a later one began or the request was held meanwhile."""
        ...

    def hold(self, request_id: str, *, payload: dict[str, Any], waits_for: str) -> bool: ...
    def release(self, request_id: str, *, payload: dict[str, Any], due_at: datetime) -> bool:
        """Make a HELD request NEW, as one that nobody answered yet; False if it is not held (any more)."""
        ...

    def add_answer(self, request_id: str, key: str) -> None:
        """Remember that a private answer was delivered; a request that is gone is no error."""
        ...

    def list_due(self, now: datetime, *, limit: int) -> Sequence[str]:
        """Return ids of NEW requests that are due, oldest first."""
        ...

    def list_before(self, moment: datetime) -> Sequence[InboxRow]:
        """Return requests that were made before *moment*."""
        ...

    def delete_before(self, moment: datetime) -> int:
        """Delete requests that were made before *moment*, whatever became of them."""
        ...


class AuditRepository(Protocol):
    """The audit log, append-only."""

    def add(self, entry: AuditEntry) -> None: ...
    def list_entries(self, *, workspace_id: str | None = None, limit: int = 100) -> Sequence[AuditEntry]: ...


class Transaction(Protocol):
    """The repositories of one transaction. All are synchronous; see `Store`."""

    @property
    def workspaces(self) -> WorkspaceRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def credits(self) -> CreditRepository: ...
    @property
    def templates(self) -> TemplateRepository: ...
    @property
    def outbox(self) -> OutboxRepository: ...
    @property
    def inbound(self) -> InboundRepository: ...
    @property
    def inbox(self) -> InboxRepository: ...
    @property
    def audit(self) -> AuditRepository: ...
    @property
    def installations(self) -> InstallationRepository: ...
    @property
    def rations(self) -> RationRepository: ...


class Store(Protocol):
    """Runs units of work.

    A unit of work is a synchronous function of a `Transaction`: on SQLite it runs on the one writer thread, where
    many are committed together; on PostgreSQL on a pooled connection of the loop. It must be short, must not await,
    must not keep the transaction, and may be run twice (a batch that fails is run again one by one), so it has no
    effects outside the transaction.
    """

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* in one transaction and return its result once it is committed; its errors roll back and raise."""
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run *work* on a consistent read; it must not change anything."""
        ...


class Engine(Protocol):
    """Keeps sessions running whatever dies. DBOS in production."""

    async def enqueue(self, session_id: str, segment: int) -> None:
        """Make segment *segment* of a session run once; a repeat is harmless."""
        ...

    async def cancel(self, session_id: str, segment: int) -> None:
        """Cut a running segment at once; harmless when it has ended."""
        ...


class FileStore(Protocol):
    """Keeps bytes by key."""

    async def put(self, key: str, data: bytes) -> None:
        """Store *data*; a repeat with the same key replaces it."""
        ...

    async def get(self, key: str) -> bytes:
        """Return the bytes; `KeyError` if there are none."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the bytes, if any."""
        ...
