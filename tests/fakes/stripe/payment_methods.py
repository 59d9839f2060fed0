"""Payment intents and charges, as the app reads them."""

from stripe import params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import merged
from tests.fakes.stripe.model import Json


@answers("GET /v1/payment_intents", params.PaymentIntentListParams, f"{LIST} customer")
def list_intents(ask: Ask) -> Json:
    """Return payment intents."""
    customer = ask.get("customer")
    found = ask.world.every("payment_intent", livemode=ask.livemode)
    return ask.listed(one for one in found if customer in {None, one["customer"]})


@answers("GET /v1/payment_intents/{id}", params.PaymentIntentRetrieveParams)
def retrieve_intent(ask: Ask) -> Json:
    """Return a payment intent."""
    return ask.the("payment_intent")


@answers("POST /v1/payment_intents/{id}", params.PaymentIntentUpdateParams, "metadata description")
def update_intent(ask: Ask) -> Json:
    """Change what a payment intent is called."""
    intent = ask.the("payment_intent")
    intent["metadata"] = merged(intent["metadata"], ask.given.get("metadata"))
    intent["description"] = ask.get("description", intent["description"])
    return intent


@answers("GET /v1/charges", params.ChargeListParams, f"{LIST} customer payment_intent")
def list_charges(ask: Ask) -> Json:
    """Return charges."""
    found = ask.world.every("charge", livemode=ask.livemode)
    for name in ("customer", "payment_intent"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    return ask.listed(found)


@answers("GET /v1/charges/{id}", params.ChargeRetrieveParams)
def retrieve_charge(ask: Ask) -> Json:
    """Return a charge."""
    return ask.the("charge")


@answers("POST /v1/charges/{id}", params.ChargeUpdateParams, "metadata description")
def update_charge(ask: Ask) -> Json:
    """Change what a charge is called."""
    charge = ask.the("charge")
    metadata = merged(charge["metadata"], ask.given.get("metadata"))
    return ask.world.change(
        "charge.updated", charge, metadata=metadata, description=ask.get("description", charge["description"])
    )
