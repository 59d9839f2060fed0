"""One state machine for every `CreditRepository`: a model of the ledger that is so simple that it must be right.

The model knows sums and states only; where use falls (lots, debt) is checked through laws that must always hold.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import methodcaller
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.credits.book import burn_order
from core.credits.errors import HoldClosed, InsufficientCredits
from core.credits.model import Balance, EntryKind, Hold, HoldState, LotKind, Settlement
from core.credits.ports import CreditRepository
from core.credits.service import Ledger
from tests.fakes.clock import FakeClock

T = TypeVar("T")
WORKSPACES = ("slack:T1", "discord:2")
SESSIONS = ("s_1", "s_2")
WORKSPACE_OF = dict(zip(SESSIONS, WORKSPACES, strict=True))
START = datetime(2026, 11, 1, tzinfo=UTC)
TIMES = st.integers(1, 3)


class LedgerMachine(RuleBasedStateMachine):
    """Every rule may be repeated; after each step the books must balance."""

    def transact(self, work: Callable[[CreditRepository], T]) -> T:
        """Run *work* in a transaction of the repository under test."""
        raise NotImplementedError

    @initialize()
    def open_books(self) -> None:
        self.clock = FakeClock(START)
        self.number = 0
        self.ledger = Ledger(self.clock, make_lot_id=lambda: f"lot{self._next()}")
        self.sources: dict[str, tuple[str, int]] = {}
        self.taken: dict[str, tuple[str, int]] = {}
        self.holds: dict[str, tuple[HoldState, int, int]] = {}
        self.session: dict[str, str] = {}
        self.expiry: dict[str, datetime] = {}
        self.sum = {name: dict.fromkeys(EntryKind, 0) for name in WORKSPACES}

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _balance(self, workspace_id: str) -> Balance:
        return self.transact(lambda repo: self.ledger.balance(repo, workspace_id))

    def _pick(self, index: int) -> str:
        names = sorted(self.holds)
        return names[index % len(names)]

    @rule(
        workspace_id=st.sampled_from(WORKSPACES),
        amount=st.integers(1, 500),
        kind=st.sampled_from(LotKind),
        days=st.none() | st.integers(-1, 5),
        times=TIMES,
    )
    def grant(self, workspace_id: str, amount: int, kind: LotKind, days: int | None, times: int) -> None:
        source = f"cs:{self._next()}"
        granted = [
            self.transact(
                lambda repo: self.ledger.grant(
                    repo,
                    workspace_id=workspace_id,
                    kind=kind,
                    amount_microcredits=amount,
                    source_key=source,
                    expires_at=None if days is None else START + timedelta(days=days),
                    actor="stripe",
                )
            )
            for _ in range(times)
        ]
        assert granted == [True] + [False] * (times - 1)
        self.sources[source] = (workspace_id, amount)
        self.sum[workspace_id][EntryKind.GRANT] += amount

    def _hold(self, name: str, amount: int, seconds: int, *, reopen: bool) -> Hold:
        session = self.session[name]
        return self.transact(
            lambda repo: self.ledger.hold(
                repo,
                hold_id=name,
                workspace_id=WORKSPACE_OF[session],
                session_id=session,
                amount_microcredits=amount,
                seconds=seconds,
                reopen=reopen,
            )
        )

    def _try_hold(self, name: str, amount: int, seconds: int, *, reopen: bool) -> None:
        session = self.session[name]
        state, old, _ = self.holds.get(name, (None, 0, 0))
        room = self._balance(WORKSPACE_OF[session]).available_microcredits + (old if state is HoldState.OPEN else 0)
        grows = amount > (old if state is HoldState.OPEN else 0)
        until = self.clock.now() + timedelta(seconds=seconds)
        if grows and amount > room:
            with pytest.raises(InsufficientCredits) as short:
                self._hold(name, amount, seconds, reopen=reopen)
            assert (short.value.required_microcredits, short.value.available_microcredits) == (amount, room)
        else:
            held = self._hold(name, amount, seconds, reopen=reopen)
            if state is HoldState.OPEN:
                until = max(until, self.expiry[name])
            assert (held.state, held.amount_microcredits, held.expires_at) == (HoldState.OPEN, amount, until)
            self.holds[name] = (HoldState.OPEN, amount, 0)
            self.expiry[name] = until

    @rule(session=st.sampled_from(SESSIONS), amount=st.integers(0, 400), seconds=st.integers(1, 200_000))
    def reserve(self, session: str, amount: int, seconds: int) -> None:
        name = f"h{self._next()}"
        self.session[name] = session
        self._try_hold(name, amount, seconds, reopen=False)
        if name not in self.holds:
            del self.session[name]

    @precondition(lambda self: self.holds)
    @rule(index=st.integers(0, 50), amount=st.integers(0, 400), same=st.booleans())
    def reserve_again(self, index: int, amount: int, same: bool) -> None:
        """A repeat of a hold is a replay only while it stands as it was asked for."""
        name = self._pick(index)
        state, old, _ = self.holds[name]
        amount = old if same else amount
        if state is HoldState.OPEN and amount == old:
            self._hold(name, amount, 1, reopen=False)
            self.expiry[name] = max(self.expiry[name], self.clock.now() + timedelta(seconds=1))
        else:
            with pytest.raises(HoldClosed):
                self._hold(name, amount, 1, reopen=False)

    @precondition(lambda self: self.holds)
    @rule(index=st.integers(0, 50), amount=st.integers(0, 400), seconds=st.integers(1, 200_000))
    def reopen(self, index: int, amount: int, seconds: int) -> None:
        """A new attempt may open any hold again but one that was paid."""
        name = self._pick(index)
        if self.holds[name][0] is HoldState.CAPTURED:
            with pytest.raises(HoldClosed):
                self._hold(name, amount, seconds, reopen=True)
        else:
            self._try_hold(name, amount, seconds, reopen=True)

    @precondition(lambda self: self.holds)
    @rule(index=st.integers(0, 50), actual=st.integers(0, 600), limited=st.booleans(), times=TIMES)
    def settle(self, index: int, actual: int, limited: bool, times: int) -> None:
        name = self._pick(index)
        workspace_id = WORKSPACE_OF[self.session[name]]
        for _ in range(times):
            state, amount, captured = self.holds[name]
            charged = min(actual, amount) if limited else actual
            if state is HoldState.RELEASED or (state is HoldState.CAPTURED and captured != charged):
                with pytest.raises(HoldClosed):
                    self._settle(name, actual, limited=limited)
                continue
            settlement = self._settle(name, actual, limited=limited)
            assert settlement.charged_microcredits == charged
            assert settlement.charged_microcredits + settlement.waived_microcredits == actual
            assert settlement.replayed == (state is HoldState.CAPTURED)
            if state is not HoldState.CAPTURED:
                self.holds[name] = (HoldState.CAPTURED, amount, charged)
                self.sum[workspace_id][EntryKind.CAPTURE] -= charged

    def _settle(self, name: str, actual: int, *, limited: bool) -> Settlement:
        return self.transact(
            lambda repo: self.ledger.settle(
                repo, hold_id=name, amount_microcredits=actual, actor="session", at_most_held=limited
            )
        )

    @precondition(lambda self: self.holds)
    @rule(index=st.integers(0, 50), times=TIMES)
    def release(self, index: int, times: int) -> None:
        name = self._pick(index)
        for _ in range(times):
            state, amount, _ = self.holds[name]
            if state is HoldState.CAPTURED:
                with pytest.raises(HoldClosed):
                    self.transact(lambda repo: self.ledger.release(repo, hold_id=name))
                continue
            released = self.transact(lambda repo: self.ledger.release(repo, hold_id=name))
            assert released == (state is HoldState.OPEN)
            if released:
                self.holds[name] = (HoldState.RELEASED, amount, 0)

    @precondition(lambda self: self.holds)
    @rule(index=st.integers(0, 50), seconds=st.integers(1, 200_000))
    def extend(self, index: int, seconds: int) -> None:
        name = self._pick(index)
        extended = self.transact(lambda repo: self.ledger.extend(repo, hold_id=name, seconds=seconds))
        assert extended == (self.holds[name][0] is HoldState.OPEN)
        if extended:
            self.expiry[name] = max(self.expiry[name], self.clock.now() + timedelta(seconds=seconds))

    @rule(hours=st.integers(1, 60), times=TIMES)
    def time_passes(self, hours: int, times: int) -> None:
        self.clock.move(hours * 3_600)
        for number in range(times):
            due = {
                name
                for name, (state, _, _) in self.holds.items()
                if state is HoldState.OPEN and self.expiry[name] < self.clock.now()
            }
            expired = self.transact(self.ledger.expire_due)
            assert set(expired.holds) == due
            assert number == 0 or (not due and expired.microcredits == 0)
            for name in due:
                self.holds[name] = (HoldState.EXPIRED, self.holds[name][1], 0)

    @precondition(lambda self: self.sources)
    @rule(index=st.integers(0, 50), part=st.integers(1, 100), times=TIMES)
    def refund(self, index: int, part: int, times: int) -> None:
        source = sorted(self.sources)[index % len(self.sources)]
        workspace_id, amount = self.sources[source]
        taken = max(1, amount * part // 100)
        key = f"re:{self._next()}"
        done = [
            self.transact(
                lambda repo: self.ledger.clawback(
                    repo, source_key=source, amount_microcredits=taken, key=key, actor="stripe"
                )
            )
            for _ in range(times)
        ]
        assert done == [True] + [False] * (times - 1)
        self.sum[workspace_id][EntryKind.CLAWBACK] -= taken
        self.taken[key] = (workspace_id, taken)

    @precondition(lambda self: self.taken)
    @rule(index=st.integers(0, 50), times=TIMES)
    def refund_fails(self, index: int, times: int) -> None:
        """What was taken back is given back once; what repaid debt meanwhile comes as new credits."""
        key = sorted(self.taken)[index % len(self.taken)]
        workspace_id, taken = self.taken.pop(key)
        done = [self.transact(lambda repo: self.ledger.restore(repo, key=key, actor="stripe")) for _ in range(times)]
        assert done == [True] + [False] * (times - 1)
        anew = self.transact(methodcaller("find_entry", f"adjust:restore:{key}:0"))
        credited = 0 if anew is None else anew.amount_microcredits
        self.sum[workspace_id][EntryKind.ADJUST] += credited
        self.sum[workspace_id][EntryKind.CLAWBACK] += taken - credited

    @rule(
        workspace_id=st.sampled_from(WORKSPACES),
        amount=st.integers(-300, 300).filter(bool),
        times=TIMES,
    )
    def adjust(self, workspace_id: str, amount: int, times: int) -> None:
        key = f"ticket{self._next()}"
        done = [
            self.transact(
                lambda repo: self.ledger.adjust(
                    repo, workspace_id=workspace_id, amount_microcredits=amount, key=key, actor="ana", reason="a slip"
                )
            )
            for _ in range(times)
        ]
        assert done == [True] + [False] * (times - 1)
        self.sum[workspace_id][EntryKind.ADJUST] += amount

    @invariant()
    def nothing_differs_from_the_entries(self) -> None:
        for workspace_id in WORKSPACES:
            assert self.transact(partial(self.ledger.check, workspace_id=workspace_id)) == ()

    @invariant()
    def sums_are_what_happened(self) -> None:
        for workspace_id in WORKSPACES:
            entries = self.transact(methodcaller("list_entries", workspace_id))
            found = dict.fromkeys(EntryKind, 0)
            for entry in entries:
                found[entry.kind] += entry.amount_microcredits
            expected = {**self.sum[workspace_id], EntryKind.EXPIRE: found[EntryKind.EXPIRE]}
            assert found == expected
            assert found[EntryKind.EXPIRE] <= 0
            balance = self._balance(workspace_id)
            assert balance.posted_microcredits == sum(expected.values())
            reserved = sum(
                amount
                for name, (state, amount, _) in self.holds.items()
                if state is HoldState.OPEN and WORKSPACE_OF[self.session[name]] == workspace_id
            )
            assert balance.reserved_microcredits == reserved
            assert balance.available_microcredits == balance.posted_microcredits - reserved

    @invariant()
    def session_totals_are_what_was_charged_and_held(self) -> None:
        for session in SESSIONS:
            rows = [row for name, row in self.holds.items() if self.session[name] == session]
            captured = sum(captured for state, _, captured in rows)
            held = sum(amount for state, amount, _ in rows if state is HoldState.OPEN)
            assert self.transact(methodcaller("session_totals", session)) == (captured, held)

    @invariant()
    def expired_credits_only_serve_open_holds(self) -> None:
        """What is left past its date is at most what open holds would burn, so that nothing new can use it."""
        now = self.clock.now()
        for workspace_id in WORKSPACES:
            balance = self._balance(workspace_id)
            assert list(balance.lots) == burn_order(balance.lots)
            live = sum(
                lot.remaining_microcredits for lot in balance.lots if lot.expires_at is None or lot.expires_at > now
            )
            left = sum(lot.remaining_microcredits for lot in balance.lots)
            assert left - live <= balance.reserved_microcredits
            assert balance.available_microcredits <= live
            assert not balance.debt_microcredits or not balance.lots
