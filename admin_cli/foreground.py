"""Running a session here, in front of somebody: it is shown until it ends, parks or is paused by Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from admin_cli.output import DEFAULT_OUT, fail, program
from bots.terminal.chat import Mode, TerminalChat
from core.clock import SystemClock
from core.ids import derived_key
from core.orchestration.ports import Content, PostKind
from core.orchestration.snapshot import load_snapshot
from core.sessions.errors import NotPossibleNow
from core.sessions.model import WORKING, Session, Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from bots.bootstrap import Parts
    from core.orchestration.ports import Snapshot

LIVE_PACE_TOKENS_PER_SECOND = 500.0
_LOOK_SECONDS = 0.1
_POSTS_SECONDS = 15.0
_INTERRUPTED = 130
_UNANSWERED_PRESSES = 2


def make_chat(*, silent: bool) -> TerminalChat:
    """Return the terminal: on standard output, or nowhere when that belongs to a program."""
    console = Console(stderr=silent, highlight=False)
    return TerminalChat(console, clock=SystemClock(), mode=Mode.SILENT if silent else None)


def watchable_pace() -> float | None:
    """Return how fast the rehearsal model types: slowly enough to be watched where somebody watches."""
    return LIVE_PACE_TOKENS_PER_SECOND if sys.stdout.isatty() else None


async def run_here(
    parts: Parts, chat: TerminalChat, session: Session, begin: Callable[[], Awaitable[Session]], *, out: str
) -> Session:
    """Begin the session by *begin* and return it when it no longer works.

    Ctrl-C pauses: what is being written is finished, so that nothing paid for is thrown away. A second one ends the
    program at once; the session is found again by `atelier sessions resume`, which is told *out*, the folder for the
    finished files.
    """
    presses = 0
    pausing: set[asyncio.Task[Session]] = set()
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        nonlocal presses
        presses += 1
        if presses >= _UNANSWERED_PRESSES:
            chat.close()
            os.write(2, f"\nInterrupted. Go on with: {resume_hint(session.id, out)}\n".encode())
            os._exit(_INTERRUPTED)
        chat.say("Pausing: what is being written is finished first. Press Ctrl-C again to end at once.")
        pausing.add(loop.create_task(_pause(parts, session.id)))

    chat.focus = session.id
    chat.expect(await load_snapshot(parts.database, session.id, parts.tariff.unit))
    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        await begin()
        while (current := await parts.sessions.get(session.id)).status in WORKING:
            await parts.clock.sleep(_LOOK_SECONDS)
        await _posts_are_out(parts, session.id)
        await asyncio.gather(*pausing, return_exceptions=True)
        if not chat.printed:  # a worker of a service on the same database was faster, so nothing was posted here
            await watch(parts, chat, session.id)
        return current
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        chat.close()


def resume_hint(session_id: str, out: str) -> str:
    """Return what to type to go on, so that the files come where they were asked for."""
    folder = "" if out == DEFAULT_OUT else f" --out {shlex.quote(out)}"
    return f"{program()} sessions resume {session_id}{folder}"


async def _pause(parts: Parts, session_id: str) -> Session:
    try:
        return await parts.sessions.pause(session_id, actor="terminal:local/me")
    except NotPossibleNow:  # it ended a moment before the key was pressed
        return await parts.sessions.get(session_id)


async def _posts_are_out(parts: Parts, session_id: str) -> None:
    """Wait for the last posts: a session ends in one transaction, and its posts are sent afterwards."""
    deadline = parts.clock.monotonic() + _POSTS_SECONDS
    while parts.clock.monotonic() < deadline:
        if not await parts.database.read(lambda tx: tx.outbox.list_open(session_id=session_id)):
            return
        await parts.clock.sleep(_LOOK_SECONDS)


async def watch(parts: Parts, chat: TerminalChat, session_id: str) -> Session:
    """Show a session that runs elsewhere until it no longer works, from what it records; safe to interrupt."""
    chat.focus = session_id
    try:
        while True:
            snapshot = await load_snapshot(parts.database, session_id, parts.tariff.unit)
            for content, name in _contents(snapshot):
                await _print_once(chat, snapshot, content, name)
            if snapshot.session.status not in WORKING:
                return snapshot.session
            await parts.clock.sleep(_LOOK_SECONDS * 5)
    finally:
        chat.close()


def _contents(snapshot: Snapshot) -> Iterator[tuple[Content, str]]:
    """Yield what can be told by now, in order, each with a name."""
    yield Content(PostKind.SESSION_CARD, snapshot), "card"
    for round_ in snapshot.rounds:
        if round_.finished_at is not None:
            yield Content(PostKind.ROUND_CARD, snapshot, round=round_.number), f"round {round_.number}"
    session = snapshot.session
    if session.status is Status.WAITING:
        yield Content(PostKind.NOTICE, snapshot, code="parked"), f"parked {session.segment}"
    if session.end_reason is not None:
        files = tuple(file.id for file in snapshot.files if file.kind == "result")
        yield Content(PostKind.RESULT, snapshot, file_ids=files), f"result {session.segment}"
        yield Content(PostKind.RECEIPT, snapshot), f"receipt {session.segment}"


async def _print_once(chat: TerminalChat, snapshot: Snapshot, content: Content, name: str) -> None:
    key = derived_key(snapshot.session.id, "watch", name)
    if await chat.find(snapshot.session.thread, key, snapshot.session.created_at) is None:
        for part in chat.render(content):
            await chat.send(snapshot.session.thread, part, key=key)


def prepare_folder(folder: str) -> None:
    """Make the folder for the finished files, or end with one line that says why not: before anything is spent."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(
            dir=folder
        ):  # only writing tells: rights alone say nothing of a full or frozen disk
            pass
    except OSError as error:
        fail(f"{folder}: the finished files cannot be written there: {error.strerror or 'no reason was given'}.")
