"""Discord, as people live it where credits are sold: running out, asking, buying, and a plan that is taken and left."""

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from core.sessions.model import ParkReason, Status
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel, Message, User
from tests.scenarios.discord_office import Office, labels_of, local_discord, office, settings_of
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
    open_page,
    take_away,
    tier_of,
    web_server,
)
from tests.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.loopback]
NOTES = b"Our lights run for forty hours. Dealers get them from May on.\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(
    models: Vendor, _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Office, Till, str]]:
    """The program with a vendor, a shop and its web server, in the server north, which ann manages."""
    path = tmp_path_factory.mktemp("office") / "atelier.db"
    path.write_bytes(_sqlite_template.read_bytes())
    async with local_discord() as discord, local_till(discord.world.clock) as till:
        more = {**models.settings, **till.settings}
        given = settings_of(f"sqlite+aiosqlite:///{path}", discord, **more)
        async with office(discord, given) as house, web_server(house.parts) as url:
            listen(till, url)
            await house.set_up()
            yield house, till, url


async def _answer(house: Office, user: User, where: Message, label: str) -> Message:
    """Press a button and return what *user* alone sees then: a new message, or the pressed one in its new state."""
    known = {one.id for one in house.discord.ephemeral(user)}
    await house.discord.press_label(user, where, label)
    await house.settled()
    fresh = [one for one in house.discord.ephemeral(user) if one.id not in known]
    return fresh[-1] if fresh else where


async def _ask(house: Office, user: User, channel: Channel, verb: str) -> Message:
    """Type a command and return the private answer."""
    await house.discord.slash(user, channel, f"atelier {verb}")
    await house.settled()
    return house.discord.ephemeral(user, channel)[-1]


async def _waiting(house: Office, vendor: Vendor, channel: Channel, starter: User) -> Message:
    """Let a session of *starter* run out of credits; return what its thread says."""
    vendor.hold("Revise the document")
    await house.discord.slash(starter, channel, "atelier new", brief="tighten", file=("notes.md", NOTES), rounds=2)
    await vendor.asked("Revise the document")
    await take_away(house.parts, await house.running(channel))
    vendor.release()

    async def parked() -> bool:
        session = (await house.sessions_in(channel))[-1]
        return session.status is Status.WAITING and session.park_reason is ParkReason.BALANCE

    await until(parked)

    def found() -> list[Message]:
        return [one for one in house.posts(channel) if "Add credits" in labels_of(one)]

    return (await house.discord.until(found))[-1]


async def test_a_session_that_ran_out_goes_on_when_a_manager_paid(
    shop: tuple[Office, Till, str], vendor: Vendor
) -> None:
    """The starter asks, the manager hears of it once, buys and pays; the session goes on by itself, and both know."""
    house, till, url = shop
    discord = house.discord
    channel = house.room("out")
    waits = await _waiting(house, vendor, channel, discord.ben)
    assert "The balance is 0 credits ($0.00)" in shown_text(waits)
    refused = await _answer(house, discord.ben, waits, "Add credits")
    assert "You may not buy here" in shown_text(refused)
    asked = await _answer(house, discord.ben, refused, "Ask an admin")
    assert "Ann has your message now" in shown_text(asked)
    heard = await house.told(discord.ann, "Credits are asked for")
    assert "more for notes.md" in shown_text(heard)

    session = (await house.sessions_in(channel))[-1]
    workspace = session.workspace_id
    offered = await _answer(house, discord.ann, heard, "Buy credits")
    back = await till.pay(till.address_in(offered.components))
    assert (await house.sessions_in(channel))[-1].status is Status.WAITING
    start = await balance(house.parts, workspace) + await charged(house.parts, session)
    await till.deliver(house.parts)
    assert (await house.ended(channel)).id == session.id
    bought = shown_text(await house.told(discord.ann, "The payment is through"))
    assert "1,000 credits ($10.00) for $10.00 are here" in bought
    assert "notes.md goes on by itself" in bought
    assert "Thank you" in await open_page(url, back)  # and grants nothing again
    assert labels_of(waits) == [], "it went on: there is nothing left to press"
    assert await balance(house.parts, workspace) == start + PACK - await charged(house.parts, session)
    assert sum("asked for" in shown_text(one) for one in discord.direct_messages(discord.ann)) == 1
    _nobody_else_saw_a_link(house, till)


async def test_a_plan_is_taken_changed_cancelled_and_kept_and_every_page_of_the_book(
    shop: tuple[Office, Till, str], vendor: Vendor
) -> None:
    """From the word billing to a plan and back, through Stripe each time; then the history, whose file adds up."""
    house, till, url = shop
    discord = house.discord
    channel = house.room("plan")
    await discord.slash(discord.ann, channel, "atelier new", brief="tighten", file=("notes.md", NOTES), rounds=2)
    await house.ended(channel)  # an entry for each reply
    card = await _ask(house, discord.ann, channel, "billing overview")
    workspace = f"discord:{discord.north.id}"
    before = await balance(house.parts, workspace)
    assert {"Buy credits", "Change tier", "Refresh"} <= set(labels_of(card))
    offered = await _answer(house, discord.ann, card, "Buy credits")
    await open_page(url, await till.pay(till.address_in(offered.components)))  # faster than the webhook
    plans = await _ask(house, discord.ann, channel, "billing plans")
    offered = await _answer(house, discord.ann, plans, "Change to Starter")
    await till.pay(till.address_in(offered.components))
    await till.deliver(house.parts)
    assert await tier_of(house.parts, workspace) == "starter"
    assert await balance(house.parts, workspace) == before + PACK + PRICES.tier("starter").credits_month
    assert "Starter is yours" in shown_text(await house.told(discord.ann, "Your plan has begun"))
    change = await _answer(
        house, discord.ann, await _ask(house, discord.ann, channel, "billing plans"), "Change to Pro"
    )
    till.confirm(till.address_in(change.components))
    await till.deliver(house.parts)
    assert await tier_of(house.parts, workspace) == "pro"

    card = await _ask(house, discord.ann, channel, "billing overview")
    sure = await _answer(house, discord.ann, card, "Cancel subscription")
    ending = await _answer(house, discord.ann, sure, "Cancel subscription")
    assert "Pro is cancelled" in shown_text(ending)
    kept = await _answer(house, discord.ann, ending, "Reactivate")
    assert "Pro goes on" in shown_text(kept)
    await till.deliver(house.parts)
    card = await _ask(house, discord.ann, channel, "billing overview")
    assert "Pro, $79.00 a month, renews on" in shown_text(card)

    page = await _ask(house, discord.ann, channel, "billing history")
    texts = [shown_text(page)]
    while "Show older" in labels_of(page):
        page = await _answer(house, discord.ann, page, "Show older")
        texts.append(shown_text(page))
    assert len(texts) > 1
    given = await _answer(house, discord.ann, page, "Get all as CSV")
    (file,) = given.attachments
    rows = list(csv.DictReader(io.StringIO((file.content or b"").decode())))
    assert sum(Decimal(row["credits"]) for row in rows) == await balance(house.parts, workspace)
    assert len(rows) == sum(entries_in(text) for text in texts)
    for verb in ("billing cancel", "billing reactivate", "billing portal"):
        shown = await _ask(house, discord.ben, channel, verb)
        assert "You may not buy here" in shown_text(shown)
    _nobody_else_saw_a_link(house, till)


def _nobody_else_saw_a_link(house: Office, till: Till) -> None:
    """Check that addresses of Stripe's are in answers to ann alone."""
    for one in house.discord.world.messages.values():
        if till.stripe.url in str(one.components) + one.content:
            assert one.seen_by == house.discord.ann.id
