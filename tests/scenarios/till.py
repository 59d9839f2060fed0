"""A Stripe beside the whole program: its pages in a browser, its signed webhooks on the program's own route."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import aiohttp

from bots.bootstrap import Parts
from bots.http.app import HttpServer, make_app
from bots.http.health import Health
from bots.http.stripe import WEBHOOK_PATH
from bots.roles import routes_of
from core.billing.ports import BillingTransaction
from core.billing.shop import Shop
from core.clock import Clock
from core.credits.tiers import load_price_list
from core.money import microcredits_to_credits
from core.sessions.model import Session
from tests.fakes.stripe.local import LocalStripe
from tests.fakes.stripe.model import Card

PRICES = load_price_list()
PACK = PRICES.packs[0].credits
_SECRET = "whsec_local"
_SEE_OTHER = 303


@dataclass
class Till:
    """What a test does in a browser and at Stripe.

    Attributes:
        settings: What makes a program sell here.
    """

    stripe: LocalStripe
    settings: dict[str, str]

    def address_in(self, shown: object) -> str:
        """Return the one address of Stripe's in what somebody was shown: blocks, components or text."""
        found = set(re.findall(rf"{re.escape(self.stripe.url)}/[\w/.-]+", str(shown)))
        assert len(found) == 1, found
        return str(found.pop())

    async def pay(self, address: str, card: Card = Card.OK) -> str:
        """Open a page to pay on, press Pay, and return where the browser is sent then, as a path of ours."""
        async with aiohttp.ClientSession() as browser:
            async with browser.get(address) as page:
                assert page.status == 200, await page.text()
            async with browser.post(address, data={"card": card.value}, allow_redirects=False) as answer:
                assert answer.status == _SEE_OTHER, await answer.text()
                back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def confirm(self, address: str) -> None:
        """Confirm on a page of the portal what it was opened for."""
        self.stripe.portal(address).confirm()

    async def deliver(self, parts: Parts) -> None:
        """Send every webhook that Stripe has for the program, and return once what follows from them is done."""
        shop = shop_of(parts)
        tried = await self.stripe.deliver()
        assert [one.status for one in tried if not one.is_taken] == []
        await shop.intake.settle()


def shop_of(parts: Parts) -> Shop:
    """Return the program's shop."""
    assert parts.shop is not None
    return parts.shop


async def balance(parts: Parts, workspace_id: str) -> Decimal:
    """Return what a workspace can spend, in credits, after the ledger was added up again."""

    def work(tx: BillingTransaction) -> Decimal:
        assert parts.ledger.check(tx.credits, workspace_id) == ()
        return microcredits_to_credits(parts.ledger.balance(tx.credits, workspace_id).available_microcredits)

    return await parts.database.read(work)


async def charged(parts: Parts, session: Session) -> Decimal:
    """Return what a session was charged, in credits."""
    turns = await parts.database.read(lambda tx: list(tx.sessions.list_turns(session.id)))
    return microcredits_to_credits(sum(turn.charged_microcredits for turn in turns))


async def tier_of(parts: Parts, workspace_id: str) -> str:
    """Return the plan of a workspace."""
    workspace = await parts.database.read(lambda tx: tx.workspaces.find(workspace_id))
    assert workspace is not None
    return workspace.tier


async def take_away(parts: Parts, session: Session) -> None:
    """Take all credits of a session's workspace away, those that are set aside among them."""

    def work(tx: BillingTransaction) -> None:
        posted = parts.ledger.balance(tx.credits, session.workspace_id).posted_microcredits
        parts.ledger.adjust(
            tx.credits,
            workspace_id=session.workspace_id,
            amount_microcredits=-posted,
            key=f"taken:{session.id}",
            actor="test",
            reason="a gift was taken back",
        )

    await parts.database.write(work)


@asynccontextmanager
async def local_till(clock: Clock) -> AsyncIterator[Till]:
    """Open a Stripe that has our three prices, and lives in the same time as the program."""
    async with LocalStripe(clock) as stripe:
        cents = {tier.key: tier.price_cents_month for tier in PRICES.sold()}
        settings = {
            "stripe_secret_key": stripe.test_key,
            "stripe_webhook_secret": _SECRET,
            "stripe_api_url": stripe.url,
            "stripe_starter_price_id": stripe.add_price("Starter", cents["starter"], interval="month")["id"],
            "stripe_pro_price_id": stripe.add_price("Pro", cents["pro"], interval="month")["id"],
            "stripe_credit_price_id": stripe.add_price("1,000 credits", PRICES.packs[0].price_cents)["id"],
        }
        yield Till(stripe, settings)


@asynccontextmanager
async def web_server(parts: Parts) -> AsyncIterator[str]:
    """Open the program's web server for a platform that needs none, and return its address."""
    health = Health({}, last_inbound=_nothing, clock=parts.clock)
    server = HttpServer(make_app(health, parts.metrics, routes=routes_of(parts)), host="127.0.0.1", port=0)
    try:
        yield f"http://127.0.0.1:{await server.start()}"
    finally:
        await server.aclose()


def entries_in(text: str) -> int:
    """Return how many entries a page of the history shows: each begins with its moment."""
    return len(re.findall(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", text))


def listen(till: Till, url: str) -> None:
    """Let Stripe's webhooks go to the program at *url*."""
    till.stripe.webhooks.url = url + WEBHOOK_PATH


async def open_page(url: str, path: str) -> str:
    """Return the text of a page of the program's, as a browser shows it."""
    async with aiohttp.ClientSession() as browser, browser.get(url + path) as page:
        assert page.status == 200
        return await page.text()


async def _nothing() -> dict[str, datetime]:
    return {"stripe": datetime(2026, 1, 5, tzinfo=UTC)}
