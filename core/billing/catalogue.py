"""What each of Stripe's prices stands for. What is granted is read here, never from anything that came with a payment."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from core.billing.errors import UnknownProduct
from core.billing.model import PLAN_SLOT
from core.credits.tiers import FREE, Pack, PriceList, Tier

CURRENCY = "usd"


@dataclass(frozen=True, slots=True)
class Product:
    """Something that can be bought.

    Attributes:
        key: Of the tier or the pack.
        name: What people see.
        price_id: Stripe's price.
        price_cents: What one costs, taxes not included, in US cents; for a plan, a month of it.
        microcredits: What one grants; for a plan, a month of it.
        is_plan: Whether it is a subscription.
    """

    key: str
    name: str
    price_id: str
    price_cents: int
    microcredits: int
    is_plan: bool

    @property
    def slot(self) -> str:
        """What may be open once a workspace: one plan, and one of each pack."""
        return PLAN_SLOT if self.is_plan else self.key

    def microcredits_for(self, amount_cents: int) -> int:
        """Return what a part of a month grants that cost *amount_cents*, rounded down; below 0 for a credit."""
        return int(Fraction(amount_cents * self.microcredits, self.price_cents))


class Catalogue:
    """What this installation sells."""

    def __init__(self, prices: PriceList, price_ids: Mapping[str, str]) -> None:
        """Make a catalogue.

        Args:
            prices: Tiers and packs.
            price_ids: Stripe's price by key of tier or pack; what has none is not sold.

        Raises:
            ValueError: If one price stands for two products.
            KeyError: If a key is none of a tier or pack.
        """
        self.prices = prices
        self.products = tuple(_product(prices, key, price_id) for key, price_id in price_ids.items() if price_id)
        self._by_price = {product.price_id: product for product in self.products}
        if len(self._by_price) != len(self.products):
            raise ValueError("one price of Stripe's stands for two products")

    @property
    def plans(self) -> tuple[Product, ...]:
        """What is subscribed to, cheapest first."""
        return tuple(sorted((item for item in self.products if item.is_plan), key=lambda item: item.price_cents))

    @property
    def packs(self) -> tuple[Product, ...]:
        """What is bought once, cheapest first."""
        return tuple(sorted((item for item in self.products if not item.is_plan), key=lambda item: item.price_cents))

    def get(self, key: str) -> Product:
        """Return the product with *key*.

        Raises:
            UnknownProduct: If it is not sold.
        """
        for product in self.products:
            if product.key == key:
                return product
        raise UnknownProduct(key, tuple(item.key for item in self.products))

    def find_by_price(self, price_id: str) -> Product | None:
        """Return what Stripe's price stands for."""
        return self._by_price.get(price_id)

    def best_plan(self, keys: list[str]) -> str:
        """Return the dearest of the tiers *keys*; the free one when there is none."""
        known = [tier for tier in self.prices.tiers if tier.key in keys]
        return max(known, key=lambda tier: tier.price_cents_month).key if known else FREE


def make_catalogue(prices: PriceList, *, starter: str, pro: str, credit: str) -> Catalogue:
    """Return the catalogue for the three prices of the settings; an empty one is not sold.

    Args:
        prices: Tiers and packs; the first pack is what *credit* stands for.
        starter: STRIPE_STARTER_PRICE_ID.
        pro: STRIPE_PRO_PRICE_ID.
        credit: STRIPE_CREDIT_PRICE_ID.
    """
    return Catalogue(prices, {"starter": starter, "pro": pro, prices.packs[0].key: credit})


def _product(prices: PriceList, key: str, price_id: str) -> Product:
    found: Tier | Pack
    if any(tier.key == key for tier in prices.tiers):
        found = prices.tier(key)
        return Product(key, found.name, price_id, found.price_cents_month, found.microcredits_month, is_plan=True)
    found = prices.pack(key)
    return Product(key, found.name, price_id, found.price_cents, found.microcredits, is_plan=False)
