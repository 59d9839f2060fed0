"""Cards that say how far things are: their edits wait a little, make way for newer ones, and never disturb a final one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import structlog

from bots.posting.boards import Board
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import PostKind, PostRefused, Progress

_log = structlog.get_logger(__name__)
_FINISHED = frozenset({"finished", "failed"})
_WORRYING = frozenset({"retrying", "fell_back"})
Json = dict[str, Any]


class NoRoom(TransientError):
    """There is no room for a call now: a sign of life is dropped, a post is tried again later."""


class CardPost(Protocol):
    """What must be known of a message to keep it current."""

    @property
    def kind(self) -> str: ...

    @property
    def is_settled(self) -> bool: ...

    @property
    def roster(self) -> Json: ...


PlaceT = TypeVar("PlaceT", bound=Hashable)
PostT = TypeVar("PostT", bound=CardPost)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often cards change.

    Attributes:
        settle_seconds: How long a change waits for a newer one.
        gap_seconds: Time between two edits of one card.
        edits: Edits for progress that a round may have, unless its workspace wants to see everything.
        writing_edits: Those of them that only say how far somebody is.
        drafts: Whether a first draft shows on its round's card while it is written, as often as the gap allows.
    """

    gap_seconds: float
    settle_seconds: float = 2.0
    edits: int = 5
    writing_edits: int = 2
    drafts: bool = False


@dataclass
class _Card(Generic[PlaceT, PostT]):
    """One card that may still change by itself.

    Attributes:
        waiting: What it shall show next, None when nothing was given.
        progressed: Whether the board says more than the card; *matters* where it is more than how far somebody wrote,
            *drafts* where there is more to read of a first draft.
        due: The moment of the next edit.
        sends: Whether an edit is on its way, and may not be cut.
        edits, writing_edits: Edits for progress so far, all and those that only said how far somebody wrote.
    """

    place: PlaceT
    post_id: str
    kind: str
    board: Board | None = None
    roster: Json = field(default_factory=dict)
    waiting: PostT | None = None
    progressed: bool = False
    matters: bool = False
    drafts: bool = False
    due: float = 0.0
    sends: bool = False
    edits: int = 0
    writing_edits: int = 0
    task: asyncio.Task[None] | None = None


class Cards(Generic[PlaceT, PostT]):
    """Keeps cards current, within a budget of edits: whoever finishes counts more than how far somebody writes.

    Args:
        edit: Changes a message if there is room for it, `NoRoom` if not.
        draw: Makes the message that shows a board; the post's kind is given, too.
        clock: The time.
        pace: How often.
    """

    def __init__(
        self,
        edit: Callable[[PlaceT, str, PostT], Awaitable[object]],
        draw: Callable[[Board, str], PostT],
        clock: Clock,
        *,
        pace: Pace,
    ) -> None:
        self._edit = edit
        self._draw = draw
        self._clock = clock
        self._pace = pace
        self._cards: dict[tuple[PlaceT, str], _Card[PlaceT, PostT]] = {}

    def know(self, place: PlaceT, post_id: str, shown: PostT) -> None:
        """Learn that *shown* stands at *post_id*."""
        if shown.is_settled:
            self._cards.pop((place, post_id), None)
            return
        card = self._cards.setdefault((place, post_id), _Card(place, post_id, shown.kind))
        if shown.kind == PostKind.ROUND_CARD and shown.roster:
            card.roster, card.board = shown.roster, Board.of(shown.roster)
            card.due = self._clock.monotonic() + self._pace.gap_seconds

    def roster(self, place: PlaceT, post_id: str) -> Json:
        """Return the roster of a card, empty for one that is settled or unknown."""
        card = self._cards.get((place, post_id))
        return card.roster if card is not None else {}

    def later(self, place: PlaceT, post_id: str, shown: PostT) -> None:
        """Show *shown* soon, unless something newer comes first."""
        card = self._cards.setdefault((place, post_id), _Card(place, post_id, shown.kind))
        if card.waiting is None:
            card.due = max(card.due, self._clock.monotonic() + self._pace.settle_seconds)
        card.waiting = shown
        self._start(card)

    def take(self, place: PlaceT, update: Progress) -> None:
        """Show a sign of life on its round's card."""
        card = self._cards.get((place, update.card_id))
        if card is None or card.board is None:
            return
        card.board.take(update)
        matters = update.state in _FINISHED
        drafts = self._pace.drafts and card.board.write(update)
        if not drafts and not card.roster.get("chatty"):
            if card.edits >= self._pace.edits or not (matters or update.done_blocks or update.state in _WORRYING):
                return
            if not matters and card.writing_edits >= self._pace.writing_edits:
                return
        card.progressed = True
        card.matters = card.matters or matters
        card.drafts = card.drafts or drafts
        self._start(card)

    async def settle(self, place: PlaceT, post_id: str) -> None:
        """Return when nothing will change the card any more but the caller."""
        card = self._cards.pop((place, post_id), None)
        if card is not None:
            await _stop(card)

    async def aclose(self) -> None:
        """Let go of what waits: whoever goes on with a session brings its cards up to date."""
        cards, self._cards = list(self._cards.values()), {}
        for card in cards:
            await _stop(card)

    def _start(self, card: _Card[PlaceT, PostT]) -> None:
        if card.task is None or card.task.done():
            card.task = asyncio.get_running_loop().create_task(self._run(card))

    async def _run(self, card: _Card[PlaceT, PostT]) -> None:
        """Edit the card until it says all there is to say."""
        while card.waiting is not None or card.progressed:
            await self._clock.sleep(max(card.due - self._clock.monotonic(), 0))
            given = card.waiting
            if given is not None:
                shown = given
            elif card.board is not None:
                shown = self._draw(card.board, card.kind)
            else:
                return
            is_counted = given is None and not (card.drafts and not card.matters)
            is_writing = is_counted and not card.matters
            card.waiting, card.progressed, card.matters, card.drafts = None, False, False, False
            card.sends = True
            try:
                await self._edit(card.place, card.post_id, shown)
            except NoRoom as error:
                if card.waiting is None and given is not None:
                    card.waiting = given
                card.progressed = card.progressed or given is None
                card.matters = card.matters or (is_counted and not is_writing)
                card.drafts = card.drafts or (given is None and not is_counted)
                card.due = self._clock.monotonic() + (error.retry_after_seconds or self._pace.gap_seconds)
                continue
            except (PostRefused, TransientError) as error:
                # What is lost here is a sign of life: the next one, and the card's final edit, say the same and more.
                _log.debug("card_skipped", post=card.post_id, error=str(error))
            finally:
                card.sends = False
            card.edits += is_counted
            card.writing_edits += is_writing
            card.due = self._clock.monotonic() + self._pace.gap_seconds


async def _stop(card: _Card[PlaceT, PostT]) -> None:
    """End a card's task; an edit that is on its way arrives first, so that it cannot overtake a later one."""
    card.waiting, card.progressed = None, False
    task = card.task
    if task is None or task.done():
        return
    if not card.sends:
        task.cancel()
    await asyncio.wait([task])
