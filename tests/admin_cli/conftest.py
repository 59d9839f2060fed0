"""The command line in an empty folder, without anybody's settings."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from admin_cli.main import app
from bots.settings import Settings

ROOT = Path(__file__).parents[2]
NOTE = """# Launch note

We will will launch the the product in order to make use of it. It is very important that it works.

The color of the logo is red. The colour of the banner is blue. Basically, it is really good.
"""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a note in it, the working directory, and no variable of ours."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.md").write_text(NOTE)
    return tmp_path


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    """Run a command in this process."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    engine_handlers = logging.getLogger("dbos").handlers[:]  # the engine adds one, on the command's own stream

    def _run(*arguments: str, code: int = 0) -> Result:
        found = CliRunner().invoke(app, list(arguments))
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        result = Result(found.exit_code, found.stdout, found.stderr)
        assert result.code == code, result
        return result

    yield _run
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    logging.getLogger("dbos").handlers[:] = engine_handlers


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Start `atelier` as a process of its own; whatever still runs at the end of the test is killed."""
    environment = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}  # noqa: TID251 - a child needs PATH and HOME
    processes: list[subprocess.Popen[str]] = []

    def _start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "admin_cli", *arguments],
            cwd=home,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield _start
    for process in processes:
        process.kill()
        process.communicate()


def session_id_in(text: str) -> str:
    """Return the first session id in *text*."""
    found = re.search(r"s_[a-z2-7]{16}", text)
    assert found, text
    return found[0]
