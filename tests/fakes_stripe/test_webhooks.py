"""Deliveries: signed as Stripe signs, and as late, often and broken as a test wants them."""

import random

import pytest
import stripe

from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.webhooks import Damage
from tests.fakes_stripe.listening import Listener

pytestmark = pytest.mark.loopback


async def test_what_happens_is_delivered_signed_and_in_order(local: LocalStripe, app: Listener) -> None:
    """Each event arrives once, with the signature that the SDK accepts; then there is nothing more."""
    local.add_price("Pack", 1000)
    made = await local.deliver()
    assert [one.status for one in made] == [200, 200]
    assert app.types == ["product.created", "price.created"]
    assert await local.deliver() == []
    event = app.taken[0]
    assert (event["object"], event["livemode"], event["api_version"]) == ("event", False, stripe.api_version)


async def test_nothing_is_delivered_without_an_address(local: LocalStripe) -> None:
    """Without an endpoint, events wait."""
    local.add_price("Pack", 1000)
    assert await local.deliver() == []
    assert len(local.webhooks.pending) == 2


async def test_what_the_app_refuses_comes_again_when_asked(local: LocalStripe, app: Listener) -> None:
    """An answer outside of 2xx keeps the event for `retry`."""
    app.statuses = [500]
    local.add_price("Pack", 1000)
    await local.deliver()
    assert app.types == ["price.created"]
    assert [one.status for one in await local.webhooks.retry()] == [200]
    assert app.types == ["price.created", "product.created"]
    assert local.webhooks.failed == []


async def test_held_delayed_dropped_and_doubled(local: LocalStripe, app: Listener) -> None:
    """The hands do what they say."""
    local.webhooks.hold("price.*")
    local.add_price("Pack", 1000)
    local.webhooks.duplicate("product.created", times=2)
    await local.deliver()
    assert app.types == ["product.created"] * 3
    local.webhooks.release()
    local.webhooks.delay(60, "price.created")
    assert await local.deliver() == []
    local.advance(60)
    await local.deliver()
    assert app.types[-1] == "price.created"
    local.add_price("Other", 1)
    assert [one["type"] for one in local.webhooks.drop("product.*")] == ["product.created"]
    await local.deliver()
    assert app.types[-2:] == ["price.created", "price.created"]


async def test_the_order_can_be_any(local: LocalStripe, app: Listener) -> None:
    """Backwards, shuffled by a seed, or sorted."""
    local.add_price("Pack", 1000)
    local.webhooks.reorder()
    await local.deliver()
    assert app.types == ["price.created", "product.created"]
    local.add_price("Other", 1)
    local.webhooks.reorder(lambda event: str(event["type"]))
    local.webhooks.reorder(random.Random(1))  # noqa: S311 - an order, no secret
    assert len(await local.deliver()) == 2


@pytest.mark.parametrize("damage", list(Damage), ids=lambda one: one.value)
async def test_a_damaged_delivery_is_refused_and_whole_when_it_comes_again(
    local: LocalStripe, app: Listener, damage: Damage
) -> None:
    """Every damage is one that a careful app refuses."""
    local.add_price("Pack", 1000)
    local.webhooks.damage(damage, "price.created")
    await local.deliver()
    assert app.types == ["product.created"]
    await local.webhooks.retry()
    assert app.types == ["product.created", "price.created"]


async def test_secrets_that_are_rotated_sign_together(local: LocalStripe, app: Listener) -> None:
    """While two secrets live, either of them verifies."""
    local.webhooks.secrets = ["whsec_new", "whsec_local"]
    local.add_price("Pack", 1000)
    assert [one.status for one in await local.deliver()] == [200, 200]
    app.secret = "whsec_new"
    assert (await local.webhooks.send(local.events()[0])).status == 200
    local.webhooks.secrets = ["whsec_local"]
    assert (await local.webhooks.send(local.events()[0])).status == 400


async def test_any_bytes_and_any_time_can_be_signed(local: LocalStripe, app: Listener) -> None:
    """What is signed well arrives, whatever it is; the time is the test's."""
    attempt = await local.webhooks.post(b'{"type": "made.up"}', timestamp=17)
    assert attempt.status == 200
    assert attempt.signature.startswith("t=17,v1=")
    assert app.taken == [{"type": "made.up"}]


async def test_an_app_that_is_away_is_an_attempt_without_a_status(local: LocalStripe, free_port: int) -> None:
    """A refused connection is written down and can be tried again."""
    local.webhooks.url = f"http://127.0.0.1:{free_port}/"
    local.add_price("Pack", 1000)
    assert [one.status for one in await local.deliver()] == [0, 0]
    assert len(local.webhooks.failed) == 2
