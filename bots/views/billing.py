"""What one person sees of their workspace's money: plan, balance, use. Links are in `bots.views.buying`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bots.views.ask import spoken
from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Table, Text, View
from bots.views.words import dollars, exact, left, money, places_of
from core.billing.model import Subscription
from core.billing.overview import HistoryPage, Overview, PlanTable
from core.credits.model import Balance, Entry, EntryKind, Lot, LotKind
from core.credits.tiers import Tier
from core.money import Unit

_KINDS = {
    LotKind.MONTHLY: "Plan",
    LotKind.PROMO: "Gift",
    LotKind.PACK: "Bought",
    LotKind.ADMIN: "Given",
}
_ENTRIES = {
    EntryKind.GRANT: "Added",
    EntryKind.CAPTURE: "Work",
    EntryKind.EXPIRE: "Expired",
    EntryKind.CLAWBACK: "Taken back",
    EntryKind.ADJUST: "Corrected",
}
_LATE = frozenset({"past_due", "unpaid", "incomplete"})
_NO_LIMIT = "no limit"
_BEST = "premium"  # whoever may use it may use the others: a test compares with the tiers and the catalogue


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes see the card.

    Attributes:
        may_buy: Whether they get buttons that cost money, or lead to it.
        is_open: Whether anything can be bought here at all.
        buyers: Who may buy, in words: `buyers_words`.
        allowance_microcredits, own_microcredits: What they may spend a month, and what they spent; None for no limit.
        budget_microcredits: What everybody together may spend a month; None for no limit.
    """

    may_buy: bool
    is_open: bool = True
    buyers: str = ""
    allowance_microcredits: int | None = None
    own_microcredits: int = 0
    budget_microcredits: int | None = None


def card_view(overview: Overview, reader: Reader) -> View:
    """Return plan, balance by lot, what comes next and what was used."""
    balance = overview.balance
    pairs = [("Plan", plan_words(overview.tier, overview.subscription)), ("Balance", balance_words(balance))]
    if overview.next_grant is not None:
        grant = overview.next_grant
        pairs.append(("Next credits", f"{money(grant.microcredits)} on {day(grant.at)}"))
    pairs += [
        ("Used this month", money(overview.used_month_microcredits)),
        ("Used in all", money(overview.used_total_microcredits)),
        *limit_pairs(overview, reader, Unit.CREDITS),
    ]
    if reader.may_buy and overview.paid:
        paid = (f"{cents(item.amount_cents, item.currency)} on {day(item.at)}" for item in overview.paid)
        pairs.append(("Last invoices", ", ".join(paid)))
    elements: list[Element] = [Heading("Billing", 2), Fields(tuple(pairs))]
    if balance.lots:
        places = places_of(one for lot in balance.lots for one in (lot.remaining_microcredits, lot.amount_microcredits))
        rows = tuple(_lot(lot, places) for lot in balance.lots)
        elements.append(Table(("From", "Left", "Of", "Until"), rows, right=(1, 2)))
    if overview.is_frozen:
        elements.append(Small("A payment is disputed; until that is decided nothing more can be bought."))
    if not reader.may_buy and reader.buyers:
        elements.append(Small(reader.buyers))
    elements.append(Buttons(_card_buttons(overview, reader)))
    return View(tuple(elements), f"Plan: {overview.tier.name}. Balance: {left(balance.available_microcredits)}.")


def usage_view(overview: Overview, reader: Reader) -> View:
    """Return what was used where nothing is sold: one line, and nothing to press."""
    month, total = dollars(overview.used_month_microcredits), dollars(overview.used_total_microcredits)
    limits = (f"{name}: {value}." for name, value in limit_pairs(overview, reader, Unit.DOLLARS))
    text = " ".join((f"Nothing is sold here. Used this month: {month}; in all: {total}.", *limits))
    return View((Text(text),), text)


def limit_pairs(overview: Overview, reader: Reader, unit: Unit) -> list[tuple[str, str]]:
    """Return how much of the limits is used, for those that are set."""
    pairs = []
    if reader.allowance_microcredits is not None:
        used, limit = money(reader.own_microcredits, unit), money(reader.allowance_microcredits, unit)
        pairs.append(("Your allowance", f"{used} of {limit} used this month"))
    if reader.budget_microcredits is not None:
        used, limit = money(overview.used_month_microcredits, unit), money(reader.budget_microcredits, unit)
        pairs.append(("Everybody's limit", f"{used} of {limit} used this month"))
    return pairs


def plan_words(tier: Tier, subscription: Subscription | None) -> str:
    """Return which plan it is, what it costs, and until when."""
    if subscription is None or not subscription.entitles:
        return tier.name
    words = f"{tier.name}, {cents(tier.price_cents_month)} a month"
    if subscription.cancel_at is not None:
        return f"{words}, cancelled: ends on {day(subscription.cancel_at)}"
    if subscription.status in _LATE:
        return f"{words}, the last payment failed"
    return f"{words}, renews on {day(subscription.period_end)}"


def balance_words(balance: Balance) -> str:
    """Return what can be spent, what is set aside and what is owed."""
    words = left(balance.available_microcredits)
    if balance.reserved_microcredits:
        words += f", {money(balance.reserved_microcredits)} more set aside for what runs"
    if balance.debt_microcredits:
        words += f"; {money(balance.debt_microcredits)} owed: the next credits repay that first"
    return words


_MANAGERS = {"slack": "admins and owners", "discord": "those who may manage the server"}


def buyers_words(people: Sequence[str], *, are_named: bool, platform: str) -> str:
    """Return who can buy.

    Args:
        people: Names of those who were named as buyers, or of admins whom we know.
        are_named: Which of the two.
        platform: For its own words.
    """
    others = _MANAGERS.get(platform, "admins")
    if not people:
        who = f"{others[0].upper()}{others[1:]}"
    elif are_named:
        who = f"{spoken([*people, others])}"
    else:
        who = f"{spoken(people)} and other {others}" if not others.startswith("those") else spoken([*people, others])
    return f"{who} can buy credits and change the plan."


def history_view(page: HistoryPage, *, unit: Unit, is_first: bool) -> View:
    """Return a page of the ledger, newest first; amounts to the hundredth, so that they add up."""
    sold = unit is Unit.CREDITS
    elements: list[Element] = [Heading("History" if sold else "What was used", 2)]
    if page.entries:
        headers = ("When", "What", "Credits" if sold else "Dollars", *(("Balance",) if sold else ()))
        amounts = [
            one for entry in page.entries for one in (entry.amount_microcredits, entry.posted_after_microcredits)
        ]
        places = places_of(amounts if sold else [entry.amount_microcredits for entry in page.entries])
        rows = tuple(_entry(entry, unit, places) for entry in page.entries)
        elements.append(Table(headers, rows, right=(2, 3) if sold else (2,)))
    else:
        elements.append(Text("Nothing came or went yet."))
    buttons = []
    if not is_first:
        buttons.append(Button("billing-history", "Show newest", ""))
    if page.before is not None:
        buttons.append(Button("billing-history", "Show older", "", str(page.before)))
    if page.entries:
        buttons.append(Button("billing-history", "Get all as CSV", "", "csv"))
    if buttons:
        elements.append(Buttons(tuple(buttons)))
    return View(tuple(elements), f"History: {len(page.entries)} entries on this page.")


def plans_view(plans: PlanTable, *, may_buy: bool, has_subscription: bool, buyers: str = "") -> View:
    """Return the plans side by side, with a button for each that can be had."""
    headers = ("", *(f"{tier.name} (yours)" if tier.key == plans.current else tier.name for tier in plans.tiers))
    rows = tuple((name, *(value(tier) for tier in plans.tiers)) for name, value in _FEATURES)
    elements: list[Element] = [Heading("Plans", 2), Table(headers, rows, right=tuple(range(1, len(headers))))]
    packs = [product for product in plans.products if not product.is_plan]
    lines = [f"{item.name} cost {cents(item.price_cents)} once and never expire." for item in packs]
    lines.append("The credits of a month end a day after it. Taxes come on top where they are due.")
    lines.append(
        "Texts and files are removed so many days after their session ended; scores, receipts and favourites stay, and a "
        "change that keeps them shorter begins two weeks later."
    )
    elements.append(Small(" ".join(lines)))
    buttons = plan_buttons(plans, has_subscription=has_subscription) if may_buy else ()
    if buttons:
        elements.append(Buttons(buttons))
    if not may_buy and buyers:
        elements.append(Small(buyers))
    return View(tuple(elements), f"Plans: {', '.join(tier.name for tier in plans.tiers)}.")


def plan_buttons(plans: PlanTable, *, has_subscription: bool) -> tuple[Button, ...]:
    """Return a button for each plan and pack that can be bought here, and one to leave."""
    tiers = {tier.key: tier for tier in plans.tiers}
    buttons = [
        Button("billing-upgrade", f"Change to {tiers[item.key].name}", "", item.key)
        for item in plans.products
        if item.is_plan and item.key != plans.current and item.key in tiers
    ]
    if any(not item.is_plan for item in plans.products):
        buttons.append(Button("billing-buy", "Buy credits", ""))
    if has_subscription:
        buttons.append(Button("billing-cancel", "Cancel subscription", "", style=Style.DANGER))
    return tuple(buttons)


def cents(amount: int, currency: str = "usd") -> str:
    """Return money as Stripe counts it: ``$29.00``, ``29.00 EUR``."""
    figure = f"{amount / 100:,.2f}"
    return f"${figure}" if currency.lower() == "usd" else f"{figure} {currency.upper()}"


def day(moment: datetime) -> str:
    """Return ``2026-12-01``."""
    return moment.strftime("%Y-%m-%d")


def _card_buttons(overview: Overview, reader: Reader) -> tuple[Button, ...]:
    buttons = []
    subscription = overview.subscription
    if reader.may_buy and reader.is_open:
        buttons.append(Button("billing-buy", "Buy credits", "", style=Style.PRIMARY))
        buttons.append(Button("billing-plans", "Change tier", ""))
    if reader.may_buy:
        if overview.has_portal:
            buttons.append(Button("billing-invoices", "Invoices", ""))
        if subscription is not None and subscription.cancel_at is None:
            buttons.append(Button("billing-cancel", "Cancel subscription", "", style=Style.DANGER))
        if subscription is not None and subscription.cancel_at is not None:
            buttons.append(Button("billing-reactivate", "Reactivate", ""))
    buttons.append(Button("billing-history", "Show history", ""))
    buttons.append(Button("billing", "Refresh", "", "refresh"))
    return tuple(buttons)


def _lot(lot: Lot, places: int) -> tuple[str, ...]:
    until = day(lot.expires_at) if lot.expires_at is not None else "for good"
    remaining, all_of_it = (exact(one, places=places) for one in (lot.remaining_microcredits, lot.amount_microcredits))
    return (_KINDS[lot.kind], remaining, all_of_it, until)


def _entry(entry: Entry, unit: Unit, places: int) -> tuple[str, ...]:
    what = _ENTRIES[entry.kind]
    when = entry.at.strftime("%Y-%m-%d %H:%M")
    if unit is Unit.DOLLARS:  # reasons are the operator's and Stripe's, and speak of credits
        return (when, what, exact(-entry.amount_microcredits, unit, places=places))
    if entry.reason:
        what = f"{what}: {entry.reason}"
    sign = "+" if entry.amount_microcredits > 0 else ""
    amount, after = (exact(one, places=places) for one in (entry.amount_microcredits, entry.posted_after_microcredits))
    return (when, what, f"{sign}{amount}", after)


def _figure(value: int | None) -> str:
    return _NO_LIMIT if value is None else f"{value:,}"


_FEATURES: tuple[tuple[str, Callable[[Tier], str]], ...] = (
    ("Price a month", lambda tier: cents(tier.price_cents_month)),
    ("Credits a month", lambda tier: money(tier.microcredits_month).replace(" credits", "")),
    ("Models", lambda tier: "all" if tier.grades is None or _BEST in tier.grades else ", ".join(tier.grades)),
    ("Editors", lambda tier: _figure(tier.editors)),
    ("Rounds", lambda tier: _figure(tier.rounds)),
    ("Words a document", lambda tier: _figure(tier.words)),
    ("Sessions at a time", lambda tier: _figure(tier.concurrent_sessions)),
    ("Sessions a month", lambda tier: _figure(tier.sessions_month)),
    ("Days texts are kept", lambda tier: _figure(tier.retention_days)),
)
