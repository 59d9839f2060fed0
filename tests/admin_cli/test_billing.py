"""`atelier billing`, with a local Stripe on a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from bots.settings import Settings
from bots.shop import make_shop
from core.billing.buyers import Buyer
from core.clock import SystemClock
from core.credits.service import Ledger
from core.credits.tiers import load_price_list
from core.workspaces.model import Workspace
from storage.database import Database
from tests.admin_cli.conftest import Run
from tests.fakes.stripe.local import LocalStripe

pytestmark = pytest.mark.loopback
W = "slack:T1"
PRICES = load_price_list()


@pytest.fixture
def stripe(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStripe]:
    """A Stripe, and an installation that sells with it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    local = LocalStripe()
    asyncio.run_coroutine_threadsafe(local.start(), loop).result()
    plans = {
        key: local.add_price(key, PRICES.tier(key).price_cents_month, interval="month") for key in ("starter", "pro")
    }
    monkeypatch.setenv("STRIPE_API_URL", local.url)
    monkeypatch.setenv("STRIPE_SECRET_KEY", local.test_key)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_local")
    monkeypatch.setenv("STRIPE_STARTER_PRICE_ID", plans["starter"]["id"])
    monkeypatch.setenv("STRIPE_PRO_PRICE_ID", plans["pro"]["id"])
    monkeypatch.setenv("STRIPE_CREDIT_PRICE_ID", local.add_price("pack", PRICES.packs[0].price_cents)["id"])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody")
    yield local
    asyncio.run_coroutine_threadsafe(local.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def pay(stripe: LocalStripe, run: Run) -> None:
    """Let a workspace buy a pack of which nobody is told."""
    run("db", "upgrade")

    async def buy() -> str:
        settings = Settings()
        async with aclosing(Database.from_url(settings.database_url.get_secret_value())) as database:
            clock = SystemClock()
            await database.write(lambda tx: tx.workspaces.save(Workspace(W, "slack", "A team", clock.now())))
            shop = make_shop(
                settings,
                store=database,
                ledger=Ledger(clock),
                prices=PRICES,
                clock=clock,
                wake=lambda: asyncio.sleep(0),
            )
            assert shop is not None
            async with aclosing(shop):
                return (await shop.service.buy(Buyer(W, f"{W}/U1", is_admin=True))).url

    stripe.pay(asyncio.run(buy()))


def test_a_lost_payment_is_seen_and_repaired(stripe: LocalStripe, run: Run) -> None:
    """Check exits 1 and says what differs; repair takes it; then check is content, and so is the ledger."""
    pay(stripe, run)
    found = run("billing", "check", "--json", code=1).json["differences"]
    assert [(row["workspace"], row["law"]) for row in found] == [(W, "pack")]
    assert "differences" in run("billing", "check", code=1).err
    repaired = run("billing", "repair", "--json").json
    assert (repaired["left"], repaired["repaired"]) == ([], [])
    assert repaired["lost_events"] > 0
    after = run("billing", "check", "--json").json
    assert (after["differences"], after["setup"]) == ([], [])
    last = after["last_reconciliation"]
    assert (last["lost_events"], last["repaired"], last["remaining"]) == (repaired["lost_events"], [], [])
    assert "The last reconciliation" in run("billing", "check").out
    assert "same story" in run("billing", "check", "--workspace", W).out
    assert run("credits", "check", "--json").json["differences"] == []
    assert {row["state"] for row in run("billing", "events", "--json").json} <= {"done", "ignored"}
    assert "credits_bought" in run("billing", "notices").out


def test_one_workspace_is_synced(stripe: LocalStripe, run: Run) -> None:
    """Sync grants what was paid, once."""
    pay(stripe, run)
    first = run("billing", "sync", W, "--json").json
    assert (first["granted"], first["balance_credits"]) == (1, PRICES.packs[0].credits)
    assert run("billing", "sync", W).out.startswith("0 payments")
    assert "There is no workspace" in run("billing", "sync", "slack:T9", code=2).err


def test_the_set_up_is_checked(stripe: LocalStripe, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right prices pass; a price that is another is named."""
    found = run("billing", "setup", "--json").json
    assert (found["problems"], found["livemode"]) == ([], False)
    assert "invoice.paid" in found["events"]
    monkeypatch.setenv("STRIPE_PRO_PRICE_ID", "price_gone")
    assert "price_gone" in run("billing", "setup", code=1).out


def test_unknown_events_and_states_are_said(stripe: LocalStripe, run: Run) -> None:
    """One sentence each."""
    assert "There is no event" in run("billing", "retry", "evt_x", code=2).err
    assert "There is no state" in run("billing", "events", "--state", "happy", code=2).err


def test_where_nothing_is_sold_there_is_nothing_to_compare(run: Run) -> None:
    """Without STRIPE_SECRET_KEY every command says so."""
    for arguments in (("check",), ("repair",), ("sync", W), ("events",), ("setup",)):
        assert "STRIPE_SECRET_KEY is not set" in run("billing", *arguments, code=2).err
