"""How much a session says and hears at either end of a quote. Numbers only; docs/decisions/0044 says why these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.providers.base import Effort


@dataclass(frozen=True, slots=True)
class Profile:
    """A way for a session to go.

    Attributes:
        keeps_cache: Whether a prefix is still found in the provider's cache in the next round.
        trusts_automatic: Whether providers that cache by themselves, as best they can, do so.
        tokens_factor: Tokens that a provider counts for each one of `core.providers.tokens`, which counts too many.
        prefix_factor: The same where it decides whether a prefix is long enough to be cached: the end that reckons with
            cheap reads reckons with a long prefix, too.
        rules_tokens: The common rules of every prompt.
        task_tokens: The task and the schema of the reply.
        frame_tokens: What a reply as JSON has besides notes: scores, summary, self-assessment.
        note_tokens: One note, written or read.
        step_tokens: One step of a plan, or one note that is declined.
        answer_tokens: The Writer's answer to one note.
        most_notes: Notes that one editor writes at most in its first round.
        tokens_a_note: Document tokens for each note after the first.
        later_notes: Notes of a later round over those of the first: nothing is said twice.
        edited_share: Part of the document that a revision by block writes anew.
        growth: Size of a version over that of the version before.
        draft_words: Length of a draft when the brief names none.
        draft_factor: Length of a draft over the one that the brief names.
        thinking: Reasoning for each token of reply, by effort.
    """

    keeps_cache: bool
    trusts_automatic: bool
    tokens_factor: Decimal
    prefix_factor: Decimal
    rules_tokens: int
    task_tokens: int
    frame_tokens: int
    note_tokens: int
    step_tokens: int
    answer_tokens: int
    most_notes: int
    tokens_a_note: int
    later_notes: Decimal
    edited_share: Decimal
    growth: Decimal
    draft_words: int
    draft_factor: Decimal
    thinking: Mapping[Effort, Decimal] = field(default_factory=dict)


LOW = Profile(
    keeps_cache=True,
    trusts_automatic=True,
    tokens_factor=Decimal("0.65"),
    prefix_factor=Decimal(1),
    rules_tokens=250,
    task_tokens=250,
    frame_tokens=120,
    note_tokens=70,
    step_tokens=25,
    answer_tokens=15,
    most_notes=5,
    tokens_a_note=800,
    later_notes=Decimal("0.3"),
    edited_share=Decimal("0.06"),
    growth=Decimal(1),
    draft_words=250,
    draft_factor=Decimal("0.7"),
    thinking={
        Effort.NONE: Decimal(0),
        Effort.LOW: Decimal(0),
        Effort.MEDIUM: Decimal("0.2"),
        Effort.HIGH: Decimal("0.5"),
    },
)

HIGH = Profile(
    keeps_cache=False,
    trusts_automatic=False,
    tokens_factor=Decimal(1),
    prefix_factor=Decimal("0.65"),
    rules_tokens=450,
    task_tokens=700,
    frame_tokens=250,
    note_tokens=110,
    step_tokens=60,
    answer_tokens=40,
    most_notes=10,
    tokens_a_note=200,
    later_notes=Decimal("0.6"),
    edited_share=Decimal("0.35"),
    growth=Decimal("1.08"),
    draft_words=1_200,
    draft_factor=Decimal("1.4"),
    thinking={
        Effort.NONE: Decimal("0.1"),
        Effort.LOW: Decimal("0.3"),
        Effort.MEDIUM: Decimal(1),
        Effort.HIGH: Decimal("2.5"),
    },
)
