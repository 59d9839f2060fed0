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
from storage.models.operations import doomed_files, outbox
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
from storage.rows import DIALECTS, Rows
from storage.statements import Query

_BY_SESSION: sa.BindParameter[str] = sa.bindparam("session_id")

_SESSIONS = Rows(sessions, Session, embedded={"thread": ThreadRef}, remembers=256)
_ADD_SESSION = _SESSIONS.insert()
_UPDATE_SESSION = _SESSIONS.update()
_BY_ID = _SESSIONS.select.where(sessions.c.id == sa.bindparam("id"))
_FIND_SESSION = _SESSIONS.query(_BY_ID)
# FOR NO KEY UPDATE: two writers exclude each other, while inserts that refer to the session go on
_LOCK_SESSION = _SESSIONS.query(_BY_ID.with_for_update(key_share=True))
_NEWEST_FIRST = _SESSIONS.select.order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
_DUE = _SESSIONS.query(
    _SESSIONS.select.where(sessions.c.status == Status.WAITING, sessions.c.wake_at <= sa.bindparam("now")).order_by(
        sessions.c.wake_at
    )
)
_BY_THREAD = _SESSIONS.query(
    _NEWEST_FIRST.where(
        sessions.c.platform == sa.bindparam("platform"),
        sessions.c.channel == sa.bindparam("channel"),
        sessions.c.thread == sa.bindparam("thread"),
    ).limit(1)
)
_LIST_MODELS = sa.select(sessions.c.model).distinct().order_by(sessions.c.model)
_DELETE_SESSION = sa.delete(sessions).where(sessions.c.id == sa.bindparam("id"))

_FILES = Rows(session_files, SessionFile)
_ADD_FILE = _FILES.insert_ignoring()
_FIND_FILE = _FILES.query(_FILES.select.where(session_files.c.id == sa.bindparam("id")))
_LIST_FILES = _FILES.query(
    _FILES.select.where(session_files.c.session_id == _BY_SESSION).order_by(
        session_files.c.created_at, session_files.c.id
    )
)

_ROUNDS = Rows(rounds, Round, remembers=256)
_SAVE_ROUND = _ROUNDS.upsert()
_LIST_ROUNDS = _ROUNDS.query(_ROUNDS.select.where(rounds.c.session_id == _BY_SESSION).order_by(rounds.c.number))

_TURNS = Rows(turns, Turn, embedded={"usage": Usage}, remembers=512)
_ADD_TURN = _TURNS.insert_ignoring()
_FIND_TURN = _TURNS.query(_TURNS.select.where(turns.c.id == sa.bindparam("id")))
_LIST_TURNS = _TURNS.query(
    _TURNS.select.where(turns.c.session_id == _BY_SESSION).order_by(turns.c.round, turns.c.finished_at, turns.c.id)
)

_LIST_ROUND_TURNS = _TURNS.query(
    _TURNS.select.where(turns.c.session_id == _BY_SESSION, turns.c.round == sa.bindparam("round")).order_by(
        turns.c.finished_at, turns.c.id
    )
)

_ATTEMPTS = Rows(turn_attempts, TurnAttempt, embedded={"usage": Usage})
_SAVE_ATTEMPT = _ATTEMPTS.upsert()
_LIST_ATTEMPTS = _ATTEMPTS.query(
    _ATTEMPTS.select.where(turn_attempts.c.session_id == _BY_SESSION).order_by(
        turn_attempts.c.started_at, turn_attempts.c.turn_id, turn_attempts.c.number
    )
)

_LIST_TURN_ATTEMPTS = _ATTEMPTS.query(
    _ATTEMPTS.select.where(turn_attempts.c.turn_id == sa.bindparam("turn_id")).order_by(turn_attempts.c.number)
)

_NOTES = Rows(notes, Note, remembers=1_024)
_SAVE_NOTE = _NOTES.upsert()
# n2 before n10: of two ids the longer one has the greater number
_LIST_NOTES = _NOTES.query(
    _NOTES.select.where(notes.c.session_id == _BY_SESSION).order_by(sa.func.length(notes.c.id), notes.c.id)
)

_COUNT_NOTES = Query(sa.select(sa.func.count()).where(notes.c.session_id == _BY_SESSION), lambda row: int(row[0]))

_VERSIONS = Rows(document_versions, Version, remembers=128)
_SAVE_VERSION = _VERSIONS.upsert(keep=("created_at",))
_OF_SESSION = _VERSIONS.select.where(document_versions.c.session_id == _BY_SESSION)
_LIST_VERSIONS = _VERSIONS.query(_OF_SESSION.order_by(document_versions.c.number))
_FIND_VERSION = _VERSIONS.query(_OF_SESSION.where(document_versions.c.number == sa.bindparam("number")))

_GUIDANCE = Rows(guidance, Guidance)
_SAVE_GUIDANCE = _GUIDANCE.upsert(keep=("created_at",))
_LIST_GUIDANCE = _GUIDANCE.query(
    _GUIDANCE.select.where(guidance.c.session_id == _BY_SESSION).order_by(guidance.c.created_at, guidance.c.id)
)

_FORGOTTEN: sa.BindParameter[str] = sa.bindparam("of_session")
_FORGET: tuple[sa.Update | sa.Delete, ...] = (
    *(
        sa.delete(table).where(table.c.session_id == _FORGOTTEN)
        for table in (notes, guidance, document_versions, session_files, outbox)
    ),
    sa.update(rounds).where(rounds.c.session_id == _FORGOTTEN).values(plan=(), summary="", questions=(), left_out=()),
    sa.update(turns)
    .where(turns.c.session_id == _FORGOTTEN)
    .values(text="", self_assessment="", summary="", notices=()),
    sa.update(turn_attempts).where(turn_attempts.c.session_id == _FORGOTTEN).values(text=""),
)


_DOOM = {
    name: insert(doomed_files)
    .from_select(
        ["storage_key"], sa.select(session_files.c.storage_key).where(session_files.c.session_id == _FORGOTTEN)
    )
    .on_conflict_do_nothing()
    for name, insert in DIALECTS.items()
}


class SqlSessionRepository:
    """See `core.sessions.ports.SessionRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, session: Session) -> None:
        _ADD_SESSION.run(self._connection, session)

    def find(self, session_id: str) -> Session | None:
        return _FIND_SESSION.first(self._connection, id=session_id)

    def lock(self, session_id: str) -> Session | None:
        return _LOCK_SESSION.first(self._connection, id=session_id)

    def guard(self, session_id: str) -> None:
        _LOCK_SESSION.lock(self._connection, id=session_id)

    def save(self, session: Session) -> None:
        _UPDATE_SESSION.run(self._connection, session)

    def list_sessions(
        self,
        *,
        workspace_id: str | None = None,
        member_id: str | None = None,
        project_id: str | None = None,
        channel: str | None = None,
        statuses: Sequence[Status] = (),
        limit: int = 50,
        before: datetime | None = None,
    ) -> Sequence[Session]:
        select = _NEWEST_FIRST.limit(limit)
        if workspace_id is not None:
            select = select.where(sessions.c.workspace_id == workspace_id)
        if member_id is not None:
            select = select.where(sessions.c.member_id == member_id)
        if project_id is not None:
            select = select.where(sessions.c.project_id == project_id)
        if channel is not None:
            select = select.where(sessions.c.channel == channel)
        if statuses:
            select = select.where(sessions.c.status.in_(statuses))
        if before is not None:
            select = select.where(sessions.c.created_at < before)
        return [_SESSIONS.load(row) for row in self._connection.execute(select)]

    def list_due(self, now: datetime) -> Sequence[Session]:
        return _DUE.all(self._connection, now=now)

    def count(self, workspace_id: str, *, statuses: Sequence[Status] = (), since: datetime | None = None) -> int:
        query = sa.select(sa.func.count()).select_from(sessions).where(sessions.c.workspace_id == workspace_id)
        if statuses:
            query = query.where(sessions.c.status.in_(statuses))
        if since is not None:
            query = query.where(sessions.c.created_at >= since)
        return self._connection.execute(query).scalar_one()

    def list_models(self) -> Sequence[str]:
        return self._connection.execute(_LIST_MODELS).scalars().all()

    def spent_since(self, workspace_id: str, moment: datetime, *, member_id: str | None = None) -> int:
        query = (
            sa.select(sa.func.coalesce(sa.func.sum(turns.c.charged_microcredits), 0))
            .join(sessions, sessions.c.id == turns.c.session_id)
            .where(sessions.c.workspace_id == workspace_id, turns.c.finished_at >= moment)
        )
        if member_id is not None:
            query = query.where(sessions.c.member_id == member_id)
        return int(self._connection.execute(query).scalar_one())

    def spent_on(self, session_ids: Sequence[str]) -> int:
        query = sa.select(sa.func.coalesce(sa.func.sum(turns.c.charged_microcredits), 0))
        return int(self._connection.execute(query.where(turns.c.session_id.in_(session_ids))).scalar_one())

    def find_by_thread(self, platform: str, channel: str, thread: str) -> Session | None:
        return _BY_THREAD.first(self._connection, platform=platform, channel=channel, thread=thread)

    def delete(self, session_id: str) -> None:
        self._doom_files(session_id)
        self._connection.execute(_DELETE_SESSION, {"id": session_id})

    def forget_texts(self, session_id: str) -> None:
        self._doom_files(session_id)
        for statement in _FORGET:
            self._connection.execute(statement, {"of_session": session_id})

    def _doom_files(self, session_id: str) -> None:
        """Remember the keys of the files: their bytes go after the commit, and a process may die in between."""
        self._connection.execute(_DOOM[self._connection.dialect.name], {"of_session": session_id})

    def add_file(self, file: SessionFile) -> None:
        _ADD_FILE.run(self._connection, file)

    def list_files(self, session_id: str) -> Sequence[SessionFile]:
        return _LIST_FILES.all(self._connection, session_id=session_id)

    def find_file(self, file_id: str) -> SessionFile | None:
        return _FIND_FILE.first(self._connection, id=file_id)

    def save_round(self, round_: Round) -> None:
        _SAVE_ROUND.run(self._connection, round_)

    def list_rounds(self, session_id: str) -> Sequence[Round]:
        return _LIST_ROUNDS.all(self._connection, session_id=session_id)

    def find_turn(self, turn_id: str) -> Turn | None:
        return _FIND_TURN.first(self._connection, id=turn_id)

    def add_turn(self, turn: Turn) -> None:
        if _ADD_TURN.run(self._connection, turn) != 1:
            raise ConflictError(f"turn {turn.id} is already recorded")

    def list_turns(self, session_id: str) -> Sequence[Turn]:
        return _LIST_TURNS.all(self._connection, session_id=session_id)

    def list_round_turns(self, session_id: str, round_number: int) -> Sequence[Turn]:
        return _LIST_ROUND_TURNS.all(self._connection, session_id=session_id, round=round_number)

    def save_attempt(self, attempt: TurnAttempt) -> None:
        _SAVE_ATTEMPT.run(self._connection, attempt)

    def list_attempts(self, session_id: str) -> Sequence[TurnAttempt]:
        return _LIST_ATTEMPTS.all(self._connection, session_id=session_id)

    def list_turn_attempts(self, turn_id: str) -> Sequence[TurnAttempt]:
        return _LIST_TURN_ATTEMPTS.all(self._connection, turn_id=turn_id)

    def save_notes(self, notes: Sequence[Note]) -> None:
        _SAVE_NOTE.run_all(self._connection, notes)

    def list_notes(self, session_id: str) -> Sequence[Note]:
        return _LIST_NOTES.all(self._connection, session_id=session_id)

    def count_notes(self, session_id: str) -> int:
        return _COUNT_NOTES.one(self._connection, session_id=session_id)

    def save_version(self, version: Version) -> None:
        _SAVE_VERSION.run(self._connection, version)

    def find_version(self, session_id: str, number: int) -> Version | None:
        return _FIND_VERSION.first(self._connection, session_id=session_id, number=number)

    def list_versions(self, session_id: str) -> Sequence[Version]:
        return _LIST_VERSIONS.all(self._connection, session_id=session_id)

    def save_guidance(self, guidance: Guidance) -> None:
        _SAVE_GUIDANCE.run(self._connection, guidance)

    def list_guidance(self, session_id: str) -> Sequence[Guidance]:
        return _LIST_GUIDANCE.all(self._connection, session_id=session_id)
