"""The ledger's service over a repository in memory: what callers see of repeats, lost races and sweeps."""

from datetime import timedelta

import pytest

from core.credits.errors import GrantUnknown, HoldClosed, HoldUnknown, InsufficientCredits, SourceUsed
from core.credits.model import Balance, Expired, HoldState, LotKind, Settlement
from core.credits.service import Ledger
from tests.core.credits.memory import MemoryCredits
from tests.fakes.clock import FakeClock


@pytest.fixture
def repo() -> MemoryCredits:
    return MemoryCredits()


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    return Ledger(clock)


def give(ledger: Ledger, repo: MemoryCredits, amount: int = 100, *, key: str = "cs:1", workspace_id: str = "w") -> bool:
    return ledger.grant(
        repo,
        workspace_id=workspace_id,
        kind=LotKind.PACK,
        amount_microcredits=amount,
        source_key=key,
        actor="stripe",
    )


def hold(ledger: Ledger, repo: MemoryCredits, amount: int = 40, *, reopen: bool = False, seconds: int = 60) -> None:
    ledger.hold(
        repo,
        hold_id="t1",
        workspace_id="w",
        session_id="s",
        amount_microcredits=amount,
        seconds=seconds,
        reopen=reopen,
    )


def test_a_turn_is_held_and_settled_and_the_rest_is_free_again(ledger: Ledger, repo: MemoryCredits) -> None:
    """A hold sets aside, a settlement charges what was used."""
    give(ledger, repo)
    hold(ledger, repo)
    assert ledger.balance(repo, "w").available_microcredits == 60
    settled = ledger.settle(repo, hold_id="t1", amount_microcredits=25, actor="session", reason="writer, round 1")
    assert settled == Settlement(charged_microcredits=25, held_microcredits=40)
    balance = ledger.balance(repo, "w")
    assert (balance.available_microcredits, balance.reserved_microcredits) == (75, 0)
    assert [item.remaining_microcredits for item in balance.lots] == [75]
    assert ledger.check(repo, "w") == ()


def test_a_repeat_of_everything_changes_nothing(ledger: Ledger, repo: MemoryCredits) -> None:
    """Grant, hold and settlement happen once, however often they are told."""
    assert [give(ledger, repo), give(ledger, repo), give(ledger, repo, 7)] == [True, False, False]
    for _ in range(2):
        hold(ledger, repo)
    first, second = (ledger.settle(repo, hold_id="t1", amount_microcredits=25, actor="session") for _ in range(2))
    assert (first.replayed, second.replayed) == (False, True)
    assert ledger.balance(repo, "w").posted_microcredits == 75
    assert len(repo.entries) == 2


def test_a_source_cannot_pay_two_workspaces(ledger: Ledger, repo: MemoryCredits) -> None:
    """A business fact that granted to one workspace is refused to another."""
    give(ledger, repo)
    with pytest.raises(SourceUsed):
        give(ledger, repo, workspace_id="x")


def test_a_new_attempt_resizes_its_open_hold(ledger: Ledger, repo: MemoryCredits) -> None:
    """A turn that broke off and is tried again holds what the new attempt needs, once."""
    give(ledger, repo)
    hold(ledger, repo, 40)
    hold(ledger, repo, 90, reopen=True)
    assert ledger.balance(repo, "w").reserved_microcredits == 90
    with pytest.raises(InsufficientCredits) as refused:
        hold(ledger, repo, 101, reopen=True)
    assert (refused.value.required_microcredits, refused.value.available_microcredits) == (101, 100)
    hold(ledger, repo, 10, reopen=True)
    assert ledger.balance(repo, "w").reserved_microcredits == 10


def test_a_turn_that_was_paid_cannot_be_attempted_again(ledger: Ledger, repo: MemoryCredits) -> None:
    """A captured hold stays captured."""
    give(ledger, repo)
    hold(ledger, repo)
    ledger.settle(repo, hold_id="t1", amount_microcredits=25, actor="session")
    with pytest.raises(HoldClosed):
        hold(ledger, repo, reopen=True)


def test_what_is_above_the_hold_can_be_waived(ledger: Ledger, repo: MemoryCredits) -> None:
    """A settlement limited to the hold says what it left out, also when repeated."""
    give(ledger, repo)
    hold(ledger, repo, 40)
    for replayed in (False, True):
        settled = ledger.settle(repo, hold_id="t1", amount_microcredits=55, actor="session", at_most_held=True)
        assert settled == Settlement(40, 40, waived_microcredits=15, replayed=replayed)


def test_a_heartbeat_keeps_a_hold_from_expiring(ledger: Ledger, repo: MemoryCredits, clock: FakeClock) -> None:
    """An extended hold stands; one that is forgotten expires once, and its late charge still counts."""
    give(ledger, repo)
    hold(ledger, repo, seconds=60)
    clock.move(50)
    assert ledger.extend(repo, hold_id="t1", seconds=60)
    assert not ledger.extend(repo, hold_id="t2", seconds=60)
    clock.move(50)
    assert ledger.expire_due(repo) == Expired((), 0)
    clock.move(11)
    assert ledger.expire_due(repo) == Expired(("t1",), 0)
    assert ledger.expire_due(repo) == Expired((), 0)
    assert not ledger.extend(repo, hold_id="t1", seconds=60)
    assert not ledger.release(repo, hold_id="t1")
    assert repo.holds["t1"].state is HoldState.EXPIRED
    assert ledger.settle(repo, hold_id="t1", amount_microcredits=25, actor="session").charged_microcredits == 25
    assert ledger.check(repo, "w") == ()


def test_a_balance_leaves_out_what_expired_though_no_sweep_came(
    ledger: Ledger, repo: MemoryCredits, clock: FakeClock
) -> None:
    """What people are told they have is what a hold would find."""
    ledger.grant(
        repo,
        workspace_id="w",
        kind=LotKind.MONTHLY,
        amount_microcredits=100,
        source_key="in:1",
        expires_at=clock.now() + timedelta(days=1),
        actor="stripe",
    )
    clock.move(86_400)
    assert ledger.balance(repo, "w") == Balance(0, 0, 0, 0, ())
    assert ledger.expire_due(repo) == Expired((), 100)
    assert [entry.actor for entry in repo.entries] == ["stripe", "system"]


def test_a_refund_waits_for_its_grant(ledger: Ledger, repo: MemoryCredits) -> None:
    """A refund whose purchase is still on the way asks to be tried again; afterwards it takes once a key."""
    refund = {"source_key": "cs:1", "amount_microcredits": 30, "key": "re:1", "actor": "stripe"}
    with pytest.raises(GrantUnknown):
        ledger.clawback(repo, **refund)  # type: ignore[arg-type]
    give(ledger, repo)
    assert [ledger.clawback(repo, **refund) for _ in range(3)] == [True, False, False]  # type: ignore[arg-type]
    assert ledger.clawback(repo, **{**refund, "key": "re:2"})  # type: ignore[arg-type]
    assert ledger.balance(repo, "w").available_microcredits == 40


def test_what_was_never_held_cannot_be_charged(ledger: Ledger, repo: MemoryCredits) -> None:
    """A settlement needs a hold; giving back nothing is harmless."""
    with pytest.raises(HoldUnknown):
        ledger.settle(repo, hold_id="t1", amount_microcredits=1, actor="session")
    assert not ledger.release(repo, hold_id="t1")


def test_a_workspace_without_account_has_nothing(ledger: Ledger, repo: MemoryCredits) -> None:
    """Asking creates no rows."""
    assert ledger.balance(repo, "w") == Balance(0, 0, 0, 0, ())
    assert ledger.check(repo, "w") == ()
    assert not repo.accounts


def test_a_check_reads_entries_in_pages(ledger: Ledger, repo: MemoryCredits) -> None:
    """A long ledger is checked whole."""
    give(ledger, repo, 5_000)
    for number in range(1_050):
        ledger.adjust(repo, workspace_id="w", amount_microcredits=-1, key=f"{number}", actor="ana", reason="use")
    assert ledger.check(repo, "w") == ()
    del repo.entries[1_020]
    assert {item.law for item in ledger.check(repo, "w")} == {"posted", "seq", "running_sum", "lot"}
