"""Everything that sells, put together; the composition roots need no more than this."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from core.billing.catalogue import Catalogue
from core.billing.delivery import NoticeDelivery
from core.billing.departures import Departures
from core.billing.fulfilment import Fulfilment
from core.billing.intake import WebhookIntake
from core.billing.jobs import make_billing_jobs
from core.billing.monthly import Monthly
from core.billing.notices import BillingNotices
from core.billing.ports import BillingStore, Wake
from core.billing.reconcile import Reconciler
from core.billing.service import BillingService
from core.billing.setup import SetupProblem, check_setup
from core.billing.stripe_gateway import API_VERSION, StripeConfig, StripeGateway
from core.clock import Clock
from core.credits.service import Ledger


@dataclass(frozen=True, slots=True)
class Shop:
    """The parts of an installation that sells."""

    catalogue: Catalogue
    gateway: StripeGateway
    fulfilment: Fulfilment
    service: BillingService
    intake: WebhookIntake
    reconciler: Reconciler
    monthly: Monthly
    departures: Departures
    store: BillingStore
    clock: Clock

    def jobs(self, adapters: Mapping[str, BillingNotices]) -> dict[str, Callable[[], Awaitable[object]]]:
        """Return what the scheduler's ticks do; see `core.billing.jobs.TICK_SECONDS` for how often.

        Args:
            adapters: Those who can tell people, by platform.
        """
        return make_billing_jobs(
            store=self.store,
            fulfilment=self.fulfilment,
            monthly=self.monthly,
            reconciler=self.reconciler,
            departures=self.departures,
            delivery=NoticeDelivery(store=self.store, clock=self.clock, adapters=adapters),
            clock=self.clock,
        )

    async def check_setup(self) -> tuple[SetupProblem, ...]:
        """Return what is wrong with the shop; see `core.billing.setup.check_setup`."""
        return await check_setup(self.gateway, self.catalogue, has_webhook_secret=self.intake.is_open)

    async def aclose(self) -> None:
        """Take nothing more and close the connections."""
        await self.intake.aclose()
        await self.gateway.aclose()


def open_shop(
    config: StripeConfig,
    catalogue: Catalogue,
    *,
    store: BillingStore,
    ledger: Ledger,
    clock: Clock,
    wake: Wake,
    webhook_secrets: Sequence[str] = (),
    may_sell: bool = True,
) -> Shop:
    """Return the parts of a shop; nothing is connected before it is used.

    Args:
        config: How Stripe is asked.
        catalogue: What is sold.
        store: The database.
        ledger: Where credits move.
        clock: The time.
        wake: Lets sessions that wait for credits go on; `core.sessions.service.SessionService.sweep`.
        webhook_secrets: The endpoint's; without any, webhooks are not taken.
        may_sell: False where no provider could do the work: then nothing is sold.
    """
    gateway = StripeGateway(config, catalogue)
    fulfilment = Fulfilment(store=store, gateway=gateway, catalogue=catalogue, ledger=ledger, clock=clock, wake=wake)
    return Shop(
        catalogue=catalogue,
        gateway=gateway,
        fulfilment=fulfilment,
        service=BillingService(
            store=store, gateway=gateway, catalogue=catalogue, fulfilment=fulfilment, clock=clock, may_sell=may_sell
        ),
        intake=WebhookIntake(
            store=store, fulfilment=fulfilment, clock=clock, secrets=webhook_secrets, api_version=API_VERSION
        ),
        reconciler=Reconciler(store=store, gateway=gateway, catalogue=catalogue, fulfilment=fulfilment, clock=clock),
        monthly=Monthly(store=store, catalogue=catalogue, ledger=ledger, clock=clock),
        departures=Departures(store=store, gateway=gateway, fulfilment=fulfilment, clock=clock),
        store=store,
        clock=clock,
    )
