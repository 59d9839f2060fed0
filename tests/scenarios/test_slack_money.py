"""Slack, as people live it where credits are sold: running out, asking, buying, and a plan that is taken and left."""

import csv
import io
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from core.sessions.model import ParkReason, Status
from tests.fakes.slack.model import Channel, Message, Person
from tests.scenarios.slack_office import Office, buttons_of, jargon_in, local_slack, office, settings_of
from tests.scenarios.slack_vendor import Vendor
from tests.scenarios.till import (
    PACK,
    PRICES,
    Till,
    balance,
    charged,
    entries_in,
    listen,
    local_till,
    take_away,
    tier_of,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
NOTES = b"Our lights run for forty hours. Dealers get them from May on.\n"
NORTH = "slack:T0NORTH"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(
    models: Vendor, _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Office, Till]]:
    """The program with a vendor and a shop, installed in the workspace north, whose admin is ann."""
    path = tmp_path_factory.mktemp("office") / "atelier.db"
    path.write_bytes(_sqlite_template.read_bytes())
    async with local_slack() as slack, local_till(slack.world.clock) as till:
        settings = settings_of(f"sqlite+aiosqlite:///{path}", slack, **models.settings, **till.settings)
        async with office(slack, settings) as house:
            listen(till, house.url)
            await house.install(slack.north, slack.ann, slack.general)
            yield house, till


async def _hears(house: Office, person: Person, words: str) -> Message:
    """Return the newest direct message with *words* as soon as *person* has it."""

    def found() -> Message | None:
        heard = [one for one in house.slack.direct_messages(person) if words in one.visible_text]
        return heard[-1] if heard else None

    message = await house.slack.until(found)
    assert message is not None
    return message


async def _answer(house: Office, person: Person, where: Message, label: str) -> Message:
    """Press a button and return what *person* alone sees then: a new message, or the pressed one in its new state."""
    channel = house.slack.world.channels[where.channel]
    known = {one.ts for one in house.slack.ephemeral(person, channel)}
    await house.press(person, where, label)
    await house.settled()
    fresh = [one for one in house.slack.ephemeral(person, channel) if one.ts not in known]
    return fresh[-1] if fresh else where


async def _ask(house: Office, person: Person, channel: Channel, words: str) -> Message:
    """Type a command and return the private answer."""
    await house.slack.command(person, channel, words)
    await house.settled()
    return house.slack.ephemeral(person, channel)[-1]


async def _waiting(house: Office, vendor: Vendor, channel: Channel, starter: Person) -> Message:
    """Let a session of *starter* run out of credits; return what its thread says."""
    vendor.hold("Revise the document")
    await house.slack.say(starter, channel, f"{house.named()} tighten --rounds 2", files=[("notes.md", NOTES)])
    await vendor.asked("Revise the document")
    await take_away(house.parts, await house.running(channel))
    vendor.release()
    await house.waits(channel, ParkReason.BALANCE)

    def found() -> list[Message]:
        return [one for one in house.thread(channel) if "Add credits" in buttons_of(one)]

    return (await house.slack.until(found))[-1]


async def test_a_session_that_ran_out_goes_on_when_an_admin_paid(shop: tuple[Office, Till], vendor: Vendor) -> None:
    """The starter asks, the admin hears of it once, buys and pays; the session goes on by itself, and both know."""
    house, till = shop
    slack = house.slack
    channel = await house.room("out", slack.ann, slack.ben)
    waits = await _waiting(house, vendor, channel, slack.ben)
    assert waits.visible_text.startswith(f"<@{slack.ben.id}>")
    assert "The balance is 0 credits ($0.00)" in waits.visible_text
    assert "0 credits ($0.00)" in house.card(channel).visible_text
    refused = await _answer(house, slack.ben, waits, "Add credits")
    assert "You may not buy here" in refused.visible_text
    asked = await _answer(house, slack.ben, refused, "Ask an admin")
    assert "ann has your message now" in asked.visible_text
    heard = await _hears(house, slack.ann, "Credits are asked for")
    assert re.search(r"ben needs [\d.]+ credits .* more for notes\.md", heard.visible_text)
    again = await _answer(house, slack.ben, await _answer(house, slack.ben, waits, "Add credits"), "Ask an admin")
    assert "had your message today" in again.visible_text

    offered = await _answer(house, slack.ann, heard, "Buy credits")
    back = await till.pay(till.address_in(offered.blocks))
    session = (await house.sessions_in(channel))[-1]
    assert session.status is Status.WAITING
    start = await balance(house.parts, NORTH) + await charged(house.parts, session)
    await till.deliver(house.parts)
    assert (await house.ended(channel)).id == session.id
    bought = await _hears(house, slack.ann, "The payment is through")
    assert "1,000 credits ($10.00) for $10.00 are here" in bought.visible_text
    assert "notes.md goes on by itself" in bought.visible_text
    assert "Thank you" in (await house.get(back)).text  # and grants nothing again
    assert buttons_of(waits) == [], "it went on: there is nothing left to press"
    assert await balance(house.parts, NORTH) == start + PACK - await charged(house.parts, session)
    assert sum("asked for" in one.visible_text for one in slack.direct_messages(slack.ann)) == 1
    _nobody_else_saw_a_link(house, till)


async def test_from_the_word_billing_to_credits_and_every_page_of_the_book(
    shop: tuple[Office, Till], vendor: Vendor
) -> None:
    """An admin's card, a page, a payment: the balance is there. The history is leafed through, and its file adds up."""
    house, till = shop
    slack = house.slack
    channel = await house.room("billing", slack.ann, slack.ben)
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 2", files=[("notes.md", NOTES)])
    await house.ended(channel)  # an entry for each reply
    before = await balance(house.parts, NORTH)
    card = await _ask(house, slack.ann, channel, "billing")
    assert {"Buy credits", "Change tier", "Refresh"} <= set(buttons_of(card))
    assert "Free" in card.visible_text
    offered = await _answer(house, slack.ann, card, "Buy credits")
    await house.get(await till.pay(till.address_in(offered.blocks)))  # the browser is faster than the webhook
    assert await balance(house.parts, NORTH) == before + PACK
    await till.deliver(house.parts)
    assert await balance(house.parts, NORTH) == before + PACK
    await _hears(house, slack.ann, "The payment is through")

    page = await _ask(house, slack.ann, channel, "credits history")
    texts = [page.visible_text]
    while "Show older" in buttons_of(page):
        page = await _answer(house, slack.ann, page, "Show older")
        texts.append(page.visible_text)
    assert len(texts) > 1
    await _answer(house, slack.ann, page, "Get all as CSV")
    (file,) = [one for one in slack.files() if one.name.endswith(".csv")]
    rows = list(csv.DictReader(io.StringIO((file.content or b"").decode())))
    assert sum(Decimal(row["credits"]) for row in rows) == await balance(house.parts, NORTH)
    assert len(rows) == sum(entries_in(text) for text in texts)
    _nobody_else_saw_a_link(house, till)


async def test_a_plan_is_taken_changed_cancelled_and_kept(shop: tuple[Office, Till], vendor: Vendor) -> None:
    """Change tier, Cancel subscription and Reactivate, each through Stripe and back; the card says it each time."""
    house, till = shop
    slack = house.slack
    channel = await house.room("plan", slack.ann, slack.ben)
    before = await balance(house.parts, NORTH)
    plans = await _answer(house, slack.ann, await _ask(house, slack.ann, channel, "billing"), "Change tier")
    offered = await _answer(house, slack.ann, plans, "Change to Starter")
    await till.pay(till.address_in(offered.blocks))
    await till.deliver(house.parts)
    assert await tier_of(house.parts, NORTH) == "starter"
    assert await balance(house.parts, NORTH) == before + PRICES.tier("starter").credits_month
    assert "Starter is yours" in (await _hears(house, slack.ann, "Your plan has begun")).visible_text

    plans = await _ask(house, slack.ann, channel, "billing plans")
    change = await _answer(house, slack.ann, plans, "Change to Pro")
    till.confirm(till.address_in(change.blocks))
    await till.deliver(house.parts)
    assert await tier_of(house.parts, NORTH) == "pro"
    await _hears(house, slack.ann, "Your plan is changed")

    card = await _ask(house, slack.ann, channel, "billing")
    assert "Reactivate" not in buttons_of(card)
    sure = await _answer(house, slack.ann, card, "Cancel subscription")
    ending = await _answer(house, slack.ann, sure, "Cancel subscription")
    assert "Pro is cancelled" in ending.visible_text
    assert "cancelled: ends on" in (await _ask(house, slack.ann, channel, "billing")).visible_text
    kept = await _answer(house, slack.ann, ending, "Reactivate")
    assert "Pro goes on" in kept.visible_text
    await till.deliver(house.parts)
    card = await _ask(house, slack.ann, channel, "credits")
    assert "Pro, $79.00 a month, renews on" in card.visible_text
    assert {"Invoices", "Cancel subscription"} <= set(buttons_of(card))
    for words in ("cancel", "billing cancel", "billing reactivate"):
        shown = await _ask(house, slack.ben, channel, words)
        assert not {"Cancel subscription", "Reactivate"} & set(buttons_of(shown))
    _nobody_else_saw_a_link(house, till)


def _nobody_else_saw_a_link(house: Office, till: Till) -> None:
    """Check that addresses of Stripe's are in private messages to ann alone, and nothing speaks the core's words."""
    for one in house.slack.world.messages:
        if till.stripe.url in str(one.blocks) + one.text:
            assert one.seen_by == house.slack.ann.id
        if one.by and (one.seen_by or "credits" in one.visible_text):
            assert jargon_in(one.visible_text) == []
