"""Refunds and disputes, as the app makes and reads them."""

from stripe import params

from tests.fakes.stripe import refunding
from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.changing import merged
from tests.fakes.stripe.expanding import includes
from tests.fakes.stripe.model import Json, Refusal
from tests.fakes.stripe.world import World, listed


@answers("POST /v1/refunds", params.RefundCreateParams, "amount charge payment_intent reason metadata")
def create(ask: Ask) -> Json:
    """Give a charge back, named by itself or by its payment intent."""
    if ("charge" in ask.given) == ("payment_intent" in ask.given):
        raise Refusal("One of the following params should be provided for this request: payment_intent or charge.")
    if "charge" in ask.given:
        charge = ask.named("charge", "charge")
    else:
        intent = ask.named("payment_intent", "payment_intent")
        if intent["latest_charge"] is None:
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise Refusal(message, "payment_intent_unexpected_state")
        charge = ask.world.of(intent["latest_charge"])
    metadata = merged({}, ask.get("metadata"))
    return refunding.refund(ask.world, charge, ask.get("amount"), reason=ask.get("reason"), metadata=metadata)


@answers("GET /v1/refunds", params.RefundListParams, f"{LIST} charge payment_intent")
def list_refunds(ask: Ask) -> Json:
    """Return refunds."""
    return ask.listed(_about(ask, "refund"))


def _about(ask: Ask, kind: str) -> list[Json]:
    found = ask.world.every(kind, livemode=ask.livemode)
    for name in ("charge", "payment_intent"):
        if (wanted := ask.get(name)) is not None:
            found = [one for one in found if one[name] == wanted]
    return found


@answers("GET /v1/refunds/{id}", params.RefundRetrieveParams)
def retrieve(ask: Ask) -> Json:
    """Return a refund."""
    return ask.the("refund")


@answers("POST /v1/refunds/{id}", params.RefundUpdateParams, "metadata")
def update(ask: Ask) -> Json:
    """Change a refund's metadata."""
    found = ask.the("refund")
    return ask.world.change("refund.updated", found, metadata=merged(found["metadata"], ask.given.get("metadata")))


@includes("charge", "refunds")
def include_refunds(world: World, charge: Json) -> Json:
    """Return a charge's refunds, newest first."""
    found = [one for one in world.every("refund", livemode=charge["livemode"]) if one["charge"] == charge["id"]]
    return listed(f"/v1/charges/{charge['id']}/refunds", found[::-1])


@answers("GET /v1/disputes", params.DisputeListParams, f"{LIST} charge payment_intent")
def list_disputes(ask: Ask) -> Json:
    """Return disputes."""
    return ask.listed(_about(ask, "dispute"))


@answers("GET /v1/disputes/{id}", params.DisputeRetrieveParams)
def retrieve_dispute(ask: Ask) -> Json:
    """Return a dispute."""
    return ask.the("dispute")


@answers("POST /v1/disputes/{id}/close", params.DisputeCloseParams)
def close_dispute(ask: Ask) -> Json:
    """Give a dispute up: it is lost."""
    found = ask.the("dispute")
    refunding.close_dispute(ask.world, found, won=False)
    return found
