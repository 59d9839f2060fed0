"""The receipt: what was paid, for what, and what is left; each single charge a press away."""

from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Table, Text, View
from bots.views.round_card import heard_in, said_in
from bots.views.words import (
    REHEARSAL,
    count,
    exact,
    exact_money,
    find_role,
    is_rehearsal,
    left,
    money,
    people,
    places_of,
    role_name,
    round_name,
    score,
)
from core.money import Unit
from core.orchestration.ports import Snapshot
from core.sessions.model import Turn
from core.workspaces.model import Verbosity

RECEIPT = "receipt"


def receipt_post(snapshot: Snapshot, *, is_whole: bool = False) -> View:
    """Return the receipt; all amounts in it have as many decimals as the finest needs.

    Args:
        snapshot: What is known.
        is_whole: Whether each charge is listed, a round and a role, instead of a button that shows them.
    """
    session, unit = snapshot.session, snapshot.unit
    spent = snapshot.spent_microcredits
    unused = max(0, session.cap_microcredits - spent - snapshot.held_microcredits)
    rounds = round_totals(snapshot)
    quoted = (session.quote_low_microcredits, session.quote_high_microcredits)
    listed = [*(turn.charged_microcredits for turn in snapshot.turns), *quoted] if is_whole else []
    shown = [spent, unused, session.cap_microcredits, snapshot.held_microcredits, *rounds.values(), *listed]
    if unit is Unit.CREDITS:
        shown.append(snapshot.balance_microcredits)
    places = places_of(shown)

    def amount(microcredits: int) -> str:
        return exact_money(microcredits, unit, places=places)

    pairs = [("Charged", amount(spent)), ("For", _work(snapshot))] if snapshot.turns else [("Charged", amount(spent))]
    pairs.append(("Set aside at most", amount(session.cap_microcredits)))
    if snapshot.held_microcredits:
        pairs.append(("Still set aside", amount(snapshot.held_microcredits)))
    pairs.append(("Given back", amount(unused)))
    if unit is Unit.CREDITS:
        pairs.append(("Balance", amount(snapshot.balance_microcredits)))
    if is_whole:
        low, high = (exact(one, unit, places=places) for one in quoted)
        pairs.append(("Quoted", low if low == high else f"{low} to {high}"))
    rehearsal = f" ({REHEARSAL})" if is_rehearsal(snapshot) else ""
    elements: list[Element] = [Heading(f"Receipt{rehearsal}"), Fields(tuple(pairs))]
    totals = tuple((round_name(number), exact(total, unit, places=places)) for number, total in rounds.items())
    if is_whole:
        elements += _charges(snapshot, totals, places)
    elif len(totals) > 1:
        elements.append(Small(" · ".join(f"{name}: {total}" for name, total in totals)))
    if session.verbosity is Verbosity.QUIET:
        # No round had a card that could have said it.
        numbers = [item.number for item in snapshot.rounds]
        said = dict.fromkeys(text for number in numbers for text in said_in(snapshot, number))
        elements += [Small(sentence) for sentence in (heard_in(snapshot, *numbers), *said) if sentence]
    if snapshot.turns and not is_whole:
        elements.append(Buttons((Button(RECEIPT, "Show every charge", session.id),)))
    balance = f", balance {left(snapshot.balance_microcredits)}." if unit is Unit.CREDITS else "."
    return View(tuple(elements), f"Receipt{rehearsal}: {money(spent, unit)} charged{balance}")


def round_totals(snapshot: Snapshot) -> dict[int, int]:
    """Return what each round cost, in micro-credits, by its number."""
    totals: dict[int, int] = {}
    for turn in sorted(snapshot.turns, key=lambda turn: turn.round):
        totals[turn.round] = totals.get(turn.round, 0) + turn.charged_microcredits
    return totals


def turns_in_order(snapshot: Snapshot) -> list[Turn]:
    """Return the turns as the room sits, not as they happened to finish."""
    seats = {role.key: number for number, role in enumerate(snapshot.session.cast.roles)}
    return sorted(snapshot.turns, key=lambda turn: (turn.round, seats.get(turn.role_key, len(seats))))


def _work(snapshot: Snapshot) -> str:
    """Return what was paid for: ``the reading and 2 rounds, by 3 editors on gpt-6``."""
    numbers = round_totals(snapshot)
    written = sum(number > 0 for number in numbers)
    done = people((*(["the reading"] if 0 in numbers else []), *([count(written, "round")] if written else [])))
    models = people(turn.model for turn in turns_in_order(snapshot))
    return f"{done}, with {count(len(snapshot.session.cast.editors), 'editor')} on {models}"


def _charges(snapshot: Snapshot, totals: tuple[tuple[str, str], ...], places: int) -> list[Element]:
    """Return a line for each charge, and one for each round where there are several."""
    cast = snapshot.session.cast
    rows = tuple(
        (
            round_name(turn.round),
            role_name(role) if (role := find_role(cast, turn.role_key)) else turn.role_key,
            turn.model,
            score(turn.score) if turn.score is not None else "",
            exact(turn.charged_microcredits, snapshot.unit, places=places),
        )
        for turn in turns_in_order(snapshot)
    )
    if not rows:
        return [Text("Nothing was charged.")]
    tables = [Table(("Round", "Who", "Model", "Score", "Charged"), rows, right=(3, 4))]
    if len(totals) > 1:
        tables.append(Table(("Round", "Charged"), totals, right=(1,)))
    return list(tables)
