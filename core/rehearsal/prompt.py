"""Reads a prompt back into its parts; the layout is that of `core.agents.schemas`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.documents.model import split_marked

_PART = re.compile(r"<(?P<tag>[a-z]+)(?P<attributes>(?: [a-z]+=\"[^\"]*\")*)>\n?(?P<text>.*?)\n?</(?P=tag)>", re.DOTALL)
_NAME = re.compile(r'name="([^"]*)"')
_KEPT = re.compile(
    r"\b(?:keep|leave|do not (?:change|touch)|don't (?:change|touch))\b[^\"“\n]*[\"“]([^\"”\n]+)[\"”]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class GivenNote:
    """A note as it stands in a prompt; see `core.agents.schemas`."""

    id: str
    ref: str = ""
    editor: str = ""
    quote: str = ""
    comment: str = ""
    suggestion: str = ""
    severity: str = "minor"
    fate: str = "open"


@dataclass(frozen=True, slots=True)
class RehearsalPrompt:
    """What a role was given.

    Attributes:
        role: The role's key.
        brief: What was asked.
        references: ``(name, text)``.
        blocks: ``(ref, Markdown)`` of the document; none before the first draft.
        guidance: What people said, as it stands.
        criteria: Question by criterion.
        notes: Notes to answer or to judge.
        evaluations: What the editors said, as it stands.
        problems: What was wrong with an answer, as it stands.
        task: What to answer, as it stands.
    """

    role: str = ""
    brief: str = ""
    references: tuple[tuple[str, str], ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    guidance: str = ""
    criteria: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[GivenNote, ...] = ()
    evaluations: str = ""
    problems: str = ""
    task: str = ""

    @property
    def kept_passages(self) -> tuple[str, ...]:
        """Passages that people want left as they are: ``keep "..."`` in their guidance."""
        return tuple(_KEPT.findall(self.guidance))


def read_prompt(text: str, *, role: str) -> RehearsalPrompt:
    """Return the parts of a user message; parts that are not there are empty, and no text raises."""
    parts: dict[str, str] = {}
    references: list[tuple[str, str]] = []
    for match in _PART.finditer(text):
        tag, inner = match["tag"], match["text"]
        if tag == "reference":
            name = _NAME.search(match["attributes"])
            references.append((name.group(1) if name else "reference", inner))
        else:
            parts.setdefault(tag, inner)
    criteria = _json(parts.get("criteria", ""), {})
    return RehearsalPrompt(
        role=role,
        brief=parts.get("brief", "").strip(),
        references=tuple(references),
        blocks=tuple(split_marked(parts.get("document", ""))),
        guidance=parts.get("guidance", ""),
        criteria={str(key): str(asks) for key, asks in criteria.items()} if isinstance(criteria, dict) else {},
        notes=_notes(parts.get("notes", "")),
        evaluations=parts.get("evaluations", ""),
        problems=parts.get("problems", ""),
        task=parts.get("task", ""),
    )


def _notes(text: str) -> tuple[GivenNote, ...]:
    raw = _json(text, [])
    if not isinstance(raw, list):
        return ()
    known = GivenNote.__dataclass_fields__
    return tuple(
        GivenNote(**{key: str(value) for key, value in item.items() if key in known})
        for item in raw
        if isinstance(item, dict) and item.get("id")
    )


def _json(text: str, default: Any) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return default
