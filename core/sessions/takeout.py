"""What a member takes away of what is kept about them: their own sessions, whole, as files that anything can read."""

import asyncio
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.sessions.model import Guidance, Note, Round, Session, SessionFile, Turn, Version
from core.sessions.ports import FileStore, Store, Transaction
from core.workspaces.model import Member, Project, Template

MOST_BYTES = 8_000_000  # Discord takes 10 MiB a file, and a ZIP has room for names and tables besides
_SESSIONS_A_STEP = 20
_OVERHEAD_BYTES = 400  # of a ZIP, for each file
_ABOUT = """Everything that Atelier keeps of your own sessions, by day and title.

session.json   what was asked and chosen, rounds with scores, replies, comments and what became of them, directions
receipt.json   what each turn was charged, in micro-credits: 1,000,000 of them are one credit, a US cent at list price
versions/      every state of the document as Markdown, version 0 being what you gave
files/         what you gave and what came back, as it was: Word, PDF, Markdown
you.json       your name, settings, projects and templates (in the first part)

Not in it: sessions of other members, also where you gave directions in them, and what was posted in your channels.
"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One part of what a member takes away.

    Attributes:
        data: A ZIP file; empty where there is nothing (more).
        sessions: How many sessions are in it.
        left_out: Names of files that were too large for it, each with its session's title.
        next_before: Where the next part begins, None if this was the last.
    """

    data: bytes
    sessions: int
    left_out: tuple[str, ...]
    next_before: datetime | None


@dataclass(frozen=True, slots=True)
class _Record:
    """A session with all that it recorded."""

    session: Session
    rounds: Sequence[Round]
    turns: Sequence[Turn]
    notes: Sequence[Note]
    versions: Sequence[Version]
    guidance: Sequence[Guidance]
    files: Sequence[SessionFile]
    charged_microcredits: int


class Takeout:
    """Packs what belongs to a member, newest first, in parts that a chat platform takes."""

    def __init__(self, *, store: Store, files: FileStore, most_bytes: int = MOST_BYTES) -> None:
        self._store = store
        self._files = files
        self._most_bytes = most_bytes

    async def pack(self, member: Member, *, before: datetime | None = None) -> Parcel:
        """Return the part that begins with the newest session of before *before*, the first one for None.

        At least one session is in it, if there is any: of one that is larger than a part, the largest files stay out.
        """
        entries: dict[str, bytes] = {"README.txt": _ABOUT.encode()}
        if before is None:
            entries["you.json"] = await self._store.read(lambda tx: _member_json(tx, member))
        room = self._most_bytes - sum(_packed_bytes(data) for data in entries.values())
        left_out: list[str] = []
        count, cursor, is_last = 0, before, False
        while not is_last:
            found = await self._store.read(lambda tx, at=cursor: _sessions(tx, member, at))  # type: ignore[misc]
            is_last = len(found) < _SESSIONS_A_STEP
            for session in found:
                packed, out = await self._session(session, room=room, is_first=count == 0)
                size = sum(map(_packed_bytes, packed.values()))
                if size > room and count:
                    return Parcel(await asyncio.to_thread(_zip, entries), count, tuple(left_out), cursor)
                entries |= packed
                left_out += out
                count, cursor, room = count + 1, session.created_at, room - size
        data = await asyncio.to_thread(_zip, entries) if count or before is None else b""
        return Parcel(data, count, tuple(left_out), None)

    async def _session(self, session: Session, *, room: int, is_first: bool) -> tuple[dict[str, bytes], list[str]]:
        """Return the entries of one session, and the files that stay out because they do not fit any part."""
        record = await self._store.read(lambda tx: _read(tx, session))
        folder = f"{session.created_at:%Y-%m-%d} {_safe(session.title)} {session.id}"
        entries = {
            f"{folder}/session.json": _json(_session_json(record)),
            f"{folder}/receipt.json": _json(_receipt_json(record)),
        }
        for version in record.versions:
            entries[f"{folder}/versions/{version.number}.md"] = version.document.markdown.encode()
        left = (room if is_first else self._most_bytes) - sum(map(_packed_bytes, entries.values()))
        left_out: list[str] = []
        for file in sorted(record.files, key=lambda one: one.size_bytes):
            if file.size_bytes + _OVERHEAD_BYTES > left:
                left_out.append(f"{file.name} of {session.title}")
                continue
            try:
                data = await self._files.get(file.storage_key)
            except KeyError:  # it was removed meanwhile
                continue
            entries[f"{folder}/files/{file.kind} {_safe(file.name)}"] = data
            left -= _packed_bytes(data)
        return entries, left_out


def _sessions(tx: Transaction, member: Member, before: datetime | None) -> Sequence[Session]:
    return tx.sessions.list_sessions(
        workspace_id=member.workspace_id, member_id=member.id, before=before, limit=_SESSIONS_A_STEP
    )


def _read(tx: Transaction, session: Session) -> _Record:
    return _Record(
        session=session,
        rounds=tx.sessions.list_rounds(session.id),
        turns=tx.sessions.list_turns(session.id),
        notes=tx.sessions.list_notes(session.id),
        versions=tx.sessions.list_versions(session.id),
        guidance=tx.sessions.list_guidance(session.id),
        files=tx.sessions.list_files(session.id),
        charged_microcredits=tx.credits.session_totals(session.id)[0],
    )


def _session_json(record: _Record) -> dict[str, Any]:
    session, stop = record.session, record.session.cast.stop
    return {
        "id": session.id,
        "title": session.title,
        "brief": session.brief,
        "status": session.status,
        "ended_because": session.end_reason,
        "started_by": session.member_id,
        "created_at": session.created_at,
        "ended_at": session.ended_at,
        "texts_removed_at": session.forgotten_at,
        "team": session.cast.name,
        "editors": [role.name for role in session.cast.editors],
        "most_rounds": stop.max_rounds,
        "good_enough_at": stop.threshold,
        "model": session.model,
        "language": session.language,
        "comments_only": session.notes_only,
        "best_version": session.best_version,
        "rounds": [
            {"number": item.number, "score": item.score, "summary": item.summary, "plan": item.plan}
            | {"questions": item.questions, "left_out": item.left_out}
            for item in record.rounds
        ],
        "replies": [
            {"round": turn.round, "who": turn.role_key, "model": turn.model, "at": turn.finished_at}
            | {"score": turn.score, "text": turn.text}
            for turn in record.turns
        ],
        "comments": [
            {"id": note.id, "round": note.round, "who": note.role_key, "passage": note.quote, "comment": note.comment}
            | {"suggestion": note.suggestion, "severity": note.severity, "became": note.fate, "why": note.fate_reason}
            for note in record.notes
        ],
        "directions": [
            {"at": item.created_at, "by": "you" if item.member_id == session.member_id else "another member"}
            | {"text": item.text, "taken_out": item.muted}
            for item in record.guidance
        ],
        "versions": [
            {"number": version.number, "score": version.score, "at": version.created_at} for version in record.versions
        ],
        "files": [{"name": file.name, "kind": file.kind, "bytes": file.size_bytes} for file in record.files],
    }


def _receipt_json(record: _Record) -> dict[str, Any]:
    session = record.session
    return {
        "session": session.id,
        "quoted_microcredits": [session.quote_low_microcredits, session.quote_high_microcredits],
        "cap_microcredits": session.cap_microcredits,
        "charged_microcredits": record.charged_microcredits,
        "turns": [
            {"round": turn.round, "who": turn.role_key, "model": turn.model, "at": turn.finished_at}
            | {"charged_microcredits": turn.charged_microcredits}
            for turn in record.turns
        ],
    }


def _member_json(tx: Transaction, member: Member) -> bytes:
    def made(items: Sequence[Project] | Sequence[Template]) -> list[str]:
        return [item.name for item in items if item.made_by == member.id]

    return _json(
        {
            "id": member.id,
            "name": member.name,
            "language": member.locale,
            "known_since": member.created_at,
            "starts_without_asking_up_to_microcredits": member.preferences.no_ask_microcredits,
            "last_choices": member.preferences.last_choices,
            "projects_made": made(tx.workspaces.list_projects(member.workspace_id, archived=True)),
            "templates_saved": [
                {"name": item.name, "brief": item.brief}
                for item in tx.templates.list_templates(member.workspace_id)
                if item.made_by == member.id
            ],
        }
    )


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _safe(name: str) -> str:
    """Return a name that stays in its folder on every system, whatever somebody called a file."""
    kept = "".join(one if one.isalnum() or one in " ._-()" else "-" for one in name)
    return kept.strip(" .")[:60].rstrip(" .") or "unnamed"


def _packed_bytes(data: bytes) -> int:
    return len(zlib.compress(data, 1)) + _OVERHEAD_BYTES


def _zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
