"""JSON schemas of the replies. Strict: every property required, none besides, as all three providers accept it.

The prompt that they answer (`core.agents.context`) is one user message in three parts:

1. ``<brief>...</brief>`` and ``<reference name="...">...</reference>`` for each reference; then a cache break;
2. ``<document version="2">`` newline, the blocks as `Document.marked` gives them, newline ``</document>``; then a cache
   break (absent before the first draft);
3. ``<guidance>...</guidance>``, ``<role>...</role>``, ``<criteria>`` a JSON object of key to question ``</criteria>``,
   ``<notes>`` a JSON array of ``{"id", "ref", "editor", "quote", "comment", "suggestion", "severity", "fate"}``
   ``</notes>``, ``<evaluations>...</evaluations>``, ``<plan>...</plan>``, ``<task>...</task>``: those that the phase has.
"""

from functools import cache
from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_SCORE: Schema = {"type": "number", "description": "0.0 to 10.0, one decimal"}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


@cache
def reply_schema() -> Schema:
    """Return the one schema of every reply that is JSON, equal byte for byte for every role and round.

    Providers put the schema before the prompt, so roles with schemas of their own would share no cached prefix; what a
    role fills in is said in its task, and what is not its business stays an empty list. See decision 0005.

    An editor fills ``notes`` (new remarks: ``block`` is a ref such as ``p12#f3c1`` or empty for a remark on the whole,
    ``quote`` stands in the document letter by letter, ``suggestion`` replaces it) and ``earlier`` (what became of its
    older ones); the Writer ``edits`` and ``answers``; the Synthesizer ``plan``, ``decline`` and ``questions``.
    """
    return _object(
        notes=_list(
            _object(
                block=_TEXT,
                quote=_TEXT,
                comment=_TEXT,
                suggestion=_TEXT,
                severity={"type": "string", "enum": ["minor", "major", "critical"]},
            )
        ),
        earlier=_list(
            _object(note=_TEXT, fate={"type": "string", "enum": ["open", "applied", "regressed"]}, reason=_TEXT)
        ),
        edits=_list(
            _object(
                op={"type": "string", "enum": ["replace", "insert_after", "delete"]},
                block=_TEXT,
                text=_TEXT,
                notes=_list(_TEXT),
            )
        ),
        answers=_list(_object(note=_TEXT, fate={"type": "string", "enum": ["applied", "declined"]}, reason=_TEXT)),
        plan=_list(_object(step=_TEXT, notes=_list(_TEXT))),
        decline=_list(_object(note=_TEXT, reason=_TEXT)),
        questions=_list(_TEXT),
        criteria=_list(_object(key=_TEXT, score=_SCORE)),
        score=_SCORE,
        summary=_TEXT,
        self_assessment=_TEXT,
    )
