"""A whole session from the command line, as a newcomer runs it: processes, signals, files."""

import json
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.admin_cli.conftest import Run, Start, session_id_in

pytestmark = [pytest.mark.slow, pytest.mark.loopback]
_SECONDS = 120


def _finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=_SECONDS)
    return process.returncode, out, err


def test_a_demo_in_json(home: Path, start: Start) -> None:
    """One JSON object on standard output and nothing else; money adds up; the files exist."""
    arguments = ("demo", "note.md", "--brief", "Tighten it", "--rounds", "2", "--threshold", "10", "--out", "made")
    code, out, err = _finish(start(*arguments, "--json"))
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert (report["status"], report["end_reason"], report["rounds"]) == ("completed", "rounds", 2)
    seats = [(turn["round"], turn["phase"]) for turn in report["turns"]]
    assert sorted(seats) == sorted(
        (number, phase)
        for number in (0, 1, 2)
        for phase in ("writer", "editor", "editor", "editor", "synthesizer")
        if number or phase != "writer"
    )
    assert sum(turn["microcredits"] for turn in report["turns"]) == report["microcredits_total"]
    assert report["held_credits"] == 0
    assert [version["number"] for version in report["versions"]] == [0, 1, 2]
    (path,) = report["files"]
    assert (home / path).read_text().startswith("---\n")
    assert "will will" not in (home / path).read_text()


def test_a_demo_in_plain_lines_tells_the_whole_story(start: Start) -> None:
    """Quote, who does what, rounds, result, receipt, files: every post says rehearsal, no control codes in a pipe."""
    code, out, _ = _finish(start("demo", "note.md", "--rounds", "1", "--editors", "2", "--out", "made"))
    assert code == 0
    order = [
        "Price:",
        "Reading, Style editor: finished",
        "Reading (rehearsal)",
        "Round 1, Writer",
        "Round 1 (rehearsal)",
    ]
    order += [
        "Result (rehearsal): note.md",
        "Receipt (rehearsal)",
        "File: made/",
        "All comments: atelier sessions comments",
    ]
    positions = [out.find(text) for text in order]
    assert min(positions) >= 0, out
    assert positions == sorted(positions)
    assert "\x1b" not in out


def test_a_demo_of_comments_only(start: Start, run: Run) -> None:
    """With --notes-only the editors read and nobody writes; every comment can be read afterwards."""
    code, out, err = _finish(start("demo", "note.md", "--notes-only", "--json"))
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["status"] == "completed"
    assert report["notes"]
    assert "writer" not in {turn["phase"] for turn in report["turns"]}
    rows = run("sessions", "comments", report["session_id"], "--json").json
    assert [row["id"] for row in rows] == [note["id"] for note in report["notes"]]
    said = run("sessions", "comments", report["session_id"], "--round", "0").out
    assert said.startswith(f"Comments of reading: {len(rows)} comments")
    assert "**" not in said
    assert [row["comment"] for row in rows if row["comment"] not in said] == []
    assert run("sessions", "comments", report["session_id"], "--round", "1", "--json").json == []
    assert [version["number"] for version in report["versions"]] == [0]


def test_ctrl_c_pauses_and_resume_goes_on(start: Start) -> None:
    """Ctrl-C finishes what is being written and says what to type; nothing that was paid for is done again."""
    process = start("demo", "note.md", "--rounds", "2", "--threshold", "10", "--out", "my files")
    assert process.stdout is not None
    head = ""
    while "thinking" not in head:
        line = process.stdout.readline()
        assert line, head
        head += line
    process.send_signal(signal.SIGINT)
    code, out, _ = _finish(process)
    session_id = session_id_in(head)
    if f"Paused. Go on with: atelier sessions resume {session_id} --out 'my files'" not in out:
        assert "Paused." not in out
        pytest.skip("the session was over before the signal came")
    assert code == 0
    before = json.loads(_finish(start("sessions", "show", session_id, "--json"))[1])
    assert (before["status"], before["held_credits"]) == ("paused", 0)
    code, out, _ = _finish(start("sessions", "resume", session_id, "--json"))
    after = json.loads(out)
    assert (code, after["status"]) == (0, "completed")
    assert after["turns"][: len(before["turns"])] == before["turns"]


def test_a_session_that_was_killed_goes_on_by_itself(start: Start) -> None:
    """Kill -9 while it works: whatever runs sessions next finishes it, from the turns that were committed."""
    process = start("demo", "note.md", "--rounds", "2", "--threshold", "10")
    assert process.stdout is not None
    head = ""
    while "finished" not in head:
        line = process.stdout.readline()
        assert line, head
        head += line
    process.kill()
    _finish(process)
    session_id = session_id_in(head)
    code, out, _ = _finish(start("sessions", "resume", session_id, "--json"))
    after = json.loads(out)
    assert (code, after["status"]) == (0, "completed")
    names = [(turn["round"], turn["role"]) for turn in after["turns"]]
    assert len(names) == len(set(names)) == 14
    check = json.loads(_finish(start("credits", "check", "--json"))[1])
    assert check["differences"] == []


def test_one_more_round_and_continue(start: Start, run: Run) -> None:
    """A session that is over takes one more round, or goes on with directions, in the money that it began with."""
    done = json.loads(_finish(start("demo", "note.md", "--rounds", "1", "--threshold", "10", "--json"))[1])
    more = json.loads(_finish(start("sessions", "more", done["session_id"], "--json"))[1])
    assert (more["status"], more["rounds"]) == ("completed", 2)
    # a written token is priced like five that are read
    rates = {turn["microcredits"] / (turn["input_tokens"] + 5 * turn["output_tokens"]) for turn in more["turns"]}
    assert len(rates) == 1
    further = json.loads(_finish(start("sessions", "continue", done["session_id"], "Shorter, please", "--json"))[1])
    assert (further["status"], further["rounds"]) == ("completed", 3)
    watched = run("sessions", "watch", done["session_id"]).out
    assert "Receipt" in watched
    assert "Balance: 9" in watched
    assert " credits ($" in run("sessions", "show", done["session_id"]).out


def test_the_service_starts_tells_and_drains(start: Start) -> None:
    """`serve` answers on its port, runs a draft that was started elsewhere, and ends with 0 at SIGTERM."""
    draft = json.loads(_finish(start("sessions", "new", "note.md", "--rounds", "1", "--draft", "--json"))[1])
    service = start("serve", "--port", "0")
    assert service.stderr is not None
    line = ""
    while "http: listens on " not in line:
        line = service.stderr.readline()
        assert line
    address = line.partition("listens on ")[2].strip()
    with urlopen(f"{address}/readyz", timeout=20) as answer:  # noqa: S310 - our own address
        assert json.load(answer)["checks"] == {"database": "ok", "engine": "ok"}
    code, out, _ = _finish(start("sessions", "start", draft["session_id"], "--detach"))
    assert (code, out.splitlines()[-1]) == (0, f"{draft['session_id']}: starts in a moment.")
    watched = json.loads(_finish(start("sessions", "watch", draft["session_id"], "--json"))[1])
    assert watched["status"] == "completed"
    with urlopen(f"{address}/metrics", timeout=20) as answer:  # noqa: S310 - our own address
        assert b'atelier_sessions{status="completed"} 1.0' in answer.read()
    service.send_signal(signal.SIGTERM)
    code, _, err = _finish(service)
    assert (code, err.splitlines()[-1]) == (0, "stopped")
