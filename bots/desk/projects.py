"""Projects: made by any member, seen by all, kept by their makers and admins; what is in them is seen by whoever may."""

from collections import Counter
from functools import partial

from bots.desk.choosing import can_see, choose
from bots.desk.forms import Form, text_form
from bots.desk.listing import MOST_SESSIONS, SESSIONS_A_PAGE, names_of
from bots.desk.pages import place_in
from bots.desk.requests import RequestKind
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import said
from bots.views.elements import Button
from bots.views.lists import sessions_view
from bots.views.pager import page_of
from bots.views.projects import SHOW, keep_button, project_lines, projects_view
from core.sessions.errors import BadRequest
from core.sessions.model import Session
from core.sessions.ports import Transaction
from core.sessions.projects import PROJECT, Projects
from core.workspaces.access import control_denial, keep_denial, refuse, steer_denial
from core.workspaces.errors import NameUnknown
from core.workspaces.model import Project

_PROJECTS_A_PAGE = 5


def handlers(tools: Tools) -> Handlers:
    """Return what can be done with projects."""
    projects = Projects(store=tools.store, clock=tools.clock)

    async def new_form(call: Call) -> Form | None:
        if call.text("name"):
            return None
        return text_form("project-new", "New project", "Make project", "What it is called")

    return Handlers(
        commands={
            PROJECT: partial(_list, tools),
            "project-new": partial(_new, projects),
            SHOW: partial(_show, tools, projects),
            "project-rename": partial(_rename, tools, projects),
            "project-archive": partial(_archive, tools, projects, archived=True),
            "project-unarchive": partial(_archive, tools, projects, archived=False),
            "project-move": partial(_move, tools, projects),
        },
        forms={"project-new": new_form},
    )


async def _list(tools: Tools, call: Call) -> None:
    _check(call)
    given, _, page = call.text("argument").rpartition(":")
    archived = call.flag("archived") or given == "archived"

    def read(tx: Transaction) -> tuple[list[Project], Counter[str | None]]:
        known = list(tx.workspaces.list_projects(call.workspace.id, archived=True))
        mine = tx.sessions.list_sessions(workspace_id=call.workspace.id, member_id=call.member.id, limit=MOST_SESSIONS)
        here = tx.sessions.list_sessions(workspace_id=call.workspace.id, channel=call.channel, limit=MOST_SESSIONS)
        seen = {session.id: session.project_id for session in (*mine, *here) if can_see(call, session)}
        return known, Counter(seen.values())

    known, counted = await tools.store.read(read)
    wanted = [project for project in known if (project.archived_at is not None) is archived]
    number = int(page) if page.isdigit() else 0
    shown, pages = page_of(sorted(wanted, key=lambda project: project.key), number, _PROJECTS_A_PAGE)
    view = projects_view(
        [(project, counted[project.id]) for project in shown],
        page=number,
        pages=pages,
        archived=archived,
        has_archived=any(project.archived_at is not None for project in known),
    )
    await call.say(view)


async def _new(projects: Projects, call: Call) -> None:
    _check(call)
    project_id = f"p_{call.request.id.removeprefix('q_')}"
    project = await projects.create(call.workspace.id, call.text("name"), actor=call.member.id, project_id=project_id)
    small = f'Start something in it with `new --project "{project.name}"`, or move a session: `project move`.'
    await call.say(said(f"{project.name} is there.", buttons=(_show_button(project),), small=small))


async def _show(tools: Tools, projects: Projects, call: Call) -> None:
    project = await _meant(tools, projects, call, archived=True)

    def read(tx: Transaction) -> tuple[list[Session], dict[str, str], int]:
        found = tx.sessions.list_sessions(workspace_id=call.workspace.id, project_id=project.id, limit=MOST_SESSIONS)
        visible = [session for session in found if can_see(call, session)]
        return visible, names_of(tx, visible), tx.sessions.spent_on([session.id for session in visible])

    visible, names, spent = await tools.store.read(read)
    _, number = place_in(f":{call.text('argument')}")
    shown, pages = page_of(visible, number, SESSIONS_A_PAGE)
    may_keep = keep_denial(project.made_by, call.member, call.person.standing) is None
    view = sessions_view(
        shown,
        whose=project.name,
        page=number,
        pages=pages,
        argument="",
        member_id=call.member.id,
        names=names,
        unit=tools.unit,
        above=project_lines(project, spent_microcredits=spent, unit=tools.unit, may_keep=may_keep),
        turns=(SHOW, project.id),
        none_yet="There is nothing in it that you can see from here.",
    )
    await call.say(view)


async def _rename(tools: Tools, projects: Projects, call: Call) -> None:
    project = await _kept(tools, projects, call)
    renamed = await projects.rename(project, call.text("to"), actor=call.member.id)
    await call.say(said(f"{project.name} is called {renamed.name} now.", buttons=(_show_button(renamed),)))


async def _archive(tools: Tools, projects: Projects, call: Call, *, archived: bool) -> None:
    project = await projects.archive(await _kept(tools, projects, call), archived=archived, actor=call.member.id)
    told = "is archived: its sessions stay, and nothing new goes into it" if archived else "is back"
    await call.say(said(f"{project.name} {told}.", buttons=(keep_button(project),)))


async def _move(tools: Tools, projects: Projects, call: Call) -> None:
    """Put a session into a project; the project is looked up first, so that nobody chooses a session in vain."""
    _check(call)
    out, name = call.flag("out"), call.text(PROJECT)
    if not out and not name:
        raise BadRequest(PROJECT, "Name the project, or say --out to take the session out of its own.")
    project = None if out else await projects.find(call.workspace.id, name)
    session = await choose(tools, call, "project-move")
    if session is None:
        return
    refuse(control_denial(session.member_id, call.member, call.person.standing))
    moved = await projects.move(session.id, project, actor=call.member.id)
    where = f"is in {project.name} now" if project is not None else "is in no project now"
    buttons = (_show_button(project),) if project is not None else ()
    await call.say(said(f"{moved.title} {where}.", buttons=buttons))


async def _meant(tools: Tools, projects: Projects, call: Call, *, archived: bool) -> Project:
    """Return the project that a command names or a button is about; raises `NameUnknown`."""
    _check(call)
    if call.request.kind is not RequestKind.PRESS:
        return await projects.find(call.workspace.id, call.text(PROJECT), archived=archived)
    project = await tools.store.read(lambda tx: tx.workspaces.find_project(call.request.target))
    if project is None or project.workspace_id != call.workspace.id:
        raise NameUnknown(PROJECT, "")
    return project


async def _kept(tools: Tools, projects: Projects, call: Call) -> Project:
    """Return the project that is meant if the asker may change it; raises `NotAllowed`."""
    project = await _meant(tools, projects, call, archived=True)
    refuse(keep_denial(project.made_by, call.member, call.person.standing))
    return project


def _check(call: Call) -> None:
    """Raise `NotAllowed` for those who may not take part here: names of projects are the workspace's own."""
    refuse(steer_denial(call.workspace, call.member, call.person.standing))


def _show_button(project: Project) -> Button:
    return Button(SHOW, f"Show {project.name}"[:75], project.id)
