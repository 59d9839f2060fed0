"""A Stripe of our own on 127.0.0.1, for the unmodified stripe SDK.

``LocalStripe`` is the server with what people do in it (`pay`, `settle`, ...) and what one can see in it afterwards.
"""

from types import TracebackType
from typing import Any, Self

from aiohttp import web

from core.clock import Clock, SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.stripe import buying, invoicing, portal, refunding
from tests.fakes.stripe.api import Api
from tests.fakes.stripe.buying import Buyer
from tests.fakes.stripe.catalogue_methods import new_price, new_product
from tests.fakes.stripe.faults import Faults
from tests.fakes.stripe.model import Card, Json, PageRefusal
from tests.fakes.stripe.pages import Pages
from tests.fakes.stripe.portal import PortalPage
from tests.fakes.stripe.webhooks import Attempt, Webhooks
from tests.fakes.stripe.world import World

_DAY = 24 * 3600


class LocalStripe:
    """The server.

    Args:
        clock: Its time. Sessions expire and subscriptions renew by it: whatever is due happens before the next request,
            hand or delivery, each matter dated at its own moment.

    Attributes:
        world: What there is, and how the account is set up.
        faults: What goes wrong.
        api: The log of calls.
        webhooks: The way to the app.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.world = World(clock or SystemClock())
        self.faults = Faults()
        self.api = Api(self.world, self.faults)
        self.webhooks = Webhooks(self.world)
        self._pages = Pages(self.world)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address that STRIPE_API_URL takes."""
        return self.world.base

    @property
    def test_key(self) -> str:
        """A right secret key of test mode."""
        return "sk_test_local"

    @property
    def live_key(self) -> str:
        """A right secret key of live mode."""
        return "sk_live_local"

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        app = web.Application()
        app.router.add_route("*", "/v1/{rest:.+}", self.api.answer)
        self._pages.add_to(app)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.world.base = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening; what hangs ends."""
        self.faults.released.set()
        await self.webhooks.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # The shop.

    def add_price(
        self,
        name: str,
        unit_amount: int,
        *,
        currency: str = "usd",
        interval: str = "",
        livemode: bool = False,
        descriptor: str | None = "ATELIER PLAN",
        **more: Any,
    ) -> Json:
        """Put a product with one price into the shop, recurring when there is an interval; return the price."""
        product = new_product(self.world, livemode=livemode, name=name, statement_descriptor=descriptor)
        recurring = {"interval": interval} if interval else None
        return new_price(
            self.world, product=product, unit_amount=unit_amount, currency=currency, recurring=recurring, **more
        )

    # What people do.

    def pay(self, session: str, **buyer: Any) -> str:
        """Press "Pay" on a checkout page, named by its id or address; return where the browser goes.

        Args:
            session: The session's id or url.
            buyer: Fields of `Buyer`: ``card``, ``email``, ``name``, ``business``, ``country``, ``tax_id``, ``fields``.

        Raises:
            PageRefusal: If the page is used or expired, a field is missing, or the card is declined.
        """
        return buying.pay(self.world, self._page("checkout.session", session), Buyer(**buyer))

    def settle(self, session: str, *, succeeds: bool = True) -> None:
        """End the bank debit that a completed session waits for."""
        buying.settle(self.world, self._page("checkout.session", session), succeeds=succeeds)

    def _page(self, kind: str, given: str) -> Json:
        """Return what a page is about, named by its id or address."""
        found = self.world.objects.get(given.rpartition("/")[2])
        if found is None or found["object"] != kind:
            raise PageRefusal(f"{given} is no page of a {kind}")
        return found

    def portal(self, session: str) -> PortalPage:
        """Open the billing portal by a session's id or url: it can `cancel`, `keep`, `change_plan`, `update_card`.

        Raises:
            PageRefusal: If the link is older than five minutes.
        """
        return portal.opened(self.world, self._page("billing_portal.session", session))

    def set_card(self, customer: str, card: Card) -> None:
        """Let a customer's card behave in some way from now on, without their doing anything."""
        self.world.cards[customer] = card

    def pay_invoice(self, invoice: str, card: Card = Card.OK) -> bool:
        """Pay an open invoice, named by its id or hosted url; return whether it is paid."""
        self.world.catch_up()
        return portal.pay_invoice(self.world, self._page("invoice", invoice), card)

    # What the owner does in the Dashboard, and banks do.

    def charge_of(self, given: str) -> Json:
        """Return the charge of a charge, payment intent, invoice or checkout session."""
        found = self.world.of(given)
        match found["object"]:
            case "charge":
                return found
            case "payment_intent":
                return self.world.of(found["latest_charge"])
            case "invoice":
                intents = [one["payment"]["payment_intent"] for one in invoicing.payments_of(self.world, found)]
                return self.charge_of(intents[0])
            case _:
                return self.charge_of(found["payment_intent"] or found["invoice"])

    def refund(self, of: str, amount: int | None = None, *, reason: str = "requested_by_customer") -> Json:
        """Give back what was paid, whole or in part; return the refund.

        It is pending while `World.refunds_settle` is False.
        """
        self.world.catch_up()
        return refunding.refund(self.world, self.charge_of(of), amount, reason=reason, metadata={})

    def end_refund(self, refund: str, *, succeeds: bool) -> None:
        """Say how a pending refund ends, or that one that had succeeded came back."""
        refunding.end_refund(self.world, self.world.of(refund), succeeds=succeeds)

    def dispute(
        self, of: str, amount: int | None = None, *, reason: str = "fraudulent", is_warning: bool = False
    ) -> Json:
        """Let a buyer's bank dispute what was paid; a warning (an inquiry) moves no money. Return the dispute."""
        self.world.catch_up()
        return refunding.dispute(self.world, self.charge_of(of), amount, reason=reason, is_warning=is_warning)

    def close_dispute(self, dispute: str, *, won: bool) -> None:
        """Let the bank decide."""
        refunding.close_dispute(self.world, self.world.of(dispute), won=won)

    def warn_of_fraud(self, of: str) -> Json:
        """Let the card's network say that what was paid may be fraud; return the warning."""
        return refunding.warn_of_fraud(self.world, self.charge_of(of))

    def advance(self, seconds: float = 0, *, days: float = 0) -> None:
        """Let time pass on the clock that was given, and do what is due.

        Raises:
            TypeError: If that clock is one that no test moves.
        """
        if not isinstance(self.world.clock, FakeClock):
            raise TypeError("only a FakeClock can be advanced")
        self.world.clock.move(seconds + days * _DAY)
        self.world.catch_up()

    # What is seen.

    def events(self, *types: str) -> list[Json]:
        """Return every event, or those of some types, oldest first."""
        found = [one for one in self.world.objects.values() if one["object"] == "event"]
        return [one for one in found if not types or one["type"] in types]

    def all(self, kind: str, *, livemode: bool = False) -> list[Json]:
        """Return every object of a kind, oldest first: ``subscription``, ``checkout.session``, ..."""
        self.world.catch_up()
        return self.world.every(kind, livemode=livemode)

    async def deliver(self) -> list[Attempt]:
        """Do what is due and send all webhooks that may go, in order; return what was tried."""
        self.world.catch_up()
        return await self.webhooks.deliver()
