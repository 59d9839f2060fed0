"""One turn: hold credits, stream the model, then write turn, notes, version and charge in one transaction.

Everything that must be true together is written together; no transaction is open while a model answers. A turn whose
row exists is complete and is never taken again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from core.agents.context import Prompt, shrink
from core.casts.model import Role
from core.clock import Clock
from core.credits.errors import InsufficientCredits
from core.credits.model import HoldState
from core.credits.service import Ledger
from core.credits.tariff import Tariff
from core.ids import turn_id
from core.orchestration.errors import BalanceEmpty, CapReached, TurnFailed
from core.orchestration.listening import TurnListener
from core.orchestration.ports import ChatPort, Progress
from core.providers.base import Model, Reply, Request, StopReason, Usage
from core.providers.catalogue import ModelSpec
from core.providers.errors import ContextTooLong, PartialReply, ProviderError
from core.sessions.model import AttemptState, Desired, EvaluationTier, Session, Turn, TurnAttempt
from core.sessions.ports import Store, Transaction

_log = structlog.get_logger(__name__)
_HOLD_SECONDS = 1_800
_LEAST_OUTPUT_TOKENS = 600  # below this no reply of any role is worth asking for


@dataclass(frozen=True, slots=True)
class Seat:
    """Who answers for a role.

    Attributes:
        role: The role.
        model: The model with its policy.
        chain: The specs that may answer, the preferred one first.
    """

    role: Role
    model: Model
    chain: tuple[ModelSpec, ...]

    @property
    def spec(self) -> ModelSpec:
        """The preferred model."""
        return self.chain[0]


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What a role's replies meant, before it is written.

    Attributes:
        text: The raw reply (several, divided by a rule, when a repair was asked).
        score, tier, criteria, summary, self_assessment: As in `core.sessions.model.Turn`.
        notices: Sentences for the thread.
        record: Writes notes, fates, versions and the round inside the turn's transaction.
    """

    text: str
    record: Callable[[Transaction, Turn], None]
    score: float | None = None
    tier: EvaluationTier | None = None
    criteria: tuple[tuple[str, float], ...] = ()
    summary: str = ""
    self_assessment: str = ""
    notices: tuple[str, ...] = ()


Ask = Callable[[Request], Awaitable[Reply]]
Act = Callable[[Ask, int], Awaitable[TurnResult]]


@dataclass(frozen=True, slots=True)
class TurnJob:
    """A turn to take.

    Attributes:
        session: As it was read when the phase began.
        round_number: From 0.
        seat: Who answers.
        prompt: The first prompt, for what must be held.
        act: Asks once or more and says what the replies mean; gets the output tokens that are paid for.
        chat: Where signs of life go; None for nowhere.
        card_id: The round's card, for signs of life.
        block_ids: The document's blocks in order, to tell how far a revision is.
        spent_microcredits: What the session spent so far, for signs of life.
        on_first_text: Called once when the first text arrives, so that others may follow.
    """

    session: Session
    round_number: int
    seat: Seat
    prompt: Prompt
    act: Act
    chat: ChatPort | None = None
    card_id: str = ""
    block_ids: tuple[str, ...] = ()
    spent_microcredits: int = 0
    on_first_text: Callable[[], None] | None = None

    @property
    def turn_id(self) -> str:
        """The turn's id, also the key of its charge."""
        return turn_id(self.session.id, self.round_number, self.seat.role.key)


@dataclass
class _Spent:
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


@dataclass(frozen=True, slots=True)
class _Opened:
    """A turn that may be taken: what pays for it, how much it may answer, and which try it is."""

    hold_id: str
    output_tokens: int
    attempt: TurnAttempt


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


class TurnRunner:
    """Takes turns."""

    def __init__(self, *, store: Store, ledger: Ledger, tariff: Tariff, clock: Clock, price_version: str) -> None:
        self._store = store
        self._ledger = ledger
        self._tariff = tariff
        self._clock = clock
        self._price_version = price_version

    async def take(self, job: TurnJob) -> Turn:
        """Take one turn and return it, committed.

        Raises:
            CapReached, BalanceEmpty: If what must be held is not there.
            TurnFailed: If no model could answer.
            asyncio.CancelledError: If people stopped the session; what was used is settled.
        """
        session, seat = job.session, job.seat
        opened = await self._open(job)
        listener = TurnListener(
            chat=job.chat,
            progress=Progress(
                thread=session.thread,
                session_id=session.id,
                round=job.round_number,
                role_key=seat.role.key,
                phase=seat.role.phase,
                state="started",
                card_id=job.card_id,
                spent_microcredits=job.spent_microcredits,
                cap_microcredits=session.cap_microcredits,
            ),
            attempt=opened.attempt,
            save=self._save_attempt,
            clock=self._clock,
            block_ids=job.block_ids,
            on_first_text=job.on_first_text,
        )
        listener.show("started")
        spent = _Spent()
        try:
            result = await job.act(self._asker(seat, listener, spent), opened.output_tokens)
        except asyncio.CancelledError as error:
            await asyncio.shield(self._cut(seat, opened, listener, spent, error))
            raise
        except (ProviderError, TurnFailed) as error:
            await self._fail(opened, listener, spent, error)
            raise TurnFailed(error.code, error.provider) from error
        await listener.settled()
        turn = await self._commit(job, opened, listener, spent, result)
        listener.show("finished", score=turn.score)
        return turn

    async def _open(self, job: TurnJob) -> _Opened:
        """Hold what the turn may cost and begin an attempt, in one transaction."""
        session, seat, identity = job.session, job.seat, job.turn_id
        now = self._clock.now()

        def work(tx: Transaction) -> _Opened:
            tx.credits.lock_account(session.workspace_id)
            hold_id, mine = _hold_of(tx, identity)
            output_tokens = self._fit_budget(tx, job, mine, now)
            earlier = tx.sessions.list_turn_attempts(identity)
            for item in earlier:
                if item.state is AttemptState.RUNNING:
                    tx.sessions.save_attempt(replace(item, state=AttemptState.INTERRUPTED))
            attempt = TurnAttempt(
                turn_id=identity,
                session_id=session.id,
                number=len(earlier) + 1,
                state=AttemptState.RUNNING,
                started_at=now,
            )
            tx.sessions.save_attempt(attempt)
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
            return _Opened(hold_id, output_tokens, attempt)

        try:
            return await self._store.write(work)
        except InsufficientCredits as error:
            raise BalanceEmpty from error

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

    def _asker(self, seat: Seat, listener: TurnListener, spent: _Spent) -> Ask:
        async def ask(request: Request) -> Reply:
            reply = await self._complete(seat, request, listener, spent)
            if reply.stop is StopReason.TRUNCATED:
                longer = min(2 * request.max_output_tokens, seat.spec.max_output_tokens)
                if longer > request.max_output_tokens:
                    listener.restarted("reply_truncated")
                    reply = await seat.model.complete(replace(request, max_output_tokens=longer), listener)
                    spent.add(reply)
            failure = {
                StopReason.TRUNCATED: "reply_truncated",
                StopReason.REFUSED: "model_refused",
                StopReason.CONTEXT_FULL: "provider_context_too_long",
                StopReason.INCOMPLETE: "provider_incomplete",
            }.get(reply.stop)
            if failure is not None:
                raise TurnFailed(failure, reply.provider)
            return reply

        return ask

    async def _complete(self, seat: Seat, request: Request, listener: TurnListener, spent: _Spent) -> Reply:
        """Return the reply to *request*, or to a shorter one where the provider finds it too long."""
        try:
            reply = await seat.model.complete(request, listener)
        except ContextTooLong:
            smaller = shrink(request)
            if smaller is None:
                raise
        else:
            spent.add(reply)
            smaller = shrink(request) if reply.stop is StopReason.CONTEXT_FULL else None
            if smaller is None:
                return reply
        request, said = smaller
        listener.restarted("provider_context_too_long")
        spent.notices += said
        reply = await seat.model.complete(request, listener)
        spent.add(reply)
        return reply

    def _price(self, seat: Seat, spent: _Spent, at: datetime) -> tuple[int, int]:
        """Return charge in micro-credits and list cost in micro-dollars of everything that was used."""
        specs = {spec.id: spec for spec in seat.chain}
        charge = cost = 0
        for model, usage in spent.usage.items():
            spec = specs.get(model, seat.spec)
            charge += self._tariff.charge_microcredits(spec, usage, at=at)
            cost += self._tariff.cost_microdollars(spec, usage, at=at)
        return charge, cost

    async def _commit(
        self, job: TurnJob, opened: _Opened, listener: TurnListener, spent: _Spent, result: TurnResult
    ) -> Turn:
        """Write the turn, what it means and its charge, all or nothing."""
        session, seat, attempt, identity = job.session, job.seat, opened.attempt, job.turn_id
        now = self._clock.now()
        charge, cost = self._price(seat, spent, now)
        fallbacks = tuple(
            f"{to_model} answered because {model} could not." for model, to_model, _ in listener.fallbacks
        )

        def work(tx: Transaction) -> Turn:
            existing = tx.sessions.find_turn(identity)
            if existing is not None:
                return existing
            tx.sessions.lock(session.id)
            charged = self._settle(tx, opened.hold_id, charge)
            turn = Turn(
                id=identity,
                session_id=session.id,
                round=job.round_number,
                role_key=seat.role.key,
                phase=seat.role.phase,
                model=spent.model,
                provider=spent.provider,
                text=result.text,
                usage=spent.total,
                charged_microcredits=charged,
                cost_microdollars=cost,
                price_version=self._price_version,
                started_at=attempt.started_at,
                finished_at=now,
                score=result.score,
                tier=result.tier,
                criteria=result.criteria,
                self_assessment=result.self_assessment,
                summary=result.summary,
                attempts=attempt.number,
                notices=(*fallbacks, *spent.notices, *result.notices),
            )
            tx.sessions.add_turn(turn)
            tx.sessions.save_attempt(replace(attempt, state=AttemptState.COMPLETE))
            result.record(tx, turn)
            return turn

        turn = await self._store.write(work)
        _log.info("turn_finished", session=session.id, turn=identity, model=turn.model, attempts=attempt.number)
        return turn

    def _settle(self, tx: Transaction, hold_id: str, charge: int) -> int:
        """Charge at most what was held, so that a cap is a cap: an estimate that was too low is the operator's loss."""
        if tx.credits.find_hold(hold_id) is None:
            return 0
        settlement = self._ledger.settle(
            tx.credits, hold_id=hold_id, amount_microcredits=charge, actor="session", at_most_held=True
        )
        return settlement.charged_microcredits

    async def _cut(
        self, seat: Seat, opened: _Opened, listener: TurnListener, spent: _Spent, error: asyncio.CancelledError
    ) -> None:
        """Settle what a turn used that people stopped, and keep its text beside the turns.

        When nobody asked to stop, the worker is going down: the turn will be taken again, so it costs nothing now.
        """
        await listener.settled()
        partial = error.__cause__ if isinstance(error.__cause__, PartialReply) else None
        if partial is not None:
            answering = partial.model or seat.spec.id
            spent.usage[answering] = spent.usage.get(answering, Usage()) + partial.usage
        charge, _ = self._price(seat, spent, self._clock.now())
        text = partial.text if partial is not None else listener.partial

        def work(tx: Transaction) -> None:
            session = tx.sessions.find(opened.attempt.session_id)
            stopped = session is None or session.desired is Desired.STOP
            if stopped:
                self._settle(tx, opened.hold_id, charge)
            else:
                self._ledger.release(tx.credits, hold_id=opened.hold_id)
            tx.sessions.save_attempt(
                replace(
                    opened.attempt,
                    state=AttemptState.INTERRUPTED,
                    text=text,
                    error_code="stopped" if stopped else "worker_gone",
                    usage=spent.total,
                )
            )

        await self._store.write(work)

    async def _fail(
        self, opened: _Opened, listener: TurnListener, spent: _Spent, error: ProviderError | TurnFailed
    ) -> None:
        """Give back what was held: a turn that failed costs the workspace nothing."""
        await listener.settled()
        wasted = spent.total + error.usage if isinstance(error, ProviderError) else spent.total

        def work(tx: Transaction) -> None:
            self._ledger.release(tx.credits, hold_id=opened.hold_id)
            tx.sessions.save_attempt(
                replace(
                    opened.attempt,
                    state=AttemptState.FAILED,
                    text=listener.partial,
                    error_code=error.code,
                    usage=wasted,
                )
            )

        await self._store.write(work)
        listener.show("failed")
        _log.warning("turn_failed", session=opened.attempt.session_id, turn=opened.attempt.turn_id, code=error.code)

    async def _save_attempt(self, attempt: TurnAttempt) -> None:
        await self._store.write(lambda tx: tx.sessions.save_attempt(attempt))
