"""What is kept, in words; and the two questions of whoever wants it: all of it to take away, or gone."""

from collections.abc import Sequence

from bots.views.ask import spoken
from bots.views.elements import Button, Buttons, Element, Heading, Small, Style, Text, View
from bots.views.words import count
from core.sessions.model import Session
from core.sessions.takeout import Parcel

EXPORT, DELETE = "data-export", "data-delete"
GOES = "What goes: brief, title, versions, files, comments, replies and directions."
STAYS = (
    "What stays: when it ran, which models, its scores and what it cost (the receipt and the ledger); and what was posted "
    "in your channels, which only the people there can delete."
)
_REQUEST_DAYS = 7


def about_view(
    *, vendors: Sequence[str], retention_days: int | None, place: str, open_days: int = _REQUEST_DAYS
) -> View:
    """Return what is kept here, for how long, and who gets the text.

    Args:
        vendors: Companies whose models get the text, as people know them; empty for the rehearsal alone.
        retention_days: Days after which texts of sessions that are over go by themselves; None for never.
        place: What people call their workspace.
        open_days: Days that a request is kept, whose words it holds.
    """
    ends = (
        "until somebody removes them"
        if retention_days is None
        else f"for {count(retention_days, 'day')} after their session is over, unless it is a favourite"
    )
    gets = (
        f"The text of a session, its brief and its files go to {spoken(vendors)}, and to nobody else. Each session's card "
        "and receipt name the models that read it."
        if vendors
        else "No AI provider is asked here: fixed rules rehearse their parts, and no text leaves this installation."
    )
    lines = [
        f"**Texts** of sessions are kept {ends}.",
        f"**Requests**, in the words in which they were made, are kept for {count(open_days, 'day')}.",
        "**Receipts and the ledger** stay: they say what was paid for, and hold no text.",
        f"**Names** of members, and what they chose, are kept as long as {place} has Atelier.",
    ]
    elements = (
        Heading("What is kept", 2),
        Text("\n".join(f"- {line}" for line in lines)),
        Heading("Who gets the text", 2),
        Text(gets),
        Buttons(
            (Button(EXPORT, "Export my sessions", ""), Button(DELETE, "Remove my texts", "", style=Style.DANGER)),
        ),
    )
    return View(elements, f"Texts are kept {ends}. {gets}")


def export_view(parcel: Parcel, *, cursor: str) -> View:
    """Return what goes with a part of somebody's sessions; *cursor* is where the next part begins, empty for none."""
    text = f"Here is what is kept of your sessions: {count(parcel.sessions, 'session')} in this file."
    elements: list[Element] = [Text(text)]
    if parcel.left_out:
        shown = ", ".join(parcel.left_out[:5])
        more = f" and {len(parcel.left_out) - 5} more" if len(parcel.left_out) > 5 else ""  # noqa: PLR2004 - as shown
        elements.append(Text(f"Too large to go with it: {shown}{more}. `files` in the session's thread gives them."))
    if cursor:
        elements.append(Small("There are older ones, which did not fit into this file."))
        elements.append(Buttons((Button(EXPORT, "Export next part", "", cursor),)))
    return View(tuple(elements), text)


def removal_view(sessions: Sequence[Session], *, working: int, target: str, argument: str) -> View:
    """Return the question before texts go.

    Args:
        sessions: Whose texts would go; at least one.
        working: How many of the asker's sessions still work or wait, and would be left alone.
        target: The one session that is meant, empty for all.
        argument: What the button carries.
    """
    whose = sessions[0].title if target else f"your {count(len(sessions), 'session')} here"
    question = f"Remove the texts of {whose}, for good?"
    elements: list[Element] = [Text(f"**{question}**"), Text(f"{GOES}\n{STAYS}")]
    if working:
        elements.append(Small(f"Left alone: {count(working, 'session')} that still work or wait. Stop them first."))
    elements.append(Buttons((Button(DELETE, "Remove texts", target, argument, Style.DANGER),)))
    return View(tuple(elements), question)
