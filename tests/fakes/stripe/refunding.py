"""Money that goes out: refunds, and disputes that banks open."""

import stripe

from tests.fakes.stripe.charging import move
from tests.fakes.stripe.model import Json, Refusal, not_simulated
from tests.fakes.stripe.spec import shaped, sparse
from tests.fakes.stripe.world import World

_DISPUTE_FEE = 1500
_ANSWER_SECONDS = 7 * 24 * 3600
_WITHOUT_MONEY = "warning_"


def refund(world: World, charge: Json, amount: int | None, *, reason: str | None = None, metadata: Json) -> Json:
    """Give a charge back, whole or in part.

    Raises:
        Refusal: If there is not so much left to give back.
    """
    left = charge["amount"] - charge["amount_refunded"]
    wanted = left if amount is None else amount
    _check_refund(world, charge, wanted, left)
    kind = "payment_refund" if charge["id"].startswith("py_") else "refund"
    settles = world.refunds_settle
    made = shaped(
        stripe.Refund,
        id=world.next_id("pyr" if kind == "payment_refund" else "re"),
        amount=wanted,
        charge=charge["id"],
        created=world.now(),
        currency=charge["currency"],
        customer=charge["customer"],
        metadata=dict(metadata),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        pending_reason=None if settles else "processing",
        reason=reason,
        status="succeeded" if settles else "pending",
    )
    world.add(made)
    made["balance_transaction"] = move(world, kind, -wanted, made)["id"]
    world.emit("refund.created", made)
    _refunded(world, charge, wanted)
    return made


def _check_refund(world: World, charge: Json, wanted: int, left: int) -> None:
    if charge["status"] != "succeeded":
        raise Refusal(f"Charge {charge['id']} has not been paid.", "charge_not_refundable")
    disputes = [one for one in world.every("dispute", livemode=charge["livemode"]) if one["charge"] == charge["id"]]
    if any(one["status"] not in {"won", "warning_closed"} and not one["is_charge_refundable"] for one in disputes):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise Refusal(message, "charge_disputed")
    if left == 0:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if wanted <= 0:
        raise Refusal("Invalid positive integer", "parameter_invalid_integer", "amount")
    if wanted > left:
        message = f"Refund amount (${wanted / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})"
        raise Refusal(message, param="amount")


def _refunded(world: World, charge: Json, amount: int) -> None:
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.emit("charge.refunded", charge, {name: value for name, value in before.items() if charge[name] != value})


def end_refund(world: World, found: Json, *, succeeds: bool) -> None:
    """Say how a refund ends: a pending one either way, one that succeeded may still come back.

    Raises:
        Refusal: If it has ended otherwise.
    """
    before = found["status"]
    if before not in {"pending", "succeeded"} or (before == "succeeded" and succeeds):
        raise not_simulated(f"the end of a refund that is {before}")
    found |= {"status": "succeeded" if succeeds else "failed", "pending_reason": None}
    if not succeeds:
        charge = world.of(found["charge"])
        found["failure_reason"] = "lost_or_stolen_card"
        found["failure_balance_transaction"] = move(world, "refund_failure", found["amount"], found)["id"]
        charge |= {"amount_refunded": charge["amount_refunded"] - found["amount"], "refunded": False}
        world.emit("refund.failed", found)
    world.emit("refund.updated", found, {"status": before})
    world.emit("charge.refund.updated", found, {"status": before})


def dispute(world: World, charge: Json, amount: int | None, *, reason: str, is_warning: bool) -> Json:
    """Let the bank of a buyer dispute a charge; an early warning moves no money."""
    status = "warning_needs_response" if is_warning else "needs_response"
    made = shaped(
        stripe.Dispute,
        id=world.next_id("du"),
        amount=charge["amount"] - charge["amount_refunded"] if amount is None else amount,
        balance_transactions=[],
        charge=charge["id"],
        created=world.now(),
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={"enhanced_evidence": {}},
        evidence_details={
            "due_by": world.now() + _ANSWER_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        is_charge_refundable=is_warning,
        livemode=charge["livemode"],
        metadata={},
        network_reason_code="10.4",
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": "visa",
                "case_type": "inquiry" if is_warning else "chargeback",
                "network": "visa",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        reason=reason,
        status=status,
    )
    world.add(made)
    if not is_warning:
        charge["disputed"] = True
    world.emit("charge.dispute.created", made)
    if not is_warning:
        moved = move(world, "adjustment", -made["amount"], made, fee=_DISPUTE_FEE, category="dispute")
        made["balance_transactions"].append(moved)
        world.emit("charge.dispute.funds_withdrawn", made)
    return made


def close_dispute(world: World, found: Json, *, won: bool) -> None:
    """Let the bank decide.

    Raises:
        Refusal: If it has.
    """
    if found["status"] in {"won", "lost", "warning_closed"}:
        raise Refusal("This dispute is already closed.", "dispute_already_closed")
    if found["status"].startswith(_WITHOUT_MONEY):
        found["status"] = "warning_closed"
        world.emit("charge.dispute.closed", found)
        return
    found["status"] = "won" if won else "lost"
    if won:
        moved = move(world, "adjustment", found["amount"], found, category="dispute_reversal")
        found["balance_transactions"].append(moved)
        world.emit("charge.dispute.funds_reinstated", found)
    world.emit("charge.dispute.closed", found)


def warn_of_fraud(world: World, charge: Json) -> Json:
    """Let the network of a card say that a charge may be fraud: nothing moves yet."""
    made = sparse(
        stripe.radar.EarlyFraudWarning,
        id=world.next_id("issfr"),
        actionable=True,
        charge=charge["id"],
        created=world.now(),
        fraud_type="made_with_stolen_card",
        livemode=charge["livemode"],
        payment_intent=charge["payment_intent"],
    )
    world.add(made)
    world.emit("radar.early_fraud_warning.created", made)
    return made
