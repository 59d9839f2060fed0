"""The API's front door: keys, parameters, idempotency, lists, expansion, and what goes wrong on the way."""

import asyncio
from typing import Any

import pytest
import stripe

from tests.fakes.clock import FakeClock
from tests.fakes.stripe.faults import Trouble
from tests.fakes.stripe.local import LocalStripe
from tests.fakes_stripe.buying import checkout, customer
from tests.fakes_stripe.conftest import Shop, client_of
from tests.waiting import until

pytestmark = pytest.mark.loopback


async def test_the_key_says_the_mode_and_modes_never_meet(local: LocalStripe, client: stripe.StripeClient) -> None:
    """What a live key makes is live, and a test key does not find it."""
    http = stripe.AIOHTTPClient()
    live = client_of(local, http, local.live_key)
    made = await live.v1.customers.create_async({})
    assert made.livemode
    with pytest.raises(stripe.InvalidRequestError, match="similar object exists in live mode") as caught:
        await client.v1.customers.retrieve_async(made.id)
    assert (caught.value.code, caught.value.http_status) == ("resource_missing", 404)
    assert (await client.v1.customers.list_async()).data == []
    await http.close_async()  # type: ignore[no-untyped-call]


async def test_a_wrong_key_is_401(local: LocalStripe) -> None:
    """A key that nobody has is refused and only its ends are told."""
    http = stripe.AIOHTTPClient()
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_test_\*+rong"):
        await client_of(local, http, "sk_test_wrong").v1.customers.list_async()
    await http.close_async()  # type: ignore[no-untyped-call]


async def test_another_version_of_the_api_is_refused(local: LocalStripe, client: stripe.StripeClient) -> None:
    """The local Stripe speaks the pinned version and no other."""
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        await client.v1.customers.list_async({}, {"stripe_version": "2024-06-20"})
    assert local.api.calls[0].api_version == "2024-06-20"


async def test_another_account_is_refused(client: stripe.StripeClient) -> None:
    """Keys reach their own account only."""
    with pytest.raises(stripe.PermissionError):
        await client.v1.customers.list_async({}, {"stripe_account": "acct_other"})


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"emial": "a@b.test"}, "parameter_unknown", "emial"),
        ({"address": {"town": "x"}}, "parameter_unknown", "address[town]"),
        ({"balance": "much"}, "parameter_invalid_integer", "balance"),
        ({"email": ""}, "parameter_invalid_empty", "email"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
    ],
    ids=["unknown", "nested", "integer", "empty", "word", "long key", "long value"],
)
async def test_wrong_parameters_are_refused_by_name(
    client: stripe.StripeClient, given: Any, code: str | None, param: str
) -> None:
    """What the API does not take is refused as the API words it."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.customers.create_async(given)
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)


async def test_what_is_not_played_is_said_loudly(local: LocalStripe, client: stripe.StripeClient) -> None:
    """A parameter or a path that Stripe knows and the local one does not is no silence."""
    with pytest.raises(stripe.APIError, match="does not simulate the parameter cash_balance"):
        await client.v1.customers.create_async({"cash_balance": {"settings": {"reconciliation_mode": "manual"}}})
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        await client.v1.coupons.list_async()
    assert len(local.api.problems) == 2


async def test_metadata_is_merged_and_unset_by_empty_values(client: stripe.StripeClient) -> None:
    """Keys stay until they are emptied; an empty text empties all."""
    made = await client.v1.customers.create_async({"metadata": {"a": "1", "b": "2"}})
    changed = await client.v1.customers.update_async(made.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    emptied = await client.v1.customers.update_async(made.id, {"metadata": ""})
    assert emptied.metadata is not None
    assert emptied.metadata.to_dict() == {}


async def test_a_key_gives_the_first_answer_again(local: LocalStripe, client: stripe.StripeClient) -> None:
    """Ten requests under one key make one object, and say that they are replays."""
    key: Any = {"idempotency_key": "cust:north"}
    made = [await client.v1.customers.create_async({"name": "N"}, key) for _ in range(10)]
    assert {one.id for one in made} == {made[0].id}
    assert len(local.all("customer")) == 1
    assert [call.outcome for call in local.api.calls] == ["ok"] + ["replayed"] * 9
    assert made[1].last_response is not None
    assert made[1].last_response.headers["Idempotent-Replayed"] == "true"


async def test_a_key_with_other_parameters_is_an_error(client: stripe.StripeClient) -> None:
    """A key belongs to its parameters and its endpoint."""
    key: Any = {"idempotency_key": "k"}
    await client.v1.customers.create_async({"name": "N"}, key)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        await client.v1.customers.create_async({"name": "M"}, key)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await client.v1.products.create_async({"name": "N"}, key)


async def test_a_key_is_forgotten_after_a_day(local: LocalStripe, client: stripe.StripeClient) -> None:
    """After 24 hours the same key makes a new object."""
    key: Any = {"idempotency_key": "k"}
    first = await client.v1.customers.create_async({"name": "N"}, key)
    local.advance(days=1)
    assert (await client.v1.customers.create_async({"name": "N"}, key)).id != first.id


async def test_a_refused_request_does_not_use_its_key_up(client: stripe.StripeClient) -> None:
    """Parameters that are wrong were never executed, so the key is still free."""
    key: Any = {"idempotency_key": "k"}
    wrong: Any = {"nmae": "N"}
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.customers.create_async(wrong, key)
    assert (await client.v1.customers.create_async({"name": "N"}, key)).name == "N"


async def test_an_error_of_the_endpoint_is_kept_under_its_key(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """What was executed and failed fails again under the same key, even when it could succeed by now."""
    key: Any = {"idempotency_key": "k"}
    price = shop.pack["id"]
    await client.v1.prices.update_async(price, {"active": False})
    wanted: Any = {"mode": "payment", "line_items": [{"price": price, "quantity": 1}], "success_url": "https://a.test"}
    for active in (False, True):
        await client.v1.prices.update_async(price, {"active": active})
        with pytest.raises(stripe.InvalidRequestError, match="inactive"):
            await client.v1.checkout.sessions.create_async(wanted, key)


async def test_a_key_in_use_is_409(local: LocalStripe, client: stripe.StripeClient) -> None:
    """While the first request is under way, a second under its key is told so; then it gets the first's answer."""
    key: Any = {"idempotency_key": "k"}
    local.faults.add(Trouble.HANGS, "POST /v1/customers")
    first = asyncio.create_task(client.v1.customers.create_async({"name": "N"}, key))
    await until(lambda: _made_one(local))
    with pytest.raises(stripe.StripeError) as caught:
        await client.v1.customers.create_async({"name": "N"}, key)
    assert caught.value.http_status == 409
    assert caught.value.error is not None
    assert caught.value.error.code == "idempotency_key_in_use"
    local.faults.released.set()
    assert (await first).id == (await client.v1.customers.create_async({"name": "N"}, key)).id


async def _made_one(local: LocalStripe) -> bool:
    return len(local.all("customer")) == 1


async def test_a_lost_answer_is_found_again_under_its_key(local: LocalStripe, client: stripe.StripeClient) -> None:
    """The connection ends after it happened; the same key finds what happened."""
    key: Any = {"idempotency_key": "k"}
    local.faults.add(Trouble.LOST_ANSWER, "POST /v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.customers.create_async({"name": "N"}, key)
    found = await client.v1.customers.create_async({"name": "N"}, key)
    assert [one["id"] for one in local.all("customer")] == [found.id]


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble.LOST_REQUEST, stripe.APIConnectionError),
        (Trouble.RATE_LIMITED, stripe.RateLimitError),
        (Trouble.LOCK_TIMEOUT, stripe.RateLimitError),
        (Trouble.UNAVAILABLE, stripe.APIError),
        (Trouble.SERVER_ERROR, stripe.APIError),
        (Trouble.GARBAGE, stripe.APIError),
    ],
    ids=lambda one: getattr(one, "value", getattr(one, "__name__", "")),
)
async def test_troubles_before_anything_happened(
    local: LocalStripe, client: stripe.StripeClient, trouble: Trouble, error: type[stripe.StripeError]
) -> None:
    """Each trouble is the SDK's own error, nothing is made, and the next request passes."""
    fault = local.faults.add(trouble, "POST /v1/customers")
    with pytest.raises(error):
        await client.v1.customers.create_async({})
    assert (fault.hits, local.all("customer")) == (1, [])
    await client.v1.customers.create_async({})


async def test_500_after_it_happened_stays_500_under_its_key(local: LocalStripe, client: stripe.StripeClient) -> None:
    """As with Stripe, the answer that is kept is the error."""
    key: Any = {"idempotency_key": "k"}
    local.faults.add(Trouble.ERROR_AFTER)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await client.v1.customers.create_async({}, key)
    assert len(local.all("customer")) == 1


async def test_pages_in_both_directions(local: LocalStripe, client: stripe.StripeClient) -> None:
    """Newest first; cursors are exclusive; a page going backwards is the nearest one."""
    made = [(await client.v1.customers.create_async({"name": str(number)})).id for number in range(5)][::-1]
    first = await client.v1.customers.list_async({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2], True)
    second = await client.v1.customers.list_async({"limit": 2, "starting_after": made[1]})
    assert ([one.id for one in second.data], second.has_more) == (made[2:4], True)
    back = await client.v1.customers.list_async({"limit": 2, "ending_before": made[3]})
    assert ([one.id for one in back.data], back.has_more) == (made[1:3], True)
    assert [one.id async for one in first.auto_paging_iter()] == made


@pytest.mark.parametrize(
    "given", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_none"}], ids=["none", "many", "cursor"]
)
async def test_pages_that_cannot_be(client: stripe.StripeClient, given: Any) -> None:
    """Limits are 1 to 100, cursors are objects of the list."""
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.customers.list_async(given)


async def test_lists_by_time(local: LocalStripe, client: stripe.StripeClient, clock: FakeClock) -> None:
    """``created`` takes a moment or bounds."""
    for _ in range(3):
        await client.v1.customers.create_async({})
        clock.move(10)
    start = int(clock.now().timestamp()) - 30

    async def count(created: Any) -> int:
        return len((await client.v1.customers.list_async({"created": created})).data)

    bounds = {"gt": start}, {"gte": start}, {"lt": start + 20}, {"gte": start + 10, "lte": start + 20}
    assert [await count(one) for one in (start, *bounds)] == [1, 2, 3, 2, 2]


async def test_ids_become_objects_on_request(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> None:
    """Expansion reaches through objects and lists, four levels deep, and says what cannot be expanded."""
    session = await checkout(client, shop.starter, customer=await customer(client))
    local.pay(session.id)
    found = await client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["subscription.latest_invoice", "line_items.data.price.product", "customer"]}
    )
    subscription, line_items = found.subscription, found.line_items
    assert isinstance(subscription, stripe.Subscription)
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    assert isinstance(found.customer, stripe.Customer)
    assert line_items is not None
    price = line_items.data[0].price
    assert price is not None
    assert isinstance(price.product, stripe.Product)
    listed = await client.v1.subscriptions.list_async({"expand": ["data.customer"]})
    assert isinstance(listed.data[0].customer, stripe.Customer)
    for wrong in ("mode", "nothing", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError, match="expand"):
            await client.v1.checkout.sessions.retrieve_async(session.id, {"expand": [wrong]})


async def test_the_log_tells_every_request(local: LocalStripe, client: stripe.StripeClient) -> None:
    """Each call stands there with its parameters, key, request id and outcome, and events carry their request."""
    made = await client.v1.customers.create_async({"metadata": {"a": "1"}}, {"idempotency_key": "k"})
    call = local.api.calls[0]
    assert (call.route, call.parameters, call.idempotency_key) == ("POST /v1/customers", {"metadata": {"a": "1"}}, "k")
    assert made.last_response is not None
    assert made.last_response.request_id == call.request_id
    assert local.events()[0]["request"] == {"id": call.request_id, "idempotency_key": "k"}
    assert local.api.counts == {"POST /v1/customers": 1}


async def test_account_and_events_can_be_read(
    local: LocalStripe, client: stripe.StripeClient, clock: FakeClock
) -> None:
    """The account is one; events are listed by type, for thirty days."""
    account = await client.v1.accounts.retrieve_current_async()
    assert account.id == local.world.account_id
    await client.v1.customers.create_async({})
    local.add_price("Pack", 1000)
    listed = await client.v1.events.list_async({"types": ["customer.created", "price.*"]})
    assert [one.type for one in listed.data] == ["price.created", "customer.created"]
    assert (await client.v1.events.retrieve_async(listed.data[0].id)).data.object["object"] == "price"
    clock.move(31 * 86400)
    assert (await client.v1.events.list_async()).data == []
