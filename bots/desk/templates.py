"""Templates: saved from a session by who may change it, seen and used by all, changed by their makers and admins."""

from functools import partial

from bots.desk.choosing import choose
from bots.desk.forms import Form, template_form
from bots.desk.pages import place_in
from bots.desk.requests import RequestKind
from bots.desk.tools import Call, Handlers, Tools
from bots.desk.verbs import named_form
from bots.views.ask import said
from bots.views.elements import Button
from bots.views.pager import page_of
from bots.views.templates import DELETE, EDIT, SHOW, template_view, templates_view
from core.sessions.errors import BadRequest
from core.sessions.templates import TEMPLATE, Changes, Templates
from core.workspaces.access import control_denial, keep_denial, refuse, steer_denial
from core.workspaces.model import Template

_A_PAGE = 5


def handlers(tools: Tools) -> Handlers:
    """Return what can be done with templates."""
    templates = Templates(store=tools.store, clock=tools.clock)

    async def save_form(call: Call) -> Form | None:
        if call.text("name"):
            return None
        return named_form(call, "template-save", "New template", "Save template", "What it is called")

    return Handlers(
        commands={
            TEMPLATE: partial(_list, templates),
            "template-save": partial(_save, tools, templates),
            SHOW: partial(_show, tools, templates),
            EDIT: partial(_edit, templates),
            DELETE: partial(_delete, templates),
        },
        forms={"template-save": save_form, EDIT: partial(_edit_form, templates)},
    )


async def _list(templates: Templates, call: Call) -> None:
    _check(call)
    known = await templates.list_for(call.workspace.id)
    _, number = place_in(f":{call.text('argument')}")
    shown, pages = page_of(known, number, _A_PAGE)
    await call.say(templates_view(shown, page=number, pages=pages))


async def _save(tools: Tools, templates: Templates, call: Call) -> None:
    """Keep a session's start; its brief becomes everybody's here, so it must be one's own to give, and in sight."""
    _check(call)
    session = await choose(tools, call, "template-save")
    if session is None:
        return
    refuse(control_denial(session.member_id, call.member, call.person.standing))
    template = await templates.save(
        session,
        call.text("name"),
        actor=call.member.id,
        template_id=f"t_{call.request.id.removeprefix('q_')}",
    )
    small = (
        "Everybody here can read and use it. Nothing that was written in the session is in it, only how it was begun."
    )
    await call.say(said(f"{template.name} is saved.", buttons=(_show_button(template),), small=small))


async def _show(tools: Tools, templates: Templates, call: Call) -> None:
    template = await _meant(templates, call)
    member = await tools.store.read(lambda tx: tx.workspaces.find_member(template.made_by))
    denial = keep_denial(template.made_by, call.member, call.person.standing)
    view = template_view(
        template,
        maker=member.name if member is not None else "",
        unit=tools.unit,
        may_change=bool(template.workspace_id) and denial is None,
    )
    await call.say(view)


async def _edit_form(templates: Templates, call: Call) -> Form | None:
    """Return the form of a template that the asker may change, None where they said already what to change."""
    if _changes(call):
        return None
    return template_form(await _own(templates, call))


async def _edit(templates: Templates, call: Call) -> None:
    """Change what was named; a form's field that was emptied takes away what it held."""
    template = await _own(templates, call)
    changes = _changes(call)
    if not changes:
        raise BadRequest(TEMPLATE, f"Say what to change of {template.name}, such as `--rounds 2` or `--to NAME`.")
    edited = await templates.edit(template, changes, actor=call.member.id)
    small = "Sessions that were begun with it are as they were."
    await call.say(said(f"{edited.name} is saved.", buttons=(_show_button(edited),), small=small))


def _changes(call: Call) -> Changes:
    """Return what a command or a form changes; only a form sends what was emptied."""
    emptied = {name for name, value in call.request.values.items() if value == ""}
    changes = Changes()
    if call.text("to"):
        changes["name"] = call.text("to")
    if call.text("brief") or "brief" in emptied:
        changes["brief"] = call.text("brief")
    if call.text("reference-notes") or "reference-notes" in emptied:
        changes["reference_notes"] = call.text("reference-notes")
    if call.integer("rounds") is not None or "rounds" in emptied:
        changes["rounds"] = call.integer("rounds")
    if call.number("good-enough") is not None or "good-enough" in emptied:
        changes["threshold"] = call.number("good-enough")
    return changes


async def _own(templates: Templates, call: Call) -> Template:
    """Return the template that is meant if the asker may change it.

    Raises:
        NotAllowed: If it is another member's.
        BadRequest: If it ships.
    """
    template = await _meant(templates, call)
    if not template.workspace_id:
        raise BadRequest(
            TEMPLATE, f"{template.name} ships with Atelier. Start with it, then keep your own: `template save NAME`."
        )
    refuse(keep_denial(template.made_by, call.member, call.person.standing))
    return template


async def _delete(templates: Templates, call: Call) -> None:
    template = await _meant(templates, call, own=True)
    refuse(keep_denial(template.made_by, call.member, call.person.standing))
    await templates.delete(template, actor=call.member.id)
    await call.say(said(f"{template.name} is deleted; sessions that were begun with it are as they were."))


async def _meant(templates: Templates, call: Call, *, own: bool = False) -> Template:
    """Return the template that a command names or a button is about; raises `NameUnknown`."""
    _check(call)
    name = call.request.target if call.request.kind is RequestKind.PRESS else call.text(TEMPLATE)
    return await (templates.get_own if own else templates.find)(call.workspace.id, name)


def _check(call: Call) -> None:
    """Raise `NotAllowed` for those who may not take part here: what a workspace keeps is its own."""
    refuse(steer_denial(call.workspace, call.member, call.person.standing))


def _show_button(template: Template) -> Button:
    return Button(SHOW, f"Show {template.name}"[:75], template.id)
