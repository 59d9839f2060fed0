"""The plan decides from the record alone, in the order of a round, and always comes to an end."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.casts.catalogue import load_cast
from core.casts.model import Cast, Phase, StopRule
from core.orchestration.plan import Act, End, Park, PlanState, RoundState, next_step
from core.sessions.model import Desired, EndReason, ParkReason

CAST = replace(load_cast("standard"), stop=StopRule(threshold=8.0, max_rounds=3))
EDITORS = tuple(role.key for role in CAST.editors)
ALL = frozenset(role.key for role in CAST.roles)
READ = ALL - {CAST.writer.key}


def _state(*rounds: RoundState, cast: Cast = CAST, **changes: object) -> PlanState:
    return replace(PlanState(cast=cast, rounds=rounds, has_upload=True), **changes)  # type: ignore[arg-type]  # fields


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (_state(), Act(0, Phase.EDITOR, EDITORS)),
        (_state(has_upload=False), Act(1, Phase.WRITER, (CAST.writer.key,))),
        (_state(RoundState(0, frozenset(EDITORS[:1]))), Act(0, Phase.EDITOR, EDITORS[1:])),
        (_state(RoundState(0, frozenset(EDITORS))), Act(0, Phase.SYNTHESIZER, (CAST.synthesizer.key,))),
        (_state(RoundState(0, READ, 5.0)), Act(1, Phase.WRITER, (CAST.writer.key,))),
        (_state(RoundState(0, READ, 5.0), notes_only=True), End(EndReason.NOTES_ONLY)),
        (_state(RoundState(0, READ, 8.0)), End(EndReason.THRESHOLD)),
        (_state(RoundState(0, READ, 9.0), min_rounds=1), Act(1, Phase.WRITER, (CAST.writer.key,))),
        (_state(RoundState(3, ALL, 7.0)), End(EndReason.ROUNDS)),
        (_state(RoundState(0, READ, 7.0), RoundState(1, ALL, 7.0), RoundState(2, ALL, 7.0)), End(EndReason.PLATEAU)),
        (
            _state(RoundState(0, READ, 7.0), RoundState(1, ALL, 7.0), RoundState(2, ALL, 7.1)),
            Act(3, Phase.WRITER, (CAST.writer.key,)),
        ),
        (
            _state(
                RoundState(1, ALL, 7.0),
                cast=replace(CAST, stop=replace(CAST.stop, max_seconds=60)),
                working_seconds=61.0,
            ),
            End(EndReason.TIME),
        ),
        (_state(RoundState(0, READ, None)), Act(1, Phase.WRITER, (CAST.writer.key,))),
        (_state(desired=Desired.PAUSE), Park(ParkReason.PAUSED)),
        (_state(RoundState(0, READ, 9.0), desired=Desired.STOP), End(EndReason.STOPPED)),
    ],
)
def test_what_comes_next(state: PlanState, expected: object) -> None:
    """Each recorded state has one next step."""
    assert next_step(state) == expected


@given(
    upload=st.booleans(),
    notes_only=st.booleans(),
    max_rounds=st.integers(1, 5),
    scores=st.lists(st.one_of(st.none(), st.integers(0, 100).map(lambda n: n / 10)), min_size=12, max_size=12),
)
def test_every_session_ends(*, upload: bool, notes_only: bool, max_rounds: int, scores: list[float | None]) -> None:
    """Doing what the plan says ends, within the rounds that were asked for, and takes each turn once."""
    cast = replace(CAST, stop=replace(CAST.stop, max_rounds=max_rounds))
    state = PlanState(cast=cast, has_upload=upload, notes_only=notes_only and upload)
    taken: list[tuple[int, str]] = []
    for _ in range(60):
        step = next_step(state)
        if isinstance(step, End):
            break
        assert isinstance(step, Act)
        taken += [(step.round, role) for role in step.roles]
        before = {item.number: item for item in state.rounds}
        old = before.get(step.round, RoundState(step.round))
        done = old.done | set(step.roles)
        score = scores[step.round] if step.phase is Phase.SYNTHESIZER else None
        before[step.round] = RoundState(step.round, done, score)
        state = replace(state, rounds=tuple(before[number] for number in sorted(before)))
    else:
        pytest.fail("the plan did not end")
    assert len(taken) == len(set(taken))
    assert max(number for number, _ in taken) <= (0 if state.notes_only else max_rounds)
