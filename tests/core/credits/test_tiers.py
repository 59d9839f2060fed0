"""What is sold: the shipped price list keeps its promises, and a broken one is refused."""

from decimal import Decimal
from itertools import pairwise

import pytest
from pydantic import ValidationError

from core.credits.entitlements import Ask, allows_model, check_admission, get_tier
from core.credits.errors import NotEntitled
from core.credits.tiers import FREE, UNLIMITED, PriceList, load_price_list, read_price_list
from core.money import CREDITS_PER_DOLLAR
from core.providers.catalogue import Catalogue, ModelSpec

PRICES = load_price_list()
CATALOGUE = Catalogue.load()
SONNET = CATALOGUE.get("claude-sonnet-5-5")
OPUS = CATALOGUE.get("claude-opus-5-5")
LIMITS = ("editors", "rounds", "words", "concurrent_sessions", "sessions_month", "retention_days")


def test_the_tiers_are_those_that_were_promised() -> None:
    """Monthly credits and prices as published; a credit never costs more than a cent."""
    sold = {tier.key: (tier.credits_month, tier.price_cents_month) for tier in PRICES.sold()}
    assert sold == {"free": (150, 0), "starter": (2_900, 2_900), "pro": (9_000, 7_900)}
    assert [(pack.credits, pack.price_cents) for pack in PRICES.packs] == [(1_000, 1_000)]
    for amount, cents in [*sold.values(), *((pack.credits, pack.price_cents) for pack in PRICES.packs)]:
        assert cents * CREDITS_PER_DOLLAR <= amount * 100
    assert PRICES.tier("starter").microcredits_month == 2_900_000_000
    assert PRICES.pack("pack_1000").microcredits == 1_000_000_000


def test_a_dearer_tier_allows_no_less() -> None:
    """Every limit grows with the price, and so do the grades."""
    sold = PRICES.sold()
    for cheap, dear in pairwise(sold):
        for limit in LIMITS:
            low, high = getattr(cheap, limit), getattr(dear, limit)
            assert high is None or (low is not None and low <= high), limit
        assert set(cheap.grades or ()) <= set(dear.grades or ())


def test_every_grade_of_a_tier_is_one_of_the_catalogue() -> None:
    """A tier that names a grade nobody has would lock people out."""
    grades = {spec.grade for spec in CATALOGUE.list()}
    for tier in PRICES.sold():
        assert set(tier.grades or ()) <= grades
    assert all(allows_model(PRICES, "pro", spec) for spec in CATALOGUE.list())


def test_free_has_the_default_models() -> None:
    """Nobody who tries Atelier must choose another model first."""
    for provider in ("anthropic", "google", "openai", "rehearsal"):
        spec = CATALOGUE.default(provider)
        assert spec is not None
        assert allows_model(PRICES, FREE, spec)


def test_unlimited_is_unlimited_and_not_for_sale() -> None:
    """An installation that sells nothing has no gate at all."""
    tier = PRICES.tier(UNLIMITED)
    assert not tier.sold
    assert not tier.checks_balance
    assert all(getattr(tier, limit) is None for limit in (*LIMITS, "grades"))
    check_admission(PRICES, UNLIMITED, Ask(10**6, 10**6, 10**9, CATALOGUE.list(), 10**6, 10**6))


def refused(tier: str, ask: Ask) -> tuple[str, str, str, str]:
    with pytest.raises(NotEntitled) as error:
        check_admission(PRICES, tier, ask)
    return error.value.limit, error.value.allowed, error.value.asked, error.value.lifted_by


@pytest.mark.parametrize(
    ("tier", "ask", "expected"),
    [
        ("free", Ask(editors=4), ("editors", "3", "4", "starter")),
        ("free", Ask(editors=6), ("editors", "3", "6", "pro")),
        ("free", Ask(rounds=4), ("rounds", "3", "4", "starter")),
        ("free", Ask(words=15_001), ("words", "15000", "15001", "starter")),
        ("free", Ask(models=(SONNET, OPUS)), ("models", "light, standard", "claude-opus-5-5", "starter")),
        ("free", Ask(sessions_month=10), ("sessions_month", "10", "11", "starter")),
        ("free", Ask(live_sessions=1), ("concurrent_sessions", "1", "2", "starter")),
        ("starter", Ask(live_sessions=3), ("concurrent_sessions", "3", "4", "pro")),
        ("pro", Ask(rounds=11), ("rounds", "10", "11", "")),
        # the tier that lifts the first limit only would be a second refusal
        ("free", Ask(editors=4, rounds=9), ("editors", "3", "4", "pro")),
        # no tier allows all of it: then at least the first limit
        ("free", Ask(editors=4, rounds=99), ("editors", "3", "4", "starter")),
        ("gone-tier", Ask(editors=4), ("editors", "3", "4", "starter")),
    ],
)
def test_a_refusal_names_the_limit_and_the_way_out(tier: str, ask: Ask, expected: tuple[str, str, str, str]) -> None:
    """The first limit in the way, what is allowed, what was asked, and the cheapest tier that allows it all."""
    assert refused(tier, ask) == expected


@pytest.mark.parametrize("tier", ["free", "starter", "pro"])
def test_what_is_exactly_at_the_limit_is_allowed(tier: str) -> None:
    """A limit is the last number that is allowed."""
    limits = get_tier(PRICES, tier)
    ask = Ask(
        editors=limits.editors or 99,
        rounds=limits.rounds or 99,
        words=limits.words or 10**9,
        models=(SONNET,),
        live_sessions=(limits.concurrent_sessions or 99) - 1,
        sessions_month=(limits.sessions_month or 99) - 1,
    )
    check_admission(PRICES, tier, ask)


def test_what_is_not_asked_is_not_refused() -> None:
    """Resuming a session starts none this month."""
    check_admission(PRICES, "free", Ask(live_sessions=0))
    check_admission(PRICES, "free", Ask())


def test_a_model_may_have_its_own_multiplier() -> None:
    """An exception holds for its model alone."""
    prices = read_price_list('version="1"\nmultiplier="2"\nmultipliers={"claude-opus-5-5"="1.5"}\ntiers=[]')
    assert (prices.multiplier_of("claude-opus-5-5"), prices.multiplier_of("x")) == (Decimal("1.5"), Decimal(2))


TIER = '[[tiers]]\nkey="a"\nname="A"\n'


@pytest.mark.parametrize(
    "text",
    [
        'version="1"\nmultiplier="0"\ntiers=[]',
        'version="1"\nmultiplier="2"\nmultipliers={x="-1"}\ntiers=[]',
        'version="1"\nmultiplier="2"\n' + TIER + TIER,
        'version="1"\nmultiplier="2"\n' + TIER + "edtors=3\n",
        'version="1"\nmultiplier="2"\n' + TIER + '[[packs]]\nkey="p"\nname="P"\ncredits=0\nprice_cents=1\n',
        'version="1"\ntiers=[]',
    ],
    ids=["multiplier", "exception", "twice", "misspelt", "empty pack", "missing"],
)
def test_a_price_list_that_makes_no_sense_is_refused(text: str) -> None:
    """A slip in the file is an error at the start, not a wrong price later."""
    with pytest.raises((ValidationError, ValueError)):
        read_price_list(text)


def test_unknown_keys_are_not_found() -> None:
    """There is no tier or pack of another name."""
    with pytest.raises(KeyError):
        PRICES.tier("gold")
    with pytest.raises(KeyError):
        PRICES.pack("gold")


def test_models_are_graded_by_the_catalogue() -> None:
    """What entitlements ask of a model is what the catalogue knows."""
    spec: ModelSpec = OPUS
    prices: PriceList = PRICES
    assert not allows_model(prices, FREE, spec)
