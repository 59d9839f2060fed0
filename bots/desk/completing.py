"""What may be meant by what somebody has typed so far."""

from collections.abc import Mapping, Sequence

from bots.commands import BY_NAME, Completion, Option, offered
from bots.desk.choosing import FITS
from bots.desk.people import new_workspace, platform_of
from bots.desk.requests import Actor
from bots.desk.tools import Tools
from bots.parsing import Value
from bots.views.lists import short_state
from core.casts.catalogue import list_casts
from core.casts.editors import with_editors
from core.credits.entitlements import get_tier
from core.sessions.model import Session, Status
from core.sessions.ports import Transaction
from core.sessions.templates import Templates

MOST = 25
_LABEL_CHARACTERS = 100
_CANDIDATES = 100


async def complete(
    tools: Tools,
    actor: Actor,
    command: str,
    option: str,
    typed: str,
    *,
    given: Mapping[str, Value] | None = None,
) -> Sequence[tuple[str, str]]:
    """Return values with labels, those that begin so first, at most 25.

    Args:
        tools: What is there to choose from.
        actor: Who types.
        command: The command.
        option: Which of its options.
        typed: What stands there so far.
        given: What was chosen for other options: how many editors there are depends on the team.
    """
    declared = BY_NAME[command].option(option) if command in BY_NAME else None
    if declared is None:
        return []
    match declared.completion:
        case Completion.SESSION:
            found = await _sessions(tools, actor, command)
        case Completion.MODEL:
            found = await _models(tools, actor)
        case Completion.TEAM:
            found = [(cast.key, cast.name) for cast in list_casts()]
        case Completion.EDITORS:
            found = await _editors(tools, actor, declared, str((given or {}).get("team") or ""))
        case Completion.PROJECT | Completion.ARCHIVED as kind:
            found = await _projects(tools, actor, archived=kind is Completion.ARCHIVED)
        case Completion.TEMPLATE | Completion.OWN_TEMPLATE as kind:
            known = await Templates(store=tools.store, clock=tools.clock).list_for(actor.workspace_id)
            own_only = kind is Completion.OWN_TEMPLATE
            found = [(one.name, one.name) for one in known if one.workspace_id or not own_only]
        case Completion.COMMAND:
            listed = offered(platform=platform_of(actor.workspace_id), sells=tools.sells)
            found = [(item.name, f"{item.typed}: {item.help}") for item in listed]
        case _:
            found = [(value, value) for value in declared.choices]
    return _matching(found, typed)


def _matching(found: Sequence[tuple[str, str]], typed: str) -> list[tuple[str, str]]:
    wanted = typed.strip().casefold()
    starts = [item for item in found if item[1].casefold().startswith(wanted)]
    holds = [item for item in found if item not in starts and wanted in f"{item[0]} {item[1]}".casefold()]
    return [(value, label[:_LABEL_CHARACTERS]) for value, label in (*starts, *holds)][:MOST]


async def _sessions(tools: Tools, actor: Actor, command: str) -> list[tuple[str, str]]:
    """Return the member's own sessions that the command fits, newest first: nobody else's title is shown."""

    def read(tx: Transaction) -> Sequence[Session]:
        return tx.sessions.list_sessions(workspace_id=actor.workspace_id, member_id=actor.member_id, limit=_CANDIDATES)

    fits = FITS.get(command, frozenset(Status))
    mine = [session for session in await tools.store.read(read) if session.status in fits]
    return [(session.id, f"{session.title}: {short_state(session, tools.unit)}") for session in mine]


async def _projects(tools: Tools, actor: Actor, *, archived: bool) -> list[tuple[str, str]]:
    """Return the projects that are open, or those that were put away, of the member's workspace."""
    known = await tools.store.read(lambda tx: tx.workspaces.list_projects(actor.workspace_id, archived=archived))
    return [(project.name, project.name) for project in known if (project.archived_at is not None) is archived]


async def _editors(tools: Tools, actor: Actor, declared: Option, team: str) -> list[tuple[str, str]]:
    """Return how many editors the member's workspace may have, each number with their names in the team."""
    workspace = await tools.store.read(lambda tx: tx.workspaces.find(actor.workspace_id))
    known = workspace or new_workspace(tools, actor.workspace_id)
    casts = {cast.key: cast for cast in list_casts()}
    cast = casts.get(team) or casts.get(known.settings.cast) or list_casts()[0]
    most = int(declared.maximum or MOST)
    allowed = get_tier(tools.prices, known.tier).editors
    found = []
    for number in range(1, min(most, most if allowed is None else allowed) + 1):
        names = [role.name for role in with_editors(cast, number).editors]
        found.append((str(number), _counted(number, names)))
    return found


def _counted(number: int, names: Sequence[str]) -> str:
    """Return a number of editors with as many of their names as a label holds."""
    noun = "editor" if number == 1 else "editors"
    for shown in range(number, 0, -1):
        more = " and others" if shown < number else ""
        label = f"{number} {noun}: {', '.join(names[:shown])}{more}"
        if len(label) <= _LABEL_CHARACTERS:
            return label
    return f"{number} {noun}"


async def _models(tools: Tools, actor: Actor) -> list[tuple[str, str]]:
    workspace = await tools.store.read(lambda tx: tx.workspaces.find(actor.workspace_id))
    known = workspace or new_workspace(tools, actor.workspace_id)
    return [(spec.id, spec.name) for spec in tools.models_for(known)]
