"""Waiting for something that another task or process does."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 30.0) -> None:
    """Return as soon as *condition* holds; fail the test when it does not within *seconds*.

    It asks again and again because the other side cannot tell us; no test depends on how long it takes.
    """
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come true within {seconds} s")
        await asyncio.sleep(0.01)
