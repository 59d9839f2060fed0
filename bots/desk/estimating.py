"""What a session would cost, with a look at other choices, before anything is spent."""

from collections.abc import Sequence
from dataclasses import replace

from bots.desk.tools import Call, Tools
from bots.views.estimate import estimate_view
from bots.views.words import count
from core.credits.estimate import Quote
from core.providers.catalogue import ModelSpec
from core.sessions.requests import NewSession

_MOST_MODELS = 4
_EDITORS = (1, 3, 5)


async def tell_estimate(tools: Tools, call: Call, asked: NewSession) -> None:
    """Say what *asked* would cost, and what it would with other models and other numbers of editors."""
    pairs: list[tuple[ModelSpec, int]] = []

    def others(quote: Quote) -> Sequence[NewSession]:
        used = quote.assumptions
        specs = compared(tools.models_for(call.workspace), used.models[0])
        pairs.extend((spec, number) for spec in specs for number in sorted({*_EDITORS, used.editors}))
        return [replace(asked, model=spec.id, editors=number) for spec, number in pairs]

    quote, quotes = await tools.intake.estimate_choices(asked, others)
    found = {(spec.name, number): one for (spec, number), one in zip(pairs, quotes, strict=True) if one is not None}
    view = estimate_view(
        quote,
        rounds="comments only" if asked.notes_only else f"at most {count(quote.assumptions.high_rounds, 'round')}",
        models=list(dict.fromkeys(spec.name for spec, _ in pairs)),
        editors=sorted({number for _, number in found}),
        choices=found,
        unit=tools.unit,
    )
    await call.say(view)


def compared(specs: Sequence[ModelSpec], asked: str) -> tuple[ModelSpec, ...]:
    """Return the models to compare: the one that was asked for, then the first of each other grade."""
    first = [spec for spec in specs if spec.id == asked]
    for spec in specs:
        if len(first) < _MOST_MODELS and all(spec.grade != other.grade for other in first):
            first.append(spec)
    return tuple(first)
