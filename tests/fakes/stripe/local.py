"""A Stripe of our own on 127.0.0.1, for the unmodified stripe SDK.

``LocalStripe`` is the server with what people do in it (`pay`, `settle`, ...) and what one can see in it afterwards.
"""

from types import TracebackType
from typing import Any, Self

from aiohttp import web

from core.clock import Clock, SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.stripe import buying
from tests.fakes.stripe.api import Api
from tests.fakes.stripe.buying import Buyer
from tests.fakes.stripe.catalogue_methods import new_price, new_product
from tests.fakes.stripe.faults import Faults
from tests.fakes.stripe.model import Json
from tests.fakes.stripe.pages import Pages
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
        **more: Any,
    ) -> Json:
        """Put a product with one price into the shop, recurring when there is an interval; return the price."""
        product = new_product(self.world, livemode=livemode, name=name)
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
        return buying.pay(self.world, self._session(session), Buyer(**buyer))

    def settle(self, session: str, *, succeeds: bool = True) -> None:
        """End the bank debit that a completed session waits for."""
        buying.settle(self.world, self._session(session), succeeds=succeeds)

    def _session(self, given: str) -> Json:
        return self.world.of(given.rpartition("/")[2])

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
