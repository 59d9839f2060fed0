"""Ways of the app that many tests take."""

from typing import Any

import stripe
from stripe.checkout import Session

from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Json

DONE = "https://app.test/billing/done?session={CHECKOUT_SESSION_ID}"


async def checkout(client: stripe.StripeClient, price: Json, **more: Any) -> Session:
    """Make a session for one price."""
    params: Any = {
        "mode": "subscription" if price["recurring"] else "payment",
        "line_items": [{"price": price["id"], "quantity": 1}],
        "success_url": DONE,
        **more,
    }
    return await client.v1.checkout.sessions.create_async(params)


async def customer(client: stripe.StripeClient) -> str:
    """Make a customer and return its id."""
    made = await client.v1.customers.create_async({"email": "ann@north.test", "name": "North"})
    return made.id


async def subscribe(local: LocalStripe, client: stripe.StripeClient, price: Json, **more: Any) -> stripe.Subscription:
    """Buy a plan with a card that works and return the subscription."""
    session = await checkout(client, price, customer=await customer(client), **more)
    local.pay(session.id)
    found = await client.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["subscription"]})
    assert isinstance(found.subscription, stripe.Subscription)
    return found.subscription


def types(local: LocalStripe, since: int = 0) -> list[str]:
    """Return the types of all events after the first *since*."""
    return [event["type"] for event in local.events()[since:]]
