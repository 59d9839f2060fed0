"""Subscriptions and their items, as the app reads and changes them."""

from stripe import params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.model import Json
from tests.fakes.stripe.subscribing import OVER


@answers("GET /v1/subscriptions/{id}", params.SubscriptionRetrieveParams)
def retrieve(ask: Ask) -> Json:
    """Return a subscription."""
    return ask.the("subscription")


@answers("GET /v1/subscriptions", params.SubscriptionListParams, f"{LIST} customer price status collection_method")
def list_subscriptions(ask: Ask) -> Json:
    """Return subscriptions, those that were canceled only when they are asked for."""
    found = ask.world.every("subscription", livemode=ask.livemode)
    if (customer := ask.get("customer")) is not None:
        found = [one for one in found if one["customer"] == customer]
    if (price := ask.get("price")) is not None:
        found = [one for one in found if any(item["price"]["id"] == price for item in one["items"]["data"])]
    match ask.get("status"):
        case None:
            found = [one for one in found if one["status"] != "canceled"]
        case "all":
            pass
        case "ended":
            found = [one for one in found if one["status"] in OVER]
        case status:
            found = [one for one in found if one["status"] == status]
    return ask.listed(found)


@answers(
    "GET /v1/subscription_items", params.SubscriptionItemListParams, "limit starting_after ending_before subscription"
)
def list_items(ask: Ask) -> Json:
    """Return the items of a subscription."""
    subscription = ask.named("subscription", "subscription")
    return ask.listed(reversed(subscription["items"]["data"]))


@answers("GET /v1/subscription_items/{id}", params.SubscriptionItemRetrieveParams)
def retrieve_item(ask: Ask) -> Json:
    """Return an item of a subscription."""
    return ask.the("subscription_item")
