"""The ledger: accounts, lots, holds, entries."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.credits.errors import SourceUsed
from core.credits.model import Account, Entry, EntryKind, Hold, HoldState, Lot
from storage.models.credits import credit_accounts, credit_entries, credit_holds, credit_lots
from storage.rows import Rows
from storage.statements import Query

_WORKSPACE: sa.BindParameter[str] = sa.bindparam("workspace_id")

_ACCOUNTS = Rows(credit_accounts, Account)
_ACCOUNT = _ACCOUNTS.select.where(credit_accounts.c.workspace_id == _WORKSPACE)
_FIND_ACCOUNT = _ACCOUNTS.query(_ACCOUNT)
# SQLite has no row locks and needs none: its one writer holds the whole database.
_LOCK_ACCOUNT = _ACCOUNTS.query(_ACCOUNT.with_for_update())
_OPEN_ACCOUNT = _ACCOUNTS.insert_ignoring()
_UPDATE_ACCOUNT = _ACCOUNTS.update()
_LIST_ACCOUNTS = _ACCOUNTS.query(_ACCOUNTS.select.order_by(credit_accounts.c.workspace_id))

_LOTS = Rows(credit_lots, Lot)
_ADD_LOT = _LOTS.insert_ignoring()
_UPDATE_LOT = _LOTS.update("remaining_microcredits")
_LOT_OF_SOURCE = _LOTS.query(_LOTS.select.where(credit_lots.c.source_key == sa.bindparam("source_key")))
_LOTS_OF_WORKSPACE = _LOTS.select.where(credit_lots.c.workspace_id == _WORKSPACE).order_by(
    credit_lots.c.created_at, credit_lots.c.id
)
_ALL_LOTS = _LOTS.query(_LOTS_OF_WORKSPACE)
_LOTS_LEFT = _LOTS.query(_LOTS_OF_WORKSPACE.where(credit_lots.c.remaining_microcredits > 0))
_LOTS_DUE = _LOTS.query(
    _LOTS.select.where(
        credit_lots.c.remaining_microcredits > 0, credit_lots.c.expires_at <= sa.bindparam("until")
    ).order_by(credit_lots.c.workspace_id, credit_lots.c.id)
)

_HOLDS = Rows(credit_holds, Hold)
_ADD_HOLD = _HOLDS.insert()
_UPDATE_HOLD = _HOLDS.update("amount_microcredits", "state", "captured_microcredits", "expires_at")
_FIND_HOLD = _HOLDS.query(_HOLDS.select.where(credit_holds.c.id == sa.bindparam("id")))
_HOLDS_OF_WORKSPACE = _HOLDS.select.where(credit_holds.c.workspace_id == _WORKSPACE).order_by(credit_holds.c.id)
# A literal, not a parameter: only so may the database use the index of open holds.
_IS_OPEN = credit_holds.c.state == sa.literal_column(f"'{HoldState.OPEN.value}'")
_ALL_HOLDS = _HOLDS.query(_HOLDS_OF_WORKSPACE)
_OPEN_HOLDS = _HOLDS.query(_HOLDS_OF_WORKSPACE.where(_IS_OPEN))
_HOLDS_DUE = _HOLDS.query(
    _HOLDS.select.where(_IS_OPEN, credit_holds.c.expires_at < sa.bindparam("before")).order_by(
        credit_holds.c.workspace_id, credit_holds.c.id
    )
)
_SESSION_TOTALS = Query(
    sa.select(
        sa.func.coalesce(sa.func.sum(credit_holds.c.captured_microcredits), 0),
        sa.func.coalesce(sa.func.sum(sa.case((_IS_OPEN, credit_holds.c.amount_microcredits), else_=0)), 0),
    ).where(credit_holds.c.session_id == sa.bindparam("session_id")),
    lambda row: (int(row[0]), int(row[1])),  # PostgreSQL sums bigints to a decimal
)

_ENTRIES = Rows(credit_entries, Entry)
_ADD_ENTRY = _ENTRIES.insert()
_FIND_ENTRY = _ENTRIES.query(_ENTRIES.select.where(credit_entries.c.idempotency_key == sa.bindparam("idempotency_key")))
_ENTRIES_AFTER = _ENTRIES.select.where(
    credit_entries.c.workspace_id == _WORKSPACE, credit_entries.c.seq > sa.bindparam("after_seq")
).order_by(credit_entries.c.seq)
_EXPIRED_OF_LOT = Query(
    sa.select(sa.func.coalesce(sa.func.sum(-credit_entries.c.amount_microcredits), 0)).where(
        credit_entries.c.lot_id == sa.bindparam("lot_id"),
        credit_entries.c.kind == sa.literal_column(f"'{EntryKind.EXPIRE.value}'"),
    ),
    lambda row: int(row[0]),
)
_LIST_ENTRIES = _ENTRIES.query(_ENTRIES_AFTER)
_PAGE_OF_ENTRIES = _ENTRIES.query(_ENTRIES_AFTER.limit(sa.bindparam("limit")))


class SqlCreditRepository:
    """See `core.credits.ports.CreditRepository`.

    What was read under an account's lock cannot change before the transaction ends, except through this object: a
    locked account, and the holds that were looked up since, are read once.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._locked: dict[str, Account] = {}
        self._holds: dict[str, Hold | None] = {}

    def lock_account(self, workspace_id: str) -> Account:
        if workspace_id not in self._locked:
            self._locked[workspace_id] = self._lock(workspace_id)
            self._holds.clear()  # what was read before this lock may be what it is for
        return self._locked[workspace_id]

    def _lock(self, workspace_id: str) -> Account:
        account = _LOCK_ACCOUNT.first(self._connection, workspace_id=workspace_id)
        if account is not None:
            return account
        _OPEN_ACCOUNT.run(self._connection, Account(workspace_id))
        # Another transaction may have opened it in between, and moved credits since: read what is there.
        return _LOCK_ACCOUNT.one(self._connection, workspace_id=workspace_id)

    def find_account(self, workspace_id: str) -> Account | None:
        locked = self._locked.get(workspace_id)
        return locked or _FIND_ACCOUNT.first(self._connection, workspace_id=workspace_id)

    def list_accounts(self) -> Sequence[Account]:
        return _LIST_ACCOUNTS.all(self._connection)

    def save_account(self, account: Account) -> None:
        _UPDATE_ACCOUNT.run(self._connection, account)
        if account.workspace_id in self._locked:
            self._locked[account.workspace_id] = account

    def add_lot(self, lot: Lot) -> None:
        # One workspace's grants wait for each other; those of two meet here.
        if _ADD_LOT.run(self._connection, lot) != 1:
            raise SourceUsed(f"{lot.source_key} granted credits before")

    def find_lot_by_source(self, source_key: str) -> Lot | None:
        return _LOT_OF_SOURCE.first(self._connection, source_key=source_key)

    def list_lots(self, workspace_id: str, *, only_remaining: bool = True) -> Sequence[Lot]:
        query = _LOTS_LEFT if only_remaining else _ALL_LOTS
        return query.all(self._connection, workspace_id=workspace_id)

    def list_expired_lots(self, until: datetime) -> Sequence[Lot]:
        return _LOTS_DUE.all(self._connection, until=until)

    def save_lot(self, lot: Lot) -> None:
        _UPDATE_LOT.run(self._connection, lot)

    def expired_microcredits(self, lot_id: str) -> int:
        return _EXPIRED_OF_LOT.one(self._connection, lot_id=lot_id)

    def add_hold(self, hold: Hold) -> None:
        _ADD_HOLD.run(self._connection, hold)
        self._holds.pop(hold.id, None)

    def find_hold(self, hold_id: str) -> Hold | None:
        if not self._locked:
            return _FIND_HOLD.first(self._connection, id=hold_id)
        if hold_id not in self._holds:
            self._holds[hold_id] = _FIND_HOLD.first(self._connection, id=hold_id)
        return self._holds[hold_id]

    def save_hold(self, hold: Hold) -> None:
        _UPDATE_HOLD.run(self._connection, hold)
        self._holds.pop(hold.id, None)

    def list_open_holds(self, workspace_id: str) -> Sequence[Hold]:
        return _OPEN_HOLDS.all(self._connection, workspace_id=workspace_id)

    def list_holds(self, workspace_id: str) -> Sequence[Hold]:
        return _ALL_HOLDS.all(self._connection, workspace_id=workspace_id)

    def list_expired_holds(self, before: datetime) -> Sequence[Hold]:
        return _HOLDS_DUE.all(self._connection, before=before)

    def session_totals(self, session_id: str) -> tuple[int, int]:
        return _SESSION_TOTALS.one(self._connection, session_id=session_id)

    def add_entry(self, entry: Entry) -> None:
        _ADD_ENTRY.run(self._connection, entry)

    def find_entry(self, idempotency_key: str) -> Entry | None:
        return _FIND_ENTRY.first(self._connection, idempotency_key=idempotency_key)

    def list_entries(self, workspace_id: str, *, after_seq: int = 0, limit: int | None = None) -> Sequence[Entry]:
        if limit is None:
            return _LIST_ENTRIES.all(self._connection, workspace_id=workspace_id, after_seq=after_seq)
        return _PAGE_OF_ENTRIES.all(self._connection, workspace_id=workspace_id, after_seq=after_seq, limit=limit)
