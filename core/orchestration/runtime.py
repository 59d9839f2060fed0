"""The one permitted global: what the durable workflow works with.

The engine registers workflows at import and passes them JSON only, so the workflow finds its collaborators here. The
bootstrap fills the slot before the engine starts.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol


class Runner(Protocol):
    """Runs one durable step of a session; see `core.orchestration.segment.SegmentRunner`."""

    async def step(self, session_id: str, segment: int) -> Mapping[str, Any]:
        """Run one round, or the end, and say what follows."""
        ...


_runner: Runner | None = None
_jobs: dict[str, Callable[[], Awaitable[None]]] = {}


def set_runner(runner: Runner | None) -> None:
    """Fill or empty the slot."""
    global _runner  # noqa: PLW0603 - the one slot, see above
    _runner = runner


def get_runner() -> Runner:
    """Return what the bootstrap put here.

    Raises:
        RuntimeError: If this process does not run sessions.
    """
    if _runner is None:
        raise RuntimeError("the bootstrap has not set the runner: this process does not run sessions")
    return _runner


def set_jobs(jobs: dict[str, Callable[[], Awaitable[None]]]) -> None:
    """Name the jobs that the scheduler enqueues."""
    _jobs.clear()
    _jobs.update(jobs)


def get_job(name: str) -> Callable[[], Awaitable[None]]:
    """Return the job *name*; KeyError if there is none."""
    return _jobs[name]
