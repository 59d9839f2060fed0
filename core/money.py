"""Units of money. A credit is one US cent at Atelier's prices; amounts are integers of a millionth of a credit."""

from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

MICROCREDITS_PER_CREDIT = 1_000_000
CREDITS_PER_DOLLAR = 100


class Unit(StrEnum):
    """In which unit people see amounts: credits where they are sold, dollars where nothing is."""

    CREDITS = "credits"
    DOLLARS = "dollars"


def credits_to_microcredits(amount: int | Decimal) -> int:
    """Return *amount* credits as micro-credits, rounded up."""
    return int((Decimal(amount) * MICROCREDITS_PER_CREDIT).to_integral_value(ROUND_CEILING))


def microcredits_to_credits(amount_microcredits: int) -> Decimal:
    """Return micro-credits as exact credits, for output only."""
    return Decimal(amount_microcredits) / MICROCREDITS_PER_CREDIT


def charge_microcredits(cost_dollars: Decimal, multiplier: Decimal) -> int:
    """Return what a provider's list cost of *cost_dollars* costs a workspace, in micro-credits, rounded up once."""
    price = cost_dollars * multiplier * CREDITS_PER_DOLLAR * MICROCREDITS_PER_CREDIT
    return int(price.to_integral_value(ROUND_CEILING))
