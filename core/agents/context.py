"""The prompt: a prefix that a round shares and a tail that a role owns, so that providers can cache the prefix.

Byte-stable by construction: no clock, no random ids, fixed order. See `core.agents.schemas` for the layout.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from core.agents.condense import condense
from core.casts.model import Role
from core.documents.model import Document
from core.providers.base import CacheLife, Effort, Request, Segment
from core.providers.tokens import estimate_tokens
from core.sessions.model import Fate, Note

MAX_NOTES = 12
MAX_STEPS = 8
_QUOTE_WORDS = 8
_MARGIN_TOKENS = 512  # room for what a provider adds around a message and for an estimate that is a little low
_TAGS = r"/?(?:brief|reference|document|guidance|role|criteria|notes|evaluations|plan|problems|task)\b"
_FENCE = re.compile(rf"<(?={_TAGS})")
_REFERENCE = re.compile(r'<reference name="(?P<name>[^"]*)">\n(?P<text>.*?)\n</reference>\n', re.DOTALL)
_MADE_HARMLESS = re.compile(rf"<\\(?={_TAGS})")


@dataclass(frozen=True, slots=True)
class Reference:
    """A file that the room reads and does not change."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Material:
    """What stays the same for a whole session: the first segment of every prompt.

    Attributes:
        brief: What was asked.
        references: In the order they were given.
        language: BCP 47 tag to write in; empty for the document's own.
    """

    brief: str
    references: tuple[Reference, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Tail:
    """What only one role sees: the last segment.

    Attributes:
        task: Name of the prompt file, without ``.md``.
        guidance: What people said, oldest first.
        notes: Notes to answer or to judge.
        evaluations: ``(editor's name, score or None, summary)`` for the Synthesizer.
        plan: The plan of the round before, for the Writer.
        problems: What was wrong with an answer, for a repair.
    """

    task: str
    guidance: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    evaluations: tuple[tuple[str, float | None, str], ...] = ()
    plan: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """What a model can take.

    Attributes:
        context_tokens: Input and output together.
        max_output_tokens: The most that this request may answer.
    """

    context_tokens: int
    max_output_tokens: int

    @property
    def input_tokens(self) -> int:
        """Tokens that the prompt may have."""
        return self.context_tokens - self.max_output_tokens - _MARGIN_TOKENS


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that fits.

    Attributes:
        system: The common rules.
        segments: The user message; equal leading segments share a cache.
        left_out: What did not fit, one sentence each, for the thread.
        fits: False when even the condensed prompt is too long for the window.
        input_tokens: Estimate of the whole input.
    """

    system: str
    segments: tuple[Segment, ...]
    left_out: tuple[str, ...]
    fits: bool
    input_tokens: int


@cache
def prompt_text(name: str) -> str:
    """Return the text of ``prompts/{name}.md`` with its limits filled in."""
    raw = resources.files("core.agents").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()
    return raw.replace("{max_notes}", str(MAX_NOTES)).replace("{max_steps}", str(MAX_STEPS))


def build_prompt(
    *, role: Role, material: Material, document: Document | None, version: int, tail: Tail, window: Window
) -> Prompt:
    """Return the prompt of one turn, condensed until it fits the window.

    References are condensed first (first sentences, then headings, then a cut), then settled notes are dropped and
    quotes of the others shortened. Document, brief and guidance are never touched: if they do not fit, ``fits`` is
    False and the caller decides.
    """
    system = prompt_text("common")
    middle = _document_text(document, version)
    fixed = (
        estimate_tokens(system) + estimate_tokens(middle) + estimate_tokens(_tail_text(role, tail, material.language))
    )
    references, left_out = _fit_references(
        material, window.input_tokens - fixed - estimate_tokens(_fenced("brief", material.brief))
    )
    head = _head_text(material.brief, references)
    total = fixed + estimate_tokens(head)
    if total > window.input_tokens and tail.notes:
        shorter, dropped = _shorten_notes(tail)
        before = estimate_tokens(_tail_text(role, tail, material.language))
        total += estimate_tokens(_tail_text(role, shorter, material.language)) - before
        tail = shorter
        left_out += (
            (f"{dropped} comments of earlier rounds were left out to fit the model's window.",) if dropped else ()
        )
    segments = [Segment(head, cache_break=True)]
    if middle:
        segments.append(Segment(middle, cache_break=True))
    segments.append(Segment(_tail_text(role, tail, material.language)))
    return Prompt(system, tuple(segments), left_out, total <= window.input_tokens, total)


def to_request(
    prompt: Prompt,
    *,
    model: str,
    max_output_tokens: int,
    schema: dict[str, object] | None,
    effort: Effort,
    session_id: str,
    turn_id: str,
    round_number: int,
    role_key: str,
    phase: str,
    cache_life: CacheLife = CacheLife.SHORT,
) -> Request:
    """Return the request that asks *prompt*; see `core.providers.base.Request` for the labels."""
    return Request(
        model=model,
        system=prompt.system,
        segments=prompt.segments,
        max_output_tokens=max_output_tokens,
        json_schema=schema,
        effort=effort,
        cache_key=session_id,
        cache_life=cache_life,
        labels={"session": session_id, "turn": turn_id, "round": str(round_number), "role": role_key, "phase": phase},
    )


def notes_json(notes: Iterable[Note]) -> str:
    """Return notes as the JSON array that stands in a prompt, one note a line."""
    # Joined by hand: json's own indentation runs in Python and would be the dearest part of a prompt.
    lines = (
        json.dumps(
            {
                "id": note.id,
                "ref": note.ref,
                "editor": note.role_key,
                "quote": note.quote,
                "comment": note.comment,
                "suggestion": note.suggestion,
                "severity": note.severity.value,
                "fate": note.fate.value,
            },
            ensure_ascii=False,
        )
        for note in notes
    )
    return "[\n" + ",\n".join(lines) + "\n]"


def shrink(request: Request) -> tuple[Request, tuple[str, ...]] | None:
    """Return *request* with its references condensed to half, and what to tell people; None where there are none.

    For a provider that finds a prompt too long which our estimate let pass: one more try, never the same request.
    """
    head, *rest = request.segments
    found = list(_REFERENCE.finditer(head.text))
    if not found:
        return None
    said: list[str] = []
    pieces: list[str] = []
    end = 0
    for match in found:
        short = condense(match["text"], estimate_tokens(match["text"]) // 2)
        pieces += [head.text[end : match.start("text")], short]
        end = match.end("text")
        said.append(f"The reference {match['name']} was condensed because the model found the prompt too long.")
    pieces.append(head.text[end:])
    return replace(request, segments=(replace(head, text="".join(pieces)), *rest)), tuple(said)


def _head_text(brief: str, references: Sequence[Reference]) -> str:
    parts = [_fenced("brief", brief)]
    parts += [_fenced("reference", reference.text, name=reference.name) for reference in references]
    return "".join(parts)


def _document_text(document: Document | None, version: int) -> str:
    return _fenced("document", document.marked, version=str(version)) if document is not None else ""


def _tail_text(role: Role, tail: Tail, language: str) -> str:
    parts: list[str] = []
    if tail.guidance:
        parts.append(_fenced("guidance", "\n".join(f"- {text}" for text in tail.guidance)))
    if tail.plan:
        parts.append(_fenced("plan", "\n".join(f"{number}. {step}" for number, step in enumerate(tail.plan, 1))))
    if tail.evaluations:
        lines = [
            f"- {name}: {'no score' if score is None else f'{score:.1f}'}. {summary}"
            for name, score, summary in tail.evaluations
        ]
        parts.append(_fenced("evaluations", "\n".join(lines)))
    if tail.notes:
        parts.append(_fenced("notes", notes_json(tail.notes)))
    if tail.problems:
        parts.append(_fenced("problems", "\n".join(f"- {problem}" for problem in tail.problems)))
    parts.append(_fenced("role", f"You are the {role.name}.\n\n{role.instructions.strip()}"))
    if role.criteria:
        questions = {criterion.key: criterion.asks for criterion in role.criteria}
        parts.append(_fenced("criteria", json.dumps(questions, ensure_ascii=False)))
    tongue = (
        f"\n\nWrite in {language}."
        if language
        else "\n\nWrite in the language of the document or, without one, of the brief."
    )
    parts.append(_fenced("task", prompt_text(tail.task) + tongue))
    return "".join(parts)


def _fenced(tag: str, text: str, **attributes: str) -> str:
    """Return *text* between tags; tags of ours inside it are made harmless, so that a file cannot leave its fence."""
    labels = "".join(f' {name}="{value.replace(chr(34), chr(39))}"' for name, value in attributes.items())
    harmless = _FENCE.sub(r"<\\", text)
    return f"<{tag}{labels}>\n{harmless}\n</{tag}>\n"


def unfenced(text: str) -> str:
    """Return text that came back from a model with the tags that `build_prompt` made harmless as they were."""
    return _MADE_HARMLESS.sub("<", text)


def _fit_references(material: Material, budget_tokens: int) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
    """Return the references within *budget_tokens* and what had to go; the budget is shared by size."""
    sizes = [estimate_tokens(_fenced("reference", item.text, name=item.name)) for item in material.references]
    if sum(sizes) <= budget_tokens:
        return material.references, ()
    budget = max(0, budget_tokens)
    fitted: list[Reference] = []
    said: list[str] = []
    for item, size in zip(material.references, sizes, strict=True):
        share = budget * size // max(1, sum(sizes))
        short = condense(item.text, share)
        if not short:
            said.append(f"The reference {item.name} did not fit the model's window and was left out.")
            continue
        fitted.append(Reference(item.name, short))
        said.append(f"The reference {item.name} was condensed to fit the model's window.")
    return tuple(fitted), tuple(said)


def _shorten_notes(tail: Tail) -> tuple[Tail, int]:
    """Return *tail* without settled notes, the quotes of the others cut, and how many notes went."""
    kept = [
        replace(note, quote=_cut_quote(note.quote)) for note in tail.notes if note.fate in {Fate.OPEN, Fate.REGRESSED}
    ]
    return (
        Tail(tail.task, tail.guidance, tuple(kept), tail.evaluations, tail.plan, tail.problems),
        len(tail.notes) - len(kept),
    )


def _cut_quote(quote: str) -> str:
    words = quote.split()
    return quote if len(words) <= _QUOTE_WORDS else " ".join([*words[:_QUOTE_WORDS], "..."])
