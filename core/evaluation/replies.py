"""What a reply says once it was read: the JSON of `core.agents.schemas` as plain values."""

from dataclasses import dataclass

from core.documents.edits import Edit
from core.sessions.model import EvaluationTier, Fate, Severity


@dataclass(frozen=True, slots=True)
class ReplyNote:
    """A new remark of an editor.

    Attributes:
        block: Ref as the editor gave it, possibly stale or wrong; empty for a remark on the whole.
        quote: The passage as the editor gave it; `core.evaluation.quotes` says whether it stands there.
        comment: The remark, never empty.
        suggestion: Replacement for the quote, possibly empty.
        severity: How much it matters.
    """

    block: str
    quote: str
    comment: str
    suggestion: str = ""
    severity: Severity = Severity.MINOR


@dataclass(frozen=True, slots=True)
class EarlierFate:
    """What an editor says became of an older note: OPEN, APPLIED or REGRESSED."""

    note: str
    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EditorReply:
    """An editor's reply.

    Attributes:
        tier: How it was read.
        score: 0.0 to 10.0, one decimal; None when none could be read.
        criteria: Score by criterion of the role, in the role's order, those that could be read.
        notes: New remarks, in the editor's order.
        earlier: Fates of older notes.
        summary: One or two sentences for people, possibly empty.
        self_assessment: Possibly empty.
    """

    tier: EvaluationTier
    score: float | None = None
    criteria: tuple[tuple[str, float], ...] = ()
    notes: tuple[ReplyNote, ...] = ()
    earlier: tuple[EarlierFate, ...] = ()
    summary: str = ""
    self_assessment: str = ""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One sentence of the plan and the notes that it answers."""

    step: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one note: its fate (APPLIED or DECLINED) and why."""

    note: str
    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SynthesizerReply:
    """The Synthesizer's reply; see `EditorReply` for what the two share.

    Attributes:
        plan: What changes next.
        decline: Notes that should not be followed, all with fate DECLINED.
        questions: For the people.
    """

    tier: EvaluationTier
    score: float | None = None
    criteria: tuple[tuple[str, float], ...] = ()
    plan: tuple[PlanStep, ...] = ()
    decline: tuple[Answer, ...] = ()
    questions: tuple[str, ...] = ()
    summary: str = ""
    self_assessment: str = ""


@dataclass(frozen=True, slots=True)
class RevisionReply:
    """The Writer's revision.

    Attributes:
        edits: Changes by block, in the Writer's order; not checked against a document.
        answers: Answers to notes that no edit names.
        malformed: What could not be read as an edit, one sentence each: never dropped in silence.
        summary: One or two sentences for people, possibly empty.
        self_assessment: Possibly empty.
    """

    edits: tuple[Edit, ...] = ()
    answers: tuple[Answer, ...] = ()
    malformed: tuple[str, ...] = ()
    summary: str = ""
    self_assessment: str = ""
