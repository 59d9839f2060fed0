"""The one card of a session in its channel: what it is, where it stands, what it costs."""

from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Text, View
from bots.views.words import (
    editors_line,
    is_rehearsal,
    left,
    limit_of,
    money,
    price_range,
    score_line,
    state_line,
)
from core.money import Unit
from core.orchestration.ports import Snapshot
from core.sessions.model import ENDED, Session, Status

_BRIEF_CHARACTERS = 300
REHEARSAL_LINE = "This is a rehearsal: fixed rules stand in for the AI, and no provider is asked."


def session_card(snapshot: Snapshot) -> View:
    """Return the card as it reads now; it is edited in place, never posted twice."""
    session = snapshot.session
    state = state_line(snapshot)
    scores = score_line(round_.score for round_ in snapshot.rounds)
    pairs = [
        ("State", state),
        ("Editors", editors_line(session.cast)),
        ("Price", _price(snapshot)),
    ]
    if scores:
        pairs.append(("Score", scores))
    if session.status not in ENDED:
        pairs.append(("Good enough at", limit_of(session)))
    buttons = session_buttons(session)
    if snapshot.next_round is not None and any(button.action == "more" for button in buttons):
        more = snapshot.next_round
        pairs.append(("One more round", price_range(more.low_microcredits, more.high_microcredits, snapshot.unit)))
    if snapshot.unit is Unit.CREDITS:
        pairs.append(("Balance", left(snapshot.balance_microcredits)))
    elements: list[Element] = [Heading(session.title), Fields(tuple(pairs))]
    if session.brief and session.brief != session.title:
        elements.insert(1, Text(_excerpt(session.brief)))
    elements += [Small(notice) for notice in session.notices]
    if session.forgotten_at is not None:
        after = "" if session.forgotten_after_days is None else f", after {session.forgotten_after_days} days"
        elements.append(
            Small(f"Its texts were removed on {session.forgotten_at:%Y-%m-%d}{after}; what was paid stays.")
        )
    if is_rehearsal(snapshot):
        elements.append(Small(REHEARSAL_LINE))
    if buttons:
        elements.append(Buttons(buttons))
    rehearsal = " (rehearsal)" if is_rehearsal(snapshot) else ""
    return View(
        elements=tuple(elements),
        fallback=f"{session.title}{rehearsal}. {state}." + (f" Score: {scores}." if scores else ""),
    )


def _excerpt(brief: str) -> str:
    """Return as much of a brief as a channel needs to know which session it is."""
    if len(brief) <= _BRIEF_CHARACTERS:
        return brief
    return f"{' '.join(brief[:_BRIEF_CHARACTERS].split()[:-1])}..."


def session_buttons(session: Session) -> tuple[Button, ...]:  # noqa: PLR0911 - one return a case
    """Return what can be pressed in the state that the session is in."""
    pause = Button("pause", "Pause session", session.id)
    stop = Button("stop", "Stop session", session.id, style=Style.DANGER)
    files = Button("files", "Show files", session.id)
    steer = Button("steer", "Steer session", session.id)
    if session.forgotten_at is not None:
        return ()
    match session.status:
        case Status.DRAFT:
            return (Button("start", "Start session", session.id, style=Style.PRIMARY), stop)
        case Status.QUEUED | Status.RUNNING:
            return (pause, stop, steer, files)
        case Status.PAUSING:
            return (stop, files)
        case Status.PAUSED | Status.WAITING:
            return (Button("resume", "Resume session", session.id, style=Style.PRIMARY), stop, files)
        case Status.COMPLETED | Status.STOPPED if session.notes_only:
            return (files,)
        case Status.COMPLETED | Status.STOPPED:
            return (Button("more", "Run one more round", session.id), files)
        case Status.FAILED:
            return (Button("retry", "Retry session", session.id, style=Style.PRIMARY), stop, files)


def _price(snapshot: Snapshot) -> str:
    session = snapshot.session
    quote = price_range(session.quote_low_microcredits, session.quote_high_microcredits, snapshot.unit)
    cap = money(session.cap_microcredits, snapshot.unit)
    spent = money(snapshot.spent_microcredits, snapshot.unit)
    if session.status is Status.DRAFT:
        return f"{quote}, never more than {cap}"
    if session.status in ENDED:
        return f"{spent} charged of at most {cap}"
    return f"{quote}, never more than {cap}; {spent} charged so far"
