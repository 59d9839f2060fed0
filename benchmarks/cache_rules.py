"""What a provider's prompt cache makes of a row of calls: how much was read, written or sent plain. No network.

The rules are those of the vendors' documentation (November 2026):

- *explicit* (Claude; OpenAI from gpt-5.6): entries end at breakpoints only, at most four a request are written, writing
  costs extra, a hit is exact. Claude also finds an older entry up to 20 blocks before a breakpoint; OpenAI ends one
  entry at the very end of a request that marks none.
- *automatic* (OpenAI before 5.6, Gemini): the longest common prefix, in steps, free to write.

Everywhere: a prefix below the model's minimum is silently not cached, an entry lives a while after its last use, and it
can be read only once the answer that wrote it has begun. A reply's JSON schema stands before everything else, so calls
with different schemas share nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.providers.base import Usage

MAX_BREAKPOINTS = 4
_FIRST_TOKEN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt.

    Attributes:
        text: What it says; equal leading texts are a shared prefix.
        tokens: How long it is.
        breakpoint: True where a cached prefix should end after it.
    """

    text: str
    tokens: int
    breakpoint: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        pieces: The prompt, schema first.
        at: When it was sent, in seconds from any start.
        output_tokens: How long the answer was.
        name: What it was for.
    """

    pieces: tuple[Piece, ...]
    at: float = 0.0
    output_tokens: int = 0
    name: str = ""

    @property
    def readable_at(self) -> float:
        """When others can read what it wrote: when its answer has begun."""
        return self.at + _FIRST_TOKEN_SECONDS

    def tokens(self, pieces: int | None = None) -> int:
        """Return the tokens of the first *pieces* pieces, of all by default."""
        return sum(piece.tokens for piece in self.pieces[:pieces])

    def prefix(self, pieces: int) -> tuple[str, ...]:
        """Return what the first *pieces* pieces say."""
        return tuple(piece.text for piece in self.pieces[:pieces])


@dataclass(slots=True)
class _Entry:
    readable_at: float
    expires_at: float

    def serves(self, moment: float) -> bool:
        return self.readable_at <= moment < self.expires_at


def _usage(call: Call, read: int, written: int) -> Usage:
    return Usage(
        input_uncached_tokens=call.tokens() - read - written,
        cache_read_tokens=read,
        cache_write_5m_tokens=written,
        output_tokens=call.output_tokens,
    )


@dataclass(frozen=True, slots=True)
class ExplicitCache:
    """Entries at breakpoints.

    Attributes:
        min_tokens: A shorter prefix is not cached.
        life_seconds: How long an entry lives after its last use.
        look_back: How many pieces before a breakpoint an older entry is still found.
        marks_end: True where a request without breakpoints gets one at its end.
    """

    min_tokens: int
    life_seconds: float
    look_back: int = 0
    marks_end: bool = False

    def bill(self, calls: Sequence[Call]) -> list[Usage]:
        """Return the usage of each of *calls*, in order of time.

        Raises:
            ValueError: If a call has more breakpoints than providers take.
        """
        entries: dict[tuple[str, ...], _Entry] = {}
        return [self._bill_one(call, entries) for call in sorted(calls, key=lambda call: call.at)]

    def _bill_one(self, call: Call, entries: dict[tuple[str, ...], _Entry]) -> Usage:
        points = [number for number, piece in enumerate(call.pieces, 1) if piece.breakpoint]
        if len(points) > MAX_BREAKPOINTS:
            raise ValueError(f"{call.name}: {len(points)} breakpoints, at most {MAX_BREAKPOINTS} are allowed")
        if not points and self.marks_end:
            points = [len(call.pieces)]
        hit = 0
        for end in self._candidates(points):
            entry = entries.get(call.prefix(end))
            if end > hit and entry is not None and entry.serves(call.at):
                entry.expires_at = call.at + self.life_seconds
                hit = end
        written = [end for end in points if end > hit and call.tokens(end) >= self.min_tokens]
        for end in written:
            self._write(call, end, entries)
        read_tokens = call.tokens(hit) if hit else 0
        return _usage(call, read_tokens, call.tokens(max(written)) - read_tokens if written else 0)

    def _candidates(self, points: Sequence[int]) -> Iterator[int]:
        """Yield the ends of prefixes that are looked up, shortest first."""
        yield from sorted({point - back for point in points for back in range(self.look_back + 1) if point > back})

    def _write(self, call: Call, end: int, entries: dict[tuple[str, ...], _Entry]) -> None:
        key = call.prefix(end)
        before = entries.get(key)
        readable_at = call.readable_at
        if before is not None and before.expires_at > call.at:
            readable_at = min(readable_at, before.readable_at)
        entries[key] = _Entry(readable_at, call.readable_at + self.life_seconds)


@dataclass(frozen=True, slots=True)
class AutomaticCache:
    """The longest common prefix with any earlier call.

    Attributes:
        min_tokens: A shorter prefix is not cached.
        life_seconds: How long a call is remembered after its last use.
        step: Tokens are read in multiples of this.
    """

    min_tokens: int
    life_seconds: float
    step: int = 1

    def bill(self, calls: Sequence[Call]) -> list[Usage]:
        """Return the usage of each of *calls*, in order of time."""
        seen: list[tuple[Call, _Entry]] = []
        bills: list[Usage] = []
        for call in sorted(calls, key=lambda call: call.at):
            shared = [(_common_tokens(call, other), entry) for other, entry in seen if entry.serves(call.at)]
            best, entry = max(shared, key=lambda found: found[0], default=(0, None))
            read = best - best % self.step if best >= self.min_tokens else 0
            if read and entry is not None:
                entry.expires_at = call.at + self.life_seconds
            bills.append(_usage(call, read, 0))
            seen.append((call, _Entry(call.readable_at, call.readable_at + self.life_seconds)))
        return bills


Cache = ExplicitCache | AutomaticCache


def _common_tokens(call: Call, other: Call) -> int:
    tokens = 0
    for mine, theirs in zip(call.pieces, other.pieces, strict=False):
        if mine.text != theirs.text:
            break
        tokens += mine.tokens
    return tokens
