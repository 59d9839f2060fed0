"""One payment page a workspace and product, whoever asks for it, how often, and whatever died in between."""

from dataclasses import replace

import structlog

from core.billing.buyers import Buyer, Link, find_live_customer, find_live_subscription, may_buy, record
from core.billing.catalogue import Product
from core.billing.errors import (
    AlreadySubscribed,
    BillingRefused,
    BillingUnavailable,
    NotABuyer,
    PaymentPending,
    PurchasesFrozen,
)
from core.billing.fulfilment import Fulfilment
from core.billing.model import Checkout, CheckoutState, Customer
from core.billing.objects import CheckoutObject, CustomerObject
from core.billing.ports import BillingStore, BillingTransaction, Gateway
from core.clock import Clock
from core.errors import ConflictError
from core.ids import new_id

_log = structlog.get_logger(__name__)
_TRIES = 5


class Checkouts:
    """Opens payment pages."""

    def __init__(self, *, store: BillingStore, gateway: Gateway, fulfilment: Fulfilment, clock: Clock) -> None:
        self._store = store
        self._gateway = gateway
        self._fulfilment = fulfilment
        self._clock = clock

    async def open(self, buyer: Buyer, product: Product, *, quantity: int, session_id: str) -> Link:
        """Open a page, or return the one that is open.

        Each try begins with what is stored. A page that turns out to be over frees the slot for the next try. A process
        that died after it asked Stripe is followed by one that asks with the same key, and gets the same page.

        Raises:
            NotABuyer, PurchasesFrozen, PaymentPending, AlreadySubscribed: See `core.billing.service`.
            BillingUnavailable, BillingRefused: If Stripe does not answer, or refuses.
        """
        for _ in range(_TRIES):
            customer = await self._customer(buyer.workspace_id)
            wanted = Checkout(
                id=new_id("co"),
                workspace_id=buyer.workspace_id,
                slot=product.slot,
                product=product.key,
                quantity=quantity,
                member_id=buyer.member_id,
                customer_id=customer.id,
                price_id=product.price_id,
                created_at=self._clock.now(),
                session_id=session_id,
            )
            intent = await self._store.write(lambda tx, one=wanted: self._take_slot(tx, buyer, one))  # type: ignore[misc]
            try:
                page = await self._page(intent, recurring=product.is_plan, is_new=intent.id == wanted.id)
            except BillingRefused as error:
                await self._refused(intent, error, is_new=intent.id == wanted.id)
                continue
            except BillingUnavailable as error:
                if error.is_kept and intent.stripe_id is None:
                    # nobody has the address of such a page, and its key would fail for ever
                    await self._end(intent)
                raise
            if page.status != "open":
                await self._is_over(intent, page, product)
            elif _same(intent, wanted):
                if await self._store.write(lambda tx, one=intent, found=page: _store_open(tx, one, found.id)):  # type: ignore[misc]
                    return Link(page.url, intent.product, page.expires_at, reused=intent.id != wanted.id)
            elif await self._gateway.expire_checkout(page.id):
                # the slot is wanted for another product, or another number of it
                await self._end(intent)
        raise ConflictError(f"no page could be opened for {buyer.workspace_id}")

    def _take_slot(self, tx: BillingTransaction, buyer: Buyer, wanted: Checkout) -> Checkout:
        """Return the intent that has the slot: *wanted*, or the one before it."""
        tx.credits.lock_account(buyer.workspace_id)
        if not may_buy(tx, buyer):
            raise NotABuyer(buyer.workspace_id)
        if any(take.is_undecided for take in tx.billing.list_takes(buyer.workspace_id)):
            raise PurchasesFrozen(buyer.workspace_id)
        if tx.billing.add_checkout(wanted):
            record(tx, buyer, "checkout_opened", clock=self._clock, product=wanted.product)
            return wanted
        taken = tx.billing.find_open_checkout(buyer.workspace_id, wanted.slot)
        if taken is None:
            raise ConflictError(f"the slot {wanted.slot} of {buyer.workspace_id} was taken and freed at once")
        if taken.state is CheckoutState.PENDING:
            raise PaymentPending(taken.product)
        if buyer.member_id in taken.told_ids or not _same(taken, wanted):
            return taken
        # whoever opened it stays the first: whose request makes the page must not change under a repeat
        shared = replace(taken, also_ids=(*taken.also_ids, buyer.member_id))
        tx.billing.save_checkout(shared)
        record(tx, buyer, "checkout_opened", clock=self._clock, product=taken.product)
        return shared

    async def _page(self, intent: Checkout, *, recurring: bool, is_new: bool) -> CheckoutObject:
        """Return the page of an intent as it is now."""
        if intent.stripe_id is None:
            page = await self._gateway.create_checkout(intent, recurring=recurring)
            if is_new:
                return page
            stripe_id = page.id  # what comes back for a key that was used is the answer of then
        else:
            stripe_id = intent.stripe_id
        found = await self._gateway.find_checkout(stripe_id)
        if found is None:
            raise BillingRefused(f"{stripe_id} is gone", code="resource_missing")
        return found

    async def _refused(self, intent: Checkout, error: BillingRefused, *, is_new: bool) -> None:
        """Give an intent up that Stripe does not take.

        An old one may ask for what has changed since: the price, the settings, the time. A new one is refused when the
        customer was deleted and nobody told us; anything else is raised.
        """
        _log.warning("checkout_refused", checkout=intent.id, code=error.code, param=error.param)
        await self._end(intent)
        if error.param == "customer":
            await self._fulfilment.customer(intent.customer_id)
        elif is_new:
            raise error

    async def _is_over(self, intent: Checkout, page: CheckoutObject, product: Product) -> None:
        """Take what became of a page; return if the slot is free now."""
        outcome = await self._fulfilment.checkout(page.id)
        if outcome.granted:
            await self._fulfilment.wake()
        after = await self._store.read(lambda tx: tx.billing.find_checkout(intent.id))
        if after is not None and after.state is CheckoutState.PENDING:
            raise PaymentPending(intent.product)
        live = await self._store.read(lambda tx: find_live_subscription(tx, intent.workspace_id))
        if product.is_plan and live is not None:
            raise AlreadySubscribed(live.tier)

    async def _end(self, intent: Checkout) -> None:
        def work(tx: BillingTransaction) -> None:
            tx.credits.lock_account(intent.workspace_id)
            current = tx.billing.find_checkout(intent.id)
            if current is not None and current.state in {CheckoutState.CREATING, CheckoutState.OPEN}:
                tx.billing.save_checkout(replace(current, state=CheckoutState.EXPIRED))

        await self._store.write(work)

    async def _customer(self, workspace_id: str) -> Customer:
        """Return Stripe's customer of a workspace, made once however many ask at once.

        The key counts the customers before, so that a repeat after a crash finds the same one, and a workspace whose
        customer was deleted gets another.
        """
        customers = await self._store.read(lambda tx: tx.billing.list_customers(workspace_id))
        live = [customer for customer in customers if customer.deleted_at is None]
        if live:
            return live[0]
        made = await self._new_customer(workspace_id, f"cust:{workspace_id}:{len(customers)}")
        now = self._clock.now()

        def work(tx: BillingTransaction) -> Customer:
            tx.credits.lock_account(workspace_id)
            tx.billing.add_customer(Customer(made.id, workspace_id, now))
            found = find_live_customer(tx, workspace_id)
            if found is None:
                raise ConflictError(f"the customer {made.id} was deleted at once")
            return found

        return await self._store.write(work)

    async def _new_customer(self, workspace_id: str, key: str) -> CustomerObject:
        try:
            return await self._gateway.create_customer(workspace_id, key=key)
        except BillingUnavailable as error:
            if not error.is_kept:
                raise
            return await self._gateway.create_customer(workspace_id, key=f"{key}:again")


def _same(one: Checkout, other: Checkout) -> bool:
    return (one.product, one.quantity, one.price_id) == (other.product, other.quantity, other.price_id)


def _store_open(tx: BillingTransaction, intent: Checkout, stripe_id: str) -> bool:
    """Remember the page and return whether it may be given away: not if its intent was given up meanwhile."""
    tx.credits.lock_account(intent.workspace_id)
    current = tx.billing.find_checkout(intent.id)
    if current is not None and current.state is CheckoutState.CREATING:
        tx.billing.save_checkout(replace(current, state=CheckoutState.OPEN, stripe_id=stripe_id))
        return True
    return current is not None and current.state is CheckoutState.OPEN
