"""Hears a reply while it streams: shows signs of life and keeps the partial text safe."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from core.clock import Clock
from core.orchestration.ports import ChatPort, Progress
from core.sessions.model import TurnAttempt

_FLUSH_SECONDS = 2.0
_BLOCK = re.compile(r'"block"\s*:\s*"\[?(p\d+)')
_TAIL_CHARACTERS = 400


class TurnListener:
    """A `core.providers.base.Listener` of one turn.

    Args:
        chat: Where signs of life go; None for nowhere.
        progress: What every sign has in common.
        attempt: The running attempt; its text is saved every two seconds or so.
        save: Stores an attempt.
        block_ids: Blocks of the document in order, to tell how far a revision is.
        on_first_text: Called once, when the first text arrives.
    """

    def __init__(
        self,
        *,
        chat: ChatPort | None,
        progress: Progress,
        attempt: TurnAttempt,
        save: Callable[[TurnAttempt], Awaitable[None]],
        clock: Clock,
        block_ids: Sequence[str] = (),
        on_first_text: Callable[[], None] | None = None,
    ) -> None:
        self._chat = chat
        self._progress = progress
        self._attempt = attempt
        self._save = save
        self._clock = clock
        self._positions = {block_id: number for number, block_id in enumerate(block_ids, 1)}
        self._on_first_text = on_first_text
        self._pieces: list[str] = []
        self._tail = ""
        self._done = 0
        self._saved_at = clock.monotonic()
        self._saving: asyncio.Task[None] | None = None
        self.fallbacks: list[tuple[str, str, str]] = []

    @property
    def partial(self) -> str:
        """The visible text so far."""
        return "".join(self._pieces)

    def show(self, state: str, *, score: float | None = None) -> None:
        """Show a change of state."""
        if self._chat is not None:
            self._chat.progress(replace(self._progress, state=state, score=score))

    def text(self, delta: str) -> None:
        self._pieces.append(delta)
        if self._on_first_text is not None:
            self._on_first_text()
            self._on_first_text = None
        if self._chat is not None:
            self._chat.progress(self._sign("writing", delta, self._advance(delta)))
        now = self._clock.monotonic()
        if now - self._saved_at >= _FLUSH_SECONDS and (self._saving is None or self._saving.done()):
            self._saved_at = now
            self._saving = asyncio.ensure_future(self._save(replace(self._attempt, text=self.partial)))

    def restarted(self, reason: str) -> None:  # noqa: ARG002 - the notice of a restart needs no reason
        self._pieces.clear()
        self._tail = ""
        self._done = 0
        self.show("restarted")

    def retrying(self, reason: str, wait_seconds: float) -> None:  # noqa: ARG002 - people need to know no more
        self.show("retrying")

    def fell_back(self, from_model: str, to_model: str, reason: str) -> None:
        self.fallbacks.append((from_model, to_model, reason))
        self.show("fell_back")

    async def settled(self) -> None:
        """Return when no save is under way; a failed save of a partial text is no reason to fail the turn."""
        if self._saving is not None:
            await asyncio.wait([self._saving])

    def _sign(self, state: str, delta: str, done_blocks: int) -> Progress:
        """Return a sign of life; spelled out, because `dataclasses.replace` takes three times as long, many times a turn."""
        shared = self._progress
        return Progress(
            shared.thread,
            shared.session_id,
            shared.round,
            shared.role_key,
            shared.phase,
            state,
            delta,
            done_blocks,
            len(self._positions),
            None,
            shared.card_id,
            shared.spent_microcredits,
            shared.cap_microcredits,
        )

    def _advance(self, delta: str) -> int:
        if self._positions:
            self._tail = (self._tail + delta)[-_TAIL_CHARACTERS:]
            for found in _BLOCK.finditer(self._tail):
                self._done = max(self._done, self._positions.get(found.group(1), 0))
        return self._done


def stand_in_notices(fallbacks: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """Return who answered for whom, a sentence for each chain: *fallbacks* as `TurnListener.fallbacks` keeps them."""
    chains: list[tuple[list[str], str]] = []
    for failed, stand_in, _ in fallbacks:
        if chains and chains[-1][1] == failed:
            chains[-1] = ([*chains[-1][0], failed], stand_in)
        else:
            chains.append(([failed], stand_in))
    return tuple(
        dict.fromkeys(f"{stand_in} answered because {' and '.join(failed)} could not." for failed, stand_in in chains)
    )
