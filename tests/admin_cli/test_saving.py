"""Finished files come where they were asked for, over nothing that is not theirs, and words come whatever the terminal."""

import io
import json
import resource
import sys
from pathlib import Path

import pytest

from admin_cli.output import print_anything, print_json, program
from admin_cli.saving import _write
from tests.admin_cli.conftest import Run, Start


@pytest.mark.slow
@pytest.mark.loopback
def test_a_demo_writes_over_nothing_of_others(home: Path, start: Start, run: Run) -> None:
    """A file of that name stays as it is; the finished one gets a number and can be had again from the session."""
    made = home / "made"
    made.mkdir()
    (made / "note (edited).md").write_text("mine")
    out, err = start("demo", "note.md", "--rounds", "1", "--out", "made", "--json").communicate(timeout=120)
    assert err == ""
    report = json.loads(out)
    assert report["files"] == ["made/note (edited) (2).md"]
    assert (made / "note (edited).md").read_text() == "mine"
    saved = (made / "note (edited) (2).md").read_bytes()

    assert run("sessions", "save", report["session_id"], "--out", "made", "--json").json == report["files"]
    assert run("sessions", "save", report["session_id"], "--out", "else").out == "File: else/note (edited).md\n"
    assert (home / "else" / "note (edited).md").read_bytes() == saved
    assert sorted(path.name for path in made.iterdir()) == ["note (edited) (2).md", "note (edited).md"]

    (home / "wall").write_text("")
    said = run("sessions", "save", report["session_id"], "--out", "wall", code=1).err
    assert said.startswith("wall/note (edited).md cannot be written: ")
    assert f"atelier sessions save {report['session_id']} --out FOLDER" in said


def test_a_newer_file_of_the_same_session_takes_its_place(tmp_path: Path) -> None:
    """What this session wrote there before is replaced; what was changed since is not."""
    path = tmp_path / "a.docx"
    assert _write(path, b"one", [b"one"]) == path
    assert _write(path, b"two", [b"one", b"two"]) == path
    assert path.read_bytes() == b"two"
    path.write_bytes(b"changed")
    (tmp_path / "a (2).docx").mkdir()
    assert _write(path, b"three", [b"one", b"two", b"three"]) == tmp_path / "a (3).docx"
    assert path.read_bytes() == b"changed"


def test_a_file_on_its_way_takes_nobodys_place(tmp_path: Path) -> None:
    """A download of somebody's that is called a part stays, and the longest name that a disk takes is not too long."""
    part = tmp_path / "a.docx.part"
    part.write_bytes(b"theirs")
    _write(tmp_path / "a.docx", b"one", [b"one"])
    assert part.read_bytes() == b"theirs"
    longest = tmp_path / f"{'a' * 250}.docx"
    assert _write(longest, b"one", [b"one"]) == longest


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """A file that does not fit is not there at all, and the one before it stays whole."""
    path = tmp_path / "a.docx"
    path.write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            _write(path, bytes(50_000), [b"before"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.docx", b"before")]


def test_any_encoding_takes_any_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard output cannot show a sign a question mark stands for it, and JSON keeps every sign."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    print_anything()
    print("🧭 Müller")  # noqa: T201 - this is what is tested
    print_json({"name": "🧭 Müller"})

    said, _, written = raw.getvalue().partition(b"\n")
    assert said == b"? M?ller"
    assert json.loads(written) == {"name": "🧭 Müller"}


def test_hints_name_the_program_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer whose shell does not find `atelier` is told the way to it; elsewhere the name is enough."""
    there = tmp_path / ".venv" / "bin" / "atelier"
    there.parent.mkdir(parents=True)
    there.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(there)])
    assert program() == ".venv/bin/atelier"
    monkeypatch.chdir(there.parent)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "elsewhere" / ".." / ".venv" / "bin" / "atelier")])
    (tmp_path / "elsewhere").mkdir()
    assert program() == f"{tmp_path}/elsewhere/../.venv/bin/atelier"
    monkeypatch.setenv("PATH", str(there.parent))
    assert program() == "atelier"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "admin_cli" / "__main__.py")])
    assert program() == "atelier"


def test_a_database_file_that_cannot_be_used_says_why(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks for a server where a folder is missing, read-only or full."""
    (home / "folder.db").mkdir()
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:///./folder.db")
    said = run("sessions", "list", code=2).err
    assert said == (
        "The database file ./folder.db cannot be used (unable to open database file). "
        "Is there room on the disk, and may you write in its folder?\n"
    )


def test_a_session_that_nobody_knows_is_looked_for_in_a_place(home: Path, run: Run) -> None:
    """Somebody who stands in another folder than yesterday is told which database was asked."""
    said = run("sessions", "show", "s_nobody", code=2).err
    assert said.endswith(f"`atelier sessions list` shows which there are in {home}/atelier.db.\n")


@pytest.mark.parametrize(
    "group",
    ["", "billing", "credits", "db", "discord", "models", "projects", "sessions", "slack", "templates", "workspaces"],
)
def test_a_line_of_help_is_whole(run: Run, group: str) -> None:
    """What a command does stands in its list without being cut off, in eighty columns."""
    shown = run(*filter(None, [group]), "--help").out
    assert [line for line in shown.splitlines() if line.endswith("...") and not line.startswith("Usage")] == []


def test_a_workspace_that_nobody_knows_has_no_empty_list(run: Run) -> None:
    """A mistyped name is told from a workspace without projects."""
    assert run("projects", "list", "slack:T404", code=2).err.startswith("There is no workspace 'slack:T404'.")
