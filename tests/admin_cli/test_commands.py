"""Commands that look after an installation: what they print, and how they end."""

import re
import sqlite3
from pathlib import Path

import pytest

from bots.settings import Settings
from tests.admin_cli.conftest import Run


@pytest.fixture
def session(run: Run) -> str:
    """A draft of this terminal, which makes the terminal's workspace too."""
    draft = run("sessions", "new", "note.md", "--draft", "--json").json
    identity: str = draft["session_id"]
    return identity


def test_a_draft_is_priced_and_not_started(run: Run) -> None:
    """--draft parses and quotes; nothing runs and nothing is charged."""
    draft = run("sessions", "new", "note.md", "--rounds", "2", "--draft", "--json").json
    assert (draft["status"], draft["credits_total"], draft["turns"]) == ("draft", 0, [])
    low, high = draft["quote_credits"]
    assert 0 < low < high == draft["cap_credits"]


def test_sessions_are_listed_and_shown(run: Run, session: str) -> None:
    """Listings are tables, one session a line in a pipe, or JSON."""
    assert [row["session_id"] for row in run("sessions", "list", "--json").json] == [session]
    header, line = run("sessions", "list").out.splitlines()
    assert header.split()[:2] == ["session", "id"]
    assert line.startswith(session)
    assert run("sessions", "list", "--status", "completed").out == "There are no sessions.\n"
    assert "Price: " in run("sessions", "show", session).out


def test_a_verb_that_the_state_forbids_is_one_sentence(run: Run, session: str) -> None:
    """Exit 2, the reason and the way out on standard error, no traceback."""
    result = run("sessions", "retry", session, code=2)
    assert result.err == (
        "That is not possible now. A session that is not started yet cannot be retried. Start it first.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("sessions", "show", "s_nobody"), "There is no such session here."),
        (("sessions", "list", "--status", "happy"), "There is no state 'happy'"),
        (("workspaces", "show", "slack:T0"), "There is no workspace 'slack:T0'."),
        (("credits", "grant", "slack:T0", "5", "--reason", "r", "--key", "k", "--yes"), "There is no workspace"),
        (("credits", "grant", "terminal:local", "0", "--reason", "r", "--key", "k", "--yes"), "'0' is not an amount"),
        (("credits", "grant", "x", "1e-7", "--reason", "r", "--key", "k", "--yes"), "'1e-7' is not an amount"),
        (("credits", "grant", "x", "nan", "--reason", "r", "--key", "k", "--yes"), "'nan' is not an amount"),
        (("credits", "grant", "x", "much", "--reason", "r", "--key", "k", "--yes"), "'much' is not a number"),
        (("demo", "missing.docx"), "missing.docx: No such file or directory."),
        (("demo", "note.md", "--rounds", "99"), "That request cannot be met. A session has 1 to 20 rounds."),
        (("demo", "note.md", "--model", "oppus"), "There is no such model. Nobody knows 'oppus'."),
        (("serve", "--role", "slack"), "The role slack needs SLACK_APP_TOKEN"),
        (("serve", "--role", "cook"), "There is no role 'cook'"),
    ],
)
def test_bad_input_is_one_line(run: Run, arguments: tuple[str, ...], start: str) -> None:
    """Whatever people type wrongly ends with exit 2 and one line that says so."""
    result = run(*arguments, code=2)
    assert result.out == ""
    assert result.err.startswith(start)
    assert len(result.err.splitlines()) == 1


def test_a_wrong_variable_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that cannot be used are named, not traced."""
    monkeypatch.setenv("HTTP_PORT", "many")
    result = run("models", "list", code=2)
    assert "HTTP_PORT" in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("provider", "name", "variable"),
    [
        ("openai", "OpenAI", "OPENAI_API_KEY"),
        ("anthropic", "Anthropic", "ANTHROPIC_API_KEY"),
        ("google", "Google", "GOOGLE_API_KEY"),
    ],
)
def test_a_missing_key_is_named(run: Run, provider: str, name: str, variable: str) -> None:
    """Whoever types commands can set the key, so the variable is named, and it is one that the settings read."""
    model = next(row["id"] for row in run("models", "list", "--json").json if row["provider"] == provider)
    assert run("demo", "note.md", "--model", model, code=2).err == (
        f"No AI provider is set up for that. There is no key for {name}. "
        f"Set {variable}, in the environment or in .env.\n"
    )
    assert variable.lower() in Settings.model_fields


@pytest.mark.loopback
@pytest.mark.parametrize(
    "arguments",
    [("sessions", "list"), ("db", "upgrade"), ("db", "current"), ("serve", "--role", "worker"), ("demo", "note.md")],
)
def test_a_database_that_does_not_answer_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """Whatever opens the database says where it should be and what to look at, without who logs in: exit 2."""
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:hidden@127.0.0.1:1/x")
    result = run(*arguments, code=2)
    assert result.out == ""
    assert result.err.splitlines()[-1] == (
        "The database at 127.0.0.1:1 cannot be reached: is it running, and is DATABASE_URL right?"
    )
    assert "hidden" not in result.err


@pytest.mark.loopback
def test_the_doctor_tells_a_database_that_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sentence as a finding, the rest of the report around it, and the same exit code."""
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:hidden@127.0.0.1:1/x")
    result = run("doctor", "--offline", "--json", code=2)
    checks = {check["name"]: check["detail"] for check in result.json["checks"]}
    assert checks["database"].startswith("The database at 127.0.0.1:1 cannot be reached")
    assert "hidden" not in result.out + result.err


@pytest.mark.parametrize("command", [("demo",), ("sessions", "new")])
@pytest.mark.parametrize("folder", ["note.md", "note.md/deeper", "/proc/made"])
def test_a_folder_that_cannot_be_written_is_told_first(
    run: Run, home: Path, command: tuple[str, ...], folder: str
) -> None:
    """One sentence, exit 2, and no session was made, let alone paid for."""
    result = run(*command, "note.md", "--out", folder, code=2)
    assert result.out == ""
    assert result.err.startswith(f"{folder}: the finished files cannot be written there: ")
    assert len(result.err.splitlines()) == 1
    assert not (home / "atelier.db").exists()


def test_going_on_needs_a_folder_too(run: Run, session: str) -> None:
    """A session that is started later asks for its folder before it starts."""
    assert run("sessions", "start", session, "--out", "note.md", code=2).err.startswith("note.md: ")
    assert run("sessions", "show", session, "--json").json["status"] == "draft"


def test_a_grant_happens_once_a_key(run: Run, session: str) -> None:
    """The same key, run twice, grants once; the ledger and the audit log know."""
    arguments = (
        "credits",
        "grant",
        "terminal:local",
        "12.5",
        "--reason",
        "thanks",
        "--key",
        "ticket-7",
        "--yes",
        "--json",
    )
    first, second = run(*arguments).json, run(*arguments).json
    assert (first["granted"], second["granted"]) == (True, False)
    assert first["balance_credits"] == second["balance_credits"] == 12.5
    (entry,) = run("credits", "history", "terminal:local", "--json").json
    assert (entry["kind"], entry["credits"], entry["actor"], entry["reason"]) == ("grant", 12.5, "operator", "thanks")
    assert run("workspaces", "show", "terminal:local", "--json").json["balance_credits"] == 12.5


LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512) + "EncryptedPackage".encode("utf-16-le")
BUYING = re.compile(r"\b(credits?|tiers?|plans?|upgrade\w*|buy\w*|subscri\w+|balance)\b", re.IGNORECASE)


def test_where_nothing_is_sold_people_read_dollars(run: Run, session: str) -> None:
    """Cards, receipts, the ledger and workspaces as people read them; JSON stays in credits."""
    report = run("sessions", "show", session, "--json").json
    assert report["cap_credits"] > 0
    said = [
        run("sessions", "show", session).out,
        run("sessions", "list").out,
        run("workspaces", "list").out,
        run("workspaces", "show", "terminal:local").out,
        run("credits", "history", "terminal:local").out,
        run("sessions", "new", "--brief", "x", "--cap", "much", "--draft", code=2).err,
    ]
    assert "$" in said[0]
    assert [text for text in said if BUYING.search(text)] == []
    assert set(run("workspaces", "list", "--json").json[0]) >= {"tier", "balance_credits"}
    drafts = [run("sessions", "new", "--brief", "x", "--cap", cap, "--draft", "--json").json for cap in ("0.5", "$0.5")]
    assert [draft["cap_credits"] for draft in drafts] == [50, 50]


def test_what_was_granted_is_not_less_than_nothing_used(run: Run, session: str) -> None:
    """Where nothing is sold a grant shows as no negative use, neither of a workspace nor in its ledger."""
    run("credits", "grant", "terminal:local", "1000", "--reason", "thanks", "--key", "k", "--yes")
    assert run("workspaces", "list").out.splitlines()[1].endswith("$0.0000")
    assert run("workspaces", "list", "--json").json[0]["used_credits"] == 0
    said = run("workspaces", "show", "terminal:local").out, run("credits", "history", "terminal:local").out
    assert "used: $0.00" in said[0]
    assert "-$" not in "".join(said)


def test_people_read_words_not_values(run: Run, session: str) -> None:
    """What is not set says so, yes is yes, one is one, and a draft says how it starts."""
    shown = run("workspaces", "show", "terminal:local").out + run("models", "list").out
    assert not re.search(r"\b(None|True|False)\b|\(\)|: *$", shown.replace("settings:", ""), re.MULTILINE)
    assert "asks consent: yes" in shown
    run("credits", "grant", "terminal:local", "1", "--reason", "r", "--key", "k", "--yes")
    assert run("credits", "check").out == "1 account adds up to the micro-credit.\n"
    draft = run("sessions", "new", "--brief", "x", "--draft").out.splitlines()
    assert draft[-2].endswith(": not started yet.")
    assert draft[-1].startswith("Start it with: atelier sessions start s_")


def test_where_credits_are_sold_people_read_both(run: Run, session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every amount of the ledger has its dollars beside it; a cap is credits, unless it says dollars."""
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_nobody")
    run("credits", "grant", "terminal:local", "12.5", "--reason", "thanks", "--key", "k", "--yes")
    assert "12.50 ($0.1250)" in run("credits", "history", "terminal:local").out
    assert "12.50 ($0.1250)" in run("workspaces", "list").out
    assert "balance: 12.50 ($0.1250)" in run("workspaces", "show", "terminal:local").out
    drafts = [run("sessions", "new", "--brief", "x", "--cap", cap, "--draft", "--json").json for cap in ("50", "$0.5")]
    assert [draft["cap_credits"] for draft in drafts] == [50, 50]


def test_a_ledger_that_does_not_add_up_is_told(run: Run, session: str, home: Path) -> None:
    """`credits check` ends with 0 on a whole ledger, with 1 and the differences on a broken one."""
    run("credits", "grant", "terminal:local", "5", "--reason", "r", "--key", "k", "--yes")
    assert run("credits", "check", "--json").json == {"accounts": 1, "differences": []}
    with sqlite3.connect(home / "atelier.db") as connection:
        connection.execute("UPDATE credit_accounts SET posted_microcredits = posted_microcredits + 1")
    connection.close()
    broken = run("credits", "check", "--json", code=1).json
    assert broken["differences"]
    assert all(row["workspace"] == "terminal:local" for row in broken["differences"])


def test_workspaces_are_listed(run: Run, session: str) -> None:
    """The terminal is a workspace like any other, without a tier's limits."""
    (row,) = run("workspaces", "list", "--json").json
    assert (row["id"], row["tier"], row["sessions"], row["members"]) == ("terminal:local", "unlimited", 1, 1)


def test_the_schema_is_shown_and_made(run: Run) -> None:
    """`db current` ends with 1 until `db upgrade` has run."""
    assert run("db", "current", "--json", code=1).json["up_to_date"] is False
    run("db", "upgrade")
    assert run("db", "current", "--json").json["up_to_date"] is True


def test_models_are_listed(run: Run) -> None:
    """Every model with limits and prices; without a key the rehearsal model is the default."""
    rows = {row["id"]: row for row in run("models", "list", "--json").json}
    assert rows["rehearsal"]["default"]
    assert not any(row["configured"] for row in rows.values() if row["provider"] != "rehearsal")
    assert [row["id"] for row in run("models", "list", "--configured", "--json").json] == ["rehearsal"]


def test_extract_prints_markdown(run: Run) -> None:
    """The Markdown on standard output, exit 0; with --marked, the addresses that models see."""
    assert run("extract", "note.md").out.startswith("# Launch note\n\nWe will will launch")
    assert run("extract", "--marked", "note.md").out.startswith("[p1#")
    assert run("extract", "--text", "note.md").out.startswith("Launch note\n\nWe will will launch")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.txt", b"", "The file is empty."),
        ("broken.pdf", b"%PDF-1.7\nnothing", "The file is damaged."),
        ("broken.docx", b"PK\x03\x04 no", "The file is damaged. Its container"),
        ("locked.docx", LOCKED, "The file is locked with a password."),
        ("blank.md", "\ufeff \n".encode(), "The file is empty."),
        ("program.docx", b"\x7fELF" + bytes(64), "This kind of file cannot be read."),
    ],
)
def test_extract_says_what_is_wrong(run: Run, home: Path, name: str, data: bytes, said: str) -> None:
    """A file that cannot be read is one line on standard error that says nothing twice, exit 2."""
    (home / name).write_bytes(data)
    result = run("extract", name, code=2)
    assert result.out == ""
    assert result.err.startswith(said)
    assert len(result.err.splitlines()) == 1
    assert result.err.count(said) == 1
    assert result.err.count("damaged") <= 1
    assert "save it without" not in result.err.lower()


def test_the_doctor_finds_a_new_installation_well(run: Run) -> None:
    """Without keys everything is well, and said to be rehearsal."""
    report = run("doctor", "--json").json
    assert report["ok"] is True
    outcomes = {check["name"]: check["outcome"] for check in report["checks"]}
    assert outcomes["python"] == outcomes["settings"] == outcomes["files"] == "ok"
    assert outcomes["providers"] == "warning"


def test_the_doctor_calls_each_provider(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that does not answer makes the installation unwell: exit 1, and its name in the report."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("CUSTOM_MODELS", "local-model")
    report = run("doctor", "--json", code=1).json
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["provider openai"]["outcome"] == "failed"
    assert run("doctor", "--offline", "--json").json["ok"] is True


def test_the_doctor_tells_wrong_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that cannot be read are findings, not a crash."""
    monkeypatch.setenv("LOG_FORMAT", "xml")
    report = run("doctor", "--json", code=1).json
    assert {"name": "settings", "outcome": "failed", "detail": "LOG_FORMAT must be 'console' or 'json'."} in report[
        "checks"
    ]
