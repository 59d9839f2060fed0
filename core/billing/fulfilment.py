"""From an event to what follows from it. One way in for webhooks, the page after paying, the command line and repairs.

An event is a hint. What it is about is fetched, and the fetched state is applied in one transaction together with the
event's own row. Payments are keyed by what was paid, so they may be applied at any time and in any order. States that
can go back and forth (subscriptions, refunds, disputes) are guarded: a workspace's revision is read before the fetch and
compared under the lock, so a state that was fetched earlier never replaces one that was fetched later.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from core.billing.catalogue import Catalogue
from core.billing.errors import BillingRefused, StateMoved
from core.billing.grants import Grants
from core.billing.model import Audience, Event, EventState, NoticeKind, Purchase
from core.billing.months import UPDATE
from core.billing.notices import tell
from core.billing.objects import (
    CheckoutObject,
    CustomerObject,
    DisputeObject,
    RefundObject,
    SubscriptionObject,
)
from core.billing.outcome import Contradiction, NotOurs, Outcome, done
from core.billing.plans import Plans
from core.billing.ports import BillingStore, BillingTransaction, Gateway, Wake
from core.billing.takes import Takes
from core.clock import Clock
from core.credits.service import Ledger
from core.errors import TransientError

_log = structlog.get_logger(__name__)
_FETCHES = 8
_FIRST_PAUSE = timedelta(seconds=15)
_LONGEST_PAUSE = timedelta(hours=6)
_ATTEMPTS = 20  # with the pauses above, three days: as long as Stripe itself tries
_BATCH = 100

S = TypeVar("S")


class Fulfilment:
    """Does what follows from what happened at Stripe."""

    def __init__(
        self,
        *,
        store: BillingStore,
        gateway: Gateway,
        catalogue: Catalogue,
        ledger: Ledger,
        clock: Clock,
        wake: Wake,
    ) -> None:
        """Make a fulfilment.

        Args:
            store: The database.
            gateway: Stripe.
            catalogue: What is sold.
            ledger: Where credits move.
            clock: The time.
            wake: Lets sessions that wait for credits go on; `core.sessions.service.SessionService.sweep`.
        """
        self._store = store
        self._gateway = gateway
        self._grants = Grants(catalogue=catalogue, ledger=ledger, clock=clock)
        self._plans = Plans(catalogue=catalogue, clock=clock)
        self._takes = Takes(ledger=ledger, clock=clock)
        self._clock = clock
        self._wake = wake
        self._rules: dict[str, Callable[[str, Event | None], Awaitable[Outcome]]] = {
            **dict.fromkeys(
                (
                    "checkout.session.completed",
                    "checkout.session.async_payment_succeeded",
                    "checkout.session.async_payment_failed",
                    "checkout.session.expired",
                ),
                self.checkout,
            ),
            **dict.fromkeys(
                ("invoice.paid", "invoice.payment_failed", "invoice.payment_action_required"),
                self.invoice,
            ),
            **dict.fromkeys(
                (
                    "customer.subscription.created",
                    "customer.subscription.updated",
                    "customer.subscription.deleted",
                    "customer.subscription.paused",
                    "customer.subscription.resumed",
                ),
                self.subscription,
            ),
            **dict.fromkeys(
                ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"), self.refund
            ),
            "charge.refunded": self.charge,
            **dict.fromkeys(
                (
                    "charge.dispute.created",
                    "charge.dispute.updated",
                    "charge.dispute.closed",
                    "charge.dispute.funds_withdrawn",
                    "charge.dispute.funds_reinstated",
                ),
                self.dispute,
            ),
            "customer.deleted": self.customer,
            "radar.early_fraud_warning.created": self._fraud_warning,
        }

    @property
    def event_types(self) -> tuple[str, ...]:
        """The events that something follows from; an endpoint needs no others."""
        return tuple(self._rules)

    async def handle_due(self) -> int:
        """Take every stored event whose time has come, oldest first; return how many were looked at."""
        due = await self._store.read(lambda tx: tx.billing.list_due_events(self._clock.now(), limit=_BATCH))
        for event in due:
            await self.handle(event.id)
        return len(due)

    async def handle(self, event_id: str) -> EventState | None:
        """Take one stored event and return what became of it; None if there is none.

        What may pass is tried again later; what cannot be is quarantined. Neither raises.
        """
        event = await self._store.read(lambda tx: tx.billing.find_event(event_id))
        if event is None or event.state is not EventState.STORED:
            return None if event is None else event.state
        try:
            outcome = await self._take(event)
        except (TransientError, StateMoved, BillingRefused) as error:
            return await self._postpone(event, error)
        except Exception as error:  # noqa: BLE001 - the outermost loop of events; logged with its traceback
            # one event that we are wrong about must not keep those behind it from being taken
            _log.exception("stripe_event_failed", id=event.id, type=event.type)
            return await self._postpone(event, error)
        if outcome.granted:
            await self.wake()
        _log.info("stripe_event", type=event.type, state=outcome.state.value, workspace=outcome.workspace_id)
        return outcome.state

    async def wake(self) -> None:
        """Let sessions that wait for credits go on; if that fails the sweeper's next round does it."""
        try:
            await self._wake()
        except TransientError as error:
            _log.warning("wake_failed", error=str(error))

    async def retry(self, event_id: str) -> EventState | None:
        """Take an event again that was quarantined or ignored, because what stood in the way was put right."""

        def reopen(tx: BillingTransaction) -> None:
            event = tx.billing.lock_event(event_id)
            if event is not None and event.state in {EventState.QUARANTINED, EventState.IGNORED}:
                tx.billing.save_event(
                    replace(event, state=EventState.STORED, attempts=0, due_at=self._clock.now(), handled_at=None)
                )

        await self._store.write(reopen)
        return await self.handle(event_id)

    async def _take(self, event: Event) -> Outcome:
        rule = self._rules.get(event.type)
        try:
            await self._check_place(event)
            if rule is None or not event.object_id:
                return await self._close(event, Outcome(EventState.IGNORED, "nothing follows from this kind"))
            return await rule(event.object_id, event)
        except Contradiction as error:
            return await self._close(event, Outcome(EventState.QUARANTINED, str(error)))
        except NotOurs as error:
            return await self._close(event, Outcome(EventState.IGNORED, str(error)))

    async def _check_place(self, event: Event) -> None:
        if event.livemode is not self._gateway.livemode:
            raise Contradiction("it is of the other mode, test or live")
        if event.account and event.account != await self._gateway.account_id():
            raise Contradiction(f"it is for the account {event.account}")

    async def checkout(self, stripe_id: str, event: Event | None = None) -> Outcome:
        """Take the state of a payment page, with the subscription and the invoice that came of it.

        Raises:
            NotOurs, NotYet, Contradiction: See `core.billing.outcome`.
            BillingUnavailable, BillingRefused: If Stripe does not say.
        """
        page = _found(await self._gateway.find_checkout(stripe_id), stripe_id)
        granted = False
        if page.status == "complete" and page.subscription:
            await self.subscription(page.subscription)
            if page.invoice:
                granted = (await self.invoice(page.invoice)).granted

        def decide(tx: BillingTransaction, state: CheckoutObject) -> Outcome:
            outcome = self._grants.apply_checkout(tx, state)
            return replace(outcome, granted=outcome.granted or granted)

        return await self._commit(page, decide, event)

    async def invoice(self, invoice_id: str, event: Event | None = None) -> Outcome:
        """Take the state of an invoice, after that of its subscription; raises as `checkout`."""
        invoice = _found(await self._gateway.find_invoice(invoice_id), invoice_id)
        if invoice.subscription:
            # first, so that whoever hears of the new credits has the tier that comes with them
            await self.subscription(invoice.subscription)
        others = await self._gateway.list_invoices(invoice.customer) if invoice.billing_reason == UPDATE else ()
        return await self._commit(invoice, lambda tx, state: self._grants.apply_invoice(tx, state, others), event)

    async def subscription(self, subscription_id: str, event: Event | None = None) -> Outcome:
        """Take the state of a subscription; raises as `checkout`."""

        async def fetch() -> SubscriptionObject:
            return _found(await self._gateway.find_subscription(subscription_id), subscription_id)

        customer_id = event.customer_id if event is not None and event.customer_id else (await fetch()).customer
        owner = await self._store.read(lambda tx: tx.billing.find_customer(customer_id))
        if owner is None:
            return await self._commit(await fetch(), self._plans.apply, event)  # which says what is wrong with it
        return await self._guarded(owner.workspace_id, fetch, self._plans.apply, event)

    async def refund(self, refund_id: str, event: Event | None = None) -> Outcome:
        """Take the state of a refund, with everything else that was taken of the same payment; raises as `checkout`."""
        refund = _found(await self._gateway.find_refund(refund_id), refund_id)
        return await self.payment(refund.payment, event)

    async def charge(self, charge_id: str, event: Event | None = None) -> Outcome:
        """Take what was refunded or disputed of a charge; raises as `checkout`."""
        return await self.payment(await self._gateway.find_payment(charge_id), event)

    async def dispute(self, dispute_id: str, event: Event | None = None) -> Outcome:
        """Take the state of a dispute, with everything else that was taken of the same payment; raises as `checkout`."""
        dispute = _found(await self._gateway.find_dispute(dispute_id), dispute_id)
        return await self.payment(dispute.payment, event)

    async def payment(self, payment: str, event: Event | None = None) -> Outcome:
        """Take what was refunded or disputed of a payment; what it granted is granted first; raises as `checkout`."""
        root = await self._gateway.find_root(payment) if payment else ""
        if not root:
            raise NotOurs("nothing of ours was paid with it")
        if root.startswith("in_"):
            outcome = await self.invoice(root)
        else:
            outcome = await self.checkout(root)
        purchase = await self._store.read(lambda tx: tx.billing.find_purchase_of(root))
        if purchase is None:
            return await self._close(event, replace(outcome, detail=f"{root} granted nothing"))
        taken = await self.returns(purchase, event)
        return replace(taken, granted=taken.granted or outcome.granted)

    async def returns(self, purchase: Purchase, event: Event | None = None) -> Outcome:
        """Take all refunds and disputes of a purchase; raises as `checkout`."""

        async def fetch() -> tuple[list[RefundObject], list[DisputeObject]]:
            payments = await self._gateway.list_payments(purchase.root_id)
            refunds = [item for payment in payments for item in await self._gateway.list_refunds(payment=payment)]
            disputes = [item for payment in payments for item in await self._gateway.list_disputes(payment=payment)]
            return refunds, disputes

        return await self._guarded(
            purchase.workspace_id, fetch, lambda tx, state: self._takes.apply(tx, purchase, *state), event
        )

    async def customer(self, customer_id: str, event: Event | None = None) -> Outcome:
        """Take note of a customer that was deleted: the next purchase makes a new one; raises as `checkout`."""
        customer = await self._gateway.find_customer(customer_id)
        gone = customer is None or customer.deleted

        def decide(tx: BillingTransaction, _: CustomerObject) -> Outcome:
            known = tx.billing.find_customer(customer_id)
            if known is None:
                raise NotOurs(f"customer {customer_id} is not ours")
            tx.credits.lock_account(known.workspace_id)
            if not gone or known.deleted_at is not None:
                return done("nothing changed", known.workspace_id)
            tx.billing.save_customer(replace(known, deleted_at=self._clock.now()))
            return done("the customer was deleted", known.workspace_id)

        return await self._commit(customer or CustomerObject(id=customer_id, deleted=True), decide, event)

    async def _fraud_warning(self, object_id: str, event: Event | None) -> Outcome:
        """Tell the operator, who may refund before it becomes a dispute."""

        def decide(tx: BillingTransaction, warning: str) -> Outcome:
            tell(
                tx,
                NoticeKind.FRAUD_WARNING,
                f"fraud:{warning}",
                workspace_id="",
                now=self._clock.now(),
                audience=Audience.OPERATOR,
                warning=warning,
            )
            return done("the operator is told")

        return await self._commit(object_id, decide, event)

    async def _guarded(
        self,
        workspace_id: str,
        fetch: Callable[[], Awaitable[S]],
        decide: Callable[[BillingTransaction, S], Outcome],
        event: Event | None,
    ) -> Outcome:
        for _ in range(_FETCHES):
            revision = await self._store.read(lambda tx: tx.billing.revision(workspace_id))
            state = await fetch()
            try:
                return await self._commit(state, decide, event, guard=(workspace_id, revision))
            except StateMoved:
                continue
        raise StateMoved(f"the state of {workspace_id} moves too fast")

    async def _commit(
        self,
        state: S,
        decide: Callable[[BillingTransaction, S], Outcome],
        event: Event | None,
        *,
        guard: tuple[str, int] | None = None,
    ) -> Outcome:
        """Apply *state* and close *event* in one transaction: lock the event, then the workspace, then act."""

        def work(tx: BillingTransaction) -> Outcome:
            stored = None if event is None else tx.billing.lock_event(event.id)
            if stored is not None and stored.state is not EventState.STORED:
                return Outcome(stored.state, stored.detail)
            if guard is not None:
                workspace_id, revision = guard
                tx.credits.lock_account(workspace_id)
                if tx.billing.revision(workspace_id) != revision:
                    raise StateMoved(workspace_id)
                tx.billing.bump_revision(workspace_id)
            outcome = decide(tx, state)
            if stored is not None:
                self._store_outcome(tx, stored, outcome)
            return outcome

        return await self._store.write(work)

    async def _close(self, event: Event | None, outcome: Outcome) -> Outcome:
        """Store what became of an event that nothing follows from."""
        return await self._commit(outcome, lambda _, found: found, event)

    def _store_outcome(self, tx: BillingTransaction, event: Event, outcome: Outcome) -> None:
        now = self._clock.now()
        tx.billing.save_event(replace(event, state=outcome.state, detail=outcome.detail, handled_at=now))
        if outcome.state is EventState.QUARANTINED:
            _log.error("stripe_event_quarantined", id=event.id, type=event.type, detail=outcome.detail)
            tell(
                tx,
                NoticeKind.QUARANTINED,
                f"quarantine:{event.id}",
                workspace_id="",
                now=now,
                audience=Audience.OPERATOR,
                event=event.id,
                type=event.type,
                detail=outcome.detail,
            )

    async def _postpone(self, event: Event, error: Exception) -> EventState:
        """Try again later; what fails for as long as Stripe itself would try is left to an operator."""
        attempts = event.attempts + 1
        if attempts >= _ATTEMPTS:
            return (await self._close(event, Outcome(EventState.QUARANTINED, f"given up: {error}"))).state

        def work(tx: BillingTransaction) -> None:
            stored = tx.billing.lock_event(event.id)
            if stored is not None and stored.state is EventState.STORED:
                due_at = next_try(self._clock.now(), attempts, error)
                tx.billing.save_event(replace(stored, attempts=attempts, due_at=due_at, detail=str(error)))

        await self._store.write(work)
        _log.warning("stripe_event_postponed", type=event.type, attempts=attempts, error=type(error).__name__)
        return EventState.STORED


def next_try(now: datetime, attempts: int, error: Exception) -> datetime:
    """Return when to try again: after 15 s, and twice as long each time, at most six hours."""
    pause = min(_FIRST_PAUSE * (1 << min(attempts - 1, 16)), _LONGEST_PAUSE)
    asked = error.retry_after_seconds if isinstance(error, TransientError) else None
    return now + max(pause, timedelta(seconds=asked or 0))


def _found(found: S | None, stripe_id: str) -> S:
    if found is None:
        raise Contradiction(f"Stripe knows no {stripe_id} in this account")
    return found
