"""The ledger's rules: functions from values to values, without clock, storage or randomness.

Every function takes the `Book` of one workspace, read under its row lock, and returns the `Change` that the service
stores in the same transaction.

Laws that hold after every change (checked by `core.credits.audit`):
``posted`` is the sum of all entries, and of what is left in the lots less the debt; ``reserved`` is the sum of open
holds; debt exists only while every lot is empty; ``seq`` has no gaps.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.credits.book import Book, Change, Draft
from core.credits.errors import HoldClosed, InsufficientCredits
from core.credits.model import EntryKind, Hold, HoldState, Lot, LotKind


def first_key(kind: EntryKind, key: str) -> str:
    """Return the idempotency key of the first entry that a clawback or an adjustment named *key* writes."""
    return own_key(kind, key, 0)


def own_key(kind: EntryKind | str, key: str, number: int) -> str:
    """Return the idempotency key of an operation's entry *number*, from 0."""
    return f"{kind}:{key}:{number}"


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
    draft = Draft(book, now=now, kind=EntryKind.GRANT, prefix=f"grant:{source_key}", actor=actor, reason=reason)
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
    draft = Draft(book, now=now)
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
            draft = Draft(
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
    draft = Draft(book, now=now)
    draft.reserve(-held.amount_microcredits)
    return draft.change(replace(held, state=state))


def expire_lots(book: Book, *, now: datetime) -> Change:
    """Return the change that expires what is left in lots past their date, except what open holds would burn."""
    return Draft(book, now=now).change()


def clawback(
    book: Book,
    lot: Lot,
    *,
    amount_microcredits: int,
    expired_microcredits: int = 0,
    key: str,
    now: datetime,
    actor: str,
    reason: str = "",
) -> Change:
    """Return the change that takes a refunded or disputed amount back.

    The lot that the money bought goes first; what has expired of it counts as taken back. Then the others go in burn
    order, then it becomes debt.

    Args:
        book: The workspace's book.
        lot: The lot that the money bought, empty or not.
        amount_microcredits: How much, > 0.
        expired_microcredits: How much of the lot has expired so far, >= 0.
        key: The business fact, such as ``re:{refund}``; the caller has made sure that it took nothing yet.
        now: The moment.
        actor: Who caused it.
        reason: For people.

    Raises:
        ValueError: If the amount is not above 0.
    """
    if amount_microcredits <= 0:
        raise ValueError(f"a clawback cannot be {amount_microcredits}")
    draft = Draft(book, now=now, kind=EntryKind.CLAWBACK, prefix=f"clawback:{key}", actor=actor, reason=reason)
    draft.take_back(lot, amount_microcredits, expired=expired_microcredits)
    return draft.change()


def restore(
    book: Book,
    taken: Sequence[tuple[Lot | None, int]],
    *,
    key: str,
    now: datetime,
    actor: str,
    reason: str = "",
) -> tuple[Change, int]:
    """Return the change that undoes a clawback: a refund failed, or a dispute was won.

    Args:
        book: The workspace's book.
        taken: What the clawback took, > 0, from which lots as they are now; None for what became debt.
        key: The clawback's key; the caller has made sure that it was not undone yet.
        now: The moment.
        actor: Who caused it.
        reason: For people.

    Returns:
        The change, and how much of the debt had been repaid since: nobody knows out of which lot, so the caller
        credits it anew.
    """
    draft = Draft(book, now=now, kind=EntryKind.CLAWBACK, prefix=f"restore:{key}", actor=actor, reason=reason)
    # debt first, so that what is given back to a lot does not repay what was never used
    repaid_since = sum(
        draft.give_back(lot, amount) for lot, amount in sorted(taken, key=lambda part: part[0] is not None)
    )
    return draft.change(), repaid_since


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
    draft = Draft(book, now=now, kind=EntryKind.ADJUST, prefix=prefix, actor=actor, reason=reason)
    if amount_microcredits > 0:
        lot = _new_lot(
            book, lot_id=lot_id, kind=kind, amount=amount_microcredits, source=prefix, expires=expires_at, now=now
        )
        draft.credit(lot)
    else:
        draft.burn(-amount_microcredits)
    return draft.change()
