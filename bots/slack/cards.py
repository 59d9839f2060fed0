"""Cards that say how far things are: their edits wait a little, make way for newer ones, and never disturb a final one."""

import asyncio
from dataclasses import dataclass, field

import structlog

from bots.slack.blocks import Json, render_view
from bots.slack.limits import APPEND_SECONDS
from bots.slack.pacing import NoRoom
from bots.slack.parts import Shown
from bots.slack.places import Place
from bots.slack.posts import Posts
from bots.views.elements import Element, Heading, ProgressLine, Small, View
from bots.views.words import REHEARSAL, amount, round_name, score
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import PostKind, PostRefused, Progress

_log = structlog.get_logger(__name__)
_SETTLE_SECONDS = 2.0
_WRITING_EDITS = 2
_EDITS = 5
_FINISHED = frozenset({"finished", "failed"})


@dataclass
class _Seat:
    """What one agent does."""

    name: str
    state: str = ""
    score: float | None = None
    done: int = 0
    total: int = 0

    def take(self, update: Progress) -> None:
        self.state = update.state
        if update.state in {"started", "restarted"}:
            self.done, self.score = 0, None
        self.done, self.total = max(self.done, update.done_blocks), max(self.total, update.total_blocks)
        self.score = update.score if update.score is not None else self.score

    @property
    def words(self) -> str:  # noqa: PLR0911 - one return a case
        match self.state:
            case "":
                return "not done yet"
            case "finished":
                return score(self.score) if self.score is not None else "done"
            case "failed":
                return "waits"
            case "restarted":
                return "starting again"
            case "writing" if self.done and self.total:
                return f"{self.done} of {self.total} paragraphs"
            case "writing":
                return "writing"
            case _:
                return "thinking"


@dataclass
class Board:
    """What a round's card shows while the round works."""

    title: str
    seats: dict[str, _Seat]
    spent_microcredits: int = 0
    cap_microcredits: int = 0

    @classmethod
    def of(cls, roster: Json) -> "Board":
        """Return the board of a round's roster: see `bots.slack.parts.roster_of`."""
        title = round_name(int(roster["round"])) + (f" ({REHEARSAL})" if roster["rehearsal"] else "")
        seats = {key: _Seat(f"{emoji} {name}".strip()) for key, (emoji, name) in roster["roles"].items()}
        for key, given in roster["done"].items():
            if key in seats:
                seats[key].state, seats[key].score = "finished", given
        return cls(title, seats)

    def take(self, update: Progress) -> None:
        """Take a sign of life; one of a role that is not in the room is dropped."""
        seat = self.seats.get(update.role_key)
        if seat is not None:
            seat.take(update)
        self.spent_microcredits = max(self.spent_microcredits, update.spent_microcredits)
        self.cap_microcredits = max(self.cap_microcredits, update.cap_microcredits)

    def view(self) -> View:
        """Return the card."""
        finished = [seat for seat in self.seats.values() if seat.state == "finished"]
        line = " · ".join(f"{seat.name}: {seat.words}" for seat in self.seats.values())
        elements: list[Element] = [Heading(self.title), ProgressLine(line, len(finished), len(self.seats))]
        money = f"{amount(self.spent_microcredits)} of at most {amount(self.cap_microcredits)} credits"
        fallback = f"{self.title}: {len(finished)} of {len(self.seats)} have finished."
        if self.cap_microcredits:
            elements.append(Small(money))
        return View(tuple(elements), fallback)


@dataclass
class _Card:
    """One card that may still change by itself.

    Attributes:
        waiting: What it shall show next, None when nothing was given.
        progressed: Whether the board says more than the card; *matters* where it is more than how far somebody wrote.
        due: The moment of the next edit.
        sends: Whether an edit is on its way, and may not be cut.
        edits, writing_edits: Edits for progress so far, all and those that only said how far somebody wrote.
    """

    place: Place
    ts: str
    kind: str
    board: Board | None = None
    roster: Json = field(default_factory=dict)
    waiting: Shown | None = None
    progressed: bool = False
    matters: bool = False
    due: float = 0.0
    sends: bool = False
    edits: int = 0
    writing_edits: int = 0
    task: asyncio.Task[None] | None = None


class Cards:
    """Keeps cards current, within a budget of calls.

    A round's card is edited for progress at most every 3 s, and at most five times a round unless the workspace wants
    to see everything: whoever finishes counts more than how far somebody writes.
    """

    def __init__(self, posts: Posts, clock: Clock) -> None:
        self._posts = posts
        self._clock = clock
        self._cards: dict[tuple[Place, str], _Card] = {}

    def know(self, place: Place, ts: str, shown: Shown) -> None:
        """Learn that *shown* stands at *ts*."""
        if shown.is_settled:
            self._cards.pop((place, ts), None)
            return
        card = self._cards.setdefault((place, ts), _Card(place, ts, shown.kind))
        if shown.kind == PostKind.ROUND_CARD and shown.roster:
            card.roster, card.board = shown.roster, Board.of(shown.roster)
            card.due = self._clock.monotonic() + APPEND_SECONDS

    def roster(self, place: Place, ts: str) -> Json:
        """Return the roster of a card, empty for one that is settled or unknown."""
        card = self._cards.get((place, ts))
        return card.roster if card is not None else {}

    def later(self, place: Place, ts: str, shown: Shown) -> None:
        """Show *shown* soon, unless something newer comes first."""
        card = self._cards.setdefault((place, ts), _Card(place, ts, shown.kind))
        if card.waiting is None:
            card.due = max(card.due, self._clock.monotonic() + _SETTLE_SECONDS)
        card.waiting = shown
        self._start(card)

    def take(self, place: Place, update: Progress) -> None:
        """Show a sign of life on its round's card."""
        card = self._cards.get((place, update.card_id))
        if card is None or card.board is None:
            return
        card.board.take(update)
        matters = update.state in _FINISHED
        if not card.roster.get("chatty"):
            if card.edits >= _EDITS or not (matters or update.done_blocks):
                return
            if not matters and card.writing_edits >= _WRITING_EDITS:
                return
        card.progressed = True
        card.matters = card.matters or matters
        self._start(card)

    async def settle(self, place: Place, ts: str) -> None:
        """Return when nothing will change the card any more but the caller."""
        card = self._cards.pop((place, ts), None)
        if card is not None:
            await _stop(card)

    async def aclose(self) -> None:
        """Let go of what waits: whoever goes on with a session brings its cards up to date."""
        cards, self._cards = list(self._cards.values()), {}
        for card in cards:
            await _stop(card)

    def _start(self, card: _Card) -> None:
        if card.task is None or card.task.done():
            card.task = asyncio.get_running_loop().create_task(self._run(card))

    async def _run(self, card: _Card) -> None:
        """Edit the card until it says all there is to say."""
        while card.waiting is not None or card.progressed:
            await self._clock.sleep(max(card.due - self._clock.monotonic(), 0))
            given = card.waiting
            shown = given if given is not None else _shown(card)
            is_writing = given is None and not card.matters
            card.waiting, card.progressed, card.matters = None, False, False
            card.sends = True
            try:
                await self._posts.edit(card.place, card.ts, shown, patient=False)
            except NoRoom as error:
                if card.waiting is None and given is not None:
                    card.waiting = given
                card.progressed = card.progressed or given is None
                card.matters = card.matters or not is_writing
                card.due = self._clock.monotonic() + (error.retry_after_seconds or APPEND_SECONDS)
                continue
            except (PostRefused, TransientError) as error:
                # What is lost here is a sign of life: the next one, and the card's final edit, say the same and more.
                _log.debug("slack_card_skipped", ts=card.ts, error=str(error))
            finally:
                card.sends = False
            if given is None:
                card.edits += 1
                card.writing_edits += is_writing
            card.due = self._clock.monotonic() + APPEND_SECONDS


def _shown(card: _Card) -> Shown:
    """Return the board of a card as a message."""
    view = card.board.view() if card.board is not None else View((), "Working")
    message = render_view(view)[0]
    return Shown(text=message.text, blocks=message.blocks, plain=message.plain, kind=card.kind, is_settled=False)


async def _stop(card: _Card) -> None:
    """End a card's task; an edit that is on its way arrives first, so that it cannot overtake a later one."""
    card.waiting, card.progressed = None, False
    task = card.task
    if task is None or task.done():
        return
    if not card.sends:
        task.cancel()
    await asyncio.wait([task])
