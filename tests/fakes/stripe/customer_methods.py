"""Customers and their tax ids."""

import stripe
from stripe import params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import applied, merged
from tests.fakes.stripe.expanding import includes
from tests.fakes.stripe.model import Json
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.subscribing import end_now
from tests.fakes.stripe.world import World, listed

_FIELDS = "address business_name description email individual_name name phone preferred_locales shipping tax_exempt"
_TAKES = f"{_FIELDS} balance invoice_prefix metadata"


def new_customer(world: World, *, livemode: bool, **fields: object) -> Json:
    """Make a customer and tell it."""
    made = shaped(
        stripe.Customer,
        **{
            "id": world.next_id("cus"),
            "balance": 0,
            "created": world.now(),
            "delinquent": False,
            "invoice_prefix": f"A{len(world.objects):07d}",
            "invoice_settings": {},
            "livemode": livemode,
            "metadata": {},
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "tax_exempt": "none",
            **fields,
        },
    )
    world.add(made)
    world.emit("customer.created", made)
    return made


@answers("POST /v1/customers", params.CustomerCreateParams, _TAKES)
def create(ask: Ask) -> Json:
    """Make a customer."""
    fields = applied(ask.given, f"{_FIELDS} balance invoice_prefix")
    return new_customer(ask.world, livemode=ask.livemode, metadata=merged({}, ask.get("metadata")), **fields)


@answers("GET /v1/customers", params.CustomerListParams, f"{LIST} email")
def list_customers(ask: Ask) -> Json:
    """Return the customers that are not deleted."""
    found = ask.world.every("customer", livemode=ask.livemode)
    email = ask.get("email")
    return ask.listed(one for one in found if email in {None, one["email"]})


@answers("GET /v1/customers/{id}", params.CustomerRetrieveParams)
def retrieve(ask: Ask) -> Json:
    """Return a customer; of a deleted one only that it is."""
    kept = ask.world.objects.get(ask.id, {})
    return kept if kept.get("deleted") else ask.the("customer")


@answers("POST /v1/customers/{id}", params.CustomerUpdateParams, f"{_TAKES} invoice_settings.default_payment_method")
def update(ask: Ask) -> Json:
    """Change a customer."""
    customer = ask.the("customer")
    fields = applied(ask.given, f"{_FIELDS} balance invoice_prefix")
    if isinstance(fields.get("address"), dict):
        fields["address"] = {**(customer["address"] or _EMPTY_ADDRESS), **fields["address"]}
    if "metadata" in ask.given:
        fields["metadata"] = merged(customer["metadata"], ask.given["metadata"])
    return ask.world.change("customer.updated", customer, **fields)


_EMPTY_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


@answers("DELETE /v1/customers/{id}", params.CustomerDeleteParams)
def delete(ask: Ask) -> Json:
    """Delete a customer: its subscriptions end at once, and nothing can be done for it any more."""
    customer = ask.the("customer")
    for subscription in ask.world.every("subscription", livemode=ask.livemode):
        if subscription["customer"] == customer["id"]:
            end_now(ask.world, subscription, "cancellation_requested")
    ask.world.emit("customer.deleted", customer)
    ask.world.objects[customer["id"]] = {"id": customer["id"], "object": "customer", "deleted": True}
    return ask.world.objects[customer["id"]]


@answers("GET /v1/customers/{id}/tax_ids", params.CustomerTaxIdListParams, "limit starting_after ending_before")
def list_tax_ids(ask: Ask) -> Json:
    """Return the tax ids that checkout collected."""
    customer = ask.the("customer")
    return ask.listed(_tax_ids(ask.world, customer))


@includes("customer", "tax_ids")
def include_tax_ids(world: World, customer: Json) -> Json:
    """Return a customer's tax ids as a list."""
    return listed(f"/v1/customers/{customer['id']}/tax_ids", _tax_ids(world, customer))


@includes("customer", "subscriptions")
def include_subscriptions(world: World, customer: Json) -> Json:
    """Return a customer's subscriptions that have not ended."""
    found = [one for one in world.every("subscription", livemode=customer["livemode"]) if one["status"] != "canceled"]
    mine = [one for one in found if one["customer"] == customer["id"]]
    return listed(f"/v1/customers/{customer['id']}/subscriptions", mine)


def _tax_ids(world: World, customer: Json) -> list[Json]:
    found = world.every("tax_id", livemode=customer["livemode"])
    return [one for one in found if one["customer"] == customer["id"]]
