"""What models cost a workspace: list cost times the multiplier, as an exact charge, an upper bound or a budget."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from core.credits.tiers import FREE, UNLIMITED, PriceList
from core.money import Unit, charge_microcredits
from core.providers.base import Usage
from core.providers.catalogue import ModelSpec
from core.providers.pricing import cost_dollars, worst_case_dollars

REHEARSAL = "rehearsal"
_MICRODOLLARS = 1_000_000
_TYPICAL = Usage(input_uncached_tokens=6_000, output_tokens=1_000)  # an editor reads four pages and writes its notes
_LIST_PRICE = Decimal(1)


class Tariff:
    """The prices of one installation."""

    def __init__(
        self,
        prices: PriceList,
        *,
        checks_balance: bool = True,
        sells: bool | None = None,
        rehearsal_priced_as: ModelSpec | None = None,
    ) -> None:
        """Make a tariff.

        Args:
            prices: Holds the multipliers.
            checks_balance: Whether a workspace must have what it spends; False where nothing is sold.
            sells: Whether credits are sold here; None for "where a balance is checked". Where they are not, work costs
                what the provider lists, so that what people see is what the operator pays.
            rehearsal_priced_as: The model whose price rehearsal has, so that quote, holds and receipt can be seen
                without a key; None to make it free.
        """
        self._prices = prices
        self._checks_balance = checks_balance
        self._sells = checks_balance if sells is None else sells
        self._rehearsal = rehearsal_priced_as

    @property
    def checks_balance(self) -> bool:
        """Whether a workspace must have what it spends."""
        return self._checks_balance

    @property
    def unit(self) -> Unit:
        """In which unit people see amounts."""
        return Unit.CREDITS if self._sells else Unit.DOLLARS

    @property
    def sells(self) -> bool:
        """Whether credits are sold here; where they are not there are no tiers, gates or buy words."""
        return self._sells

    @property
    def first_tier(self) -> str:
        """Key of the tier that a new workspace of a chat platform has."""
        return FREE if self._sells else UNLIMITED

    def multiplier(self, spec: ModelSpec) -> Decimal:
        """Return what the list cost of *spec* is multiplied by; 1 where nothing is sold."""
        if not self._sells:
            return _LIST_PRICE
        return self._prices.multiplier_of(self._priced(spec).id)

    def compare(self, spec: ModelSpec, baseline: ModelSpec, *, at: datetime) -> Decimal | None:
        """Return how often the price of *baseline* an editor's turn costs with *spec*; None if the baseline is free."""
        base = self.charge_microcredits(baseline, _TYPICAL, at=at)
        if not base:
            return None
        return Decimal(self.charge_microcredits(spec, _TYPICAL, at=at)) / Decimal(base)

    def charge_microcredits(self, spec: ModelSpec, usage: Usage, *, at: datetime) -> int:
        """Return the price of *usage*, rounded up once."""
        return charge_microcredits(cost_dollars(self._priced(spec), usage, at=at), self.multiplier(spec))

    def cost_microdollars(self, spec: ModelSpec, usage: Usage, *, at: datetime) -> int:
        """Return the provider's list cost of *usage*, rounded up: 0 for rehearsal, however it is priced."""
        return int((cost_dollars(spec, usage, at=at) * _MICRODOLLARS).to_integral_value(ROUND_CEILING))

    def hold_microcredits(
        self, chain: Sequence[ModelSpec], *, input_tokens: int, max_output_tokens: int, at: datetime
    ) -> int:
        """Return an upper bound of a call to any of *chain*: nothing cached, all output used, today or tomorrow.

        Args:
            chain: The models that may answer, at least one.
            input_tokens: Upper bound of the input.
            max_output_tokens: The request's bound of the output.
            at: When it will be called.
        """
        return max(
            charge_microcredits(
                worst_case_dollars(self._priced(spec), input_tokens, max_output_tokens, at=at), self.multiplier(spec)
            )
            for spec in chain
        )

    def affordable_output_tokens(
        self, chain: Sequence[ModelSpec], *, input_tokens: int, budget_microcredits: int, at: datetime
    ) -> int:
        """Return the largest output for which `hold_microcredits` stays within the budget; 0 when there is none.

        It never exceeds what the models of *chain* can answer.
        """
        most = min(spec.max_output_tokens for spec in chain)

        def hold(output_tokens: int) -> int:
            return self.hold_microcredits(chain, input_tokens=input_tokens, max_output_tokens=output_tokens, at=at)

        # The hold grows with the output, so the last length that fits is found by halving.
        return max(0, bisect_right(range(most + 1), budget_microcredits, key=hold) - 1)

    def _priced(self, spec: ModelSpec) -> ModelSpec:
        if spec.provider == REHEARSAL and self._rehearsal is not None:
            return self._rehearsal
        return spec
