"""Statements that run on the driver do what SQLAlchemy would do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from core.providers.base import Usage
from core.sessions.model import Note, Session, Status, ThreadRef, Turn
from storage.models import metadata
from storage.models.sessions import notes, sessions, turns
from storage.models.workspaces import projects, workspaces
from storage.rows import Rows
from storage.statements import Query
from storage.types import Json
from tests.storage import samples

NOTES = Rows(notes, Note)
SESSIONS = Rows(sessions, Session, embedded={"thread": ThreadRef})
TURNS = Rows(turns, Turn, embedded={"usage": Usage})


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", hide_parameters=True)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("PRAGMA foreign_keys=OFF")
        metadata.create_all(connection)
        yield connection
    engine.dispose()


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        (SESSIONS, samples.session()),
        (SESSIONS, samples.session(wake_at=None, end_reason=None, providers=(), starred=False)),
        (TURNS, samples.turn()),
        (TURNS, samples.turn(score=None, tier=None)),
        (NOTES, samples.note(fate_round=None)),
        (Rows(workspaces, type(samples.WORKSPACE)), samples.WORKSPACE),
        (Rows(projects, type(samples.PROJECT)), samples.PROJECT),
    ],
)
def test_both_ways_agree(connection: sa.Connection, rows: Rows[Any], value: Any) -> None:
    """A row that one way wrote is read by the other as the same value, in both directions."""
    rows.insert().run(connection, value)
    assert [rows.load(row) for row in connection.execute(rows.select)] == [value]
    stored = connection.execute(rows.select).mappings().one()
    connection.execute(sa.delete(rows.table))
    connection.execute(sa.insert(rows.table).values(dict(stored)))
    assert rows.query().all(connection) == [value]


def test_an_update_changes_what_it_names(connection: sa.Connection) -> None:
    """Columns that an update does not name keep their values, and other rows keep all of theirs."""
    NOTES.insert().run(connection, samples.note())
    NOTES.insert().run(connection, samples.note(2))
    changed = samples.note(comment="Other.", fate_reason="New reason.")
    assert NOTES.update("fate_reason").run(connection, changed) == 1
    assert NOTES.query().all(connection) == [samples.note(fate_reason="New reason."), samples.note(2)]
    assert NOTES.update().run(connection, samples.note(3)) == 0


def test_an_insert_that_ignores_says_whether_it_did(connection: sa.Connection) -> None:
    """The first insert changes one row, the repeat none."""
    change = NOTES.insert_ignoring()
    assert [change.run(connection, samples.note()) for _ in range(2)] == [1, 0]


def test_values_in_the_statement_and_values_by_name(connection: sa.Connection) -> None:
    """A statement may hold values of its own beside its parameters; both are converted."""
    SESSIONS.insert().run(connection, samples.session())
    waiting = SESSIONS.query(
        SESSIONS.select.where(sessions.c.status == Status.WAITING, sessions.c.id == sa.bindparam("id")).limit(1)
    )
    assert waiting.first(connection, id="s_1") == samples.session()
    assert waiting.first(connection, id="s_2") is None
    with pytest.raises(LookupError):
        waiting.one(connection, id="s_2")


def test_a_list_is_refused(connection: sa.Connection) -> None:
    """A statement whose text depends on the length of a list cannot be compiled once."""
    query = SESSIONS.query(SESSIONS.select.where(sessions.c.id.in_(["a", "b"])))
    with pytest.raises(ValueError, match="another statement"):
        query.all(connection)


def test_errors_are_sqlalchemys_and_say_nothing_of_the_text(connection: sa.Connection) -> None:
    """What the driver refuses raises as SQLAlchemy would raise it, and never with the document text it was about."""
    secret = samples.note(comment="the customer's own words")
    NOTES.insert().run(connection, secret)
    with pytest.raises(sa.exc.IntegrityError) as caught:
        NOTES.insert().run(connection, replace(secret, quote="more of their words"))
    assert "words" not in str(caught.value)


def test_any_row_can_be_made_by_a_function(connection: sa.Connection) -> None:
    """A query is not bound to one dataclass: sums and counts are read the same way."""
    count = Query(sa.select(sa.func.count(), sa.func.max(notes.c.id)).select_from(notes), tuple)
    NOTES.insert().run(connection, samples.note(7))
    assert count.one(connection) == (1, "n7")


def test_a_remembered_row_is_never_out_of_date(connection: sa.Connection) -> None:
    """A row that is as it was gives the very value that it gave before; one that changed in any column does not."""
    remembering = Rows(notes, Note, remembers=4)
    query = remembering.query()
    for number in (1, 2, 10):
        remembering.insert().run(connection, samples.note(number))
    before = query.all(connection)
    assert [first is second for first, second in zip(before, query.all(connection), strict=True)] == [True] * 3
    remembering.update("fate_reason").run(connection, replace(samples.note(2), fate_reason="Other."))
    assert [note.fate_reason for note in query.all(connection)] == [
        note.fate_reason if note.id != samples.note(2).id else "Other." for note in before
    ]


def test_a_text_that_many_rows_share_takes_a_byte_a_character() -> None:
    """One emoji of an editor would make Python keep four bytes for each; it comes back as it was."""
    kind = Json[tuple[str, ...]](tuple[str, ...], cached=True)
    stored = kind.writer("sqlite")(("\N{MEMO} caf\N{LATIN SMALL LETTER E WITH ACUTE}",))
    assert stored.isascii()
    assert kind.reader("sqlite")(stored) == ("\N{MEMO} caf\N{LATIN SMALL LETTER E WITH ACUTE}",)
