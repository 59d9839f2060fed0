"""Subscriptions and their items, as the app reads and changes them."""

from typing import Any

from stripe import params

from tests.fakes.stripe import subscribing, switching
from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import applied, merged
from tests.fakes.stripe.invoicing import Bill, drawn
from tests.fakes.stripe.model import Json, Refusal, copied, missing
from tests.fakes.stripe.scheduling import check_no_schedule
from tests.fakes.stripe.subscribing import OVER
from tests.fakes.stripe.switching import Change, Wanted
from tests.fakes.stripe.world import World

_ITEM = "items.id items.price items.quantity items.deleted items.metadata"


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
    "POST /v1/subscriptions/{id}",
    params.SubscriptionUpdateParams,
    f"{_ITEM} cancel_at cancel_at_period_end cancellation_details description metadata pause_collection"
    " payment_behavior proration_behavior proration_date billing_cycle_anchor off_session automatic_tax.enabled",
)
def update(ask: Ask) -> Json:
    """Change a subscription; all of it is told in one event."""
    subscription = ask.the("subscription")
    if subscription["status"] in OVER and set(ask.given) - {"metadata", "cancellation_details", "expand"}:
        raise Refusal("A canceled subscription can only update its cancellation_details and metadata.")
    before: Json = {}
    if "items" in ask.given or "billing_cycle_anchor" in ask.given:
        switching.switch(ask.world, subscription, _change(ask, subscription, ask.given), before)
    fields = _fields(ask, subscription)
    before |= {name: copied(subscription[name]) for name, value in fields.items() if subscription[name] != value}
    subscription.update(fields)
    if before:
        ask.world.emit("customer.subscription.updated", subscription, before)
    if isinstance(given := fields.get("cancel_at"), int) and not subscription["cancel_at_period_end"]:
        ask.world.agenda.put(given, lambda: _cancel_at(ask.world, subscription, given))
    if isinstance(pause := fields.get("pause_collection"), dict) and pause["resumes_at"]:
        ask.world.agenda.put(pause["resumes_at"], lambda: _collect_again(ask.world, subscription, pause))
    return subscription


def _fields(ask: Ask, subscription: Json) -> Json:
    fields = applied(ask.given, "description")
    if "metadata" in ask.given:
        fields["metadata"] = merged(subscription["metadata"], ask.given["metadata"])
    if "automatic_tax" in ask.given:
        fields["automatic_tax"] = {**subscription["automatic_tax"], **ask.given["automatic_tax"]}
    if "pause_collection" in ask.given:
        pause = ask.get("pause_collection")
        fields["pause_collection"] = pause and {"behavior": pause["behavior"], "resumes_at": pause.get("resumes_at")}
    details = {**(subscription["cancellation_details"] or {}), **(ask.get("cancellation_details") or {})}
    if "cancel_at_period_end" in ask.given and "cancel_at" in ask.given:
        raise Refusal("`cancel_at` and `cancel_at_period_end` cannot be used together.", param="cancel_at")
    if "cancel_at_period_end" in ask.given or "cancel_at" in ask.given:
        check_no_schedule(subscription)
        fields |= _ending(ask, subscription)
        details["reason"] = "cancellation_requested" if fields["cancel_at"] else None
    if details != subscription["cancellation_details"]:
        fields["cancellation_details"] = details
    return fields


def _ending(ask: Ask, subscription: Json) -> Json:
    at_end = ask.get("cancel_at_period_end", default=False)
    end = subscribing.period_of(subscription)[1]
    at = end if at_end or isinstance(ask.get("cancel_at"), str) else ask.get("cancel_at")
    if at is not None and at < ask.world.now():
        raise Refusal("`cancel_at` must be in the future.", param="cancel_at")
    asked_at = subscription["canceled_at"] or ask.world.now()
    return {"cancel_at_period_end": at_end, "cancel_at": at, "canceled_at": asked_at if at else None}


def _cancel_at(world: World, subscription: Json, at: int) -> None:
    if subscription["cancel_at"] == at:
        subscribing.end_now(world, subscription, "cancellation_requested")


def _collect_again(world: World, subscription: Json, pause: Json) -> None:
    if subscription["pause_collection"] == pause:
        world.change("customer.subscription.updated", subscription, pause_collection=None)


def _change(ask: Ask, subscription: Json, given: Json) -> Change:
    """Return the change that parameters describe; items that are not named stay as they are."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    wanted = {given: Wanted(item, item["price"], item["quantity"]) for given, item in items.items()}
    for number, one in enumerate(given.get("items") or []):
        param = f"items[{number}]"
        if "id" not in one:
            if "price" not in one:
                raise Refusal(f"Missing required param: {param}[price].", "parameter_missing", f"{param}[price]")
            wanted[param] = Wanted(None, _price(ask, one, param, subscription), one.get("quantity", 1))
            continue
        if (item := items.get(one["id"])) is None:
            raise missing("subscription_item", one["id"], f"{param}[id]")
        price = _price(ask, one, param, subscription) if "price" in one else item["price"]
        quantity = 0 if one.get("deleted") else one.get("quantity", item["quantity"])
        wanted[one["id"]] = Wanted(item, price, quantity, merged(item["metadata"], one.get("metadata")))
    prices = [one.price["id"] for one in wanted.values() if one.quantity]
    if len(prices) != len(set(prices)):
        raise Refusal("Cannot add multiple subscription items with the same plan.", param="items")
    return Change(
        wanted=list(wanted.values()),
        proration=given.get("proration_behavior", "create_prorations"),
        at=given.get("proration_date", ask.world.now()),
        resets=(given.get("billing_cycle_anchor") or {}).get("type") == "now",
        payment=given.get("payment_behavior", "allow_incomplete"),
    )


def _price(ask: Ask, one: Json, param: str, subscription: Json) -> Json:
    price = ask.world.get("price", one["price"], livemode=ask.livemode, param=f"{param}[price]")
    if not price["active"]:
        raise Refusal(
            "The price specified is inactive. This field only accepts active prices.", param=f"{param}[price]"
        )
    if price["recurring"] is None:
        message = f"The price specified is set to `type=one_time` but this field only accepts prices with {'`type=recurring`'}"
        raise Refusal(f"{message}.", param=f"{param}[price]")
    if price["currency"] != subscription["currency"]:
        raise Refusal("The price's currency differs from the subscription's.", param=f"{param}[price]")
    return price


@answers("DELETE /v1/subscriptions/{id}", params.SubscriptionCancelParams, "cancellation_details prorate invoice_now")
def cancel(ask: Ask) -> Json:
    """End a subscription now; one that has ended is not found."""
    subscription = ask.the("subscription")
    if subscription["status"] in OVER:
        raise missing("subscription", subscription["id"])
    if ask.get("prorate") or ask.get("invoice_now"):
        raise Refusal("The local Stripe does not simulate a last invoice.", "not_simulated", status=501, executed=False)
    subscription["cancellation_details"] = {
        **(subscription["cancellation_details"] or {}),
        **(ask.get("cancellation_details") or {}),
    }
    subscribing.end_now(ask.world, subscription, "cancellation_requested")
    return subscription


@answers("POST /v1/subscriptions/{id}/pause", params.SubscriptionPauseParams, "type")
def pause(ask: Ask) -> Json:
    """Stop a subscription for an unknown time; unused time is not given back here."""
    subscription = ask.the("subscription")
    if subscription["status"] not in {"active", "past_due"}:
        raise Refusal(f"A subscription that is {subscription['status']} cannot be paused.")
    switching.pause(ask.world, subscription)
    return subscription


@answers("POST /v1/subscriptions/{id}/resume", params.SubscriptionResumeParams, "billing_cycle_anchor")
def resume(ask: Ask) -> Json:
    """Let a paused subscription go on."""
    subscription = ask.the("subscription")
    resets = (ask.get("billing_cycle_anchor") or {"type": "now"})["type"] == "now"
    switching.resume(ask.world, subscription, resets=resets)
    return subscription


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


@answers(
    "POST /v1/subscription_items/{id}",
    params.SubscriptionItemUpdateParams,
    "price quantity metadata proration_behavior proration_date payment_behavior off_session",
)
def update_item(ask: Ask) -> Json:
    """Change an item, which changes its subscription."""
    item = ask.the("subscription_item")
    subscription = ask.world.of(item["subscription"])
    inner = {name: ask.given[name] for name in ("price", "quantity", "metadata") if name in ask.given}
    given: dict[str, Any] = {**ask.given, "items": [{"id": item["id"], **inner}]}
    before: Json = {}
    switching.switch(ask.world, subscription, _change(ask, subscription, given), before)
    ask.world.emit("customer.subscription.updated", subscription, before)
    return item


@answers(
    "POST /v1/invoices/create_preview",
    params.InvoiceCreatePreviewParams,
    "customer subscription preview_mode subscription_details.items subscription_details.proration_behavior"
    " subscription_details.proration_date subscription_details.billing_cycle_anchor",
)
def preview(ask: Ask) -> Json:
    """Return the invoice that a change of a subscription would make, or the next one; nothing is kept."""
    if "subscription" not in ask.given:
        raise Refusal("The local Stripe previews changes of subscriptions only.", "not_simulated", status=501)
    world, subscription = ask.world, ask.named("subscription", "subscription")
    if subscription["status"] in OVER:
        raise Refusal("Upcoming invoices cannot be previewed for canceled subscriptions.", "invoice_upcoming_none")
    details = ask.get("subscription_details") or {}
    change = _change(ask, subscription, details)
    found = switching.outcome(world, subscription, change)
    entries = found.entries
    if not found.is_billed_now:
        kept = [one for one in change.wanted if one.quantity]
        end = found.period[1]
        following = (end, subscribing.next_end(subscription, end, kept[0].price))
        entries = [*world.put_off.get(subscription["id"], ()), *entries]
        entries += [switching.whole(world, subscription, one, following) for one in kept]
    bill = Bill(**{**vars(subscribing.renewal(world, subscription, [])), "entries": entries, "reason": "upcoming"})
    return drawn(world, bill, world.next_id("upcoming_in"))
