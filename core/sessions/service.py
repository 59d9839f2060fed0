"""What people can do with sessions. Every verb is one transaction; the engine is asked after it is committed.

If a process dies in between, `SessionService.sweep` asks the engine again: the row says what is wanted.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from core.clock import Clock
from core.credits.tariff import Tariff
from core.credits.tiers import PriceList
from core.sessions.admission import Admission
from core.sessions.errors import BadRequest, NotPossibleNow, SessionNotFound, TextsForgotten
from core.sessions.forgetting import forget_texts
from core.sessions.guidance import GONE, continuing_id, find_guidance, tell_guidance
from core.sessions.intake import Intake, next_round
from core.sessions.machine import IllegalMove, move, requeued
from core.sessions.model import (
    ENDED,
    LIVE,
    Desired,
    EndReason,
    Guidance,
    ParkReason,
    Session,
    Status,
)
from core.sessions.ports import AuditEntry, Engine, Store, Transaction
from core.sessions.projects import check_open
from core.sessions.requests import NewSession
from core.sessions.sweeper import Sweeper

_log = structlog.get_logger(__name__)
_TITLE_CHARACTERS = 80
_GUIDANCE_CHARACTERS = 4_000
_NEEDS_TEXTS = frozenset({"stop", "retry", "one_more_round", "continue"})


class SessionService:
    """The verbs."""

    def __init__(
        self,
        *,
        store: Store,
        intake: Intake,
        prices: PriceList,
        tariff: Tariff,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._store = store
        self._intake = intake
        self._admission = Admission(intake=intake, prices=prices, tariff=tariff, clock=clock)
        self._sweeper = Sweeper(store=store, admission=self._admission, engine=engine, clock=clock)
        self._engine = engine
        self._clock = clock

    async def create(self, new: NewSession) -> Session:
        """Read the files, price the work and return a draft; nothing is held or started.

        A request that names the session it makes may be repeated: it gives the session that is there.

        Raises:
            BadRequest: If the request cannot be met.
            UnreadableFile: If a file cannot be read.
            UnknownModel, ProviderNotConfigured, ModelNotAllowed: If the model cannot be asked.
            NotEntitled: If the workspace's tier does not allow it.
            NameUnknown: If the project is not one of the workspace's, or was archived.
        """
        existing = await self._store.read(lambda tx: tx.sessions.find(new.session_id)) if new.session_id else None
        if existing is not None:
            return existing
        prepared = await self._intake.prepare(new)

        def work(tx: Transaction) -> None:
            if new.project_id:
                check_open(tx, new.workspace_id, new.project_id)
            prepared.record(tx)
            self._audit(tx, prepared.session, new.member_id, "session_created")

        await self._store.write(work)
        _log.info("session_created", session=prepared.session.id, workspace=new.workspace_id)
        return prepared.session

    async def start(self, session_id: str, *, actor: str, key: str = "") -> Session:
        """Start a draft.

        Args:
            session_id: Which one.
            actor: Who wants it.
            key: Names the request, so that a repeat of it does nothing more; empty for a request that cannot come twice.

        Raises:
            SessionNotFound: If there is none.
            NotPossibleNow: If it was started before.
            NotEntitled: If too many sessions run, or the month's are used up.
            AllowanceReached: If its member, or its workspace, may not spend that much this month.
            InsufficientCredits: If the workspace cannot pay for even the low end of the quote.
        """

        def change(tx: Transaction, session: Session) -> Session:
            _expect("start", session, {Status.DRAFT})
            self._admission.check(tx, session, starts=True)
            return move(session, Status.QUEUED, desired=Desired.RUN)

        session = await self._change(session_id, actor, "session_started", change, key=key)
        await self._engine.enqueue(session.id, session.segment)
        return session

    async def pause(
        self, session_id: str, *, actor: str, also: Callable[[Transaction], object] | None = None
    ) -> Session:
        """Let turns in flight finish and start nothing new; *also* is done with it, by the one call that changes something.

        Raises:
            SessionNotFound, NotPossibleNow: As it is.
        """

        def change(tx: Transaction, session: Session) -> Session:
            _expect_not_stopping("pause", session)
            if session.status in {Status.PAUSING, Status.PAUSED}:
                return session
            _expect("pause", session, {Status.QUEUED, Status.RUNNING, Status.WAITING})
            if also is not None:
                also(tx)
            if session.status is Status.RUNNING:
                return move(session, Status.PAUSING, desired=Desired.PAUSE)
            return move(session, Status.PAUSED, desired=Desired.PAUSE, park_reason=ParkReason.PAUSED, wake_at=None)

        return await self._change(session_id, actor, "session_paused", change)

    async def resume(self, session_id: str, *, actor: str) -> Session:
        """Go on with what was recorded; raises as `start`."""

        def change(tx: Transaction, session: Session) -> Session:
            _expect_not_stopping("resume", session)
            if session.status in {Status.QUEUED, Status.RUNNING}:
                return session
            if session.status is Status.PAUSING:
                return move(session, Status.RUNNING, desired=Desired.RUN)
            _expect("resume", session, {Status.PAUSED, Status.WAITING})
            self._admission.check(tx, session, starts=False)
            return requeued(session)

        session = await self._change(session_id, actor, "session_resumed", change)
        await self._engine.enqueue(session.id, session.segment)
        return session

    async def stop(self, session_id: str, *, actor: str) -> Session:
        """Cut what is running, settle what was used and keep the best version; a repeat is harmless.

        Raises:
            SessionNotFound: If there is none.
            NotPossibleNow: If it has ended by itself.
        """
        cut: list[int] = []

        def change(_: Transaction, session: Session) -> Session:
            cut.clear()
            if session.status is Status.STOPPED or (session.desired is Desired.STOP and session.status in LIVE):
                return session
            _expect("stop", session, {Status.DRAFT, *LIVE, Status.FAILED})
            stopping = replace(session, desired=Desired.STOP, segment=session.segment + 1)
            if session.status in {Status.RUNNING, Status.PAUSING}:
                cut.append(session.segment)
                return stopping
            return move(
                stopping, Status.STOPPED, end_reason=EndReason.STOPPED, ended_at=self._clock.now(), wake_at=None
            )

        session = await self._change(session_id, actor, "session_stopped", change)
        for segment in cut:
            await self._engine.cancel(session.id, segment)
        await self._engine.enqueue(session.id, session.segment)
        return session

    async def retry(self, session_id: str, *, actor: str, key: str = "") -> Session:
        """Try a failed session again from where it failed; raises, and is repeated, as `start`."""

        def change(tx: Transaction, session: Session) -> Session:
            _expect("retry", session, {Status.FAILED})
            self._admission.check(tx, session, starts=False)
            return requeued(session)

        session = await self._change(session_id, actor, "session_retried", change, key=key)
        await self._engine.enqueue(session.id, session.segment)
        return session

    async def one_more_round(self, session_id: str, *, actor: str, key: str = "") -> Session:
        """Run one more round than there was, whatever the scores say; raises, and is repeated, as `start`."""
        return await self._extend(session_id, actor, "one_more_round", "", key)

    async def continue_(self, session_id: str, *, actor: str, guidance: str = "", key: str = "") -> Session:
        """Go on with an ended session, with what somebody said about its result; see `start`."""
        return await self._extend(session_id, actor, "continue", guidance, key)

    async def _extend(self, session_id: str, actor: str, verb: str, guidance: str, key: str) -> Session:
        def change(tx: Transaction, session: Session) -> Session:
            _expect(verb, session, {Status.COMPLETED, Status.STOPPED, Status.FAILED})
            if session.notes_only:
                raise NotPossibleNow(verb, session.status)
            wanted = next_round(tx, session)
            price = self._intake.price_round(tx, session, wanted).high_microcredits
            captured, _ = tx.credits.session_totals(session.id)
            # one round, as its price said: of those that were planned at first some may be left
            stop = replace(session.cast.stop, max_rounds=wanted)
            extended = replace(
                session,
                cast=replace(session.cast, stop=stop),
                min_rounds=wanted,
                cap_microcredits=max(session.cap_microcredits, captured + price),
            )
            self._admission.check(tx, extended, starts=False)
            if guidance.strip():
                identity = continuing_id(session.segment + 1)
                tx.sessions.save_guidance(self._guidance(session, identity, actor, guidance))
            return requeued(extended)

        session = await self._change(session_id, actor, f"session_{verb}", change, key=key)
        await self._engine.enqueue(session.id, session.segment)
        return session

    async def guide(
        self,
        session_id: str,
        *,
        member_id: str,
        message_id: str,
        text: str,
        revision: str = "",
        is_heard: bool = True,
    ) -> Guidance:
        """Take what a person says for the next turn, or says anew; return what the message counts as now.

        A repeat is harmless, and an edit may come before its message; see `core.sessions.guidance`.

        Args:
            session_id: Which session.
            member_id: Who says it.
            message_id: The platform's id of the message.
            text: Its words; empty for a message that is only remembered as one that is not for the room.
            revision: Of an edit, what orders it among the edits of the message; later ones sort higher.
            is_heard: False for an edit: it alone makes nobody's message count.

        Raises:
            SessionNotFound: If there is none.
            NotPossibleNow: If it has ended.
        """

        def work(tx: Transaction) -> Guidance:
            session = _lock(tx, session_id)
            _expect("guide", session, {Status.DRAFT, *LIVE})
            told = self._guidance(session, message_id, member_id, text)
            return tell_guidance(tx, replace(told, revision=revision, is_heard=is_heard))

        return await self._store.write(work)

    async def mute(self, session_id: str, *, message_id: str) -> bool:
        """Take a message out of the guidance for good; return whether it was part of it."""

        def work(tx: Transaction) -> bool:
            _lock(tx, session_id)
            known = find_guidance(tx, session_id, message_id)
            if known is not None and not known.muted:
                tell_guidance(tx, replace(known, revision=GONE))
                return True
            return False

        return await self._store.write(work)

    async def retract(self, session_id: str, *, message_id: str, member_id: str) -> bool:
        """Forget the words of a message that was deleted, also of one that comes later; return whether it counted.

        Args:
            session_id: Which session.
            message_id: The platform's id of the message.
            member_id: Whose it was, as far as the platform tells.
        """

        def work(tx: Transaction) -> bool:
            session = _lock(tx, session_id)
            told = replace(self._guidance(session, message_id, member_id, ""), revision=GONE, is_heard=False)
            known = find_guidance(tx, session_id, message_id)
            if known is not None or session.status in LIVE:  # after the end nothing that comes is taken
                tell_guidance(tx, told)
            return known is not None and not known.muted

        return await self._store.write(work)

    async def rename(self, session_id: str, title: str, *, actor: str) -> Session:
        """Give the session another title, 1 to 80 characters; raises `BadRequest`."""
        cleaned = " ".join(title.split())
        if not cleaned or len(cleaned) > _TITLE_CHARACTERS:
            raise BadRequest("title", f"A title has 1 to {_TITLE_CHARACTERS} characters.")
        return await self._change(session_id, actor, "session_renamed", lambda _, item: replace(item, title=cleaned))

    async def star(self, session_id: str, *, starred: bool, actor: str) -> Session:
        """Mark or unmark the session as a favourite."""
        return await self._change(session_id, actor, "session_starred", lambda _, item: replace(item, starred=starred))

    async def delete(self, session_id: str, *, actor: str) -> None:
        """Delete the session, its texts and its files; the ledger stays.

        Raises:
            SessionNotFound: If there is none.
            NotPossibleNow: If it still runs or waits: stop it first.
        """

        def work(tx: Transaction) -> tuple[str, ...]:
            session = _lock(tx, session_id)
            _expect("delete", session, {Status.DRAFT, *ENDED})
            keys = tuple(file.storage_key for file in tx.sessions.list_files(session_id))
            self._audit(tx, session, actor, "session_deleted")
            tx.sessions.delete(session_id)
            return keys

        await self._intake.forget(await self._store.write(work))

    async def forget_texts(self, session_id: str, *, actor: str) -> None:
        """Remove what was written in an ended session and keep what was paid; see `core.sessions.forgetting`.

        A repeat is harmless, also where a process died before the files were gone: a file without a row is an orphan.

        Raises:
            SessionNotFound: If there is none.
            NotPossibleNow: If it is not over.
        """

        def work(tx: Transaction) -> Sequence[str]:
            session = _lock(tx, session_id)
            _expect("forget", session, set(ENDED))
            if session.forgotten_at is None:
                self._audit(tx, session, actor, "session_forgotten")
            return forget_texts(tx, session, at=self._clock.now())

        await self._intake.forget(await self._store.write(work))

    async def get(self, session_id: str) -> Session:
        """Return the session; raises `SessionNotFound`."""
        session = await self._store.read(lambda tx: tx.sessions.find(session_id))
        if session is None:
            raise SessionNotFound(session_id)
        return session

    async def list_sessions(
        self,
        *,
        workspace_id: str | None = None,
        member_id: str | None = None,
        project_id: str | None = None,
        statuses: Sequence[Status] = (),
        limit: int = 50,
        before: datetime | None = None,
    ) -> Sequence[Session]:
        """Return sessions, newest first."""
        return await self._store.read(
            lambda tx: tx.sessions.list_sessions(
                workspace_id=workspace_id,
                member_id=member_id,
                project_id=project_id,
                statuses=statuses,
                limit=limit,
                before=before,
            )
        )

    async def sweep(self) -> int:
        """Do what is due though nobody asks for it; see `core.sessions.sweeper`."""
        return await self._sweeper.sweep(self)

    async def _change(
        self,
        session_id: str,
        actor: str,
        action: str,
        change: Callable[[Transaction, Session], Session],
        *,
        key: str = "",
    ) -> Session:
        """Change a session under its row lock, and write who did it; nothing is written when nothing changed."""

        def work(tx: Transaction) -> Session:
            session = _lock(tx, session_id)
            if key and not tx.inbound.add(source="verb", event_id=f"{key}:{action}", at=self._clock.now()):
                return session
            try:
                changed = change(tx, session)
            except IllegalMove as error:
                raise NotPossibleNow(action.removeprefix("session_"), error.status) from error
            if changed != session:
                tx.sessions.save(changed)
                self._audit(tx, changed, actor, action)
            return changed

        return await self._store.write(work)

    def _guidance(self, session: Session, message_id: str, member_id: str, text: str) -> Guidance:
        return Guidance(
            id=message_id,
            session_id=session.id,
            member_id=member_id,
            text=text.strip()[:_GUIDANCE_CHARACTERS],
            created_at=self._clock.now(),
        )

    def _audit(self, tx: Transaction, session: Session, actor: str, action: str) -> None:
        tx.audit.add(
            AuditEntry(
                at=self._clock.now(),
                actor=actor,
                action=action,
                workspace_id=session.workspace_id,
                target=session.id,
            )
        )


def _lock(tx: Transaction, session_id: str) -> Session:
    session = tx.sessions.lock(session_id)
    if session is None:
        raise SessionNotFound(session_id)
    return session


def _expect_not_stopping(verb: str, session: Session) -> None:
    """Raise `NotPossibleNow` for a session that was told to stop and is still at it: no later verb takes that back."""
    if session.desired is Desired.STOP and session.status in LIVE:
        raise NotPossibleNow(verb, Status.STOPPED)


def _expect(verb: str, session: Session, statuses: set[Status]) -> None:
    if session.status not in statuses:
        raise NotPossibleNow(verb, session.status)
    if session.forgotten_at is not None and verb in _NEEDS_TEXTS:
        raise TextsForgotten(session.id)
