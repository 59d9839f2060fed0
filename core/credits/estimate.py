"""What a session will cost, as a range, before anything is spent. Pure: sizes, a cast and prices in, a quote out.

A session is played through twice. The **low** end stops after its first round with a Writer (after the reading, when
only notes are wanted), finds the shared prefix in the provider's cache, and hears little. The **high** end runs every
round, finds nothing in any cache, hears as much as a long-winded model writes, and leaves room for what the last turns
must set aside before they know what they use. The numbers stand in `core.credits.profiles`; docs/decisions/0044 says
where they come from.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.casts.model import Cast, Role
from core.credits.profiles import HIGH, LOW, Profile
from core.documents.model import Document
from core.providers.base import Effort, Usage
from core.providers.catalogue import CacheMode, ModelSpec, Thinking
from core.providers.tokens import estimate_tokens

_TOKENS_A_WORD = Decimal("1.5")
_MOST_STEPS = 12  # of a plan, with the notes that it declines
_TARGET = re.compile(
    r"\b(\d{1,3}(?:[,.\u202f ]\d{3})+|\d{2,6})[ -]?(?:words?|w(?:ö|oe)rter|mots|palabras|parole)\b", re.IGNORECASE
)
_NOT_DIGIT = re.compile(r"\D")


class Prices(Protocol):
    """What models cost; `core.credits.tariff.Tariff` is one."""

    def charge_microcredits(self, spec: ModelSpec, usage: Usage, *, at: datetime) -> int:
        """Return the price of *usage*."""
        ...

    def hold_microcredits(
        self, chain: Sequence[ModelSpec], *, input_tokens: int, max_output_tokens: int, at: datetime
    ) -> int:
        """Return an upper bound of a call."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """The work to be priced.

    Attributes:
        cast: Who takes part; its stop rule's ``max_rounds`` counts rounds with a Writer.
        chains: For each role's key the models that may answer, the preferred one first.
        brief_tokens: Size of the brief.
        document_tokens: Size of the document as models see it; 0 when there is none yet.
        reference_tokens: Size of all references.
        effort: How much models may think.
        draft_words: Length of the first draft, when the brief names one.
        notes_only: True for the reading alone.
        first_round: 0 to begin with the reading of an upload, 1 with a draft; higher to go on with a session.
        last_round: The last round that may run; None for the cast's.
    """

    cast: Cast
    chains: Mapping[str, Sequence[ModelSpec]]
    brief_tokens: int = 0
    document_tokens: int = 0
    reference_tokens: int = 0
    effort: Effort = Effort.LOW
    draft_words: int | None = None
    notes_only: bool = False
    first_round: int = 0
    last_round: int | None = None

    @property
    def rounds(self) -> range:
        """The rounds that may run."""
        if self.notes_only:
            return range(1)
        last = self.cast.stop.max_rounds if self.last_round is None else self.last_round
        return range(self.first_round, last + 1)


@dataclass(frozen=True, slots=True)
class Range:
    """Two amounts in micro-credits, low <= high."""

    low_microcredits: int = 0
    high_microcredits: int = 0


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a quote rests on, for people.

    Attributes:
        document_tokens: Size of the document, or the longest draft that was reckoned with.
        reference_tokens: Size of the references.
        editors: Editors.
        low_rounds, high_rounds: Rounds with a Writer at either end.
        reading: Whether the upload is read before the first round.
        models: Model ids that were reckoned with, in order of first use.
    """

    document_tokens: int
    reference_tokens: int
    editors: int
    low_rounds: int
    high_rounds: int
    reading: bool
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a session before it runs.

    Attributes:
        low_microcredits: What a session that ends early costs.
        high_microcredits: What it costs at most; the default cap.
        by_round: What each round costs if it runs, by number.
        by_role: What each role costs altogether, by key: at the low end in the rounds of the low end.
        assumptions: What it rests on.
    """

    low_microcredits: int
    high_microcredits: int
    by_round: dict[int, Range]
    by_role: dict[str, Range]
    assumptions: Assumptions


def make_job(
    *,
    cast: Cast,
    chains: Mapping[str, Sequence[ModelSpec]],
    brief: str,
    document: Document | None,
    references: Sequence[str] = (),
    effort: Effort = Effort.LOW,
    notes_only: bool = False,
) -> Job:
    """Return the job of a new session; see `Job` for what is not said here."""
    return Job(
        cast=cast,
        chains=chains,
        brief_tokens=estimate_tokens(brief),
        document_tokens=estimate_tokens(document.marked) if document is not None else 0,
        reference_tokens=sum(estimate_tokens(text) for text in references),
        effort=effort,
        draft_words=find_draft_words(brief),
        notes_only=notes_only,
        first_round=0 if document is not None else 1,
    )


def find_draft_words(brief: str) -> int | None:
    """Return the largest number of words that *brief* asks for, such as "about 1,200 words"; None if it names none."""
    numbers = [int(_NOT_DIGIT.sub("", found)) for found in _TARGET.findall(brief)]
    return max(numbers, default=None)


def estimate(job: Job, prices: Prices, *, at: datetime) -> Quote:
    """Return what *job* will cost between its earliest end and its last round.

    Args:
        job: The work.
        prices: What models cost.
        at: When it would run.

    Raises:
        ValueError: If no round may run.
        KeyError: If a role has no models.
    """
    rounds = job.rounds
    if not rounds:
        raise ValueError(f"no round between {job.first_round} and {job.last_round}")
    first_end = rounds.start if job.notes_only else max(rounds.start, 1)
    low = _Play(job, LOW, prices, at)
    high = _Play(job, HIGH, prices, at)
    for number in rounds:
        low.run(number)
        high.run(number)
    in_low = [turn for turn in low.turns if turn.round <= min(first_end, rounds[-1])]
    return Quote(
        low_microcredits=sum(turn.charge for turn in in_low),
        high_microcredits=max(high.spent, high.most_committed),
        by_round={number: Range(low.of_round(number), high.of_round(number)) for number in rounds},
        by_role={
            role.key: Range(
                sum(turn.charge for turn in in_low if turn.role_key == role.key),
                sum(turn.charge for turn in high.turns if turn.role_key == role.key),
            )
            for role in job.cast.roles
        },
        assumptions=Assumptions(
            document_tokens=high.document_tokens,
            reference_tokens=job.reference_tokens,
            editors=len(job.cast.editors),
            low_rounds=sum(1 for number in rounds if 0 < number <= first_end),
            high_rounds=sum(1 for number in rounds if number > 0),
            reading=rounds.start == 0,
            models=tuple(dict.fromkeys(job.chains[role.key][0].id for role in job.cast.roles)),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Turn:
    round: int
    role_key: str
    charge: int


@dataclass
class _Play:
    """A session played through with one profile.

    Attributes:
        document_tokens: Size of the newest version.
        spent: What all turns so far cost.
        most_committed: The most that charges and the holds of one phase came to together.
    """

    job: Job
    profile: Profile
    prices: Prices
    at: datetime
    turns: list[_Turn] = field(default_factory=list)
    document_tokens: int = 0
    spent: int = 0
    most_committed: int = 0
    _version: int = 0
    _notes: int = 0
    _old_notes: int = 0
    _cached: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.document_tokens = self.job.document_tokens
        # A session that goes on has notes from before.
        self._notes = self._notes_an_editor() * len(self.job.cast.editors) if self.job.first_round > 1 else 0
        self._old_notes = self._notes

    def of_round(self, number: int) -> int:
        """Return what one round costs."""
        return sum(turn.charge for turn in self.turns if turn.round == number)

    def run(self, number: int) -> None:
        """Play one round."""
        cast, profile = self.job.cast, self.profile
        if not profile.keeps_cache:
            self._cached.clear()
        if number > 0:
            self._write(number, cast.writer)
        each = self._notes_an_editor()
        reply = profile.frame_tokens + each * profile.note_tokens
        own = self._old_notes // max(1, len(cast.editors))
        self._phase(number, cast.editors, tail=own * profile.note_tokens, output=reply)
        self._notes = each * len(cast.editors)
        self._old_notes += self._notes
        heard = self._notes * profile.note_tokens + len(cast.editors) * profile.frame_tokens
        plan = profile.frame_tokens + min(self._notes, _MOST_STEPS) * profile.step_tokens
        self._phase(number, (cast.synthesizer,), tail=heard, output=plan)

    def _write(self, number: int, writer: Role) -> None:
        profile = self.profile
        tail = self._notes * profile.note_tokens + profile.frame_tokens
        if not self.document_tokens:
            words = profile.draft_words if self.job.draft_words is None else self.job.draft_words * profile.draft_factor
            output = self.document_tokens = min(round(words * _TOKENS_A_WORD), writer.max_output_tokens)
        elif self.job.chains[writer.key][0].edit_ops:
            answers = profile.frame_tokens + self._notes * profile.answer_tokens
            output = round(self._real(self.document_tokens) * profile.edited_share) + answers
        else:
            output = self._real(self.document_tokens) + self._notes * profile.answer_tokens
        self._phase(number, (writer,), tail=tail, output=output)
        self.document_tokens = round(self.document_tokens * profile.growth)
        self._version += 1

    def _phase(self, number: int, roles: Sequence[Role], *, tail: int, output: int) -> None:
        """Play turns that run at once: none knows what the others will use, so each sets its most aside."""
        committed = self.spent
        for position, role in enumerate(roles, start=1):
            chain = self.job.chains[role.key]
            spec = chain[0]
            most = min(role.max_output_tokens, *(model.max_output_tokens for model in chain))
            written = min(most, round(output * (1 + self._thought(spec))))
            pieces = list(self._pieces(role, tail))
            charge = self.prices.charge_microcredits(spec, self._usage(spec, pieces, written), at=self.at)
            committed += self.prices.hold_microcredits(
                chain,
                input_tokens=sum(tokens for _, tokens in pieces),
                # A reply is shortened to what is left: that may meet the last one, after the others held in full.
                max_output_tokens=written if position == len(roles) else most,
                at=self.at,
            )
            self.spent += charge
            self.turns.append(_Turn(number, role.key, charge))
        self.most_committed = max(self.most_committed, committed)

    def _pieces(self, role: Role, tail: int) -> Iterator[tuple[str, int]]:
        """Yield name and size of the prompt's parts in order; only parts with a name are shared."""
        yield "head", self._real(self.job.brief_tokens + self.job.reference_tokens) + self.profile.rules_tokens
        if self._version or self.job.document_tokens:
            yield f"document {self._version}", self._real(self.document_tokens)
        asks = sum(estimate_tokens(criterion.asks) for criterion in role.criteria)
        yield "", self._real(estimate_tokens(role.instructions) + asks) + self.profile.task_tokens + tail

    def _usage(self, spec: ModelSpec, pieces: Sequence[tuple[str, int]], written: int) -> Usage:
        read = write = plain = prefix = 0
        stretch = self.profile.prefix_factor / self.profile.tokens_factor
        for name, tokens in pieces:
            prefix += tokens
            key = (spec.id, name)
            caches = bool(name) and self._trusts(spec.cache.mode) and prefix * stretch >= spec.cache.min_tokens
            if caches and key in self._cached:
                read += tokens
            elif caches and spec.cache.mode is CacheMode.EXPLICIT:
                write += tokens
            else:
                plain += tokens
            if caches:
                self._cached.add(key)
        return Usage(
            input_uncached_tokens=plain, cache_read_tokens=read, cache_write_5m_tokens=write, output_tokens=written
        )

    def _trusts(self, mode: CacheMode) -> bool:
        return mode is CacheMode.EXPLICIT or (mode is CacheMode.AUTOMATIC and self.profile.trusts_automatic)

    def _thought(self, spec: ModelSpec) -> Decimal:
        if spec.thinking is Thinking.NONE or (spec.thinking is not Thinking.ALWAYS and self.job.effort is Effort.NONE):
            return Decimal(0)
        return self.profile.thinking[self.job.effort]

    def _notes_an_editor(self) -> int:
        profile = self.profile
        first = min(profile.most_notes, 1 + self.document_tokens // profile.tokens_a_note)
        return round(first * profile.later_notes) if self._old_notes else first

    def _real(self, estimated_tokens: int) -> int:
        return round(estimated_tokens * self.profile.tokens_factor)
