"""What people can do about money. Links are made when they are asked for, given to one person, and kept nowhere."""

from collections.abc import Sequence

import structlog

from core.billing.buyers import Buyer, Link, find_live_customer, find_live_subscription, may_buy, record
from core.billing.catalogue import Catalogue, Product
from core.billing.checkouts import Checkouts
from core.billing.errors import (
    AlreadySubscribed,
    BillingRefused,
    HighestPlan,
    NoSubscription,
    NotABuyer,
    NothingSold,
)
from core.billing.fulfilment import Fulfilment
from core.billing.model import CheckoutState, Notice, NoticeKind, Subscription
from core.billing.notices import tell
from core.billing.objects import InvoiceObject
from core.billing.outcome import Contradiction, NotOurs
from core.billing.ports import BillingStore, Gateway
from core.billing.sync import Syncer
from core.clock import Clock

_log = structlog.get_logger(__name__)
MAX_PACKS = 100


class BillingService:
    """The verbs of people; see `core.billing.overview.BillingOverviews` for what they can see."""

    def __init__(
        self,
        *,
        store: BillingStore,
        gateway: Gateway,
        catalogue: Catalogue,
        fulfilment: Fulfilment,
        clock: Clock,
        may_sell: bool = True,
    ) -> None:
        """Make the service.

        Args:
            store: The database.
            gateway: Stripe.
            catalogue: What is sold.
            fulfilment: Takes what was paid.
            clock: The time.
            may_sell: False where no provider could do the work: then nothing is sold.
        """
        self._store = store
        self._gateway = gateway
        self._catalogue = catalogue
        self._fulfilment = fulfilment
        self._syncer = Syncer(store=store, gateway=gateway, fulfilment=fulfilment)
        self._checkouts = Checkouts(store=store, gateway=gateway, fulfilment=fulfilment, clock=clock)
        self._clock = clock
        self._may_sell = may_sell

    @property
    def is_open(self) -> bool:
        """Whether anything can be bought here; what was bought can be managed in any case."""
        return self._may_sell and bool(self._catalogue.products)

    async def may_buy(self, buyer: Buyer) -> bool:
        """Return whether somebody may buy: the platform's admins and those whom they named, unless they are blocked."""
        return await self._store.read(lambda tx: may_buy(tx, buyer))

    async def buy(self, buyer: Buyer, product_key: str = "", *, quantity: int = 1, session_id: str = "") -> Link:
        """Return the page to buy credits on; one is open a workspace and pack, whoever asks for it.

        Args:
            buyer: Who.
            product_key: Key of the pack; empty for the cheapest.
            quantity: How many of it, 1 to 100.
            session_id: The session that needs them.

        Raises:
            NothingSold: If this installation sells nothing, or not this.
            UnknownProduct: If there is no such pack.
            NotABuyer: If they may not.
            PurchasesFrozen: While a payment is disputed.
            PaymentPending: While a payment for the same is on its way.
            BillingUnavailable: If Stripe does not answer.
        """
        self._check_sells()
        if not product_key:
            if not self._catalogue.packs:
                raise NothingSold("no pack has a price")
            product_key = self._catalogue.packs[0].key
        product = self._catalogue.get(product_key)
        if product.is_plan:
            return await self.upgrade(buyer, product_key, session_id=session_id)
        return await self._checkouts.open(
            buyer, product, quantity=max(1, min(quantity, MAX_PACKS)), session_id=session_id
        )

    async def upgrade(self, buyer: Buyer, tier_key: str = "", *, session_id: str = "") -> Link:
        """Return the page to take a plan on; for somebody who has one, Stripe's page that confirms the change.

        Args:
            buyer: Who.
            tier_key: Key of the tier; empty for the next one up: nobody is led down who only asked for more.
            session_id: The session that needs it.

        Raises:
            AlreadySubscribed: If the workspace has it.
            HighestPlan: If none was named, and there is none above the workspace's.
            As `buy`.
        """
        self._check_sells()
        live = await self._live_subscription(buyer.workspace_id)
        product = self._catalogue.get(tier_key) if tier_key else self._next_up(live)
        if live is None:
            return await self._checkouts.open(buyer, product, quantity=1, session_id=session_id)
        await self._check_buyer(buyer)
        if live.tier == product.key:
            raise AlreadySubscribed(live.tier)
        found = await self._gateway.find_subscription(live.id)
        item = next((one for one in found.items if one.price == live.price_id), None) if found is not None else None
        if item is None:
            await self._fulfilment.subscription(live.id)
            raise NoSubscription(live.id)
        url = await self._gateway.portal_url(live.customer_id, change=(live.id, item.id, product.price_id))
        return Link(url, product.key)

    def _next_up(self, live: Subscription | None) -> Product:
        """Return the cheapest plan above the one that a workspace has; without one, the cheapest of all."""
        plans = self._catalogue.plans
        if not plans:
            raise NothingSold("no plan has a price")
        if live is None:
            return plans[0]
        price = self._catalogue.prices.tier(live.tier).price_cents_month
        above = [plan for plan in plans if plan.price_cents > price]
        if not above:
            raise HighestPlan(live.tier)
        return above[0]

    async def portal(self, buyer: Buyer) -> Link:
        """Return a link to Stripe's portal: cards, address, invoices, plan; a new one for each click.

        Raises:
            NotABuyer: If they may not.
            NoSubscription: If nothing was ever bought.
            BillingUnavailable: If Stripe does not answer.
        """
        await self._check_buyer(buyer)
        customer = await self._store.read(lambda tx: find_live_customer(tx, buyer.workspace_id))
        if customer is None:
            raise NoSubscription(buyer.workspace_id)
        return Link(await self._gateway.portal_url(customer.id))

    async def cancel(self, buyer: Buyer) -> Subscription:
        """Let the subscription end with its period, and return it; a repeat is harmless.

        Raises:
            NotABuyer: If they may not.
            NoSubscription: If there is none.
            BillingUnavailable: If Stripe does not answer.
        """
        return await self._set_cancelled(buyer, cancelled=True)

    async def reactivate(self, buyer: Buyer) -> Subscription:
        """Let a cancelled subscription go on, and return it; raises as `cancel`."""
        return await self._set_cancelled(buyer, cancelled=False)

    async def invoices(self, buyer: Buyer, *, limit: int = 12) -> Sequence[InvoiceObject]:
        """Return the workspace's invoices, newest first, with private links; raises as `portal`."""
        await self._check_buyer(buyer)
        customers = await self._store.read(lambda tx: tx.billing.list_customers(buyer.workspace_id))
        found = [item for one in customers for item in await self._gateway.list_invoices(one.id, limit=limit)]
        return sorted(found, key=lambda item: item.created, reverse=True)[:limit]

    async def invoice_link(self, buyer: Buyer, invoice_id: str) -> Link:
        """Return the private page of one invoice, such as one that could not be paid.

        Raises:
            NotABuyer: If they may not, or the invoice is another workspace's.
            BillingUnavailable: If Stripe does not answer.
        """
        await self._check_buyer(buyer)
        invoice = await self._gateway.find_invoice(invoice_id)
        customers = await self._store.read(lambda tx: tx.billing.list_customers(buyer.workspace_id))
        if invoice is None or invoice.customer not in {item.id for item in customers}:
            raise NotABuyer(buyer.workspace_id)
        return Link(invoice.hosted_invoice_url)

    async def sync(self, workspace_id: str) -> int:
        """Take everything that Stripe knows of a workspace, as if each webhook came now; return how much granted.

        Raises:
            BillingUnavailable: If Stripe does not answer.
        """
        return await self._syncer.sync(workspace_id)

    async def confirm(self, stripe_id: str) -> bool:
        """Take what was paid on a page that somebody comes back from, without waiting for the webhook.

        Whoever guesses an address gains nothing: only pages that we opened, and that are still open here, are asked for.
        """
        intent = await self._store.read(lambda tx: tx.billing.find_checkout_by_stripe(stripe_id))
        if intent is None or intent.state not in {CheckoutState.OPEN, CheckoutState.PENDING}:
            return False
        try:
            outcome = await self._fulfilment.checkout(stripe_id)
        except (Contradiction, NotOurs) as error:
            _log.error("checkout_contradicts", checkout=intent.id, reason=str(error))
            return False
        if outcome.granted:
            await self._fulfilment.wake()
        return outcome.granted

    async def ask_admin(
        self, workspace_id: str, member_id: str, *, need_microcredits: int, session_id: str, plan: str = ""
    ) -> bool:
        """Tell those who may buy that somebody needs credits; False if they were told for this session today.

        Args:
            workspace_id: Whose they would be.
            member_id: Who needs them.
            need_microcredits: How many are missing; 0 if nobody knows.
            session_id: The session that lacks them; empty for none.
            plan: Key of the plan that is needed instead, empty for none.
        """
        now = self._clock.now()
        key = self._ask_key(member_id, session_id, plan)
        return await self._store.write(
            lambda tx: tell(
                tx,
                NoticeKind.ASK_ADMIN,
                key,
                workspace_id=workspace_id,
                now=now,
                asked_by=member_id,
                need_microcredits=need_microcredits,
                session=session_id,
                plan=plan,
            )
        )

    async def find_asked(self, member_id: str, *, session_id: str, plan: str = "") -> Notice | None:
        """Return what those who may buy hear today because of `ask_admin`; None if nobody asked."""
        key = self._ask_key(member_id, session_id, plan)
        return await self._store.read(lambda tx: tx.billing.find_notice(key))

    async def mark_told(self, notice: Notice) -> bool:
        """Remember that a notice was told by somebody else than the scheduler; False if it was told before."""
        now = self._clock.now()
        return await self._store.write(lambda tx: tx.billing.mark_sent(notice.key, now))

    def _ask_key(self, member_id: str, session_id: str, plan: str) -> str:
        wall = f":{plan}" if plan else ""
        return f"ask:{session_id or member_id}{wall}:{self._clock.now():%Y%m%d}"

    async def _set_cancelled(self, buyer: Buyer, *, cancelled: bool) -> Subscription:
        await self._check_buyer(buyer)
        live = await self._live_subscription(buyer.workspace_id)
        if live is None:
            raise NoSubscription(buyer.workspace_id)
        try:
            await self._gateway.set_cancelled(live.id, cancelled=cancelled)
        except BillingRefused as error:
            # it ended while nobody told us
            await self._fulfilment.subscription(live.id)
            if await self._live_subscription(buyer.workspace_id) is None:
                raise NoSubscription(buyer.workspace_id) from error
            raise
        await self._fulfilment.subscription(live.id)
        action = "subscription_cancelled" if cancelled else "subscription_reactivated"
        await self._store.write(lambda tx: record(tx, buyer, action, clock=self._clock, subscription=live.id))
        return await self._live_subscription(buyer.workspace_id) or live

    async def _live_subscription(self, workspace_id: str) -> Subscription | None:
        return await self._store.read(lambda tx: find_live_subscription(tx, workspace_id))

    async def _check_buyer(self, buyer: Buyer) -> None:
        if not await self.may_buy(buyer):
            raise NotABuyer(buyer.workspace_id)

    def _check_sells(self) -> None:
        if not self.is_open:
            raise NothingSold("nothing is for sale here")
