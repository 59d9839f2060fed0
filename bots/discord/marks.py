"""The key of a post where it can be read back: in the numbers of its first components.

A nonce travels to Discord and is not in history; a custom id needs something to press, and most posts have nothing.
Every component may carry a number of 32 bits that Discord keeps and gives back (docs: component ids). Two of them hold
60 bits of the key, and whether the post is final. See docs/decisions/0083.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_CONTAINER = 17
_BASE = 1 << 30  # far above the numbers that Discord gives to the others
_BITS = 30


@dataclass(frozen=True, slots=True)
class Mark:
    """What two components say of a post.

    Attributes:
        first: 30 bits of the key.
        second: 29 other bits.
        is_settled: Whether the post was final as it stands.
    """

    first: int
    second: int
    is_settled: bool = True

    @property
    def numbers(self) -> tuple[int, int]:
        """The components' ids; they are never the same."""
        second = _BASE | self.second << 1 | self.is_settled
        first = _BASE | self.first
        return (first, second) if first >> 1 != second >> 1 else (first ^ 2, second)

    def of_same_key(self, other: "Mark") -> bool:
        """Return whether both mark posts of one key."""
        return self.numbers[0] == other.numbers[0] and self.second == other.second


def mark_of(key: str, *, is_settled: bool = True) -> Mark:
    """Return the mark of *key*."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return Mark(number & (1 << _BITS) - 1, number >> _BITS & (1 << _BITS - 1) - 1, is_settled)


def put_mark(components: Sequence[Json], mark: Mark) -> list[Json]:
    """Return *components* with the mark on the first container and on the first thing in it.

    Raises:
        ValueError: If there is no container.
    """
    first, second = mark.numbers
    for number, one in enumerate(components):
        if one["type"] == _CONTAINER:
            begin, *others = one["components"]
            marked = {**one, "id": first, "components": [{**begin, "id": second}, *others]}
            return [*components[:number], marked, *components[number + 1 :]]
    raise ValueError("a message of ours has a container")


def read_mark(components: Sequence[Json]) -> Mark | None:
    """Return the mark of a message, None for another's."""
    for one in components:
        if one.get("type") != _CONTAINER or not one.get("components"):
            continue
        first, second = one.get("id") or 0, one["components"][0].get("id") or 0
        if first < _BASE or second < _BASE:
            return None
        return Mark(first ^ _BASE, (second ^ _BASE) >> 1, bool(second & 1))
    return None


def walk(components: Sequence[Json]) -> Iterator[Json]:
    """Yield every component, those within others and beside them too."""
    for one in components:
        yield one
        yield from walk(one.get("components", ()))
        if "accessory" in one:
            yield one["accessory"]
