"""The ledger: accounts, lots, holds, entries."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from core.credits.errors import SourceUsed
from core.credits.model import Account, Entry, Hold, HoldState, Lot
from storage.models.credits import credit_accounts, credit_entries, credit_holds, credit_lots
from storage.rows import Rows

_WORKSPACE: sa.BindParameter[str] = sa.bindparam("workspace_id")

_ACCOUNTS = Rows(credit_accounts, Account)
_FIND_ACCOUNT = _ACCOUNTS.select.where(credit_accounts.c.workspace_id == _WORKSPACE)
# SQLite has no row locks and needs none: its one writer holds the whole database.
_LOCK_ACCOUNT = _FIND_ACCOUNT.with_for_update()
_OPEN_ACCOUNT = _ACCOUNTS.insert_ignoring()
_UPDATE_ACCOUNT = _ACCOUNTS.update()
_LIST_ACCOUNTS = _ACCOUNTS.select.order_by(credit_accounts.c.workspace_id)

_LOTS = Rows(credit_lots, Lot)
_ADD_LOT = _LOTS.insert_ignoring()
_UPDATE_LOT = _LOTS.update("remaining_microcredits")
_LOT_OF_SOURCE = _LOTS.select.where(credit_lots.c.source_key == sa.bindparam("source_key"))
_ALL_LOTS = _LOTS.select.where(credit_lots.c.workspace_id == _WORKSPACE).order_by(
    credit_lots.c.created_at, credit_lots.c.id
)
_LOTS_LEFT = _ALL_LOTS.where(credit_lots.c.remaining_microcredits > 0)
_LOTS_DUE = _LOTS.select.where(
    credit_lots.c.remaining_microcredits > 0, credit_lots.c.expires_at <= sa.bindparam("until")
).order_by(credit_lots.c.workspace_id, credit_lots.c.id)

_HOLDS = Rows(credit_holds, Hold)
_HOLD_CHANGES = ("amount_microcredits", "state", "captured_microcredits", "expires_at")
_UPDATE_HOLD = _HOLDS.update(*_HOLD_CHANGES)
_FIND_HOLD = _HOLDS.select.where(credit_holds.c.id == sa.bindparam("id"))
_HOLDS_OF_WORKSPACE = _HOLDS.select.where(credit_holds.c.workspace_id == _WORKSPACE).order_by(credit_holds.c.id)
# A literal, not a parameter: only so may the database use the index of open holds.
_IS_OPEN = credit_holds.c.state == sa.literal_column(f"'{HoldState.OPEN.value}'")
_OPEN_HOLDS = _HOLDS_OF_WORKSPACE.where(_IS_OPEN)
_HOLDS_DUE = _HOLDS.select.where(_IS_OPEN, credit_holds.c.expires_at < sa.bindparam("before")).order_by(
    credit_holds.c.workspace_id, credit_holds.c.id
)
_SESSION_TOTALS = sa.select(
    sa.func.coalesce(sa.func.sum(credit_holds.c.captured_microcredits), 0),
    sa.func.coalesce(sa.func.sum(sa.case((_IS_OPEN, credit_holds.c.amount_microcredits), else_=0)), 0),
).where(credit_holds.c.session_id == sa.bindparam("session_id"))

_ENTRIES = Rows(credit_entries, Entry)
_FIND_ENTRY = _ENTRIES.select.where(credit_entries.c.idempotency_key == sa.bindparam("idempotency_key"))
_LIST_ENTRIES = _ENTRIES.select.where(
    credit_entries.c.workspace_id == _WORKSPACE, credit_entries.c.seq > sa.bindparam("after_seq")
).order_by(credit_entries.c.seq)
_PAGE_OF_ENTRIES = _LIST_ENTRIES.limit(sa.bindparam("limit"))


class SqlCreditRepository:
    """See `core.credits.ports.CreditRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock_account(self, workspace_id: str) -> Account:
        account = _ACCOUNTS.load_first(self._connection.execute(_LOCK_ACCOUNT, {"workspace_id": workspace_id}))
        if account is not None:
            return account
        opened = _ACCOUNTS.dump(Account(workspace_id))
        self._connection.execute(_OPEN_ACCOUNT[self._connection.dialect.name], opened)
        # Another transaction may have opened it in between, and moved credits since: read what is there.
        return _ACCOUNTS.load(self._connection.execute(_LOCK_ACCOUNT, {"workspace_id": workspace_id}).one())

    def find_account(self, workspace_id: str) -> Account | None:
        return _ACCOUNTS.load_first(self._connection.execute(_FIND_ACCOUNT, {"workspace_id": workspace_id}))

    def list_accounts(self) -> Sequence[Account]:
        return _ACCOUNTS.load_all(self._connection.execute(_LIST_ACCOUNTS))

    def save_account(self, account: Account) -> None:
        self._connection.execute(_UPDATE_ACCOUNT, _ACCOUNTS.dump_update(account))

    def add_lot(self, lot: Lot) -> None:
        # One workspace's grants wait for each other; those of two meet here.
        if self._connection.execute(_ADD_LOT[self._connection.dialect.name], _LOTS.dump(lot)).rowcount != 1:
            raise SourceUsed(f"{lot.source_key} granted credits before")

    def find_lot_by_source(self, source_key: str) -> Lot | None:
        return _LOTS.load_first(self._connection.execute(_LOT_OF_SOURCE, {"source_key": source_key}))

    def list_lots(self, workspace_id: str, *, only_remaining: bool = True) -> Sequence[Lot]:
        query = _LOTS_LEFT if only_remaining else _ALL_LOTS
        return _LOTS.load_all(self._connection.execute(query, {"workspace_id": workspace_id}))

    def list_expired_lots(self, until: datetime) -> Sequence[Lot]:
        return _LOTS.load_all(self._connection.execute(_LOTS_DUE, {"until": until}))

    def save_lot(self, lot: Lot) -> None:
        self._connection.execute(_UPDATE_LOT, _LOTS.dump_update(lot, "remaining_microcredits"))

    def add_hold(self, hold: Hold) -> None:
        self._connection.execute(_HOLDS.insert, _HOLDS.dump(hold))

    def find_hold(self, hold_id: str) -> Hold | None:
        return _HOLDS.load_first(self._connection.execute(_FIND_HOLD, {"id": hold_id}))

    def save_hold(self, hold: Hold) -> None:
        self._connection.execute(_UPDATE_HOLD, _HOLDS.dump_update(hold, *_HOLD_CHANGES))

    def list_open_holds(self, workspace_id: str) -> Sequence[Hold]:
        return _HOLDS.load_all(self._connection.execute(_OPEN_HOLDS, {"workspace_id": workspace_id}))

    def list_holds(self, workspace_id: str) -> Sequence[Hold]:
        return _HOLDS.load_all(self._connection.execute(_HOLDS_OF_WORKSPACE, {"workspace_id": workspace_id}))

    def list_expired_holds(self, before: datetime) -> Sequence[Hold]:
        return _HOLDS.load_all(self._connection.execute(_HOLDS_DUE, {"before": before}))

    def session_totals(self, session_id: str) -> tuple[int, int]:
        captured, held = self._connection.execute(_SESSION_TOTALS, {"session_id": session_id}).one()
        return int(captured), int(held)  # PostgreSQL sums bigints to a decimal

    def add_entry(self, entry: Entry) -> None:
        self._connection.execute(_ENTRIES.insert, _ENTRIES.dump(entry))

    def find_entry(self, idempotency_key: str) -> Entry | None:
        return _ENTRIES.load_first(self._connection.execute(_FIND_ENTRY, {"idempotency_key": idempotency_key}))

    def list_entries(self, workspace_id: str, *, after_seq: int = 0, limit: int | None = None) -> Sequence[Entry]:
        values: dict[str, object] = {"workspace_id": workspace_id, "after_seq": after_seq}
        if limit is None:
            return _ENTRIES.load_all(self._connection.execute(_LIST_ENTRIES, values))
        return _ENTRIES.load_all(self._connection.execute(_PAGE_OF_ENTRIES, values | {"limit": limit}))
