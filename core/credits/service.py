"""The ledger over storage: each method is one decision of `core.credits.ledger` inside the caller's transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta

from core.clock import Clock
from core.credits import ledger
from core.credits.audit import Difference, find_differences
from core.credits.book import Book, Change, burn_order
from core.credits.errors import GrantUnknown, HoldUnknown, SourceUsed
from core.credits.model import (
    Account,
    Balance,
    Entry,
    EntryKind,
    Expired,
    Hold,
    HoldState,
    Lot,
    LotKind,
    Settlement,
)
from core.credits.ports import CreditRepository
from core.ids import new_id

_PAGE = 1_000


class Ledger:
    """Moves credits.

    Every method is synchronous and takes the repository of the caller's transaction, so that a charge commits together
    with the turn it pays for. Every method that changes anything locks the workspace's account first, is harmless when
    repeated, and raises before it stores anything.
    """

    def __init__(self, clock: Clock, *, make_lot_id: Callable[[], str] = lambda: new_id("lot")) -> None:
        self._clock = clock
        self._make_lot_id = make_lot_id

    def grant(
        self,
        repo: CreditRepository,
        *,
        workspace_id: str,
        kind: LotKind,
        amount_microcredits: int,
        source_key: str,
        actor: str,
        expires_at: datetime | None = None,
        reason: str = "",
    ) -> bool:
        """Add a lot and return True; False if *source_key* granted one before, whatever its amount.

        Raises:
            SourceUsed: If it granted one to another workspace.
            ValueError: If the amount is not above 0.
        """
        book = self._book(repo, workspace_id)
        existing = repo.find_lot_by_source(source_key)
        if existing is not None:
            if existing.workspace_id != workspace_id:
                raise SourceUsed(f"{source_key} granted credits to {existing.workspace_id}")
            return False
        change = ledger.grant(
            book,
            lot_id=self._make_lot_id(),
            kind=kind,
            amount_microcredits=amount_microcredits,
            source_key=source_key,
            expires_at=expires_at,
            now=self._clock.now(),
            actor=actor,
            reason=reason,
        )
        _store(repo, book, change)
        return True

    def hold(
        self,
        repo: CreditRepository,
        *,
        hold_id: str,
        workspace_id: str,
        session_id: str,
        amount_microcredits: int,
        seconds: float,
        reopen: bool = False,
        check_balance: bool = True,
    ) -> Hold:
        """Set credits aside for one turn and return the hold; see `core.credits.ledger.hold` for repeats.

        Args:
            repo: The ledger's rows.
            hold_id: The turn's id.
            workspace_id: Who pays.
            session_id: Whose totals it counts in; empty for none. The session's cap is the caller's business.
            amount_microcredits: The most that the turn may cost, >= 0.
            seconds: How long it stands unless it is extended; longer than the longest turn.
            reopen: True for a new attempt of the turn: an open hold is resized, one that was given back or expired is
                opened again.
            check_balance: False where no balance limits anybody.

        Raises:
            InsufficientCredits: If less is available.
            HoldClosed: If the turn was paid for, or the hold stands otherwise.
        """
        book = self._book(repo, workspace_id)
        existing = repo.find_hold(hold_id)
        now = self._clock.now()
        wanted = Hold(
            id=hold_id,
            workspace_id=workspace_id,
            session_id=session_id,
            amount_microcredits=amount_microcredits,
            expires_at=now + timedelta(seconds=seconds),
        )
        change = ledger.hold(book, wanted, existing, now=now, reopen=reopen, check_balance=check_balance)
        _store(repo, book, change, before=existing)
        return wanted if change.hold is None else change.hold

    def settle(
        self,
        repo: CreditRepository,
        *,
        hold_id: str,
        amount_microcredits: int,
        actor: str,
        reason: str = "",
        at_most_held: bool = False,
    ) -> Settlement:
        """Charge what a turn really cost, exactly once, and give the rest of its hold back.

        Args:
            repo: The ledger's rows.
            hold_id: The turn's id.
            amount_microcredits: What it cost, >= 0.
            actor: Who caused it.
            reason: For people.
            at_most_held: True to charge no more than was held: what it cost besides is the operator's.

        Raises:
            HoldUnknown: If nothing was held.
            HoldClosed: If the hold was given back, or settled with another amount.
        """
        book, held = self._lock_hold(repo, hold_id)
        charged = min(amount_microcredits, held.amount_microcredits) if at_most_held else amount_microcredits
        change = ledger.settle(
            book, held, amount_microcredits=charged, now=self._clock.now(), actor=actor, reason=reason
        )
        _store(repo, book, change, before=held)
        return Settlement(
            charged_microcredits=charged,
            held_microcredits=held.amount_microcredits,
            waived_microcredits=amount_microcredits - charged,
            replayed=held.state is HoldState.CAPTURED,
        )

    def release(self, repo: CreditRepository, *, hold_id: str) -> bool:
        """Give an open hold back and return True; False if there is none, or it was given back or expired before.

        Raises:
            HoldClosed: If it was captured.
        """
        if repo.find_hold(hold_id) is None:
            return False
        book, held = self._lock_hold(repo, hold_id)
        change = ledger.release(book, held, now=self._clock.now())
        _store(repo, book, change, before=held)
        return held.state is HoldState.OPEN

    def extend(self, repo: CreditRepository, *, hold_id: str, seconds: float) -> bool:
        """Let an open hold stand for *seconds* from now, never shorter than before; False if it is not open."""
        if repo.find_hold(hold_id) is None:
            return False
        book, held = self._lock_hold(repo, hold_id)
        if held.state is not HoldState.OPEN:
            return False
        now = self._clock.now()
        wanted = Hold(
            id=held.id,
            workspace_id=held.workspace_id,
            session_id=held.session_id,
            amount_microcredits=held.amount_microcredits,
            expires_at=now + timedelta(seconds=seconds),
        )
        _store(repo, book, ledger.hold(book, wanted, held, now=now), before=held)
        return True

    def expire_due(self, repo: CreditRepository) -> Expired:
        """Expire holds that nobody resolved in time, and lots past their date, in all workspaces."""
        now = self._clock.now()
        expired: list[str] = []
        lost = 0
        due_holds = repo.list_expired_holds(now)
        due_lots = repo.list_expired_lots(now)
        # In one order, so that two sweeps cannot lock each other out.
        for workspace_id in sorted({hold.workspace_id for hold in due_holds} | {lot.workspace_id for lot in due_lots}):
            book = self._book(repo, workspace_id)
            for listed in due_holds:
                if listed.workspace_id != workspace_id:
                    continue
                held = _get_hold(repo, listed.id)  # as it is under the lock: it may have been settled or extended
                if held.state is HoldState.OPEN and held.expires_at < now:
                    change = ledger.release(book, held, now=now, state=HoldState.EXPIRED)
                    book = _store(repo, book, change, before=held)
                    expired.append(held.id)
                    lost += _expired(change)
            change = ledger.expire_lots(book, now=now)
            _store(repo, book, change)
            lost += _expired(change)
        return Expired(tuple(expired), lost)

    def clawback(
        self,
        repo: CreditRepository,
        *,
        source_key: str,
        amount_microcredits: int,
        key: str,
        actor: str,
        reason: str = "",
    ) -> bool:
        """Take back what *source_key* granted, because the money went back; False if *key* did so before.

        Args:
            repo: The ledger's rows.
            source_key: The business fact that granted.
            amount_microcredits: How much to take, > 0.
            key: The business fact that takes back, such as ``re:{refund}``.
            actor: Who caused it.
            reason: For people.

        Raises:
            GrantUnknown: If *source_key* granted nothing yet.
        """
        book = self._book(repo, _get_lot(repo, source_key).workspace_id)
        if repo.find_entry(ledger.first_key(EntryKind.CLAWBACK, key)) is not None:
            return False
        lot = _get_lot(repo, source_key)  # as it is under the lock
        change = ledger.clawback(
            book,
            lot,
            amount_microcredits=amount_microcredits,
            expired_microcredits=repo.expired_microcredits(lot.id),
            key=key,
            now=self._clock.now(),
            actor=actor,
            reason=reason,
        )
        _store(repo, book, change)
        return True

    def restore(self, repo: CreditRepository, *, key: str, actor: str, reason: str = "") -> bool:
        """Undo the clawback *key*, because the money came back; False if there is none, or it was undone before.

        Every lot gets back what was taken from it. Debt that was repaid since becomes credits that do not expire.
        """
        first = repo.find_entry(ledger.first_key(EntryKind.CLAWBACK, key))
        if first is None:
            return False
        book = self._book(repo, first.workspace_id)
        undone = ledger.own_key("restore", key, 0), ledger.first_key(EntryKind.ADJUST, f"restore:{key}")
        if any(repo.find_entry(name) is not None for name in undone):
            return False
        lots = {lot.id: lot for lot in repo.list_lots(first.workspace_id, only_remaining=False)}
        taken: list[tuple[Lot | None, int]] = []
        entry: Entry | None = first
        while entry is not None:
            taken.append((lots[entry.lot_id] if entry.lot_id is not None else None, -entry.amount_microcredits))
            entry = repo.find_entry(ledger.own_key(EntryKind.CLAWBACK, key, len(taken)))
        change, repaid_since = ledger.restore(book, taken, key=key, now=self._clock.now(), actor=actor, reason=reason)
        _store(repo, book, change)
        if repaid_since:
            self.adjust(
                repo,
                workspace_id=first.workspace_id,
                amount_microcredits=repaid_since,
                key=f"restore:{key}",
                actor=actor,
                reason=reason,
            )
        return True

    def adjust(
        self,
        repo: CreditRepository,
        *,
        workspace_id: str,
        amount_microcredits: int,
        key: str,
        actor: str,
        reason: str,
        kind: LotKind = LotKind.ADMIN,
        expires_at: datetime | None = None,
    ) -> bool:
        """Correct a balance by a signed amount and return True; False if *key* did so before."""
        book = self._book(repo, workspace_id)
        if repo.find_entry(ledger.first_key(EntryKind.ADJUST, key)) is not None:
            return False
        change = ledger.adjust(
            book,
            amount_microcredits=amount_microcredits,
            key=key,
            lot_id=self._make_lot_id(),
            now=self._clock.now(),
            actor=actor,
            reason=reason,
            kind=kind,
            expires_at=expires_at,
        )
        _store(repo, book, change)
        return True

    def balance(self, repo: CreditRepository, workspace_id: str) -> Balance:
        """Return what a workspace has now; lots past their date do not count, swept or not."""
        account = repo.find_account(workspace_id) or Account(workspace_id)
        now = self._clock.now()
        book = ledger.expire_lots(Book(account, tuple(repo.list_lots(workspace_id))), now=now).book
        return Balance(
            available_microcredits=book.account.available_microcredits,
            posted_microcredits=book.account.posted_microcredits,
            reserved_microcredits=book.account.reserved_microcredits,
            debt_microcredits=book.account.debt_microcredits,
            lots=tuple(lot for lot in burn_order(book.lots) if lot.remaining_microcredits),
        )

    def check(self, repo: CreditRepository, workspace_id: str) -> tuple[Difference, ...]:
        """Return everything in which a workspace's stored state differs from what its entries say."""
        account = repo.find_account(workspace_id)
        if account is None:
            return ()
        entries: list[Entry] = []
        while page := repo.list_entries(workspace_id, after_seq=entries[-1].seq if entries else 0, limit=_PAGE):
            entries.extend(page)
        lots = repo.list_lots(workspace_id, only_remaining=False)
        return find_differences(account, lots, repo.list_holds(workspace_id), entries)

    def _book(self, repo: CreditRepository, workspace_id: str) -> Book:
        account = repo.lock_account(workspace_id)
        return Book(account, tuple(repo.list_lots(workspace_id)))

    def _lock_hold(self, repo: CreditRepository, hold_id: str) -> tuple[Book, Hold]:
        book = self._book(repo, _get_hold(repo, hold_id).workspace_id)
        # Read again: until the lock was there, somebody else may have resolved it.
        return book, _get_hold(repo, hold_id)


def _get_hold(repo: CreditRepository, hold_id: str) -> Hold:
    held = repo.find_hold(hold_id)
    if held is None:
        raise HoldUnknown(f"no hold {hold_id}")
    return held


def _get_lot(repo: CreditRepository, source_key: str) -> Lot:
    lot = repo.find_lot_by_source(source_key)
    if lot is None:
        raise GrantUnknown(f"{source_key} granted nothing yet")
    return lot


def _expired(change: Change) -> int:
    return -sum(entry.amount_microcredits for entry in change.entries if entry.kind is EntryKind.EXPIRE)


def _store(repo: CreditRepository, book: Book, change: Change, *, before: Hold | None = None) -> Book:
    """Store *change*, in an order that foreign keys accept, and return the book as it is now."""
    if change.hold is not None and change.hold != before:
        if before is None:
            repo.add_hold(change.hold)
        else:
            repo.save_hold(change.hold)
    for lot in change.new_lots:
        repo.add_lot(lot)
    for lot in change.changed_lots:
        repo.save_lot(lot)
    for entry in change.entries:
        repo.add_entry(entry)
    if change.book.account != book.account:
        repo.save_account(change.book.account)
    return change.book
