"""Who takes part in a session: roles, what they score, and when to stop."""

from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    """The three phases of a round, in order."""

    WRITER = "writer"
    EDITOR = "editor"
    SYNTHESIZER = "synthesizer"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a role scores from 0.0 to 10.0.

    Attributes:
        key: Identifier, as it stands in the reply's JSON.
        asks: The question in words.
        weight: Share of the role's score, > 0; weights need not add up to 1.
    """

    key: str
    asks: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Role:
    """One member of a cast.

    Attributes:
        key: Identifier, unique in its cast.
        name: What people see.
        phase: When it acts.
        emoji: One emoji, the same in every round.
        colour: ``#rrggbb``, the same in every round.
        instructions: Markdown of what the role does.
        model: Model id or alias; empty for the session's model.
        weight: Share of its score in the round's score (editors), > 0.
        criteria: What it scores.
        max_output_tokens: Upper bound of one reply.
    """

    key: str
    name: str
    phase: Phase
    emoji: str
    colour: str
    instructions: str
    model: str = ""
    weight: float = 1.0
    criteria: tuple[Criterion, ...] = ()
    max_output_tokens: int = 4_000


@dataclass(frozen=True, slots=True)
class StopRule:
    """When a session is good enough or no longer gains.

    Attributes:
        threshold: Score from 0.0 to 10.0 at which it ends.
        max_rounds: Rounds with a Writer, >= 1 (0 for notes only).
        plateau_rounds: Rounds without a gain of *gain* after which it ends.
        gain: Smallest gain that counts.
        max_seconds: Working time after which it ends; None for no limit.
    """

    threshold: float = 8.0
    max_rounds: int = 3
    plateau_rounds: int = 2
    gain: float = 0.1
    max_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """The roles of a session and its stop rule.

    Attributes:
        key: Identifier of the TOML file.
        name: What people see.
        roles: One Writer, any number of editors (>= 1), one Synthesizer, in order.
        stop: When to end.
    """

    key: str
    name: str
    roles: tuple[Role, ...]
    stop: StopRule = field(default_factory=StopRule)

    @property
    def writer(self) -> Role:
        """The one Writer."""
        return next(role for role in self.roles if role.phase is Phase.WRITER)

    @property
    def editors(self) -> tuple[Role, ...]:
        """The editors, in order."""
        return tuple(role for role in self.roles if role.phase is Phase.EDITOR)

    @property
    def synthesizer(self) -> Role:
        """The one Synthesizer."""
        return next(role for role in self.roles if role.phase is Phase.SYNTHESIZER)

    def role(self, key: str) -> Role:
        """Return the role with *key*; KeyError if there is none."""
        for role in self.roles:
            if role.key == key:
                return role
        raise KeyError(key)
