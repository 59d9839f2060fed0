"""The app leaves a workspace: it is marked, what runs there is stopped, and its ledger and texts stay."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from core.errors import ConflictError
from core.sessions.errors import NotPossibleNow, SessionNotFound
from core.sessions.model import LIVE, Session, Status
from core.sessions.ports import AuditEntry, Transaction

_log = structlog.get_logger(__name__)
_ACTOR = "system"
_MOST_SESSIONS = 10_000  # no tier lets so many run at once
_MOST_ENTRIES = 1_000  # of the audit log, from a stop back to the departure that it came from


class Stopping(Protocol):
    """What `core.sessions.service.SessionService` does here."""

    async def stop(self, session_id: str, *, actor: str) -> Session:
        """See there."""
        ...


def mark_left(
    tx: Transaction, workspace_id: str, *, at: datetime, target: str = "", details: Mapping[str, str] | None = None
) -> None:
    """Mark a workspace as one that the app has left; harmless to repeat, and for one that nobody knows.

    Args:
        tx: The transaction.
        workspace_id: Which one.
        at: Now.
        target: What the platform calls the installation that ended, for the audit log; the workspace itself if empty.
        details: More for the audit log.
    """
    workspace = tx.workspaces.lock(workspace_id)
    if workspace is None or workspace.removed_at is not None:
        return
    tx.workspaces.save(replace(workspace, removed_at=at))
    tx.audit.add(AuditEntry(at, _ACTOR, "app_removed", workspace_id, target or workspace_id, dict(details or {})))


def is_left_behind(tx: Transaction, session: Session) -> bool:
    """Return whether the app is away from a session's workspace, or was when the session was stopped.

    Nobody is told anything about such a session. What is found out while the app is away may be looked at only after it
    came back, so the audit log says who was there.
    """
    workspace = tx.workspaces.find(session.workspace_id)
    if workspace is not None and workspace.removed_at is not None:
        return True
    if session.status is not Status.STOPPED:
        return False
    entries = iter(tx.audit.list_entries(workspace_id=session.workspace_id, limit=_MOST_ENTRIES))  # newest first
    is_stop_found = any(one.action == "session_stopped" and one.target == session.id for one in entries)
    before = next((one.action for one in entries if one.action in {"app_removed", "app_installed"}), "")
    return is_stop_found and before == "app_removed"


def live_sessions(tx: Transaction, workspace_id: str) -> list[Session]:
    """Return what runs, waits or is paused in a workspace."""
    return list(tx.sessions.list_sessions(workspace_id=workspace_id, statuses=tuple(LIVE), limit=_MOST_SESSIONS))


async def stop_all(sessions: Stopping, session_ids: Iterable[str]) -> int:
    """Stop sessions in which nobody can be answered any more; return how many were told to."""
    stopped = 0
    for session_id in session_ids:
        try:
            await sessions.stop(session_id, actor=_ACTOR)
        except (NotPossibleNow, SessionNotFound, ConflictError) as error:  # it ended by itself, or somebody was faster
            _log.debug("stop_skipped", session=session_id, error=str(error))
            continue
        stopped += 1
    return stopped
