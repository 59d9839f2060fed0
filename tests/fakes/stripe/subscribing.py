"""Subscriptions by themselves: they begin, renew, fall behind and end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import stripe

from tests.fakes.stripe import invoicing
from tests.fakes.stripe.calendar_of_cycles import period_end
from tests.fakes.stripe.invoicing import Bill
from tests.fakes.stripe.lines import Entry, full
from tests.fakes.stripe.model import Card, Json
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World, listed

_DAY = 24 * 3600
OVER = frozenset({"canceled", "incomplete_expired"})


@dataclass(frozen=True)
class Order:
    """What somebody subscribes to: prices with quantities."""

    customer: Json
    items: Sequence[tuple[Json, int]]
    metadata: Json = field(default_factory=dict)
    description: str | None = None
    automatic_tax: bool = False


def begin(world: World, order: Order) -> Json:
    """Make an active subscription; its first invoice is the caller's."""
    now, given = world.now(), world.next_id("sub")
    recurring = order.items[0][0]["recurring"]
    period = (now, period_end(now, now, recurring))
    livemode = order.customer["livemode"]
    made = shaped(
        stripe.Subscription,
        id=given,
        automatic_tax={"enabled": order.automatic_tax},
        billing_cycle_anchor=now,
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        billing_schedules=[],
        cancel_at_period_end=False,
        cancellation_details={},
        collection_method="charge_automatically",
        created=now,
        currency=order.items[0][0]["currency"],
        customer=order.customer["id"],
        default_payment_method=world.next_id("pm"),
        default_tax_rates=[],
        description=order.description,
        discounts=[],
        invoice_settings={"issuer": {"type": "self"}},
        items=listed(f"/v1/subscription_items?subscription={given}", []),
        livemode=livemode,
        metadata=dict(order.metadata),
        payment_settings={"save_default_payment_method": "off"},
        start_date=now,
        status="active",
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
    )
    world.add(made)
    made["items"]["data"] = [
        new_item(world, made, price, quantity=count, period=period) for price, count in order.items
    ]
    schedule(world, made)
    return made


def new_item(
    world: World,
    subscription: Json,
    price: Json,
    *,
    quantity: int,
    period: tuple[int, int],
    metadata: Json | None = None,
) -> Json:
    """Make an item of a subscription."""
    made = shaped(
        stripe.SubscriptionItem,
        id=world.next_id("si"),
        created=world.now(),
        current_period_end=period[1],
        current_period_start=period[0],
        discounts=[],
        metadata=dict(metadata or {}),
        plan=plan(price),
        price=price,
        quantity=quantity,
        subscription=subscription["id"],
        tax_rates=[],
    )
    return world.add(made)


def plan(price: Json) -> Json:
    """Return the older face of a recurring price."""
    return shaped(
        stripe.Plan,
        id=price["id"],
        active=price["active"],
        amount=price["unit_amount"],
        amount_decimal=price["unit_amount_decimal"],
        billing_scheme="per_unit",
        created=price["created"],
        currency=price["currency"],
        interval=price["recurring"]["interval"],
        interval_count=price["recurring"]["interval_count"],
        livemode=price["livemode"],
        metadata=price["metadata"],
        nickname=price["nickname"],
        product=price["product"],
        usage_type="licensed",
    )


def period_of(subscription: Json) -> tuple[int, int]:
    """Return start and end of the current period: of the items, the subscription carries none."""
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def whole_period(world: World, subscription: Json) -> list[Entry]:
    """Return what the current period costs."""
    of = subscription["id"]
    return [
        full(world, item["price"], item["quantity"], period_of(subscription), subscription=of, item=item["id"])
        for item in subscription["items"]["data"]
    ]


def schedule(world: World, subscription: Json) -> None:
    """Let the end of the current period, and the reminder of it, come."""
    end = period_of(subscription)[1]
    world.agenda.put(end, lambda: _turn(world, subscription, end))
    if (reminder := end - world.upcoming_days * _DAY) > world.now():
        world.agenda.put(reminder, lambda: _remind(world, subscription, end))


def next_end(subscription: Json, start: int, price: Json) -> int:
    """Return the end of the period that begins at *start*."""
    return period_end(subscription["billing_cycle_anchor"], start, price["recurring"])


def _is_at(subscription: Json, end: int) -> bool:
    return subscription["status"] not in OVER | {"paused"} and period_of(subscription)[1] == end


def _remind(world: World, subscription: Json, end: int) -> None:
    if not _is_at(subscription, end) or subscription["cancel_at_period_end"]:
        return
    period = (end, next_end(subscription, end, subscription["items"]["data"][0]["price"]))
    entries = [
        full(world, item["price"], item["quantity"], period, subscription=subscription["id"], item=item["id"])
        for item in subscription["items"]["data"]
    ]
    preview = invoicing.drawn(world, renewal(world, subscription, entries), world.next_id("upcoming_in"))
    del preview["id"]  # docs: "the received Invoice object will not have an invoice ID"
    for one in preview["lines"]["data"]:
        one["invoice"] = None
    world.emit("invoice.upcoming", {**preview, "created": end, "next_payment_attempt": end + world.draft_seconds})


def renewal(world: World, subscription: Json, entries: Sequence[Entry]) -> Bill:
    """Return the bill of a cycle, with what was put off until now."""
    return Bill(
        customer=world.of(subscription["customer"]),
        entries=[*world.put_off.get(subscription["id"], ()), *entries],
        reason="subscription_cycle",
        period=period_of(subscription),
        subscription=subscription,
        automatic_tax=subscription["automatic_tax"]["enabled"],
    )


def _turn(world: World, subscription: Json, end: int) -> None:
    """Begin the next period, or end the subscription."""
    if not _is_at(subscription, end):
        return
    if subscription["cancel_at_period_end"]:
        end_now(world, subscription, "cancellation_requested")
        return
    period = period_of(subscription)
    before = {"items": {**subscription["items"], "data": [dict(item) for item in subscription["items"]["data"]]}}
    before["latest_invoice"] = subscription["latest_invoice"]
    if subscription["schedule"] is not None:
        before["schedule"] = subscription["schedule"]
        _begin_phase(world, subscription)
    for item in subscription["items"]["data"]:
        item |= {"current_period_start": end, "current_period_end": next_end(subscription, end, item["price"])}
    bill = renewal(world, subscription, whole_period(world, subscription))
    world.put_off.pop(subscription["id"], None)
    invoice = invoicing.draft(world, Bill(**{**vars(bill), "period": period}))
    world.emit("customer.subscription.updated", subscription, before)
    schedule(world, subscription)
    if subscription["status"] == "unpaid":
        invoice |= {"auto_advance": False, "automatically_finalizes_at": None}
        return
    world.agenda.put(world.now() + world.draft_seconds, lambda: _collect_renewal(world, subscription, invoice))


def _begin_phase(world: World, subscription: Json) -> None:
    """Give a subscription the price that its schedule has for the period that begins."""
    coming = world.of(subscription["schedule"])["phases"][1]["items"][0]
    price = world.of(coming["price"])
    subscription["items"]["data"][0] |= {"price": price, "plan": plan(price), "quantity": coming["quantity"]}
    release_schedule(world, subscription)


def release_schedule(world: World, subscription: Json) -> None:
    """Let go of a subscription; telling of the subscription's change is the caller's."""
    schedule = world.of(subscription["schedule"])
    subscription["schedule"] = None
    schedule |= {"status": "released", "released_at": world.now(), "released_subscription": subscription["id"]}
    schedule |= {"subscription": None, "current_phase": None}
    world.emit("subscription_schedule.released", schedule)


def _collect_renewal(world: World, subscription: Json, invoice: Json) -> None:
    if subscription["status"] in OVER or invoice["status"] != "draft":
        return
    pause = subscription["pause_collection"]
    if pause is not None and pause["behavior"] == "keep_as_draft":
        return
    invoicing.finalize(world, invoice)
    if invoice["status"] != "open":
        return
    if pause is not None:
        invoicing.close(world, invoice, "void" if pause["behavior"] == "void" else "uncollectible")
        return
    collect(world, subscription, invoice, world.card_of(subscription["customer"]))


def collect(world: World, subscription: Json, invoice: Json, card: Card) -> bool:
    """Try to take an open invoice's money; what fails is tried again on the days that the account has set."""
    tries = invoice["attempt_count"]
    days = world.retry_days
    first = invoice["status_transitions"]["finalized_at"] or world.now()
    if card.declines and tries < len(days):
        invoice["next_payment_attempt"] = first + days[tries] * _DAY
        world.agenda.put(invoice["next_payment_attempt"], lambda: _try_again(world, subscription, invoice, tries + 1))
    elif card.declines:
        invoice |= {"next_payment_attempt": None, "auto_advance": False}
    if invoicing.collect(world, invoice, card):
        recovered(world, subscription)
        return True
    if card is Card.DEBIT:
        return False
    if subscription["status"] == "active":
        world.change("customer.subscription.updated", subscription, status="past_due")
    if tries >= len(days):
        _give_up(world, subscription)
    return False


def recovered(world: World, subscription: Json) -> None:
    """Make a subscription active again whose latest invoice is paid."""
    latest = world.objects.get(subscription["latest_invoice"] or "")
    if subscription["status"] in {"past_due", "unpaid"} and latest is not None and latest["status"] == "paid":
        world.change("customer.subscription.updated", subscription, status="active")


def _try_again(world: World, subscription: Json, invoice: Json, tries: int) -> None:
    if subscription["status"] in OVER or invoice["status"] != "open" or invoice["attempt_count"] != tries:
        return
    collect(world, subscription, invoice, world.card_of(subscription["customer"]))


def _give_up(world: World, subscription: Json) -> None:
    if world.after_retries == "canceled":
        end_now(world, subscription, "payment_failed")
    elif world.after_retries != subscription["status"]:
        world.change("customer.subscription.updated", subscription, status=world.after_retries)


def end_now(world: World, subscription: Json, reason: str) -> None:
    """End a subscription at this moment."""
    if subscription["status"] in OVER:
        return
    if subscription["schedule"] is not None:
        release_schedule(world, subscription)
    now = world.now()
    subscription |= {
        "cancellation_details": {**(subscription["cancellation_details"] or {}), "reason": reason},
        "canceled_at": subscription["canceled_at"] or now,
        "ended_at": now,
        "status": "canceled",
    }
    world.put_off.pop(subscription["id"], None)
    for invoice in world.every("invoice", livemode=subscription["livemode"]):
        details = (invoice["parent"] or {}).get("subscription_details")
        if invoice["status"] in {"draft", "open"} and details and details["subscription"] == subscription["id"]:
            invoice |= {"auto_advance": False, "automatically_finalizes_at": None, "next_payment_attempt": None}
    world.emit("customer.subscription.deleted", subscription)
