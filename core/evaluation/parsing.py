"""Reads replies in three tiers: the JSON that was asked for, then plain sentences, then nothing but the text itself.

No function here raises, whatever the text: a turn that was paid for is never lost to its form.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.casts.model import Role
from core.documents.edits import Edit, EditOp
from core.evaluation.lenient_json import find_list, find_object
from core.evaluation.prose_scores import find_labelled, find_score, score_of
from core.evaluation.replies import (
    Answer,
    EarlierFate,
    EditorReply,
    PlanStep,
    ReplyNote,
    RevisionReply,
    SynthesizerReply,
)
from core.evaluation.scoring import role_score
from core.sessions.model import EvaluationTier, Fate, Severity

MAX_NOTES = 40  # of one reply; a model that loops gives hundreds
_MAX_PROSE_WORDS = 60

_EDITOR_KEYS = ("notes", "score", "criteria", "earlier", "overall_score", "rating")
_SYNTHESIZER_KEYS = ("plan", "score", "criteria", "decline", "questions", "overall_score", "rating")
_REVISION_KEYS = ("edits", "answers", "operations", "changes")
_EDIT_KEYS = frozenset({"op", "block", "pid", "ref"})
_SCORE_KEYS = ("score", "overall_score", "overall", "rating", "final_score", "total")

_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "blocker": Severity.CRITICAL,
    "severe": Severity.CRITICAL,
    "major": Severity.MAJOR,
    "high": Severity.MAJOR,
    "important": Severity.MAJOR,
    "medium": Severity.MAJOR,
}
_FATES = {
    "open": Fate.OPEN,
    "unresolved": Fate.OPEN,
    "still open": Fate.OPEN,
    "applied": Fate.APPLIED,
    "done": Fate.APPLIED,
    "fixed": Fate.APPLIED,
    "resolved": Fate.APPLIED,
    "accepted": Fate.APPLIED,
    "declined": Fate.DECLINED,
    "rejected": Fate.DECLINED,
    "regressed": Fate.REGRESSED,
    "worse": Fate.REGRESSED,
}
_OPS = {
    "replace": EditOp.REPLACE,
    "update": EditOp.REPLACE,
    "edit": EditOp.REPLACE,
    "insert_after": EditOp.INSERT_AFTER,
    "insert": EditOp.INSERT_AFTER,
    "add": EditOp.INSERT_AFTER,
    "append": EditOp.INSERT_AFTER,
    "delete": EditOp.DELETE,
    "remove": EditOp.DELETE,
}
_REF = re.compile(r"\[?\b(p\d{1,6}(?:#[0-9a-f]{4})?)\b\]?")
_BULLET = re.compile(r"^\s{0,6}(?:[-*•–]|\d{1,2}[.)])\s+(?P<text>\S.*)$", re.MULTILINE)  # noqa: RUF001 - dashes as bullets
_QUOTED = re.compile(r"“([^”]{4,400})”|\"([^\"]{4,400})\"|«\s*([^»]{4,400}?)\s*»|„([^“”]{4,400})[“”]")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")  # noqa: RUF001 - full-width marks end sentences too


def parse_editor(text: str, role: Role) -> EditorReply:
    """Return what an editor's reply says; see `EditorReply.tier` for how much of it could be read.

    The score is the weighted mean of the role's criteria when all of them were scored, else the score that was given.
    """
    found = find_object(text, _EDITOR_KEYS)
    if found is not None:
        criteria = _criteria(found.get("criteria"), role)
        score = role_score(role, criteria, _stated(found))
        notes = _notes(found.get("notes"))
        if score is not None or notes:
            return EditorReply(
                EvaluationTier.JSON,
                score,
                criteria,
                notes,
                _earlier(found.get("earlier")),
                _string(found.get("summary")),
                _string(found.get("self_assessment")),
            )
    criteria = _prose_criteria(text, role)
    score = role_score(role, criteria, find_score(text))
    if score is None:
        return EditorReply(EvaluationTier.FALLBACK, notes=_prose_notes(text), summary=_opening(text))
    return EditorReply(EvaluationTier.PROSE, score, criteria, _prose_notes(text), summary=_opening(text))


def parse_synthesizer(text: str, role: Role) -> SynthesizerReply:
    """Return what the Synthesizer's reply says; see `parse_editor`."""
    found = find_object(text, _SYNTHESIZER_KEYS)
    if found is not None:
        criteria = _criteria(found.get("criteria"), role)
        score = role_score(role, criteria, _stated(found))
        plan = _plan(found.get("plan"))
        if score is not None or plan:
            return SynthesizerReply(
                EvaluationTier.JSON,
                score,
                criteria,
                plan,
                tuple(
                    Answer(note, Fate.DECLINED, _string(item.get("reason")))
                    for item in _objects(found.get("decline"))
                    if (note := _note_id(item))
                ),
                tuple(filter(None, map(_string, _items(found.get("questions"))))),
                _string(found.get("summary")),
                _string(found.get("self_assessment")),
            )
    criteria = _prose_criteria(text, role)
    score = role_score(role, criteria, find_score(text))
    steps = tuple(PlanStep(note.comment, _note_ids(note.comment)) for note in _prose_notes(text))
    tier = EvaluationTier.FALLBACK if score is None else EvaluationTier.PROSE
    return SynthesizerReply(tier, score, criteria, steps, summary=_opening(text))


def parse_revision(text: str) -> RevisionReply | None:
    """Return the revision that a reply holds, None when it holds none (the caller then asks for a full rewrite).

    A reply that breaks off gives None even where it could be mended: half an edit must never reach a document.
    """
    found = find_object(text, _REVISION_KEYS, whole=True)
    if found is None:
        listed = find_list(text)
        if not listed or not all(isinstance(item, dict) and _EDIT_KEYS & item.keys() for item in listed):
            return None
        found = {"edits": listed}
    edits: list[Edit] = []
    malformed: list[str] = []
    raw = found.get("edits", found.get("operations", found.get("changes")))
    for number, item in enumerate(_items(raw), 1):
        edit = _edit(item)
        if isinstance(edit, Edit):
            edits.append(edit)
        else:
            malformed.append(f"edit {number}: {edit}")
    return RevisionReply(
        edits=tuple(edits),
        answers=_answers(found.get("answers")),
        malformed=tuple(malformed),
        summary=_string(found.get("summary")),
        self_assessment=_string(found.get("self_assessment")),
    )


def parse_answers(text: str) -> tuple[Answer, ...]:
    """Return the answers that follow a full rewrite as a JSON array; none where there is no array."""
    return _answers(find_list(text))


def _answers(raw: object) -> tuple[Answer, ...]:
    return tuple(
        Answer(note, fate, _string(item.get("reason")))
        for item in _objects(raw)
        if (note := _note_id(item)) and (fate := _fate(item.get("fate"))) in {Fate.APPLIED, Fate.DECLINED}
    )


def _stated(found: Mapping[str, Any]) -> float | None:
    for key in _SCORE_KEYS:
        value = found.get(key)
        if isinstance(value, dict):
            value = value.get("value", value.get("score"))
        score = score_of(value)
        if score is not None:
            return score
    return None


def _criteria(raw: object, role: Role) -> tuple[tuple[str, float], ...]:
    given: dict[str, object] = {}
    if isinstance(raw, dict):
        given = {_plain_key(key): value for key, value in raw.items()}
    else:
        for item in _objects(raw):
            name = item.get("key", item.get("name", item.get("criterion", "")))
            given[_plain_key(name)] = item.get("score", item.get("value"))
    scored = []
    for criterion in role.criteria:
        value = given.get(_plain_key(criterion.key))
        if isinstance(value, dict):
            value = value.get("score", value.get("value"))
        score = score_of(value)
        if score is not None:
            scored.append((criterion.key, score))
    return tuple(scored)


def _prose_criteria(text: str, role: Role) -> tuple[tuple[str, float], ...]:
    named = ((item.key, find_labelled(text, re.escape(item.key).replace("_", r"[\s_-]"))) for item in role.criteria)
    return tuple((key, score) for key, score in named if score is not None)


def _notes(raw: object) -> tuple[ReplyNote, ...]:
    notes: list[ReplyNote] = []
    for item in _items(raw)[:MAX_NOTES]:
        if isinstance(item, str) and item.strip():
            notes.append(_prose_note(item.strip()))
        elif isinstance(item, dict):
            comment = _string(item.get("comment", item.get("note", item.get("issue", item.get("text")))))
            suggestion = _string(item.get("suggestion", item.get("fix")), strip=False)
            if comment or suggestion:
                notes.append(
                    ReplyNote(
                        block=_ref(item.get("block", item.get("ref", item.get("pid")))),
                        quote=_string(item.get("quote"), strip=False),
                        comment=comment or suggestion.strip(),
                        suggestion=suggestion,
                        severity=_SEVERITIES.get(_string(item.get("severity")).lower(), Severity.MINOR),
                    )
                )
    return tuple(notes)


def _prose_notes(text: str) -> tuple[ReplyNote, ...]:
    return tuple(_prose_note(match["text"].strip()) for match in _BULLET.finditer(text))[:MAX_NOTES]


def _prose_note(text: str) -> ReplyNote:
    quoted = _QUOTED.search(text)
    ref = _REF.search(text)
    return ReplyNote(
        block=ref.group(1) if ref else "",
        quote=next((group for group in quoted.groups() if group), "") if quoted else "",
        comment=text,
    )


def _earlier(raw: object) -> tuple[EarlierFate, ...]:
    allowed = {Fate.OPEN, Fate.APPLIED, Fate.REGRESSED}
    return tuple(
        EarlierFate(note, fate, _string(item.get("reason")))
        for item in _objects(raw)
        if (note := _note_id(item)) and (fate := _fate(item.get("fate"))) in allowed
    )


def _plan(raw: object) -> tuple[PlanStep, ...]:
    steps = []
    for item in _items(raw)[:MAX_NOTES]:
        if isinstance(item, str) and item.strip():
            steps.append(PlanStep(item.strip(), _note_ids(item)))
        elif isinstance(item, dict):
            step = _string(item.get("step", item.get("action", item.get("text"))))
            if step:
                steps.append(PlanStep(step, _strings(item.get("notes"))))
    return tuple(steps)


def _edit(item: object) -> Edit | str:
    """Return the edit, or why it is none."""
    if not isinstance(item, dict):
        return "is not an object"
    named = {str(key).lower(): value for key, value in item.items()}
    ref = _ref(named.get("block", named.get("ref", named.get("pid", named.get("id")))))
    op = _OPS.get(_string(named.get("op", named.get("operation"))).lower().replace(" ", "_").replace("-", "_"))
    text = _string(named.get("text", named.get("new_text", named.get("content"))), strip=False)
    if op is None:
        return "its op is not replace, insert_after or delete"
    if not ref:
        return "it names no block"
    if op is not EditOp.DELETE and not text.strip():
        return f"it gives no text for {ref}"
    return Edit(op, ref, "" if op is EditOp.DELETE else text, _strings(named.get("notes", named.get("note_ids"))))


def _items(raw: object) -> list[Any]:
    return raw if isinstance(raw, list) else [raw] if isinstance(raw, dict) else []


def _objects(raw: object) -> Iterable[dict[str, Any]]:
    return (item for item in _items(raw) if isinstance(item, dict))


def _string(value: object, *, strip: bool = True) -> str:
    if isinstance(value, str):
        return value.strip() if strip else value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _strings(raw: object) -> tuple[str, ...]:
    values = raw if isinstance(raw, list) else [raw] if isinstance(raw, str) else []
    return tuple(text for value in values if (text := _string(value)))


def _note_id(item: Mapping[str, Any]) -> str:
    return _string(item.get("note", item.get("id", item.get("note_id"))))


def _note_ids(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"\bn\d{1,5}\b", text)))


def _ref(value: object) -> str:
    found = _REF.search(_string(value))
    return found.group(1) if found else ""


def _fate(value: object) -> Fate | None:
    return _FATES.get(_string(value).lower())


def _plain_key(value: object) -> str:
    return re.sub(r"[\s_-]+", "_", str(value).strip().lower())


def _opening(text: str) -> str:
    """Return the first two sentences of a reply that is not JSON, for people to read."""
    plain = re.sub(r"```.*?(?:```|\Z)", " ", text, flags=re.DOTALL).strip()
    if not plain or plain[0] in "{[":
        return ""
    words = " ".join(_SENTENCE.split(" ".join(plain.split()))[:2]).split()
    return " ".join(words[:_MAX_PROSE_WORDS]) + (" ..." if len(words) > _MAX_PROSE_WORDS else "")
