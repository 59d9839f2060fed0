"""Every view, help and error in both kinds of installation: one that sells, and one that hosts for itself."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from bots.commands import COMMANDS, docs_page, help_text, offered
from bots.desk.forms import new_form, settings_form
from bots.posting.boards import Board, roster_of
from bots.terminal.live import Board as TerminalBoard
from bots.terminal.payload import encode
from bots.views.ask import chooser_view, delete_view, failure_view, help_view, offer_view, price_view
from bots.views.billing import Reader, card_view, history_view, plans_view, usage_view
from bots.views.buying import buyers_view, cancel_view, cancel_what_view, pay_view
from bots.views.elements import Buttons, Fields, Table, View
from bots.views.errors import WORDS, words_for, words_for_code
from bots.views.estimate import estimate_view
from bots.views.home import home_view
from bots.views.lists import files_view, models_view, sessions_view
from bots.views.plain import plain_text, table_text
from bots.views.posts import view_of
from bots.views.settings import people_words, settings_view, setup_view
from bots.views.welcome import installed_view
from bots.views.words import exact, places_of
from core.billing.buyers import Link
from core.billing.errors import NotABuyer, UnknownProduct
from core.billing.overview import HistoryPage
from core.credits.errors import AllowanceReached, InsufficientCredits, NotEntitled
from core.credits.estimate import Assumptions, Quote, Range
from core.errors import UserFacingError
from core.money import Unit
from core.orchestration.ports import Content, PostKind, Snapshot
from core.providers.catalogue import Catalogue
from core.sessions.errors import BadRequest
from core.sessions.model import EndReason, ParkReason, Status
from core.workspaces.model import Preferences, WorkspaceSettings
from tests.bots.views.samples import SESSION, SNAPSHOT
from tests.bots.views.test_billing import (
    ENTRIES,
    MEMBERS,
    OVERVIEW,
    PACK,
    PLAN,
    PLANS,
    PRICES,
    SUBSCRIPTION,
    URL,
)

BUYING = re.compile(r"\b(credits?|tiers?|plans?|upgrade\w*|buy\w*|bought|subscri\w+|balance)\b", re.IGNORECASE)
CREDITS = re.compile(r"\d credits?\b", re.IGNORECASE)
COLUMNS_OF_CREDITS = {"Credits", "Left", "Of", "Charged", "Balance"}
MUCH = WorkspaceSettings(no_ask_microcredits=50_000_000, member_cap_microcredits=10**9, monthly_cap_microcredits=10**10)
LIMITS = ("rounds", "editors", "models", "words", "concurrent_sessions", "sessions_month")
QUOTE = Quote(
    low_microcredits=8_000_000,
    high_microcredits=30_000_000,
    by_round={0: Range(4_000_000, 5_000_000), 1: Range(4_000_000, 25_000_000)},
    by_role={},
    assumptions=Assumptions(1_000, 0, 3, 1, 3, reading=True, models=("claude-sonnet-5-5",)),
)


def snapshots(unit: Unit) -> Iterator[Snapshot]:
    """Every state that a session can be in, for every reason."""
    shown = replace(SNAPSHOT, unit=unit, held_microcredits=1_000_000)
    for status in Status:
        for park in ParkReason if status is Status.WAITING else (None,):
            for end in EndReason if status in {Status.COMPLETED, Status.STOPPED} else (None,):
                yield replace(shown, session=replace(SESSION, status=status, park_reason=park, end_reason=end))


def posts(unit: Unit) -> Iterator[View]:
    """Every post about a session."""
    for snapshot in snapshots(unit):
        for kind in PostKind:
            if kind is not PostKind.NOTICE:
                yield view_of(Content(kind, snapshot, round=1, role_key="style"))
        for park in ParkReason:
            yield view_of(Content(PostKind.NOTICE, snapshot, code="parked", facts={"reason": park.value}))
    for code in WORDS:
        yield view_of(Content(PostKind.NOTICE, snapshot, code=code))
    board = Board.of(roster_of(snapshot, 1))
    board.spent_microcredits, board.cap_microcredits = 10_000_000, 40_000_000
    yield board.view()


def answers(unit: Unit) -> Iterator[View]:
    """Every private answer that is not about buying."""
    sells = unit is Unit.CREDITS
    sessions = [snapshot.session for snapshot in snapshots(unit)]
    people = people_words(MUCH)
    for started in (True, False):
        yield price_view(SESSION, balance_microcredits=90_000_000, unit=unit, is_started=started, first_time="Hello.")
    yield estimate_view(
        QUOTE, rounds="at most 3 rounds", models=["A", "B"], editors=[1, 3], unit=unit,
        choices={("A", 1): QUOTE, ("A", 3): QUOTE, ("B", 1): QUOTE},
    )  # fmt: skip
    yield home_view(sessions, has_more=True, balance_microcredits=10**8, unit=unit, has_sample=True, about="AI.")
    yield sessions_view(
        sessions, whose="Your sessions", unit=unit, page=0, pages=2, argument="mine:", member_id="m", names={}
    )
    yield files_view(SESSION, (), page=0, pages=1)
    yield models_view([], default="", page=0, pages=1)
    for admin in (True, False):
        yield settings_view(
            MUCH, Preferences(no_ask_microcredits=50_000_000), platform="slack", unit=unit, model="", is_admin=admin,
            people=people, told="Saved.",
        )  # fmt: skip
    yield setup_view(MUCH, platform="slack", unit=unit, people=people, request_id="q")
    reader = Reader(may_buy=False, allowance_microcredits=10**8, own_microcredits=10**6, budget_microcredits=10**9)
    yield card_view(OVERVIEW, reader) if sells else usage_view(OVERVIEW, reader)
    for before in (None, 3):
        yield history_view(HistoryPage(ENTRIES, before), unit=unit, is_first=not before)
    yield history_view(HistoryPage((), None), unit=unit, is_first=True)
    yield cancel_what_view("s_1", sells=sells)
    yield chooser_view("stop", sessions, "q", page=0, pages=1)
    yield delete_view(SESSION)
    yield offer_view(SESSION, "q", "More?")
    for platform in ("slack", "discord"):
        yield installed_view(platform, has_sample=True, vendors=("Anthropic",))
        for page in range(4):
            yield help_view(platform=platform, page=page, sells=sells)
    for command in COMMANDS:
        yield help_view(command.name, f"There is no command 'x'. Did you mean {command.typed!r}?", sells=sells)
    for error in errors():
        yield failure_view(error, unit=unit)


def errors() -> Iterator[UserFacingError]:
    """Errors with the facts that they carry."""
    yield InsufficientCredits(required_microcredits=12_000_000, available_microcredits=1_000_000)
    for limit in LIMITS:
        for tier in ("", "pro"):
            yield NotEntitled(limit=limit, allowed="3", asked="5000", lifted_by=tier)
    for mine in (True, False):
        yield AllowanceReached(
            is_members=mine, limit_microcredits=10**8, spent_microcredits=10**7, required_microcredits=10**8
        )
    yield BadRequest("cap", "A cap is above 0.")
    yield NotABuyer("slack:T1")
    yield UnknownProduct("gold", ("starter", "pro"))


def words_of(view: View) -> Iterator[str]:
    """Return every line, row, label and button of a view."""
    yield view.fallback
    yield from plain_text(replace(view, elements=tuple(e for e in view.elements if not isinstance(e, Table)))).split(
        "\n"
    )
    for element in view.elements:
        match element:
            case Table(headers, rows):
                yield from (" | ".join(row) for row in (headers, *rows))
            case Buttons(buttons):
                yield from (button.label for button in buttons)
            case Fields(pairs):
                yield from (name for name, _ in pairs)
            case _:
                pass


def forms(unit: Unit) -> Iterator[str]:
    """Return every word of the forms."""
    found = [new_form(MUCH, {}, models=())]
    found += [settings_form(group, MUCH, unit=unit) for group in ("mine", "people", "setup", "defaults", "limits")]
    for form in found:
        yield from (form.title, form.submit, form.intro)
        yield from (text for field in form.fields for text in (field.label, field.help))


def menus(*, sells: bool) -> Iterator[str]:
    """Return what Discord's menu shows of each command."""
    for command in offered(platform="discord", sells=sells):
        yield command.help
        yield from (option.help for option in command.options)
        yield from help_text(command.name, sells=sells).split("\n")


def progress(unit: Unit) -> str:
    """Return the line under the panels of a terminal."""
    board = TerminalBoard()
    _, payload = encode(Content(PostKind.SESSION_CARD, replace(SNAPSHOT, unit=unit)))
    board.know(payload["status"])  # type: ignore[arg-type]
    return board.progress_line()


def test_where_nothing_is_sold_nobody_reads_of_credits() -> None:
    """No tier, no gate, no word of buying: in no post, answer, error, form, help or menu, whatever the state."""
    said = [line for view in (*posts(Unit.DOLLARS), *answers(Unit.DOLLARS)) for line in words_of(view)]
    said += [words_for_code(code, Unit.DOLLARS).sentence for code in WORDS]
    said += [words_for(error, Unit.DOLLARS).sentence for error in errors()]
    said += [*forms(Unit.DOLLARS), *menus(sells=False), progress(Unit.DOLLARS)]
    assert [line for line in said if BUYING.search(line)] == []
    assert any("$" in line for line in said)


def test_every_amount_of_credits_has_its_money() -> None:
    """Nobody has to know what a credit is worth: beside each amount, in each column too, stands what it is in dollars."""
    selling = (
        card_view(OVERVIEW, Reader(may_buy=True)),
        plans_view(PLANS, may_buy=True, has_subscription=True),
        pay_view(Link(URL, PACK.key), PACK, quantity=2),
        pay_view(Link(URL, PLAN.key), PLAN, quantity=1),
        buyers_view(MEMBERS, may_name=True),
        cancel_view(SUBSCRIPTION, "Starter", platform="slack"),
    )
    views = (*posts(Unit.CREDITS), *answers(Unit.CREDITS), *selling)
    said = [line for view in views for line in words_of(view)] + [progress(Unit.CREDITS)]
    assert [line for line in said if CREDITS.search(line) and "$" not in line] == []
    tables = [item for view in views for item in view.elements if isinstance(item, Table)]
    cells = [
        cell
        for table in tables
        for row in table.rows
        for header, cell in zip(table.headers, row, strict=True)
        if header in COLUMNS_OF_CREDITS
    ]
    assert cells
    assert [cell for cell in cells if "$" not in cell] == []


def test_the_plans_show_what_their_credits_are_worth() -> None:
    """A plan's credits stand beside its price, both in money."""
    (table,) = (
        item for item in plans_view(PLANS, may_buy=True, has_subscription=False).elements if isinstance(item, Table)
    )
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Credits a month"] == tuple(
        f"{tier.credits_month:,} (${Decimal(tier.credits_month or 0) / 100:.2f})" for tier in PRICES.sold()
    )


def test_the_plans_fit_side_by_side() -> None:
    """Narrow enough for a window of a chat; "all" is said of the models where it is true."""
    (table,) = (
        item for item in plans_view(PLANS, may_buy=True, has_subscription=True).elements if isinstance(item, Table)
    )
    assert max(map(len, table_text(table).split("\n"))) <= 72
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Models"] == ("light, standard", "all", "all")
    grades = {spec.grade for spec in Catalogue.load().list()}
    assert all(set(tier.grades or grades) >= grades for tier in PRICES.sold() if "premium" in (tier.grades or grades))


@pytest.mark.parametrize(
    ("amounts", "unit", "shown"),
    [
        ((1_200_000, 4_000_000), Unit.CREDITS, ("1.20 ($0.0120)", "4.00 ($0.0400)")),
        ((1_234_567,), Unit.CREDITS, ("1.23 ($0.0123)",)),
        ((-2_300_000_000, 0), Unit.CREDITS, ("-2,300.00 (-$23.00)", "0.00 ($0.00)")),
        ((1_234_567, 10**9), Unit.DOLLARS, ("$0.0123", "$10.0000")),
        ((10**9, 1), Unit.DOLLARS, ("$10.00", "$0.00")),
    ],
    ids=str,
)
def test_columns_add_up_in_both_units(amounts: tuple[int, ...], unit: Unit, shown: tuple[str, ...]) -> None:
    """To the hundredth of a credit, which is a hundredth of a cent; all that is read together has as many decimals."""
    assert tuple(exact(one, unit, places=places_of(amounts)) for one in amounts) == shown


def test_the_docs_explain_the_unit() -> None:
    """Whoever hosts for themselves finds in the docs that their amounts are dollars."""
    assert "dollars where nothing is" in docs_page()
