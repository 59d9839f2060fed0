"""The one place that says whether a tier allows something. Called at admission, at resume and when a model is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.credits.errors import NotEntitled
from core.credits.tiers import PriceList, Tier


class Graded(Protocol):
    """What is asked of a model here; `core.providers.catalogue.ModelSpec` is one."""

    @property
    def id(self) -> str: ...
    @property
    def grade(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody wants to do; what is left out is not asked for.

    Attributes:
        editors: Editors of the session.
        rounds: Rounds with a Writer.
        words: Words of the document, or of the longest.
        models: Every model that the session would use.
        live_sessions: Sessions of the workspace that run or wait at this moment, this one not counted; None when the
            session does not begin to run.
        sessions_month: Sessions that the workspace started this month, this one not counted; None when none starts.
    """

    editors: int = 0
    rounds: int = 0
    words: int = 0
    models: Sequence[Graded] = ()
    live_sessions: int | None = None
    sessions_month: int | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    limit: str
    allowed: str
    asked: str


def check_admission(prices: PriceList, tier_key: str, ask: Ask) -> None:
    """Return if the tier *tier_key* allows *ask*.

    Args:
        prices: What tiers there are.
        tier_key: The workspace's tier; one that is not known any more counts as the cheapest.
        ask: What is wanted.

    Raises:
        NotEntitled: Naming the first limit in the way, and the cheapest tier that allows the whole of *ask* (or, when
            none does, that lifts this limit at least; or none).
    """
    refusals = _refusals(get_tier(prices, tier_key), ask)
    if not refusals:
        return
    first = refusals[0]
    raise NotEntitled(
        limit=first.limit, allowed=first.allowed, asked=first.asked, lifted_by=_lifted_by(prices, ask, first.limit)
    )


def allows_model(prices: PriceList, tier_key: str, model: Graded) -> bool:
    """Return whether the tier may use *model*: what choices and fallbacks are filtered by."""
    return not _refusals(get_tier(prices, tier_key), Ask(models=(model,)))


def get_tier(prices: PriceList, tier_key: str) -> Tier:
    """Return the tier *tier_key*; the cheapest one that is sold if it is not known any more."""
    return next((tier for tier in prices.tiers if tier.key == tier_key), prices.sold()[0])


def _refusals(tier: Tier, ask: Ask) -> list[_Refusal]:
    found: list[_Refusal] = []

    def at_most(limit: str, allowed: int | None, asked: int) -> None:
        if allowed is not None and asked > allowed:
            found.append(_Refusal(limit, str(allowed), str(asked)))

    if tier.grades is not None:
        denied = [model.id for model in ask.models if model.grade not in tier.grades]
        if denied:
            found.append(_Refusal("models", ", ".join(tier.grades), ", ".join(dict.fromkeys(denied))))
    at_most("editors", tier.editors, ask.editors)
    at_most("rounds", tier.rounds, ask.rounds)
    at_most("words", tier.words, ask.words)
    if ask.sessions_month is not None:
        at_most("sessions_month", tier.sessions_month, ask.sessions_month + 1)
    if ask.live_sessions is not None:
        at_most("concurrent_sessions", tier.concurrent_sessions, ask.live_sessions + 1)
    return found


def _lifted_by(prices: PriceList, ask: Ask, limit: str) -> str:
    def cheapest(lifts: Callable[[list[_Refusal]], bool]) -> str:
        return next((tier.key for tier in prices.sold() if lifts(_refusals(tier, ask))), "")

    return cheapest(lambda refusals: not refusals) or cheapest(
        lambda refusals: all(refusal.limit != limit for refusal in refusals)
    )
