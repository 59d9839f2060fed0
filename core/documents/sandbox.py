"""Reading uploads in a child process with hard limits: a hostile file costs one clear error and never the service."""

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from core.documents.child import end_child, import_paths, start_child
from core.documents.errors import UnreadableFile
from core.documents.model import Document
from core.documents.readers.limits import Limits

__all__ = ["Limits", "Sandbox"]

_CHILD: Final = Path(__file__).with_name("sandbox_child.py")
_MEGABYTE: Final = 1024 * 1024
_CHUNK: Final = 256 * 1024
_LONGEST_NAME: Final = 255


class Sandbox:
    """Reads files, each in a process of its own: without environment, with bounded memory, time and output.

    Args:
        limits: What one file may cost.
        concurrency: How many are read at once; further ones wait, and their clock does not run.
    """

    def __init__(self, limits: Limits | None = None, *, concurrency: int = 2) -> None:
        self._limits = limits or Limits()
        self._free = asyncio.Semaphore(concurrency)

    async def read(self, data: bytes, *, name: str, max_bytes: int | None = None, platform: str = "") -> Document:
        """Return the document in *data*.

        Cancelling kills the child and waits until it is gone.

        Args:
            data: The upload.
            name: Its name; only a title comes from it.
            max_bytes: The platform's own limit, if it is lower.
            platform: Who has that limit; named in the refusal.

        Raises:
            UnreadableFile: With any of its codes.
        """
        self._check_size(len(data), max_bytes, platform)
        async with self._free:
            status, output = await self._run(data, name)
        return self._document(status, output)

    def _check_size(self, size: int, max_bytes: int | None, platform: str) -> None:
        lower = max_bytes is not None and max_bytes < self._limits.upload_bytes
        limit = max_bytes if lower and max_bytes is not None else self._limits.upload_bytes
        if size > limit:
            whose = f"{platform}'s limit" if lower and platform else "the limit"
            reason = f"The file has {size / _MEGABYTE:.1f} MB; {whose} is {limit / _MEGABYTE:g} MB."
            raise UnreadableFile("file_too_large", reason)

    async def _run(self, data: bytes, name: str) -> tuple[int, bytes]:
        """Return exit status and output of a child that read *data*."""
        order = {"limits": asdict(self._limits), "paths": import_paths(), "name": name[:_LONGEST_NAME]}
        process = await start_child(_CHILD, json.dumps(order))
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                output = await self._exchange(process, data)
                return await process.wait(), output
        except TimeoutError as error:
            raise _too_slow() from error
        finally:
            await end_child(process)

    async def _exchange(self, process: asyncio.subprocess.Process, data: bytes) -> bytes:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the child was started without pipes")
        # A child that dies early closes the pipe; its exit status says why.
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(data)
            await process.stdin.drain()
            process.stdin.close()
            await process.stdin.wait_closed()
        output = bytearray()
        while chunk := await process.stdout.read(_CHUNK):
            output += chunk
            if len(output) > self._limits.output_bytes:
                raise UnreadableFile("file_too_large", "The text of the file is too long to be worked on.")
        return bytes(output)

    def _document(self, status: int, output: bytes) -> Document:
        if status != 0:
            raise _died(status, self._limits)
        try:
            answer: dict[str, Any] = json.loads(output)
            if "document" in answer:
                return Document.from_json(answer["document"])
            refusal = UnreadableFile(answer["code"], answer["reason"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableFile("file_hostile", "Reading this file brought the parser down.") from error
        if "fault" in answer:
            refusal.add_note(answer["fault"])
        raise refusal


def _too_slow() -> UnreadableFile:
    return UnreadableFile("file_timeout", "It is damaged, or made to waste time.")


def _died(status: int, limits: Limits) -> UnreadableFile:
    """Return what the end of a child that gave no answer means."""
    if status == -signal.SIGXCPU:
        return _too_slow()
    if status == -signal.SIGKILL:
        limit = limits.memory_bytes // _MEGABYTE
        return UnreadableFile("file_hostile", f"Reading this file takes more than the {limit} MB or the time allowed.")
    return UnreadableFile("file_hostile", "Reading this file brought the parser down; it is damaged or hostile.")
