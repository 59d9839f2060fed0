"""Billing as the platforms draw it: links can be followed, buttons come back as they were, amounts fit their columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bots.discord.layout import render_view as render_discord
from bots.discord.marks import walk
from bots.discord.presses import decode_press as decode_discord
from bots.slack.blocks import decode_press as decode_slack
from bots.slack.blocks import render_view as render_slack
from bots.views.billing import Reader, card_view, cents, history_view, plans_view, usage_view
from bots.views.billing_notices import Known, notice_view
from bots.views.buying import (
    asked_view,
    buyers_view,
    cancel_view,
    cancel_what_view,
    cancelled_view,
    invoice_view,
    invoices_view,
    pay_view,
    portal_view,
    refused_view,
    tier_buttons,
    unasked_view,
    wall_buttons,
)
from bots.views.elements import Button, Buttons, View
from bots.views.plain import plain_text
from core.billing.buyers import Link
from core.billing.catalogue import make_catalogue
from core.billing.model import Audience, Notice, NoticeKind, Subscription
from core.billing.objects import InvoiceObject
from core.billing.overview import HistoryPage, NextGrant, Overview, PlanTable
from core.credits.model import Balance, Entry, EntryKind, Lot, LotKind
from core.credits.tiers import load_price_list
from core.money import Unit
from core.workspaces.model import Member

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRICES = load_price_list()
CATALOGUE = make_catalogue(PRICES, starter="price_1", pro="price_2", credit="price_3")
URL = "https://checkout.stripe.com/c/pay/cs_live_a1B2c3#fidkdWxOYHwnPyd1blpxYHZxWjA0"
SUBSCRIPTION = Subscription(
    "sub_1", "slack:T1", "cus_1", "starter", "price_1", "active", NOW, NOW, NOW + timedelta(days=31)
)
LOTS = (
    Lot("l1", "slack:T1", LotKind.MONTHLY, 2_900_000_000, 2_800_000_001, "in:1", NOW, NOW + timedelta(days=32)),
    Lot("l2", "slack:T1", LotKind.PACK, 10**9, 10**9, "cs:1", NOW),
)
OVERVIEW = Overview(
    workspace_id="slack:T1",
    tier=PRICES.tier("starter"),
    balance=Balance(3_000_000_000, 3_800_000_001, 800_000_001, 0, LOTS),
    used_month_microcredits=99_999_999,
    used_total_microcredits=199_999_999,
    subscription=SUBSCRIPTION,
    next_grant=NextGrant(NOW + timedelta(days=31), 2_900_000_000),
    has_portal=True,
)
ENTRIES = (
    Entry("slack:T1", 2, EntryKind.CAPTURE, -1_234_567, 998_765_433, "b", "session", NOW),
    Entry("slack:T1", 1, EntryKind.GRANT, 10**9, 10**9, "a", "stripe", NOW, reason="1,000 credits"),
)
MEMBERS = tuple(Member(f"slack:T1/U{number}", "slack:T1", f"U{number}", f"Name {number}", NOW) for number in range(12))
PLANS = PlanTable(PRICES.sold(), "starter", CATALOGUE.products)
PACK = CATALOGUE.packs[0]
PLAN = CATALOGUE.plans[0]


def invoice(number: int) -> InvoiceObject:
    return InvoiceObject.model_validate(
        {
            "id": f"in_{number}",
            "livemode": True,
            "customer": "cus_1",
            "status": "paid",
            "number": f"A-{number}",
            "currency": "usd",
            "total": 2_900,
            "created": int(NOW.timestamp()),
            "hosted_invoice_url": URL,
        }
    )


VIEWS = {
    "card": card_view(OVERVIEW, Reader(may_buy=True)),
    "card_reader": card_view(OVERVIEW, Reader(may_buy=False, buyers="Ann can buy.", allowance_microcredits=10**8)),
    "usage": usage_view(OVERVIEW, Reader(may_buy=False)),
    "history": history_view(HistoryPage(ENTRIES, 7), unit=Unit.CREDITS, is_first=False),
    "history_dollars": history_view(HistoryPage(ENTRIES, None), unit=Unit.DOLLARS, is_first=True),
    "history_empty": history_view(HistoryPage((), None), unit=Unit.CREDITS, is_first=True),
    "plans": plans_view(PLANS, may_buy=True, has_subscription=True),
    "pay": pay_view(Link(URL, PACK.key, NOW, reused=True), PACK, quantity=2),
    "take": pay_view(Link(URL, PLAN.key, NOW), PLAN, quantity=1),
    "change": pay_view(Link(URL, PLAN.key), PLAN, quantity=1, is_change=True),
    "portal": portal_view(Link(URL)),
    "invoices": invoices_view([invoice(number) for number in range(6)]),
    "invoice": invoice_view(Link(URL)),
    "cancel": cancel_view(SUBSCRIPTION, "Starter", platform="slack"),
    "cancelled": cancelled_view(SUBSCRIPTION, "Starter"),
    "cancel_what": cancel_what_view("s_abc", sells=True),
    "buyers": buyers_view(MEMBERS, may_name=True, told="Done."),
    "asked": asked_view(["Ann", "Ben"], is_new=True),
    "unasked": unasked_view("Admins can buy.", is_later=False),
    "refused": refused_view("Admins can buy.", wall_buttons("", 0, may_buy=False)),
    "wall": View((Buttons(wall_buttons("s_abc", 7, may_buy=False)),), "x"),
    "tier": View((Buttons(tier_buttons("pro", "Pro", "s_abc", may_buy=False)),), "x"),
}
WITH_LINK = ("pay", "take", "change", "portal", "invoice", "invoices")


def buttons(view: View) -> list[Button]:
    return [button for row in view.elements if isinstance(row, Buttons) for button in row.buttons]


def slack_blocks(view: View) -> list[Any]:
    return [block for message in render_slack(view) for block in message.blocks]


@pytest.mark.parametrize(("platform", "place"), [("slack", "this Slack"), ("discord", "this server")])
def test_what_is_left_says_it_in_the_platforms_words(platform: str, place: str) -> None:
    """Nobody in Discord has a workspace: it is their server that is on the free plan."""
    assert f"then {place} is on the free plan" in plain_text(cancel_view(SUBSCRIPTION, "Starter", platform=platform))
    notice = Notice("k", "w", NoticeKind.PLAN_ENDED, Audience.BUYERS, NOW, facts={"tier": "starter"})
    assert f"{place} is on the free plan" in plain_text(notice_view(notice, Known(platform=platform)))


@pytest.mark.parametrize("name", VIEWS)
def test_both_platforms_draw_it_in_one_message(name: str) -> None:
    """A private answer is one message; everything fits."""
    assert len(render_slack(VIEWS[name])) == 1
    assert len(render_discord(VIEWS[name])) == 1


@pytest.mark.parametrize("name", VIEWS)
def test_buttons_come_back_as_they_were(name: str) -> None:
    """Action, target and argument survive Slack's and Discord's ids, whatever signs they hold."""
    meant = {(item.action, item.target, item.argument) for item in buttons(VIEWS[name])}
    slack = {
        decode_slack(item["action_id"], item.get("value", ""))
        for block in slack_blocks(VIEWS[name])
        if block["type"] == "actions"
        for item in block["elements"]
    }
    assert slack == meant
    discord = {
        decode_discord(item["custom_id"])
        for message in render_discord(VIEWS[name])
        for item in walk(message.components)
        if "custom_id" in item
    }
    assert discord == meant


@pytest.mark.parametrize("name", WITH_LINK)
def test_links_can_be_followed_on_both_platforms(name: str) -> None:
    """What makes strange links harmless leaves ours alone."""
    assert f"<{URL}|" in str(slack_blocks(VIEWS[name]))
    drawn = [item for message in render_discord(VIEWS[name]) for item in walk(message.components)]
    assert URL in [item.get("url") for item in drawn]
    assert URL in plain_text(VIEWS[name])


def test_a_link_that_is_too_long_for_a_button_stands_in_the_text() -> None:
    """Stripe's addresses have no limit that anybody knows of; Discord's buttons have one."""
    url = f"{URL}{'x' * 600}"
    view = portal_view(Link(url))
    assert url in str([message.components for message in render_discord(view)])
    assert f"<{url}|Open portal>" in str(slack_blocks(view))


def test_an_address_cannot_end_its_link_early() -> None:
    """Nothing in an address can make another one of it."""
    view = portal_view(Link("https://stripe.test/a|b>c"))
    assert "<https://stripe.test/a%7Cb&gt;c|Open portal>" in str(slack_blocks(view))


@pytest.mark.parametrize("name", WITH_LINK)
def test_no_notification_shows_a_link(name: str) -> None:
    """What a phone shows on its lock screen holds no link that anybody could use."""
    assert "http" not in VIEWS[name].fallback
    assert "http" not in repr(Link(URL))


def test_money_of_stripe_is_written_with_its_currency() -> None:
    """Dollars as people write them, others by their code."""
    assert cents(2_900) == "$29.00"
    assert cents(123_456_78) == "$123,456.78"
    assert cents(2_900, "eur") == "29.00 EUR"


def test_debt_and_what_is_set_aside_are_said() -> None:
    """A balance below nothing is no number with a minus, but what is owed."""
    balance = Balance(-5_000_000, 0, 0, 5_000_000, ())
    view = card_view(Overview("w", PRICES.tier("free"), balance, 0, 0), Reader(may_buy=False))
    text = str(view)
    assert "0 credits ($0.00); 5 credits ($0.05) owed" in text
    assert "800 credits ($8.00) more set aside" not in text
    assert "801 credits ($8.01) more set aside" in str(VIEWS["card"])
