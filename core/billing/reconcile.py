"""Whether we and Stripe tell the same story; where not, what was lost is taken again on the same way as ever."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from core.billing.catalogue import Catalogue
from core.billing.fulfilment import Fulfilment
from core.billing.intake import store_event
from core.billing.model import BillingDifference, Customer, EventState, Purchase, Reconciliation, Subscription
from core.billing.months import granted_by
from core.billing.objects import CheckoutObject, DisputeObject, InvoiceObject, RefundObject, SubscriptionObject
from core.billing.outcome import Contradiction
from core.billing.plans import Plans
from core.billing.ports import BillingStore, BillingTransaction, Gateway
from core.billing.sync import Syncer
from core.billing.takes import is_gone
from core.clock import Clock
from core.credits.tiers import UNLIMITED
from core.ids import new_id

_log = structlog.get_logger(__name__)
_EVENTS = timedelta(days=30)  # Stripe: what events.list goes back to
_RETURNS = timedelta(days=180)  # disputes come up to 120 days after a payment
_PATIENCE = timedelta(hours=1)
_MOST_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Repair:
    """What a reconciliation did.

    Attributes:
        events: Events that never came, or never were taken, and were taken now.
        found: What differed then.
        left: What still differs after taking everything again: an operator's business.
    """

    events: int
    found: tuple[BillingDifference, ...]
    left: tuple[BillingDifference, ...]

    @property
    def repaired(self) -> tuple[BillingDifference, ...]:
        """What differed, and does not any more."""
        still = {item.key for item in self.left}
        return tuple(item for item in self.found if item.key not in still)


@dataclass(frozen=True, slots=True)
class _Comparison:
    workspace_id: str
    found: list[BillingDifference]

    def equal(self, law: str, subject: str, expected: str, actual: str) -> None:
        if expected != actual:
            self.found.append(BillingDifference(self.workspace_id, law, subject, expected, actual))


class Reconciler:
    """Compares and repairs."""

    def __init__(
        self,
        *,
        store: BillingStore,
        gateway: Gateway,
        catalogue: Catalogue,
        fulfilment: Fulfilment,
        clock: Clock,
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._catalogue = catalogue
        self._plans = Plans(catalogue=catalogue, clock=clock)
        self._fulfilment = fulfilment
        self._syncer = Syncer(store=store, gateway=gateway, fulfilment=fulfilment)
        self._clock = clock

    async def repair(self) -> Repair:
        """Take events that were lost, then whatever still differs, and return what was found and what is left.

        Both are told in the log and stored, for metrics and for `atelier billing check`.

        Raises:
            BillingUnavailable, BillingRefused: If Stripe does not answer, or refuses.
        """
        events = await self.take_lost_events()
        found = await self.compare()
        for workspace_id in sorted({item.workspace_id for item in found if item.workspace_id}):
            await self._syncer.sync(workspace_id)
        left = await self.compare() if found else ()
        repair = Repair(events, found, left)
        for item in repair.repaired:
            _log.warning("billing_repaired", law=item.law, subject=item.subject, workspace=item.workspace_id)
        for item in left:
            _log.error("billing_differs", law=item.law, subject=item.subject, workspace=item.workspace_id)
        told = Reconciliation(new_id("rec"), self._clock.now(), events, repair.repaired, left)
        await self._store.write(lambda tx: tx.billing.add_reconciliation(told))
        _log.info("billing_reconciled", lost_events=events, repaired=len(repair.repaired), remaining=len(left))
        return repair

    async def take_lost_events(self) -> int:
        """Take what Stripe says happened in the last 30 days and never came here; return how many."""
        lost = 0
        for hint in await self._gateway.list_events(self._clock.now() - _EVENTS):
            if hint.type in self._fulfilment.event_types and await store_event(self._store, hint, self._clock):
                await self._fulfilment.handle(hint.id)
                lost += 1
        if lost:
            _log.warning("stripe_events_lost", number=lost)
        return lost

    async def compare(self, workspace_id: str | None = None) -> tuple[BillingDifference, ...]:
        """Return everything in which we and Stripe differ; nothing is changed.

        Args:
            workspace_id: Only this one; None for all, and for the events that wait or are quarantined.

        Raises:
            BillingUnavailable, BillingRefused: If Stripe does not answer, or refuses.
        """
        found: list[BillingDifference] = []
        customers = await self._store.read(lambda tx: tx.billing.list_customers(workspace_id))
        by_workspace: dict[str, list[Customer]] = defaultdict(list)
        for customer in customers:
            by_workspace[customer.workspace_id].append(customer)
        for one, theirs in sorted(by_workspace.items()):
            found += await self._compare_workspace(one, theirs)
        found += await self._compare_returns(workspace_id)
        if workspace_id is None:
            found += await self._store.read(self._open_events)
        return tuple(found)

    async def _compare_workspace(self, workspace_id: str, customers: Sequence[Customer]) -> list[BillingDifference]:
        found: list[BillingDifference] = []
        subscriptions: list[SubscriptionObject] = []
        pages: list[CheckoutObject] = []
        invoices: list[InvoiceObject] = []
        complete = True
        for customer in customers:
            known = await self._gateway.find_customer(customer.id)
            if known is None or known.deleted:
                complete = False  # what a deleted customer paid is not listed any more
                if customer.deleted_at is None:
                    found.append(BillingDifference(workspace_id, "customer", customer.id, "deleted", "live"))
                continue
            subscriptions += await self._gateway.list_subscriptions(customer.id)
            pages += await self._gateway.list_checkouts(customer.id)
            invoices += await self._gateway.list_invoices(customer.id)

        def read(tx: BillingTransaction) -> list[BillingDifference]:
            comparison = _Comparison(workspace_id, list(found))
            purchases = {item.root_id: item for item in tx.billing.list_purchases(workspace_id)}
            self._compare_subscriptions(tx, comparison, subscriptions)
            paid = self._paid(subscriptions, pages, invoices)
            for root_id, law in paid.items():
                comparison.equal(law, root_id, "paid", "paid" if root_id in purchases else "nothing granted")
            for purchase in purchases.values():
                _compare_lot(tx, comparison, purchase)
                if complete:
                    comparison.equal(
                        "unfounded", purchase.root_id, "paid" if purchase.root_id in paid else "not paid", "paid"
                    )

            return comparison.found

        return await self._store.read(read)

    def _compare_subscriptions(
        self, tx: BillingTransaction, comparison: _Comparison, listed: Sequence[SubscriptionObject]
    ) -> None:
        workspace_id = comparison.workspace_id
        stored = {item.id: item for item in tx.billing.list_subscriptions(workspace_id)}
        entitled: list[str] = []
        live = 0
        for item in listed:
            try:
                expected = self._plans.read(item, workspace_id)
            except Contradiction:
                continue  # of another thing that the operator sells
            if expected.entitles:
                entitled.append(expected.tier)
            live += expected.is_live
            known = stored.get(item.id)
            comparison.equal("subscription", item.id, _state(expected), "unknown" if known is None else _state(known))
        if live > 1:
            comparison.equal("two_subscriptions", workspace_id, "1", str(live))
        workspace = tx.workspaces.find(workspace_id)
        if workspace is not None and (stored or listed) and workspace.tier != UNLIMITED:
            comparison.equal("tier", workspace_id, self._catalogue.best_plan(entitled), workspace.tier)

    def _paid(
        self,
        subscriptions: Sequence[SubscriptionObject],
        pages: Sequence[CheckoutObject],
        invoices: Sequence[InvoiceObject],
    ) -> dict[str, str]:
        """Return what was paid and grants something, with the law that it falls under."""
        ours = {item.id for item in subscriptions if any(self._is_plan(one.price) for one in item.items)}
        paid = {
            page.id: "pack"
            for page in pages
            if page.mode == "payment" and page.status == "complete" and page.payment_status == "paid" and page.metadata
        }
        for invoice in invoices:
            if invoice.subscription in ours and self._grants_month(invoice, invoices):
                paid[invoice.id] = "month"
        return paid

    def _grants_month(self, invoice: InvoiceObject, invoices: Sequence[InvoiceObject]) -> bool:
        try:
            return granted_by(self._catalogue, invoice, invoices) is not None
        except Contradiction:
            return True  # money came in, and somebody has to look at why nothing was granted for it

    def _is_plan(self, price_id: str) -> bool:
        product = self._catalogue.find_by_price(price_id)
        return product is not None and product.is_plan

    async def _compare_returns(self, workspace_id: str | None) -> list[BillingDifference]:
        since = self._clock.now() - _RETURNS
        items: list[RefundObject | DisputeObject] = [
            *await self._gateway.list_refunds(since=since),
            *await self._gateway.list_disputes(since=since),
        ]
        found: list[BillingDifference] = []
        for item in items:
            root = await self._gateway.find_root(item.payment) if item.payment else ""
            purchase = await self._store.read(lambda tx, one=root: tx.billing.find_purchase_of(one))  # type: ignore[misc]
            if purchase is None or workspace_id not in {None, purchase.workspace_id}:
                continue
            takes = await self._store.read(
                lambda tx, one=purchase: tx.billing.list_takes(one.workspace_id, source_key=one.source_key)  # type: ignore[misc]
            )
            known = next((take for take in takes if take.id == item.id), None)
            comparison = _Comparison(purchase.workspace_id, found)
            law = "dispute" if isinstance(item, DisputeObject) else "refund"
            comparison.equal(
                law, item.id, _taken(active=is_gone(item)), _taken(active=known is not None and known.active)
            )
        return found

    def _open_events(self, tx: BillingTransaction) -> list[BillingDifference]:
        quarantined = tx.billing.list_events(state=EventState.QUARANTINED, limit=_MOST_EVENTS)
        waiting = tx.billing.list_events(state=EventState.STORED, limit=_MOST_EVENTS)
        late = self._clock.now() - _PATIENCE
        return [
            *(BillingDifference("", "quarantined", item.id, "handled", item.detail) for item in quarantined),
            *(
                BillingDifference("", "waiting", item.id, "handled", f"tried {item.attempts} times: {item.detail}")
                for item in waiting
                if item.received_at < late
            ),
        ]


def _compare_lot(tx: BillingTransaction, comparison: _Comparison, purchase: Purchase) -> None:
    lot = tx.credits.find_lot_by_source(purchase.source_key)
    comparison.equal(
        "lot", purchase.source_key, str(purchase.microcredits), str(lot.amount_microcredits) if lot is not None else "0"
    )


def _state(item: Subscription) -> str:
    ends = "" if item.cancel_at is None else f", ends {item.cancel_at:%Y-%m-%d}"
    return f"{item.tier} {item.status} until {item.period_end:%Y-%m-%d}{ends}"


def _taken(*, active: bool) -> str:
    return "taken back" if active else "not taken back"
