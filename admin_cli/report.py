"""A session as JSON, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.money import microcredits_to_credits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.orchestration.ports import Snapshot
    from core.sessions.model import Session


def session_row(session: Session) -> dict[str, Any]:
    """Return a session as a row of a list."""
    return {
        "session_id": session.id,
        "title": session.title,
        "status": session.status.value,
        "end_reason": session.end_reason.value if session.end_reason else None,
        "waits_for": session.park_reason.value if session.park_reason else None,
        "failure_code": session.failure_code or None,
        "workspace": session.workspace_id,
        "platform": session.thread.platform,
        "model": session.model,
        "created_at": session.created_at.isoformat(timespec="seconds"),
    }


def session_report(snapshot: Snapshot, files: Sequence[str]) -> dict[str, Any]:
    """Return everything that a session recorded, without its texts.

    ``rounds`` counts the complete rounds with a Writer, so the reading of an upload is none; amounts are in credits,
    with the exact micro-credits beside them; *files* are the paths where the results lie.
    """
    session = snapshot.session
    finished = [round_ for round_ in snapshot.rounds if round_.finished_at is not None]
    return {
        **session_row(session),
        "rounds": sum(round_.number > 0 for round_ in finished),
        "scores": [round_.score for round_ in finished],
        "turns": [
            {
                "role": turn.role_key,
                "phase": turn.phase.value,
                "round": turn.round,
                "model": turn.model,
                "provider": turn.provider,
                "tokens": turn.usage.input_tokens + turn.usage.output_tokens,
                "input_tokens": turn.usage.input_tokens,
                "output_tokens": turn.usage.output_tokens,
                "credits": in_credits(turn.charged_microcredits),
                "microcredits": turn.charged_microcredits,
                "score": turn.score,
            }
            for turn in snapshot.turns
        ],
        "versions": [
            {
                "number": version.number,
                "score": version.score,
                "words": version.document.words,
                "edits": len(version.edits),
                "best": version.number == session.best_version,
            }
            for version in snapshot.versions
        ],
        "notes": [
            {"id": note.id, "round": note.round, "role": note.role_key, "fate": note.fate.value}
            for note in snapshot.notes
        ],
        "quote_credits": [in_credits(session.quote_low_microcredits), in_credits(session.quote_high_microcredits)],
        "cap_credits": in_credits(session.cap_microcredits),
        "credits_total": in_credits(snapshot.spent_microcredits),
        "microcredits_total": snapshot.spent_microcredits,
        "held_credits": in_credits(snapshot.held_microcredits),
        "balance_credits": in_credits(snapshot.balance_microcredits),
        "files": list(files),
    }


def note_rows(snapshot: Snapshot, round_number: int | None) -> list[dict[str, Any]]:
    """Return the editors' comments, of all rounds or of one, with their words."""
    return [
        {
            "id": note.id,
            "round": note.round,
            "role": note.role_key,
            "severity": note.severity.value,
            "ref": note.ref,
            "quote": note.quote,
            "quote_found": note.quote_found,
            "comment": note.comment,
            "suggestion": note.suggestion,
            "fate": note.fate.value,
            "fate_reason": note.fate_reason,
        }
        for note in snapshot.notes
        if round_number is None or note.round == round_number
    ]


def in_credits(microcredits: int) -> float:
    """Return credits as a number for JSON."""
    return float(microcredits_to_credits(microcredits))
