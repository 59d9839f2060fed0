"""Refunds and disputes: what they take, what they tell, and what they refuse."""

import pytest
import stripe

from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Json
from tests.fakes_stripe.buying import checkout, subscribe, types
from tests.fakes_stripe.conftest import Shop

pytestmark = pytest.mark.loopback


@pytest.fixture
async def charge(local: LocalStripe, client: stripe.StripeClient, shop: Shop) -> Json:
    """The charge of a pack that was paid."""
    session = await checkout(client, shop.pack)
    local.pay(session.id)
    return local.charge_of(session.id)


async def test_parts_and_the_rest(local: LocalStripe, client: stripe.StripeClient, charge: Json) -> None:
    """Parts add up, each is told, and there is never more than the whole."""
    since = len(local.events())
    part = await client.v1.refunds.create_async({"charge": charge["id"], "amount": 300})
    assert (part.amount, part.status) == (300, "succeeded")
    assert (charge["amount_refunded"], charge["refunded"]) == (300, False)
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(\$7.00\)"):
        await client.v1.refunds.create_async({"charge": charge["id"], "amount": 701})
    rest = await client.v1.refunds.create_async({"payment_intent": charge["payment_intent"]})
    assert (rest.amount, charge["refunded"]) == (700, True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await client.v1.refunds.create_async({"charge": charge["id"]})
    assert caught.value.code == "charge_already_refunded"
    assert types(local, since) == ["refund.created", "charge.refunded"] * 2
    listed = await client.v1.refunds.list_async({"charge": charge["id"]})
    assert [one.id for one in listed.data] == [rest.id, part.id]


async def test_refunds_are_not_in_a_charge_unless_asked_for(client: stripe.StripeClient, charge: Json) -> None:
    """As since 2022-11-15."""
    await client.v1.refunds.create_async({"charge": charge["id"]})
    assert "refunds" not in await client.v1.charges.retrieve_async(charge["id"])
    found = await client.v1.charges.retrieve_async(charge["id"], {"expand": ["refunds"]})
    assert found.refunds is not None
    assert len(found.refunds.data) == 1


@pytest.mark.parametrize("succeeds", [True, False], ids=["arrives", "comes back"])
async def test_a_pending_refund_ends(local: LocalStripe, charge: Json, succeeds: bool) -> None:
    """What fails is as if it had not been, and is told three times."""
    local.world.refunds_settle = False
    refund = local.refund(charge["id"])
    assert refund["status"] == "pending"
    since = len(local.events())
    local.end_refund(refund["id"], succeeds=succeeds)
    told = ["refund.updated", "charge.refund.updated"]
    assert types(local, since) == (told if succeeds else ["refund.failed", *told])
    assert (charge["amount_refunded"], charge["refunded"]) == ((1000, True) if succeeds else (0, False))


async def test_a_renewal_can_be_refunded_by_its_invoice(
    local: LocalStripe, client: stripe.StripeClient, shop: Shop
) -> None:
    """From the charge back to the invoice it is a way over the payment intent and the invoice's payment."""
    await subscribe(local, client, shop.starter)
    local.advance(days=32)
    invoice = local.all("invoice")[-1]
    refund = local.refund(invoice["id"], 900)
    charge = await client.v1.charges.retrieve_async(refund["charge"])
    assert "invoice" not in charge
    payments = await client.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": str(charge.payment_intent)}}
    )
    assert [one.invoice for one in payments.data] == [invoice["id"]]


@pytest.mark.parametrize("won", [True, False], ids=["won", "lost"])
async def test_a_dispute_takes_the_money_until_it_is_won(
    local: LocalStripe, client: stripe.StripeClient, charge: Json, won: bool
) -> None:
    """Created, money withdrawn, and in the end reinstated or not; meanwhile there is no refund."""
    since = len(local.events())
    dispute = local.dispute(charge["id"])
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        await client.v1.refunds.create_async({"charge": charge["id"]})
    local.close_dispute(dispute["id"], won=won)
    told = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    told += ["charge.dispute.funds_reinstated"] if won else []
    assert types(local, since) == [*told, "charge.dispute.closed"]
    if won:
        await client.v1.refunds.create_async({"charge": charge["id"]})
    found = await client.v1.disputes.retrieve_async(dispute["id"])
    assert (found.status, len(found.balance_transactions)) == (("won", 2) if won else ("lost", 1))
    assert len((await client.v1.disputes.list_async({"charge": charge["id"]})).data) == 1


async def test_an_inquiry_moves_no_money(local: LocalStripe, charge: Json) -> None:
    """Its words begin with ``warning_``, and the charge is not disputed by it."""
    since = len(local.events())
    dispute = local.dispute(charge["id"], is_warning=True)
    assert (dispute["status"], charge["disputed"]) == ("warning_needs_response", False)
    local.close_dispute(dispute["id"], won=True)
    assert (types(local, since), dispute["status"]) == (
        ["charge.dispute.created", "charge.dispute.closed"],
        "warning_closed",
    )


async def test_a_fraud_warning_is_told(local: LocalStripe, charge: Json) -> None:
    """The network warns before the buyer does."""
    assert local.warn_of_fraud(charge["id"])["charge"] == charge["id"]
    assert types(local)[-1] == "radar.early_fraud_warning.created"


async def test_the_balance_adds_up(local: LocalStripe, client: stripe.StripeClient, charge: Json) -> None:
    """What came in, less fees, refunds and disputes."""
    await client.v1.refunds.create_async({"charge": charge["id"], "amount": 400})
    local.dispute(charge["id"])
    moved = (await client.v1.balance_transactions.list_async()).data
    assert [(one.type, one.amount, one.fee) for one in moved] == [
        ("adjustment", -600, 1500),
        ("refund", -400, 0),
        ("charge", 1000, 59),
    ]
    assert all(one.net == one.amount - one.fee for one in moved)
