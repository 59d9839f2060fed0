"""The ledger's rows on both databases, and its exactness under concurrency on PostgreSQL."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
import sqlalchemy as sa

from core.credits.errors import HoldClosed, InsufficientCredits, SourceUsed
from core.credits.model import Account, Balance, Entry, EntryKind, Hold, HoldState, Lot, LotKind, Settlement
from core.credits.ports import CreditRepository
from core.credits.service import Ledger
from core.errors import ConflictError
from core.sessions.ports import Transaction
from storage.database import Database
from tests.fakes.clock import FakeClock

T = TypeVar("T")
NOW = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORKSPACE = "slack:T1"


def lot(key: str, *, workspace_id: str = WORKSPACE, remaining: int = 5, hours: int | None = None) -> Lot:
    return Lot(
        id=key,
        workspace_id=workspace_id,
        kind=LotKind.PACK,
        amount_microcredits=9_000_000_000,
        remaining_microcredits=remaining,
        source_key=f"cs:{key}",
        created_at=NOW,
        expires_at=None if hours is None else NOW + hours * HOUR,
    )


def held(key: str, *, hours: int = 1, session_id: str = "s_1", workspace_id: str = WORKSPACE) -> Hold:
    return Hold(key, workspace_id, session_id, 7, NOW + hours * HOUR)


def entry(seq: int, *, amount: int = -2, key: str | None = None) -> Entry:
    return Entry(
        workspace_id=WORKSPACE,
        seq=seq,
        kind=EntryKind.CAPTURE,
        amount_microcredits=amount,
        posted_after_microcredits=-2 * seq,
        idempotency_key=key or f"capture:{seq}",
        actor="session",
        at=NOW,
        reason="editor, round 2",
        lot_id="a",
        hold_id="h1",
    )


async def run(store: Database, work: Callable[[CreditRepository], T]) -> T:
    return await store.write(lambda tx: work(tx.credits))


async def test_accounts_are_opened_once_and_keep_their_sums(store: Database) -> None:
    """A locked account exists from then on; what is saved is found, beyond 32 bits too."""
    assert await run(store, lambda repo: repo.find_account(WORKSPACE)) is None
    assert await run(store, lambda repo: repo.lock_account(WORKSPACE)) == Account(WORKSPACE)
    rich = Account(WORKSPACE, 9_000_000_000, 7, 0, 12)
    await run(store, lambda repo: repo.save_account(rich))
    await run(store, lambda repo: repo.lock_account("discord:2"))
    assert await run(store, lambda repo: repo.lock_account(WORKSPACE)) == rich
    assert await run(store, lambda repo: repo.list_accounts()) == [Account("discord:2"), rich]


async def test_lots_are_found_by_source_and_by_what_is_left(store: Database) -> None:
    """Every field survives; empty lots are left out unless asked for; due ones are found in all workspaces."""
    lots = [lot("a"), lot("b", remaining=0, hours=-1), lot("c", hours=0), lot("d", hours=1)]
    other = lot("x", workspace_id="discord:2", hours=-1)

    def add(repo: CreditRepository) -> None:
        for workspace_id in (WORKSPACE, "discord:2"):
            repo.lock_account(workspace_id)
        for item in (*lots, other):
            repo.add_lot(item)

    await run(store, add)
    assert await run(store, lambda repo: repo.list_lots(WORKSPACE, only_remaining=False)) == lots
    assert await run(store, lambda repo: repo.list_lots(WORKSPACE)) == [lots[0], lots[2], lots[3]]
    assert await run(store, lambda repo: repo.list_expired_lots(NOW)) == [other, lots[2]]
    assert await run(store, lambda repo: repo.find_lot_by_source("cs:b")) == lots[1]
    assert await run(store, lambda repo: repo.find_lot_by_source("cs:z")) is None
    await run(store, lambda repo: repo.save_lot(replace(lots[0], remaining_microcredits=1)))
    assert (await run(store, lambda repo: repo.list_lots(WORKSPACE)))[0].remaining_microcredits == 1
    with pytest.raises(SourceUsed):
        await run(store, lambda repo: repo.add_lot(replace(lots[0], id="again")))


async def test_holds_are_found_by_state_and_expiry(store: Database) -> None:
    """A resolved hold is neither open nor due, and counts in its session's totals with what was captured."""
    holds = [held("h1"), held("h2", hours=-1), held("h3", hours=0), held("h4", session_id="s_2")]

    def add(repo: CreditRepository) -> None:
        repo.lock_account(WORKSPACE)
        for item in holds:
            repo.add_hold(item)

    await run(store, add)
    assert await run(store, lambda repo: repo.find_hold("h1")) == holds[0]
    assert await run(store, lambda repo: repo.find_hold("h9")) is None
    assert await run(store, lambda repo: repo.list_expired_holds(NOW)) == [holds[1]]
    assert await run(store, lambda repo: repo.session_totals("s_1")) == (0, 21)
    changed = [
        replace(holds[0], state=HoldState.CAPTURED, captured_microcredits=4),
        replace(holds[1], amount_microcredits=8, expires_at=NOW + HOUR),
        replace(holds[2], state=HoldState.RELEASED),
        holds[3],
    ]

    def save(repo: CreditRepository) -> None:
        for item in changed:
            repo.save_hold(item)

    await run(store, save)
    assert await run(store, lambda repo: repo.list_holds(WORKSPACE)) == changed
    assert await run(store, lambda repo: repo.list_open_holds(WORKSPACE)) == [changed[1], changed[3]]
    assert await run(store, lambda repo: repo.list_expired_holds(NOW)) == []
    assert await run(store, lambda repo: repo.session_totals("s_1")) == (4, 8)
    assert await run(store, lambda repo: repo.session_totals("s_9")) == (0, 0)


async def test_a_lock_makes_what_was_read_before_it_be_read_again(store: Database) -> None:
    """Within a transaction a hold and an account are read once under a lock, and afresh after each new lock."""

    def work(repo: CreditRepository) -> None:
        for workspace in (WORKSPACE, "slack:T2"):
            repo.lock_account(workspace)
        first = held("h1")
        repo.add_hold(first)
        assert repo.find_hold("h1") == first
        assert repo.find_hold("h2") is None
        repo.add_hold(held("h2", workspace_id="slack:T2"))
        assert repo.find_hold("h2") == held("h2", workspace_id="slack:T2")
        settled = replace(first, state=HoldState.RELEASED)
        repo.save_hold(settled)
        assert repo.find_hold("h1") == settled
        account = replace(repo.lock_account(WORKSPACE), posted_microcredits=7, seq=1)
        repo.save_account(account)
        assert repo.lock_account(WORKSPACE) == account == repo.find_account(WORKSPACE)

    await run(store, work)
    assert await run(store, lambda repo: repo.find_hold("h1")) == replace(held("h1"), state=HoldState.RELEASED)


async def test_entries_are_read_in_pages_and_each_key_once(store: Database) -> None:
    """Entries come in order; the database itself refuses a key that was there before."""
    entries = [entry(seq) for seq in (1, 2, 3)]

    def add(repo: CreditRepository) -> None:
        repo.lock_account(WORKSPACE)
        repo.add_lot(lot("a"))
        repo.add_hold(held("h1"))
        for item in entries:
            repo.add_entry(item)

    await run(store, add)
    assert await run(store, lambda repo: repo.list_entries(WORKSPACE)) == entries
    assert await run(store, lambda repo: repo.list_entries(WORKSPACE, after_seq=1, limit=1)) == [entries[1]]
    assert await run(store, lambda repo: repo.find_entry("capture:3")) == entries[2]
    assert await run(store, lambda repo: repo.find_entry("capture:9")) is None
    with pytest.raises(sa.exc.IntegrityError):
        await run(store, lambda repo: repo.add_entry(entry(4, key="capture:3")))


class Books:
    """The ledger of a store, one transaction a call."""

    def __init__(self, store: Database) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.ledger = Ledger(self.clock)

    async def grant(self, amount: int, *, key: str = "cs:1", workspace_id: str = WORKSPACE) -> bool:
        def work(tx: Transaction) -> bool:
            return self.ledger.grant(
                tx.credits,
                workspace_id=workspace_id,
                kind=LotKind.PACK,
                amount_microcredits=amount,
                source_key=key,
                actor="stripe",
            )

        return await self.store.write(work)

    async def hold(self, key: str, amount: int, *, seconds: int = 60, workspace_id: str = WORKSPACE) -> Hold:
        def work(tx: Transaction) -> Hold:
            return self.ledger.hold(
                tx.credits,
                hold_id=key,
                workspace_id=workspace_id,
                session_id="s_1",
                amount_microcredits=amount,
                seconds=seconds,
            )

        return await self.store.write(work)

    async def settle(self, key: str, amount: int) -> Settlement:
        def work(tx: Transaction) -> Settlement:
            return self.ledger.settle(tx.credits, hold_id=key, amount_microcredits=amount, actor="session")

        return await self.store.write(work)

    async def release(self, key: str) -> bool:
        return await self.store.write(lambda tx: self.ledger.release(tx.credits, hold_id=key))

    async def sweep(self) -> int:
        expired = await self.store.write(lambda tx: self.ledger.expire_due(tx.credits))
        return len(expired.holds)

    async def balance(self) -> Balance:
        return await self.store.read(lambda tx: self.ledger.balance(tx.credits, WORKSPACE))

    async def check(self, workspace_id: str = WORKSPACE) -> None:
        assert await self.store.read(lambda tx: self.ledger.check(tx.credits, workspace_id)) == ()


async def test_a_session_is_exact_to_the_micro_credit(store: Database) -> None:
    """Grant, hold, settlement, release and expiry end in one balance, which the entries explain."""
    books = Books(store)
    await books.grant(1_000)
    for number in range(4):
        await books.hold(f"s_1/r1/e{number}", 100)
    assert (await books.settle("s_1/r1/e0", 73)).charged_microcredits == 73
    assert await books.release("s_1/r1/e1")
    books.clock.move(61)
    assert await books.sweep() == 2
    assert (await books.settle("s_1/r1/e2", 27)).charged_microcredits == 27
    balance = await books.balance()
    assert (balance.available_microcredits, balance.reserved_microcredits) == (900, 0)
    await books.check()


async def test_a_failed_transaction_leaves_no_trace(store: Database) -> None:
    """What raises after a charge takes the charge with it."""
    books = Books(store)
    await books.grant(1_000)
    await books.hold("t1", 100)

    def charge_and_fail(tx: Transaction) -> None:
        books.ledger.settle(tx.credits, hold_id="t1", amount_microcredits=50, actor="session")
        raise ConflictError("the turn is already there")

    with pytest.raises(ConflictError):
        await store.write(charge_and_fail)
    balance = await books.balance()
    assert (balance.posted_microcredits, balance.reserved_microcredits) == (1_000, 100)
    await books.check()


@pytest.fixture
def books(postgres_store: Database) -> Books:
    """A ledger on PostgreSQL: one SQLite connection would hide a missing lock."""
    return Books(postgres_store)


@pytest.mark.loopback
async def test_a_hundred_charges_sent_twice_at_once_are_exact(books: Books) -> None:
    """Every hold is captured once, with its own amount."""
    await books.grant(100_000)
    amounts = {f"t{number}": 3 * number + 1 for number in range(100)}
    await asyncio.gather(*(books.hold(key, 300) for key in amounts))
    settled = await asyncio.gather(*(books.settle(key, amount) for key, amount in (*amounts.items(), *amounts.items())))
    assert sum(item.replayed for item in settled) == 100
    balance = await books.balance()
    assert (balance.posted_microcredits, balance.reserved_microcredits) == (100_000 - sum(amounts.values()), 0)
    await books.check()


@pytest.mark.loopback
async def test_of_charge_and_release_one_wins(books: Books) -> None:
    """A hold that is settled and released at once is either charged or given back, never both, never neither."""
    await books.grant(100_000)
    keys = [f"t{number}" for number in range(40)]
    for key in keys:
        await books.hold(key, 10)
    outcomes = await asyncio.gather(
        *(work for key in keys for work in (books.settle(key, 10), books.release(key))), return_exceptions=True
    )
    assert all(isinstance(item, Settlement | HoldClosed) or item is True for item in outcomes)
    captured = [isinstance(item, Settlement) for item in outcomes[::2]]
    released = [item is True for item in outcomes[1::2]]
    assert [a != b for a, b in zip(captured, released, strict=True)] == [True] * len(keys)
    balance = await books.balance()
    assert (balance.posted_microcredits, balance.reserved_microcredits) == (100_000 - 10 * sum(captured), 0)
    await books.check()


@pytest.mark.loopback
async def test_no_more_is_held_than_there_is(books: Books) -> None:
    """A hundred holds for ten places: ten get one."""
    await books.grant(1_000)
    outcomes = await asyncio.gather(*(books.hold(f"t{number}", 100) for number in range(100)), return_exceptions=True)
    assert sum(isinstance(item, Hold) for item in outcomes) == 10
    assert sum(isinstance(item, InsufficientCredits) for item in outcomes) == 90
    assert (await books.balance()).available_microcredits == 0
    await books.check()


@pytest.mark.loopback
async def test_fifty_replays_of_a_grant_are_one_lot(books: Books) -> None:
    """A grant told fifty times at once, to a workspace that is new, credits once."""
    granted = await asyncio.gather(*(books.grant(500) for _ in range(50)))
    assert sum(granted) == 1
    assert (await books.balance()).posted_microcredits == 500
    await books.check()


@pytest.mark.loopback
async def test_one_source_pays_one_workspace(books: Books) -> None:
    """A business fact that is claimed for two workspaces at once credits one of them."""
    for round_ in range(10):
        outcomes = await asyncio.gather(
            *(books.grant(500, key=f"cs:{round_}", workspace_id=name) for name in (WORKSPACE, "discord:2")),
            return_exceptions=True,
        )
        assert sum(item is True for item in outcomes) == 1
        assert sum(isinstance(item, SourceUsed) for item in outcomes) == 1
    await books.check()
    await books.check("discord:2")


@pytest.mark.loopback
async def test_sweeps_and_late_charges_meet_without_harm(books: Books) -> None:
    """Several sweeps at once expire each hold once, and charges that come in between count."""
    for workspace_id in (WORKSPACE, "discord:2", "discord:3"):
        await books.grant(10_000, key=workspace_id, workspace_id=workspace_id)
        for number in range(10):
            await books.hold(f"{workspace_id}/{number}", 10, seconds=1, workspace_id=workspace_id)
    books.clock.move(2)
    sweeps = [books.sweep() for _ in range(4)]
    charges = [books.settle(f"{WORKSPACE}/{number}", 10) for number in range(10)]
    swept, _ = await asyncio.gather(asyncio.gather(*sweeps), asyncio.gather(*charges))
    assert 20 <= sum(swept) <= 30
    balance = await books.balance()
    assert (balance.posted_microcredits, balance.reserved_microcredits) == (10_000 - 100, 0)
    for workspace_id in (WORKSPACE, "discord:2", "discord:3"):
        await books.check(workspace_id)
