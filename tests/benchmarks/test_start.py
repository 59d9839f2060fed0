"""Starting is cheap, because SDKs are imported by those who use them."""

import pytest

from benchmarks.start import GOALS, cpu_seconds


@pytest.mark.slow
@pytest.mark.parametrize("what", GOALS)
def test_start_is_within_its_goal(what: str) -> None:
    """A fresh process needs no more CPU than the goal, in the best of three tries."""
    assert cpu_seconds(what, runs=3) <= GOALS[what]
