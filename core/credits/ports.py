"""What the ledger needs of storage."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.credits.model import Account, Entry, Hold, Lot


class CreditRepository(Protocol):
    """Rows of the ledger, inside one transaction. Synchronous: see `core.sessions.ports.Store`."""

    def lock_account(self, workspace_id: str) -> Account:
        """Return the workspace's account, created empty if missing, locked until the transaction ends."""
        ...

    def find_account(self, workspace_id: str) -> Account | None:
        """Return the account without locking it."""
        ...

    def list_accounts(self) -> Sequence[Account]:
        """Return every account, by workspace id."""
        ...

    def save_account(self, account: Account) -> None:
        """Store the sums of a locked account."""
        ...

    def add_lot(self, lot: Lot) -> None:
        """Insert *lot*; `SourceUsed` if its source_key granted another."""
        ...

    def find_lot_by_source(self, source_key: str) -> Lot | None:
        """Return the lot that *source_key* granted."""
        ...

    def list_lots(self, workspace_id: str, *, only_remaining: bool = True) -> Sequence[Lot]:
        """Return lots, oldest first; by default those with something left."""
        ...

    def list_expired_lots(self, until: datetime) -> Sequence[Lot]:
        """Return lots of all workspaces with something left whose expiry is at or before *until*."""
        ...

    def save_lot(self, lot: Lot) -> None:
        """Store the remaining amount of *lot*."""
        ...

    def expired_microcredits(self, lot_id: str) -> int:
        """Return how much of a lot has expired, >= 0."""
        ...

    def add_hold(self, hold: Hold) -> None:
        """Insert *hold*."""
        ...

    def find_hold(self, hold_id: str) -> Hold | None:
        """Return the hold."""
        ...

    def save_hold(self, hold: Hold) -> None:
        """Store amount, state, captured amount and expiry of *hold*."""
        ...

    def list_open_holds(self, workspace_id: str) -> Sequence[Hold]:
        """Return the open holds of a workspace."""
        ...

    def list_holds(self, workspace_id: str) -> Sequence[Hold]:
        """Return every hold of a workspace, resolved ones too, by id."""
        ...

    def list_expired_holds(self, before: datetime) -> Sequence[Hold]:
        """Return open holds of all workspaces whose expiry is before *before*."""
        ...

    def session_totals(self, session_id: str) -> tuple[int, int]:
        """Return captured and openly held micro-credits of a session."""
        ...

    def add_entry(self, entry: Entry) -> None:
        """Append *entry*."""
        ...

    def find_entry(self, idempotency_key: str) -> Entry | None:
        """Return the entry with this key."""
        ...

    def list_entries(self, workspace_id: str, *, after_seq: int = 0, limit: int | None = None) -> Sequence[Entry]:
        """Return entries in order of seq."""
        ...
