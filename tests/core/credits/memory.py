"""A `CreditRepository` in memory, with transactions that roll back and the constraints that the tables have."""

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from core.credits.errors import SourceUsed
from core.credits.model import Account, Entry, EntryKind, Hold, HoldState, Lot

T = TypeVar("T")


class MemoryCredits:
    """Rows of the ledger in dictionaries."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.lots: dict[str, Lot] = {}
        self.holds: dict[str, Hold] = {}
        self.entries: list[Entry] = []

    def transact(self, work: Callable[["MemoryCredits"], T]) -> T:
        """Run *work*; if it raises, nothing of it remains."""
        before = copy.copy(self.accounts), copy.copy(self.lots), copy.copy(self.holds), copy.copy(self.entries)
        try:
            return work(self)
        except BaseException:
            self.accounts, self.lots, self.holds, self.entries = before
            raise

    def lock_account(self, workspace_id: str) -> Account:
        return self.accounts.setdefault(workspace_id, Account(workspace_id))

    def find_account(self, workspace_id: str) -> Account | None:
        return self.accounts.get(workspace_id)

    def list_accounts(self) -> Sequence[Account]:
        return sorted(self.accounts.values(), key=lambda account: account.workspace_id)

    def save_account(self, account: Account) -> None:
        assert account.reserved_microcredits >= 0
        assert account.debt_microcredits >= 0
        self.accounts[account.workspace_id] = account

    def add_lot(self, lot: Lot) -> None:
        assert lot.id not in self.lots
        if self.find_lot_by_source(lot.source_key) is not None:
            raise SourceUsed(lot.source_key)
        self._put_lot(lot)

    def find_lot_by_source(self, source_key: str) -> Lot | None:
        return next((lot for lot in self.lots.values() if lot.source_key == source_key), None)

    def list_lots(self, workspace_id: str, *, only_remaining: bool = True) -> Sequence[Lot]:
        rows = [lot for lot in self.lots.values() if lot.workspace_id == workspace_id]
        return [lot for lot in rows if lot.remaining_microcredits or not only_remaining]

    def list_expired_lots(self, until: datetime) -> Sequence[Lot]:
        return [
            lot
            for lot in self.lots.values()
            if lot.remaining_microcredits and lot.expires_at is not None and lot.expires_at <= until
        ]

    def save_lot(self, lot: Lot) -> None:
        assert lot.id in self.lots
        self._put_lot(lot)

    def _put_lot(self, lot: Lot) -> None:
        assert 0 <= lot.remaining_microcredits <= lot.amount_microcredits
        self.lots[lot.id] = lot

    def expired_microcredits(self, lot_id: str) -> int:
        own = (item for item in self.entries if item.lot_id == lot_id and item.kind is EntryKind.EXPIRE)
        return -sum(item.amount_microcredits for item in own)

    def add_hold(self, hold: Hold) -> None:
        assert hold.id not in self.holds
        self.holds[hold.id] = hold

    def find_hold(self, hold_id: str) -> Hold | None:
        return self.holds.get(hold_id)

    def save_hold(self, hold: Hold) -> None:
        assert hold.id in self.holds
        assert (hold.state is HoldState.CAPTURED) == (hold.captured_microcredits is not None)
        self.holds[hold.id] = hold

    def list_open_holds(self, workspace_id: str) -> Sequence[Hold]:
        return [hold for hold in self.list_holds(workspace_id) if hold.state is HoldState.OPEN]

    def list_holds(self, workspace_id: str) -> Sequence[Hold]:
        return sorted(
            (hold for hold in self.holds.values() if hold.workspace_id == workspace_id), key=lambda hold: hold.id
        )

    def list_expired_holds(self, before: datetime) -> Sequence[Hold]:
        return [hold for hold in self.holds.values() if hold.state is HoldState.OPEN and hold.expires_at < before]

    def session_totals(self, session_id: str) -> tuple[int, int]:
        rows = [hold for hold in self.holds.values() if hold.session_id == session_id]
        return (
            sum(hold.captured_microcredits or 0 for hold in rows),
            sum(hold.amount_microcredits for hold in rows if hold.state is HoldState.OPEN),
        )

    def add_entry(self, entry: Entry) -> None:
        assert self.find_entry(entry.idempotency_key) is None
        self.entries.append(entry)

    def find_entry(self, idempotency_key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.idempotency_key == idempotency_key), None)

    def list_entries(self, workspace_id: str, *, after_seq: int = 0, limit: int | None = None) -> Sequence[Entry]:
        rows = [entry for entry in self.entries if entry.workspace_id == workspace_id and entry.seq > after_seq]
        return rows[:limit]
