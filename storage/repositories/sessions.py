"""Sessions and all that they record."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.errors import ConflictError
from core.providers.base import Usage
from core.sessions.model import (
    Guidance,
    Note,
    Round,
    Session,
    SessionFile,
    Status,
    ThreadRef,
    Turn,
    TurnAttempt,
    Version,
)
from storage.models.sessions import (
    document_versions,
    guidance,
    notes,
    rounds,
    session_files,
    sessions,
    turn_attempts,
    turns,
)
from storage.rows import Rows

_BY_SESSION: sa.BindParameter[str] = sa.bindparam("session_id")

_SESSIONS = Rows(sessions, Session, embedded={"thread": ThreadRef})
_UPDATE_SESSION = _SESSIONS.update()
_FIND_SESSION = _SESSIONS.select.where(sessions.c.id == sa.bindparam("id"))
# FOR NO KEY UPDATE: two writers exclude each other, while inserts that refer to the session go on
_LOCK_SESSION = _FIND_SESSION.with_for_update(key_share=True)
_NEWEST_FIRST = _SESSIONS.select.order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
_DUE = _SESSIONS.select.where(sessions.c.status == Status.WAITING, sessions.c.wake_at <= sa.bindparam("now")).order_by(
    sessions.c.wake_at
)
_BY_THREAD = _NEWEST_FIRST.where(
    sessions.c.platform == sa.bindparam("platform"),
    sessions.c.channel == sa.bindparam("channel"),
    sessions.c.thread == sa.bindparam("thread"),
).limit(1)
_DELETE_SESSION = sa.delete(sessions).where(sessions.c.id == sa.bindparam("id"))

_FILES = Rows(session_files, SessionFile)
_ADD_FILE = _FILES.insert_ignoring()
_LIST_FILES = _FILES.select.where(session_files.c.session_id == _BY_SESSION).order_by(
    session_files.c.created_at, session_files.c.id
)

_ROUNDS = Rows(rounds, Round)
_SAVE_ROUND = _ROUNDS.upsert()
_LIST_ROUNDS = _ROUNDS.select.where(rounds.c.session_id == _BY_SESSION).order_by(rounds.c.number)

_TURNS = Rows(turns, Turn, embedded={"usage": Usage})
_ADD_TURN = _TURNS.insert_ignoring()
_FIND_TURN = _TURNS.select.where(turns.c.id == sa.bindparam("id"))
_LIST_TURNS = _TURNS.select.where(turns.c.session_id == _BY_SESSION).order_by(
    turns.c.round, turns.c.finished_at, turns.c.id
)

_ATTEMPTS = Rows(turn_attempts, TurnAttempt, embedded={"usage": Usage})
_SAVE_ATTEMPT = _ATTEMPTS.upsert()
_LIST_ATTEMPTS = _ATTEMPTS.select.where(turn_attempts.c.session_id == _BY_SESSION).order_by(
    turn_attempts.c.started_at, turn_attempts.c.turn_id, turn_attempts.c.number
)

_NOTES = Rows(notes, Note)
_SAVE_NOTE = _NOTES.upsert()
# n2 before n10: of two ids the longer one has the greater number
_LIST_NOTES = _NOTES.select.where(notes.c.session_id == _BY_SESSION).order_by(sa.func.length(notes.c.id), notes.c.id)

_VERSIONS = Rows(document_versions, Version)
_SAVE_VERSION = _VERSIONS.upsert(keep=("created_at",))
_LIST_VERSIONS = _VERSIONS.select.where(document_versions.c.session_id == _BY_SESSION).order_by(
    document_versions.c.number
)
_FIND_VERSION = _VERSIONS.select.where(
    document_versions.c.session_id == _BY_SESSION, document_versions.c.number == sa.bindparam("number")
)

_GUIDANCE = Rows(guidance, Guidance)
_SAVE_GUIDANCE = _GUIDANCE.upsert(keep=("created_at",))
_LIST_GUIDANCE = _GUIDANCE.select.where(guidance.c.session_id == _BY_SESSION).order_by(
    guidance.c.created_at, guidance.c.id
)


class SqlSessionRepository:
    """See `core.sessions.ports.SessionRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    def add(self, session: Session) -> None:
        self._connection.execute(_SESSIONS.insert, _SESSIONS.dump(session))

    def find(self, session_id: str) -> Session | None:
        return _SESSIONS.load_first(self._connection.execute(_FIND_SESSION, {"id": session_id}))

    def lock(self, session_id: str) -> Session | None:
        return _SESSIONS.load_first(self._connection.execute(_LOCK_SESSION, {"id": session_id}))

    def save(self, session: Session) -> None:
        self._connection.execute(_UPDATE_SESSION, _SESSIONS.dump_update(session))

    def list_sessions(
        self,
        *,
        workspace_id: str | None = None,
        member_id: str | None = None,
        project_id: str | None = None,
        statuses: Sequence[Status] = (),
        limit: int = 50,
        before: datetime | None = None,
    ) -> Sequence[Session]:
        query = _NEWEST_FIRST
        if workspace_id is not None:
            query = query.where(sessions.c.workspace_id == workspace_id)
        if member_id is not None:
            query = query.where(sessions.c.member_id == member_id)
        if project_id is not None:
            query = query.where(sessions.c.project_id == project_id)
        if statuses:
            query = query.where(sessions.c.status.in_(statuses))
        if before is not None:
            query = query.where(sessions.c.created_at < before)
        return _SESSIONS.load_all(self._connection.execute(query.limit(limit)))

    def list_due(self, now: datetime) -> Sequence[Session]:
        return _SESSIONS.load_all(self._connection.execute(_DUE, {"now": now}))

    def count(self, workspace_id: str, *, statuses: Sequence[Status] = (), since: datetime | None = None) -> int:
        query = sa.select(sa.func.count()).select_from(sessions).where(sessions.c.workspace_id == workspace_id)
        if statuses:
            query = query.where(sessions.c.status.in_(statuses))
        if since is not None:
            query = query.where(sessions.c.created_at >= since)
        return self._connection.execute(query).scalar_one()

    def find_by_thread(self, platform: str, channel: str, thread: str) -> Session | None:
        values = {"platform": platform, "channel": channel, "thread": thread}
        return _SESSIONS.load_first(self._connection.execute(_BY_THREAD, values))

    def delete(self, session_id: str) -> None:
        self._connection.execute(_DELETE_SESSION, {"id": session_id})

    def add_file(self, file: SessionFile) -> None:
        self._connection.execute(_ADD_FILE[self._dialect], _FILES.dump(file))

    def list_files(self, session_id: str) -> Sequence[SessionFile]:
        return _FILES.load_all(self._connection.execute(_LIST_FILES, {"session_id": session_id}))

    def save_round(self, round_: Round) -> None:
        self._connection.execute(_SAVE_ROUND[self._dialect], _ROUNDS.dump(round_))

    def list_rounds(self, session_id: str) -> Sequence[Round]:
        return _ROUNDS.load_all(self._connection.execute(_LIST_ROUNDS, {"session_id": session_id}))

    def find_turn(self, turn_id: str) -> Turn | None:
        return _TURNS.load_first(self._connection.execute(_FIND_TURN, {"id": turn_id}))

    def add_turn(self, turn: Turn) -> None:
        if self._connection.execute(_ADD_TURN[self._dialect], _TURNS.dump(turn)).rowcount != 1:
            raise ConflictError(f"turn {turn.id} is already recorded")

    def list_turns(self, session_id: str) -> Sequence[Turn]:
        return _TURNS.load_all(self._connection.execute(_LIST_TURNS, {"session_id": session_id}))

    def save_attempt(self, attempt: TurnAttempt) -> None:
        self._connection.execute(_SAVE_ATTEMPT[self._dialect], _ATTEMPTS.dump(attempt))

    def list_attempts(self, session_id: str) -> Sequence[TurnAttempt]:
        return _ATTEMPTS.load_all(self._connection.execute(_LIST_ATTEMPTS, {"session_id": session_id}))

    def save_notes(self, notes: Sequence[Note]) -> None:
        if notes:
            self._connection.execute(_SAVE_NOTE[self._dialect], [_NOTES.dump(note) for note in notes])

    def list_notes(self, session_id: str) -> Sequence[Note]:
        return _NOTES.load_all(self._connection.execute(_LIST_NOTES, {"session_id": session_id}))

    def save_version(self, version: Version) -> None:
        self._connection.execute(_SAVE_VERSION[self._dialect], _VERSIONS.dump(version))

    def find_version(self, session_id: str, number: int) -> Version | None:
        values = {"session_id": session_id, "number": number}
        return _VERSIONS.load_first(self._connection.execute(_FIND_VERSION, values))

    def list_versions(self, session_id: str) -> Sequence[Version]:
        return _VERSIONS.load_all(self._connection.execute(_LIST_VERSIONS, {"session_id": session_id}))

    def save_guidance(self, guidance: Guidance) -> None:
        self._connection.execute(_SAVE_GUIDANCE[self._dialect], _GUIDANCE.dump(guidance))

    def list_guidance(self, session_id: str) -> Sequence[Guidance]:
        return _GUIDANCE.load_all(self._connection.execute(_LIST_GUIDANCE, {"session_id": session_id}))
