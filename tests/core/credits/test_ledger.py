"""Single decisions of the ledger, where the order of use or a state must be exactly right."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credits import ledger
from core.credits.audit import derive, find_differences
from core.credits.book import Book, Change
from core.credits.errors import HoldClosed, InsufficientCredits
from core.credits.model import Account, Entry, EntryKind, Hold, HoldState, Lot, LotKind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def lot(key: str, amount: int, kind: LotKind = LotKind.PACK, *, days: int | None = None, age: int = 0) -> Lot:
    return Lot(
        id=key,
        workspace_id="w",
        kind=kind,
        amount_microcredits=amount,
        remaining_microcredits=amount,
        source_key=f"source-{key}",
        created_at=NOW - age * DAY,
        expires_at=None if days is None else NOW + days * DAY,
    )


def book(*lots: Lot, reserved: int = 0) -> Book:
    return Book(Account("w", sum(item.remaining_microcredits for item in lots), reserved, 0, 0), lots)


def held(amount: int, state: HoldState = HoldState.OPEN, *, captured: int | None = None) -> Hold:
    return Hold("t1", "w", "s", amount, NOW + DAY, state, captured)


def taken(change: Change) -> list[tuple[str | None, int]]:
    return [(entry.lot_id, entry.amount_microcredits) for entry in change.entries]


def test_use_takes_monthly_then_promo_then_packs_then_admin() -> None:
    """Credits that expire go first, soonest first; what was paid for goes last but for an operator's gift."""
    start = book(
        lot("admin", 1, LotKind.ADMIN, days=1),
        lot("pack-new", 1, age=1),
        lot("pack-old", 1, age=9),
        lot("promo", 1, LotKind.PROMO),
        lot("month-later", 1, LotKind.MONTHLY, days=40),
        lot("month-soon", 1, LotKind.MONTHLY, days=9),
        reserved=7,
    )
    change = ledger.settle(start, held(7), amount_microcredits=7, now=NOW, actor="session")
    assert taken(change) == [
        ("month-soon", -1),
        ("month-later", -1),
        ("promo", -1),
        ("pack-old", -1),
        ("pack-new", -1),
        ("admin", -1),
        (None, -1),
    ]
    assert change.book.account.debt_microcredits == 1
    assert {entry.hold_id for entry in change.entries} == {"t1"}
    assert [entry.idempotency_key for entry in change.entries] == [f"capture:t1:{n}" for n in range(7)]


def test_credits_under_an_open_hold_outlive_their_date() -> None:
    """A lot past its date keeps what open holds would burn, and loses the rest at once."""
    start = book(lot("month", 100, LotKind.MONTHLY, days=-1), lot("pack", 50), reserved=30)
    change = ledger.expire_lots(start, now=NOW)
    assert taken(change) == [("month", -70)]
    settled = ledger.settle(change.book, held(30), amount_microcredits=20, now=NOW, actor="session")
    assert taken(settled) == [("month", -20), ("month", -10)]
    assert settled.entries[1].kind is EntryKind.EXPIRE
    assert settled.book.account.posted_microcredits == 50


def test_expired_credits_pay_for_nothing_new() -> None:
    """What an open hold keeps alive is not available to another."""
    start = book(lot("month", 100, LotKind.MONTHLY, days=-1), reserved=30)
    other = Hold("t2", "w", "s", 1, NOW + DAY)
    with pytest.raises(InsufficientCredits) as refused:
        ledger.hold(start, other, None, now=NOW)
    assert refused.value.available_microcredits == 0


def test_a_lot_granted_after_its_date_still_repays_debt() -> None:
    """A grant that comes late repays what is owed; only the rest of it is gone."""
    owing = Book(Account("w", -40, 0, 40, 3))
    change = ledger.grant(
        owing,
        lot_id="late",
        kind=LotKind.MONTHLY,
        amount_microcredits=100,
        source_key="in:1",
        expires_at=NOW - DAY,
        now=NOW,
        actor="stripe",
    )
    assert taken(change) == [("late", 100), ("late", -60)]
    assert change.book.account == Account("w", 0, 0, 0, 5)


def test_overage_takes_lots_and_then_becomes_debt() -> None:
    """A turn that cost more than its hold is charged in full."""
    change = ledger.settle(book(lot("pack", 50), reserved=40), held(40), amount_microcredits=70, now=NOW, actor="s")
    assert taken(change) == [("pack", -50), (None, -20)]
    assert change.book.account == Account("w", -20, 0, 20, 2)
    with pytest.raises(InsufficientCredits):
        ledger.hold(change.book, Hold("t2", "w", "s", 1, NOW + DAY), None, now=NOW)


def test_nothing_is_free_even_in_debt() -> None:
    """A hold of nothing succeeds whatever is owed."""
    owing = Book(Account("w", -20, 0, 20, 2))
    assert ledger.hold(owing, Hold("t2", "w", "s", 0, NOW + DAY), None, now=NOW).hold is not None


def test_where_no_balance_is_checked_use_becomes_debt() -> None:
    """An installation that sells nothing holds and charges all the same: the ledger tells what was used."""
    empty = Book(Account("w"))
    change = ledger.hold(empty, held(40), None, now=NOW, check_balance=False)
    assert change.book.account.reserved_microcredits == 40
    settled = ledger.settle(change.book, held(40), amount_microcredits=30, now=NOW, actor="session")
    assert settled.book.account == Account("w", -30, 0, 30, 1)


def test_clawback_takes_its_own_lot_first() -> None:
    """A refund takes back what the money bought, wherever that stands in the order of use."""
    pack = lot("pack", 50)
    start = book(lot("month", 30, LotKind.MONTHLY, days=9), pack)
    change = ledger.clawback(start, pack, amount_microcredits=90, key="re:1", now=NOW, actor="stripe")
    assert taken(change) == [("pack", -50), ("month", -30), (None, -10)]
    assert change.entries[0].idempotency_key == ledger.first_key(EntryKind.CLAWBACK, "re:1")


def test_clawback_of_an_empty_lot_takes_others() -> None:
    """A lot that was used up, and so is not in the book, gives nothing."""
    spent = Lot("old", "w", LotKind.PACK, 50, 0, "cs:old", NOW)
    change = ledger.clawback(book(lot("pack", 50)), spent, amount_microcredits=20, key="re:2", now=NOW, actor="stripe")
    assert taken(change) == [("pack", -20)]


@pytest.mark.parametrize(("state", "late"), [(HoldState.OPEN, False), (HoldState.EXPIRED, True)])
def test_work_that_was_done_is_charged(state: HoldState, *, late: bool) -> None:
    """A hold that expired before it was settled charges like an open one."""
    start = book(lot("pack", 50), reserved=0 if late else 20)
    change = ledger.settle(start, held(20, state), amount_microcredits=15, now=NOW, actor="session")
    assert change.book.account == Account("w", 35, 0, 0, 1)
    assert change.hold == held(20, HoldState.CAPTURED, captured=15)


@pytest.mark.parametrize(
    "resolved", [held(20, HoldState.RELEASED), held(20, HoldState.CAPTURED, captured=19)], ids=lambda item: item.state
)
def test_a_resolved_hold_takes_no_other_charge(resolved: Hold) -> None:
    """A released hold, or one that was captured with another amount, is closed."""
    with pytest.raises(HoldClosed):
        ledger.settle(book(lot("pack", 50)), resolved, amount_microcredits=20, now=NOW, actor="session")


def test_a_repeated_charge_changes_nothing() -> None:
    """The same charge again is a replay."""
    paid = held(20, HoldState.CAPTURED, captured=15)
    start = book(lot("pack", 50))
    assert ledger.settle(start, paid, amount_microcredits=15, now=NOW, actor="s") == Change(book=start, hold=paid)


@pytest.mark.parametrize(
    "other", [Hold("t1", "x", "s", 20, NOW), Hold("t1", "w", "s2", 20, NOW)], ids=["workspace", "session"]
)
def test_a_hold_belongs_to_one_turn(other: Hold) -> None:
    """The same id for another payer or session is refused, even for a new attempt."""
    with pytest.raises(HoldClosed):
        ledger.hold(book(lot("pack", 50)), other, held(20), now=NOW, reopen=True)


def test_a_positive_correction_repays_debt_before_it_gives() -> None:
    """What an operator gives back repays what is owed first."""
    change = ledger.adjust(
        Book(Account("w", -5, 0, 5, 1)),
        amount_microcredits=8,
        key="ticket 9",
        lot_id="gift",
        now=NOW,
        actor="ana",
        reason="a turn went wrong",
    )
    (gift,) = change.new_lots
    assert (gift.kind, gift.amount_microcredits, gift.remaining_microcredits) == (LotKind.ADMIN, 8, 3)
    assert change.entries[0].kind is EntryKind.ADJUST


@pytest.mark.parametrize("amount", [0, -1])
def test_amounts_that_mean_nothing_are_refused(amount: int) -> None:
    """A grant and a clawback are above 0, a charge and a hold not below it, a correction not 0."""
    pack = lot("pack", 50)
    start = book(pack)
    with pytest.raises(ValueError, match="lot"):
        ledger.grant(
            start,
            lot_id="x",
            kind=LotKind.PACK,
            amount_microcredits=amount,
            source_key="s",
            expires_at=None,
            now=NOW,
            actor="a",
        )
    with pytest.raises(ValueError, match="clawback"):
        ledger.clawback(start, pack, amount_microcredits=amount, key="k", now=NOW, actor="a")
    with pytest.raises(ValueError, match="charge"):
        ledger.settle(start, held(1), amount_microcredits=-1, now=NOW, actor="a")
    with pytest.raises(ValueError, match="hold"):
        ledger.hold(start, held(-1), None, now=NOW)
    with pytest.raises(ValueError, match="correction"):
        ledger.adjust(start, amount_microcredits=0, key="k", lot_id="x", now=NOW, actor="a", reason="r")


EVENTS = st.permutations(
    [("grant", "a", 50), ("grant", "b", 70), ("clawback", "a", 20), ("clawback", "b", 70), ("charge", "", 60)]
)


@given(events=EVENTS)
def test_the_balance_does_not_depend_on_the_order_of_events(events: list[tuple[str, str, int]]) -> None:
    """Grants, refunds and use in any order end in one balance; a refund never comes before its grant."""
    state = Book(Account("w"))
    granted: dict[str, Lot] = {}
    waiting: list[tuple[str, int]] = []

    def claw(key: str, amount: int) -> Book:
        return ledger.clawback(
            state, granted[key], amount_microcredits=amount, key=f"re:{key}", now=NOW, actor="stripe"
        ).book

    for kind, key, amount in events:
        match kind:
            case "grant":
                change = ledger.grant(
                    state,
                    lot_id=key,
                    kind=LotKind.PACK,
                    amount_microcredits=amount,
                    source_key=key,
                    expires_at=None,
                    now=NOW,
                    actor="stripe",
                )
                state, granted[key] = change.book, change.new_lots[0]
                for name, owed in [item for item in waiting if item[0] == key]:
                    state = claw(name, owed)
            case "clawback" if key in granted:
                state = claw(key, amount)
            case "clawback":
                waiting.append((key, amount))
            case _:
                late = held(amount, HoldState.EXPIRED)
                state = ledger.settle(state, late, amount_microcredits=amount, now=NOW, actor="session").book
    assert (state.account.posted_microcredits, state.account.debt_microcredits) == (-30, 30)
    assert not any(item.remaining_microcredits for item in state.lots)


def entry(seq: int, amount: int, *, kind: EntryKind = EntryKind.GRANT, after: int, lot_id: str | None = "l") -> Entry:
    return Entry("w", seq, kind, amount, after, f"k{seq}", "a", NOW, lot_id=lot_id)


def test_the_audit_names_every_law_that_is_broken() -> None:
    """Each stored number that the entries contradict is told, with what it should be."""
    entries = [entry(1, 50, after=50), entry(3, -20, kind=EntryKind.CAPTURE, after=31)]
    lots = [Lot("l", "w", LotKind.PACK, 60, 31, "s", NOW), Lot("ghost", "w", LotKind.PACK, 5, 5, "g", NOW)]
    holds = [held(7), Hold("t9", "w", "s", 5, NOW, HoldState.CAPTURED, 5)]
    found = find_differences(Account("w", 29, 8, 1, 3), lots, holds, entries)
    assert {(item.law, item.subject, item.expected, item.found) for item in found} == {
        ("posted", "w", 30, 29),
        ("debt", "w", 0, 1),
        ("seq", "w", 2, 3),
        ("seq", "k3", 2, 3),
        ("running_sum", "k3", 30, 31),
        ("lot", "l", 30, 31),
        ("grant", "l", 50, 60),
        ("lot", "ghost", 0, 5),
        ("grant", "ghost", 0, 5),
        ("grant", "ghost", 1, 0),
        ("reserved", "w", 7, 8),
        ("capture", "t9", 0, 5),
    }


def test_the_audit_finds_lots_and_holds_that_only_entries_know() -> None:
    """A lot or hold whose row is gone is a difference, not an error."""
    capture = Entry("w", 2, EntryKind.CAPTURE, -20, 30, "k2", "a", NOW, lot_id="l", hold_id="gone")
    found = find_differences(Account("w", 30, 0, 0, 2), [], [], [entry(1, 50, after=50), capture])
    assert {(item.law, item.subject) for item in found} == {("lot", "l"), ("capture", "gone")}


def test_entries_tell_debt_apart_from_lots() -> None:
    """Use without a lot is debt, and the next credit repays it."""
    derived = derive(
        [entry(1, -20, kind=EntryKind.CAPTURE, after=-20, lot_id=None), entry(2, 50, after=30, lot_id="l")]
    )
    assert (derived.posted, derived.debt, derived.remaining) == (30, 0, {"l": 30})
