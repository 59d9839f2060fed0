"""What prices stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.catalogue import Catalogue, make_catalogue
from core.billing.errors import UnknownProduct
from core.credits.tiers import FREE, load_price_list

PRICES = load_price_list()
CATALOGUE = make_catalogue(PRICES, starter="price_s", pro="price_p", credit="price_c")


def test_prices_stand_for_tiers_and_packs() -> None:
    """What is granted comes from the price list, by the price's id."""
    pro = CATALOGUE.find_by_price("price_p")
    assert pro is not None
    assert (pro.key, pro.is_plan, pro.slot) == ("pro", True, "plan")
    assert pro.microcredits == PRICES.tier("pro").microcredits_month
    pack = CATALOGUE.find_by_price("price_c")
    assert pack is not None
    assert (pack.is_plan, pack.slot, pack.microcredits) == (False, PRICES.packs[0].key, PRICES.packs[0].microcredits)
    assert CATALOGUE.find_by_price("price_x") is None
    assert [plan.key for plan in CATALOGUE.plans] == ["starter", "pro"]
    assert [item.key for item in CATALOGUE.packs] == [PRICES.packs[0].key]


def test_what_has_no_price_is_not_sold() -> None:
    """An empty setting takes a product out of the shop."""
    catalogue = make_catalogue(PRICES, starter="price_s", pro="", credit="")
    assert [item.key for item in catalogue.products] == ["starter"]
    with pytest.raises(UnknownProduct) as error:
        catalogue.get("pro")
    assert error.value.known == ("starter",)


def test_contradictions_are_refused() -> None:
    """One price for two products, or a product that nobody knows, is a fault of the set-up."""
    with pytest.raises(ValueError, match="two products"):
        make_catalogue(PRICES, starter="price_s", pro="price_s", credit="")
    with pytest.raises(KeyError):
        Catalogue(PRICES, {"gold": "price_g"})


def test_the_dearest_of_several_plans_counts() -> None:
    """Who pays for two has the better one; who pays for none has the free one."""
    assert CATALOGUE.best_plan(["starter", "pro"]) == "pro"
    assert CATALOGUE.best_plan([]) == FREE == CATALOGUE.best_plan(["gone"])


@given(cents=st.integers(-7_900, 7_900))
def test_a_part_of_the_price_is_a_part_of_the_month(cents: int) -> None:
    """A proration grants in proportion, exact to the micro-credit, and a credit takes as much as the same charge gave."""
    pro = CATALOGUE.get("pro")
    assert pro.microcredits_for(cents) == -pro.microcredits_for(-cents)
    assert abs(pro.microcredits_for(cents) * pro.price_cents - cents * pro.microcredits) < pro.price_cents
    assert pro.microcredits_for(pro.price_cents) == pro.microcredits
