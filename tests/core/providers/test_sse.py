"""The decoder of server-sent events."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.providers.sse import SseDecoder, SseTooLarge

STREAM = (
    b": keep-alive\n\n"
    b'event: message\r\ndata: {"a":1}\r\n\r\n'
    b"data: one\ndata: two\n\n"
    b"id: 7\ndata:tight\n\n"
    b"event: nothing\n\n"
    b"data: \xc3\xa9\r\n\r\n"
    b"data: [DONE]\n\n"
)
DATA = [b'{"a":1}', b"one\ntwo", b"tight", b"\xc3\xa9", b"[DONE]"]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    """However the bytes are cut into chunks, the same events come out, in order."""
    edges = [0, *sorted(cuts), len(STREAM)]
    decoder = SseDecoder()
    found = [data for start, end in itertools.pairwise(edges) for data in decoder.feed(STREAM[start:end])]
    assert found == DATA
    assert decoder.close() == []


def test_an_event_without_its_blank_line() -> None:
    """An event that the stream ended without a blank line after is given at the end."""
    decoder = SseDecoder()
    assert decoder.feed(b"data: last\r\n") == []
    assert decoder.close() == [b"last"]
    assert decoder.close() == []


def test_an_event_beyond_reason() -> None:
    """An event of more than 8 MiB is an error, not a growing buffer."""
    decoder = SseDecoder()
    for _ in range(8):
        decoder.feed(b"x" * 1024 * 1024)
    with pytest.raises(SseTooLarge):
        decoder.feed(b"x")
