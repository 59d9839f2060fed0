"""Database URLs: one in the settings, three drivers behind it."""

from pathlib import Path

import sqlalchemy as sa

_ASYNC_SSL = "ssl"  # asyncpg's name of what libpq calls sslmode
_SYNC_SSL = "sslmode"


def parse(url: str | sa.URL) -> sa.URL:
    """Return *url* with one name for each kind of database: ``sqlite`` or ``postgresql``.

    Raises:
        ValueError: If it names another kind.
    """
    parsed = sa.make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql")
        case name:
            raise ValueError(f"{name} is not supported: use sqlite or postgresql")


def is_sqlite(url: sa.URL) -> bool:
    """Return whether *url* names a SQLite database."""
    return url.get_backend_name() == "sqlite"


def is_memory(url: sa.URL) -> bool:
    """Return whether *url* names a SQLite database that lives in memory."""
    return is_sqlite(url) and url.database in {None, "", ":memory:"}


def synchronous(url: str | sa.URL) -> sa.URL:
    """Return *url* for a synchronous driver: sqlite3 or psycopg."""
    parsed = parse(url)
    return parsed if is_sqlite(parsed) else _rename(parsed.set(drivername="postgresql+psycopg"), _ASYNC_SSL, _SYNC_SSL)


def asynchronous(url: str | sa.URL) -> sa.URL:
    """Return a PostgreSQL *url* for asyncpg."""
    return _rename(parse(url).set(drivername="postgresql+asyncpg"), _SYNC_SSL, _ASYNC_SSL)


def engine_url(url: str | sa.URL) -> str:
    """Return where the durable engine keeps its tables.

    On SQLite that is a file of its own, ``atelier-engine.db`` beside ``atelier.db``: a second writer, with cheaper
    commits. On PostgreSQL it is the same database, where the engine has a schema of its own.
    """
    parsed = synchronous(url)
    if is_sqlite(parsed):
        path = database_file(parsed)
        parsed = parsed.set(database=str(path.with_name(f"{path.stem}-engine{path.suffix}")))
    return parsed.render_as_string(hide_password=False)


def database_file(url: str | sa.URL) -> Path:
    """Return the file of a SQLite database.

    Raises:
        ValueError: If it lives in memory, where nothing survives that could be recovered.
    """
    parsed = parse(url)
    if is_memory(parsed) or parsed.database is None:
        raise ValueError("durable sessions need a database in a file, not in memory")
    return Path(parsed.database)


def _rename(url: sa.URL, old: str, new: str) -> sa.URL:
    value = url.query.get(old)
    return url if value is None else url.difference_update_query([old]).update_query_dict({new: value})
