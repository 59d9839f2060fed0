"""Which schema a database is at, and how it is reached to change it.

Without Alembic, which takes ten megabytes: a process that finds its database up to date has no use for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from storage import urls
from storage.errors import DatabaseUnavailable, RoleUnknown
from storage.models import metadata
from storage.work import translate

MIGRATIONS = Path(__file__).parent / "migrations"
_NUMBERED = "[0-9]*_*.py"
_RECORDED = "alembic_version"
_ROLE = sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role")
_APPEND_ONLY = sa.text(
    "SELECT relname AS tablename FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgname = relname || :ending"
).bindparams(ending="_append_only")
_LOCK_KEY = 7_283_543  # any number that no other advisory lock of ours uses


def current(url: str) -> str | None:
    """Return the revision that the database at *url* is at, None for an empty one."""
    with connect(url) as connection:
        if not sa.inspect(connection).has_table(_RECORDED):
            return None
        found: str | None = connection.execute(sa.text(f"SELECT version_num FROM {_RECORDED}")).scalar()  # noqa: S608
        return found


def head() -> str:
    """Return the newest revision that this version of the program knows; a migration's file begins with its number."""
    names = sorted(path.name for path in (MIGRATIONS / "versions").glob(_NUMBERED))
    return names[-1].partition("_")[0]


@contextmanager
def connect(url: str) -> Iterator[sa.Connection]:
    """Give a synchronous connection in one transaction that holds the lock of migrations.

    Args:
        url: As in the settings; the asynchronous drivers are replaced by synchronous ones.

    Raises:
        DatabaseUnavailable: If the database cannot be reached, or is lost on the way.
    """
    parsed = urls.synchronous(url)
    is_sqlite = urls.is_sqlite(parsed)
    engine = sa.create_engine(parsed, poolclass=NullPool)
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        with _reach(engine) as connection, connection.begin():
            if not is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
            yield connection
    except sa.exc.DBAPIError as error:
        raise translate(error) from error.orig
    finally:
        engine.dispose()


def grant(url: str, role: str) -> None:
    """Let *role* of a PostgreSQL server read and write the tables, and nothing else: no table is made or altered by it.

    What is append-only for everybody gets no right to change. Call it again after an upgrade made new tables.

    Raises:
        RoleUnknown: If the server has no such role.
    """
    with connect(url) as connection:
        quote = connection.dialect.identifier_preparer.quote
        if connection.execute(_ROLE, {"role": role}).first() is None:
            raise RoleUnknown(role)
        guarded = {row.tablename for row in connection.execute(_APPEND_ONLY)}
        name = quote(role)
        statements = [f"GRANT USAGE ON SCHEMA public TO {name}", f"GRANT SELECT ON alembic_version TO {name}"]
        for table in metadata.tables:
            rights = "SELECT, INSERT" if table in guarded else "SELECT, INSERT, UPDATE, DELETE"
            statements.append(f"GRANT {rights} ON {quote(table)} TO {name}")
        statements.append(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def address(url: str) -> str:
    """Return where the database at *url* is, for people: host and port or a file, never who logs in."""
    parsed = urls.parse(url)
    if urls.is_sqlite(parsed):
        return parsed.database or "memory"
    host = parsed.host or str(parsed.query.get("host", "localhost"))
    return f"{host}:{parsed.port}" if parsed.port else host


def _reach(engine: sa.Engine) -> sa.Connection:
    # whatever a driver says while it connects, the database was not reached: psycopg gives no code that tells why
    try:
        return engine.connect()
    except sa.exc.DBAPIError as error:
        raise DatabaseUnavailable(f"{type(error).__name__}: the database cannot be reached") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA journal_mode=WAL")
    # off: altering a table in SQLite means building it anew, and its children must not follow the old one
    connection.execute("PRAGMA foreign_keys=OFF")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
