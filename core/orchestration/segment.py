"""One segment of a session: rounds until it ends or parks. Each call of `SegmentRunner.step` is one durable step.

A step may run again after a crash: it reads what was recorded and does only what is missing.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Literal, TypedDict

import structlog

from core.casts.model import Phase, Role
from core.clock import Clock
from core.errors import UserFacingError
from core.orchestration.acting import Acting
from core.orchestration.errors import BalanceEmpty, CapReached, TurnFailed, TurnSuperseded
from core.orchestration.finish import Finisher
from core.orchestration.jobs import Seat, TurnJob
from core.orchestration.plan import Act, End, Park, next_step
from core.orchestration.ports import ChatPort, PostKind
from core.orchestration.posting import PARKED, Poster, freshen, freshen_waits, intend
from core.orchestration.room import Room, read_plan_state, read_room
from core.orchestration.turns import TurnRunner
from core.sessions.casting import Casting
from core.sessions.errors import SessionNotFound
from core.sessions.machine import move
from core.sessions.model import Desired, EndReason, ParkReason, Round, Session, Status, Turn
from core.sessions.ports import Store, Transaction
from core.workspaces.model import Verbosity

_log = structlog.get_logger(__name__)
_LEAD_SECONDS = 4.0
_BALANCE_DAYS = 7


class StepOutcome(TypedDict):
    """What a step tells the workflow: JSON only, because the engine stores it."""

    next: Literal["continue", "parked", "ended", "superseded"]
    reason: str


class SegmentRunner:
    """Runs segments."""

    def __init__(
        self,
        *,
        store: Store,
        casting: Casting,
        turns: TurnRunner,
        acting: Acting,
        finisher: Finisher,
        poster: Poster,
        clock: Clock,
    ) -> None:
        self._store = store
        self._casting = casting
        self._turns = turns
        self._acting = acting
        self._finisher = finisher
        self._poster = poster
        self._clock = clock

    async def step(self, session_id: str, segment: int) -> StepOutcome:
        """Run one round, or the end, and say what follows.

        Raises:
            asyncio.CancelledError: If people stopped the session; the next segment closes it.
        """
        try:
            room = await self._take_up(session_id, segment)
        except SessionNotFound:
            return StepOutcome(next="superseded", reason="deleted")
        if room is None:
            await self._poster.flush(session_id)
            return StepOutcome(next="superseded", reason="moved on")
        try:
            return await self._round(room, segment)
        except (SessionNotFound, TurnSuperseded) as error:
            gone = isinstance(error, SessionNotFound)
            return StepOutcome(next="superseded", reason="deleted" if gone else "ended")
        except UserFacingError as error:
            _log.warning("session_failed", session=session_id, code=error.code)
            return await self._finish(session_id, EndReason.FAILED, error.code)
        except Exception:  # noqa: BLE001
            # The outermost loop of a worker: a fault of ours must end in a session that says so, not in one that hangs.
            _log.exception("session_failed", session=session_id)
            return await self._finish(session_id, EndReason.FAILED, "internal")

    async def _take_up(self, session_id: str, segment: int) -> Room | None:
        """Return the room, its session running, or None if the session moved on."""
        room = await self._look(session_id)
        if room.session.status is Status.QUEUED and room.session.segment == segment:
            fresh = await self._store.write(lambda tx: self._begin(tx, session_id, segment))
            await self._poster.flush(session_id, fresh=fresh)
            room = await self._look(session_id)
        parked = {Status.DRAFT, Status.QUEUED, Status.PAUSED, Status.WAITING}
        if room.session.segment != segment or room.session.status in parked or room.is_closed:
            return None
        return room

    async def _look(self, session_id: str) -> Room:
        return await self._store.read(lambda tx: read_room(tx, session_id))

    async def _goes_on(self, session_id: str, number: int) -> bool:
        """Return whether another round follows round *number*; a look at little, where most rounds end."""
        step = next_step(await self._store.read(lambda tx: read_plan_state(tx, session_id)))
        return isinstance(step, Act) and step.round != number

    def _begin(self, tx: Transaction, session_id: str, segment: int) -> frozenset[str]:
        """Take the session up, unless it moved on; return the keys of posts that were meant just now."""
        session = tx.sessions.lock(session_id)
        if session is None:
            raise SessionNotFound(session_id)
        if session.segment != segment or session.status is not Status.QUEUED:
            return frozenset()
        now = self._clock.now()
        session = move(session, Status.RUNNING, started_at=session.started_at or now, park_reason=None, failure_code="")
        tx.sessions.save(session)
        first = tx.outbox.find(key := intend(tx, session, PostKind.SESSION_CARD, now=now))
        freshen(tx, session_id, [PostKind.SESSION_CARD])
        freshen_waits(tx, session_id)
        return frozenset({key}) if first is not None and first.created_at == now else frozenset()

    async def _round(self, room: Room, segment: int) -> StepOutcome:
        """Run phases until the round is complete, and the end if that was the last one."""
        session_id = room.session.id
        started = self._clock.monotonic()
        current: int | None = None
        while True:
            if room.session.segment != segment:
                return StepOutcome(next="superseded", reason="moved on")
            step = next_step(room.plan_state())
            if isinstance(step, Park):
                return await self._park(session_id, step.reason, "")
            if isinstance(step, End):
                return await self._finish(session_id, step.reason, "")
            if current is not None and step.round != current:
                return StepOutcome(next="continue", reason="")
            if current is None and room.has_open_posts and room.find_round(step.round) is not None:
                await self._poster.flush(session_id)  # what a process that died in the middle of the round had meant
            current = step.round
            outcome = await self._phase(room, step)
            if outcome is not None or step.phase is Phase.SYNTHESIZER:
                now = self._clock.monotonic()
                await self._worked(session_id, now - started)
                started = now
            if outcome is not None:
                return outcome
            if step.phase is Phase.SYNTHESIZER and await self._goes_on(session_id, current):
                return StepOutcome(next="continue", reason="")
            room = await self._look(session_id)

    async def _phase(self, room: Room, step: Act) -> StepOutcome | None:
        """Let the roles of one phase act; return what follows when they could not, None when they did."""
        session = room.session
        if room.find_round(step.round) is None:
            room = await self._open_round(room, step.round)
        roles = [session.cast.role(key) for key in step.roles]
        try:
            seats = [self._seat(room, role) for role in roles]
            jobs = [self._acting.job(room, step.round, seat, chat=self._chat(session)) for seat in seats]
        except (UserFacingError, TurnFailed) as error:
            return await self._park(session.id, ParkReason.PROVIDER, error.code)
        results = await self._act_together(jobs)
        fresh = self._fresh(results, session.verbosity)
        if fresh:
            # What else is to be edited waits for the next card, or the end: a moment away.
            await self._poster.flush(session.id, fresh=fresh)
        failures = [result for result in results if isinstance(result, BaseException)]
        if len(failures) < len(results) and all(isinstance(item, CapReached | BalanceEmpty) for item in failures):
            # What the others held is settled now and may pay for those that found nothing left: look again.
            return None
        return await self._after(session.id, failures)

    def _seat(self, room: Room, role: Role) -> Seat:
        session = room.session
        model, chain = self._casting.find(role, model=session.model, providers=session.providers, tier=room.tier)
        return Seat(role, model, chain)

    async def _after(self, session_id: str, failures: list[BaseException]) -> StepOutcome | None:
        """Return what follows from the turns that failed; what is no expected failure is raised."""
        for failure in failures:
            if not isinstance(failure, CapReached | BalanceEmpty | TurnFailed):
                raise failure
        for failure in failures:
            if isinstance(failure, CapReached):
                return await self._finish(session_id, EndReason.CREDITS, "")
        for failure in failures:
            if isinstance(failure, BalanceEmpty):
                return await self._park(session_id, ParkReason.BALANCE, "credits_insufficient")
        for failure in failures:
            if isinstance(failure, TurnFailed):
                return await self._park(session_id, ParkReason.PROVIDER, failure.code)
        return None

    def _fresh(self, results: list[Turn | BaseException], verbosity: Verbosity) -> frozenset[str]:
        """Return the keys of the posts that these turns meant a moment ago, so that none is looked up."""
        return frozenset(
            key for result in results if isinstance(result, Turn) for key in self._acting.posts_of(result, verbosity)
        )

    async def _act_together(self, jobs: list[TurnJob]) -> list[Turn | BaseException]:
        """Take turns at once and return a turn or an error for each.

        Where cache writes cost extra, the first editor starts ahead until its first token, so that the others read
        the prefix that it wrote.
        """
        leads = len(jobs) > 1 and self._acting.should_lead(jobs[0])
        if not leads:
            return list(await asyncio.gather(*(self._turns.take(job) for job in jobs), return_exceptions=True))
        heard = asyncio.Event()
        lead = asyncio.ensure_future(self._turns.take(replace(jobs[0], on_first_text=heard.set)))
        lead.add_done_callback(lambda _: heard.set())
        try:
            await asyncio.wait_for(heard.wait(), _LEAD_SECONDS)
        except TimeoutError:
            _log.debug("lead_slow", session=jobs[0].session.id)
        except asyncio.CancelledError:
            lead.cancel()
            await asyncio.wait([lead])
            raise
        return list(await asyncio.gather(lead, *(self._turns.take(job) for job in jobs[1:]), return_exceptions=True))

    def _chat(self, session: Session) -> ChatPort | None:
        return self._poster.chat(session.thread.platform)

    async def _open_round(self, room: Room, number: int) -> Room:
        """Record that a round began and show its card; return the room that knows it."""
        now = self._clock.now()
        session = room.session

        def work(tx: Transaction) -> str:
            tx.sessions.guard(session.id)
            tx.sessions.save_round(Round(session.id, number, started_at=now))
            freshen(tx, session.id, [PostKind.SESSION_CARD])
            if session.verbosity is Verbosity.QUIET:
                return ""
            return intend(tx, session, PostKind.ROUND_CARD, now=now, round_number=number)

        key = await self._store.write(work)
        posted = await self._poster.flush(session.id, fresh=frozenset({key}))
        card = await self._store.read(lambda tx: tx.outbox.find(key)) if posted and key else None
        begun = Round(session.id, number, started_at=now)
        cards = {**room.cards, number: card.post_id if card is not None else ""}
        return replace(room, rounds=(*room.rounds, begun), cards=cards)

    async def _worked(self, session_id: str, seconds: float) -> None:
        """Add to the session's working time."""

        def work(tx: Transaction) -> None:
            session = tx.sessions.lock(session_id)
            if session is not None:
                tx.sessions.save(replace(session, working_seconds=session.working_seconds + seconds))

        await self._store.write(work)

    async def _park(self, session_id: str, reason: ParkReason, code: str) -> StepOutcome:
        """Let go of the worker; resuming starts the next segment."""
        now = self._clock.now()
        # Somebody may find the money gone before the best version was ever seen: it is exported now.
        files = await self._finisher.export(session_id) if reason is ParkReason.BALANCE else ()

        def work(tx: Transaction) -> frozenset[str] | None:
            session = tx.sessions.lock(session_id)
            if session is None:
                raise SessionNotFound(session_id)
            if reason is ParkReason.PAUSED and session.desired is Desired.RUN:
                return None
            if session.desired is Desired.STOP or session.status not in {Status.RUNNING, Status.PAUSING}:
                return frozenset()
            for file in files:
                tx.sessions.add_file(file)
            paused = reason is ParkReason.PAUSED
            session = move(
                session,
                Status.PAUSED if paused else Status.WAITING,
                park_reason=reason,
                failure_code=code,
                wake_at=now + timedelta(days=_BALANCE_DAYS) if reason is ParkReason.BALANCE else None,
            )
            tx.sessions.save(session)
            freshen(tx, session_id, [PostKind.SESSION_CARD])
            if paused:
                return frozenset()
            name = f"{PARKED}{session.segment}"
            facts = {"reason": reason.value, "failure": code, "segment": str(session.segment)}
            key = intend(
                tx,
                session,
                PostKind.NOTICE,
                now=now,
                name=name,
                code=PARKED,
                facts=facts,
                mention=True,
                file_ids=[file.id for file in files],
            )
            return frozenset({key})

        fresh = await self._store.write(work)
        if fresh is None:
            # Somebody resumed between the look and the lock: parking now would lose that.
            return StepOutcome(next="continue", reason="resumed")
        await self._poster.flush(session_id, fresh=fresh)
        _log.info("session_parked", session=session_id, reason=reason.value, code=code)
        return StepOutcome(next="parked", reason=reason.value)

    async def _finish(self, session_id: str, reason: EndReason, code: str) -> StepOutcome:
        fresh = await self._finisher.finish(session_id, reason, code)
        await self._poster.flush(session_id, fresh=fresh)
        _log.info("session_ended", session=session_id, reason=reason.value, code=code)
        return StepOutcome(next="ended", reason=reason.value)
