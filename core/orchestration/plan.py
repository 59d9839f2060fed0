"""What a session does next, decided from what it recorded. Pure: no clock, no database, no model."""

from dataclasses import dataclass, field

from core.casts.model import Cast, Phase
from core.evaluation.scoring import is_plateau, reached
from core.sessions.model import Desired, EndReason, ParkReason


@dataclass(frozen=True, slots=True)
class RoundState:
    """What is recorded of one round.

    Attributes:
        number: 0 for the reading.
        done: Keys of the roles whose turn is committed.
        score: The round's score once its Synthesizer is done; None also when nothing could be scored.
    """

    number: int
    done: frozenset[str] = frozenset()
    score: float | None = None


@dataclass(frozen=True, slots=True)
class PlanState:
    """All that the decision depends on.

    Attributes:
        cast: Roles and stop rule.
        has_upload: Whether there is a version 0 to read first.
        notes_only: Whether to end after the reading.
        min_rounds: Rounds that run whatever the scores say.
        desired: What people want.
        working_seconds: Time spent so far.
        rounds: What is recorded, by number.
    """

    cast: Cast
    has_upload: bool = False
    notes_only: bool = False
    min_rounds: int = 0
    desired: Desired = Desired.RUN
    working_seconds: float = 0.0
    rounds: tuple[RoundState, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Act:
    """Let *roles* act, all at once."""

    round: int
    phase: Phase
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Park:
    """Hold no worker until somebody, or something, resumes."""

    reason: ParkReason


@dataclass(frozen=True, slots=True)
class End:
    """The session is over."""

    reason: EndReason


Step = Act | Park | End


def next_step(state: PlanState) -> Step:
    """Return what comes next.

    A round that has begun is finished phase by phase unless people want otherwise; ends are decided between rounds
    only, so that every version that was paid for is judged.
    """
    if state.desired is Desired.STOP:
        return End(EndReason.STOPPED)
    if state.desired is Desired.PAUSE:
        return Park(ParkReason.PAUSED)
    current = state.rounds[-1] if state.rounds else RoundState(0 if state.has_upload else 1)
    missing = _missing(state.cast, current)
    if missing is not None:
        return missing
    reason = _end_after(state, current)
    if reason is not None:
        return End(reason)
    following = _missing(state.cast, RoundState(current.number + 1))
    if following is None:  # pragma: no cover - a cast always has a Writer
        raise ValueError("a cast without roles")
    return following


def _missing(cast: Cast, current: RoundState) -> Act | None:
    """Return the next phase of *current* that has turns to do, None when the round is complete."""
    if current.number > 0 and cast.writer.key not in current.done:
        return Act(current.number, Phase.WRITER, (cast.writer.key,))
    editors = tuple(role.key for role in cast.editors if role.key not in current.done)
    if editors:
        return Act(current.number, Phase.EDITOR, editors)
    if cast.synthesizer.key not in current.done:
        return Act(current.number, Phase.SYNTHESIZER, (cast.synthesizer.key,))
    return None


def _end_after(state: PlanState, last: RoundState) -> EndReason | None:
    """Return why the session ends after the complete round *last*, None when it goes on."""
    rule = state.cast.stop
    if state.notes_only:
        return EndReason.NOTES_ONLY
    if last.number < state.min_rounds:
        return None
    scores = [item.score for item in state.rounds]
    ends = (
        (EndReason.THRESHOLD, reached(last.score, rule)),
        (EndReason.ROUNDS, last.number >= rule.max_rounds),
        (EndReason.PLATEAU, is_plateau(scores, rule)),
        (EndReason.TIME, rule.max_seconds is not None and state.working_seconds >= rule.max_seconds),
    )
    return next((reason for reason, holds in ends if holds), None)
