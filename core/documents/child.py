"""Processes of our own that work on files: started without an environment, ended with everything they started."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_CHUNK: Final = 256 * 1024


def import_paths() -> list[str]:
    """Return where a child finds the product and its libraries."""
    return [str(_ROOT), *(path for path in sys.path if path)]


async def start_child(script: Path, argument: str) -> asyncio.subprocess.Process:
    """Start *script* with pipes for input and output, in a group of its own: Ctrl-C in a terminal is not for it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(script),
        argument,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        start_new_session=True,
    )


async def end_child(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the child's process group and reap the child, even if the caller is being cancelled."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    reaping = asyncio.ensure_future(_reap(process))
    try:
        await asyncio.shield(reaping)
    except asyncio.CancelledError:
        await reaping
        raise


async def _reap(process: asyncio.subprocess.Process) -> None:
    # What stands in a full pipe has to be read, or asyncio never sees its end and `wait` never returns.
    while process.stdout is not None and await process.stdout.read(_CHUNK):
        pass
    await process.wait()
