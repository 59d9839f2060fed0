"""What the terminal shows where there is little room, and where it comes to a session late."""

import io

import pytest
from rich.console import Console

from bots.terminal.chat import Mode, TerminalChat
from bots.terminal.drawing import draw, unmarked
from bots.views.elements import Heading, Table
from core.casts.model import Phase
from core.clock import SystemClock
from core.orchestration.ports import Progress
from core.sessions.model import ThreadRef
from tests.bots.views.samples import SESSION, SNAPSHOT

_TABLE = Table(
    headers=("Round", "Who", "Score", "Charged"),
    rows=(("Reading", "Content editor", "9.0", "1.08 ($0.0108)"), ("Round 1", "Writer", "", "1.77 ($0.0177)")),
    right=(2, 3),
)


@pytest.mark.parametrize("width", [34, 40, 120])
def test_a_word_is_never_broken_into_columns_of_letters(width: int) -> None:
    """A table that does not fit is a line a row, without holes for empty cells; one that fits keeps its columns."""
    output = io.StringIO()
    Console(file=output, width=width, color_system=None).print(draw((Heading("Receipt"), _TABLE), {}))
    shown = output.getvalue()

    assert "Reading" in shown
    assert "($0.0177)" in shown
    assert ("Charged" in shown) == (width == 120)
    assert ("Round 1 · Writer · 1.77" in shown) == (width < 120)


async def test_a_session_that_goes_on_knows_its_roles() -> None:
    """In a terminal that comes later, an editor is named as on the card that an earlier one printed."""
    output = io.StringIO()
    chat = TerminalChat(Console(file=output, width=120), clock=SystemClock(), mode=Mode.PLAIN)
    thread = ThreadRef(platform="terminal", channel="C1", thread=SESSION.id)
    chat.expect(SNAPSHOT)
    chat.progress(
        Progress(thread=thread, session_id=SESSION.id, round=1, role_key="style", phase=Phase.EDITOR, state="started")
    )

    assert output.getvalue() == "Round 1, Style editor: thinking\n"


def test_a_fate_on_its_own_line_has_no_underscores() -> None:
    """Our own emphasis is drawn by nothing, at the end of a line and on a line of its own; names keep theirs."""
    assert unmarked("Suggested: x\n_Done_\nuse snake_case_names here _Declined: why_") == (
        "Suggested: x\nDone\nuse snake_case_names here Declined: why"
    )
