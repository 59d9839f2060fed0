"""What every benchmark shares: measuring a process, a mock provider in a process of its own, and the report."""

import asyncio
import contextlib
import json
import math
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil
from typing_extensions import override

_LAG_EVERY_SECONDS = 0.01
_MEMORY_EVERY_SECONDS = 0.1
_STATUS = Path("/proc/self/status")
_NUMBER = re.compile(r"[-_ ]?\d+\b.*$")  # of a thread in a pool, and what the library adds behind it
_REPOSITORY = Path(__file__).resolve().parent.parent


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below *share* (0 to 1) of *values*; 0.0 of none."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass
class Measurement:
    """What a stretch of work cost this process. Complete when its `measure` block has ended.

    Attributes:
        wall_seconds: Time that passed.
        cpu_seconds: User and system time of all threads.
        lags_ms: How much later than asked the event loop came back, sampled every 10 ms.
        rss_peak_mb: Highest resident memory of the process, from its start.
        threads: Most threads at once.
        cpu_by_thread: The CPU seconds of threads that were there at the end, those of a pool together.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    lags_ms: list[float] = field(default_factory=list)
    rss_peak_mb: float = 0.0
    threads: int = 0
    cpu_by_thread: dict[str, float] = field(default_factory=dict)

    @property
    def lag_p99_ms(self) -> float:
        """The loop's lag that 99 of 100 samples stayed below."""
        return percentile(self.lags_ms, 0.99)

    def cpu_ms_a(self, count: int) -> float:
        """Return CPU milliseconds for each of *count* things."""
        return self.cpu_seconds * 1000 / count if count else 0.0

    def look(self, process: psutil.Process) -> None:
        """Take memory and threads of *process* as they are now."""
        self.rss_peak_mb = max(self.rss_peak_mb, process.memory_info().rss / 2**20, _peak_since_start_mb())
        self.threads = max(self.threads, process.num_threads())


def _peak_since_start_mb() -> float:
    """Return the kernel's own peak where it keeps one (Linux); getrusage would count the parent's before exec."""
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _thread_seconds(process: psutil.Process) -> dict[int, float]:
    """Return the CPU seconds of every thread so far, by its number."""
    return {thread.id: thread.user_time + thread.system_time for thread in process.threads()}


def _by_name(before: Mapping[int, float], after: Mapping[int, float]) -> dict[str, float]:
    """Return what threads used between two looks, by name; ``other`` are those that Python did not start."""
    names = {thread.native_id: _NUMBER.sub("", thread.name) for thread in threading.enumerate()}
    used: dict[str, float] = {}
    for number, seconds in after.items():
        name = names.get(number, "other")
        used[name] = used.get(name, 0.0) + seconds - before.get(number, 0.0)
    return used


@dataclass(frozen=True, slots=True)
class Used:
    """What processes used so far.

    Attributes:
        cpu_seconds: User and system time.
        rss_mb: Resident memory.
    """

    cpu_seconds: float
    rss_mb: float


def used_by_children(script: str) -> Used:
    """Return what children of this process that run *script* used."""
    theirs = [child for child in psutil.Process().children() if any(script in word for word in child.cmdline())]
    times = [child.cpu_times() for child in theirs]
    return Used(
        cpu_seconds=sum(time.user + time.system for time in times),
        rss_mb=sum(child.memory_info().rss for child in theirs) / 2**20,
    )


@contextlib.asynccontextmanager
async def measure() -> AsyncIterator[Measurement]:
    """Measure what happens in the block, on the running loop."""
    taken = Measurement()
    process = psutil.Process()

    async def sample_lag() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_LAG_EVERY_SECONDS)
            taken.lags_ms.append(max(0.0, (time.perf_counter() - before - _LAG_EVERY_SECONDS) * 1000))

    async def sample_memory() -> None:
        while True:
            taken.look(process)
            await asyncio.sleep(_MEMORY_EVERY_SECONDS)

    samplers = [asyncio.create_task(sample_lag()), asyncio.create_task(sample_memory())]
    earlier = _thread_seconds(process)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield taken
    finally:
        taken.wall_seconds, taken.cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        taken.look(process)
        taken.cpu_by_thread = _by_name(earlier, _thread_seconds(process))
        for sampler in samplers:
            sampler.cancel()
        await asyncio.gather(*samplers, return_exceptions=True)


@contextlib.contextmanager
def mock_provider(*, ttft_ms: float = 0.0, tps: float = 0.0) -> Iterator[str]:
    """Run `benchmarks.mock_server` in a process of its own and give its base url."""
    command = [sys.executable, "-m", "benchmarks.mock_server", "--ttft-ms", str(ttft_ms), "--tps", str(tps)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_REPOSITORY) as server:
        try:
            if server.stdout is None:
                raise RuntimeError("the mock provider has no output")
            base_url = server.stdout.readline().strip()
            if not base_url:
                raise RuntimeError(f"the mock provider did not start: exit {server.wait()}")
            yield base_url
        finally:
            server.terminate()


def run_fresh(module: str, *arguments: str) -> dict[str, Any]:
    """Run ``python -m module ... --json`` in a fresh process and return the object that it printed last.

    Raises:
        subprocess.CalledProcessError: If it failed; what it wrote to stderr was passed on.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=_REPOSITORY,
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def medians(reports: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the median of every number that all *reports* have; booleans are no numbers."""
    shared = set.intersection(*(set(report) for report in reports)) if reports else set()
    return {
        name: statistics.median(report[name] for report in reports)
        for name in sorted(shared)
        if all(isinstance(report[name], int | float) and not isinstance(report[name], bool) for report in reports)
    }


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under one head, printed with aligned columns."""

    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...] = ()

    def with_row(self, *cells: object) -> Self:
        """Return the table with one more row."""
        return type(self)(self.head, (*self.rows, cells))

    @override
    def __str__(self) -> str:
        lines = [self.head, *(tuple(_cell(cell) for cell in row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head))]
        return "\n".join(_aligned(line, widths) for line in lines)


def _cell(value: object) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else str(value)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(line, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]).rstrip()


def show(table: Table, report: Mapping[str, Any], *, as_json: bool) -> None:
    """Print *report* as one line of JSON, or *table* for people."""
    print(json.dumps(report, sort_keys=True) if as_json else table)
