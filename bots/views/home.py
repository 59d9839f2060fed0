"""Everybody's own page: what runs, what can be spent, what can be done."""

from collections.abc import Sequence

from bots.views.elements import Button, Buttons, Element, Heading, Small, Text, View
from bots.views.lists import short_state
from bots.views.welcome import start_buttons
from bots.views.words import left
from core.money import Unit
from core.sessions.model import ENDED, Session


def home_view(
    sessions: Sequence[Session], *, has_more: bool, balance_microcredits: int, unit: Unit, has_sample: bool, about: str
) -> View:
    """Return the page of one member.

    Args:
        sessions: Their newest ones.
        has_more: Whether there are older ones.
        balance_microcredits: What the workspace can spend.
        unit: In which unit people see amounts.
        has_sample: Whether there is a free sample.
        about: What does the work and who gets the text.
    """
    elements: list[Element] = [Heading("Atelier")]
    if unit is Unit.CREDITS:
        elements.append(Text(f"Balance: {left(balance_microcredits)}."))
        elements.append(Buttons((Button("billing", "Show billing", ""),)))
    elements.append(Buttons((Button("new", "Start new session", ""), *start_buttons(has_sample=has_sample))))
    elements.append(Heading("Your sessions", 2))
    if not sessions:
        elements.append(Text("There are none yet."))
    lines = [f"- **{item.title}**: {short_state(item, unit)}" for item in sessions]
    if lines:
        elements.append(Text("\n".join(lines)))
        verbs = tuple(Button("status", f"Show {item.title}"[:75], item.id) for item in sessions)
        elements.append(Buttons(verbs))
    if has_more:
        elements.append(Buttons((Button("sessions", "Show all my sessions", "", "mine:0"),)))
    elements.append(Small(about))
    running = sum(item.status not in ENDED for item in sessions)
    return View(tuple(elements), f"Atelier: {running} of your sessions are open.")
