"""The money of one turn: what is set aside before it, what it used, what is charged for it."""

from dataclasses import dataclass, field
from datetime import datetime

from core.agents.context import Prompt
from core.credits.model import HoldState
from core.credits.service import Ledger
from core.credits.tariff import Tariff
from core.orchestration.errors import BalanceEmpty, CapReached
from core.orchestration.jobs import Seat, TurnJob
from core.providers.base import Reply, Usage
from core.sessions.ports import Transaction

_HOLD_SECONDS = 1_800
_LEAST_OUTPUT_TOKENS = 600  # below this no reply of any role is worth asking for


@dataclass
class Spent:
    """What the calls of one turn used."""

    usage: dict[str, Usage] = field(default_factory=dict)
    provider: str = ""
    model: str = ""
    calls: int = 0
    notices: tuple[str, ...] = ()

    def add(self, reply: Reply) -> None:
        self.usage[reply.model] = self.usage.get(reply.model, Usage()) + reply.usage
        self.provider, self.model = reply.provider, reply.model
        self.calls += reply.attempts

    @property
    def total(self) -> Usage:
        return sum(self.usage.values(), Usage())


class Budget:
    """Sets credits aside for turns and settles them, each inside the caller's transaction."""

    def __init__(self, *, ledger: Ledger, tariff: Tariff) -> None:
        self._ledger = ledger
        self._tariff = tariff

    def open(self, tx: Transaction, job: TurnJob, now: datetime) -> tuple[str, int]:
        """Hold what the turn may cost, whoever of its chain answers; return the hold's id and the output that it covers.

        Raises:
            CapReached, BalanceEmpty: If cap or balance do not pay for an answer worth asking for.
            InsufficientCredits: If the credits went elsewhere in between.
        """
        session, seat = job.session, job.seat
        tx.credits.lock_account(session.workspace_id)
        hold_id, mine = _hold_of(tx, job.turn_id)
        output_tokens = self._fit_budget(tx, job, mine, now)
        amount = self._hold(seat, job.prompt, output_tokens, now)
        if amount > 0:
            self._ledger.hold(
                tx.credits,
                hold_id=hold_id,
                workspace_id=session.workspace_id,
                session_id=session.id,
                amount_microcredits=amount,
                seconds=_HOLD_SECONDS,
                reopen=True,
                check_balance=self._tariff.checks_balance,
            )
        return hold_id, output_tokens

    def price(self, seat: Seat, spent: Spent, at: datetime) -> tuple[int, int]:
        """Return charge in micro-credits and list cost in micro-dollars of everything that was used."""
        specs = {spec.id: spec for spec in seat.chain}
        charge = cost = 0
        for model, usage in spent.usage.items():
            spec = specs.get(model, seat.spec)
            charge += self._tariff.charge_microcredits(spec, usage, at=at)
            cost += self._tariff.cost_microdollars(spec, usage, at=at)
        return charge, cost

    def settle(self, tx: Transaction, workspace_id: str, hold_id: str, charge: int) -> int:
        """Charge at most what was held, so that a cap is a cap: an estimate that was too low is the operator's loss."""
        tx.credits.lock_account(workspace_id)
        if tx.credits.find_hold(hold_id) is None:
            return 0
        settlement = self._ledger.settle(
            tx.credits, hold_id=hold_id, amount_microcredits=charge, actor="session", at_most_held=True
        )
        return settlement.charged_microcredits

    def release(self, tx: Transaction, hold_id: str) -> None:
        """Give back what was held: the turn costs nothing."""
        self._ledger.release(tx.credits, hold_id=hold_id)

    def _hold(self, seat: Seat, prompt: Prompt, output_tokens: int, now: datetime) -> int:
        return self._tariff.hold_microcredits(
            seat.chain, input_tokens=prompt.input_tokens, max_output_tokens=output_tokens, at=now
        )

    def _fit_budget(self, tx: Transaction, job: TurnJob, mine: int, now: datetime) -> int:
        """Return the output tokens that cap and balance pay for.

        Near the cap a reply gets shorter rather than the session dearer. *mine* is what the turn holds already.
        """
        session, seat, prompt = job.session, job.seat, job.prompt
        wanted = min(seat.role.max_output_tokens, *(spec.max_output_tokens for spec in seat.chain))
        captured, held = tx.credits.session_totals(session.id)
        room = session.cap_microcredits - captured - held + mine
        account = tx.credits.find_account(session.workspace_id)
        available = (account.available_microcredits if account is not None else 0) + mine
        limits: list[tuple[int, type[CapReached | BalanceEmpty]]] = [(room, CapReached)]
        if self._tariff.checks_balance:
            limits.append((available, BalanceEmpty))
        output_tokens = wanted
        for budget, error in limits:
            if self._hold(seat, prompt, output_tokens, now) <= budget:
                continue
            affordable = self._tariff.affordable_output_tokens(
                seat.chain, input_tokens=prompt.input_tokens, budget_microcredits=max(0, budget), at=now
            )
            if affordable < min(_LEAST_OUTPUT_TOKENS, wanted):
                raise error
            output_tokens = min(output_tokens, affordable)
        return output_tokens


def _hold_of(tx: Transaction, identity: str) -> tuple[str, int]:
    """Return the id of the hold that pays for the next try at a turn, and what it holds already.

    It is the turn's id; a try that people stopped was settled under it, so the next one needs an id of its own.
    """
    hold_id, number = identity, 1
    while (existing := tx.credits.find_hold(hold_id)) is not None:
        if existing.state is HoldState.OPEN:
            return hold_id, existing.amount_microcredits
        if existing.state is not HoldState.CAPTURED:
            return hold_id, 0
        number += 1
        hold_id = f"{identity}#{number}"
    return hold_id, 0
