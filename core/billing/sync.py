"""Everything that Stripe knows of a workspace, taken as if each webhook came now."""

from collections.abc import Awaitable

import structlog

from core.billing.fulfilment import Fulfilment
from core.billing.model import Customer
from core.billing.outcome import Contradiction, NotOurs, NotYet, Outcome
from core.billing.ports import BillingStore, Gateway

_log = structlog.get_logger(__name__)


class Syncer:
    """Takes what webhooks would have told."""

    def __init__(self, *, store: BillingStore, gateway: Gateway, fulfilment: Fulfilment) -> None:
        self._store = store
        self._gateway = gateway
        self._fulfilment = fulfilment

    async def sync(self, workspace_id: str) -> int:
        """Take the state of a workspace's customers and return how many payments granted something.

        Raises:
            BillingUnavailable: If Stripe does not answer.
        """
        customers = await self._store.read(lambda tx: tx.billing.list_customers(workspace_id))
        granted = 0
        for customer in customers:
            granted += await self._sync(customer)
        if granted:
            await self._fulfilment.wake()
        return granted

    async def _sync(self, customer: Customer) -> int:
        found = await self._gateway.find_customer(customer.id)
        if found is None or found.deleted:
            await self._fulfilment.customer(customer.id)
            return 0
        take = self._fulfilment
        subscriptions = await self._gateway.list_subscriptions(customer.id)
        pages = await self._gateway.list_checkouts(customer.id)
        invoices = await self._gateway.list_invoices(customer.id)
        granted = 0
        for act, found_id in (
            *((take.subscription, item.id) for item in subscriptions),
            *((take.checkout, item.id) for item in pages),
            *((take.invoice, item.id) for item in invoices),
        ):
            granted += await self._attempt(customer, act(found_id))
        purchases = await self._store.read(lambda tx: tx.billing.list_purchases(customer.workspace_id))
        for purchase in purchases:
            granted += await self._attempt(customer, take.returns(purchase))
        return granted

    async def _attempt(self, customer: Customer, taking: Awaitable[Outcome]) -> bool:
        """Take one thing and return whether it granted something; one that cannot be must not stand before the others."""
        try:
            return (await taking).granted
        except (Contradiction, NotOurs, NotYet) as error:
            _log.warning("sync_skipped", workspace=customer.workspace_id, reason=str(error))
            return False
