"""Changes that wait for the end of a period, as the portal makes them. docs: customer-management/configure-portal."""

import stripe
from stripe import params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.model import Json, Refusal
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.subscribing import period_of, release_schedule
from tests.fakes.stripe.world import World


def schedule_price(world: World, subscription: Json, price: Json) -> Json:
    """Let a subscription have another price from its next period on; return the schedule that it then has."""
    if subscription["schedule"] is not None:
        release_schedule(world, subscription)
    start, end = period_of(subscription)
    item = subscription["items"]["data"][0]
    made = shaped(
        stripe.SubscriptionSchedule,
        id=world.next_id("sub_sched"),
        billing_mode={"type": "flexible", "flexible": {}},
        created=world.now(),
        current_phase={"start_date": start, "end_date": end},
        customer=subscription["customer"],
        default_settings={
            "billing_cycle_anchor": "automatic",
            "invoice_settings": {"issuer": {"type": "self"}},
        },
        end_behavior="release",
        livemode=subscription["livemode"],
        metadata={},
        pause_schedules=[],
        phases=[
            _phase(item["price"], item["quantity"], start, end),
            _phase(price, item["quantity"], end, end + (end - start)),
        ],
        status="active",
        subscription=subscription["id"],
    )
    world.add(made)
    world.emit("subscription_schedule.created", made)
    world.change("customer.subscription.updated", subscription, schedule=made["id"])
    return made


def _phase(price: Json, quantity: int, start: int, end: int) -> Json:
    item = {"discounts": [], "plan": price["id"], "price": price["id"], "quantity": quantity}
    return {
        "add_invoice_items": [],
        "currency": price["currency"],
        "discounts": [],
        "end_date": end,
        "items": [item],
        "proration_behavior": "none",
        "start_date": start,
    }


def check_no_schedule(subscription: Json) -> None:
    """Refuse to touch the end of a subscription that a schedule holds.

    Raises:
        Refusal: As Stripe words it.
    """
    if subscription["schedule"] is not None:
        message = f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating"
        raise Refusal(
            f"{message} any cancelation behavior directly is not allowed. Please update the schedule instead."
        )


@answers("GET /v1/subscription_schedules", params.SubscriptionScheduleListParams, f"{LIST} customer")
def list_schedules(ask: Ask) -> Json:
    """Return schedules."""
    found = ask.world.every("subscription_schedule", livemode=ask.livemode)
    customer = ask.get("customer")
    return ask.listed(one for one in found if customer in {None, one["customer"]})


@answers("GET /v1/subscription_schedules/{id}", params.SubscriptionScheduleRetrieveParams)
def retrieve(ask: Ask) -> Json:
    """Return a schedule."""
    return ask.the("subscription_schedule")


@answers("POST /v1/subscription_schedules/{id}/release", params.SubscriptionScheduleReleaseParams)
def release(ask: Ask) -> Json:
    """Let go of a subscription, which stays as it is now."""
    schedule = ask.the("subscription_schedule")
    if schedule["status"] != "active":
        message = f"You cannot release a subscription schedule that is currently in the `{schedule['status']}` status."
        raise Refusal(message)
    subscription = ask.world.of(schedule["subscription"])
    release_schedule(ask.world, subscription)
    ask.world.emit("customer.subscription.updated", subscription, {"schedule": schedule["id"]})
    return schedule
