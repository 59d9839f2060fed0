"""What commands print: tables for people, JSON for programs, errors as one sentence."""

from __future__ import annotations

import codecs
import io
import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from core.errors import AtelierError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bots.errors import DatabaseUnreachable
    from core.errors import UserFacingError
    from core.money import Unit

BAD_INPUT = 2
FAILED = 1
DEFAULT_OUT = "atelier-out"
_PIPE_COLUMNS = 10_000
_KEYS = {"anthropic": "ANTHROPIC_API_KEY", "google": "GOOGLE_API_KEY", "openai": "OPENAI_API_KEY"}


class CommandFailed(AtelierError):
    """A command cannot end as it should. Its text is the sentence for whoever typed it, with the way out."""


def print_anything() -> None:
    """Let standard output and error take every character: what their encoding lacks becomes a question mark.

    A pipe of an old system, or ``LC_ALL=C``, must not end a session that was paid for.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def program() -> str:
    """Return what to type to run this program again: ``atelier`` where the shell finds it, else the way to it."""
    called = Path(sys.argv[0])
    if called.name != "atelier" or not called.exists() or shutil.which("atelier") is not None:
        return "atelier"
    here = Path.cwd()
    return shlex.quote(str(called.absolute().relative_to(here) if called.absolute().is_relative_to(here) else called))


def print_json(value: Any) -> None:
    """Print one JSON value on standard output, in ASCII where that cannot take every character."""
    encoding = codecs.lookup(sys.stdout.encoding or "utf-8").name
    typer.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2, default=str))


def print_rows(rows: Sequence[dict[str, Any]], columns: Iterable[str], *, as_json: bool, empty: str) -> None:
    """Print *rows* as a table of *columns*, or as a JSON array of whole rows."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        typer.echo(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bots.views.streams import harmless

    table = Table(box=None, pad_edge=False)
    for column in columns:
        numeric = all(type(row.get(column)) in {int, float} for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless("" if row.get(column) is None else told(row[column]))) for column in columns))
    # in a pipe a row is a line, however long: programs read it
    Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS).print(table)


def told(value: Any) -> str:
    """Return *value* as people read it: ``yes``, ``not set``, ``anthropic, openai``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", (), []):
        return "not set"
    return ", ".join(told(item) for item in value) if isinstance(value, list | tuple) else str(value)


def say(text: str) -> None:
    """Print a line for people on standard error, so that standard output stays a program's."""
    typer.echo(text, err=True)


def sentence_of(error: AtelierError) -> str:
    """Return *error* in one sentence for people."""
    from bots.errors import BadSettings
    from bots.views.errors import words_for, words_for_code
    from core.errors import UserFacingError

    if isinstance(error, CommandFailed):
        return str(error)
    if isinstance(error, BadSettings):
        return " ".join(error.problems)
    if isinstance(error, UserFacingError):
        return _for_operator(error) or words_for(error, _unit()).sentence
    words = words_for_code("unavailable", _unit())
    return f"{words.title}. {type(error).__name__}: {error}"


def _for_operator(error: UserFacingError) -> str:
    """Return what whoever types commands is told besides, since it is the operator; empty for most errors."""
    from dataclasses import replace

    from bots.errors import DatabaseUnreachable
    from bots.views.errors import words_for
    from core.providers.errors import ProviderNotConfigured
    from core.sessions.errors import SessionNotFound

    way_out = ""
    if isinstance(error, ProviderNotConfigured):
        variable = _KEYS.get(error.provider) or f"one of {', '.join(_KEYS.values())}"
        way_out = f"Set {variable}, in the environment or in .env."
    elif isinstance(error, SessionNotFound) and error.session_id:
        way_out = f"`{program()} sessions list` shows which there are{_place_of_sessions()}."
    elif isinstance(error, DatabaseUnreachable) and (why := _trouble_with_file(error)):
        return (
            f"The database file {error.address} cannot be used ({why}). "
            "Is there room on the disk, and may you write in its folder?"
        )
    return replace(words_for(error, _unit()), way_out=way_out).sentence if way_out else ""


def _place_of_sessions() -> str:
    """Return where sessions are kept, if that depends on the folder; somebody who stands in another one finds none."""
    from bots.settings import load_settings

    settings = load_settings()
    path = settings.database_url.get_secret_value().partition(":///")[2]
    return f" in {Path(path).absolute()}" if settings.is_sqlite and not path.startswith("/") else ""


def _trouble_with_file(error: DatabaseUnreachable) -> str:
    """Return what SQLite says of its file; empty for a database that is no file."""
    from sqlite3 import Error

    cause: BaseException | None = error
    while cause is not None:
        found = (
            cause if isinstance(cause, Error) else getattr(cause, "orig", None)
        )  # SQLAlchemy's errors carry the driver's
        if isinstance(found, Error):
            return str(found)
        cause = cause.__cause__
    return ""


def read_amount(text: str, unit: Unit) -> int:
    """Return an amount that somebody typed, in micro-credits; end with one line if it is none."""
    import re

    if not re.fullmatch(r"\$?\d{1,9}(\.\d{1,6})?", text):
        fail(f"{text!r} is not an amount, such as 60 or $0.60.")
    return unit.read(text)


def _unit() -> Unit:
    """Return in which unit this installation shows amounts; dollars where nobody can tell."""
    from bots.errors import BadSettings
    from bots.settings import load_settings
    from core.money import Unit

    try:
        return Unit.CREDITS if load_settings().stripe_secret_key is not None else Unit.DOLLARS
    except BadSettings:
        return Unit.DOLLARS


def fail(text: str, *, code: int = BAD_INPUT) -> NoReturn:
    """Print one line on standard error and end with *code*."""
    say(" ".join(text.split()))
    raise typer.Exit(code)
