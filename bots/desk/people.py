"""Who asks: the rows of a workspace and of a member, made when somebody first turns up."""

from dataclasses import dataclass, replace

from bots.desk.door import Standing
from bots.desk.requests import Actor
from bots.desk.tools import Person, Tools
from core.sessions.ports import Transaction
from core.workspaces.model import Member, Preferences, Workspace, WorkspaceSettings

SOLD_TIER, FREE_OF_LIMITS = "free", "unlimited"


def platform_of(workspace_id: str) -> str:
    """Return the platform that a workspace's id begins with: an organisation of Slack's is Slack's too."""
    return workspace_id.partition(":")[0].partition("-")[0]


def new_workspace(tools: Tools, workspace_id: str, name: str = "") -> Workspace:
    """Return a workspace that nobody has seen yet: where nothing is sold, no tier limits it."""
    tier = SOLD_TIER if tools.tariff.checks_balance else FREE_OF_LIMITS
    return Workspace(workspace_id, platform_of(workspace_id), name, tools.clock.now(), tier=tier)


async def identify(tools: Tools, actor: Actor, standing: Standing) -> Person:
    """Return who asks, recorded with the name and the language that the platform knows now."""
    known = await tools.store.read(lambda tx: _known(tools, tx, actor, standing))
    if known.is_recorded:
        return known.person

    def record(tx: Transaction) -> Person:
        tx.workspaces.lock_member(actor.member_id)
        seen = _known(tools, tx, actor, standing)
        if seen.is_new_workspace:
            tx.workspaces.save(seen.person.workspace)
        if not seen.is_recorded:
            tx.workspaces.save_member(seen.person.member)
        return seen.person

    person = await tools.store.write(record)
    if known.is_new_workspace:
        await tools.greet(person.workspace.id)
    return person


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person
    is_recorded: bool
    is_new_workspace: bool


def _known(tools: Tools, tx: Transaction, actor: Actor, standing: Standing) -> _Known:
    """Return the person as the rows should be, and whether they are so."""
    found_workspace = tx.workspaces.find(actor.workspace_id)
    workspace = found_workspace or new_workspace(tools, actor.workspace_id)
    found = tx.workspaces.find_member(actor.member_id)
    name = standing.name or actor.name or (found.name if found else actor.external_id)
    if found is None:
        member = Member(
            actor.member_id, workspace.id, actor.external_id, name, tools.clock.now(), locale=standing.locale
        )
    else:
        member = replace(found, name=name, locale=standing.locale or found.locale)
    return _Known(Person(workspace, member, standing), member == found, found_workspace is None)


async def set_preferences(tools: Tools, member_id: str, **changes: object) -> Preferences:
    """Change what a member chose, and return all of it."""

    def work(tx: Transaction) -> Preferences:
        member = tx.workspaces.lock_member(member_id)
        if member is None:
            return Preferences()
        preferences = replace(member.preferences, **changes)  # type: ignore[arg-type]  # names are the caller's
        tx.workspaces.save_member(replace(member, preferences=preferences))
        return preferences

    return await tools.store.write(work)


async def set_settings(tools: Tools, workspace_id: str, **changes: object) -> WorkspaceSettings:
    """Change what a workspace chose, and return all of it; what others change in the same moment stays."""

    def work(tx: Transaction) -> WorkspaceSettings:
        workspace = tx.workspaces.lock(workspace_id)
        if workspace is None:
            return WorkspaceSettings()
        settings = replace(workspace.settings, **changes)  # type: ignore[arg-type]  # names are the caller's
        tx.workspaces.save(replace(workspace, settings=settings))
        return settings

    return await tools.store.write(work)
