"""Changes of a running subscription: other prices and quantities, prorations, pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from tests.fakes.stripe import charging, invoicing, subscribing
from tests.fakes.stripe.calendar_of_cycles import period_end
from tests.fakes.stripe.invoicing import Bill
from tests.fakes.stripe.lines import Entry, full
from tests.fakes.stripe.model import Json, Refusal, copied, not_simulated
from tests.fakes.stripe.world import World


@dataclass(frozen=True)
class Wanted:
    """One item after a change.

    Attributes:
        item: The item that is changed, None for a new one.
        quantity: 0 takes the item away.
    """

    item: Json | None
    price: Json
    quantity: int
    metadata: Json | None = None


@dataclass(frozen=True)
class Change:
    """What is to become of a subscription.

    Attributes:
        wanted: Every item that it then has.
        proration: ``create_prorations``, ``always_invoice`` or ``none``.
        at: The moment from which time is prorated.
        resets: True to begin a new period now.
        payment: Stripe's ``payment_behavior``.
    """

    wanted: Sequence[Wanted]
    proration: str
    at: int
    resets: bool = False
    payment: str = "allow_incomplete"


@dataclass(frozen=True)
class Outcome:
    """What a change costs.

    Attributes:
        entries: Parts of periods, and the new period in full when one begins.
        period: The period that the items then have.
        is_billed_now: True when an invoice comes at once, False when it waits for the next.
    """

    entries: list[Entry]
    period: tuple[int, int]
    is_billed_now: bool


def outcome(world: World, subscription: Json, change: Change) -> Outcome:
    """Return what a change costs, without making it.

    Raises:
        Refusal: If nothing would be left, or periods would differ.
    """
    kept = [one for one in change.wanted if one.quantity > 0]
    if not kept:
        raise Refusal("A subscription must have at least one active plan.", param="items")
    cycles = {(one.price["recurring"]["interval"], one.price["recurring"]["interval_count"]) for one in kept}
    if len(cycles) > 1:
        raise Refusal("Currently, you cannot mix prices with different billing intervals.", param="items")
    before = subscription["items"]["data"][0]["price"]["recurring"]
    resets = change.resets or cycles != {(before["interval"], before["interval_count"])}
    period = subscribing.period_of(subscription)
    entries: list[Entry] = []
    if change.proration != "none":
        entries = [part for one in change.wanted for part in _parts(world, subscription, one, change, resets=resets)]
    if resets:
        now = world.now()
        period = (now, period_end(now, now, kept[0].price["recurring"]))
        entries += [whole(world, subscription, one, period) for one in kept]
    is_billed_now = resets or (change.proration == "always_invoice" and bool(entries))
    return Outcome(entries, period, is_billed_now)


def whole(world: World, subscription: Json, one: Wanted, period: tuple[int, int]) -> Entry:
    """Return what a period of an item costs."""
    item = one.item["id"] if one.item else "si_preview"
    return full(world, one.price, one.quantity, period, subscription=subscription["id"], item=item)


def _parts(world: World, subscription: Json, one: Wanted, change: Change, *, resets: bool) -> list[Entry]:
    """Return the time that is given back, and the rest of the period that is charged."""
    start, end = subscribing.period_of(subscription)
    rest = Decimal(max(0, end - change.at)) / Decimal(end - start)
    before = (one.item["price"]["id"], one.item["quantity"]) if one.item else None
    if before == (one.price["id"], one.quantity) and not resets:
        return []
    found = []
    if one.item is not None:
        name = f"Unused time on {one.item['quantity']} × "  # noqa: RUF001 - as Stripe writes it
        found.append(_part(world, subscription, one.item["price"], -one.item["quantity"], rest, change.at, name))
    if one.quantity and not resets:
        name = f"Remaining time on {one.quantity} × "  # noqa: RUF001 - as Stripe writes it
        found.append(_part(world, subscription, one.price, one.quantity, rest, change.at, name))
    item = one.item["id"] if one.item else "si_preview"
    return [Entry(**{**vars(part), "item": item}) for part in found]


def _part(  # noqa: PLR0917 - a line has that many parts
    world: World, subscription: Json, price: Json, quantity: int, rest: Decimal, at: int, name: str
) -> Entry:
    amount = int((price["unit_amount"] * quantity * rest).quantize(Decimal(1), ROUND_HALF_UP))
    day = datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")
    end = subscribing.period_of(subscription)[1]
    said = f"{name}{world.of(price['product'])['name']} after {day}"
    return Entry(price, abs(quantity), amount, (at, end), said, subscription["id"], proration=True)


def switch(world: World, subscription: Json, change: Change, before: Json) -> None:
    """Make a change; the event of it is the caller's, what is to be paid at once is tried at once.

    Args:
        world: Where it happens.
        subscription: Which one.
        change: What it becomes.
        before: The values to be told as previous: ``items`` is added.

    Raises:
        Refusal: If the payment fails that the change depends on; nothing is changed then.
    """
    found = outcome(world, subscription, change)
    card = world.card_of(subscription["customer"])
    is_due = found.is_billed_now and sum(one.amount for one in found.entries) > 0
    if is_due and card.declines and change.payment == "error_if_incomplete":
        raise charging.declined(card)
    if is_due and card.declines and change.payment != "allow_incomplete":
        raise not_simulated(f"a payment that fails with {change.payment}")
    before["items"] = copied(subscription["items"])
    made = _apply(world, subscription, change, found.period)
    entries = [Entry(**{**vars(one), "item": made.get(one.price["id"], one.item)}) for one in found.entries]
    if found.period[0] != subscribing.period_of({"items": before["items"]})[0]:
        before["billing_cycle_anchor"] = subscription["billing_cycle_anchor"]
        subscription["billing_cycle_anchor"] = found.period[0]
        subscribing.schedule(world, subscription)
    if not found.is_billed_now:
        world.put_off.setdefault(subscription["id"], []).extend(entries)
        return
    before["latest_invoice"] = subscription["latest_invoice"]
    bill_now(world, subscription, entries)


def bill_now(world: World, subscription: Json, entries: list[Entry]) -> Json:
    """Make an invoice of a change and try to take its money; return it."""
    bill = Bill(
        customer=world.of(subscription["customer"]),
        entries=entries,
        reason="subscription_update",
        period=(subscription["start_date"], world.now()),
        subscription=subscription,
        automatic_tax=subscription["automatic_tax"]["enabled"],
    )
    invoice = invoicing.draft(world, bill)
    invoicing.finalize(world, invoice)
    if invoice["status"] == "open":
        subscribing.collect(world, subscription, invoice, world.card_of(subscription["customer"]))
    return invoice


def _apply(world: World, subscription: Json, change: Change, period: tuple[int, int]) -> dict[str, str]:
    """Change the items; return the ids of new ones by their price."""
    made: dict[str, str] = {}
    items = []
    for one in change.wanted:
        if one.quantity == 0:
            continue
        item = one.item
        if item is None:
            item = subscribing.new_item(world, subscription, one.price, quantity=one.quantity, period=period)
            made[one.price["id"]] = item["id"]
        item |= {"price": one.price, "plan": subscribing.plan(one.price), "quantity": one.quantity}
        item |= {"current_period_start": period[0], "current_period_end": period[1]}
        item["metadata"] = item["metadata"] if one.metadata is None else one.metadata
        items.append(item)
    subscription["items"] = {**subscription["items"], "data": items}
    return made


def pause(world: World, subscription: Json) -> None:
    """Stop a subscription for an unknown time: no invoices, no periods."""
    details = {"subscription": {"type": "pause_requested"}, "transitioned_at": world.now(), "type": "subscription"}
    before = subscription["status"]
    subscription |= {"status": "paused", "status_details": {"paused": details}}
    world.emit("customer.subscription.paused", subscription)
    world.emit("customer.subscription.updated", subscription, {"status": before})


def resume(world: World, subscription: Json, *, resets: bool) -> None:
    """Let a paused subscription go on, with a new period from now, or with the one that it had if that still runs.

    Raises:
        Refusal: If it is not paused.
    """
    if subscription["status"] != "paused":
        raise Refusal(f"Subscription {subscription['id']} is not paused.", "subscription_not_paused")
    now = world.now()
    if not resets and subscribing.period_of(subscription)[1] <= now:
        raise not_simulated("resuming with an unchanged anchor after the period has ended")
    if resets:
        recurring = subscription["items"]["data"][0]["price"]["recurring"]
        subscription["billing_cycle_anchor"] = now
        for item in subscription["items"]["data"]:
            item |= {"current_period_start": now, "current_period_end": period_end(now, now, recurring)}
    subscription |= {"status": "active", "status_details": None}
    subscribing.schedule(world, subscription)
    if resets:
        bill_now(world, subscription, subscribing.whole_period(world, subscription))
    world.emit("customer.subscription.resumed", subscription)
    world.emit("customer.subscription.updated", subscription, {"status": "paused"})
