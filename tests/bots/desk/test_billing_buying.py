"""Buying: from a word in a chat to credits that are there, and nothing twice, whoever asks and however often."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bots.desk.door import Standing
from bots.desk.requests import Request, RequestKind
from bots.views.elements import Button
from core.sessions.model import Status
from storage.database import Database
from tests.bots.desk.room import HOME
from tests.bots.desk.shop import BOSS, Shop, link_in, links_in, open_desk_shop
from tests.core.billing.till import PACK, STARTER
from tests.fakes.door import admin
from tests.fakes.stripe.faults import Trouble
from tests.fakes.stripe.model import Card


@pytest.fixture
async def shop(memory_store: Database) -> AsyncIterator[Shop]:
    """A desk that sells, and an admin called boss."""
    async with open_desk_shop(memory_store) as found:
        yield found


async def test_from_a_word_to_credits(shop: Shop) -> None:
    """Buy, pay on Stripe's page, webhook: the balance is there and the buyer hears it privately."""
    await shop.room.mention("billing buy", BOSS)
    assert shop.last.to == BOSS
    assert "$10.00" in shop.last.text
    await shop.pay(link_in(shop.last))
    assert await shop.credits() == PACK
    (heard,) = shop.told
    assert heard.to == BOSS
    assert "The payment is through" in heard.text
    assert "1,000 credits ($10.00)" in heard.text


async def test_a_session_that_waits_goes_on_by_itself(shop: Shop) -> None:
    """Nobody presses anything after the payment."""
    session = await shop.waiting()
    await shop.room.press(button_of("add-credits", session.id), BOSS)
    before = len(shop.room.harness.engine.enqueued)
    await shop.pay(link_in(shop.last))
    again = await shop.room.harness.service.get(session.id)
    assert again.status is Status.QUEUED
    assert shop.room.harness.engine.enqueued[before:] == [(session.id, again.segment)]
    assert f"{session.title} goes on by itself" in shop.told[-1].text


async def test_two_admins_at_once_get_one_page(shop: Shop) -> None:
    """One checkout is open a workspace and product, whoever asks; each admin sees it alone."""
    shop.room.door.standings["chief"] = admin("Chief")
    asked = [shop.room.request(RequestKind.COMMAND, who, command="billing-buy") for who in (BOSS, "chief")]
    await asyncio.gather(*(shop.room.desk.handle(request) for request in asked))
    pages = {item.to: link_in(item) for item in shop.room.door.whispers}
    assert set(pages) == {BOSS, "chief"}
    assert len(set(pages.values())) == 1
    assert len(shop.till.stripe.all("checkout.session")) == 1
    await shop.pay(pages["chief"])
    assert await shop.credits() == PACK


async def test_a_double_click_buys_once(shop: Shop) -> None:
    """Two presses, and a request that is handled twice after a crash, lead to the same page."""
    await shop.room.command("billing", BOSS)
    button = shop.last.button("billing-buy")
    first = await shop.room.press(button, BOSS)
    await shop.room.press(button, BOSS)
    await shop.room.desk.handle(first)
    pages = {url for item in shop.room.door.whispers for url in links_in(item)}
    assert len(pages) == 1
    await shop.pay(pages.pop())
    assert await shop.credits() == PACK


async def test_packs_are_counted(shop: Shop) -> None:
    """``billing buy 3`` is three packs at three prices."""
    await shop.room.mention("billing buy 3", BOSS)
    assert "$30.00" in shop.last.text
    await shop.pay(link_in(shop.last))
    assert await shop.credits() == 3 * PACK


@pytest.mark.parametrize(
    "words",
    ["billing buy", "billing upgrade pro", "billing portal", "billing invoices", "billing cancel", "billing reactivate", "billing sync"],
)  # fmt: skip
async def test_who_may_not_buy_sees_no_link(shop: Shop, words: str) -> None:
    """They are told who may, and can ask; Stripe is not even asked."""
    await shop.subscribe()
    calls = len(shop.till.stripe.api.calls)
    await shop.room.mention(words, "ann")
    assert links_in(shop.last) == []
    assert "You may not buy here" in shop.last.text
    assert [item.action for item in shop.last.buttons] == ["ask-admin"]
    assert len(shop.till.stripe.api.calls) == calls


async def test_an_admin_of_another_company_may_not_buy_here(shop: Shop) -> None:
    """In a shared channel an admin of another workspace is nobody here: neither links nor balance are shown."""
    shop.room.door.standings["guest"] = Standing("Visitor", is_admin=True, is_outsider=True)
    await shop.room.found(outsiders_may_start=True, grant=0)
    for words in ("billing", "billing buy", "billing history", "credits"):
        await shop.room.mention(words, "guest")
        assert links_in(shop.last) == []
        assert "may not see that" in shop.last.text


async def test_a_named_member_may_buy(shop: Shop) -> None:
    """An admin names ann; from then on she gets links, until she is removed."""
    await shop.room.command("help", "ann")
    await shop.room.mention("billing buyers --add Ann", BOSS)
    assert "Ann may buy from now on" in shop.last.text
    await shop.room.mention("billing buy", "ann")
    assert link_in(shop.last)
    await shop.room.command("billing-buyers", BOSS)
    await shop.room.press(shop.last.button("billing-buyers", "remove"), BOSS)
    await shop.room.mention("billing buy", "ann")
    assert links_in(shop.last) == []


async def test_only_admins_name_buyers(shop: Shop) -> None:
    """A member cannot make a buyer of anybody, by words, by a button or by a form."""
    await shop.room.mention("billing buyers --add Ann", "ann")
    assert "Only admins may change this" in shop.last.text
    await shop.room.press(button_of("billing-buyers", "ann", "remove"), "ann")
    assert "Only admins may change this" in shop.last.text
    form = await shop.room.desk.form_for(press(shop, "billing-buyers", "ann"))
    assert form is None
    assert not (await shop.member("ann")).is_buyer


async def test_the_form_offers_those_who_are_known(shop: Shop) -> None:
    """A buyer is named by a choice of members; what it sends is what the command takes."""
    await shop.room.command("help", "ann")
    await shop.room.command("billing-buyers", BOSS)
    form = await shop.room.desk.form_for(press(shop, "billing-buyers", BOSS))
    assert form is not None
    assert ("ann", "Ann") in form.fields[0].choices
    await shop.room.command(form.command, BOSS, values={"add": "ann"})
    assert (await shop.member("ann")).is_buyer


async def test_a_plan_is_taken_changed_cancelled_and_kept(shop: Shop) -> None:
    """Each step says where it stands; credits come with what was paid, and never twice."""
    await shop.room.mention("billing upgrade starter", BOSS)
    assert "$29.00 a month" in shop.last.text
    await shop.pay(link_in(shop.last))
    assert await shop.credits() == STARTER
    assert "Starter is yours" in shop.told[-1].text

    await shop.room.command("billing-upgrade", BOSS, values={"plan": "starter"})
    assert "your plan already" in shop.last.text

    await shop.room.command("billing-cancel", BOSS)
    assert "Cancel Starter?" in shop.last.text
    yes = shop.last.button("billing-cancel", "yes")
    for _ in range(2):
        await shop.room.press(yes, BOSS)
        assert "Starter is cancelled: it ends on 2026-02-0" in shop.last.text
    await shop.room.command("billing", BOSS)
    assert "cancelled: ends on" in shop.last.text
    assert "billing-cancel" not in [item.action for item in shop.last.buttons]

    again = shop.last.button("billing-reactivate")
    for _ in range(2):
        await shop.room.press(again, BOSS)
        assert "Starter goes on; it renews on" in shop.last.text
    await shop.till.deliver()
    assert await shop.credits() == STARTER
    assert (await shop.till.tier(HOME)) == "starter"


async def test_a_change_of_plan_is_confirmed_at_stripe(shop: Shop) -> None:
    """A dearer plan is a page that confirms; its credits come when it is paid. A cheaper one waits for the month's end."""
    await shop.subscribe()
    await shop.room.command("billing-plans", BOSS)
    await shop.room.press(shop.last.button("billing-upgrade", "pro"), BOSS)
    assert "Confirm the change to Pro" in shop.last.text
    shop.till.stripe.portal(link_in(shop.last)).confirm()
    await shop.till.deliver()
    await shop.delivery.deliver_open()
    assert await shop.till.tier(HOME) == "pro"
    assert "Pro is yours" in shop.told[-1].text
    more = await shop.credits()
    assert more > STARTER

    await shop.room.command("billing-upgrade", BOSS, values={"plan": "starter"})
    assert "a cheaper plan begins with the next month" in shop.last.text
    shop.till.stripe.portal(link_in(shop.last)).confirm()
    await shop.till.deliver()
    assert await shop.credits() == more


async def test_without_a_plan_there_is_nothing_to_cancel(shop: Shop) -> None:
    """The way on is offered instead."""
    for words in ("billing cancel", "billing reactivate"):
        await shop.room.mention(words, BOSS)
        assert "no subscription" in shop.last.text
        assert "billing-plans" in [item.action for item in shop.last.buttons]


async def test_invoices_and_portal_are_private_links(shop: Shop) -> None:
    """Only whoever may buy sees them, and nothing of them is stored with the request."""
    await shop.subscribe()
    await shop.room.command("billing", BOSS)
    await shop.room.press(shop.last.button("billing-invoices"), BOSS)
    assert "$29.00, paid" in shop.last.text
    assert len(links_in(shop.last)) == 1
    await shop.room.press(shop.last.button("billing-portal"), BOSS)
    assert len(links_in(shop.last)) == 1


async def test_while_stripe_is_away_people_are_told_at_once(shop: Shop) -> None:
    """Nobody gets a link minutes after they gave up; the card and the ledger do not need Stripe at all."""
    await shop.subscribe()
    shop.till.stripe.faults.add(Trouble.UNAVAILABLE, "POST /v1/checkout/sessions", times=3)
    await shop.room.command("billing-buy", BOSS)
    assert "Stripe does not answer right now" in shop.last.text
    await shop.room.command("billing", BOSS)
    assert "Starter, $29.00 a month" in shop.last.text
    await shop.room.command("billing-buy", BOSS)
    assert link_in(shop.last)


async def test_sync_finds_what_a_lost_webhook_left(shop: Shop) -> None:
    """Paid, but no webhook came: ``billing sync`` takes it, once."""
    await shop.room.command("billing-buy", BOSS)
    shop.till.stripe.pay(link_in(shop.last))
    shop.till.stripe.webhooks.drop()
    for words in ("Something was missing", "Nothing was missing"):
        await shop.room.command("billing-sync", BOSS)
        assert words in shop.last.text
    assert await shop.credits() == PACK


async def test_a_page_that_ended_is_told_with_a_way_on(shop: Shop) -> None:
    """Nobody paid for a day: the buyer hears it, and the button opens a page for the same thing."""
    await shop.room.command("billing-upgrade", BOSS, values={"plan": "pro"})
    await shop.till.pass_days(2)
    await shop.delivery.deliver_open()
    assert "has ended" in shop.told[-1].text
    await shop.room.press(shop.told[-1].button("buy-again"), BOSS)
    assert "$79.00 a month" in shop.last.text


async def test_a_payment_that_fails_is_told_with_the_invoice(shop: Shop) -> None:
    """The buyers hear of a renewal that was not paid; the button shows the invoice to them alone."""
    await shop.subscribe()
    shop.till.stripe.set_card(shop.till.stripe.all("customer")[0]["id"], Card.DECLINED)
    await shop.till.pass_days(32)
    await shop.delivery.deliver_open()
    heard = next(item for item in reversed(shop.told) if "A payment failed" in item.text)
    button = heard.button("invoice")
    await shop.room.press(button, BOSS)
    assert len(links_in(shop.last)) == 1
    await shop.room.press(button, "ann")
    assert links_in(shop.last) == []


def button_of(action: str, target: str = "", argument: str = "") -> Button:
    """Return a button as it stands in a thread."""
    return Button(action, "", target, argument)


def press(shop: Shop, action: str, who: str) -> Request:
    """Return a press that nobody has handled."""
    return shop.room.request(RequestKind.PRESS, who, action=action)
