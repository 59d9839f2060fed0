"""The service and its doctor on PostgreSQL, as an operator sets them up: `db upgrade`, then roles that alter nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from psycopg import sql

from bots.settings import Settings
from storage import urls
from tests.admin_cli.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.loopback]
_SECONDS = 120
_ROLE = "atelier_serving"

Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def begin(home: Path, empty_postgres_url: str) -> Iterator[Begin]:
    """Start `atelier` on an empty database, as the owner of the server or as the role that may only serve."""
    given = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}  # noqa: TID251 - a child needs PATH and HOME
    processes: list[subprocess.Popen[str]] = []

    def _begin(*arguments: str, user: str = "postgres") -> "subprocess.Popen[str]":
        url = empty_postgres_url.replace("//postgres@", f"//{user}@")
        process = subprocess.Popen(
            [sys.executable, "-m", "admin_cli", *arguments],
            cwd=home,
            env={**given, "PYTHONPATH": str(ROOT), "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield _begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def admin(postgres_folder: Path, empty_postgres_url: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """The database's owner, and a role without any right, gone after the test."""
    name = urls.parse(empty_postgres_url).database
    with psycopg.connect(host=str(postgres_folder), user="postgres", dbname=name, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(_ROLE)))
        yield connection
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(_ROLE)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(_ROLE)))


def _finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=_SECONDS)
    return process.returncode, out, err


def _address_of(service: "subprocess.Popen[str]") -> str:
    assert service.stderr is not None
    seen = ""
    while "http: listens on " not in seen:
        line = service.stderr.readline()
        assert line, seen
        seen += line
    return seen.partition("listens on ")[2].strip()


def _checks(begin: Begin, **options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    code, out, _ = _finish(begin("doctor", "--offline", "--json", **options))
    return code, {item["name"]: (item["outcome"], item["detail"]) for item in json.loads(out)["checks"]}


def test_a_role_that_may_alter_nothing_serves(begin: Begin, admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    """After `db upgrade --grant` a role without DDL runs the whole service: sessions, jobs, health; the doctor is content.

    Before it both say what to type, and neither makes a table.
    """
    code, findings = _checks(begin)
    assert code == 1
    assert findings["database"] == ("failed", "PostgreSQL, schema empty, needed 0001: run atelier db upgrade")
    assert findings["engine"][0] == "failed"
    code, _, err = _finish(begin("serve", "--port", "0"))
    assert code == 2
    assert "run atelier db upgrade" in err

    code, out, err = _finish(begin("db", "upgrade", "--grant", _ROLE))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"{_ROLE} may serve."
    assert _finish(begin("db", "upgrade", "--grant", _ROLE))[0] == 0
    code, findings = _checks(begin, user=_ROLE)
    assert findings["database"] == ("ok", "PostgreSQL, schema 0001")
    assert findings["engine"] == ("ok", "its database answers")
    assert code == 0

    service = begin("serve", "--port", "0", user=_ROLE)
    address = _address_of(service)
    with urlopen(f"{address}/readyz", timeout=20) as answer:  # noqa: S310 - our own address
        assert json.load(answer)["checks"] == {"database": "ok", "engine": "ok"}
    made = begin("sessions", "new", "note.md", "--rounds", "1", "--detach", "--json", user=_ROLE)
    session_id = json.loads(_finish(made)[1])["session_id"]
    watched = json.loads(_finish(begin("sessions", "watch", session_id, "--json", user=_ROLE))[1])
    assert watched["status"] == "completed"
    assert json.loads(_finish(begin("credits", "check", "--json", user=_ROLE))[1])["differences"] == []
    service.send_signal(signal.SIGTERM)
    code, _, err = _finish(service)
    assert (code, err.splitlines()[-1]) == (0, "stopped")

    info = admin.info
    with psycopg.connect(host=info.host, dbname=info.dbname, user=_ROLE, autocommit=True) as served:
        for forbidden in (
            "CREATE TABLE x (y int)",
            "DROP TABLE sessions",
            "DELETE FROM credit_entries",
            "TRUNCATE outbox",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                served.execute(forbidden)


def test_an_engine_that_was_not_upgraded_is_said(begin: Begin, admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    """A worker whose engine's tables are missing ends with one sentence that says what to type; so does the doctor."""
    assert _finish(begin("db", "upgrade"))[0] == 0
    admin.execute("DROP SCHEMA dbos CASCADE")
    code, _, err = _finish(begin("serve", "--role", "worker"))
    assert code == 2
    assert err.splitlines()[-1].endswith("The durable engine's tables are not at this version: run atelier db upgrade.")
    code, findings = _checks(begin)
    assert code == 1
    assert findings["engine"] == ("failed", "its tables are not at this version: run atelier db upgrade")
    assert admin.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'dbos'").fetchone() is None


def test_a_role_that_is_not_there(begin: Begin) -> None:
    """A role that the server does not know is said; SQLite has none at all."""
    code, _, err = _finish(begin("db", "upgrade", "--grant", "nobody_here"))
    assert code == 2
    assert (
        err == "The server has no role 'nobody_here': create it first, with a password and without any other right.\n"
    )
