"""A room for tests: real prompts to the rehearsal, real readers of its replies, no storage and no clock."""

from dataclasses import dataclass, field, replace

from core.agents.context import Material, Tail, Window, build_prompt, to_request
from core.agents.revision import revise
from core.agents.schemas import reply_schema
from core.casts.catalogue import load_cast
from core.casts.model import Cast, Role
from core.documents.align import document_from_markdown
from core.documents.model import Document
from core.evaluation.parsing import parse_editor, parse_revision, parse_synthesizer
from core.evaluation.quotes import find_quote
from core.evaluation.scoring import RoleScore, round_score
from core.providers.base import Effort, Request
from core.providers.rehearsal_model import answer
from core.sessions.model import Fate, Note

_WINDOW = Window(context_tokens=400_000, max_output_tokens=32_000)


@dataclass
class TestRoom:
    """One session with the rehearsal, round by round."""

    __test__ = False

    document: Document
    brief: str = ""
    cast: Cast = field(default_factory=lambda: load_cast("standard"))
    guidance: tuple[str, ...] = ()
    notes: list[Note] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    plan: tuple[str, ...] = ()

    @classmethod
    def on(cls, markdown: str, **changes: object) -> "TestRoom":
        """Return a room for a text."""
        return replace(cls(document_from_markdown(markdown, title="")), **changes)  # type: ignore[arg-type]

    @property
    def open_notes(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.fate in {Fate.OPEN, Fate.REGRESSED})

    def request(self, role: Role, phase: str, tail: Tail) -> Request:
        """Return the request that the product would send."""
        prompt = build_prompt(
            role=role,
            material=Material(self.brief),
            document=self.document,
            version=0,
            tail=replace(tail, guidance=self.guidance),
            window=_WINDOW,
        )
        return to_request(
            prompt,
            model="rehearsal",
            max_output_tokens=32_000,
            schema=reply_schema(),
            effort=Effort.LOW,
            session_id="s",
            turn_id="t",
            round_number=len(self.scores),
            role_key=role.key,
            phase=phase,
        )

    def read(self) -> float:
        """Let the editors and the Synthesizer read, and return the round's score."""
        number = len(self.scores)
        given: list[RoleScore] = []
        said: list[tuple[str, float | None, str]] = []
        for role in self.cast.editors:
            mine = tuple(note for note in self.notes if note.role_key == role.key)
            reply = parse_editor(answer(self.request(role, "edit", Tail("edit", notes=mine))), role)
            fates = {item.note: item for item in reply.earlier}
            self.notes = [replace(note, fate=fates[note.id].fate) if note.id in fates else note for note in self.notes]
            for new in reply.notes:
                check = find_quote(self.document, new.block, new.quote)
                self.notes.append(
                    Note(
                        id=f"n{len(self.notes) + 1}",
                        session_id="s",
                        round=number,
                        role_key=role.key,
                        comment=new.comment,
                        ref=check.ref,
                        quote=new.quote,
                        quote_found=check.found,
                        suggestion=new.suggestion,
                        severity=new.severity,
                    )
                )
            given.append(RoleScore(role.key, reply.score, role.weight))
            said.append((role.name, reply.score, reply.summary))
        lead = self.cast.synthesizer
        tail = Tail("synthesize", notes=self.open_notes, evaluations=tuple(said))
        verdict = parse_synthesizer(answer(self.request(lead, "synthesize", tail)), lead)
        self.plan = tuple(step.step for step in verdict.plan)
        self._settle({item.note: (item.fate, item.reason) for item in verdict.decline})
        score = round_score(given, verdict.score)
        assert score is not None
        self.scores.append(score)
        return score

    def write(self) -> None:
        """Let the Writer revise; every note gets an answer and every edit applies, or the test fails here."""
        notes = self.open_notes
        reply = parse_revision(
            answer(self.request(self.cast.writer, "revise", Tail("revise", notes=notes, plan=self.plan)))
        )
        assert reply is not None
        revision = revise(self.document, reply, notes)
        assert revision.problems == ()
        self.document = revision.document
        self._settle(revision.answers)

    def _settle(self, answers: dict[str, tuple[Fate, str]]) -> None:
        self.notes = [
            replace(note, fate=answers[note.id][0], fate_reason=answers[note.id][1]) if note.id in answers else note
            for note in self.notes
        ]
