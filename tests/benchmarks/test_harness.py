"""The harness measures this process, runs others, and prints what it found."""

import asyncio
import json
import time

import aiohttp
import pytest

from benchmarks.harness import Table, measure, medians, mock_provider, percentile, show


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.99, 0.0), ([7.0], 0.99, 7.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([float(n) for n in range(1, 101)], 0.99, 99.0)],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    """The percentile is a value that was really seen."""
    assert expected == percentile(values, share)


async def test_a_blocked_loop_shows_as_lag() -> None:
    """What holds the loop for 50 ms is seen as a lag of about that, with its CPU, memory and threads."""
    async with measure() as taken:
        await asyncio.sleep(0.02)
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        await asyncio.sleep(0.02)
    assert taken.lag_p99_ms >= 35
    assert taken.cpu_seconds >= 0.03
    assert taken.wall_seconds >= 0.09
    assert taken.rss_peak_mb > 10
    assert taken.threads >= 1
    assert taken.cpu_ms_a(10) == pytest.approx(taken.cpu_seconds * 100)


@pytest.mark.loopback
async def test_the_mock_provider_runs_in_its_own_process() -> None:
    """The context gives the address of a server that answers, and ends it."""
    with mock_provider(ttft_ms=400, tps=80) as base_url:
        async with (
            aiohttp.ClientSession() as http,
            http.get(base_url.removesuffix("/v1") + "/bound?rounds=3&editors=3") as response,
        ):
            bound = (await response.json())["bound_seconds"]
    assert bound == pytest.approx(3 * (3 * 0.4 + (199 + 59 + 59) / 80))


def test_medians_take_shared_numbers_only() -> None:
    """Names that a run lacks, text and booleans have no median."""
    runs: list[dict[str, object]] = [
        {"a": 1, "b": 2.0, "c": "x", "d": True},
        {"a": 3, "b": 4.0, "c": "y", "d": True, "e": 1},
        {"a": 2, "b": 9, "c": "z", "d": True},
    ]
    assert medians(runs) == {"a": 2, "b": 4.0}


def test_a_table_aligns_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """A table is for eyes, the report is one line of JSON."""
    table = Table(("name", "ms")).with_row("one", 1.5).with_row("a longer one", 1234.0)
    show(table, {"b": 1, "a": 2}, as_json=False)
    show(table, {"b": 1, "a": 2}, as_json=True)
    *lines, report = capsys.readouterr().out.splitlines()
    assert lines == ["name                 ms", "one               1.500", "a longer one  1,234.000"]
    assert json.loads(report) == {"a": 2, "b": 1}
