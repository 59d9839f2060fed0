"""What the orchestration needs of the outside: a chat to post in, an engine that keeps sessions alive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.casts.model import Phase
from core.credits.estimate import Range
from core.errors import TransientError, UserFacingError
from core.money import Unit
from core.sessions.model import Guidance, Note, Round, Session, SessionFile, ThreadRef, Turn, Version


class PostKind(StrEnum):
    """What a post is; with session and number it names the one thing that is posted once."""

    SESSION_CARD = "session_card"
    ROUND_CARD = "round_card"
    TURN = "turn"
    DRAFT = "draft"
    RESULT = "result"
    RECEIPT = "receipt"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that views may show of a session, as recorded at one moment.

    Attributes:
        session: The session.
        rounds, turns, notes, versions, files, guidance: What it recorded, oldest first. Versions are without
            documents' text when the view does not need it: see *document*.
        document: The newest version's markdown, empty where none exists.
        spent_microcredits, held_microcredits: The session's own.
        balance_microcredits: What the workspace can spend.
        unit: In which unit people see amounts; without a shop there is no balance either.
        names: What those are called who gave guidance, by member id.
        next_round: What one more round is likely to cost; None for a session that is not over, that has nothing to go on
            with, or of which nobody can tell.
    """

    session: Session
    rounds: tuple[Round, ...] = ()
    turns: tuple[Turn, ...] = ()
    notes: tuple[Note, ...] = ()
    versions: tuple[Version, ...] = ()
    files: tuple[SessionFile, ...] = ()
    guidance: tuple[Guidance, ...] = ()
    spent_microcredits: int = 0
    held_microcredits: int = 0
    balance_microcredits: int = 0
    unit: Unit = Unit.CREDITS
    names: Mapping[str, str] = field(default_factory=dict)
    next_round: Range | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a post says, as facts; ``bots/views`` finds the words.

    Attributes:
        kind: What it is.
        snapshot: What is known.
        round: The round it is about, for ROUND_CARD, TURN and DRAFT.
        role_key: The role it is about, for TURN and DRAFT.
        code: What happened, for NOTICE: a failure code or ``parked``.
        facts: Details of a NOTICE, by name.
        mention: True when the starter must be mentioned.
        file_ids: Files that go with the post.
    """

    kind: PostKind
    snapshot: Snapshot
    round: int | None = None
    role_key: str = ""
    code: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    mention: bool = False
    file_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """A disposable sign of life; an adapter may coalesce or drop any of them, but not the order.

    Attributes:
        session_id, round, role_key, phase: Whose turn.
        delta: New visible text, empty for a change of state.
        state: ``started``, ``writing``, ``restarted`` (the text so far is void), ``retrying`` (the provider fails and is asked
            again), ``fell_back`` (another model is asked), ``finished``, ``failed``.
        done_blocks, total_blocks: How far a revision is, 0 and 0 when unknown.
        score: The role's score when it finished with one.
        card_id: The platform's id of the round's card, empty before it was sent.
        spent_microcredits, cap_microcredits: The session's own, for a progress line.
    """

    thread: ThreadRef
    session_id: str
    round: int
    role_key: str
    phase: Phase
    state: str
    delta: str = ""
    done_blocks: int = 0
    total_blocks: int = 0
    score: float | None = None
    card_id: str = ""
    spent_microcredits: int = 0
    cap_microcredits: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One message of a post, as the adapter rendered it.

    Attributes:
        text: The plain fallback, also what is searched and read aloud.
        payload: The platform's own form, JSON types only.
        file_ids: Files that this message carries.
    """

    text: str
    payload: dict[str, object] = field(default_factory=dict)
    file_ids: tuple[str, ...] = ()


class ChatPort(Protocol):
    """A place where a session is posted.

    Every adapter passes `tests/contracts/chat_port.py`, and whole sessions on it `tests/contracts/chat_room_laws.py`.

    Where a platform lacks a verb, the adapter says what happens instead in its own docstring.
    """

    @property
    def platform(self) -> str:
        """``slack``, ``discord`` or ``terminal``."""
        ...

    def render(self, content: Content) -> Sequence[Part]:
        """Return the messages that say *content*, in order, each within the platform's limits, at least one."""
        ...

    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        """Post the channel's card and return where the session lives from now on (thread and card filled in).

        With *since*, an earlier try may have succeeded: the card that carries *key* is looked for first.

        Raises:
            As `send`.
        """
        ...

    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        """Post *part* and return the platform's id of the message; *key* (24 characters) travels with it.

        Raises:
            PostRefused: The platform will not take it.
            PostUncertain: It may or may not have arrived.
            TransientError: It did not arrive; try again later.
        """
        ...

    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        """Change a post and return its id, a new one where the platform had to post afresh. Idempotent."""
        ...

    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        """Return the id of the post that carries *key*, None if it certainly was not posted since *since*.

        Raises:
            HistoryUnreadable: If the platform cannot be read back now.
        """
        ...

    def progress(self, update: Progress) -> None:
        """Show a sign of life. Never blocks, never raises, loses nothing that matters."""
        ...


class PostLocks(Protocol):
    """Lets one process at a time post for a session; a process that ends, however it ends, holds nothing any more."""

    async def take(self, session_id: str) -> bool:
        """Return whether this process may post for the session now; it must `give` what it took.

        Raises:
            TransientError: If nobody can tell.
        """
        ...

    async def give(self, session_id: str) -> None:
        """Let others post for the session."""
        ...


class PostRefused(UserFacingError):
    """The platform refuses a post for good.

    Attributes:
        reason: The platform's own code.
    """

    code = "post_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotInstalled(PostRefused):
    """The app is not there any more, and may come back: what is still true by then is kept until it is."""


class PostUncertain(TransientError):
    """The answer to a post was lost: look it up before sending again."""


class HistoryUnreadable(TransientError):
    """The platform cannot be read back right now."""
