"""A worker that a test kills: real store, real engine, real slots, a scripted model, and a platform in a file.

Run as ``python -m tests.scenarios.chaos_worker DATABASE_URL ENGINE_URL FOLDER SESSIONS ROUNDS``. It creates the sessions once,
runs them, and exits with 0 when all have ended. Every model call and every post is one line in a file of *FOLDER*,
written before anything else can happen, as a provider and a platform would remember them.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core.clock import SystemClock
from core.orchestration import runtime
from core.orchestration.engine import DbosEngine, EngineConfig
from core.orchestration.ports import Content, Part, Progress
from core.providers.base import Listener, Reply, Request
from core.sessions.model import ENDED, Session, ThreadRef
from storage.database import Database
from storage.durable import executor_slots, sqlite_engine
from tests.core.orchestration.harness import Harness
from tests.fakes.chat import plain_parts
from tests.fakes.model import ScriptedModel, helpful

SCORES = {number: 5.0 + number / 5 for number in range(20)}
_CALL_SECONDS = 0.05
_POST_SECONDS = 0.005


class FileChat:
    """A `core.orchestration.ports.ChatPort` whose platform is a file that outlives the worker."""

    platform = "fake"

    def __init__(self, path: Path) -> None:
        self._path = path

    def render(self, content: Content) -> Sequence[Part]:
        return plain_parts(content)

    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        found = await self.find(session.thread, key, since) if since is not None else None
        post_id = found or await self.send(session.thread, card, key=key)
        return replace(session.thread, thread=post_id, card=post_id)

    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        append(self._path, {"key": key, "text": part.text})
        await asyncio.sleep(_POST_SECONDS)  # the answer travels: a kill here loses it
        return key

    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        await asyncio.sleep(_POST_SECONDS)
        return post_id

    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        return next((line["key"] for line in read_lines(self._path) if line["key"] == key), None)

    def progress(self, update: Progress) -> None:
        """Nobody watches."""


class FolderFiles:
    """A `core.sessions.ports.FileStore` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, data: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    async def get(self, key: str) -> bytes:
        return (self._folder / key).read_bytes()

    async def delete(self, key: str) -> None:
        (self._folder / key).unlink(missing_ok=True)


class CountedModel:
    """A scripted model whose calls are remembered by turn, and take a moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = ScriptedModel(helpful(SCORES))

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        append(self._path, {"turn": request.labels["turn"]})
        await asyncio.sleep(_CALL_SECONDS)
        return await self._model.complete(request, listener)


def append(path: Path, line: dict[str, str]) -> None:
    """Add one line in one write."""
    with path.open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")


def read_lines(path: Path) -> list[dict[str, str]]:
    """Return every whole line."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


async def run(database_url: str, engine_url: str, folder: Path, sessions: int, rounds: int) -> None:
    """Take a slot, recover, run until every session has ended."""
    slot = await executor_slots(engine_url).take(lambda _: os._exit(3))
    store = Database.from_url(database_url)
    room = Harness(store, SystemClock(), CountedModel(folder / "calls"))
    room.chat = FileChat(folder / "posts")  # type: ignore[assignment]  # another ChatPort
    room.files = FolderFiles(folder / "files")
    room.rebuild()
    runtime.set_runner(room.runner)
    engine = DbosEngine(
        EngineConfig(engine_url, slot.id, sqlite_engine=sqlite_engine(engine_url), polling_seconds=0.02)
    )
    await engine.start()
    room.use(engine)
    if not await room.service.list_sessions(limit=1):
        await room.found(tier="unlimited")
    for _ in range(sessions - len(await room.service.list_sessions(limit=sessions))):
        await room.service.create(room.request(rounds=rounds))
    for session in await room.service.list_sessions(limit=sessions):
        if session.status == "draft":
            await room.service.start(session.id, actor="test")
    append(folder / "ready", {"pid": str(os.getpid())})
    while True:
        await room.service.sweep()
        found = await room.service.list_sessions(limit=sessions)
        if all(session.status in ENDED for session in found):
            break
        await asyncio.sleep(0.05)
    for session in found:
        await room.poster.flush(session.id)
    await engine.aclose(finish_seconds=5)
    await store.aclose()
    await slot.release()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
