"""Writing finished files beside the loop: in a thread for one session, in a process of its own for a server.

A Word file takes some milliseconds of an interpreter that hundreds of sessions share, and a large one takes seconds.
A process of its own takes neither that time nor the libraries' memory from them, and dies alone.
"""

import asyncio
import gc
import json
import pickle
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from core.documents.child import end_child, import_paths, start_child
from core.documents.errors import ExportFailed, UnsupportedCharacters, place_of
from core.documents.model import Document, SourceFormat

_CHILD: Final = Path(__file__).with_name("export_child.py")
_MEGABYTE: Final = 1024 * 1024
_MEMORY_BYTES: Final = 1024 * _MEGABYTE
_WALL_SECONDS: Final = 120.0
_IDLE_SECONDS: Final = 60.0
_MOST_ORDERS: Final = 1_000  # of one process: what its libraries lose of memory goes with it


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """A file to write; see `core.documents.writers.export.export`, and `core.documents.writers.mark.Mark` for the mark.

    Attributes:
        document: What is exported.
        target: The format of the file.
        version: Of the product.
        session_id: Where the text was made.
        models: What made it.
        ai_share: How much of it they made, 0.0 to 1.0.
        written_at: The date that a file which is written anew gives as its own.
        original: The upload, if there was one.
        base: What was read from it.
    """

    document: Document
    target: SourceFormat
    version: str
    session_id: str
    models: tuple[str, ...]
    ai_share: float
    written_at: datetime
    original: bytes | None = None
    base: Document | None = None


class Exporter(Protocol):
    """Writes files. Closing it twice is allowed, using it afterwards is not."""

    async def export(self, order: ExportOrder) -> bytes:
        """Return the file that *order* describes.

        Raises:
            UnsupportedCharacters: If the fonts of a PDF lack characters of the text.
            ExportFailed: If writing it took all time or memory allowed, or broke the writer.
        """
        ...

    async def aclose(self) -> None: ...


def run_order(order: ExportOrder) -> bytes:
    """Write the file, here and now; raises what `Exporter.export` does."""
    # The writers' libraries take a third of a second to import: only a process that exports pays for it.
    from core.documents.writers.export import export  # noqa: PLC0415
    from core.documents.writers.mark import Mark  # noqa: PLC0415

    mark = Mark("Atelier", order.version, order.session_id, order.models, order.ai_share)
    try:
        return export(
            order.document,
            order.target,
            mark=mark,
            written_at=order.written_at,
            original=order.original,
            base=order.base,
        )
    except UnsupportedCharacters:
        raise
    except Exception as error:  # whatever breaks in a writer, the text itself can still go out in another format
        raise ExportFailed(place_of(error)) from error
    finally:
        # A Word file in memory is a ring of objects around megabytes that the collector cannot see: let it look now.
        gc.collect(1)


class ThreadExporter:
    """See `Exporter`: in one thread of this process, for commands that run one session."""

    def __init__(self) -> None:
        # One thread: exports compete for the interpreter anyway, and each thread that ever exported keeps its own
        # arena of memory, several megabytes of it.
        self._thread = ThreadPoolExecutor(1, "atelier-export")

    async def export(self, order: ExportOrder) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._thread, run_order, order)

    async def aclose(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class ProcessExporter:
    """See `Exporter`: in one process, which starts with the first order and ends when none came for a while.

    Args:
        wall_seconds: How long one file may take.
        idle_seconds: How long the process waits for the next order.
        memory_bytes: Its address space.
    """

    def __init__(
        self,
        *,
        wall_seconds: float = _WALL_SECONDS,
        idle_seconds: float = _IDLE_SECONDS,
        memory_bytes: int = _MEMORY_BYTES,
    ) -> None:
        self._wall_seconds = wall_seconds
        self._idle_seconds = idle_seconds
        self._memory_bytes = memory_bytes
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._orders = 0
        self._idle: asyncio.Task[None] | None = None
        self.queued = 0
        """How many orders it has, the one that it works on included."""

    async def export(self, order: ExportOrder) -> bytes:
        self.queued += 1
        try:
            kind, data = await self._export(pickle.dumps(order))
        finally:
            self.queued -= 1
        return data if kind == b"F" else _raise(json.loads(data))

    async def _export(self, request: bytes) -> tuple[bytes, bytes]:
        async with self._turn:
            try:
                answer = await self._answer(request)
                self._orders += 1
                if self._orders >= _MOST_ORDERS:
                    await self._end()
            finally:
                if self._process is not None:  # also where the order was cancelled before it was sent
                    self._idle = asyncio.create_task(self._end_when_idle())
        return answer

    async def aclose(self) -> None:
        async with self._turn:
            await self._wake_none()
            await self._end()

    async def _answer(self, request: bytes) -> tuple[bytes, bytes]:
        """Return the answer to *request*; a process that has worked before may have died before, so it is not blamed."""
        while True:
            await self._wake()
            try:
                async with asyncio.timeout(self._wall_seconds):
                    return await self._exchange(request)
            except TimeoutError as error:
                await self._end()
                raise ExportFailed(f"it took more than {self._wall_seconds:g} seconds") from error
            except (OSError, asyncio.IncompleteReadError) as error:
                await self._end()
                if self._orders == 0:
                    raise ExportFailed("its process died") from error
            except BaseException:  # half an exchange cannot be gone on with
                await self._end()
                raise

    async def _wake(self) -> None:
        """Make sure that there is a process, and that it stays."""
        await self._wake_none()
        if self._process is not None and self._process.returncode is not None:  # the system may have ended it
            await self._end()
        if self._process is None:
            order = {"paths": import_paths(), "memory_bytes": self._memory_bytes}
            try:
                self._process = await start_child(_CHILD, json.dumps(order))
            except OSError as error:  # no memory, or too many processes
                raise ExportFailed(f"no process could be started: {type(error).__name__}") from error
            self._orders = 0

    async def _wake_none(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.cancel()
            await asyncio.wait([idle])

    async def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the child was started without pipes")
        process.stdin.write(struct.pack(">I", len(request)) + request)
        await process.stdin.drain()
        kind, size = struct.unpack(">cI", await process.stdout.readexactly(5))
        return kind, await process.stdout.readexactly(size)

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_seconds)
        async with self._turn:
            self._idle = None
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end_child(process)


class ExporterPool:
    """See `Exporter`: a few processes, so that a file that takes long holds up nobody.

    Each order goes to the first that has the least to do: a further one starts when all before it are at work.

    Args:
        most: How many processes there may be.
    """

    def __init__(self, most: int = 2) -> None:
        self._exporters = [ProcessExporter() for _ in range(most)]

    async def export(self, order: ExportOrder) -> bytes:
        return await min(self._exporters, key=lambda one: one.queued).export(order)

    async def aclose(self) -> None:
        for exporter in self._exporters:
            await exporter.aclose()


def _raise(said: dict[str, object]) -> bytes:
    """Raise the error that the child told."""
    if isinstance(characters := said.get("characters"), list):
        raise UnsupportedCharacters(tuple(str(one) for one in characters))
    raise ExportFailed(str(said.get("fault", "")))
