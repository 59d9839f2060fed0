"""What a start leaves open: taken from a template, unless somebody said it."""

from dataclasses import replace
from typing import Any

from bots.desk.forms import NEW_FORM
from bots.desk.tools import Call, Tools
from core.sessions.errors import BadRequest
from core.sessions.requests import NewSession, with_notes
from core.sessions.templates import TEMPLATE, Templates, apply_template

# options that the form of `new` shows with what was chosen last, the field that each fills, and what leaves it open
_SHOWN: dict[str, tuple[str, Any]] = {
    "team": ("cast", ""),
    "editors": ("editors", None),
    "rounds": ("rounds", None),
    "good-enough": ("threshold", None),
    "model": ("model", ""),
    "language": ("language", ""),
    "show": ("verbosity", None),
}


async def with_template(tools: Tools, call: Call, new: NewSession) -> NewSession:
    """Return *new* begun with the template that the request names, or as it is.

    Raises:
        NameUnknown: If there is no such template.
        BadRequest: If nothing is given to a template that ships: it says how, never what about.
    """
    name = call.text(TEMPLATE)
    if not name:
        return new
    template = await Templates(store=tools.store, clock=tools.clock).find(call.workspace.id, name)
    if not template.workspace_id and not new.brief and new.upload is None:
        raise BadRequest("brief", f"Say what it is about, or give a file: {template.name} only says how.")
    if new.references and not call.text("reference-notes"):
        new = replace(new, brief=with_notes(new.brief, template.reference_notes))
    return apply_template(template, _as_chosen(call, new))


def written(value: object) -> str:
    """Return a value as a form's field shows it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_chosen(call: Call, new: NewSession) -> NewSession:
    """Return *new* without what a form merely held when it opened: nobody chose that over the template."""
    if call.text("form") != NEW_FORM:
        return new
    last = call.member.preferences.last_choices
    held = {**last, "team": last.get("team", "") or call.workspace.settings.cast}
    open_ = {
        field: nothing
        for option, (field, nothing) in _SHOWN.items()
        if option in call.values and written(call.values[option]) == held.get(option)
    }
    return replace(new, **open_)
