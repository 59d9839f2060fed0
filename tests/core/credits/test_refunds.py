"""What is taken back, and given back: the moment at which a refund is heard of must not change what is left."""

from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from core.credits.model import EntryKind, LotKind
from core.credits.service import Ledger
from tests.core.credits.memory import MemoryCredits
from tests.fakes.clock import FakeClock

START = datetime(2026, 1, 1, tzinfo=UTC)
EXPIRY = datetime(2026, 2, 2, tzinfo=UTC)
MONTH = 2_900
DAY = 86_400


class Books:
    """One workspace with a month of credits, some of which it used."""

    def __init__(self, used: int) -> None:
        self.clock = FakeClock(START)
        self.repo = MemoryCredits()
        self.ledger = Ledger(self.clock)
        self.grant("in:1:1", MONTH, LotKind.MONTHLY, EXPIRY)
        self.use(used)

    def grant(self, key: str, amount: int, kind: LotKind = LotKind.PACK, until: datetime | None = None) -> None:
        self.ledger.grant(
            self.repo,
            workspace_id="w",
            kind=kind,
            amount_microcredits=amount,
            source_key=key,
            actor="stripe",
            expires_at=until,
        )

    def use(self, amount: int) -> None:
        name = f"turn{len(self.repo.holds)}"
        self.ledger.hold(self.repo, hold_id=name, workspace_id="w", session_id="s", amount_microcredits=0, seconds=60)
        self.ledger.settle(self.repo, hold_id=name, amount_microcredits=amount, actor="session")

    def refund(self, key: str, amount: int) -> bool:
        return self.ledger.clawback(self.repo, source_key="in:1:1", amount_microcredits=amount, key=key, actor="stripe")

    def fail(self, key: str) -> bool:
        return self.ledger.restore(self.repo, key=key, actor="stripe")

    def month_ends(self) -> None:
        self.clock.move(40 * DAY)
        self.ledger.expire_due(self.repo)

    @property
    def posted(self) -> int:
        assert self.ledger.check(self.repo, "w") == ()
        return self.ledger.balance(self.repo, "w").posted_microcredits


@given(used=st.integers(0, MONTH), parts=st.lists(st.integers(1, MONTH // 3), min_size=1, max_size=3))
def test_a_refund_takes_the_same_before_and_after_the_date(used: int, parts: list[int]) -> None:
    """Only what was used of a refunded month is owed, however late the refund is heard of."""

    def last(events: list[Callable[[Books], object]]) -> int:
        books = Books(used)
        for event in events:
            event(books)
        return books.posted

    refunds = [lambda books, n=n, part=part: books.refund(f"re:{n}", part) for n, part in enumerate(parts)]
    early = last([*refunds, Books.month_ends])
    late = last([Books.month_ends, *refunds])
    between = last([*refunds[:1], Books.month_ends, *refunds[1:]])
    assert early == late == between == -max(0, used + sum(parts) - MONTH)


@given(used=st.integers(0, MONTH), taken=st.integers(1, MONTH), when=st.integers(0, 3))
def test_a_refund_that_fails_leaves_no_trace_in_the_balance(used: int, taken: int, when: int) -> None:
    """Taken back and given back, with the end of the month before, between or after: as if nothing had been."""
    books = Books(used)
    steps: list[Callable[[], object]] = [lambda: books.refund("re:1", taken), lambda: books.fail("re:1")]
    steps.insert(min(when, 2), books.month_ends)
    for step in steps:
        step()
    assert books.posted == 0


def test_what_is_given_back_returns_to_the_lots_it_came_from() -> None:
    """A pack that paid for a refunded month is whole again when the refund fails, and keeps for ever."""
    books = Books(used=2_000)
    books.grant("cs:1", 500)
    books.refund("re:1", 1_400)
    assert books.posted == 0
    assert books.fail("re:1")
    balance = books.ledger.balance(books.repo, "w")
    assert {lot.kind: lot.remaining_microcredits for lot in balance.lots} == {LotKind.MONTHLY: 900, LotKind.PACK: 500}


def test_debt_that_was_repaid_meanwhile_comes_back_as_credits() -> None:
    """A workspace that paid what it seemed to owe gets it back when it did not owe it; a replay gives nothing."""
    books = Books(used=MONTH)
    books.refund("re:1", 1_000)
    assert books.ledger.balance(books.repo, "w").debt_microcredits == 1_000
    books.grant("cs:1", 1_500)
    assert books.posted == 500
    assert [books.fail("re:1"), books.fail("re:1")] == [True, False]
    balance = books.ledger.balance(books.repo, "w")
    assert (books.posted, balance.debt_microcredits) == (1_500, 0)
    assert [entry.kind for entry in books.repo.entries[-1:]] == [EntryKind.ADJUST]


def test_giving_back_repays_other_debt_first() -> None:
    """What came in meanwhile as debt is repaid out of what is given back."""
    books = Books(used=0)
    books.refund("re:1", MONTH)
    books.use(700)
    assert books.fail("re:1")
    assert (books.posted, books.ledger.balance(books.repo, "w").debt_microcredits) == (MONTH - 700, 0)


def test_nothing_was_taken_so_nothing_is_given_back() -> None:
    """A refund that failed before it was heard of is no reason to give."""
    assert not Books(used=0).fail("re:1")
