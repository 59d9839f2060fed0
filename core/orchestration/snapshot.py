"""Everything that a view may show of a session, read in one go."""

from collections.abc import Callable, Iterable, Mapping

from core.credits.estimate import Range
from core.money import Unit
from core.orchestration.ports import Snapshot
from core.sessions.errors import SessionNotFound
from core.sessions.model import Guidance, Session
from core.sessions.ports import Store, Transaction

PriceNext = Callable[[Transaction, Session], Range | None]
"""Says what one more round of a session is likely to cost: `core.sessions.intake.Intake.price_next` is one."""


def read_snapshot(
    tx: Transaction, session_id: str, unit: Unit = Unit.CREDITS, *, price_next: PriceNext | None = None
) -> Snapshot:
    """Return the snapshot of a session inside a transaction, its amounts to be shown in *unit*.

    Raises:
        SessionNotFound: If there is none.
    """
    session = tx.sessions.find(session_id)
    if session is None:
        raise SessionNotFound(session_id)
    captured, held = tx.credits.session_totals(session_id)
    account = tx.credits.find_account(session.workspace_id)
    guidance = tuple(tx.sessions.list_guidance(session_id))
    return Snapshot(
        session=session,
        rounds=tuple(tx.sessions.list_rounds(session_id)),
        turns=tuple(tx.sessions.list_turns(session_id)),
        notes=tuple(tx.sessions.list_notes(session_id)),
        versions=tuple(tx.sessions.list_versions(session_id)),
        files=tuple(tx.sessions.list_files(session_id)),
        guidance=guidance,
        spent_microcredits=captured,
        held_microcredits=held,
        balance_microcredits=account.available_microcredits if account is not None else 0,
        unit=unit,
        names=_names(tx, guidance),
        next_round=price_next(tx, session) if price_next is not None else None,
    )


async def load_snapshot(
    store: Store, session_id: str, unit: Unit = Unit.CREDITS, *, price_next: PriceNext | None = None
) -> Snapshot:
    """Return the snapshot of a session; see `read_snapshot`."""
    return await store.read(lambda tx: read_snapshot(tx, session_id, unit, price_next=price_next))


def _names(tx: Transaction, guidance: Iterable[Guidance]) -> Mapping[str, str]:
    """Return what people are called who said something that counts."""
    people = {item.member_id for item in guidance if not item.muted}
    members = (tx.workspaces.find_member(member_id) for member_id in sorted(people))
    return {member.id: member.name for member in members if member is not None}
