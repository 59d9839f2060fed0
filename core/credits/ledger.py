"""The ledger's rules: functions from values to values, without clock, storage or randomness.

Every function takes the `Book` of one workspace, read under its row lock, and returns the `Change` that the service
stores in the same transaction. Each begins and ends by expiring what is due, so that nobody has to remember to.

Laws that hold after every change (checked by `core.credits.audit`):
``posted`` is the sum of all entries, and of what is left in the lots less the debt; ``reserved`` is the sum of open
holds; debt exists only while every lot is empty; ``seq`` has no gaps.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from core.credits.errors import HoldClosed, InsufficientCredits
from core.credits.model import BURN_ORDER, Account, Entry, EntryKind, Hold, HoldState, Lot, LotKind

_NEVER = datetime.max.replace(tzinfo=UTC)
_SYSTEM = "system"


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


class _Draft:
    """A change being worked out: one operation, and the expiries around it."""

    def __init__(
        self,
        book: Book,
        *,
        now: datetime,
        kind: EntryKind = EntryKind.ADJUST,
        prefix: str = "",
        hold_id: str | None = None,
        actor: str = _SYSTEM,
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
        # An empty lot may have been left out of the book; then nothing is taken from it.
        lot = self._lots.get(lot.id, lot)
        taken = min(amount, lot.remaining_microcredits)
        if taken:
            self._lots[lot.id] = replace(lot, remaining_microcredits=lot.remaining_microcredits - taken)
            self._post(-taken, lot.id)
        return amount - taken

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
                actor=_SYSTEM if expires else self._actor,
                at=self._now,
                reason="" if expires else self._reason,
                lot_id=lot_id,
                hold_id=None if expires else self._hold_id,
            )
        )


def first_key(kind: EntryKind, key: str) -> str:
    """Return the idempotency key of the first entry that a clawback or an adjustment named *key* writes."""
    return f"{kind}:{key}:0"


def grant(
    book: Book,
    *,
    lot_id: str,
    kind: LotKind,
    amount_microcredits: int,
    source_key: str,
    expires_at: datetime | None,
    now: datetime,
    actor: str,
    reason: str = "",
) -> Change:
    """Return the change that adds a lot; debt is repaid out of it first.

    Args:
        book: The workspace's book.
        lot_id: Id of the new lot.
        kind: Its kind.
        amount_microcredits: How much, > 0.
        source_key: The business fact that grants; the caller has made sure that it granted nothing yet.
        expires_at: None for never.
        now: The moment.
        actor: Who caused it.
        reason: For people.

    Raises:
        ValueError: If the amount is not above 0.
    """
    lot = _new_lot(
        book, lot_id=lot_id, kind=kind, amount=amount_microcredits, source=source_key, expires=expires_at, now=now
    )
    draft = _Draft(book, now=now, kind=EntryKind.GRANT, prefix=f"grant:{source_key}", actor=actor, reason=reason)
    draft.credit(lot)
    return draft.change()


def _new_lot(
    book: Book, *, lot_id: str, kind: LotKind, amount: int, source: str, expires: datetime | None, now: datetime
) -> Lot:
    if amount <= 0:
        raise ValueError(f"a lot needs an amount above 0, not {amount}")
    return Lot(
        id=lot_id,
        workspace_id=book.account.workspace_id,
        kind=kind,
        amount_microcredits=amount,
        remaining_microcredits=amount,
        source_key=source,
        created_at=now,
        expires_at=expires,
    )


def hold(
    book: Book,
    wanted: Hold,
    existing: Hold | None,
    *,
    now: datetime,
    reopen: bool = False,
    check_balance: bool = True,
) -> Change:
    """Return the change that sets *wanted* aside.

    ====================  =============================  =====================================
    state of *existing*   ``reopen=False``               ``reopen=True``: a new attempt
    ====================  =============================  =====================================
    none                  opened                         opened
    open                  replay if the amount is equal  resized
    released, expired     `HoldClosed`                   opened again with the new amount
    captured              `HoldClosed`                   `HoldClosed`: the turn was paid for
    ====================  =============================  =====================================

    The expiry of an open hold only ever moves on.

    Args:
        book: The workspace's book.
        wanted: The hold as it should be, OPEN; an amount of 0 is allowed and always succeeds.
        existing: The hold with the same id, if there is one.
        now: The moment.
        reopen: True for a new attempt of the turn that the hold belongs to.
        check_balance: False where no balance limits anybody.

    Raises:
        InsufficientCredits: If less is available than the hold adds to what is reserved.
        HoldClosed: See the table; also if the id belongs to another workspace or session.
        ValueError: If the amount is below 0.
    """
    if wanted.amount_microcredits < 0:
        raise ValueError(f"a hold cannot be {wanted.amount_microcredits}")
    open_before = 0
    if existing is not None:
        _check_same_turn(existing, wanted)
        if existing.state is HoldState.OPEN:
            wanted = replace(wanted, expires_at=max(existing.expires_at, wanted.expires_at))
            if existing.amount_microcredits == wanted.amount_microcredits:
                return Change(book=book, hold=wanted)
            open_before = existing.amount_microcredits
        if not reopen or existing.state is HoldState.CAPTURED:
            raise HoldClosed(f"hold {wanted.id} is {existing.state} with {existing.amount_microcredits}")
    draft = _Draft(book, now=now)
    added = wanted.amount_microcredits - open_before
    if check_balance and added > 0 and draft.available < added:
        raise InsufficientCredits(
            required_microcredits=wanted.amount_microcredits, available_microcredits=draft.available + open_before
        )
    draft.reserve(added)
    return draft.change(wanted)


def _check_same_turn(existing: Hold, wanted: Hold) -> None:
    if (existing.workspace_id, existing.session_id) != (wanted.workspace_id, wanted.session_id):
        raise HoldClosed(f"hold {wanted.id} belongs to {existing.workspace_id} {existing.session_id}")


def settle(book: Book, held: Hold, *, amount_microcredits: int, now: datetime, actor: str, reason: str = "") -> Change:
    """Return the change that charges *amount_microcredits* for the work that *held* was set aside for.

    It happens once per hold. More than was held may be charged: the lots cover it, then it becomes debt. An expired
    hold still charges, because the work was done.

    Raises:
        HoldClosed: If the hold was released, or captured with another amount.
        ValueError: If the amount is below 0.
    """
    if amount_microcredits < 0:
        raise ValueError(f"a charge cannot be {amount_microcredits}")
    match held.state:
        case HoldState.CAPTURED:
            if held.captured_microcredits != amount_microcredits:
                raise HoldClosed(f"hold {held.id} was captured with {held.captured_microcredits}")
            return Change(book=book, hold=held)
        case HoldState.RELEASED:
            raise HoldClosed(f"hold {held.id} was released")
        case HoldState.OPEN | HoldState.EXPIRED:
            draft = _Draft(
                book,
                now=now,
                kind=EntryKind.CAPTURE,
                prefix=f"capture:{held.id}",
                hold_id=held.id,
                actor=actor,
                reason=reason,
            )
            if held.state is HoldState.OPEN:
                draft.reserve(-held.amount_microcredits)
            draft.burn(amount_microcredits)
            return draft.change(replace(held, state=HoldState.CAPTURED, captured_microcredits=amount_microcredits))


def release(book: Book, held: Hold, *, now: datetime, state: HoldState = HoldState.RELEASED) -> Change:
    """Return the change that gives an open hold back; empty if it was given back before.

    Args:
        book: The workspace's book.
        held: The hold.
        now: The moment.
        state: RELEASED, or EXPIRED when nobody resolved it in time.

    Raises:
        HoldClosed: If the hold was captured.
    """
    if held.state is HoldState.CAPTURED:
        raise HoldClosed(f"hold {held.id} was captured")
    if held.state is not HoldState.OPEN:
        return Change(book=book, hold=held)
    draft = _Draft(book, now=now)
    draft.reserve(-held.amount_microcredits)
    return draft.change(replace(held, state=state))


def expire_lots(book: Book, *, now: datetime) -> Change:
    """Return the change that expires what is left in lots past their date, except what open holds would burn."""
    return _Draft(book, now=now).change()


def clawback(
    book: Book, lot: Lot, *, amount_microcredits: int, key: str, now: datetime, actor: str, reason: str = ""
) -> Change:
    """Return the change that takes a refunded or disputed amount back.

    The lot that the money bought goes first, then the others in burn order, then it becomes debt.

    Args:
        book: The workspace's book.
        lot: The lot that the money bought, empty or not.
        amount_microcredits: How much, > 0.
        key: The business fact, such as ``re:{refund}``; the caller has made sure that it took nothing yet.
        now: The moment.
        actor: Who caused it.
        reason: For people.

    Raises:
        ValueError: If the amount is not above 0.
    """
    if amount_microcredits <= 0:
        raise ValueError(f"a clawback cannot be {amount_microcredits}")
    draft = _Draft(book, now=now, kind=EntryKind.CLAWBACK, prefix=f"clawback:{key}", actor=actor, reason=reason)
    draft.burn(draft.take(lot, amount_microcredits))
    return draft.change()


def adjust(
    book: Book,
    *,
    amount_microcredits: int,
    key: str,
    lot_id: str,
    now: datetime,
    actor: str,
    reason: str,
    kind: LotKind = LotKind.ADMIN,
    expires_at: datetime | None = None,
) -> Change:
    """Return the change that corrects a balance: entries are never altered, a correction is a new one.

    Args:
        book: The workspace's book.
        amount_microcredits: Above 0: repays debt, the rest becomes a lot. Below 0: burnt from the lots, then debt.
        key: The business fact; the caller has made sure that it corrected nothing yet.
        lot_id: Id of the new lot, when one is needed.
        now: The moment.
        actor: Who caused it.
        reason: Why; never empty for a person's correction.
        kind: Kind of the new lot: what is given back goes where it came from.
        expires_at: Of the new lot.

    Raises:
        ValueError: If the amount is 0.
    """
    if amount_microcredits == 0:
        raise ValueError("a correction of 0 corrects nothing")
    prefix = f"adjust:{key}"
    draft = _Draft(book, now=now, kind=EntryKind.ADJUST, prefix=prefix, actor=actor, reason=reason)
    if amount_microcredits > 0:
        lot = _new_lot(
            book, lot_id=lot_id, kind=kind, amount=amount_microcredits, source=prefix, expires=expires_at, now=now
        )
        draft.credit(lot)
    else:
        draft.burn(-amount_microcredits)
    return draft.change()
