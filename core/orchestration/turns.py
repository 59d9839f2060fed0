"""One turn: hold credits, stream the model, then write turn, notes, version and charge in one transaction.

Everything that must be true together is written together; no transaction is open while a model answers. A turn whose
row exists is complete and is never taken again.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

import structlog

from core.agents.context import shrink
from core.clock import Clock
from core.credits.errors import HoldClosed, InsufficientCredits
from core.credits.service import Ledger
from core.credits.tariff import Tariff
from core.orchestration.budget import Budget, Spent
from core.orchestration.errors import BalanceEmpty, TurnFailed, TurnSuperseded
from core.orchestration.jobs import Ask, Seat, TurnJob, TurnResult
from core.orchestration.listening import TurnListener, stand_in_notices
from core.orchestration.ports import Progress
from core.orchestration.posting import is_closed
from core.providers.base import Reply, Request, StopReason, Usage
from core.providers.errors import ContextTooLong, PartialReply, ProviderError
from core.sessions.model import AttemptState, Desired, Turn, TurnAttempt
from core.sessions.ports import Store, Transaction

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A turn that may be taken: what pays for it, how much it may answer, and which try it is."""

    workspace_id: str
    hold_id: str
    output_tokens: int
    attempt: TurnAttempt


class TurnRunner:
    """Takes turns."""

    def __init__(self, *, store: Store, ledger: Ledger, tariff: Tariff, clock: Clock, price_version: str) -> None:
        self._store = store
        self._budget = Budget(ledger=ledger, tariff=tariff)
        self._clock = clock
        self._price_version = price_version

    async def take(self, job: TurnJob) -> Turn:
        """Take one turn and return it, committed.

        Raises:
            CapReached, BalanceEmpty: If what must be held is not there.
            TurnFailed: If no model could answer.
            TurnSuperseded: If the session ended before the turn was written.
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
        spent = Spent()
        try:
            result = await job.act(self._asker(seat, listener, spent), opened.output_tokens)
        except asyncio.CancelledError as error:
            await asyncio.shield(self._cut(seat, opened, listener, spent, error))
            raise
        except (ProviderError, TurnFailed) as error:
            await self._fail(opened, listener, spent, error)
            raise TurnFailed(error.code, error.provider) from error
        await listener.settled()
        turn = await _whatever_happens(self._commit(job, opened, listener, spent, result))
        listener.show("finished", score=turn.score)
        return turn

    async def _open(self, job: TurnJob) -> _Opened:
        """Hold what the turn may cost and begin an attempt, in one transaction."""
        session, identity = job.session, job.turn_id
        now = self._clock.now()

        def work(tx: Transaction) -> _Opened:
            hold_id, output_tokens = self._budget.open(tx, job, now)
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
            return _Opened(session.workspace_id, hold_id, output_tokens, attempt)

        try:
            return await self._store.write(work)
        except InsufficientCredits as error:
            raise BalanceEmpty from error

    def _asker(self, seat: Seat, listener: TurnListener, spent: Spent) -> Ask:
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

    async def _complete(self, seat: Seat, request: Request, listener: TurnListener, spent: Spent) -> Reply:
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

    async def _commit(
        self, job: TurnJob, opened: _Opened, listener: TurnListener, spent: Spent, result: TurnResult
    ) -> Turn:
        """Write the turn, what it means and its charge, all or nothing."""
        session, seat, attempt, identity = job.session, job.seat, opened.attempt, job.turn_id
        now = self._clock.now()
        charge, cost = self._budget.price(seat, spent, now)

        def work(tx: Transaction) -> Turn:
            existing = tx.sessions.find_turn(identity)
            if existing is not None:
                return existing
            tx.sessions.guard(session.id)
            charged = self._budget.settle(tx, opened.workspace_id, opened.hold_id, charge)
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
                notices=(*stand_in_notices(listener.fallbacks), *spent.notices, *result.notices),
            )
            tx.sessions.add_turn(turn)
            tx.sessions.save_attempt(replace(attempt, state=AttemptState.COMPLETE))
            result.record(tx, turn)
            return turn

        try:
            turn = await self._store.write(work)
        except HoldClosed as error:
            if await self._store.read(lambda tx: _is_over(tx, session.id)):
                raise TurnSuperseded(identity) from error
            raise
        _log.info("turn_finished", session=session.id, turn=identity, model=turn.model, attempts=attempt.number)
        return turn

    async def _cut(
        self, seat: Seat, opened: _Opened, listener: TurnListener, spent: Spent, error: asyncio.CancelledError
    ) -> None:
        """Settle what a turn used that people stopped, and keep its text beside the turns.

        When nobody asked to stop, the worker is going down: the turn will be taken again, so it costs nothing now.
        """
        await listener.settled()
        partial = error.__cause__ if isinstance(error.__cause__, PartialReply) else None
        if partial is not None:
            answering = partial.model or seat.spec.id
            spent.usage[answering] = spent.usage.get(answering, Usage()) + partial.usage
        charge, _ = self._budget.price(seat, spent, self._clock.now())
        text = partial.text if partial is not None else listener.partial

        def work(tx: Transaction) -> None:
            session = tx.sessions.find(opened.attempt.session_id)
            stopped = session is None or session.desired is Desired.STOP
            gave_back = session is not None and is_closed(tx, session)  # the end waited in vain for this
            if stopped and not gave_back:
                self._budget.settle(tx, opened.workspace_id, opened.hold_id, charge)
            elif not gave_back:
                self._budget.release(tx, opened.hold_id)
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
        self, opened: _Opened, listener: TurnListener, spent: Spent, error: ProviderError | TurnFailed
    ) -> None:
        """Give back what was held: a turn that failed costs the workspace nothing."""
        await listener.settled()
        wasted = spent.total + error.usage if isinstance(error, ProviderError) else spent.total

        def work(tx: Transaction) -> None:
            self._budget.release(tx, opened.hold_id)
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


async def _whatever_happens(commit: Coroutine[Any, Any, Turn]) -> Turn:
    """Return the turn that *commit* writes; who is cancelled meanwhile leaves once it is written.

    The reply is whole and used: to drop it in the last moment would waste what it cost.
    """
    writing = asyncio.ensure_future(commit)
    try:
        return await asyncio.shield(writing)
    except asyncio.CancelledError:
        await asyncio.wait([writing])
        if not writing.cancelled() and (error := writing.exception()) is not None:
            _log.warning("turn_lost_at_its_end", error=type(error).__name__)
        raise


def _is_over(tx: Transaction, session_id: str) -> bool:
    session = tx.sessions.find(session_id)
    return session is None or is_closed(tx, session)
