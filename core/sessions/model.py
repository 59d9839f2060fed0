"""Sessions and what they record: rounds, turns, notes, versions. Plain values; `core.sessions.service` changes them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.casts.model import Cast, Phase
from core.documents.edits import Edit
from core.documents.model import Document
from core.providers.base import Usage
from core.workspaces.model import Verbosity


class Status(StrEnum):
    """Where a session stands; `TRANSITIONS` says what may follow."""

    DRAFT = "draft"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    WAITING = "waiting"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.QUEUED, Status.STOPPED}),
    Status.QUEUED: frozenset({Status.RUNNING, Status.PAUSED, Status.STOPPED, Status.FAILED}),
    Status.RUNNING: frozenset(
        {Status.PAUSING, Status.PAUSED, Status.WAITING, Status.COMPLETED, Status.FAILED, Status.STOPPED}
    ),
    Status.PAUSING: frozenset(
        {Status.RUNNING, Status.PAUSED, Status.WAITING, Status.COMPLETED, Status.FAILED, Status.STOPPED}
    ),
    Status.PAUSED: frozenset({Status.QUEUED, Status.STOPPED}),
    Status.WAITING: frozenset({Status.QUEUED, Status.PAUSED, Status.STOPPED}),
    Status.COMPLETED: frozenset({Status.QUEUED}),
    Status.STOPPED: frozenset({Status.QUEUED}),
    Status.FAILED: frozenset({Status.QUEUED, Status.STOPPED}),
}
WORKING = frozenset({Status.QUEUED, Status.RUNNING, Status.PAUSING})
LIVE = frozenset({Status.QUEUED, Status.RUNNING, Status.PAUSING, Status.PAUSED, Status.WAITING})
ENDED = frozenset({Status.COMPLETED, Status.STOPPED, Status.FAILED})


class Desired(StrEnum):
    """What people want of a running session; the worker reads it before each phase."""

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


class EndReason(StrEnum):
    """Why a session ended."""

    THRESHOLD = "threshold"
    ROUNDS = "rounds"
    PLATEAU = "plateau"
    CREDITS = "credits"
    TIME = "time"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTES_ONLY = "notes_only"


class ParkReason(StrEnum):
    """Why a session holds no worker although it has not ended."""

    PAUSED = "paused"
    BALANCE = "balance"
    PROVIDER = "provider"
    REVIEW = "review"
    QUESTION = "question"


class Fate(StrEnum):
    """What became of a note."""

    OPEN = "open"
    APPLIED = "applied"
    DECLINED = "declined"
    REGRESSED = "regressed"


class EvaluationTier(StrEnum):
    """How a score was read from a reply: by schema, from prose, or not at all."""

    JSON = "json"
    PROSE = "prose"
    FALLBACK = "fallback"


class Severity(StrEnum):
    """How much a note matters."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class ThreadRef:
    """Where a session is posted.

    Attributes:
        platform: ``slack``, ``discord`` or ``terminal``.
        channel: The platform's id of the channel.
        thread: The platform's id of the thread; empty until it exists.
        card: The platform's id of the channel's card; empty until it exists.
    """

    platform: str
    channel: str
    thread: str = ""
    card: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One piece of writing work.

    Attributes:
        id: ``s_...``.
        workspace_id: Who pays.
        member_id: Who started it, and the only one who is mentioned.
        project_id: The folder it lies in, if any.
        title: At most 80 characters.
        brief: What was asked, possibly empty when a file came.
        status: See `TRANSITIONS`.
        desired: What people last wanted.
        segment: Number of the current durable workflow; raised by resume, retry, one more round and continue.
        cast: A copy of the cast as it was at the start.
        model: The model that roles without one of their own use (resolved id).
        effort: Thinking effort that came with an alias; empty for the default.
        cap_microcredits: Never spend more than this; raised by one more round and continue.
        quote_low_microcredits, quote_high_microcredits: The range that was quoted.
        notes_only: True for a critique without any rewriting.
        has_upload: True when version 0 is an upload and round 0 a reading.
        language: BCP 47 tag to write in; empty for the document's own.
        thread: Where it is posted.
        verbosity: How much its thread shows.
        providers: Providers that may be used, in order of preference; empty for all that are configured.
        end_reason, park_reason: Set with the status they explain.
        failure_code: Code of the error behind FAILED, or behind a park by PROVIDER.
        wake_at: When a WAITING session is looked at again.
        best_version: Number of the version that won, set at the end.
        working_seconds: Time spent running, for the time limit.
        min_rounds: Rounds that run whatever the scores say (one more round, continue).
        starred: Kept by a person as a favourite.
        origin: The channel in which a private session was asked for, where its result may be shared; empty otherwise.
        origin_name: What people call that channel, such as ``#plans``; empty where nobody knows.
        notices: What people should know from the start, one sentence each: another model answers than was named, a
            file holds what cannot be shown.
        forgotten_at: When its texts were removed, None while they are there; see `core.sessions.forgetting`.
        forgotten_after_days: After how many days the workspace's term had them removed; None where a person did.
    """

    id: str
    workspace_id: str
    member_id: str
    title: str
    brief: str
    cast: Cast
    model: str
    thread: ThreadRef
    created_at: datetime
    status: Status = Status.DRAFT
    desired: Desired = Desired.RUN
    segment: int = 1
    project_id: str | None = None
    effort: str = ""
    cap_microcredits: int = 0
    quote_low_microcredits: int = 0
    quote_high_microcredits: int = 0
    notes_only: bool = False
    has_upload: bool = False
    language: str = ""
    verbosity: Verbosity = Verbosity.NORMAL
    providers: tuple[str, ...] = ()
    end_reason: EndReason | None = None
    park_reason: ParkReason | None = None
    failure_code: str = ""
    wake_at: datetime | None = None
    best_version: int | None = None
    working_seconds: float = 0.0
    min_rounds: int = 0
    starred: bool = False
    origin: str = ""
    origin_name: str = ""
    notices: tuple[str, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    forgotten_at: datetime | None = None
    forgotten_after_days: int | None = None


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A file that belongs to a session.

    Attributes:
        id: ``f_...``.
        kind: ``upload`` (becomes version 0), ``reference`` (editors read it) or ``result`` (written by us).
        name: File name for people.
        media_type: From the bytes, not from the name.
        size_bytes: Length.
        storage_key: Where the file store keeps it.
        extracted: Markdown of a reference, empty otherwise.
    """

    id: str
    session_id: str
    kind: str
    name: str
    media_type: str
    size_bytes: int
    storage_key: str
    created_at: datetime
    extracted: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One pass of Writer (not in round 0), editors and Synthesizer.

    Attributes:
        number: 0 for the reading of an upload, from 1 otherwise.
        score: 0.0 to 10.0 with one decimal; None while it runs, or when nothing could be scored.
        plan: What changes next, one sentence a line.
        summary: Two or three sentences for people.
        questions: Open questions of the Synthesizer to the people.
        left_out: What did not fit the window, one sentence each.
        finished_at: Set in the transaction of the Synthesizer's turn.
    """

    session_id: str
    number: int
    started_at: datetime
    score: float | None = None
    plan: tuple[str, ...] = ()
    summary: str = ""
    questions: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One agent's finished call; it exists only as a whole, written in one transaction with its charge.

    Attributes:
        id: ``{session}/r{round}/{role}``, also the key of hold and charge.
        model: The model that answered.
        text: The raw reply, kept as it came.
        score: What the role gave, 0.0 to 10.0; None for the Writer or when nothing could be read.
        tier: How the score was read; None for the Writer.
        criteria: Score by criterion.
        self_assessment: What the role said of its own work, possibly empty.
        summary: One or two sentences for people.
        charged_microcredits: What the workspace paid.
        cost_microdollars: Provider's list cost.
        price_version: Version of the price table.
        notices: Things the thread must say (fell back, left out, repaired), one sentence each.
    """

    id: str
    session_id: str
    round: int
    role_key: str
    phase: Phase
    model: str
    provider: str
    text: str
    usage: Usage
    charged_microcredits: int
    cost_microdollars: int
    price_version: str
    started_at: datetime
    finished_at: datetime
    score: float | None = None
    tier: EvaluationTier | None = None
    criteria: tuple[tuple[str, float], ...] = ()
    self_assessment: str = ""
    summary: str = ""
    attempts: int = 1
    notices: tuple[str, ...] = ()


class AttemptState(StrEnum):
    """What became of one try at a turn."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TurnAttempt:
    """One try at a turn; the text of a broken one is kept and never continued.

    Attributes:
        number: From 1.
        text: What had arrived (flushed every two seconds or so).
        error_code: Code of what ended it, empty otherwise.
        usage: The operator's cost of a broken try.
    """

    turn_id: str
    session_id: str
    number: int
    state: AttemptState
    started_at: datetime
    text: str = ""
    error_code: str = ""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Note:
    """An editor's remark and what became of it.

    Attributes:
        id: ``n1``, ``n2``, ... unique in its session.
        role_key: Whose it is.
        ref: ``p12#f3c1``; empty for a remark on the whole.
        quote: The passage it is about.
        quote_found: False when the quote does not stand in the document.
        comment: The remark.
        suggestion: Replacement for the quote, possibly empty.
        severity: How much it matters.
        fate: What became of it.
        fate_reason: Why it was declined, or how it regressed.
        fate_round: The round of the fate.
    """

    id: str
    session_id: str
    round: int
    role_key: str
    comment: str
    ref: str = ""
    quote: str = ""
    quote_found: bool = True
    suggestion: str = ""
    severity: Severity = Severity.MINOR
    fate: Fate = Fate.OPEN
    fate_reason: str = ""
    fate_round: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the document.

    Attributes:
        number: 0 for an upload, else the round whose Writer made it.
        document: The whole document.
        edits: The edits that led here from the version before; empty for a draft, a rewrite or an upload.
        rewritten: True when the Writer gave the whole text instead of edits.
        score: The score of the round that judged it; None until then.
    """

    session_id: str
    number: int
    document: Document
    created_at: datetime
    edits: tuple[Edit, ...] = ()
    rewritten: bool = False
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Guidance:
    """What a person said to the room while it worked.

    Attributes:
        id: The platform's id of the message, unique in the session.
        taken_round: The round whose turn first read it; None until then.
        muted: True when it does not count; see `core.sessions.guidance`.
        revision: Which words these are: empty for those first said; of an edit, what orders it among its message's edits.
        is_heard: False while only an edit or a deletion came in, and the message itself did not yet.
    """

    id: str
    session_id: str
    member_id: str
    text: str
    created_at: datetime
    taken_round: int | None = None
    muted: bool = False
    revision: str = ""
    is_heard: bool = True
