"""A turn that is to be taken: who answers, what is asked, and what the answer comes to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.agents.context import Prompt
from core.casts.model import Role
from core.ids import turn_id
from core.orchestration.ports import ChatPort
from core.providers.base import Model, Reply, Request
from core.providers.catalogue import ModelSpec
from core.sessions.model import EvaluationTier, Session, Turn
from core.sessions.ports import Transaction


@dataclass(frozen=True, slots=True)
class Seat:
    """Who answers for a role.

    Attributes:
        role: The role.
        model: The model with its policy.
        chain: The specs that may answer, the preferred one first.
    """

    role: Role
    model: Model
    chain: tuple[ModelSpec, ...]

    @property
    def spec(self) -> ModelSpec:
        """The preferred model."""
        return self.chain[0]


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a role's replies meant, before it is written.

    Attributes:
        text: The raw reply (several, divided by a rule, when a repair was asked).
        score, tier, criteria, summary, self_assessment: As in `core.sessions.model.Turn`.
        notices: Sentences for the thread.
        record: Writes notes, fates, versions and the round inside the turn's transaction.
    """

    text: str
    record: Callable[[Transaction, Turn], None]
    score: float | None = None
    tier: EvaluationTier | None = None
    criteria: tuple[tuple[str, float], ...] = ()
    summary: str = ""
    self_assessment: str = ""
    notices: tuple[str, ...] = ()


Ask = Callable[[Request], Awaitable[Reply]]
Act = Callable[[Ask, int], Awaitable[TurnResult]]


@dataclass(frozen=True, slots=True)
class TurnJob:
    """A turn to take.

    Attributes:
        session: As it was read when the phase began.
        round_number: From 0.
        seat: Who answers.
        prompt: The first prompt, for what must be held.
        act: Asks once or more and says what the replies mean; gets the output tokens that are paid for.
        chat: Where signs of life go; None for nowhere.
        card_id: The round's card, for signs of life.
        block_ids: The document's blocks in order, to tell how far a revision is.
        spent_microcredits: What the session spent so far, for signs of life.
        on_first_text: Called once when the first text arrives, so that others may follow.
    """

    session: Session
    round_number: int
    seat: Seat
    prompt: Prompt
    act: Act
    chat: ChatPort | None = None
    card_id: str = ""
    block_ids: tuple[str, ...] = ()
    spent_microcredits: int = 0
    on_first_text: Callable[[], None] | None = None

    @property
    def turn_id(self) -> str:
        """The turn's id, also the key of its charge."""
        return turn_id(self.session.id, self.round_number, self.seat.role.key)
