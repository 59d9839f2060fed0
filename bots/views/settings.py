"""The settings in words: what holds here, what holds for one member, and how to change it."""

from bots.views.ask import place_words
from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Text, View
from bots.views.words import count, money
from core.money import Unit
from core.workspaces.model import Preferences, WorkspaceSettings

_SHOWN = {"quiet": "the result only", "normal": "a card each round", "full": "every editor in their own name"}


def settings_view(
    settings: WorkspaceSettings,
    preferences: Preferences,
    *,
    platform: str,
    unit: Unit,
    model: str,
    is_admin: bool,
    people: str,
    told: str = "",
) -> View:
    """Return what is set; admins get buttons for everybody's settings, everybody for their own.

    Args:
        settings: The workspace's.
        preferences: The reader's.
        platform: For its own words.
        unit: In which unit people see amounts.
        model: Name of the default model.
        is_admin: Whether the reader may change everybody's.
        people: Who may start, in words.
        told: What was just changed, empty for nothing.
    """
    own = preferences.no_ask_microcredits
    mine = "as for everybody" if own is None else f"up to {money(own, unit)}"
    elements: list[Element] = [Heading("Settings", 2)]
    if told:
        elements.append(Text(told))
    elements.append(Fields((("You start without asking", mine),)))
    elements.append(Heading(f"For everybody in {place_words(platform)}", 2))
    elements.append(Fields(_pairs(settings, unit=unit, model=model, people=people)))
    buttons = [Button("settings", "Change my limit", "", "mine")]
    if is_admin:
        buttons += [
            Button("settings", "Change who may start", "", "people"),
            Button("settings", "Change defaults", "", "defaults"),
            Button("settings", "Change limits", "", "limits"),
        ]
    else:
        elements.append(Small("Admins can change what is for everybody."))
    elements.append(Buttons(tuple(buttons)))
    return View(tuple(elements), told or "Settings.")


def setup_view(settings: WorkspaceSettings, *, platform: str, unit: Unit, people: str, request_id: str) -> View:
    """Return the set-up for the first admin who asks something; their request waits meanwhile."""
    where = place_words(platform)
    text = (
        f"You are the first to use Atelier in {where} who may manage it. Until one of you looks at this, nobody else can "
        "start sessions."
    )
    pairs = (
        ("Who may start", people),
        ("Each may spend a month", _limit(settings.member_cap_microcredits, unit)),
        ("Starts without asking", f"up to {money(settings.no_ask_microcredits, unit)}"),
    )
    buttons = (
        Button("use_settings", "Use these settings", request_id, style=Style.PRIMARY),
        Button("settings", "Change who may start", request_id, "setup"),
    )
    return View((Heading("Set up Atelier", 2), Text(text), Fields(pairs), Buttons(buttons)), text)


def people_words(settings: WorkspaceSettings) -> str:
    """Return who may start sessions, and where."""
    roles, channels = len(settings.start_roles), len(settings.start_channels)
    who = f"members with one of {count(roles, 'role')}" if roles else "all members"
    extra = [
        name
        for name, allowed in (("guests", settings.guests_may_start), ("outsiders", settings.outsiders_may_start))
        if allowed
    ]
    where = f", in {count(channels, 'channel')}" if channels else ""
    return " and ".join((who, *extra)) + where


def _pairs(settings: WorkspaceSettings, *, unit: Unit, model: str, people: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Who may start", people),
        ("Files of others", "need their leave" if settings.asks_consent else "need no leave"),
        ("Starts without asking", f"up to {money(settings.no_ask_microcredits, unit)}"),
        ("Each may spend a month", _limit(settings.member_cap_microcredits, unit)),
        ("All may spend a month", _limit(settings.monthly_cap_microcredits, unit)),
        ("Team", settings.cast),
        ("Rounds", str(settings.rounds)),
        ("Good enough at", f"{settings.threshold:g}"),
        ("Model", model or "the installation's"),
        ("Thread shows", _SHOWN[settings.verbosity.value]),
        ("Language", settings.language or "the document's own"),
    )


def _limit(microcredits: int | None, unit: Unit) -> str:
    return "no limit" if microcredits is None else money(microcredits, unit)
