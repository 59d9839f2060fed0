"""The billing portal: its configurations, and the links that let one customer in."""

from typing import Any

import stripe
from stripe.params import billing_portal as params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import applied, merged
from tests.fakes.stripe.model import Json, Refusal, missing
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World

_FEATURES: dict[str, Json] = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "feedback_options": None, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
_TAKES = "business_profile default_return_url metadata name " + " ".join(f"features.{name}" for name in _FEATURES)


def _features(before: Json, given: Json) -> Json:
    found = {name: {**before[name], **(given.get(name) or {})} for name in _FEATURES}
    update = found["subscription_update"]
    if update["enabled"] and not (update["products"] and update["default_allowed_updates"]):
        message = "Missing required param: features[subscription_update][products]."
        raise Refusal(message, "parameter_missing", "features[subscription_update][products]", executed=False)
    update["products"] = [
        {"adjustable_quantity": {"enabled": False, "minimum": 0}, **one} for one in update["products"] or []
    ]
    return found


def configure(world: World, *, livemode: bool, features: Json, is_default: bool = False, **fields: Any) -> Json:
    """Make a configuration; *features* that are not given are off."""
    return world.add(
        shaped(
            stripe.billing_portal.Configuration,
            **{
                "id": world.next_id("bpc"),
                "active": True,
                "business_profile": {},
                "created": world.now(),
                "features": _features(_FEATURES, features),
                "is_default": is_default,
                "livemode": livemode,
                "login_page": {"enabled": False},
                "metadata": {},
                "updated": world.now(),
                **fields,
            },
        )
    )


def default_configuration(world: World, *, livemode: bool) -> Json:
    """Return what the owner has saved in the Dashboard: cancelling, cards and invoices."""
    for one in world.every("billing_portal.configuration", livemode=livemode):
        if one["is_default"]:
            return one
    on = {"enabled": True}
    features = {"invoice_history": on, "payment_method_update": on, "subscription_cancel": on}
    return configure(world, livemode=livemode, features=features, is_default=True)


@answers("POST /v1/billing_portal/configurations", params.ConfigurationCreateParams, _TAKES)
def create_configuration(ask: Ask) -> Json:
    """Make a configuration."""
    fields = applied(ask.given, "business_profile default_return_url name")
    metadata = merged({}, ask.get("metadata"))
    return configure(ask.world, livemode=ask.livemode, features=ask.given["features"], metadata=metadata, **fields)


@answers("POST /v1/billing_portal/configurations/{id}", params.ConfigurationUpdateParams, f"{_TAKES} active")
def update_configuration(ask: Ask) -> Json:
    """Change a configuration."""
    found = ask.the("billing_portal.configuration")
    fields = applied(ask.given, "active business_profile default_return_url name")
    if "features" in ask.given:
        fields["features"] = _features(found["features"], ask.given["features"])
    if "metadata" in ask.given:
        fields["metadata"] = merged(found["metadata"], ask.given["metadata"])
    return ask.world.change("billing_portal.configuration.updated", found, **fields, updated=ask.world.now())


@answers("GET /v1/billing_portal/configurations", params.ConfigurationListParams, f"{LIST[:-8]} active is_default")
def list_configurations(ask: Ask) -> Json:
    """Return configurations."""
    found = ask.world.every("billing_portal.configuration", livemode=ask.livemode)
    for name in ("active", "is_default"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    return ask.listed(found)


@answers("GET /v1/billing_portal/configurations/{id}", params.ConfigurationRetrieveParams)
def retrieve_configuration(ask: Ask) -> Json:
    """Return a configuration."""
    return ask.the("billing_portal.configuration")


@answers(
    "POST /v1/billing_portal/sessions", params.SessionCreateParams, "customer configuration flow_data locale return_url"
)
def create_session(ask: Ask) -> Json:
    """Make a link that lets a customer in."""
    world = ask.world
    if "customer" not in ask.given:
        raise Refusal("Missing required param: customer.", "parameter_missing", "customer", executed=False)
    customer = ask.named("customer", "customer")
    if "configuration" in ask.given:
        configuration = ask.named("billing_portal.configuration", "configuration")
        if not configuration["active"]:
            raise Refusal("The configuration is not active.", param="configuration")
    else:
        configuration = default_configuration(world, livemode=ask.livemode)
    given = world.next_id("bps")
    made = shaped(
        stripe.billing_portal.Session,
        id=given,
        configuration=configuration["id"],
        created=world.now(),
        customer=customer["id"],
        flow=_flow(ask, customer, configuration),
        livemode=ask.livemode,
        locale=ask.get("locale"),
        return_url=ask.get("return_url") or configuration["default_return_url"],
        url=f"{world.base}/p/session/{given}",
    )
    world.add(made)
    world.emit("billing_portal.session.created", made)
    return made


def _flow(ask: Ask, customer: Json, configuration: Json) -> Json | None:
    given = ask.get("flow_data")
    if given is None:
        return None
    kind = given["type"]
    feature = "subscription_update" if kind == "subscription_update_confirm" else kind
    if not configuration["features"][feature]["enabled"]:
        message = f"This portal configuration does not enable {feature.replace('_', ' ')}."
        raise Refusal(message, param="flow_data[type]")
    inner = given.get(kind) or {}
    if (about := inner.get("subscription")) is not None:
        subscription = ask.world.get("subscription", about, livemode=ask.livemode, param=f"flow_data[{kind}]")
        if subscription["customer"] != customer["id"]:
            raise missing("subscription", about, f"flow_data[{kind}][subscription]")
        if kind == "subscription_update_confirm":
            _check_confirm(subscription, inner["items"], configuration)
    return {"after_completion": given.get("after_completion", {"type": "portal_homepage"}), "type": kind, kind: inner}


def _check_confirm(subscription: Json, items: list[Json], configuration: Json) -> None:
    """docs: customer-management/portal-deep-links#subscription-update-confirm."""
    param = "flow_data[subscription_update_confirm][items]"
    held = {item["id"]: item for item in subscription["items"]["data"]}
    if len(items) != 1 or len(held) != 1:
        raise Refusal("Subscriptions with more than one item cannot be updated through the portal.", param=param)
    (wanted,) = items
    if (item := held.get(wanted["id"])) is None:
        raise missing("subscription_item", wanted["id"], f"{param}[0][id]")
    price = wanted.get("price", item["price"]["id"])
    if price not in {
        one for part in configuration["features"]["subscription_update"]["products"] for one in part["prices"]
    }:
        message = f"The price {price} is not in the configuration's `features[subscription_update][products]`."
        raise Refusal(message, param=f"{param}[0][price]")
    if (price, wanted.get("quantity", item["quantity"])) == (item["price"]["id"], item["quantity"]):
        raise Refusal("The items specified do not change the subscription.", param=param)
