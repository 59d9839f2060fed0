"""What people are told once: before their first session, and when the app arrives; and what happens when it leaves."""

from dataclasses import replace

import structlog

from bots.desk.departing import live_sessions, mark_left, stop_all
from bots.desk.people import identify, new_workspace, set_preferences
from bots.desk.requests import Actor
from bots.desk.tools import Call, Tools
from bots.views.welcome import about_ai, installed_view
from core.sessions.ports import AuditEntry, Transaction
from core.workspaces.model import Workspace

_log = structlog.get_logger(__name__)


def first_words(tools: Tools, call: Call) -> str:
    """Return what a member is told once, before anything of theirs is sent; empty for somebody who knows.

    Whoever says it calls `was_told` afterwards. It goes along with what is said anyway: a message of its own would be
    one more to read, and one more call to a platform that counts them.
    """
    return "" if call.member.preferences.welcomed else about_ai(vendors_of(tools, call.workspace))


async def was_told(tools: Tools, call: Call) -> None:
    """Record that a member knows."""
    await set_preferences(tools, call.member.id, welcomed=True)


def vendors_of(tools: Tools, workspace: Workspace) -> tuple[str, ...]:
    """Return the companies that get a workspace's text, as people know them."""
    allowed = {name.casefold() for name in workspace.settings.providers}
    return tuple(name for name in tools.vendors if not allowed or name.casefold() in allowed)


async def installed(tools: Tools, workspace: Workspace, installer: Actor, *, came_back: bool = False) -> None:
    """Record a workspace that has the app from now on; write to its installer once an installation.

    Args:
        tools: What the desk works with.
        workspace: As the platform says.
        installer: Who did it; nobody's id where the platform does not say.
        came_back: Whether the platform recorded already that the app is in a workspace again that it had left.
    """

    def record(tx: Transaction) -> Workspace:
        found = tx.workspaces.lock(workspace.id)
        now = tools.clock.now()
        if found is None:
            kept = replace(new_workspace(tools, workspace.id, workspace.name), settings=workspace.settings)
        else:
            kept = replace(found, name=workspace.name or found.name, removed_at=None)
        tx.workspaces.save(kept)
        tx.audit.add(AuditEntry(now, installer.member_id, "app_installed", kept.id, kept.id))
        return kept

    is_new = came_back or await tools.store.read(lambda tx: _is_away(tx, workspace.id))
    kept = await tools.store.write(record)
    if is_new:
        await tools.greet(kept.id)
    if not is_new or not installer.external_id:
        return
    door = tools.doors[kept.platform]
    # an admin whom we know: whoever needs credits may ask them, before they ever asked for anything themselves
    await identify(tools, installer, await door.standing(installer))
    view = installed_view(kept.platform, has_sample=tools.sample is not None, vendors=vendors_of(tools, kept))
    if not await door.tell(installer.member_id, view):
        _log.info("installer_unreachable", workspace=kept.id)


async def removed(tools: Tools, workspace_id: str) -> None:
    """Mark the workspace as left, and stop what runs there; its ledger and its texts stay, for one that comes back."""

    def mark(tx: Transaction) -> list[str]:
        mark_left(tx, workspace_id, at=tools.clock.now())
        return [session.id for session in live_sessions(tx, workspace_id)]

    await stop_all(tools.sessions, await tools.store.write(mark))


def _is_away(tx: Transaction, workspace_id: str) -> bool:
    """Return whether the app is not in a workspace yet, or not any more."""
    workspace = tx.workspaces.find(workspace_id)
    return workspace is None or workspace.removed_at is not None
