"""What the scheduler's ticks do about money."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from core.billing.delivery import NoticeDelivery
from core.billing.departures import Departures
from core.billing.fulfilment import Fulfilment
from core.billing.monthly import Monthly
from core.billing.ports import BillingStore
from core.billing.reconcile import Reconciler
from core.clock import Clock

_EVENT_DAYS = 60  # twice what Stripe itself lists; what was granted stays keyed by its payment

# how long a tick of each lasts, in seconds; the reconciliation runs twice a day, so that a missed tick costs no day
TICK_SECONDS = {
    "billing_events": 30,
    "billing_notices": 60,
    "billing_free": 3_600,
    "billing_watch": 3_600,
    "billing_departures": 300,
    "billing_reconcile": 43_200,
    "billing_cleanup": 43_200,
}


def make_billing_jobs(
    *,
    store: BillingStore,
    fulfilment: Fulfilment,
    monthly: Monthly,
    reconciler: Reconciler,
    departures: Departures,
    delivery: NoticeDelivery,
    clock: Clock,
) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the jobs by name; see `TICK_SECONDS` for how often."""

    async def cleanup() -> int:
        before = clock.now() - timedelta(days=_EVENT_DAYS)
        return await store.write(
            lambda tx: tx.billing.delete_events_before(before) + tx.billing.delete_reconciliations_before(before)
        )

    async def reconcile() -> int:
        return len((await reconciler.repair()).left)

    return {
        "billing_events": fulfilment.handle_due,
        "billing_notices": delivery.deliver_open,
        "billing_free": monthly.grant_free,
        "billing_watch": monthly.watch,
        "billing_departures": departures.settle,
        "billing_reconcile": reconcile,
        "billing_cleanup": cleanup,
    }
