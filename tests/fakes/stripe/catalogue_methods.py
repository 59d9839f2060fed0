"""Products and prices."""

import re

import stripe
from stripe import params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import applied, merged
from tests.fakes.stripe.model import Json, Refusal
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World

_PRODUCT = "description images name statement_descriptor tax_code unit_label url"
_CURRENCY = re.compile(r"[a-z]{3}")


def new_product(world: World, *, livemode: bool, name: str, **fields: object) -> Json:
    """Make a product and tell it."""
    made = shaped(
        stripe.Product,
        **{
            "id": world.next_id("prod"),
            "active": True,
            "created": world.now(),
            "images": [],
            "livemode": livemode,
            "marketing_features": [],
            "metadata": {},
            "name": name,
            "type": "service",
            "updated": world.now(),
            **fields,
        },
    )
    world.add(made)
    world.emit("product.created", made)
    return made


@answers("POST /v1/products", params.ProductCreateParams, f"id active metadata {_PRODUCT}")
def create_product(ask: Ask) -> Json:
    """Make a product; its id may be given."""
    if (given := ask.get("id")) in ask.world.objects:
        raise Refusal(f"Product already exists: {given}", "resource_already_exists", "id")
    fields = applied(ask.given, f"id active {_PRODUCT}")
    return new_product(ask.world, livemode=ask.livemode, metadata=merged({}, ask.get("metadata")), **fields)


@answers("GET /v1/products", params.ProductListParams, f"{LIST} active ids")
def list_products(ask: Ask) -> Json:
    """Return products."""
    found = ask.world.every("product", livemode=ask.livemode)
    active, ids = ask.get("active"), ask.get("ids")
    return ask.listed(one for one in found if active in {None, one["active"]} and (ids is None or one["id"] in ids))


@answers("GET /v1/products/{id}", params.ProductRetrieveParams)
def retrieve_product(ask: Ask) -> Json:
    """Return a product."""
    return ask.the("product")


@answers("POST /v1/products/{id}", params.ProductUpdateParams, f"active metadata default_price {_PRODUCT}")
def update_product(ask: Ask) -> Json:
    """Change a product."""
    product = ask.the("product")
    fields = applied(ask.given, f"active default_price {_PRODUCT}")
    if "metadata" in ask.given:
        fields["metadata"] = merged(product["metadata"], ask.given["metadata"])
    return ask.world.change("product.updated", product, **fields, updated=ask.world.now())


def new_price(
    world: World, *, product: Json, unit_amount: int, currency: str, recurring: Json | None = None, **fields: object
) -> Json:
    """Make a price and tell it."""
    made = shaped(
        stripe.Price,
        **{
            "id": world.next_id("price"),
            "active": True,
            "billing_scheme": "per_unit",
            "created": world.now(),
            "currency": currency,
            "livemode": product["livemode"],
            "metadata": {},
            "product": product["id"],
            "recurring": recurring and {"interval_count": 1, "usage_type": "licensed", **recurring},
            "tax_behavior": "unspecified",
            "type": "recurring" if recurring else "one_time",
            "unit_amount": unit_amount,
            "unit_amount_decimal": str(unit_amount),
            **fields,
        },
    )
    world.add(made)
    world.emit("price.created", made)
    return made


_PRICE = "active lookup_key nickname tax_behavior"


@answers(
    "POST /v1/prices",
    params.PriceCreateParams,
    f"{_PRICE} currency product product_data.name product_data.metadata unit_amount metadata transfer_lookup_key"
    " recurring.interval recurring.interval_count recurring.usage_type",
)
def create_price(ask: Ask) -> Json:
    """Make a price for a product that exists, or that is made with it."""
    fields = applied(ask.given, _PRICE)
    if (amount := ask.get("unit_amount")) is None:
        raise Refusal("Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.")
    if amount < 0:
        raise Refusal("Invalid non-negative integer", "parameter_invalid_integer", "unit_amount")
    if ("product" in ask.given) == ("product_data" in ask.given):
        raise Refusal("You must specify either `product` or `product_data` when creating a price.")
    _check_currency(ask.given["currency"])
    _free_lookup_key(ask, None)
    if "product_data" in ask.given:
        product = new_product(ask.world, livemode=ask.livemode, **ask.given["product_data"])
    else:
        product = ask.named("product", "product")
    return new_price(
        ask.world,
        product=product,
        unit_amount=amount,
        currency=ask.given["currency"].lower(),
        recurring=ask.get("recurring"),
        metadata=merged({}, ask.get("metadata")),
        **fields,
    )


def _check_currency(currency: str) -> None:
    if not _CURRENCY.fullmatch(currency.lower()):
        raise Refusal(f"Invalid currency: {currency}", param="currency")


def _free_lookup_key(ask: Ask, price: Json | None) -> None:
    key = ask.get("lookup_key")
    if key is None:
        return
    for other in ask.world.every("price", livemode=ask.livemode):
        if other["lookup_key"] == key and other is not price:
            if not ask.get("transfer_lookup_key"):
                message = f"A price (`{other['id']}`) already uses that lookup key."
                raise Refusal(message, "resource_already_exists", "lookup_key")
            ask.world.change("price.updated", other, lookup_key=None)


@answers(
    "GET /v1/prices",
    params.PriceListParams,
    f"{LIST} active currency lookup_keys product type recurring.interval",
)
def list_prices(ask: Ask) -> Json:
    """Return prices."""
    found = ask.world.every("price", livemode=ask.livemode)
    for name in ("active", "currency", "product", "type"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    if (keys := ask.get("lookup_keys")) is not None:
        found = [one for one in found if one["lookup_key"] in keys]
    if (interval := (ask.get("recurring") or {}).get("interval")) is not None:
        found = [one for one in found if one["recurring"] and one["recurring"]["interval"] == interval]
    return ask.listed(found)


@answers("GET /v1/prices/{id}", params.PriceRetrieveParams)
def retrieve_price(ask: Ask) -> Json:
    """Return a price."""
    return ask.the("price")


@answers("POST /v1/prices/{id}", params.PriceUpdateParams, f"{_PRICE} metadata transfer_lookup_key")
def update_price(ask: Ask) -> Json:
    """Change what may be changed of a price: never the amount, and how it is taxed only once."""
    price = ask.the("price")
    fields = applied(ask.given, _PRICE)
    if fields.get("tax_behavior", price["tax_behavior"]) != price["tax_behavior"] != "unspecified":
        raise Refusal("You cannot change the `tax_behavior` of a price once it is set.", param="tax_behavior")
    _free_lookup_key(ask, price)
    if "metadata" in ask.given:
        fields["metadata"] = merged(price["metadata"], ask.given["metadata"])
    return ask.world.change("price.updated", price, **fields)
