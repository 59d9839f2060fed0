"""First words: to somebody before their first session, and to whoever installed the app."""

from collections.abc import Sequence

from bots.views.ask import place_words, spoken
from bots.views.elements import Button, Buttons, Element, Heading, Style, Text, View

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
_INVITE = {"slack": "Invite the app where it shall post: `/invite @Atelier`."}


def about_ai(vendors: Sequence[str]) -> str:
    """Return what everybody must know, in one or two sentences."""
    if not vendors:
        return "This installation only rehearses: fixed rules stand in for the AI, and no text leaves it."
    return f"AI writes and edits here, and it can be wrong: check what matters. The text goes to {spoken(vendors)}."


def installed_view(platform: str, *, has_sample: bool, vendors: Sequence[str]) -> View:
    """Return the one message to whoever installed the app."""
    where = place_words(platform)
    things = "\n".join(f"- {line}" for line in _THINGS.get(platform, ("Type `new` and say what to write",)))
    invite = _INVITE.get(platform, "")
    elements: list[Element] = [
        Heading("Atelier is here"),
        Text(f"A writer and a few editors work on your text in a thread. Three things to try in {where}:\n{things}"),
        Text(" ".join(line for line in (invite, about_ai(vendors)) if line)),
        Buttons(start_buttons(has_sample=has_sample)),
    ]
    return View(tuple(elements), f"Atelier is here. {about_ai(vendors)}")


def start_buttons(*, has_sample: bool) -> tuple[Button, ...]:
    """Return what a newcomer may press."""
    sample = (Button("sample", "Run free sample", "sample", style=Style.PRIMARY),) if has_sample else ()
    return (*sample, Button("settings", "Open settings", ""), Button("help", "Show help", ""))
