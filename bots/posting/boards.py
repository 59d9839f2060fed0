"""A round's card while the round works: who does what, as signs of life tell it."""

from dataclasses import dataclass
from typing import Any

from bots.views.elements import Divider, Element, Heading, ProgressLine, Small, Text, View
from bots.views.round_card import roles_of
from bots.views.turn import LIVE_DRAFT_CHARACTERS
from bots.views.words import REHEARSAL, is_rehearsal, role_name, round_name, score, spent_of
from core.casts.model import Phase
from core.money import Unit
from core.orchestration.ports import Progress, Snapshot
from core.workspaces.model import Verbosity

Json = dict[str, Any]


def roster_of(snapshot: Snapshot, number: int) -> Json:
    """Return who acts in a round, by key in their order, with what the progress of a card shows besides."""
    return {
        "round": number,
        "rehearsal": is_rehearsal(snapshot),
        "chatty": snapshot.session.verbosity is Verbosity.FULL,
        "unit": snapshot.unit.value,
        "drafts": number == 1 and not snapshot.session.has_upload,
        "roles": {role.key: [role.emoji, role_name(role)] for role in roles_of(snapshot, number)},
        "done": {turn.role_key: turn.score for turn in snapshot.turns if turn.round == number},
    }


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
            case "retrying":
                return "trying again"
            case "fell_back":
                return "asking another model"
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
    unit: Unit = Unit.CREDITS
    drafts: bool = False
    draft: str = ""
    is_long: bool = False

    @classmethod
    def of(cls, roster: Json) -> "Board":
        """Return the board of a round's roster: see `roster_of`."""
        title = round_name(int(roster["round"])) + (f" ({REHEARSAL})" if roster["rehearsal"] else "")
        seats = {key: _Seat(f"{emoji} {name}".strip()) for key, (emoji, name) in roster["roles"].items()}
        for key, given in roster["done"].items():
            if key in seats:
                seats[key].state, seats[key].score = "finished", given
        return cls(title, seats, drafts=bool(roster["drafts"]), unit=Unit(roster["unit"]))

    def take(self, update: Progress) -> None:
        """Take a sign of life; one of a role that is not in the room is dropped."""
        seat = self.seats.get(update.role_key)
        if seat is not None:
            seat.take(update)
        self.spent_microcredits = max(self.spent_microcredits, update.spent_microcredits)
        self.cap_microcredits = max(self.cap_microcredits, update.cap_microcredits)

    def write(self, update: Progress) -> bool:
        """Take what *update* brings of a first draft; return whether there is more to read, or less."""
        if not self.drafts or update.phase is not Phase.WRITER or update.total_blocks:
            return False
        if update.state in {"started", "restarted"}:
            changed, self.draft, self.is_long = bool(self.draft), "", False
            return changed
        if not update.delta or self.is_long:
            return False
        self.draft += update.delta
        if len(self.draft) > LIVE_DRAFT_CHARACTERS:
            self.draft, self.is_long = self.draft[:LIVE_DRAFT_CHARACTERS], True
        return True

    def view(self) -> View:
        """Return the card, with the draft as far as it is written."""
        finished = [seat for seat in self.seats.values() if seat.state == "finished"]
        line = " · ".join(f"{seat.name}: {seat.words}" for seat in self.seats.values())
        elements: list[Element] = [Heading(self.title), ProgressLine(line, len(finished), len(self.seats))]
        if self.cap_microcredits:
            elements.append(Small(spent_of(self.spent_microcredits, self.cap_microcredits, self.unit)))
        if self.draft:
            elements += [Divider(), Heading("The draft", 2), Text(self.draft)]
        if self.is_long:
            elements.append(Text("_It is long, so the whole of it comes as a file._"))
        fallback = f"{self.title}: {len(finished)} of {len(self.seats)} have finished."
        return View(tuple(elements), fallback)
