"""Whether a session fits what a member, and all of a workspace, may spend in a month."""

from datetime import datetime

from core.credits.errors import AllowanceReached
from core.sessions.model import LIVE, Session
from core.sessions.ports import Transaction
from core.workspaces.model import WorkspaceSettings

_MOST_LIVE = 1_000


def check_allowance(tx: Transaction, session: Session, settings: WorkspaceSettings, *, month: datetime) -> None:
    """Return if the rest of the session's cap fits what its member and its workspace have left of this month.

    What runs or waits counts with all that it may still spend, so that sessions which start together do not exceed the
    limit together.

    Args:
        tx: The transaction that will let it run.
        session: As it would run.
        settings: The workspace's.
        month: The first moment of this month.

    Raises:
        AllowanceReached: If it does not fit.
    """
    for limit, member_id in (
        (settings.member_cap_microcredits, session.member_id),
        (settings.monthly_cap_microcredits, None),
    ):
        if limit is None:
            continue
        spent = tx.sessions.spent_since(session.workspace_id, month, member_id=member_id)
        live = tx.sessions.list_sessions(
            workspace_id=session.workspace_id, member_id=member_id, statuses=sorted(LIVE), limit=_MOST_LIVE
        )
        committed = sum(_rest(tx, other) for other in live if other.id != session.id)
        required = _rest(tx, session)
        if spent + committed + required > limit:
            raise AllowanceReached(
                is_members=member_id is not None,
                limit_microcredits=limit,
                spent_microcredits=spent + committed,
                required_microcredits=required,
            )


def _rest(tx: Transaction, session: Session) -> int:
    captured, _ = tx.credits.session_totals(session.id)
    return max(0, session.cap_microcredits - captured)
