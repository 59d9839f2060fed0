"""Checkout sessions as the app makes, reads and expires them."""

import re
from urllib.parse import urlsplit

import stripe
from stripe.params import checkout as params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.catalogue_methods import new_price, new_product
from tests.fakes.stripe.changing import merged
from tests.fakes.stripe.expanding import includes
from tests.fakes.stripe.lines import Taxed, taxed
from tests.fakes.stripe.model import Json, Refusal
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World, listed

_SOONEST, _LATEST = 30 * 60, 24 * 3600  # docs: api/checkout/sessions/create#expires_at
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,200}")  # what payment links allow; whether sessions allow more is not known
_MOST_ITEMS = {"payment": 100, "subscription": 20}
_MOST_FIELDS = 3

_TAKES = (
    "adaptive_pricing.enabled allow_promotion_codes automatic_tax.enabled billing_address_collection cancel_url client_reference_id"
    " consent_collection custom_fields custom_text customer customer_creation customer_email customer_update"
    " expires_at invoice_creation line_items locale metadata mode name_collection payment_intent_data.metadata"
    " payment_intent_data.description payment_intent_data.receipt_email payment_intent_data.setup_future_usage"
    " payment_intent_data.statement_descriptor_suffix payment_method_collection"
    " subscription_data.metadata subscription_data.description submit_type success_url tax_id_collection ui_mode"
)


@answers("POST /v1/checkout/sessions", params.SessionCreateParams, _TAKES)
def create(ask: Ask) -> Json:
    """Make a session with its page."""
    world, given = ask.world, ask.given
    mode = given.get("mode")
    if mode is None:
        raise Refusal("Missing required param: mode.", "parameter_missing", "mode", executed=False)
    if mode == "setup" or given.get("ui_mode", "hosted_page") != "hosted_page":
        raise Refusal("The local Stripe does not simulate this mode.", "not_simulated", "mode", status=501)
    _check_urls(ask)
    _check_mode(ask, mode)
    customer = ask.named("customer", "customer") if ask.get("customer") else None
    _check_customer(ask, customer)
    items = _items(ask, mode)
    now = world.now()
    expires_at = ask.get("expires_at", now + _LATEST)
    if not now + _SOONEST <= expires_at <= now + _LATEST:
        limit = "at least 30 minutes" if expires_at < now + _SOONEST else "less than 24 hours"
        message = f"The `expires_at` timestamp must be {limit} from Checkout Session creation."
        raise Refusal(message, param="expires_at")
    session = _session(ask, mode, customer, items, expires_at)
    world.add(session)
    world.checkouts[session["id"]] = {"items": items, "given": given}
    world.agenda.put(expires_at, lambda: expire_now(world, session))
    return session


def _check_urls(ask: Ask) -> None:
    if not ask.get("success_url"):
        raise Refusal("Missing required param: success_url.", "parameter_missing", "success_url", executed=False)
    for name in ("success_url", "cancel_url"):
        parts = urlsplit(ask.get(name, "https://none.test"))
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise Refusal("Not a valid URL", "url_invalid", name)
    reference = ask.get("client_reference_id")
    if reference is not None and not _REFERENCE.fullmatch(reference):
        raise Refusal("Invalid client_reference_id", param="client_reference_id")
    if len(ask.get("custom_fields") or []) > _MOST_FIELDS:
        raise Refusal("Array custom_fields exceeded maximum 3 allowed elements.", param="custom_fields")


def _check_mode(ask: Ask, mode: str) -> None:
    foreign = {
        "payment": ("subscription_data", "payment_method_collection"),
        "subscription": ("payment_intent_data", "invoice_creation", "customer_creation", "submit_type"),
    }[mode]
    for name in foreign:
        if name in ask.given:
            raise Refusal(f"You can not pass `{name}` in `{mode}` mode.", param=name)


def _check_customer(ask: Ask, customer: Json | None) -> None:
    """docs: payments/checkout/taxes, tax/checkout/tax-ids."""
    changing = ask.get("customer_update") or {}
    if customer is None:
        if changing:
            raise Refusal("`customer_update` can only be used with `customer`.", param="customer_update")
        return
    if ask.get("customer_email"):
        raise Refusal("You may only specify one of these parameters: customer, customer_email.")
    if ask.get("customer_creation"):
        raise Refusal("`customer_creation` can not be used with `customer`.", param="customer_creation")
    automatic = (ask.get("automatic_tax") or {}).get("enabled")
    if automatic and customer["address"] is None and changing.get("address") != "auto":
        message = "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address"
        message += " to the Customer or set either `customer_update[address]` to 'auto'"
        raise Refusal(f"{message} or `customer_update[shipping]` to 'auto'.", "customer_tax_location_invalid")
    if (ask.get("tax_id_collection") or {}).get("enabled") and changing.get("name") != "auto":
        message = "Tax ID collection requires updating business name on the customer. To enable tax ID collection for"
        message += " an existing customer, please set `customer_update[name]` to `auto`."
        raise Refusal(message, param="tax_id_collection[enabled]")


def _items(ask: Ask, mode: str) -> list[tuple[Json, int]]:
    found = []
    for number, one in enumerate(ask.get("line_items") or []):
        if "quantity" not in one or one["quantity"] < 1:
            raise Refusal(
                "Quantity is required and at least 1.", "parameter_missing", f"line_items[{number}][quantity]"
            )
        if unplayed := set(one) - {"price", "price_data", "quantity", "metadata"}:
            raise Refusal(f"The local Stripe does not simulate {unplayed}.", "not_simulated", status=501)
        found.append((_price(ask, one, f"line_items[{number}]"), one["quantity"]))
    if not found:
        raise Refusal("Missing required param: line_items.", "parameter_missing", "line_items", executed=False)
    if len(found) > _MOST_ITEMS[mode]:
        raise Refusal(f"Too many line items in `{mode}` mode.", param="line_items")
    if len({price["currency"] for price, _ in found}) > 1:
        raise Refusal("All prices on a Checkout Session must have the same currency.", param="line_items")
    recurring = [price for price, _ in found if price["recurring"]]
    if mode == "subscription" and not recurring:
        raise Refusal("You must provide at least one recurring price in `subscription` mode when using prices.")
    if mode == "payment" and recurring:
        message = "You specified `payment` mode but passed a recurring price."
        raise Refusal(f"{message} Either switch to `subscription` mode or use only one-time prices.")
    if len({(one["recurring"]["interval"], one["recurring"]["interval_count"]) for one in recurring}) > 1:
        raise Refusal("Checkout does not support multiple prices with different billing intervals.")
    return found


def _price(ask: Ask, item: Json, param: str) -> Json:
    if "price" in item:
        price = ask.world.get("price", item["price"], livemode=ask.livemode, param=f"{param}[price]")
        if not price["active"]:
            raise Refusal("The price specified is inactive. This field only accepts active prices.", param=param)
        return price
    if "price_data" not in item:
        raise Refusal("You must specify either `price` or `price_data`.", param=param)
    data = item["price_data"]
    if "product" in data:
        product = ask.world.get(
            "product", data["product"], livemode=ask.livemode, param=f"{param}[price_data][product]"
        )
    else:
        product = new_product(ask.world, livemode=ask.livemode, active=False, **data["product_data"])
    behavior = data.get("tax_behavior", "unspecified")
    return new_price(
        ask.world,
        product=product,
        unit_amount=data["unit_amount"],
        currency=data["currency"],
        recurring=data.get("recurring"),
        tax_behavior=behavior,
        active=False,
    )


def _session(ask: Ask, mode: str, customer: Json | None, items: list[tuple[Json, int]], expires_at: int) -> Json:
    world = ask.world
    given = world.next_id("cs", livemode=ask.livemode, shows_mode=True)
    automatic = bool((ask.get("automatic_tax") or {}).get("enabled"))
    creation = (ask.get("customer_creation") or "if_required") if mode == "payment" and customer is None else None
    return shaped(
        stripe.checkout.Session,
        id=given,
        allow_promotion_codes=ask.get("allow_promotion_codes"),
        automatic_tax={"enabled": automatic, "status": "requires_location_inputs" if automatic else None},
        billing_address_collection=ask.get("billing_address_collection"),
        cancel_url=ask.get("cancel_url"),
        client_reference_id=ask.get("client_reference_id"),
        consent_collection=ask.get("consent_collection"),
        created=world.now(),
        currency=items[0][0]["currency"],
        custom_fields=[_custom_field(one) for one in ask.get("custom_fields") or []],
        custom_text=ask.get("custom_text") or {},
        customer=customer["id"] if customer else None,
        customer_creation=creation if customer is None and mode == "payment" else None,
        customer_details=_known_details(ask, customer),
        customer_email=ask.get("customer_email"),
        discounts=[],
        expires_at=expires_at,
        invoice_creation=_invoice_creation(ask) if mode == "payment" else None,
        livemode=ask.livemode,
        locale=ask.get("locale"),
        metadata=merged({}, ask.get("metadata")),
        mode=mode,
        name_collection=ask.get("name_collection"),
        payment_method_collection="always" if mode == "subscription" else "if_required",
        payment_method_options={},
        payment_method_types=["card"],
        payment_status="unpaid",
        phone_number_collection={"enabled": False},
        shipping_options=[],
        status="open",
        submit_type=ask.get("submit_type"),
        success_url=ask.get("success_url"),
        tax_id_collection={"required": "never", **(ask.get("tax_id_collection") or {"enabled": False})},
        ui_mode="hosted_page",
        url=f"{world.base}/c/pay/{given}",
        **totals(world, items, automatic=False),
    )


def _custom_field(given: Json) -> Json:
    label = {"custom": given["label"]["custom"], "type": "custom"}
    made = {"key": given["key"], "label": label, "optional": given.get("optional", False), "type": given["type"]}
    limits = given.get(given["type"]) or {}
    return {**made, given["type"]: {**limits, "value": None}}


def _known_details(ask: Ask, customer: Json | None) -> Json | None:
    email = customer["email"] if customer else ask.get("customer_email")
    return {"email": email, "tax_exempt": "none"} if email else None


def _invoice_creation(ask: Ask) -> Json:
    given = ask.get("invoice_creation") or {"enabled": False}
    data = given.get("invoice_data") or {}
    return {"enabled": given["enabled"], "invoice_data": {"metadata": {}, **data}}


def totals(world: World, items: list[tuple[Json, int]], *, automatic: bool) -> Json:
    """Return a session's amounts; before somebody said where they are, no tax is in them."""
    parts = [tax_of(world, one, automatic=automatic) for one in items]
    tax = sum(part.tax for part in parts)
    subtotal, total = sum(part.amount for part in parts), sum(part.total for part in parts)
    details = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax}
    return {"amount_subtotal": subtotal, "amount_total": total, "total_details": details}


def tax_of(world: World, item: tuple[Json, int], *, automatic: bool) -> Taxed:
    """Return an item's amount with its tax."""
    price, quantity = item
    return taxed(world, price, price["unit_amount"] * quantity, automatic=automatic)


def expire_now(world: World, session: Json) -> None:
    """Close a page that nobody used."""
    if session["status"] == "open":
        session |= {"status": "expired", "url": None}
        world.emit("checkout.session.expired", session)


@answers("POST /v1/checkout/sessions/{id}/expire", params.SessionExpireParams)
def expire(ask: Ask) -> Json:
    """Close an open session."""
    session = ask.the("checkout.session")
    if session["status"] != "open":
        message = "Only Checkout Sessions with a status in [`open`] can be expired. This Checkout Session has a status"
        raise Refusal(f"{message} of `{session['status']}`.")
    expire_now(ask.world, session)
    return session


@answers("GET /v1/checkout/sessions/{id}", params.SessionRetrieveParams)
def retrieve(ask: Ask) -> Json:
    """Return a session."""
    return ask.the("checkout.session")


@answers("POST /v1/checkout/sessions/{id}", params.SessionUpdateParams, "metadata")
def update(ask: Ask) -> Json:
    """Change a session's metadata."""
    session = ask.the("checkout.session")
    session["metadata"] = merged(session["metadata"], ask.get("metadata"))
    return session


@answers(
    "GET /v1/checkout/sessions",
    params.SessionListParams,
    f"{LIST} customer customer_details.email payment_intent status subscription",
)
def list_sessions(ask: Ask) -> Json:
    """Return sessions."""
    found = ask.world.every("checkout.session", livemode=ask.livemode)
    for name in ("customer", "payment_intent", "status", "subscription"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    if (email := (ask.get("customer_details") or {}).get("email")) is not None:
        found = [one for one in found if (one["customer_details"] or {}).get("email") == email]
    return ask.listed(found)


@includes("checkout.session", "line_items")
def include_line_items(world: World, session: Json) -> Json:
    """Return what a session sells."""
    return listed(f"/v1/checkout/sessions/{session['id']}/line_items", _line_items(world, session))


@answers(
    "GET /v1/checkout/sessions/{id}/line_items",
    params.SessionLineItemListParams,
    "limit starting_after ending_before",
)
def list_line_items(ask: Ask) -> Json:
    """Return what a session sells, in the order in which it was given."""
    items = _line_items(ask.world, ask.the("checkout.session"))
    return ask.listed(reversed(items))


def _line_items(world: World, session: Json) -> list[Json]:
    found = []
    for number, item in enumerate(world.checkouts[session["id"]]["items"]):
        price, quantity = item
        tax = tax_of(world, item, automatic=session["automatic_tax"]["status"] == "complete")
        found.append(
            shaped(
                stripe.LineItem,
                id=f"li_{session['id'].rpartition('_')[2]}{number}",
                amount_discount=0,
                amount_subtotal=tax.amount,
                amount_tax=tax.tax,
                amount_total=tax.total,
                currency=price["currency"],
                description=world.of(price["product"])["name"],
                price=price,
                quantity=quantity,
            )
        )
    return found
