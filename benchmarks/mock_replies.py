"""What the mock provider says: replies that are valid for the schema that was asked for, and that really apply.

A reply is a pure function of the request, so runs can be compared; it names blocks and notes that stand in the prompt
(see `core.agents.schemas` for its layout), so that everything behind the model does its whole work.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_VERSION = re.compile(r'<document version="(\d+)">\n')
_BLOCK = re.compile(r"^\[(p\d+#[0-9a-f]{4})\] (.*)$", re.MULTILINE)
_NOTES = re.compile(r"<notes>(.*?)</notes>", re.DOTALL)
_CRITERIA = re.compile(r"<criteria>(.*?)</criteria>", re.DOTALL)
_BLOCKS_READ = 8  # enough to find a paragraph; a document may have hundreds
_QUOTE_WORDS = 5
_SCALARS = {"string": "As asked.", "number": 5.0, "integer": 5, "boolean": False, "null": None}
_LAST_SCORE = 7.9  # below every sensible threshold, so that a benchmark plays all its rounds

_TEXT = (
    "the draft keeps its claim close to the proof and lets each line earn a place in what follows so that a reader "
    "may test every step against the source and find where it holds or fails before going on"
)
_WORDS = _TEXT.split()
_SENTENCE_WORDS = 11
_PARAGRAPH_WORDS = 55


class Kind(StrEnum):
    """The kinds of request."""

    WRITER = "writer"
    EDITOR = "editor"
    SYNTHESIZER = "synthesizer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a reply depends on.

    Attributes:
        kind: Who is asked.
        version: Number of the document's version; 0 when there is none, or it is the upload.
        blocks: Ref and text of the first blocks, in order.
        note_ids: Ids of the notes that the prompt shows.
        criteria: Keys of what is to be scored.
    """

    kind: Kind
    version: int
    blocks: tuple[tuple[str, str], ...]
    note_ids: tuple[str, ...]
    criteria: tuple[str, ...]


def read_prompt(text: str, schema: Mapping[str, Any] | None) -> Prompt:
    """Return what the reply to *text* depends on."""
    found = _VERSION.search(text)
    blocks: list[tuple[str, str]] = []
    if found:
        for match in _BLOCK.finditer(text, found.end()):
            blocks.append((match[1], match[2]))
            if len(blocks) == _BLOCKS_READ:
                break
    tail = text[text.rfind("</document>") + 1 :]
    notes, criteria = _NOTES.search(tail), _CRITERIA.search(tail)
    return Prompt(
        kind=_kind(tail, schema),
        version=int(found[1]) if found else 0,
        blocks=tuple(blocks),
        note_ids=tuple(note["id"] for note in json.loads(notes[1])) if notes else (),
        criteria=tuple(json.loads(criteria[1])) if criteria else (),
    )


def _kind(tail: str, schema: Mapping[str, Any] | None) -> Kind:
    """Return who is asked: all share one schema, so the last segment tells. Free text is asked of the Writer only."""
    if schema is None:
        return Kind.WRITER
    if not {"notes", "edits", "plan"} <= set(schema.get("properties", {})):
        return Kind.OTHER
    if "<evaluations>" in tail:
        return Kind.SYNTHESIZER
    return Kind.EDITOR if "<criteria>" in tail else Kind.WRITER


def prose(words: int, start: int = 0) -> str:
    """Return *words* words of plain paragraphs; *start* picks the beginning of the text."""
    paragraphs: list[str] = []
    picked = [_WORDS[(start + 7 * i) % len(_WORDS)] for i in range(words)]
    for at in range(0, words, _PARAGRAPH_WORDS):
        paragraph = picked[at : at + _PARAGRAPH_WORDS]
        sentences = [paragraph[i : i + _SENTENCE_WORDS] for i in range(0, len(paragraph), _SENTENCE_WORDS)]
        paragraphs.append(" ".join(" ".join(sentence).capitalize() + "." for sentence in sentences))
    return "\n\n".join(paragraphs)


def sample(schema: Mapping[str, Any]) -> Any:
    """Return a small value that is valid for *schema* (the keywords that strict provider schemas allow)."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if schema.get("type") == "object":
        return {name: sample(part) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [sample(schema["items"]) for _ in range(schema.get("minItems", 0))]
    return _SCALARS[schema.get("type", "string")]


def score_of(version: int) -> float:
    """Return the score of a version: each gains enough to go on, none ends the session."""
    return round(min(5.0 + 0.2 * version, _LAST_SCORE), 1)


def reply_text(prompt: Prompt, schema: Mapping[str, Any] | None, words: int) -> str:
    """Return the reply to *prompt*; text that the Writer writes has about *words* words."""
    if schema is None:
        return f"# {prose(4, prompt.version)[:-1]}\n\n{prose(words, prompt.version)}\n"
    reply = sample(schema)
    if prompt.kind is Kind.WRITER:
        reply |= _revision(prompt, words)
    elif prompt.kind is Kind.EDITOR:
        reply |= _scores(prompt) | _criticism(prompt)
    elif prompt.kind is Kind.SYNTHESIZER:
        reply |= _scores(prompt) | {"plan": [{"step": "Make the passage plainer.", "notes": list(prompt.note_ids)}]}
    return _dump(reply)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _target(blocks: Sequence[tuple[str, str]], version: int) -> tuple[str, str]:
    """Return the paragraph that is criticised and changed in this version, another one each time."""
    paragraphs = [(ref, text) for ref, text in blocks if text[:1].isalpha()]
    return paragraphs[version % len(paragraphs)] if paragraphs else ("", "")


def _scores(prompt: Prompt) -> dict[str, Any]:
    score = score_of(prompt.version)
    return {
        "criteria": [{"key": key, "score": score} for key in prompt.criteria],
        "score": score,
        "summary": "It holds, and one passage could be plainer.",
        "self_assessment": "Read whole.",
    }


def _criticism(prompt: Prompt) -> dict[str, Any]:
    ref, text = _target(prompt.blocks, prompt.version)
    note = {
        "block": ref,
        "quote": " ".join(text.split(" ")[:_QUOTE_WORDS]),
        "comment": "Say it in plainer words.",
        "suggestion": "",
        "severity": "minor",
    }
    earlier = [{"note": note_id, "fate": "applied", "reason": "Done."} for note_id in prompt.note_ids]
    return {"notes": [note], "earlier": earlier}


def _revision(prompt: Prompt, words: int) -> dict[str, Any]:
    ref, _ = _target(prompt.blocks, prompt.version)
    answered = prompt.note_ids[:1] if ref else ()
    text = prose(min(words, _PARAGRAPH_WORDS), prompt.version + 1)
    return {
        "edits": [{"op": "replace", "block": ref, "text": text, "notes": list(answered)}] if ref else [],
        "answers": [
            {"note": note_id, "fate": "declined", "reason": "It would blur the claim."}
            for note_id in prompt.note_ids
            if note_id not in answered
        ],
        "summary": "One passage is plainer.",
        "self_assessment": "Careful.",
    }
