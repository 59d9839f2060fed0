"""Forms: what a platform asks with fields instead of words. Each platform draws them as its modal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bots.commands import BY_NAME
from core.casts.catalogue import list_casts
from core.money import Unit
from core.providers.catalogue import ModelSpec
from core.workspaces.model import Preferences, Project, Template, WorkspaceSettings
from core.workspaces.naming import MOST_CHARACTERS, name_key

LINE_CHARACTERS = 300
FIELD_CHARACTERS = 3_000
"""What a field of a form holds on every platform."""
NEW_FORM = "new"
MOST_CHOICES = 25
SHOWN = (
    ("quiet", "Quiet: result only"),
    ("normal", "Normal: a card each round"),
    ("full", "Full: every editor speaks"),
)


class FieldKind(StrEnum):
    """What a field takes."""

    LINE = "line"
    PARAGRAPH = "paragraph"
    CHOICE = "choice"
    FLAG = "flag"
    FILES = "files"
    CHANNELS = "channels"
    """Channels of the workspace; the value is their ids, divided by commas."""
    ROLES = "roles"
    """Roles of the server, the same way; a platform without roles leaves the field out."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        name: The command's option that it fills (`bots.commands.Option.name`); ``files`` and ``references`` for files.
        label: At most 45 characters.
        value: What it holds when the form opens.
        choices: Value and label of each choice, at most 25.
        help: One short sentence, may be empty.
        max_length: Of a text, in characters.
        more: Whether it is shown only after somebody asked for more.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.LINE
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    help: str = ""
    max_length: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form; what somebody fills in becomes a request of kind COMMAND.

    Attributes:
        command: The command that its fields belong to.
        title: At most 24 characters.
        submit: What its button says, verb and object, at most 24 characters.
        fields: In order.
        kept: Values that go along unseen, such as the session's id; short.
        intro: A sentence above the fields, Markdown, may be empty.
    """

    command: str
    title: str
    submit: str
    fields: tuple[Field, ...]
    kept: dict[str, str] = field(default_factory=dict)
    intro: str = ""


def text_form(
    command: str, title: str, submit: str, label: str, *, kept: Mapping[str, str] | None = None, intro: str = ""
) -> Form:
    """Return the form of a command that takes one text: the option that takes the rest."""
    option = BY_NAME[command].rest
    if option is None:
        raise ValueError(f"{command} takes no text")
    kind = (
        FieldKind.LINE
        if option.max_length is not None and option.max_length <= LINE_CHARACTERS
        else FieldKind.PARAGRAPH
    )
    entry = Field(option.name, label, kind, required=True, max_length=option.max_length)
    return Form(command, title, submit, (entry,), dict(kept or {}), intro)


def new_form(
    settings: WorkspaceSettings,
    last: Mapping[str, str],
    *,
    models: Sequence[ModelSpec],
    projects: Sequence[Project] = (),
    templates: Sequence[Template] = (),
    template: str = "",
    is_private: bool = False,
) -> Form:
    """Return the form of a new session: what and files, and the rest under more, as it was chosen last.

    Args:
        settings: The workspace's, for what nobody chose.
        last: Choices by option, as texts.
        models: What may be chosen.
        projects: What may be chosen.
        templates: What may be chosen.
        template: Name or id of the one that was named already.
        is_private: Whether it was asked for privately.
    """
    team = last.get("team", "") or settings.cast
    named = (one.id for one in templates if template and {template, name_key(template)} & {one.id, one.key})
    chosen = next(named, "")

    def more(name: str, label: str, kind: FieldKind = FieldKind.LINE, **rest: Any) -> Field:
        return Field(name, label, kind, more=True, **{"value": last.get(name, ""), **rest})

    return Form(
        command="new",
        title="New session",
        submit="Start session",
        fields=(
            Field("brief", "What to write, or what to do", FieldKind.PARAGRAPH, max_length=_brief_length()),
            Field("files", "Files to work on", FieldKind.FILES, help="DOCX, PDF, TXT or MD; the first one is edited"),
            more(
                "template",
                "Template",
                FieldKind.CHOICE,
                value=chosen,
                choices=_templates(templates, chosen),
                help="Its words and choices; what you fill in yourself counts more",
            ),
            more("team", "Team of editors", FieldKind.CHOICE, value=team, choices=_casts()),
            Field("references", "Files to read and leave as they are", FieldKind.FILES, more=True),
            more(
                "reference-notes",
                "How to use the files to read",
                FieldKind.PARAGRAPH,
                value="",
                max_length=1_000,
                help="Such as: take every number from them",
            ),
            more("rounds", "Rounds at most", help="1 to 20; leave it empty for as many as usual"),
            more("editors", "Number of editors", help="1 to 12; leave it empty for the whole team"),
            more("good-enough", "Good enough at", help="The score at which to stop, 0 to 10; empty: as usual"),
            more("model", "Model", FieldKind.CHOICE, choices=_names(models)),
            more("project", "Project", FieldKind.CHOICE, choices=_projects(projects)),
            more("show", "Show in the thread", FieldKind.CHOICE, choices=SHOWN),
            more("notes-only", "Comments only", FieldKind.FLAG, value="", help="Nothing is rewritten"),
            more(
                "private",
                "Private",
                FieldKind.FLAG,
                value="true" if is_private else "",
                help="Only you see it; its result can be shared later",
            ),
        ),
        kept={"form": NEW_FORM},
    )


def template_form(template: Template) -> Form:
    """Return the form that changes a template: the five things that people change, since a modal of Discord's has no more.

    A brief that is longer than a field holds is left out, rather than cut.
    """
    threshold = template.threshold
    brief = Field(
        "brief", "What to write, or what to do", FieldKind.PARAGRAPH, template.brief, max_length=_brief_length()
    )
    is_long = len(template.brief) > FIELD_CHARACTERS
    return Form(
        "template-edit",
        "Edit the template",
        "Save template",
        (
            Field("to", "What it is called", value=template.name, required=True, max_length=MOST_CHARACTERS),
            *(() if is_long else (brief,)),
            Field(
                "reference-notes",
                "How to use the files to read",
                FieldKind.PARAGRAPH,
                template.reference_notes,
                max_length=1_000,
            ),
            Field("rounds", "Rounds at most", value="" if template.rounds is None else str(template.rounds)),
            Field("good-enough", "Good enough at", value="" if threshold is None else f"{threshold:g}", help="0 to 10"),
        ),
        {"template": template.id},
        "Its brief is too long for this form; `template edit NAME --brief ...` takes a longer one." if is_long else "",
    )


def settings_form(
    group: str,
    settings: WorkspaceSettings,
    preferences: Preferences | None = None,
    *,
    unit: Unit,
    models: Sequence[ModelSpec] = (),
    kept: Mapping[str, str] | None = None,
) -> Form:
    """Return a form of a few settings that belong together; five at most, since a modal of Discord's has no more.

    Args:
        group: ``mine``, ``people``, ``setup``, ``defaults`` or ``limits``; anything else is ``people``.
        settings: As they are.
        preferences: The reader's own.
        unit: In which unit people see and write amounts.
        models: What may be chosen.
        kept: Values that go along unseen.
    """

    def amount(name: str, label: str, microcredits: int | None, *, is_required: bool = False) -> Field:
        value = "" if microcredits is None else unit.write(microcredits)
        return Field(name, label, value=value, required=is_required)

    own = preferences.no_ask_microcredits if preferences is not None else None
    roles = Field(
        "start-roles", "Roles that may start", FieldKind.ROLES, ",".join(settings.start_roles), help="None: all"
    )
    channels = Field(
        "start-channels",
        "Channels to start in",
        FieldKind.CHANNELS,
        ",".join(settings.start_channels),
        help="None: all",
    )
    named = unit.value.capitalize()
    allowance = amount("allowance", f"{named} a member a month, 0: no limit", settings.member_cap_microcredits or 0)
    consent = _yes_no("consent", "Files of others need their leave", is_on=settings.asks_consent)
    guests = _yes_no("guests", "Guests may start", is_on=settings.guests_may_start)
    fields: tuple[Field, ...]
    match group:
        case "mine":
            fields = (amount("my-no-ask", f"Start without asking up to ({unit.value})", own, is_required=True),)
        case "defaults":
            fields = (
                Field("team", "Team of editors", FieldKind.CHOICE, settings.cast, _casts()),
                Field("rounds", "Rounds at most", value=str(settings.rounds)),
                Field("good-enough", "Good enough at", value=f"{settings.threshold:g}"),
                Field("model", "Model", FieldKind.CHOICE, settings.model, _names(models)),
                Field("show", "Show in the thread", FieldKind.CHOICE, settings.verbosity.value, SHOWN),
            )
        case "limits":
            fields = (
                amount("no-ask", f"Start without asking up to ({unit.value})", settings.no_ask_microcredits),
                allowance,
                amount("budget", f"{named} for all a month, 0: no limit", settings.monthly_cap_microcredits or 0),
                Field("language", "Language to write in", value=settings.language, help="Empty: the document's own"),
            )
        case "setup":
            fields = (roles, channels, allowance, guests, consent)
        case _:
            outsiders = _yes_no("outsiders", "Outsiders may start", is_on=settings.outsiders_may_start)
            fields = (roles, channels, consent, guests, outsiders)
    title = "Set up Atelier" if group == "setup" else "Settings"
    return Form("settings", title, "Save settings", fields, dict(kept or {}))


def _yes_no(name: str, label: str, *, is_on: bool) -> Field:
    return Field(name, label, FieldKind.CHOICE, "yes" if is_on else "no", (("yes", "Yes"), ("no", "No")))


def _casts() -> tuple[tuple[str, str], ...]:
    return tuple((cast.key, cast.name) for cast in list_casts())


def _names(models: Sequence[ModelSpec]) -> tuple[tuple[str, str], ...]:
    return tuple((spec.id, spec.name) for spec in models)[:MOST_CHOICES]


def _templates(templates: Sequence[Template], chosen: str) -> tuple[tuple[str, str], ...]:
    """Return as many as fit, the chosen one among them whatever its place."""
    first = sorted(templates, key=lambda one: one.id != chosen)[:MOST_CHOICES]
    return tuple((one.id, one.name) for one in templates if one in first)


def _projects(projects: Sequence[Project]) -> tuple[tuple[str, str], ...]:
    """Return the newest ones: of an old one the name can be typed."""
    return tuple((project.id, project.name) for project in reversed(projects))[:MOST_CHOICES]


def _brief_length() -> int | None:
    option = BY_NAME["new"].option("brief")
    return option.max_length if option is not None else None
