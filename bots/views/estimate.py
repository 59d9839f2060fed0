"""What a session would cost, before anything is spent."""

from collections.abc import Mapping, Sequence

from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Table, Text, View
from bots.views.words import count, money, price_range
from core.credits.estimate import Quote
from core.money import Unit


def estimate_view(
    quote: Quote,
    *,
    rounds: str,
    models: Sequence[str],
    editors: Sequence[int],
    choices: Mapping[tuple[str, int], Quote],
    unit: Unit,
) -> View:
    """Return the range of what was asked for, a round at a time, and what other choices would cost.

    Args:
        quote: What was asked for.
        rounds: How many rounds at most, in words.
        models: Names of models to compare, the one that was asked for first.
        editors: Numbers of editors to compare.
        choices: What each model costs with each number of editors, as far as that is possible here.
        unit: In which unit people see amounts.
    """
    price = price_range(quote.low_microcredits, quote.high_microcredits, unit)
    asked = quote.assumptions
    pairs = (
        ("Price", f"{price}, never more than {money(quote.high_microcredits, unit)}"),
        ("For", f"{count(asked.editors, 'editor')}, {rounds}, {', '.join(asked.models)}"),
    )
    lines = [
        f"- {'Reading' if number == 0 else f'Round {number}'}: "
        f"{price_range(item.low_microcredits, item.high_microcredits, unit)}"
        for number, item in sorted(quote.by_round.items())
    ]
    elements: list[Element] = [Heading("Estimate", 2), Fields(pairs), Text("\n".join(lines))]
    if len(choices) > 1:
        headers = ("Model", *(count(number, "editor") for number in editors))
        rows = tuple((name, *(_cell(choices.get((name, number)), unit) for number in editors)) for name in models)
        elements.append(Table(headers, rows, right=tuple(range(1, len(headers)))))
    elements.append(
        Small("The low end stops after its first round, the high end runs them all. Nothing was started or charged.")
    )
    elements.append(Buttons((Button("new", "Start new session", "", style=Style.PRIMARY),)))
    return View(tuple(elements), f"It would cost {price}. Nothing was started or charged.")


def _cell(quote: Quote | None, unit: Unit) -> str:
    return "not here" if quote is None else price_range(quote.low_microcredits, quote.high_microcredits, unit)
