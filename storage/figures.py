"""Sums over the whole installation, for its operator: what metrics and `doctor` show."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.credits.model import EntryKind
from core.sessions.ports import OutboxState, Store, Transaction
from storage.models.credits import credit_entries
from storage.models.operations import outbox
from storage.models.sessions import sessions, turns
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database says of itself.

    Attributes:
        sessions: Sessions by status.
        turns: Turns that were paid for, by provider.
        charged_microcredits: What workspaces paid altogether.
        outbox: Posts that are open or were refused, by state.
        reconciliation: How many differences with Stripe the last comparison repaired and left, and how many lost events
            it took; empty where there was none.
        reconciled_at: When that was, in seconds since 1970; 0 for never.
    """

    sessions: Mapping[str, int] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)
    charged_microcredits: int = 0
    outbox: Mapping[str, int] = field(default_factory=dict)
    reconciliation: Mapping[str, int] = field(default_factory=dict)
    reconciled_at: float = 0.0


async def read_figures(store: Store) -> Figures:
    """Return the figures of the moment, from one consistent read."""
    return await store.read(_figures)


def _figures(transaction: Transaction) -> Figures:
    if not isinstance(transaction, UnitOfWork):
        raise TypeError(transaction)
    connection = transaction.connection
    charged = connection.execute(
        sa.select(sa.func.sum(credit_entries.c.amount_microcredits)).where(credit_entries.c.kind == EntryKind.CAPTURE)
    ).scalar()
    last = transaction.billing.last_reconciliation()
    return Figures(
        sessions=_counts(connection, sessions.c.status),
        turns=_counts(connection, turns.c.provider),
        charged_microcredits=-int(charged or 0),
        outbox=_counts(connection, outbox.c.state, outbox.c.state != OutboxState.SENT),
        reconciliation={}
        if last is None
        else {
            "lost_events": last.lost_events,
            "repaired": len(last.repaired),
            "remaining": len(last.remaining),
        },
        reconciled_at=0.0 if last is None else last.at.timestamp(),
    )


def _counts(connection: sa.Connection, column: sa.Column[str], *where: sa.ColumnElement[bool]) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).where(*where).group_by(column)
    return {str(key): int(number) for key, number in connection.execute(query)}
