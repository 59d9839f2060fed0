"""The part of the terminal that moves: a panel an agent, editors side by side, and one line of progress."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bots.views.streams import harmless, readable
from bots.views.words import round_name, score, score_line, spent_of
from core.casts.model import Phase
from core.money import Unit
from core.orchestration.ports import Progress

_SHOWN_LINES = 7
_KEPT_CHARACTERS = 8_000
_NARROW_COLUMNS = 34
STATES = {
    "started": "thinking",
    "writing": "writing",
    "restarted": "starting again",
    "retrying": "trying again",
    "fell_back": "asking another model",
    "finished": "finished",
    "failed": "waits",
}


@dataclass
class AgentPanel:
    """What one agent shows while it works."""

    name: str
    emoji: str
    colour: str
    state: str = "started"
    text: str = ""
    done: int = 0
    total: int = 0
    score: float | None = None

    def take(self, update: Progress) -> None:
        """Take a sign of life."""
        self.state = update.state
        if update.state in {"started", "restarted"}:
            self.text, self.done, self.score = "", 0, None
        self.text = (self.text + update.delta)[-_KEPT_CHARACTERS:] if self.text else update.delta
        self.done, self.total = max(self.done, update.done_blocks), max(self.total, update.total_blocks)
        self.score = update.score if update.score is not None else self.score

    @property
    def state_words(self) -> str:
        """How far it is, in a few words."""
        words = STATES.get(self.state, self.state)
        if self.state == "finished" and self.score is not None:
            return f"{words}: {score(self.score)}"
        if self.state == "writing" and self.done:
            return f"{words}: {self.done} of {self.total} paragraphs"
        return words


@dataclass
class Board:
    """Everything that moves, of the session whose sign of life came last.

    Attributes:
        status: What the last post said of the session: see `bots.terminal.payload.encode`.
        panels: One an agent of the current phase, by role.
        place: Round and phase that the panels belong to.
    """

    status: dict[str, Any] = field(default_factory=dict)
    panels: dict[str, AgentPanel] = field(default_factory=dict)
    place: tuple[str, int, Phase] | None = None
    spent_microcredits: int = 0

    def take(self, update: Progress) -> AgentPanel:
        """Take a sign of life; another phase clears the panels of the one before."""
        place = (update.session_id, update.round, update.phase)
        if place != self.place:
            self.place = place
            self.panels = {}
        role: dict[str, str] = self.status.get("roles", {}).get(update.role_key, {})
        panel = self.panels.setdefault(
            update.role_key,
            AgentPanel(role.get("name", update.role_key), role.get("emoji", ""), role.get("colour", "#888888")),
        )
        panel.take(update)
        self.spent_microcredits = max(self.spent_microcredits, update.spent_microcredits)
        return panel

    def know(self, status: dict[str, Any]) -> None:
        """Take what a post said of the session."""
        self.status = status
        self.spent_microcredits = max(self.spent_microcredits, int(status.get("spent", 0)))

    def clear(self) -> None:
        """Show no agent: the round is over."""
        self.panels = {}
        self.place = None

    def draw(self, width: int) -> RenderableType:
        """Return the board for a terminal of *width* columns."""
        if not self.panels:
            return Text(self.progress_line(), style="bold")
        side_by_side = len(self.panels) > 1 and width // len(self.panels) >= _NARROW_COLUMNS
        lines = _SHOWN_LINES if side_by_side or len(self.panels) == 1 else 2
        drawn = [_panel(panel, lines) for panel in self.panels.values()]
        if side_by_side:
            grid = Table.grid(expand=True)
            for _ in drawn:
                grid.add_column(ratio=1)
            grid.add_row(*drawn)
            return Group(grid, Text(self.progress_line(), style="bold"))
        return Group(*drawn, Text(self.progress_line(), style="bold"))

    def progress_line(self) -> str:
        """Return round, score and credits on one line."""
        pieces = [str(self.status["title"])] if self.status.get("title") else []
        if self.place is not None:
            number = self.place[1]
            of = f" of up to {self.status['rounds']}" if number and self.status.get("rounds") else ""
            pieces.append(f"{round_name(number)}{of}")
        scores = score_line(self.status.get("scores", ()))
        if scores:
            pieces.append(f"score {scores}")
        cap = int(self.status.get("cap", 0))
        if cap:
            pieces.append(spent_of(self.spent_microcredits, cap, Unit(self.status.get("unit", Unit.CREDITS))))
        return harmless(" · ".join(pieces)) or "Working"


def _panel(panel: AgentPanel, lines: int) -> Panel:
    title = Text(harmless(f"{panel.emoji} {panel.name}".strip()), style="bold")
    body = _Tail(harmless(readable(panel.text)), lines)
    return Panel(body, title=title, subtitle=panel.state_words, border_style=panel.colour, height=lines + 2)


@dataclass(frozen=True, slots=True)
class _Tail:
    """The last lines of a text, as they are once it is wrapped to the width that there is."""

    text: str
    lines: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = [line for line in self.text.splitlines() if line.strip()][-self.lines :]
        wrapped = [line for paragraph in shown for line in Text(paragraph).wrap(console, options.max_width)]
        yield from wrapped[-self.lines :]
