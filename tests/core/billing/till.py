"""A whole shop for tests: our billing on one side, the local Stripe on the other, webhooks over a real socket between."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

from bots.http.stripe import DONE_PATH, WEBHOOK_PATH, stripe_routes
from core.billing.buyers import Buyer
from core.billing.catalogue import make_catalogue
from core.billing.model import BillingDifference, Notice, NoticeKind
from core.billing.overview import BillingReader
from core.billing.ports import BillingStore, BillingTransaction, Wake
from core.billing.shop import Shop, open_shop
from core.billing.stripe_gateway import StripeConfig
from core.credits.model import Balance
from core.credits.service import Ledger
from core.credits.tiers import load_price_list
from core.money import MICROCREDITS_PER_CREDIT
from core.workspaces.model import Member, Workspace
from tests.fakes.clock import FakeClock
from tests.fakes.stripe.local import LocalStripe

T = TypeVar("T")
PRICES = load_price_list()
W = "slack:T1"
ANN = Buyer(W, f"{W}/ANN", is_admin=True)
BEN = Buyer(W, f"{W}/BEN")
PACK = PRICES.packs[0].credits
STARTER = PRICES.tier("starter").credits_month
PRO = PRICES.tier("pro").credits_month
FREE = PRICES.tier("free").credits_month


@dataclass
class Till:
    """Everything at hand.

    Attributes:
        woken: How often sessions were told that there are credits.
    """

    stripe: LocalStripe
    store: BillingStore
    clock: FakeClock
    ledger: Ledger
    shop: Shop
    base: str
    woken: list[None] = field(default_factory=list)

    @property
    def reader(self) -> BillingReader:
        return BillingReader(
            store=self.store, prices=PRICES, ledger=self.ledger, clock=self.clock, catalogue=self.shop.catalogue
        )

    async def deliver(self) -> None:
        """Send every webhook, and return when what follows from them is done."""
        await self.stripe.deliver()
        await self.shop.intake.settle()

    async def pay(self, url: str, **buyer: object) -> None:
        """Pay on a page, and let the webhooks come."""
        self.stripe.pay(url, **buyer)
        await self.deliver()

    async def subscribe(self, tier: str = "starter") -> str:
        """Take a plan and return the subscription's id."""
        await self.pay((await self.shop.service.upgrade(ANN, tier)).url)
        return str(self.stripe.all("subscription")[-1]["id"])

    async def buy_pack(self, quantity: int = 1) -> str:
        """Buy credits and return the id of the page that was paid."""
        await self.pay((await self.shop.service.buy(ANN, quantity=quantity)).url)
        return str(self.stripe.all("checkout.session")[-1]["id"])

    async def pass_days(self, days: float) -> None:
        """Let days pass and everything happen that comes with them."""
        self.stripe.advance(days=days)
        await self.deliver()
        await self.store.write(lambda tx: self.ledger.expire_due(tx.credits))

    async def use(self, credits_: int, *, workspace_id: str = W) -> None:
        """Charge work."""

        def work(tx: BillingTransaction) -> None:
            account = tx.credits.lock_account(workspace_id)
            name = f"turn{account.seq}"
            self.ledger.hold(
                tx.credits, hold_id=name, workspace_id=workspace_id, session_id="", amount_microcredits=0, seconds=60
            )
            amount = credits_ * MICROCREDITS_PER_CREDIT
            self.ledger.settle(tx.credits, hold_id=name, amount_microcredits=amount, actor="session")

        await self.store.write(work)

    async def read(self, work: Callable[[BillingTransaction], T]) -> T:
        return await self.store.read(work)

    async def balance(self, workspace_id: str = W) -> Balance:
        """Return the balance, after the ledger was added up again."""

        def work(tx: BillingTransaction) -> Balance:
            assert self.ledger.check(tx.credits, workspace_id) == ()
            return self.ledger.balance(tx.credits, workspace_id)

        return await self.store.read(work)

    async def credits(self, workspace_id: str = W) -> float:
        """Return what is posted, in credits; below 0 for debt."""
        return (await self.balance(workspace_id)).posted_microcredits / MICROCREDITS_PER_CREDIT

    async def reconcile(self) -> tuple[BillingDifference, ...]:
        """Return what we and Stripe differ in."""
        return await self.shop.reconciler.compare()

    async def tier(self, workspace_id: str = W) -> str:
        workspace = await self.store.read(lambda tx: tx.workspaces.find(workspace_id))
        assert workspace is not None
        return workspace.tier

    async def notices(self, *kinds: NoticeKind) -> list[Notice]:
        """Return what nobody has told yet, oldest first."""
        found = await self.store.read(lambda tx: tx.billing.list_open_notices(limit=1_000))
        return [item for item in found if not kinds or item.kind in kinds]

    async def add_workspace(self, workspace_id: str, tier: str = "free") -> None:
        now = self.clock.now()
        await self.store.write(
            lambda tx: tx.workspaces.save(Workspace(workspace_id, workspace_id.partition(":")[0], "A team", now, tier))
        )

    async def add_member(self, buyer: Buyer, *, is_buyer: bool = False, is_blocked: bool = False) -> None:
        now = self.clock.now()
        member = Member(
            buyer.member_id,
            buyer.workspace_id,
            buyer.member_id.rpartition("/")[2],
            "Somebody",
            now,
            is_buyer=is_buyer,
            is_blocked=is_blocked,
        )
        await self.store.write(lambda tx: tx.workspaces.save_member(member))


@asynccontextmanager
async def open_till(
    store: BillingStore,
    clock: FakeClock,
    *,
    may_sell: bool = True,
    off_cents: int = 0,
    currency: str = "usd",
    then: Wake | None = None,
) -> AsyncIterator[Till]:
    """Open a shop with three prices, and a workspace of the free tier.

    Args:
        store: The database.
        clock: Everybody's time.
        may_sell: See `core.billing.service.BillingService`.
        off_cents: What Stripe's prices differ by from ours.
        currency: Of Stripe's prices.
        then: Called after sessions were told that there are credits.
    """
    async with LocalStripe(clock) as stripe:
        cents = {tier.key: tier.price_cents_month + off_cents for tier in PRICES.sold()}
        starter = stripe.add_price("Starter", cents["starter"], interval="month", currency=currency)
        pro = stripe.add_price("Pro", cents["pro"], interval="month", currency=currency)
        pack = stripe.add_price("1,000 credits", PRICES.packs[0].price_cents + off_cents, currency=currency)
        ledger = Ledger(clock)
        woken: list[None] = []

        async def wake() -> None:
            woken.append(None)
            if then is not None:
                await then()

        app = web.Application()
        runner = web.AppRunner(app)
        shop = open_shop(
            StripeConfig(secret_key=stripe.test_key, api_url=stripe.url, done_url="https://atelier.test/billing/done"),
            make_catalogue(PRICES, starter=starter["id"], pro=pro["id"], credit=pack["id"]),
            store=store,
            ledger=ledger,
            clock=clock,
            wake=wake,
            webhook_secrets=["whsec_old", "whsec_local"],
            may_sell=may_sell,
        )
        app.router.add_routes(stripe_routes(shop.intake, shop.service))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        base = f"http://{host}:{port}"
        stripe.webhooks.url = base + WEBHOOK_PATH
        till = Till(stripe, store, clock, ledger, shop, base, woken)
        await till.add_workspace(W)
        try:
            yield till
        finally:
            await runner.cleanup()
            await shop.aclose()


__all__ = ["ANN", "BEN", "DONE_PATH", "FREE", "PACK", "PRO", "STARTER", "Till", "W", "open_till"]
