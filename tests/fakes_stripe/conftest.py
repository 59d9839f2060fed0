"""A local Stripe with a small shop, and the SDK's own client of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import stripe
from aiohttp import web

from tests.fakes.clock import FakeClock
from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import API_VERSION, Json
from tests.fakes_stripe.listening import Listener


@pytest.fixture
async def local(clock: FakeClock) -> AsyncIterator[LocalStripe]:
    """A Stripe whose time a test moves."""
    async with LocalStripe(clock) as local:
        yield local


@pytest.fixture
async def client(local: LocalStripe) -> AsyncIterator[stripe.StripeClient]:
    """The SDK's client as the product makes it, without retries."""
    http = stripe.AIOHTTPClient(timeout=10)
    yield client_of(local, http)
    await http.close_async()  # type: ignore[no-untyped-call]


def client_of(local: LocalStripe, http: stripe.AIOHTTPClient, key: str = "", retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(
        key or local.test_key,
        base_addresses={"api": local.url},
        http_client=http,
        stripe_version=API_VERSION,
        max_network_retries=retries,
    )


@dataclass(frozen=True)
class Shop:
    """Two plans and a pack."""

    starter: Json
    pro: Json
    pack: Json


@pytest.fixture
def shop(local: LocalStripe) -> Shop:
    """What is sold in most tests."""
    return Shop(
        local.add_price("Starter", 2900, interval="month"),
        local.add_price("Pro", 7900, interval="month"),
        local.add_price("1,000 credits", 1000),
    )


@pytest.fixture
async def app(local: LocalStripe) -> AsyncIterator[Listener]:
    """An app that takes this Stripe's webhooks."""
    listener = Listener()
    application = web.Application()
    application.router.add_post("/stripe/webhook", listener.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    listener.url = local.webhooks.url = f"http://{host}:{port}/stripe/webhook"
    yield listener
    await runner.cleanup()
