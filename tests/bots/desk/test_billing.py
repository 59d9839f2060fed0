"""Billing as people see it: the card, the ledger, the plans, the walls; and the one line where nothing is sold."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bots.commands import COMMANDS
from bots.desk.billing import billing_part
from bots.desk.door import Standing
from bots.desk.estimating import compared
from bots.desk.reading import FreeText, read_mention
from bots.desk.requests import Actor, RequestKind
from bots.parsing import Invocation, parse_command
from bots.views.elements import Button
from bots.views.lists import times
from core.billing.overview import BillingReader
from core.credits.model import LotKind
from core.credits.tariff import Tariff
from core.providers.catalogue import Catalogue
from core.sessions.model import Status
from core.sessions.ports import Transaction
from core.workspaces.model import Workspace, WorkspaceSettings
from storage.database import Database
from tests.bots.desk.room import HOME, REPORT, Room
from tests.bots.desk.shop import BOSS, Shop, link_in, links_in, open_desk_shop, table_in
from tests.core.billing.till import FREE, PACK, PRICES, STARTER
from tests.fakes.clock import FakeClock
from tests.fakes.door import Whisper, admin

MONEY_BUTTONS = {"billing-buy", "billing-plans", "billing-cancel", "billing-reactivate", "billing-invoices"}
OF_BILLING = [item.name for item in COMMANDS if item.group == "billing"]


@pytest.fixture
async def shop(memory_store: Database) -> AsyncIterator[Shop]:
    """A desk that sells, and an admin called boss."""
    async with open_desk_shop(memory_store) as found:
        yield found


def actions(whisper: Whisper) -> set[str]:
    return {item.action for item in whisper.buttons}


async def settle(shop: Shop, **settings: Any) -> None:
    """Change the workspace's settings."""

    def work(tx: Transaction) -> None:
        workspace = tx.workspaces.find(HOME)
        assert workspace is not None
        tx.workspaces.save(replace(workspace, settings=WorkspaceSettings(**settings)))

    await shop.room.store.write(work)


async def test_the_card_says_everything(shop: Shop) -> None:
    """Plan, balance by lot with its end, what comes next, this month and in all; every button for who may buy."""
    await shop.subscribe()
    await shop.room.command("billing-buy", BOSS)
    await shop.pay(link_in(shop.last))
    await shop.till.use(40, workspace_id=HOME)
    await shop.room.mention("credits", BOSS)
    text = shop.last.text
    assert "Starter, $29.00 a month, renews on 2026-02-01" in text
    assert "3,860 credits ($38.60)" in text
    assert f"{STARTER:,} credits ($29.00) on 2026-02-01" in text
    assert text.count("40 credits ($0.40)") == 2
    paid = text.partition("Last invoices: ")[2].partition("\n")[0]
    assert sorted(paid.split(", ")) == ["$10.00 on 2026-01-01", "$29.00 on 2026-01-01"]
    lots = table_in(shop.last).rows
    assert lots == (
        ("Plan", "2,860.00 ($28.60)", "2,900.00 ($29.00)", "2026-02-02"),
        ("Bought", "1,000.00 ($10.00)", "1,000.00 ($10.00)", "for good"),
    )
    expected = {"billing-buy", "billing-plans", "billing-invoices", "billing-cancel", "billing-history", "billing"}
    assert actions(shop.last) == expected
    assert [item.label for item in shop.last.buttons if item.action == "billing"] == ["Refresh"]


async def test_whoever_may_not_buy_sees_the_card_without_its_buttons(shop: Shop) -> None:
    """They see what there is and who may buy, and nothing that leads to Stripe."""
    await shop.subscribe()
    await shop.name_buyer("cleo")
    await shop.room.mention("billing", "ann")
    assert "Cleo and admins can buy" in shop.last.text
    assert actions(shop.last) == {"billing-history", "billing"}
    assert "invoices" not in shop.last.text
    for words in ("billing buy", "credits portal", "billing cancel"):
        await shop.room.mention(words, "ann")
        assert "You may not buy here\nCleo and admins can buy credits and change the plan." in shop.last.text
        assert actions(shop.last) == {"ask-admin"}
    await shop.room.mention("billing plans", "ann")
    assert not actions(shop.last) & MONEY_BUTTONS
    assert "Cleo and admins can buy" in shop.last.text


async def test_limits_are_shown_where_they_are_set(shop: Shop) -> None:
    """A member sees their own allowance with what is used of it, and everybody's limit."""
    await shop.set_balance(1_000)
    await shop.room.command("billing", "ann")
    assert "allowance" not in shop.last.text
    await settle(shop, member_cap_microcredits=200_000_000, monthly_cap_microcredits=900_000_000)
    await shop.till.use(40, workspace_id=HOME)
    await shop.room.command("billing", "ann")
    assert "0 credits ($0.00) of 200 credits ($2.00) used this month" in shop.last.text
    assert "40 credits ($0.40) of 900 credits ($9.00) used this month" in shop.last.text


async def test_the_ledger_is_paged_and_its_csv_adds_up(shop: Shop) -> None:
    """Pages meet without a gap or a repeat; the CSV is private and its sum is the balance."""
    await shop.subscribe()
    for number in range(1, 24):
        await shop.till.use(number, workspace_id=HOME)
    await shop.room.mention("billing history", BOSS)
    rows = list(table_in(shop.last).rows)
    assert "billing-history" in actions(shop.last)
    while older := [item for item in shop.last.buttons if item.label == "Show older"]:
        await shop.room.press(older[0], BOSS)
        rows += table_in(shop.last).rows
    amounts = [Decimal(row[2].split()[0].replace(",", "")) for row in rows]
    assert len(rows) == 24
    assert sum(amounts) == Decimal(str(await shop.credits()))
    assert amounts[0] == -23
    balances = [Decimal(row[3].split()[0].replace(",", "")) for row in rows]
    assert all(
        later == earlier + amount for later, earlier, amount in zip(balances, balances[1:], amounts, strict=False)
    )

    await shop.room.press(Button("billing-history", "", "", "csv"), BOSS)
    (file,) = shop.last.files
    assert file.name == "credits-2026-01-01.csv"
    found = list(csv.DictReader(io.StringIO(shop.door.read[file.name].decode())))
    assert sum(Decimal(row["credits"]) for row in found) == Decimal(str(await shop.credits()))
    assert len(found) == 24
    assert not [key for key in shop.room.harness.kept if key.startswith("made/")]


async def test_a_new_workspace_has_its_free_month_at_once(shop: Shop) -> None:
    """Nobody waits for the clock: the first word to the app brings the month's credits, once."""
    for _ in range(2):
        await shop.room.command("billing", "eve", workspace_id="fake:new")
        assert f"Balance: {FREE} credits" in shop.last.text
    shop.door.standings["owner"] = admin("Owner")
    newer = Workspace("fake:newer", "fake", "Newer", shop.room.clock.now())
    await shop.room.desk.installed(newer, Actor("fake:newer", "owner"))
    assert (await shop.till.balance("fake:newer")).available_microcredits == FREE * 10**6
    owner = await shop.room.store.read(lambda tx: tx.workspaces.find_member("fake:newer/owner"))
    assert owner is not None
    assert owner.name == "Owner"


async def test_plans_stand_side_by_side(shop: Shop) -> None:
    """A column a plan, yours marked; a button for each other that is for sale."""
    await shop.room.mention("billing plans", BOSS)
    table = table_in(shop.last)
    assert table.headers == ("", "Free (yours)", "Starter", "Pro")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Price a month"] == ("$0.00", "$29.00", "$79.00")
    assert rows["Credits a month"] == ("150 ($1.50)", "2,900 ($29.00)", "9,000 ($90.00)")
    assert {item.argument for item in shop.last.buttons if item.action == "billing-upgrade"} == {"starter", "pro"}
    assert "1,000 credits cost $10.00" in shop.last.text


@pytest.mark.parametrize(("who", "way"), [(BOSS, "billing-buy"), ("ann", "ask-admin")])
async def test_too_few_credits_come_with_the_way_out(shop: Shop, who: str, way: str) -> None:
    """Whoever may buy gets Buy credits, others Ask an admin; the session is kept, and can be started after."""
    await shop.room.mention("tighten this --rounds 1 --team quick", who, files=(REPORT,))
    assert "There are not enough credits" in shop.last.text
    assert [item.action for item in shop.last.buttons] == [way, "start", "discard"]
    session = await shop.room.only()
    assert shop.last.button(way).target == session.id
    assert session.status is Status.DRAFT
    if who == BOSS:
        await shop.room.press(shop.last.button(way), who)
        await shop.pay(link_in(shop.last))
        assert f"{session.title} can start now" in shop.told[-1].text
        await shop.room.press(shop.told[-1].button("start"), who)
        assert (await shop.room.only()).status is Status.QUEUED


@pytest.mark.parametrize(("who", "way"), [(BOSS, "billing-upgrade"), ("ann", "ask-admin")])
async def test_what_a_plan_lacks_names_the_one_that_has_it(shop: Shop, who: str, way: str) -> None:
    """A refusal names the limit, the tier that lifts it, and has the button."""
    await shop.room.command("help", BOSS)
    await shop.room.mention("tighten this --editors 5", who, files=(REPORT,))
    assert "Asked for editors: 5; your plan has 3." in shop.last.text
    assert "The Starter plan includes it." in shop.last.text
    (button,) = shop.last.buttons
    assert button.action == way
    await shop.room.press(button, who)
    if who == BOSS:
        assert "Starter for $29.00 a month" in shop.last.text
    else:
        await shop.delivery.deliver_open()
        (heard,) = shop.told
        assert heard.to == BOSS
        assert "Ann asks for the Starter plan" in heard.text


async def test_asking_an_admin_is_one_message(shop: Shop) -> None:
    """However often it is pressed: need, session and Buy, to those who may, once."""
    await shop.room.command("help", BOSS)
    session = await shop.waiting()
    await shop.room.press(Button("add-credits", "", session.id), "ann")
    assert links_in(shop.last) == []
    ask = shop.last.button("ask-admin")
    await shop.room.press(ask, "ann")
    assert "Boss has your message now" in shop.last.text
    for _ in range(2):
        await shop.room.press(ask, "ann")
        assert "Boss has had your message today" in shop.last.text
    await shop.delivery.deliver_open()
    shop.room.clock.move(3_600)
    await shop.delivery.deliver_open()
    (heard,) = shop.told
    assert heard.to == BOSS
    assert "Ann needs" in heard.text
    assert session.title in heard.text
    await shop.room.press(heard.button("billing-buy"), BOSS)
    await shop.pay(link_in(shop.last))
    assert (await shop.room.harness.service.get(session.id)).status is Status.QUEUED


async def test_asking_where_nobody_can_be_reached_says_so(shop: Shop) -> None:
    """No admin is known, or none takes messages: the asker hears it with a way out, and it is told once it can be."""
    session = await shop.waiting()
    ask = Button("ask-admin", "", session.id, "5")
    await shop.room.press(ask, "ann")
    assert "There is nobody here whom I can write to" in shop.last.text
    assert "types `/atelier billing`" in shop.last.text
    await shop.room.command("help", BOSS)
    shop.door.away = {BOSS}
    shop.room.clock.move(60)
    await shop.room.press(ask, "ann")
    assert "could not be sent just now" in shop.last.text
    assert "Boss and other admins can buy" in shop.last.text
    assert shop.told == []
    shop.door.away = set()
    await shop.delivery.deliver_open()
    assert [item.to for item in shop.told] == [BOSS]
    await shop.room.press(ask, "ann")
    assert "Boss has had your message today" in shop.last.text
    assert len(shop.told) == 1


async def test_two_who_ask_at_once_are_one_message(shop: Shop) -> None:
    """The one that came first tells it; the other hears who knows, or that it is on its way."""
    await shop.room.command("help", BOSS)
    session = await shop.waiting()
    for who in ("ann", "ben"):
        await shop.room.command("help", who)
    asks = [
        shop.room.request(RequestKind.PRESS, who, action="ask-admin", target=session.id, argument="5")
        for who in ("ann", "ben")
    ]
    await asyncio.gather(*(shop.room.desk.handle(request) for request in asks))
    assert len(shop.told) == 1


async def test_resuming_without_credits_leads_to_them(shop: Shop) -> None:
    """A verb that fails for want of credits brings the way out, for the session that it was about."""
    session = await shop.waiting()
    await shop.room.press(Button("resume", "", session.id), "ann")
    assert "There are not enough credits" in shop.last.text
    assert shop.last.button("ask-admin").target == session.id
    await shop.room.mention("resume", BOSS, thread=session.thread.thread or session.thread.card)
    assert shop.last.button("billing-buy").target == session.id


async def test_a_guest_who_may_start_may_ask(shop: Shop) -> None:
    """They see neither balance nor ledger, but whoever may start may say that credits are missing."""
    await shop.room.command("help", BOSS)
    await settle(shop, guests_may_start=True)
    shop.door.standings["gus"] = Standing("Gus", is_guest=True)
    session = await shop.waiting("gus")
    await shop.room.mention("billing", "gus")
    assert "may not see that" in shop.last.text
    await shop.room.press(Button("add-credits", "", session.id), "gus")
    await shop.room.press(shop.last.button("ask-admin"), "gus")
    await shop.delivery.deliver_open()
    assert "Gus needs" in shop.told[-1].text


async def test_without_a_provider_nothing_is_sold_but_all_can_be_managed(memory_store: Database) -> None:
    """With Stripe and no provider: no button that buys, and words where somebody types it."""
    async with open_desk_shop(memory_store, may_sell=False) as shop:
        await shop.room.command("billing", BOSS)
        assert actions(shop.last) == {"billing-history", "billing"}
        await shop.room.mention("billing buy", BOSS)
        assert "Nothing is sold here" in shop.last.text
        await shop.room.mention("tighten this --rounds 1 --team quick", BOSS, files=(REPORT,))
        assert not actions(shop.last) & MONEY_BUTTONS


async def test_a_bare_cancel_asks_which(shop: Shop) -> None:
    """It neither stops nor cancels anything by itself; ``billing cancel`` is about the subscription alone."""
    session = await shop.waiting()
    thread = session.thread.thread or session.thread.card
    await shop.room.mention("cancel", "ann", thread=thread)
    assert {(item.action, item.target) for item in shop.last.buttons} == {("stop", session.id), ("billing", "")}
    assert (await shop.room.only()).status is Status.WAITING
    await shop.room.press(shop.last.button("stop"), "ann")
    assert (await shop.room.only()).status is Status.STOPPED


async def test_without_credits_an_estimate_still_compares(shop: Shop) -> None:
    """By model and number of editors, as the plan allows them; nothing is stored or spent."""
    await shop.room.command("estimate", "ann", values={"rounds": 1, "brief": "A note"})
    table = table_in(shop.last)
    assert table.headers == ("Model", "1 editor", "3 editors")
    assert table.rows
    assert all("credits" in cell for row in table.rows for cell in row[1:])
    assert await shop.room.sessions() == []


@pytest.mark.parametrize("name", OF_BILLING)
async def test_where_nothing_is_sold_nothing_is_offered(memory_store: Database, name: str) -> None:
    """One private line with the use in dollars, or that nothing is sold; no button, no word about buying."""
    room = Room(memory_store, FakeClock(auto=True), checks_balance=False)
    await room.found(grant=0)
    harness = room.harness
    reader = BillingReader(store=memory_store, prices=harness.prices, ledger=harness.ledger, clock=room.clock)
    room.desk = room.make_desk(more=(billing_part(reader),))
    await room.command(name)
    assert room.last.buttons == ()
    assert not {"buy", "credits", "plan", "upgrade", "subscription"} & set(room.last.text.lower().split())
    if name == "billing":
        assert room.last.text == "Nothing is sold here. Used this month: $0.00; in all: $0.00."
    elif name != "billing-history":
        assert "Nothing is sold here" in room.last.text


async def test_where_nothing_is_sold_limits_are_dollars(memory_store: Database) -> None:
    """What the operator allows is shown with what is used of it."""
    room = Room(memory_store, FakeClock(auto=True), checks_balance=False)
    await room.found(grant=0, member_cap_microcredits=500_000_000)
    harness = room.harness
    reader = BillingReader(store=memory_store, prices=harness.prices, ledger=harness.ledger, clock=room.clock)
    room.desk = room.make_desk(more=(billing_part(reader),))
    await room.command("billing")
    assert "Your allowance: $0.00 of $5.00 used this month." in room.last.text
    await room.command("cancel")
    assert [item.action for item in room.last.buttons] == ["stop"]
    assert "subscription" not in room.last.text


async def test_models_are_compared_with_the_default(shop: Shop) -> None:
    """The default costs once its own price."""
    await shop.room.command("models", BOSS)
    table = table_in(shop.last)
    assert table.headers[-1] == "Price"
    assert len(table.rows) == 1


async def test_lots_of_every_kind_have_a_name(shop: Shop) -> None:
    """A gift and what an operator gave are named too."""
    ledger = shop.room.harness.ledger

    def give(tx: Transaction) -> None:
        for kind in (LotKind.PROMO, LotKind.ADMIN):
            ledger.grant(
                tx.credits,
                workspace_id=HOME,
                kind=kind,
                amount_microcredits=PACK,
                source_key=f"test:{kind}",
                actor="test",
            )

    await shop.room.store.write(give)
    await shop.room.command("billing", "ann")
    assert [row[0] for row in table_in(shop.last).rows] == ["Gift", "Given"]


@pytest.mark.parametrize(
    "text",
    [
        "history of the harbour in two pages",
        "plans for the summer party, shorter please",
        "billing is broken for a customer: write them a note",
        "credits should roll over: argue for it",
        "cancel culture, an essay in five paragraphs",
        "buy this house: tighten the advert",
    ],
)
def test_prose_about_money_is_prose(text: str) -> None:
    """Words of everyday language are commands only where a command could be meant."""
    assert read_mention(text) == FreeText(text)


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("billing", "billing", {}),
        ("Credits", "billing", {}),
        ("billing history", "billing-history", {}),
        ("billing buy", "billing-buy", {}),
        ("billing buy 2", "billing-buy", {"packs": 2}),
        ("billing upgrade Pro", "billing-upgrade", {"plan": "pro"}),
        ("billing buyers --remove @ann", "billing-buyers", {"remove": "@ann"}),
        ("credits history", "billing-history", {}),
        ("Credits plans", "billing-plans", {}),
        ("credits buy 2", "billing-buy", {"packs": 2}),
        ("credits buyers --add @ann", "billing-buyers", {"add": "@ann"}),
        ("cancel", "cancel", {}),
        ("billing cancel", "billing-cancel", {}),
    ],
)
def test_billing_is_typed_as_the_docs_say(text: str, name: str, values: dict[str, object]) -> None:
    """In a slash command and in a mention alike."""
    given = read_mention(text)
    assert isinstance(given, Invocation)
    assert (given.command.name, given.values) == (name, values)
    assert parse_command(text) == given


async def test_an_estimate_of_a_file_compares_what_it_asked_for(shop: Shop) -> None:
    """The file is read once; the choice that was asked for has the price of the headline, whatever else is shown."""
    await shop.room.command("estimate", "ann", values={"rounds": 2, "editors": 2}, files=(REPORT,))
    table = table_in(shop.last)
    assert table.headers == ("Model", "1 editor", "2 editors", "3 editors")
    headline = shop.last.text.partition("Price: ")[2].partition(",")[0]
    assert table.rows[0][2] == headline
    assert shop.door.fetched == [REPORT.id]


def test_models_to_compare_are_one_of_each_grade() -> None:
    """The one that was asked for stands first."""
    specs = Catalogue.load().list()
    asked = specs[-1]
    found = compared(specs, asked.id)
    assert found[0] == asked
    assert len({spec.grade for spec in found}) == len(found)
    assert compared(specs, "gone")


def test_a_price_is_compared_with_the_baselines() -> None:
    """The baseline costs once its own price, a dearer model more; nothing is compared with what is free."""
    catalogue = Catalogue.load()
    tariff = Tariff(PRICES)
    base, now = catalogue.default("anthropic"), FakeClock().now()
    assert base is not None
    assert tariff.compare(base, base, at=now) == 1
    ratios = [tariff.compare(spec, base, at=now) for spec in catalogue.list()]
    assert any(ratio is not None and ratio > 1 for ratio in ratios)
    free = next(spec for spec in catalogue.list() if spec.provider == "rehearsal")
    assert tariff.compare(base, free, at=now) is None
    assert [times(Decimal(text)) for text in ("1", "0.44", "12.6", "10")] == ["1 x", "0.4 x", "13 x", "10 x"]
    assert times(None) == "-"
