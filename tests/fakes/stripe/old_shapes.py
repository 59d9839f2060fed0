"""Events as endpoints with an older API version get them. docs: changelog of 2025-03-31.basil."""

from tests.fakes.stripe.model import Json, copied
from tests.fakes.stripe.world import World

BASIL = "2025-03-31"
OLD_VERSION = "2024-06-20"


def in_shape_of(version: str, event: Json, world: World) -> Json:
    """Return an event as *version* renders it: before basil with the fields that are gone since.

    Those are the period at the top of a subscription, ``subscription``, ``paid``, ``charge`` and ``payment_intent`` of an
    invoice, ``price``, ``type`` and ``proration`` of its lines, and ``invoice`` of charges and payment intents.
    """
    found = copied(event)
    if "api_version" in found:
        found["api_version"] = version
    about = found.get("data", {}).get("object")
    if version[:10] >= BASIL or not isinstance(about, dict):
        return found
    match about.get("object"):
        case "subscription":
            _subscription(about)
        case "invoice":
            _invoice(about, world)
        case "charge" | "payment_intent":
            about["invoice"] = _invoice_of(about, world)
        case _:
            pass
    return found


def _subscription(about: Json) -> None:
    items = about["items"]["data"]
    about["current_period_start"] = items[0].get("current_period_start")
    about["current_period_end"] = items[0].get("current_period_end")
    about["plan"] = items[0]["plan"]
    about["quantity"] = items[0]["quantity"]
    about.pop("billing_mode", None)
    for item in items:
        item.pop("current_period_start", None)
        item.pop("current_period_end", None)


def _invoice(about: Json, world: World) -> None:
    details = (about.pop("parent", None) or {}).get("subscription_details")
    about["subscription"] = details["subscription"] if details else None
    about["subscription_details"] = {"metadata": details["metadata"]} if details else None
    about["paid"] = about["status"] == "paid"
    intent = _intent_of(about, world)
    about["payment_intent"] = intent["id"] if intent else None
    about["charge"] = intent["latest_charge"] if intent else None
    about["tax"] = sum(one["amount"] for one in about.pop("total_taxes", None) or []) or None
    for line in about["lines"]["data"]:
        parent = line.pop("parent", None) or {}
        item = parent.get("subscription_item_details")
        inner = item or parent.get("invoice_item_details") or {}
        price = world.objects.get(line.pop("pricing")["price_details"]["price"])
        line["price"] = copied(price)
        line["proration"] = inner.get("proration", False)
        line["subscription"] = inner.get("subscription")
        line["type"] = "subscription" if item else "invoiceitem"
        if item:
            line["subscription_item"] = item["subscription_item"]


def _intent_of(invoice: Json, world: World) -> Json | None:
    for one in world.every("invoice_payment", livemode=invoice["livemode"]):
        if one["invoice"] == invoice.get("id"):
            return world.objects.get(one["payment"]["payment_intent"] or "")
    return None


def _invoice_of(about: Json, world: World) -> str | None:
    intent = about["id"] if about["object"] == "payment_intent" else about["payment_intent"]
    for one in world.every("invoice_payment", livemode=about["livemode"]):
        if one["payment"]["payment_intent"] == intent:
            return str(one["invoice"])
    return None
