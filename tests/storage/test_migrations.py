import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from storage import migrate, schema
from storage.models import metadata

_POSTGRES_SCHEMA = """
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'column', table_name, column_name, concat_ws(' ', data_type, character_maximum_length, is_nullable)
    FROM information_schema.columns WHERE table_schema = 'public'
"""


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database beside `database_url`, of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


def test_a_migrated_database_has_no_drift(database_url: str) -> None:
    """After every migration the database is what the tables in the code say, and its revision is the newest."""
    assert migrate.check(database_url) == []
    assert schema.current(database_url) == schema.head()


def test_migrations_make_what_the_code_makes(database_url: str, empty_url: str) -> None:
    """Migrations and `create_all` end in one schema, checks, indexes, triggers and lengths included."""
    with schema.connect(empty_url) as connection:
        metadata.create_all(connection)
    with schema.connect(empty_url) as made, schema.connect(database_url) as migrated:
        assert _schema(migrated) == _schema(made)


def _schema(connection: sa.Connection) -> set[tuple[Any, ...]]:
    if connection.dialect.name == "postgresql":
        found = {tuple(row) for row in connection.execute(sa.text(_POSTGRES_SCHEMA))}
        return {row for row in found if row[1] != "alembic_version"}
    rows = connection.execute(sa.text("SELECT type, tbl_name, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {(row[0], row[1], row[2], _parts(row[3])) for row in rows if row[1] != "alembic_version"}


def _parts(statement: str) -> tuple[str, ...]:
    """The same columns and constraints in another order are the same table."""
    return tuple(sorted(part.strip() for part in re.split(r",\s*\n|\(\s*\n|\n\)", statement)))


def test_the_newest_revision_is_alembics_too() -> None:
    """The number in the last file's name is the head that Alembic finds in the files."""
    assert schema.head() == ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()


def test_a_database_that_is_up_to_date_needs_no_alembic(database_url: str) -> None:
    """A process that finds its schema current never loads what would change it."""
    code = (
        "import sys; from storage import schema; "
        f"assert schema.current({database_url!r}) == schema.head(); print('alembic' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_down_and_up_again(empty_url: str) -> None:
    """Every migration can be taken back and made again."""
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "base")
    with schema.connect(empty_url) as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"alembic_version"}
    migrate.upgrade(empty_url)
    assert migrate.check(empty_url) == []


def test_an_empty_database_has_no_revision(empty_url: str) -> None:
    """Before the first migration there is no revision, and `check` names what is missing."""
    assert schema.current(empty_url) is None
    assert any("sessions" in line for line in migrate.check(empty_url))


def test_upgrade_repeats_harmlessly(database_url: str) -> None:
    """An upgrade of an up-to-date database changes nothing."""
    migrate.upgrade(database_url)
    assert schema.current(database_url) == schema.head()


def test_the_engines_own_tables_are_no_drift(postgres_url: str) -> None:
    """Tables in the schema of the durable engine are not ours to compare."""
    with schema.connect(postgres_url) as connection:
        connection.execute(sa.text("CREATE SCHEMA dbos"))
        connection.execute(sa.text("CREATE TABLE dbos.workflow_status (id text)"))
    assert migrate.check(postgres_url) == []
