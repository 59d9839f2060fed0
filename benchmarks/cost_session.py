"""One deterministic session as the calls it makes: as Atelier asks, and as a naive room would ask.

The prompts are those that `core.agents.context` builds, from the shipped cast and the shipped instructions, with the
shipped schema. The naive room says the same in the order that comes to mind (role, brief, references, notes, document),
asks for its JSON in words, marks no cache, and lets the Writer answer with the whole document each time.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from benchmarks.cache_rules import Call, Piece
from benchmarks.mock_replies import prose, sample
from core.agents.context import Material, Prompt, Reference, Tail, Window, build_prompt
from core.agents.schemas import reply_schema
from core.casts.model import Cast, Role
from core.documents.model import Block, BlockKind, Document
from core.providers.tokens import estimate_tokens
from core.sessions.model import Fate, Note

NOTES_AN_EDITOR = 4
MOST_STEPS = 6
CHANGED_SHARE = 0.15
PARAGRAPH_WORDS = 60
TOKENS_A_SECOND = 80
PAUSE_SECONDS = 5.0  # between phases: a transaction, posts, the next prompt
LEAD_SECONDS = 4.0
WINDOW = Window(context_tokens=200_000, max_output_tokens=16_000)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is worked on.

    Attributes:
        cast: Who works.
        brief: What was asked.
        references: Files to read.
        document: The upload; drafted in the first round when *drafts*.
        rounds: Rounds with a Writer.
        drafts: True for a session that starts from the brief alone.
        reasoning_tokens: What a model thinks before each answer, billed as output.
    """

    cast: Cast
    brief: str
    references: tuple[Reference, ...]
    document: Document
    rounds: int = 3
    drafts: bool = False
    reasoning_tokens: int = 0


def text_of(tokens: int) -> str:
    """Return plain prose of about *tokens* tokens."""
    words = tokens
    while estimate_tokens(prose(words)) > tokens:
        words -= max(1, words // 200)
    return prose(words)


def document_of(tokens: int) -> Document:
    """Return a document of paragraphs, about *tokens* tokens of Markdown."""
    paragraphs = (prose(PARAGRAPH_WORDS, start).replace("\n\n", " ") for start in itertools.count())
    blocks: list[Block] = []
    used = 0
    for number, paragraph in enumerate(paragraphs, 1):
        used += estimate_tokens(paragraph)
        if used > tokens:
            break
        blocks.append(Block(f"p{number}", BlockKind.PARAGRAPH, paragraph))
    return Document(tuple(blocks), next_number=len(blocks) + 1)


def revised(document: Document, version: int) -> tuple[Document, tuple[Block, ...]]:
    """Return *document* with its share of blocks rewritten, other ones in each version, and the new blocks."""
    paragraphs = [block for block in document.blocks if block.kind is BlockKind.PARAGRAPH and not block.locked]
    count = min(len(paragraphs), max(1, round(CHANGED_SHARE * len(paragraphs))))
    picked = {paragraphs[(version * count + i) % len(paragraphs)].id for i in range(count)}
    blocks = tuple(
        replace(block, markdown=f"{prose(len(block.markdown.split()), version)}".replace("\n\n", " "))
        if block.id in picked
        else block
        for block in document.blocks
    )
    return replace(document, blocks=blocks), tuple(block for block in blocks if block.id in picked)


class Room:
    """Plays a session and keeps the calls.

    Attributes:
        calls: What was asked, in order.
    """

    def __init__(self, setting: Setting, *, atelier: bool, leads: bool = False) -> None:
        self._setting = setting
        self._atelier = atelier
        self._leads = leads
        self._material = Material(setting.brief, setting.references)
        self._now = 0.0
        self._notes: list[Note] = []
        self._plan: tuple[str, ...] = ()
        self.calls: list[Call] = []

    def play(self) -> list[Call]:
        """Return every call of the session, in order."""
        document: Document | None = None if self._setting.drafts else self._setting.document
        if document is not None:
            self._judge(document, 0)
        for number in range(1, self._setting.rounds + 1):
            document = self._write(document, number)
            self._judge(document, number)
        return self.calls

    @property
    def _open_notes(self) -> tuple[Note, ...]:
        return tuple(note for note in self._notes if note.fate is Fate.OPEN)

    def _write(self, document: Document | None, number: int) -> Document:
        writer = self._setting.cast.writer
        if document is None:
            self._ask(writer, None, number, Tail("draft"), self._setting.document.markdown)
            return self._setting.document
        after, changed = revised(document, number)
        notes = self._open_notes
        served = dict(zip((note.id for note in notes), changed, strict=False))
        edits = [
            {"op": "replace", "block": document.by_id[block.id].ref, "text": block.markdown, "notes": [note_id]}
            for note_id, block in served.items()
        ]
        answers = [
            {"note": note.id, "fate": "declined", "reason": prose(12)} for note in notes if note.id not in served
        ]
        words = {"answers": answers, "summary": prose(20), "self_assessment": prose(12)}
        reply = _reply(edits=edits, **words) if self._atelier else after.markdown + _dump(words)
        self._ask(writer, document, number - 1, Tail("revise", notes=notes, plan=self._plan), reply)
        self._settle({note.id: Fate.APPLIED if note.id in served else Fate.DECLINED for note in notes})
        return after

    def _judge(self, document: Document, number: int) -> None:
        """Let the editors and the Synthesizer read *document*."""
        cast = self._setting.cast
        found: list[Note] = []
        begun = latest = self._now
        for position, role in enumerate(cast.editors):
            self._now = begun + (LEAD_SECONDS if self._leads and position else 0.0)
            notes = self._criticise(role, document, number)
            found += notes
            own = tuple(note for note in self._notes if note.role_key == role.key)
            earlier = [{"note": note.id, "fate": "applied", "reason": prose(10)} for note in own]
            reply = _reply(notes=[_raised(note) for note in notes], earlier=earlier, **_scores(role))
            self._ask(role, document, number, Tail("edit", notes=own), reply)
            latest = max(latest, self._now)
        self._now = latest
        self._notes += found
        role = cast.synthesizer
        steps = [{"step": prose(18), "notes": [note.id]} for note in found[:MOST_STEPS]]
        decline = [{"note": found[-1].id, "reason": prose(14)}]
        evaluations = tuple((editor.name, 7.0, prose(25)) for editor in cast.editors)
        tail = Tail("synthesize", notes=self._open_notes, evaluations=evaluations)
        self._ask(role, document, number, tail, _reply(plan=steps, decline=decline, **_scores(role)))
        self._plan = tuple(str(step["step"]) for step in steps)
        self._settle({found[-1].id: Fate.DECLINED})

    def _settle(self, fates: Mapping[str, Fate]) -> None:
        self._notes = [replace(note, fate=fates.get(note.id, note.fate)) for note in self._notes]

    def _criticise(self, role: Role, document: Document, number: int) -> list[Note]:
        first = 1 + len(self._notes) + self._setting.cast.editors.index(role) * NOTES_AN_EDITOR
        return [
            _note(n, role, document.blocks[n % len(document.blocks)], number)
            for n in range(first, first + NOTES_AN_EDITOR)
        ]

    def _ask(self, role: Role, document: Document | None, version: int, tail: Tail, reply: str) -> None:
        prompt = build_prompt(
            role=role, material=self._material, document=document, version=version, tail=tail, window=WINDOW
        )
        drafting = tail.task == "draft"
        texts = _atelier_pieces(prompt, schema=not drafting) if self._atelier else _naive_pieces(prompt, document)
        output = estimate_tokens(reply) + self._setting.reasoning_tokens
        self.calls.append(
            Call(
                pieces=tuple(Piece(text, estimate_tokens(text), marked) for text, marked in texts),
                at=self._now,
                output_tokens=output,
                name=f"{tail.task} {version} {role.key}",
            )
        )
        self._now += output / TOKENS_A_SECOND + PAUSE_SECONDS


def _atelier_pieces(prompt: Prompt, *, schema: bool) -> Iterator[tuple[str, bool]]:
    if schema:
        yield _dump(reply_schema()), False
    yield prompt.system, False
    for segment in prompt.segments:
        yield segment.text, segment.cache_break


def _naive_pieces(prompt: Prompt, document: Document | None) -> Iterator[tuple[str, bool]]:
    """Yield role and rules first, then brief and references, then what changes, then the plain document."""
    head, *_, tail = prompt.segments
    role_at = tail.text.index("<role>")
    yield tail.text[role_at:] + prompt.system, False
    yield head.text, False
    if role_at:
        yield tail.text[:role_at], False
    if document is not None:
        yield document.markdown, False


def _note(number: int, role: Role, block: Block, round_number: int) -> Note:
    return Note(
        id=f"n{number}",
        session_id="s",
        round=round_number,
        role_key=role.key,
        comment=prose(25, number),
        ref=block.ref,
        quote=" ".join(block.markdown.split()[:10]),
        suggestion=prose(10, number),
    )


def _raised(note: Note) -> dict[str, str]:
    return {
        "block": note.ref,
        "quote": note.quote,
        "comment": note.comment,
        "suggestion": note.suggestion,
        "severity": note.severity.value,
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _reply(**filled: object) -> str:
    """Return a reply in JSON: what a role fills in, the rest left empty as the schema demands."""
    return _dump(sample(reply_schema()) | filled)


def _scores(role: Role) -> dict[str, Any]:
    return {
        "criteria": [{"key": criterion.key, "score": 7.0} for criterion in role.criteria],
        "score": 7.0,
        "summary": prose(25),
        "self_assessment": prose(12),
    }


@cache
def play(setting: Setting, *, atelier: bool, leads: bool = False) -> tuple[Call, ...]:
    """Return the calls of *setting*; *leads* lets the first editor of a round start ahead of the others."""
    return tuple(Room(setting, atelier=atelier, leads=leads).play())
