"""Money that comes in: payment intents, charges, and what they do to the balance."""

from dataclasses import dataclass, field

import stripe

from tests.fakes.stripe.model import Card, Json, Refusal
from tests.fakes.stripe.spec import shaped
from tests.fakes.stripe.world import World

_FEE_PERCENT, _FEE_FIXED = 29, 30  # in tenths of a percent and in cents: the list price of cards
_MESSAGES = {
    Card.DECLINED: "Your card was declined.",
    Card.NO_FUNDS: "Your card has insufficient funds.",
    Card.EXPIRED: "Your card has expired.",
    Card.NEEDS_3DS: "Your card was declined. This transaction requires authentication.",
    Card.DEBIT: "The customer's bank refused the debit.",
}


@dataclass(frozen=True)
class Due:
    """What is to be paid, and by whom.

    Attributes:
        customer: Empty for a guest.
    """

    amount: int
    currency: str
    livemode: bool
    customer: str | None = None
    description: str | None = None
    email: str | None = None
    metadata: Json = field(default_factory=dict)
    descriptor_suffix: str | None = None
    descriptor: str | None = None


def ask_for(world: World, due: Due, *, types: list[str] | None = None) -> Json:
    """Make a payment intent and tell it."""
    made = shaped(
        stripe.PaymentIntent,
        id=(given := world.next_id("pi")),
        amount=due.amount,
        amount_capturable=0,
        amount_received=0,
        capture_method="automatic_async",
        client_secret=f"{given}_secret_local",
        confirmation_method="automatic",
        created=world.now(),
        currency=due.currency,
        customer=due.customer,
        description=due.description,
        livemode=due.livemode,
        metadata=dict(due.metadata),
        payment_method_types=types or ["card"],
        receipt_email=due.email,
        statement_descriptor=due.descriptor,
        statement_descriptor_suffix=due.descriptor_suffix,
        status="requires_payment_method",
    )
    world.add(made)
    world.emit("payment_intent.created", made)
    return made


def attempt(world: World, intent: Json, card: Card) -> bool:
    """Try to take an intent's money; return whether it is taken by now."""
    if card is Card.NEEDS_3DS:
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        intent |= {"status": "requires_action", "next_action": action, "last_payment_error": None}
        world.emit("payment_intent.requires_action", intent)
        return False
    charge = _charge(world, intent, card)
    intent |= {"latest_charge": charge["id"], "payment_method": charge["payment_method"], "next_action": None}
    if card is Card.DEBIT:
        intent |= {"status": "processing", "payment_method_types": ["us_bank_account"]}
        world.emit("charge.pending", charge)
        world.emit("payment_intent.processing", intent)
        return False
    if card.declines:
        _fail(world, intent, charge, card)
        return False
    _succeed(world, intent, charge)
    return True


def settle(world: World, intent: Json, *, succeeds: bool) -> None:
    """End a bank debit that is processing."""
    charge = world.of(intent["latest_charge"])
    if succeeds:
        _succeed(world, intent, charge)
    else:
        _fail(world, intent, charge, Card.DEBIT)


_CARD = {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242"}


def _charge(world: World, intent: Json, card: Card) -> Json:
    is_debit = card is Card.DEBIT
    name = "us_bank_account" if is_debit else "card"
    given = world.next_id("py" if is_debit else "ch")
    return world.add(
        shaped(
            stripe.Charge,
            id=given,
            amount=intent["amount"],
            amount_captured=0,
            amount_refunded=0,
            billing_details={"email": intent["receipt_email"]},
            calculated_statement_descriptor=_descriptor(intent),
            captured=False,
            created=world.now(),
            currency=intent["currency"],
            customer=intent["customer"],
            description=intent["description"],
            disputed=False,
            fraud_details={},
            livemode=intent["livemode"],
            metadata=dict(intent["metadata"]),
            paid=False,
            payment_intent=intent["id"],
            payment_method=world.next_id("pm"),
            payment_method_details={"type": name, name: {} if is_debit else _CARD},
            receipt_email=intent["receipt_email"],
            receipt_url=f"{world.base}/receipts/{given}",
            refunded=False,
            status="pending",
        )
    )


def _descriptor(intent: Json) -> str:
    suffix = intent["statement_descriptor_suffix"]
    return f"ATELIER* {suffix}"[:22] if suffix else intent["statement_descriptor"] or "ATELIER"


def _succeed(world: World, intent: Json, charge: Json) -> None:
    moved = move(world, "charge", charge["amount"], charge, fee=charge["amount"] * _FEE_PERCENT // 1000 + _FEE_FIXED)
    charge |= {
        "amount_captured": charge["amount"],
        "balance_transaction": moved["id"],
        "captured": True,
        "outcome": {**_OUTCOME, "network_status": "approved_by_network", "type": "authorized"},
        "paid": True,
        "status": "succeeded",
    }
    world.emit("charge.succeeded", charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    world.emit("payment_intent.succeeded", intent)


_OUTCOME = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": None,
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "rule": None,
    "seller_message": None,
    "type": "",
}


def _fail(world: World, intent: Json, charge: Json, card: Card) -> None:
    error = declined(card)
    outcome = {**_OUTCOME, "network_status": "declined_by_network", "type": "issuer_declined"}
    charge |= {"status": "failed", "failure_code": error.code, "failure_message": error.message}
    charge |= {"outcome": {**outcome, "reason": error.more.get("decline_code"), "seller_message": error.message}}
    world.emit("charge.failed", charge)
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "last_payment_error": {
            "charge": charge["id"],
            "code": error.code,
            "decline_code": error.more.get("decline_code"),
            "message": error.message,
            "type": "card_error",
        },
    }
    world.emit("payment_intent.payment_failed", intent)


def declined(card: Card) -> Refusal:
    """Return how the API words a card that is declined."""
    if card in {Card.EXPIRED, Card.NEEDS_3DS}:
        return Refusal(_MESSAGES[card], card.value, status=402, type="card_error")
    reason = "generic_decline" if card in {Card.DECLINED, Card.DEBIT} else card.value
    return Refusal(_MESSAGES[card], "card_declined", status=402, type="card_error", more={"decline_code": reason})


def move(world: World, kind: str, amount: int, source: Json, *, fee: int = 0, category: str = "") -> Json:
    """Write down what moves the balance; money that leaves is below zero."""
    made = shaped(
        stripe.BalanceTransaction,
        id=world.next_id("txn"),
        amount=amount,
        available_on=world.now(),
        balance_type="payments",
        created=world.now(),
        currency=source["currency"],
        fee=fee,
        fee_details=[],
        net=amount - fee,
        reporting_category=category or kind,
        source=source["id"],
        status="available",
        type=kind,
    )
    return world.add(made)
