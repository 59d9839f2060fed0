"""Scores of roles and rounds, the plateau, the best version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.casts.catalogue import load_cast
from core.casts.model import StopRule
from core.evaluation.prose_scores import clean_score
from core.evaluation.rubric import ANCHORS, anchor_of, weight_shares
from core.evaluation.scoring import RoleScore, best_version, is_plateau, reached, role_score, round_score

_ROLE = load_cast("standard").editors[0]
_SCORES = st.integers(0, 100).map(lambda tenths: tenths / 10)
_EDITORS = st.lists(
    st.builds(
        RoleScore,
        st.just("e"),
        st.none() | _SCORES,
        st.floats(0.1, 5, allow_nan=False),
        st.booleans(),
    ),
    max_size=6,
)


@given(editors=_EDITORS, synthesizer=st.none() | _SCORES)
def test_a_round_is_worth_neither_more_nor_less_than_what_was_given(
    editors: list[RoleScore], synthesizer: float | None
) -> None:
    """The score of a round lies between the lowest and the highest that was given, with one decimal; none gives none."""
    given_scores = [item.score for item in editors if item.score is not None]
    given_scores += [synthesizer] if synthesizer is not None else []

    score = round_score(editors, synthesizer)

    if not given_scores:
        assert score is None
    else:
        assert score is not None
        assert min(given_scores) <= score <= max(given_scores)
        assert round(score, 1) == score


@given(editors=_EDITORS.filter(bool), synthesizer=_SCORES, position=st.integers(0, 5), rise=st.integers(1, 50))
def test_a_better_score_never_makes_a_round_worse(
    editors: list[RoleScore], synthesizer: float, position: int, rise: int
) -> None:
    """The score of a round rises or stays when one of its scores rises."""
    at = position % len(editors)
    old = editors[at]
    if old.score is None:
        return
    better = RoleScore(old.role_key, min(10.0, old.score + rise / 10), old.weight, old.grounded)
    before = round_score(editors, synthesizer)
    after = round_score([*editors[:at], better, *editors[at + 1 :]], synthesizer)

    assert before is not None
    assert after is not None
    assert after >= before


def test_a_score_without_evidence_counts_half() -> None:
    """An editor whose quotes do not stand in the document moves the round half as much."""
    grounded = [RoleScore("a", 4.0), RoleScore("b", 10.0)]
    ungrounded = [RoleScore("a", 4.0), RoleScore("b", 10.0, grounded=False)]

    assert (round_score(grounded, None), round_score(ungrounded, None)) == (7.0, 6.0)


def test_editors_and_synthesizer_weigh_the_same() -> None:
    """Half of a round's score is the editors' weighted mean, half the Synthesizer's."""
    assert round_score([RoleScore("a", 6.0, 2.0), RoleScore("b", 9.0, 1.0)], 8.0) == 7.5


def test_criteria_win_over_the_stated_score() -> None:
    """With all criteria scored, their weighted mean counts; with some missing, the stated score."""
    whole = [("purpose", 9.0), ("completeness", 6.0), ("argument", 7.0), ("structure", 4.0)]

    assert role_score(_ROLE, whole, 1.0) == 7.0
    assert role_score(_ROLE, whole[:3], 5.5) == 5.5
    assert role_score(_ROLE, whole[:2], None) == 8.0
    assert role_score(_ROLE, [], None) is None


@pytest.mark.parametrize(
    ("scores", "plateau"),
    [
        ([], False),
        ([6.0], False),
        ([6.0, 6.0], False),
        ([6.0, 6.0, 6.0], True),
        ([6.0, 5.0, 5.5], True),
        ([6.0, 6.1, 6.1], False),
        ([6.0, 6.0, 6.1], False),
        ([6.0, 6.0, 6.1, 6.1], False),
        ([6.0, 6.0, 6.1, 6.1, 6.1], True),
        ([7.1, 7.2, 7.3, 7.4], False),
        ([5.0, None, None], True),
        ([None, None], False),
        ([None, None, 5.0], False),
    ],
)
def test_two_rounds_without_gain_are_a_plateau(scores: list[float | None], plateau: bool) -> None:
    """A gain of 0.1 over the best resets the plateau; two rounds without one end the session."""
    assert is_plateau(scores, StopRule()) is plateau


@given(scores=st.lists(_SCORES, min_size=1, max_size=8))
def test_a_rise_of_a_tenth_is_never_a_plateau(scores: list[float]) -> None:
    """Whatever went before, a round that beats the best by 0.1 is no plateau: floating point does not decide it."""
    best = max(scores)
    if best < 10.0:
        assert not is_plateau([*scores, round(best + 0.1, 1)], StopRule())


def test_the_threshold_itself_is_enough() -> None:
    """A score equal to the threshold reaches it."""
    assert reached(8.0, StopRule(threshold=8.0))
    assert not reached(7.9, StopRule(threshold=8.0))
    assert not reached(None, StopRule(threshold=0.0))


@given(versions=st.lists(st.tuples(st.integers(0, 20), st.none() | _SCORES), unique_by=lambda item: item[0]))
def test_the_best_version_has_the_highest_score(versions: list[tuple[int, float | None]]) -> None:
    """The best version has the highest score and is the earliest of those that have it."""
    best = best_version(versions)
    scored = [(score, number) for number, score in versions if score is not None]

    if not versions:
        assert best is None
    elif not scored:
        assert best == max(number for number, _ in versions)
    else:
        highest = max(score for score, _ in scored)
        assert best == min(number for score, number in scored if score == highest)


@pytest.mark.parametrize(("value", "clean"), [(7.25, 7.3), (7.24, 7.2), (-1.0, 0.0), (11.0, 10.0), (0.05, 0.1)])
def test_scores_have_one_decimal(value: float, clean: float) -> None:
    """A score lies within 0.0 to 10.0 and halves go up."""
    assert clean_score(value) == clean


def test_every_score_means_something() -> None:
    """Each score has an anchor, and a criterion's shares add up to one."""
    assert [anchor_of(score).key for score in (10.0, 8.0, 7.9, 5.0, 0.0)] == [
        "excellent",
        "ready",
        "near",
        "rough",
        "poor",
    ]
    assert [anchor.floor for anchor in ANCHORS] == sorted((anchor.floor for anchor in ANCHORS), reverse=True)
    assert dict(weight_shares(_ROLE)) == pytest.approx(
        {"purpose": 0.4, "completeness": 0.2, "argument": 0.2, "structure": 0.2}
    )
