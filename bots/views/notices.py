"""What people must know while a session runs: it waits, or something failed.

Who stood in for a model and what did not fit its window is no post of its own: the round's card says it.
"""

from bots.views.elements import Button, Buttons, Element, Heading, Style, Text, View
from bots.views.errors import words_for_code
from bots.views.words import REHEARSAL, is_rehearsal, left, lower_first, park_words
from core.money import Unit
from core.orchestration.ports import Content, Snapshot
from core.orchestration.posting import PARKED
from core.sessions.model import ENDED, ParkReason, Status

_WAITS, _WAITED = "The session waits", "The session waited"


def notice_post(content: Content) -> View:
    """Return the notice that *content* names by its code; an unknown code is an error's code."""
    snapshot = content.snapshot
    is_over = content.code == PARKED and _is_over(snapshot, content.facts)
    if content.code == PARKED:
        title, lines = _parked(snapshot, content.facts)
    else:
        words = words_for_code(content.code, snapshot.unit)
        title, lines = words.title, [words.explanation, words.way_out]
    if text := content.facts.get("text", ""):
        lines.append(text)
    lines = [line for line in lines if line]
    if is_over:  # nothing is left to do about it, so that is all that whoever reads the thread needs
        title = title.replace(_WAITS, _WAITED, 1)
        lines = ["It is over." if snapshot.session.status in ENDED else "It went on."]
    if is_rehearsal(snapshot):
        title = f"{title} ({REHEARSAL})"
    elements: list[Element] = [Heading(title)]
    if lines:
        elements.append(Text("\n".join(lines)))
    if content.code == PARKED and not is_over:
        elements.append(Buttons(_park_buttons(snapshot, content.facts)))
    return View(tuple(elements), " ".join((f"{title}.", *lines)))


def _parked(snapshot: Snapshot, facts: dict[str, str]) -> tuple[str, list[str]]:
    reason = _reason(facts.get("reason", "")) or snapshot.session.park_reason
    if reason is ParkReason.BALANCE and snapshot.unit is Unit.DOLLARS:
        words = words_for_code("credits_insufficient", snapshot.unit)
        return f"{_WAITS}: {lower_first(words.title)}", ["The best version so far is kept.", words.way_out]
    if reason is ParkReason.BALANCE:
        return (
            f"{_WAITS} for credits",
            [
                f"The balance is {left(snapshot.balance_microcredits)}.",
                "The best version so far is kept. It goes on when credits are added, and ends after 7 days without.",
            ],
        )
    if reason is ParkReason.PROVIDER:
        words = words_for_code(facts.get("failure", "") or snapshot.session.failure_code, snapshot.unit)
        return f"{_WAITS}: {lower_first(words.title)}", [words.explanation, words.way_out]
    return f"{_WAITS}: {park_words(reason, snapshot.unit)}", []


def _is_over(snapshot: Snapshot, facts: dict[str, str]) -> bool:
    """Return whether the wait that a notice tells of has ended, so that its buttons would lead nowhere."""
    session = snapshot.session
    if facts.get("segment", "").isdigit() and int(facts["segment"]) < session.segment:
        return True
    return session.status in {*ENDED, Status.QUEUED, Status.RUNNING, Status.PAUSING}


def _reason(value: str) -> ParkReason | None:
    return ParkReason(value) if value in set(ParkReason) else None


def _park_buttons(snapshot: Snapshot, facts: dict[str, str]) -> tuple[Button, ...]:
    """Return what can be done; everybody in the thread sees it, and what a press leads to depends on who presses."""
    session_id = snapshot.session.id
    stop = Button("stop", "Stop session", session_id, style=Style.DANGER)
    reason = _reason(facts.get("reason", "")) or snapshot.session.park_reason
    if reason is ParkReason.BALANCE and snapshot.unit is Unit.CREDITS:
        add = Button("add-credits", "Add credits", session_id, style=Style.PRIMARY)
        return (add, Button("resume", "Resume session", session_id), stop)
    return (Button("resume", "Resume session", session_id, style=Style.PRIMARY), stop)
