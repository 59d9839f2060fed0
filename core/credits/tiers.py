"""What is sold and what each tier allows, read from `tiers.toml`; the multiplier that turns list cost into price."""

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

from core.money import MICROCREDITS_PER_CREDIT

UNLIMITED = "unlimited"
FREE = "free"
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Tier:
    """What a workspace pays a month and may do; None is no limit.

    Attributes:
        key: Identifier, stored with the workspace.
        name: What people see.
        price_cents_month: In US cents.
        credits_month: Credits that come with each month.
        grades: Grades of models it may use; None for all.
        editors: Editors of a session.
        rounds: Rounds with a Writer.
        words: Words of a document.
        concurrent_sessions: Sessions that run or wait at once.
        sessions_month: Sessions started in a calendar month.
        retention_days: Days that texts of ended sessions are kept unless the workspace chose fewer.
        sold: False for a tier that nobody can buy.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    key: str
    name: str
    price_cents_month: int = 0
    credits_month: int = 0
    grades: tuple[str, ...] | None = None
    editors: int | None = None
    rounds: int | None = None
    words: int | None = None
    concurrent_sessions: int | None = None
    sessions_month: int | None = None
    retention_days: int | None = None
    sold: bool = True

    @property
    def microcredits_month(self) -> int:
        """What a month grants, in micro-credits."""
        return self.credits_month * MICROCREDITS_PER_CREDIT

    @property
    def checks_balance(self) -> bool:
        """False where nothing is sold: then no balance limits anybody."""
        return self.key != UNLIMITED


@dataclass(frozen=True, slots=True)
class Pack:
    """Credits that are bought once and do not expire."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    key: str
    name: str
    credits: int
    price_cents: int

    @property
    def microcredits(self) -> int:
        """What it grants, in micro-credits."""
        return self.credits * MICROCREDITS_PER_CREDIT


@dataclass(frozen=True, slots=True)
class PriceList:
    """Everything in `tiers.toml`.

    Attributes:
        version: When it was last changed.
        multiplier: Price of a credit's worth of work over the provider's list cost.
        multipliers: Exceptions, by model id.
        tiers: By rising price; those that are not sold come last.
        packs: By rising price.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    version: str
    multiplier: Decimal
    tiers: tuple[Tier, ...]
    packs: tuple[Pack, ...] = ()
    multipliers: dict[str, Decimal] = field(default_factory=dict)

    def tier(self, key: str) -> Tier:
        """Return the tier *key*; KeyError if there is none."""
        for tier in self.tiers:
            if tier.key == key:
                return tier
        raise KeyError(key)

    def pack(self, key: str) -> Pack:
        """Return the pack *key*; KeyError if there is none."""
        for pack in self.packs:
            if pack.key == key:
                return pack
        raise KeyError(key)

    def multiplier_of(self, model_id: str) -> Decimal:
        """Return the multiplier for a model."""
        return self.multipliers.get(model_id, self.multiplier)

    def sold(self) -> tuple[Tier, ...]:
        """Return the tiers that people can have, cheapest first."""
        return tuple(sorted((tier for tier in self.tiers if tier.sold), key=lambda tier: tier.price_cents_month))


def read_price_list(text: str) -> PriceList:
    """Return the price list in *text*, TOML as in `tiers.toml`.

    Raises:
        pydantic.ValidationError, tomllib.TOMLDecodeError: If it is not of that form.
        ValueError: If it contradicts itself.
    """
    prices = TypeAdapter(PriceList).validate_python(tomllib.loads(text))
    keys = [tier.key for tier in prices.tiers] + [pack.key for pack in prices.packs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key stands twice: {sorted(keys)}")
    if min([prices.multiplier, *prices.multipliers.values()]) <= 0 or any(pack.credits <= 0 for pack in prices.packs):
        raise ValueError("a multiplier and a pack must be above 0")
    return prices


@cache
def load_price_list() -> PriceList:
    """Return the price list that ships with Atelier."""
    return read_price_list(files("core.credits").joinpath("tiers.toml").read_text(encoding="utf-8"))
