"""Templates, as people read them."""

from collections.abc import Sequence

from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Text, View
from bots.views.pager import cut_text, turning
from bots.views.words import count, money
from core.casts.catalogue import list_casts
from core.money import Unit
from core.workspaces.model import Template

SHOW, EDIT, DELETE = "template-show", "template-edit", "template-delete"
_EXCERPT_CHARACTERS = 120
_BRIEF_CHARACTERS = 2_400


def templates_view(templates: Sequence[Template], *, page: int, pages: int) -> View:
    """Return a page of templates with a button to open each; those that ship say so."""
    lines = [f"- **{one.name}**{'' if one.workspace_id else ' (ships)'}: {_excerpt(one.brief)}" for one in templates]
    elements: list[Element] = [
        Heading("Templates", 2),
        Text("\n".join(lines)),
        Buttons(tuple(Button(SHOW, f"Show {one.name}"[:75], one.id) for one in templates)),
        Small("Begin with one: `new --template NAME`. Keep your own: `template save NAME` in a session's thread."),
        *turning("template", "", page, pages),
    ]
    return View(tuple(elements), f"Templates: {', '.join(one.name for one in templates)}.")


def template_view(template: Template, *, maker: str, unit: Unit, may_change: bool) -> View:
    """Return one template.

    Args:
        template: The template.
        maker: The name of whoever saved it, empty for one that ships.
        unit: In which unit people see amounts.
        may_change: Whether the reader may change and delete it.
    """
    elements: list[Element] = [Heading(template.name, 2)]
    elements += [Text(piece) for piece in cut_text(template.brief or "It has no words of its own.", _BRIEF_CHARACTERS)]
    pairs = template_pairs(template, unit)
    if pairs:
        elements.append(Fields(pairs))
    if template.reference_notes:
        elements.append(Text(f"How to use the files to read: {template.reference_notes}"))
    by = f"Saved by {maker or 'somebody'} on {template.created_at:%Y-%m-%d}." if template.workspace_id else "It ships."
    elements.append(Small(f"{by} What you say when you start goes before it."))
    buttons = [Button("new", f"Start with {template.name}"[:75], "", template.id, style=Style.PRIMARY)]
    if may_change:
        buttons.append(Button(EDIT, "Edit template", template.id))
        buttons.append(Button(DELETE, "Delete template", template.id, style=Style.DANGER))
    elements.append(Buttons(tuple(buttons)))
    return View(tuple(elements), f"{template.name}: {_excerpt(template.brief)}")


def template_pairs(template: Template, unit: Unit) -> tuple[tuple[str, str], ...]:
    """Return the settings that a template has of its own, by what people call them."""
    team = next((cast.name for cast in list_casts() if cast.key == template.team), template.team)
    cap = template.cap_microcredits
    known = {
        "Team": team,
        "Editors": "" if template.editors is None else count(template.editors, "editor"),
        "Rounds": "" if template.rounds is None else f"at most {template.rounds}",
        "Good enough at": "" if template.threshold is None else f"{template.threshold:g}",
        "Model": template.model,
        "Never more than": "" if cap is None else money(cap, unit),
        "Language": template.language,
        "Shows": template.verbosity.value if template.verbosity is not None else "",
        "Comments only": "yes" if template.notes_only else "",
    }
    return tuple((name, value) for name, value in known.items() if value)


def _excerpt(brief: str) -> str:
    line = " ".join(brief.split()) or "settings alone"
    return line if len(line) <= _EXCERPT_CHARACTERS else f"{line[:_EXCERPT_CHARACTERS].rstrip()}..."
