"""Units of money. A credit is one US cent at Atelier's prices; amounts are integers of a millionth of a credit."""

from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

MICROCREDITS_PER_CREDIT = 1_000_000
CREDITS_PER_DOLLAR = 100


class Unit(StrEnum):
    """In which unit people see amounts: credits where they are sold, dollars where nothing is."""

    CREDITS = "credits"
    DOLLARS = "dollars"

    def read(self, text: str) -> int:
        """Return what people wrote as micro-credits, rounded up: ``50`` in this unit, ``$0.50`` in dollars everywhere."""
        value = Decimal(text.removeprefix("$"))
        in_dollars = self is Unit.DOLLARS or text.startswith("$")
        return credits_to_microcredits(value * CREDITS_PER_DOLLAR if in_dollars else value)

    def write(self, microcredits: int) -> str:
        """Return the exact number of this unit that `read` takes back, as a field of a form holds it."""
        credits_ = microcredits_to_credits(microcredits)
        return f"{(credits_ / CREDITS_PER_DOLLAR if self is Unit.DOLLARS else credits_).normalize():f}"


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
