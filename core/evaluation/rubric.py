"""What scores mean, so that models and people speak of the same thing."""

from dataclasses import dataclass

from core.casts.model import Role


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a score says.

    Attributes:
        floor: The lowest score that it stands for.
        key: Identifier; ``bots/views`` chooses the words.
        means: One clause in English, for prompts.
    """

    floor: float
    key: str
    means: str


ANCHORS = (
    Anchor(9.0, "excellent", "better than most published work"),
    Anchor(8.0, "ready", "good enough to publish"),
    Anchor(7.0, "near", "needs small repairs"),
    Anchor(5.0, "rough", "a careful editor would send it back"),
    Anchor(0.0, "poor", "does not do its job"),
)


def anchor_of(score: float) -> Anchor:
    """Return what *score* (0.0 to 10.0) means."""
    return next(anchor for anchor in ANCHORS if score >= anchor.floor)


def weight_shares(role: Role) -> tuple[tuple[str, float], ...]:
    """Return each criterion's share of the role's score, together 1.0; none for a role without criteria."""
    total = sum(criterion.weight for criterion in role.criteria)
    return tuple((criterion.key, criterion.weight / total) for criterion in role.criteria)
