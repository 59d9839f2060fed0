"""Whether the shop is set up as the price list says: for `atelier doctor` and for whoever sets it up."""

from dataclasses import dataclass

from core.billing.catalogue import CURRENCY, Catalogue, Product
from core.billing.objects import PriceObject
from core.billing.ports import Gateway

_MONTH = "month"
# a subscription has no statement descriptor of its own: Stripe takes its product's, else the account's alone
_NO_DESCRIPTOR = (
    "The product has no statement descriptor, so card statements of the plan show the account's name alone: set it in "
    "Stripe's dashboard."
)


@dataclass(frozen=True, slots=True)
class SetupProblem:
    """One thing that is not as it should be.

    Attributes:
        subject: The product's key, or ``account``.
        text: One sentence for the operator.
        is_warning: Whether the shop sells all the same.
    """

    subject: str
    text: str
    is_warning: bool = False


async def check_setup(gateway: Gateway, catalogue: Catalogue, *, has_webhook_secret: bool) -> tuple[SetupProblem, ...]:
    """Return what is wrong with the shop; nothing if it can sell.

    Args:
        gateway: Stripe.
        catalogue: What is to be sold.
        has_webhook_secret: Whether webhooks can be believed.

    Raises:
        BillingUnavailable: If Stripe does not answer.
        BillingRefused: If the key is not right.
    """
    await gateway.account_id()
    found: list[SetupProblem] = []
    if not has_webhook_secret:
        found.append(
            SetupProblem("webhook", "STRIPE_WEBHOOK_SECRET is not set, so payments are seen twice a day only.")
        )
    if not catalogue.products:
        found.append(SetupProblem("account", "No price is configured, so nothing can be bought."))
    for product in catalogue.products:
        price = await gateway.find_price(product.price_id)
        text = _fault_of(product, price, livemode=gateway.livemode)
        if text:
            found.append(SetupProblem(product.key, text))
        if product.is_plan and price is not None and not price.descriptor:
            found.append(SetupProblem(product.key, _NO_DESCRIPTOR, is_warning=True))
    return tuple(found)


def _fault_of(product: Product, price: PriceObject | None, *, livemode: bool) -> str:
    if price is None:
        return f"Stripe knows no price {product.price_id} in {'live' if livemode else 'test'} mode."
    interval = _MONTH if product.is_plan else ""
    if not price.active:
        return f"The price {price.id} is archived."
    if (price.currency, price.unit_amount) != (CURRENCY, product.price_cents):
        costs = f"{price.unit_amount} cents in {price.currency}"
        return f"The price {price.id} is {costs}; tiers.toml says {product.price_cents} in {CURRENCY}."
    if price.interval != interval:
        return f"The price {price.id} must be {'monthly' if interval else 'paid once'}."
    return ""
