"""From what roles scored to what a round is worth, and what that means for going on. Pure.

Scores are 0.0 to 10.0 with one decimal. They are compared in tenths, because 7.3 - 7.2 is not 0.1 in binary.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.casts.model import Role, StopRule
from core.evaluation.prose_scores import clean_score

SYNTHESIZER_SHARE = 0.5
UNGROUNDED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class RoleScore:
    """What one editor gave.

    Attributes:
        role_key: Who.
        score: 0.0 to 10.0; None when none could be read.
        weight: The role's weight, > 0.
        grounded: True when at least one quote of its notes stands in the document, or when it found nothing to note.
    """

    role_key: str
    score: float | None
    weight: float = 1.0
    grounded: bool = True


def role_score(role: Role, criteria: Iterable[tuple[str, float]], stated: float | None) -> float | None:
    """Return a role's score: the weighted mean of its criteria, else the score that it stated.

    The criteria count when all of the role's were scored: a model that gives four criteria and a different overall
    figure has thought about the four. When some are missing, the stated score counts, and without one the mean of those
    that are there. None when there is nothing.
    """
    given = dict(criteria)
    scored = [(criterion, given[criterion.key]) for criterion in role.criteria if criterion.key in given]
    if not scored or (stated is not None and len(scored) < len(role.criteria)):
        return None if stated is None else clean_score(stated)
    total = sum(criterion.weight for criterion, _ in scored)
    return clean_score(sum(criterion.weight * score for criterion, score in scored) / total)


def effective_weight(score: RoleScore) -> float:
    """Return the weight with which a score counts: half of the role's when its notes quote what does not stand there."""
    return score.weight * (1.0 if score.grounded else UNGROUNDED_SHARE)


def round_score(editors: Sequence[RoleScore], synthesizer: float | None) -> float | None:
    """Return the score of a round: half the editors' weighted mean, half the Synthesizer's; either alone if one is missing.

    Returns:
        0.0 to 10.0, one decimal, never outside what was given; None when nothing could be read.
    """
    scored = [(item.score, effective_weight(item)) for item in editors if item.score is not None]
    if not scored:
        return None if synthesizer is None else clean_score(synthesizer)
    mean = sum(score * weight for score, weight in scored) / sum(weight for _, weight in scored)
    if synthesizer is None:
        return clean_score(mean)
    return clean_score(SYNTHESIZER_SHARE * synthesizer + (1 - SYNTHESIZER_SHARE) * mean)


def reached(score: float | None, rule: StopRule) -> bool:
    """Return whether *score* ends the session by its threshold."""
    return score is not None and _tenths(score) >= _tenths(rule.threshold)


def rounds_without_gain(scores: Sequence[float | None], gain: float) -> int:
    """Return how many rounds ago the best score last rose by *gain*; rounds without a score gain nothing.

    The first score is a gain over nothing. A fall and a rise back to the old best is no gain.
    """
    best: float | None = None
    idle = 0
    for score in scores:
        if score is not None and (best is None or _tenths(score) - _tenths(best) >= _tenths(gain)):
            best, idle = score, 0
        else:
            idle += 1
    return idle


def is_plateau(scores: Sequence[float | None], rule: StopRule) -> bool:
    """Return whether the last ``rule.plateau_rounds`` rounds gained nothing over what was there before them.

    Args:
        scores: Score of each round, oldest first, the reading of an upload included.
        rule: ``gain`` (0.1 resets the plateau) and ``plateau_rounds`` (2 end the session).
    """
    return len(scores) > rule.plateau_rounds and rounds_without_gain(scores, rule.gain) >= rule.plateau_rounds


def best_version(versions: Iterable[tuple[int, float | None]]) -> int | None:
    """Return the number of the version that won: the highest score, among equals the earliest.

    The earliest, because a change that gained nothing has not earned its place: an upload that nothing beat comes back
    as it was. Versions without a score win only where none has one, and then the latest.

    Args:
        versions: ``(number, score)`` in any order.

    Returns:
        None when there are no versions.
    """
    known = list(versions)
    scored = [(_tenths(score), -number) for number, score in known if score is not None]
    if scored:
        return -max(scored)[1]
    return max((number for number, _ in known), default=None)


def _tenths(score: float) -> int:
    return round(score * 10)
