"""Normal sessions, turn by turn: the prompts that Atelier really builds, replies of the size that models really write.

What is normal stands in `Habits`; nothing here is taken from the estimate that it is held against.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.agents.context import Material, Reference, Tail, Window, build_prompt
from core.casts.model import Cast, Phase, Role
from core.documents.model import Block, BlockKind, Document
from core.providers.base import Usage
from core.providers.catalogue import CacheMode, ModelSpec
from core.providers.tokens import estimate_tokens
from core.sessions.model import Note

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENTENCE = "The team met in March to agree on what the report should say and who will read it. "
WORDS_A_SENTENCE = 17
COMMENT = "This sentence says twice what one clause would say, and the reader waits for the point until the end."
SUGGESTION = "The team agreed in March what the report should say, and to whom."


@dataclass(frozen=True)
class Habits:
    """How the models of a session behave.

    Attributes:
        notes: Notes of one editor for each 300 words, at most ten at the first reading and five later.
        edited: Part of the document that a revision by block writes anew.
        thinking: Reasoning for each token of reply.
        token_factor: Tokens that the provider counts for each one of our estimate.
        stays_warm: Whether a prefix is still in the cache a round later.
    """

    notes: float = 1.0
    edited: float = 0.15
    thinking: float = 0.1
    token_factor: float = 0.8
    stays_warm: bool = True


@dataclass(frozen=True)
class Call:
    """One turn of a session."""

    round: int
    phase: Phase
    role: Role
    usage: Usage
    prompt_tokens: int


@dataclass
class NormalSession:
    """Plays a session and yields its calls, phase by phase."""

    cast: Cast = field(repr=False)
    spec: ModelSpec = field(repr=False)
    document: Document | None = field(repr=False)
    brief: str = ""
    references: tuple[str, ...] = field(default=(), repr=False)
    rounds: int = 3
    draft_words: int = 800
    habits: Habits = field(default_factory=Habits)
    _cache: set[str] = field(default_factory=set, repr=False)
    _notes: list[Note] = field(default_factory=list, repr=False)

    def phases(self) -> Iterator[list[Call]]:
        """Yield the calls of each phase."""
        for number in range(0 if self.document is not None else 1, self.rounds + 1):
            if not self.habits.stays_warm:
                self._cache.clear()
            if number > 0:
                yield [self._writer(number)]
            fresh = self._new_notes(number)
            yield [self._editor(number, role, fresh) for role in self.cast.editors]
            self._notes = [note for group in fresh.values() for note in group]
            yield [self._synthesizer(number)]

    def _writer(self, number: int) -> Call:
        role = self.cast.writer
        if self.document is None:
            call = self._call(number, role, Tail("draft"), round(self.draft_words * 1.35))
            self.document = make_document(self.draft_words)
            return call
        tail = Tail("revise", notes=tuple(self._notes), plan=(COMMENT,) * 5)
        share = self.habits.edited if self.spec.edit_ops else 1.0
        written = round(estimate_tokens(self.document.markdown) * self.habits.token_factor * share)
        return self._call(number, role, tail, written + 120 + 25 * len(self._notes))

    def _new_notes(self, number: int) -> dict[str, list[Note]]:
        assert self.document is not None
        most = 10 if number == 0 or not self._notes else 5
        count = max(1, min(most, round(self.habits.notes * self.document.words / 300)))
        return {
            role.key: [
                Note(
                    id=f"n{number}{index}",
                    session_id="s",
                    round=number,
                    role_key=role.key,
                    comment=COMMENT,
                    ref="p1#aaaa",
                    quote=SENTENCE[:60],
                    suggestion=SUGGESTION,
                )
                for index in range(count)
            ]
            for role in self.cast.editors
        }

    def _editor(self, number: int, role: Role, fresh: dict[str, list[Note]]) -> Call:
        mine = tuple(note for note in self._notes if note.role_key == role.key)
        written = 160 + 95 * len(fresh[role.key]) + 25 * len(mine)
        return self._call(number, role, Tail("edit", notes=mine), written)

    def _synthesizer(self, number: int) -> Call:
        evaluations = tuple((role.name, 7.2, COMMENT) for role in self.cast.editors)
        tail = Tail("synthesize", notes=tuple(self._notes), evaluations=evaluations)
        return self._call(number, self.cast.synthesizer, tail, 180 + 45 * min(8, len(self._notes)))

    def _call(self, number: int, role: Role, tail: Tail, written: int) -> Call:
        most = min(role.max_output_tokens, self.spec.max_output_tokens)
        prompt = build_prompt(
            role=role,
            material=Material(self.brief, tuple(Reference(f"r{i}", text) for i, text in enumerate(self.references))),
            document=self.document,
            version=number,
            tail=tail,
            window=Window(self.spec.context_tokens, most),
        )
        pieces = [
            (prompt.system + prompt.segments[0].text, True),
            *((part.text, part.cache_break) for part in prompt.segments[1:]),
        ]
        output = min(most, round(written * (1 + self.habits.thinking)))
        return Call(number, role.phase, role, self._usage(pieces, output), prompt.input_tokens)

    def _usage(self, pieces: Sequence[tuple[str, bool]], output: int) -> Usage:
        read = write = plain = 0
        prefix = ""
        cached = self.spec.cache.mode is not CacheMode.NONE
        for text, shared in pieces:
            prefix += text
            tokens = round(estimate_tokens(text) * self.habits.token_factor)
            long_enough = estimate_tokens(prefix) * self.habits.token_factor >= self.spec.cache.min_tokens
            if cached and shared and long_enough and prefix in self._cache:
                read += tokens
            elif cached and shared and long_enough and self.spec.cache.mode is CacheMode.EXPLICIT:
                write += tokens
            else:
                plain += tokens
            if shared:
                self._cache.add(prefix)
        return Usage(
            input_uncached_tokens=plain, cache_read_tokens=read, cache_write_5m_tokens=write, output_tokens=output
        )


def make_document(words: int) -> Document:
    """Return a document of about so many words, in paragraphs of six sentences."""
    sentences = max(1, round(words / WORDS_A_SENTENCE))
    blocks = [
        Block(f"p{index // 6 + 1}", BlockKind.PARAGRAPH, (SENTENCE * min(6, sentences - index)).strip())
        for index in range(0, sentences, 6)
    ]
    return Document(tuple(blocks), next_number=len(blocks) + 1)
