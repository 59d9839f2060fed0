"""What people look at: sessions, one session, its files, models, help."""

from collections.abc import Sequence

from bots.desk.choosing import can_see, choose
from bots.desk.pages import place_in
from bots.desk.requests import RequestKind
from bots.desk.tools import Call, Handlers, Tools
from bots.parsing import HelpNeeded
from bots.views.ask import help_view, unsold
from bots.views.elements import Button, Buttons, View
from bots.views.lists import files_view, models_view, sessions_view
from bots.views.pager import page_of
from bots.views.session_card import session_card
from bots.views.welcome import greeting_view
from bots.views.words import share_label
from core.errors import UserFacingError
from core.providers.errors import ProviderNotConfigured, UnknownModel
from core.sessions.errors import SessionNotFound
from core.sessions.model import ENDED, LIVE, Session, Status
from core.sessions.ports import Transaction
from core.sessions.projects import Projects
from core.workspaces.model import Project

SESSIONS_A_PAGE = 5
MOST_SESSIONS = 500
_FILES_A_PAGE = 10
_SUGGESTS = "Did you mean"  # to somebody who talks, "there is no command" alone says nothing
_MODELS_A_PAGE = 10


def handlers(tools: Tools) -> Handlers:
    """Return what can be looked at."""

    async def sessions(call: Call) -> None:
        await _sessions(tools, call)

    async def status(call: Call) -> None:
        session = await choose(tools, call, "status")
        if session is not None:
            await call.say(await status_view(tools, session))

    async def files(call: Call) -> None:
        await _files(tools, call)

    async def models(call: Call) -> None:
        await _models(tools, call)

    async def help_(call: Call) -> None:
        _, page = place_in(f":{call.text('argument')}")
        command = call.text("command")
        if call.text("problem"):
            await call.say(help_answer(tools, call, HelpNeeded(command, call.text("problem"))))
        else:
            await call.say(help_view(command, platform=call.door.platform, page=page, sells=tools.sells))

    return Handlers(
        commands={"sessions": sessions, "status": status, "files": files, "models": models, "help": help_}, ways=_ways
    )


def help_answer(tools: Tools, call: Call, needed: HelpNeeded) -> View:
    """Return the help of the command that was not typed as it is, or a few lines for whoever named none."""
    sells = tools.sells
    command, problem = (needed.command, needed.problem) if sells else unsold(needed.command, needed.problem)
    if command:
        return help_view(command, problem, platform=call.door.platform, sells=sells)
    if call.request.kind is RequestKind.MENTION and _SUGGESTS not in problem:
        problem = ""
    return greeting_view(problem, platform=call.door.platform, has_sample=tools.sample is not None)


async def _ways(_call: Call, error: UserFacingError, _session_id: str) -> Sequence[Button]:
    """Return the way to all sessions for whoever meant one that is not here."""
    return (Button("sessions", "List sessions", ""),) if isinstance(error, SessionNotFound) else ()


async def status_view(tools: Tools, session: Session) -> View:
    """Return a session's card for one reader, with what can be read and done besides."""
    snapshot = await tools.snapshot(session.id)
    card = session_card(snapshot)
    if session.forgotten_at is not None:
        return card
    offered = {button.action for row in card.elements if isinstance(row, Buttons) for button in row.buttons}
    buttons: list[Button] = []
    if session.status in LIVE and "steer" not in offered:
        buttons.append(Button("steer", "Steer session", session.id))
    if session.status in ENDED and not session.notes_only and session.status is not Status.FAILED:
        buttons.append(Button("continue", "Continue with guidance", session.id))
    if snapshot.turns:
        buttons.append(Button("comments", "Show all comments", session.id))
        buttons.append(Button("exchange", "Show whole exchange", session.id))
    if session.origin and session.status in ENDED and session.best_version is not None:
        buttons.append(Button("share", share_label(session), session.id))
    elements = (*card.elements, Buttons(tuple(buttons))) if buttons else card.elements
    return View(elements, card.fallback)


async def _sessions(tools: Tools, call: Call) -> None:
    """List the asker's own sessions, or everybody's that this channel shows."""
    everybody, _, page = call.text("argument").rpartition(":")
    shows_all = call.flag("all") or everybody == "all"
    project = await _project(tools, call)

    def read(tx: Transaction) -> tuple[list[Session], dict[str, str]]:
        found = tx.sessions.list_sessions(
            workspace_id=call.workspace.id,
            member_id=None if shows_all else call.member.id,
            channel=call.channel if shows_all else None,
            project_id=project.id if project is not None else None,
            limit=MOST_SESSIONS,
        )
        visible = [session for session in found if can_see(call, session)]
        return visible, names_of(tx, visible)

    visible, names = await tools.store.read(read)
    whose = "Sessions of this channel" if shows_all else "Your sessions"
    number = int(page) if page.isdigit() else 0
    shown, pages = page_of(visible, number, SESSIONS_A_PAGE)
    await call.say(
        sessions_view(
            shown,
            whose=f"{whose} in {project.name}" if project is not None else whose,
            unit=tools.unit,
            page=number,
            pages=pages,
            argument="all:" if shows_all else "mine:",
            member_id=call.member.id,
            names=names,
            turns=("sessions", project.id if project is not None else ""),
        )
    )


async def _project(tools: Tools, call: Call) -> Project | None:
    """Return the project whose sessions are meant, None for those of all and of none; raises `NameUnknown`."""
    name = call.request.target if call.request.kind is RequestKind.PRESS else call.text("project")
    if not name:
        return None
    return await Projects(store=tools.store, clock=tools.clock).find(call.workspace.id, name, archived=True)


def names_of(tx: Transaction, sessions: Sequence[Session]) -> dict[str, str]:
    """Return the names of those who started sessions, by their ids."""
    people = {session.member_id for session in sessions}
    members = (tx.workspaces.find_member(member_id) for member_id in sorted(people))
    return {member.id: member.name for member in members if member is not None}


async def _files(tools: Tools, call: Call) -> None:
    session = await choose(tools, call, "files")
    if session is None:
        return
    files = await tools.store.read(lambda tx: tx.sessions.list_files(session.id))
    newest = sorted(files, key=lambda file: (file.kind != "result", -file.created_at.timestamp()))
    argument = call.text("argument")
    page = int(argument) if argument.isdigit() else 0
    shown, pages = page_of(newest, page, _FILES_A_PAGE)
    view = files_view(session, shown, page=page, pages=pages)
    await call.say(view, files=[file for file in shown if file.kind == "result"])


async def _models(tools: Tools, call: Call) -> None:
    allowed = tools.models_for(call.workspace)
    argument = call.text("argument")
    page = int(argument) if argument.isdigit() else 0
    shown, pages = page_of(allowed, page, _MODELS_A_PAGE)
    default = _default_model(tools, call)
    base = next((spec for spec in allowed if spec.id == default), None)
    now = tools.clock.now()
    priced = [(spec, tools.tariff.compare(spec, base, at=now) if base is not None else None) for spec in shown]
    await call.say(models_view(priced, default=default, page=page, pages=pages))


def _default_model(tools: Tools, call: Call) -> str:
    """Return the id of the model that works here unless somebody chooses, empty where there is none."""
    name = call.workspace.settings.model
    try:
        name = name or tools.registry.default_model()
        return tools.registry.catalogue.resolve(name, today=tools.clock.now().date()).spec.id
    except (ProviderNotConfigured, UnknownModel):
        return ""
