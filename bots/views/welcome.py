"""First words: to somebody before their first session, and to whoever installed the app."""

from collections.abc import Sequence

from bots.views.ask import place_words, spoken
from bots.views.elements import Button, Buttons, Element, Heading, Small, Style, Text, View
from bots.views.words import lower_first

_THINGS = {
    "slack": (
        "Post a Word file with `@Atelier tighten this`",
        "Type `/atelier new A one-page launch note`",
        "Choose Edit with Atelier in the menu of a message",
    ),
    "discord": (
        "Post a file and name the app: `@Atelier tighten this`",
        "Type `/atelier new` and say what to write",
        "Choose Apps > Edit with Atelier in the menu of a message",
    ),
}
_BY_WORDS = "Type `new` and say what to write"
_SAMPLE = Button("sample", "Run free sample", "sample", style=Style.PRIMARY)
_INVITE = {"slack": "Invite the app where it shall post: `/invite @Atelier`."}


def about_ai(vendors: Sequence[str]) -> str:
    """Return what everybody must know, in one or two sentences."""
    if not vendors:
        return "This installation only rehearses: fixed rules stand in for the AI, and no text leaves it."
    return f"AI writes and edits here, and it can be wrong: check what matters. The text goes to {spoken(vendors)}."


def installed_view(platform: str, *, has_sample: bool, vendors: Sequence[str]) -> View:
    """Return the one message to whoever installed the app."""
    where = place_words(platform)
    things = "\n".join(f"- {line}" for line in _THINGS.get(platform, (_BY_WORDS,)))
    invite = _INVITE.get(platform, "")
    elements: list[Element] = [
        Heading("Atelier is here"),
        Text(f"A writer and a few editors work on your text in a thread. Three things to try in {where}:\n{things}"),
        Text(" ".join(line for line in (invite, about_ai(vendors)) if line)),
        Buttons(start_buttons(has_sample=has_sample)),
    ]
    return View(tuple(elements), f"Atelier is here. {about_ai(vendors)}")


def greeting_view(problem: str = "", *, platform: str = "", has_sample: bool = False) -> View:
    """Return what somebody reads who said hello, or something that nobody understood: what to do first, and where more is.

    Args:
        problem: What was not understood, as a sentence; empty for nothing.
        platform: Where.
        has_sample: Whether there is a free sample.
    """
    first, second, *_ = _THINGS.get(platform, (_BY_WORDS, ""))
    line = f"{first}, or {lower_first(second)}." if second else f"{first}."
    elements: list[Element] = [Text(problem)] if problem else []
    elements.append(Text(f"A writer and a few editors work on your text here. {line}"))
    elements.append(Small("`help` lists all that can be done."))
    sample = (_SAMPLE,) if has_sample else ()
    new = Button("new", "Start new session", "", style=Style.NORMAL if has_sample else Style.PRIMARY)
    elements.append(Buttons((*sample, new, Button("help", "Show help", ""))))
    return View(tuple(elements), problem or f"A writer and a few editors work on your text here. {line}")


def start_buttons(*, has_sample: bool) -> tuple[Button, ...]:
    """Return what a newcomer may press."""
    sample = (_SAMPLE,) if has_sample else ()
    return (*sample, Button("settings", "Open settings", ""), Button("help", "Show help", ""))
