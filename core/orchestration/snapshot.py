"""Everything that a view may show of a session, read in one go."""

from core.money import Unit
from core.orchestration.ports import Snapshot
from core.sessions.errors import SessionNotFound
from core.sessions.ports import Store, Transaction


def read_snapshot(tx: Transaction, session_id: str, unit: Unit = Unit.CREDITS) -> Snapshot:
    """Return the snapshot of a session inside a transaction, its amounts to be shown in *unit*.

    Raises:
        SessionNotFound: If there is none.
    """
    session = tx.sessions.find(session_id)
    if session is None:
        raise SessionNotFound(session_id)
    captured, held = tx.credits.session_totals(session_id)
    account = tx.credits.find_account(session.workspace_id)
    return Snapshot(
        session=session,
        rounds=tuple(tx.sessions.list_rounds(session_id)),
        turns=tuple(tx.sessions.list_turns(session_id)),
        notes=tuple(tx.sessions.list_notes(session_id)),
        versions=tuple(tx.sessions.list_versions(session_id)),
        files=tuple(tx.sessions.list_files(session_id)),
        guidance=tuple(tx.sessions.list_guidance(session_id)),
        spent_microcredits=captured,
        held_microcredits=held,
        balance_microcredits=account.available_microcredits if account is not None else 0,
        unit=unit,
    )


async def load_snapshot(store: Store, session_id: str, unit: Unit = Unit.CREDITS) -> Snapshot:
    """Return the snapshot of a session; see `read_snapshot`."""
    return await store.read(lambda tx: read_snapshot(tx, session_id, unit))
