"""What an answer of Discord's that is an error reads as in discord.py."""

from collections.abc import Iterator
from contextlib import contextmanager

import discord
import pytest


@contextmanager
def refused(status: int, code: int, text: str = "") -> Iterator[None]:
    """Expect discord.py to raise *status* and *code*, with *text* in what it says."""
    with pytest.raises(discord.HTTPException) as caught:
        yield
    assert (caught.value.status, caught.value.code) == (status, code), str(caught.value)
    assert text in str(caught.value)
