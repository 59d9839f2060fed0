"""Where webhooks come in: verified, stored, answered; what follows from them is somebody else's haste."""

import asyncio
from collections.abc import Sequence

import structlog

from core.billing.errors import BadSignature
from core.billing.fulfilment import Fulfilment
from core.billing.model import Event
from core.billing.objects import EventHint
from core.billing.ports import BillingStore, BillingTransaction
from core.billing.webhook import read_event, verify
from core.clock import Clock
from core.errors import TransientError

SOURCE = "stripe"
_log = structlog.get_logger(__name__)


class WebhookIntake:
    """Takes webhooks."""

    def __init__(
        self, *, store: BillingStore, fulfilment: Fulfilment, clock: Clock, secrets: Sequence[str], api_version: str
    ) -> None:
        """Make an intake.

        Args:
            store: The database.
            fulfilment: Told of each new event at once; the scheduler asks it again for what it did not get.
            clock: The time.
            secrets: The endpoint's, several while one replaces another; without any there is no intake.
            api_version: What the endpoint should send; another one is told to the operator once.
        """
        self._store = store
        self._fulfilment = fulfilment
        self._clock = clock
        self._secrets = tuple(secret for secret in secrets if secret.strip())
        self._api_version = api_version
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether there is a secret; without one nothing can be believed."""
        return bool(self._secrets)

    async def receive(self, raw: bytes, signature: str) -> bool:
        """Store an event and return True; False for a duplicate. Once this returns, Stripe may forget the event.

        Raises:
            BadSignature: If it does not come from Stripe, or not now.
            MalformedEvent: If it is no event.
            TransientError: If it could not be stored, so that Stripe should send it again.
        """
        if not self._secrets:
            raise BadSignature("there is no secret")
        verify(raw, signature, self._secrets, now=self._clock.now())
        hint = read_event(raw)
        self._compare_versions(hint)
        added = await store_event(self._store, hint, self._clock)
        if added:
            task = asyncio.create_task(self._fulfil(hint.id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return added

    async def settle(self) -> None:
        """Return once everything that came in was looked at."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def aclose(self) -> None:
        """Cut what still runs: it is stored, and the scheduler takes it up."""
        for task in self._tasks:
            task.cancel()
        await self.settle()

    async def _fulfil(self, event_id: str) -> None:
        try:
            await self._fulfilment.handle(event_id)
        except TransientError as error:  # of the database; the event stays stored
            _log.warning("stripe_event_left", error=type(error).__name__)

    def _compare_versions(self, hint: EventHint) -> None:
        if hint.api_version not in {"", self._api_version, *self._told}:
            self._told.add(hint.api_version)
            _log.warning("stripe_endpoint_version", found=hint.api_version, expected=self._api_version)


async def store_event(store: BillingStore, hint: EventHint, clock: Clock) -> bool:
    """Store an event for `Fulfilment.handle` and return True; False if it is there."""
    now = clock.now()
    event = Event(
        id=hint.id,
        type=hint.type,
        object_id=hint.object_id,
        livemode=hint.livemode,
        created_at=hint.created,
        received_at=now,
        due_at=now,
        customer_id=hint.customer_id,
        account=hint.account,
        api_version=hint.api_version,
    )

    def work(tx: BillingTransaction) -> bool:
        tx.inbound.add(source=SOURCE, event_id=hint.id, at=now)
        return tx.billing.add_event(event)

    return await store.write(work)
