"""Stripe's route, over a real socket: what is answered to what, and that nothing is granted by what is refused."""

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bots.http.stripe import DONE_PATH, stripe_routes
from core.billing.intake import WebhookIntake
from core.billing.model import EventState
from storage.database import Database
from tests.core.billing.till import ANN, PACK, Till, open_till
from tests.fakes.clock import FakeClock
from tests.fakes.stripe import forging
from tests.fakes.stripe.webhooks import Damage

pytestmark = pytest.mark.loopback


@pytest.fixture
async def till(memory_store: Database, clock: FakeClock) -> AsyncIterator[Till]:
    """A shop whose webhooks come over a socket."""
    async with open_till(memory_store, clock) as found:
        yield found


async def paid(till: Till) -> dict[str, Any]:
    """Let a pack be paid, and return its event without delivering it."""
    till.stripe.pay((await till.shop.service.buy(ANN)).url)
    till.stripe.webhooks.drop()
    return till.stripe.events("checkout.session.completed")[0]


async def test_a_webhook_is_stored_and_answered(till: Till) -> None:
    """200 for the first and for every repeat; one grant."""
    event = await paid(till)
    answers = [await till.stripe.webhooks.send(event) for _ in range(3)]
    await till.shop.intake.settle()
    assert [item.status for item in answers] == [200] * 3
    assert await till.credits() == PACK


@pytest.mark.parametrize("damage", list(Damage), ids=str)
async def test_what_was_tampered_with_is_refused(till: Till, damage: Damage) -> None:
    """Changed, unsigned, signed by somebody else, or no JSON: 400, nothing stored, nothing granted."""
    event = await paid(till)
    assert (await till.stripe.webhooks.send(event, damage=damage)).status == 400
    await till.shop.intake.settle()
    assert await till.credits() == 0
    assert await till.read(lambda tx: tx.billing.list_events()) == []


@pytest.mark.parametrize("seconds", [-400, 400, 10**8], ids=["old", "ahead", "far ahead"])
async def test_a_signature_of_another_time_is_refused(till: Till, seconds: int) -> None:
    """Replays and clocks that run wrong are not believed."""
    event = await paid(till)
    moment = int(till.clock.now().timestamp()) + seconds
    assert (await till.stripe.webhooks.send(event, timestamp=moment)).status == 400
    assert await till.credits() == 0


@pytest.mark.parametrize("path", [("id",), ("type",), ("data",), ("created",)], ids=str)
async def test_an_event_without_the_least_is_malformed(till: Till, path: tuple[str, ...]) -> None:
    """Signed, but without id, type, time or object: 400."""
    event = await paid(till)
    assert (await till.stripe.webhooks.send(forging.without(event, *path))).status == 400


@pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"null", b"{}"], ids=str)
async def test_json_that_is_no_event_is_malformed(till: Till, body: bytes) -> None:
    """What the SDK trips over is answered like anything else."""
    assert (await till.stripe.webhooks.post(body)).status == 400


async def test_a_thin_event_is_malformed(till: Till) -> None:
    """Events of API v2 are not asked for, and not understood."""
    assert (await till.stripe.webhooks.send(forging.thin(await paid(till)))).status == 400


async def test_unknown_kinds_are_stored_and_answered(till: Till) -> None:
    """A kind that nothing follows from, and an object without an id, are no reason to send them again."""
    event = await paid(till)
    odd = forging.again_as(forging.without(event, "data", "object", "id"), "evt_2")
    for one in (forging.of_type(event, "account.updated"), odd):
        assert (await till.stripe.webhooks.send(one)).status == 200
    await till.shop.intake.settle()
    stored = await till.read(lambda tx: tx.billing.list_events())
    assert {item.state for item in stored} == {EventState.IGNORED}
    assert await till.credits() == 0


async def test_an_endpoint_of_an_old_version_works(till: Till) -> None:
    """Old shapes are read as far as they are read at all: the object is fetched in our version."""
    till.stripe.webhooks.version = "2024-06-20"
    await till.subscribe()
    await till.pass_days(33)
    assert await till.tier() == "starter"
    assert len((await till.balance()).lots) == 1


async def test_a_secret_can_be_rotated(till: Till) -> None:
    """Signed with both, or with either that we know."""
    till.stripe.webhooks.secrets = ["whsec_new", "whsec_local"]
    await till.buy_pack()
    till.stripe.webhooks.secrets = ["whsec_old"]
    await till.buy_pack()
    assert await till.credits() == 2 * PACK


async def test_without_a_secret_there_is_no_route(till: Till) -> None:
    """An empty secret means that nothing can be believed: 404, as if there were no such address."""
    intake = WebhookIntake(
        store=till.store, fulfilment=till.shop.fulfilment, clock=till.clock, secrets=["", " "], api_version=""
    )
    assert not intake.is_open
    assert await _status(intake, till) == 404


async def test_a_database_that_is_away_makes_stripe_send_it_again(till: Till) -> None:
    """What could not be stored is answered with 500, and taken when it comes again."""
    event = await paid(till)
    assert isinstance(till.store, Database)
    await till.store.aclose()
    assert (await till.stripe.webhooks.send(event)).status == 500


async def _status(intake: WebhookIntake, till: Till) -> int:
    app = web.Application()
    app.router.add_routes(stripe_routes(intake, till.shop.service))
    async with TestClient(TestServer(app)) as client:
        return (await client.post("/stripe/webhook", data=b"{}")).status


class TestDone:
    async def test_coming_back_takes_what_was_paid(self, till: Till) -> None:
        """Without any webhook the balance is there when the page is."""
        target = till.stripe.pay((await till.shop.service.buy(ANN)).url)
        till.stripe.webhooks.drop()
        status, text = await self.get(till, target.partition(DONE_PATH)[2])
        assert (status, "Thank you" in text) == (200, True)
        assert await till.credits() == PACK

    @pytest.mark.parametrize(
        "query",
        ["", "?checkout=", "?checkout=cs_test_guessed", "?checkout=../x", "?checkout=<script>", "?cancelled=1"],
        ids=range(6),
    )
    async def test_a_guess_gains_nothing(self, till: Till, query: str) -> None:
        """Any address shows a page, asks Stripe for nothing, and repeats nothing of what it was given."""
        await till.shop.service.buy(ANN)
        calls = len(till.stripe.api.calls)
        status, text = await self.get(till, query)
        assert status == 200
        assert len(till.stripe.api.calls) == calls
        assert "script" not in text
        assert not re.search(r"cs_test", text)

    async def test_the_page_keeps_to_itself(self, till: Till) -> None:
        """Nothing is loaded, cached, framed or referred to."""
        async with aiohttp.ClientSession() as session, session.get(till.base + DONE_PATH) as response:
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]

    async def get(self, till: Till, query: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(till.base + DONE_PATH + query) as response:
            return response.status, await response.text()
