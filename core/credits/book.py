"""A change of one workspace's ledger while it is worked out: what credits come from, what they go to.

`core.credits.ledger` says which changes there are; here stands what each of them is made of. Every change begins and
ends by expiring what is due, so that nobody has to remember to.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.credits.model import BURN_ORDER, Account, Entry, EntryKind, Hold, Lot

_NEVER = datetime.max.replace(tzinfo=UTC)
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Book:
    """What a decision is made from.

    Attributes:
        account: The workspace's sums.
        lots: Its lots; those without anything left may be missing.
    """

    account: Account
    lots: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a decision changes; empty when it was a replay.

    Attributes:
        book: The book afterwards.
        new_lots: Lots to insert.
        changed_lots: Lots of which less (or more) is left than before.
        hold: The hold as it is now, if the decision was about one.
        entries: Entries to append, in order.
    """

    book: Book
    new_lots: tuple[Lot, ...] = ()
    changed_lots: tuple[Lot, ...] = ()
    hold: Hold | None = None
    entries: tuple[Entry, ...] = ()


def burn_order(lots: Iterable[Lot]) -> list[Lot]:
    """Return *lots* in the order in which use takes them: by kind, then soonest expiry, then oldest."""
    return sorted(
        lots,
        key=lambda lot: (BURN_ORDER.index(lot.kind), lot.expires_at or _NEVER, lot.created_at, lot.id),
    )


class Draft:
    """A change being worked out: one operation, and the expiries around it."""

    def __init__(
        self,
        book: Book,
        *,
        now: datetime,
        kind: EntryKind = EntryKind.ADJUST,
        prefix: str = "",
        hold_id: str | None = None,
        actor: str = SYSTEM,
        reason: str = "",
    ) -> None:
        self._before = {lot.id: lot for lot in book.lots}
        self._lots = dict(self._before)
        self._entries: list[Entry] = []
        self._own_entries = 0
        self._now = now
        self._kind = kind
        self._prefix = prefix
        self._hold_id = hold_id
        self._actor = actor
        self._reason = reason
        self._account = book.account
        self._expire_lots()

    @property
    def available(self) -> int:
        """What a new hold may take."""
        return self._account.available_microcredits

    def credit(self, lot: Lot) -> None:
        """Add *lot*; what the workspace owes is repaid out of it first."""
        debt, amount = self._account.debt_microcredits, lot.amount_microcredits
        repaid = min(debt, amount)
        self._lots[lot.id] = replace(lot, remaining_microcredits=amount - repaid)
        self._account = replace(self._account, debt_microcredits=debt - repaid)
        self._post(amount, lot.id)

    def take(self, lot: Lot, amount: int) -> int:
        """Take up to *amount* from one lot and return what could not be taken."""
        lot = self._lots[lot.id]
        taken = min(amount, lot.remaining_microcredits)
        if taken:
            self._lots[lot.id] = replace(lot, remaining_microcredits=lot.remaining_microcredits - taken)
            self._post(-taken, lot.id)
        return amount - taken

    def take_back(self, lot: Lot, amount: int, *, expired: int) -> None:
        """Take *amount* of what came with *lot*: what is left of it, what expired of it, then anything else.

        Credits that expired unused are gone already. So the part of their expiry that stands in the way is undone
        first: whether the money went back before or after the date makes no difference.
        """
        self._before.setdefault(lot.id, lot)
        current = self._lots.setdefault(lot.id, lot)
        expired -= sum(item.amount_microcredits for item in self._entries if item.lot_id == lot.id)
        revived = min(expired, max(0, amount - current.remaining_microcredits))
        if revived:
            self._lots[lot.id] = replace(current, remaining_microcredits=current.remaining_microcredits + revived)
            self._post(revived, lot.id, expires=True)
        self.burn(self.take(lot, amount))

    def give_back(self, lot: Lot | None, amount: int) -> int:
        """Undo that *amount* was taken from *lot*, or became debt; return what of such debt was repaid meanwhile.

        What the workspace owes is repaid first, as by everything that comes in.
        """
        repaid = min(self._account.debt_microcredits, amount)
        self._account = replace(self._account, debt_microcredits=self._account.debt_microcredits - repaid)
        if lot is None:
            if repaid:
                self._post(repaid, None)
            return amount - repaid
        self._before.setdefault(lot.id, lot)
        current = self._lots.setdefault(lot.id, lot)
        left = current.remaining_microcredits + amount - repaid
        self._lots[lot.id] = replace(current, remaining_microcredits=left)
        self._post(amount, lot.id)
        return 0

    def burn(self, amount: int) -> None:
        """Take *amount* from the lots in order; what they do not cover becomes debt."""
        for lot in burn_order(self._lots.values()):
            amount = self.take(lot, amount)
        if amount:
            self._account = replace(self._account, debt_microcredits=self._account.debt_microcredits + amount)
            self._post(-amount, None)

    def reserve(self, amount: int) -> None:
        """Change the sum of open holds by *amount*."""
        self._account = replace(self._account, reserved_microcredits=self._account.reserved_microcredits + amount)

    def change(self, hold: Hold | None = None) -> Change:
        """Return what was worked out."""
        self._expire_lots()
        return Change(
            book=Book(self._account, tuple(self._lots.values())),
            new_lots=tuple(lot for key, lot in self._lots.items() if key not in self._before),
            changed_lots=tuple(lot for key, lot in self._lots.items() if self._before.get(key, lot) != lot),
            hold=hold,
            entries=tuple(self._entries),
        )

    def _expire_lots(self) -> None:
        """Expire what is left in lots past their date, except what open holds would burn.

        A hold was granted while those credits were good; taking them from under it would turn work that was covered
        into debt. What is kept can pay for nothing new, because all of it is reserved.
        """
        keep = self._account.reserved_microcredits
        for lot in burn_order(self._lots.values()):
            kept = min(keep, lot.remaining_microcredits)
            keep -= kept
            due = lot.expires_at is not None and lot.expires_at <= self._now
            if due and lot.remaining_microcredits > kept:
                self._lots[lot.id] = replace(lot, remaining_microcredits=kept)
                self._post(kept - lot.remaining_microcredits, lot.id, expires=True)

    def _post(self, amount: int, lot_id: str | None, *, expires: bool = False) -> None:
        seq = self._account.seq + 1
        posted = self._account.posted_microcredits + amount
        self._account = replace(self._account, posted_microcredits=posted, seq=seq)
        if expires:
            # A lot may expire in several parts, hence the number in the key.
            key = f"expire:{lot_id}:{seq}"
        else:
            key = f"{self._prefix}:{self._own_entries}"
            self._own_entries += 1
        self._entries.append(
            Entry(
                workspace_id=self._account.workspace_id,
                seq=seq,
                kind=EntryKind.EXPIRE if expires else self._kind,
                amount_microcredits=amount,
                posted_after_microcredits=posted,
                idempotency_key=key,
                actor=SYSTEM if expires else self._actor,
                at=self._now,
                reason="" if expires else self._reason,
                lot_id=lot_id,
                hold_id=None if expires else self._hold_id,
            )
        )
