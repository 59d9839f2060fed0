"""Finished files of sessions, written where somebody wants them and over nothing that is not theirs."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated

import typer

from admin_cli.output import DEFAULT_OUT, CommandFailed, print_json, program

if TYPE_CHECKING:
    from collections.abc import Collection

    from bots.bootstrap import Parts
    from core.sessions.ports import Transaction


class OutputFailed(CommandFailed):
    """A result could not be written where somebody asked for it; it is kept in the session."""

    def __init__(self, path: Path, reason: str, session_id: str) -> None:
        super().__init__(
            f"{path} cannot be written: {reason}. Nothing is lost: make room or take another folder, then run "
            f"{program()} sessions save {session_id} --out FOLDER"
        )


def save(
    session_id: Annotated[str, typer.Argument(metavar="SESSION", help="The session's id, s_...")],
    out: Annotated[str, typer.Option(help="Folder for the finished files.")] = DEFAULT_OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write the finished files of a session into a folder.

    A file of that name which is not this session's stays: the new one gets a number.
    """
    from admin_cli.bootstrap import run

    async def work(parts: Parts) -> list[str]:
        return await save_results(parts, session_id, out)

    paths = run(work)
    if as_json:
        print_json(paths)
        return
    for path in paths:
        typer.echo(f"File: {path}")
    if not paths:
        typer.echo(f"It has no finished files yet. See how it stands with: {program()} sessions show {session_id}")


async def save_results(parts: Parts, session_id: str, folder: str) -> list[str]:
    """Write the newest result files of a session into *folder* and return their paths.

    What an earlier end of the same session left there is replaced by the newer file; what anybody else wrote, or changed
    since, is not.

    Raises:
        OutputFailed: If the folder cannot be written.
    """
    import asyncio

    session = await parts.sessions.get(session_id)

    def read(tx: Transaction) -> dict[str, list[str]]:
        keys: dict[str, list[str]] = {}
        for file in tx.sessions.list_files(session.id):
            if file.kind == "result":
                keys.setdefault(Path(file.name.replace("\\", "/")).name, []).append(file.storage_key)
        return keys

    paths: list[str] = []
    for name, keys in (await parts.database.read(read)).items():
        versions = [await parts.files.get(key) for key in keys]
        path = Path(folder) / name
        try:
            paths.append(str(await asyncio.to_thread(_write, path, versions[-1], versions)))
        except OSError as error:
            raise OutputFailed(path, error.strerror or "no reason was given", session_id) from error
    return paths


def _write(path: Path, data: bytes, ours: Collection[bytes]) -> Path:
    """Write *data* to *path*, or beside it where a file stands that is none of *ours*; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = (path if number == 1 else path.with_stem(f"{path.stem} ({number})") for number in count(1))
    free = next(one for one in names if not one.exists() or (one.is_file() and one.read_bytes() in ours))
    part = free.with_name(f".{token_hex(8)}.part")  # nobody's, and no longer than the name that it gets
    try:
        part.write_bytes(data)
        part.replace(free)
    finally:
        part.unlink(missing_ok=True)
    return free
