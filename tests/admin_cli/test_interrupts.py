"""Ctrl-C in front of a session that hangs: real processes, real signals, a provider that does not go on."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bots.settings import Settings
from core.providers.catalogue import Catalogue
from tests.admin_cli.conftest import ROOT, session_id_in
from tests.fakes.model import whoever_asks
from tests.fakes.model_peer import ModelPeer, Script
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.loopback]
_SECONDS = 60
_MODEL = "local-model"

Begin = Callable[..., Awaitable[Process]]


@pytest.fixture
async def peer() -> AsyncIterator[ModelPeer]:
    """A server of one's own, of the kind that OPENAI_BASE_URL names."""
    server = ModelPeer(Catalogue.load().with_custom(_MODEL))
    await server.start()
    server.answer = whoever_asks
    yield server
    await server.stop()


@pytest.fixture
async def begin(home: Path, peer: ModelPeer) -> AsyncIterator[Begin]:
    """Begin `atelier` as a process of its own, beside a loop that goes on serving it."""
    given = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}  # noqa: TID251 - a child needs PATH and HOME
    environment = {**given, "PYTHONPATH": str(ROOT), "OPENAI_BASE_URL": peer.base_url("openai")}
    processes: list[Process] = []

    async def _begin(*arguments: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "admin_cli", *arguments, cwd=home, env=environment, stdout=PIPE, stderr=PIPE
        )
        processes.append(process)
        return process

    yield _begin
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _read_to(process: Process, words: str) -> str:
    assert process.stdout is not None
    head = ""
    while words not in head:
        line = await asyncio.wait_for(process.stdout.readline(), _SECONDS)
        assert line, head
        head += line.decode()
    return head


async def _finish(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), _SECONDS)
    return process.returncode, out.decode(), err.decode()


async def test_a_second_ctrl_c_ends_at_once_and_nothing_is_lost(begin: Begin, peer: ModelPeer) -> None:
    """The first lets what is written be finished, and says so; the second does not wait, and says how to go on.

    What was under way then is asked for again, what was committed is not, and the ledger is exact.
    """
    editors = 3
    peer.script(Script(words=("{",), hangs=True, times=1_000))  # on a busy machine one may give up and ask again
    process = await begin("demo", "note.md", "--rounds", "1", "--model", _MODEL, "--out", "my files")
    session_id = session_id_in(await _read_to(process, "Price:"))

    async def all_hang() -> bool:
        return len(peer.requests) >= editors

    await until(all_hang)
    process.send_signal(signal.SIGINT)
    await _read_to(process, "Pausing: what is being written is finished first. Press Ctrl-C again to end at once.")
    assert process.returncode is None
    process.send_signal(signal.SIGINT)
    code, _, err = await _finish(process)
    assert code == 130
    assert err.splitlines()[-1] == f"Interrupted. Go on with: atelier sessions resume {session_id} --out 'my files'"

    asked = len(peer.requests)
    peer.behave()
    _, out, _ = await _finish(await begin("sessions", "show", session_id, "--json"))
    assert json.loads(out)["turns"] == []
    code, out, err = await _finish(await begin("sessions", "resume", session_id, "--json"))
    assert (code, err) == (0, "")
    after = json.loads(out)
    assert (after["status"], after["held_credits"]) == ("completed", 0)
    names = [(turn["round"], turn["role"]) for turn in after["turns"]]
    assert len(names) == len(set(names)) == 9
    assert len(peer.requests) == asked + len(names)
    _, out, _ = await _finish(await begin("credits", "check", "--json"))
    assert json.loads(out)["differences"] == []


async def test_one_ctrl_c_waits_for_what_is_written(begin: Begin, peer: ModelPeer) -> None:
    """After one Ctrl-C turns under way are finished and paid, nothing new starts, and the command ends with 0."""
    process = await begin("demo", "note.md", "--rounds", "1", "--model", _MODEL)
    await _read_to(process, "thinking")
    process.send_signal(signal.SIGINT)
    code, out, _ = await _finish(process)
    assert code == 0
    assert "Press Ctrl-C again" in out
    assert "Paused. Go on with: atelier sessions resume " in out
