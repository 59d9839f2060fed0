"""The inbox: what people asked is stored before it is acknowledged, and worked off once, whatever dies in between."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from bots.desk.requests import Request, dump_request, load_request
from core.clock import Clock
from core.errors import TransientError
from core.sessions.ports import InboxRow, InboxState, Store, Transaction

_log = structlog.get_logger(__name__)
_AT_ONCE = 16
_CLAIM_SECONDS = 120
_TRIES = 5
_FIRST_WAIT_SECONDS = 5
_SWEEP_LIMIT = 100
_FIRST_SECONDS = 10
Handle = Callable[[Request], Awaitable[None]]
First = Callable[[Request], Awaitable[bool]]


class Keeping(Protocol):
    """Puts aside what a request needs that waits: see `bots.desk.door.Door`."""

    async def keep(self, request: Request) -> Request:
        """See there."""
        ...

    async def let_go(self, request: Request) -> None:
        """See there."""
        ...


class Inbox:
    """Takes requests durably and has them handled, in this process at once, in any process later.

    Args:
        store: Where they are kept.
        handle: Does what a request asks. It may be called twice for one request (a process died in the middle), so it
            acts through verbs that may be repeated.
        clock: The time.
        give_up: Told of every request that will not be tried again; what it raises is logged.
        keeping: Puts aside what a request needs that waits, by the request; None where nothing is.
    """

    def __init__(
        self,
        *,
        store: Store,
        handle: Handle,
        clock: Clock,
        give_up: Handle | None = None,
        keeping: Callable[[Request], Keeping] | None = None,
    ) -> None:
        self._store = store
        self._handle = handle
        self._clock = clock
        self._give_up = give_up
        self._keeping = keeping
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, request: Request, *, source: str, keys: Sequence[str], first: First | None = None) -> bool:
        """Store *request* unless it was seen; return whether it is new. Handling begins after this returns.

        Args:
            request: What to do.
            source: ``slack``, ``discord``.
            keys: Everything by which a repeat is known: the event's id, the message's team, channel and time.
            first: What this process alone can do about a new request, and only now, such as opening a form; it begins
                after this returns and waits for nobody. True if nothing is left to do; otherwise, and where this process
                dies or takes longer than ten seconds, the request is handled.
        """
        now = self._clock.now()
        due = now if first is None else now + timedelta(seconds=_FIRST_SECONDS)
        row = InboxRow(id=request.id, created_at=now, due_at=due, payload=dump_request(request))

        def work(tx: Transaction) -> bool:
            unseen = [tx.inbound.add(source=source, event_id=key, at=now) for key in keys]
            if not all(unseen):
                return False
            tx.inbox.add(row)
            return True

        is_new = await self._store.write(work)
        if is_new and first is not None:
            self._begin(self._work_first(request, first, due))
        elif is_new:
            self._start(request.id)
        return is_new

    def mean(self, tx: Transaction, request: Request) -> None:
        """Store *request* in the caller's transaction: it is handled if and only if that is written; see `begin`."""
        now = self._clock.now()
        tx.inbox.add(InboxRow(id=request.id, created_at=now, due_at=now, payload=dump_request(request)))

    def begin(self, request_id: str) -> None:
        """Handle what was meant, if it is there; where this process dies before, the sweep finds it."""
        self._start(request_id)

    async def hold(self, request: Request, *, waits_for: str) -> None:
        """Keep *request* until somebody acts on it; see `release`. It replaces what was stored under its id.

        Raises:
            FileUnavailable: If a file of it cannot be put aside.
        """
        if self._keeping is not None and request.files:
            request = await self._keeping(request).keep(request)
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            row = tx.inbox.find(request.id)
            payload = dump_request(request)
            if row is None:
                held = InboxRow(request.id, now, now, payload, state=InboxState.HELD, waits_for=waits_for)
                tx.inbox.add(held)
            else:
                tx.inbox.hold(request.id, payload=payload, waits_for=waits_for)

        await self._store.write(work)

    async def find_held(self, request_id: str) -> tuple[Request, str] | None:
        """Return a request that waits and what it waits for, None for one that does not wait (any more)."""
        row = await self._store.read(lambda tx: tx.inbox.find(request_id))
        if row is None or row.state is not InboxState.HELD:
            return None
        return load_request(row.payload), row.waits_for

    async def release(self, request: Request) -> bool:
        """Have a held request handled as it is given now; False if somebody did before."""
        now = self._clock.now()
        payload = dump_request(request)
        released = await self._store.write(lambda tx: tx.inbox.release(request.id, payload=payload, due_at=now))
        if released:
            self._start(request.id)
        return released

    async def let_go(self, request: Request) -> None:
        """Keep nothing any more of what was put aside for a request that is done."""
        if self._keeping is not None and request.files:
            await self._keeping(request).let_go(request)

    async def forget(self, before: datetime) -> int:
        """Delete requests that came before a moment, with what was put aside for them; return how many."""
        for row in await self._store.read(lambda tx: tx.inbox.list_before(before)):
            try:
                await self.let_go(load_request(row.payload))
            except (ValidationError, LookupError) as error:  # of a version, or a platform, that was here before
                _log.info("request_unreadable", request=row.id, error=type(error).__name__)
        return await self._store.write(lambda tx: tx.inbox.delete_before(before))

    async def sweep(self) -> int:
        """Handle what is due and was left behind by a process that died; return how many."""
        now = self._clock.now()
        due = await self._store.read(lambda tx: tx.inbox.list_due(now, limit=_SWEEP_LIMIT))
        begun = [self._start(request_id) for request_id in due]
        if begun:
            await asyncio.wait(begun)
        return len(due)

    async def drain(self) -> None:
        """Return when everything that was begun here has ended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Cut what is being handled; it is due again soon, in whichever process."""
        for task in self._tasks:
            task.cancel()
        await self.drain()

    def _start(self, request_id: str) -> asyncio.Task[None]:
        return self._begin(self._work(request_id, self._clock.now()))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work_first(self, request: Request, first: First, due: datetime) -> None:
        """Do what only this process can, without waiting for room: a form opens within three seconds or not at all."""
        with structlog.contextvars.bound_contextvars(request=request.id):
            try:
                is_done = await first(request)
            except Exception as error:  # noqa: BLE001 - the edge: whatever went wrong, the request is stored
                _log.warning("request_first_failed", error=type(error).__name__)
                is_done = False
        if not is_done:
            await self._work(request.id, due)
            return
        now = self._clock.now()
        await self._store.write(
            lambda tx: tx.inbox.finish(request.id, attempts=0, state=InboxState.DONE, due_at=now, error="")
        )

    async def _work(self, request_id: str, due: datetime) -> None:
        """Claim a request that is due at *due* at the latest, and handle it."""
        async with self._room:
            now = self._clock.now()
            until = now + timedelta(seconds=_CLAIM_SECONDS)
            row = await self._store.write(lambda tx: tx.inbox.claim(request_id, now=max(now, due), until=until))
            if row is None:
                return
            with structlog.contextvars.bound_contextvars(request=request_id):
                state, wait, error = await self._try(row)
                if state is InboxState.FAILED:
                    await self._tell(row)
            due = self._clock.now() + timedelta(seconds=wait)
            await self._store.write(
                lambda tx: tx.inbox.finish(request_id, attempts=row.attempts, state=state, due_at=due, error=error)
            )

    async def _tell(self, row: InboxRow) -> None:
        if self._give_up is None:
            return
        try:
            await self._give_up(load_request(row.payload))
        except Exception as error:  # noqa: BLE001 - the edge: what cannot be done cannot always be said either
            _log.warning("failure_untold", error=type(error).__name__)

    async def _try(self, row: InboxRow) -> tuple[InboxState, float, str]:
        """Return how it went, when to try again, and what went wrong."""
        try:
            await self._handle(replace(load_request(row.payload), answered=row.answered))
        except TransientError as error:
            if row.attempts < _TRIES:
                wait = error.retry_after_seconds or _FIRST_WAIT_SECONDS * 2 ** (row.attempts - 1)
                _log.info("request_waits", attempts=row.attempts, error=type(error).__name__)
                return InboxState.NEW, wait, type(error).__name__
            _log.warning("request_given_up", attempts=row.attempts, error=str(error))
            return InboxState.FAILED, 0.0, type(error).__name__
        except Exception as error:  # noqa: BLE001 - the edge: a bad request stays in the table
            _log.exception("request_failed", attempts=row.attempts)
            return InboxState.FAILED, 0.0, type(error).__name__
        return InboxState.DONE, 0.0, ""
