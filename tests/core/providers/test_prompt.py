"""Blocks of a prompt and their cache breaks."""

from hypothesis import given
from hypothesis import strategies as st

from core.providers.base import Segment
from core.providers.prompt import MOST_BREAKS, blocks

segments = st.lists(st.builds(Segment, st.text(max_size=4), st.booleans()), max_size=10)


@given(segments)
def test_nothing_is_lost_and_no_block_is_empty(pieces: list[Segment]) -> None:
    """The blocks are the segments' text, none of them empty, with at most four breaks."""
    found = blocks(pieces)
    assert "".join(block.text for block in found) == "".join(piece.text for piece in pieces)
    assert all(block.text for block in found)
    assert sum(block.ends_prefix for block in found) <= MOST_BREAKS


@given(segments, segments, segments)
def test_equal_prefixes_give_equal_blocks(shared: list[Segment], one: list[Segment], other: list[Segment]) -> None:
    """What stands before a common cache break is the same, byte for byte, whatever follows."""
    prefix = [*shared, Segment("end", cache_break=True)]
    first, second = blocks([*prefix, *one]), blocks([*prefix, *other])
    size = len(blocks(prefix))
    assert [block.text for block in first[:size]] == [block.text for block in second[:size]]


def test_surplus_breaks() -> None:
    """Of more than four breaks the last four stay: they end the longest prefixes."""
    found = blocks([Segment(letter, cache_break=True) for letter in "abcdef"])
    assert [block.ends_prefix for block in found] == [False, False, True, True, True, True]


def test_an_empty_segment_hands_its_break_on() -> None:
    """A break after an empty segment ends the block before it."""
    found = blocks([Segment("a"), Segment("b"), Segment("", cache_break=True), Segment("c")])
    assert [(block.text, block.ends_prefix) for block in found] == [("ab", True), ("c", False)]
