"""The benchmark of acknowledgements runs, and its goals are far from what it finds."""

import pytest

from benchmarks.ack import run

pytestmark = [pytest.mark.loopback, pytest.mark.slow]


def test_commands_are_acknowledged_whatever_the_load() -> None:
    """Every answer is 200 and has words; figures are plausible (the goals are `make bench`'s, on a machine at rest)."""
    report = run(requests=80, seconds=1.0, pairs=1)
    assert (report["requests"], report["not_200"]) == (100, 0)
    assert report["forms"] == report["forms_due"] == 25
    assert 0 < report["p50_ms"] <= report["p99_ms"] <= report["max_ms"]
    assert report["cpu_ms_bare"] > 0
    assert report["cpu_over_bare"] > 0
