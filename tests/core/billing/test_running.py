"""Money that changes while a session really runs: the rehearsal model in a real engine, beside a shop and a local Stripe.

A round is caught with its turns in flight; then Stripe says something else; then the round goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from core.billing.buyers import Buyer
from core.billing.errors import PurchasesFrozen
from core.clock import SystemClock
from core.credits.errors import InsufficientCredits, NotEntitled
from core.money import MICROCREDITS_PER_CREDIT
from core.orchestration import runtime
from core.orchestration.engine import DbosEngine, EngineConfig
from core.orchestration.ports import Snapshot
from core.providers.base import Listener, Reply, Request
from core.providers.rehearsal_model import RehearsalModel
from core.sessions.model import ParkReason, Session, Status
from storage.database import Database
from storage.durable import sqlite_engine
from tests.core.billing.till import FREE, PACK, PRO, STARTER, Till, open_till
from tests.core.orchestration.harness import MEMBER, WORKSPACE, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.stripe.model import Card
from tests.waiting import until

pytestmark = pytest.mark.loopback
ANN = Buyer(WORKSPACE, MEMBER, is_admin=True)
MANY_EDITORS = 6  # more than Starter has, and fewer than Pro
ROUNDS = 2


@dataclass
class Rehearsal:
    """The rehearsal model behind a gate: what waits there is a turn in flight."""

    inner: RehearsalModel = field(default_factory=lambda: RehearsalModel(clock=SystemClock()))
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return await self.inner.complete(request, listener)


class Floor(Harness):
    """A room, an engine that runs its sessions, and the shop that it pays in."""

    till: Till
    rehearsal: Rehearsal

    async def caught(self, *, editors: int = 3) -> Session:
        """Return a session that runs, with the editors of its first round in flight."""
        self.rehearsal.gate.clear()
        session = await self.begin(editors=editors, rounds=ROUNDS)
        await until(lambda: _true(self.rehearsal.waiting == editors))
        return session

    async def release(self, session: Session, *statuses: Status) -> Snapshot:
        """Let the turns go on until the session is there."""
        self.rehearsal.gate.set()
        await until(lambda: self.is_in(session.id, *(statuses or (Status.COMPLETED,))))
        return await self.snapshot(session.id)

    async def is_in(self, session_id: str, *statuses: Status) -> bool:
        return (await self.service.get(session_id)).status in statuses

    async def subscribe(self, tier: str) -> str:
        """Take a plan and return the subscription's id."""
        await self.till.pay((await self.till.shop.service.upgrade(ANN, tier)).url)
        return str(self.till.stripe.all("subscription")[-1]["id"])

    async def buy_pack(self) -> str:
        await self.till.pay((await self.till.shop.service.buy(ANN)).url)
        return str(self.till.stripe.all("checkout.session")[-1]["id"])

    async def switch(self, subscription: str, tier: str) -> None:
        """Change the plan at once, as an operator can in the dashboard."""
        item = self.till.stripe.world.of(subscription)["items"]["data"][0]["id"]
        price = self.till.shop.catalogue.get(tier).price_id
        await self.till.shop.gateway._client.v1.subscriptions.update_async(
            subscription, {"items": [{"id": item, "price": price}], "proration_behavior": "always_invoice"}
        )
        await self.till.deliver()

    async def granted(self) -> float:
        """Return the credits of all lots that there are."""
        lots = await self.store.read(lambda tx: tx.credits.list_lots(WORKSPACE, only_remaining=False))
        return sum(lot.amount_microcredits for lot in lots) / MICROCREDITS_PER_CREDIT

    async def check_books(self, granted: float, *spent: Snapshot) -> None:
        """Check that the balance is what was granted less what turns were charged, and that nothing is set aside."""
        balance = await self.till.balance(WORKSPACE)
        charged = sum(shot.spent_microcredits for shot in spent)
        assert charged == sum(turn.charged_microcredits for shot in spent for turn in shot.turns)
        assert all(len({turn.id for turn in shot.turns}) == len(shot.turns) for shot in spent)
        assert balance.posted_microcredits == round(granted * MICROCREDITS_PER_CREDIT) - charged
        assert balance.reserved_microcredits == 0
        assert await self.differences() == ()


async def _true(value: bool) -> bool:
    return value


@pytest.fixture
async def floor(store: Database, database_url: str) -> AsyncIterator[Floor]:
    """A floor on each database, of a workspace that has no credits yet."""
    clock, rehearsal = FakeClock(), Rehearsal()
    floor = Floor(store, clock, rehearsal)
    await floor.found(tier="free", grant_microcredits=0)
    runtime.set_runner(floor.runner)
    url = database_url.replace("+asyncpg", "+psycopg").replace("+aiosqlite", "").replace("atelier.db", "engine.db")
    database = sqlite_engine(url)
    engine = DbosEngine(EngineConfig(url, "test-0", sqlite_engine=database, polling_seconds=0.02))
    await engine.start()
    floor.use(engine)

    async def wake() -> None:
        await floor.service.sweep()

    async with open_till(store, clock, then=wake) as till:
        floor.till, floor.rehearsal = till, rehearsal
        yield floor
        rehearsal.gate.set()
        await engine.aclose(finish_seconds=5)
    runtime.set_runner(None)
    if database is not None:
        database.dispose()


async def test_a_plan_that_goes_down_while_a_round_runs_keeps_what_was_agreed(floor: Floor) -> None:
    """The session keeps its editors, its rounds and its cap to its end; the next one meets the new plan."""
    subscription = await floor.subscribe("pro")
    agreed = await floor.caught(editors=MANY_EDITORS)
    await floor.switch(subscription, "starter")
    assert await floor.till.tier(WORKSPACE) == "starter"
    shot = await floor.release(agreed)
    assert (shot.session.cap_microcredits, shot.session.cast) == (agreed.cap_microcredits, agreed.cast)
    for number in {turn.round for turn in shot.turns}:
        assert len({turn.role_key for turn in shot.turns if turn.round == number}) >= MANY_EDITORS + 1
    assert 0 < shot.spent_microcredits <= agreed.cap_microcredits
    assert await floor.granted() == PRO, "what was paid for stays, and the way down grants nothing"
    await floor.check_books(PRO, shot)
    with pytest.raises(NotEntitled) as error:
        await floor.begin(editors=MANY_EDITORS)
    assert (error.value.limit, error.value.lifted_by) == ("editors", "pro")
    await floor.release(await floor.caught(editors=5))


async def test_a_session_that_was_paused_meets_the_new_plan_when_it_resumes(floor: Floor) -> None:
    """Going on is an admission too: it names the plan that lifts it, and goes on once that is there."""
    subscription = await floor.subscribe("pro")
    session = await floor.caught(editors=MANY_EDITORS)
    await floor.service.pause(session.id, actor=MEMBER)
    await floor.switch(subscription, "starter")
    await floor.release(session, Status.PAUSED)
    with pytest.raises(NotEntitled):
        await floor.service.resume(session.id, actor=MEMBER)
    await floor.switch(subscription, "pro")
    await floor.service.resume(session.id, actor=MEMBER)
    await floor.release(session)


async def test_a_plan_that_goes_up_while_a_round_runs_grants_its_part_once(floor: Floor) -> None:
    """The running session keeps its own cap; the difference is there once, and the next session may have more."""
    await floor.subscribe("starter")
    with pytest.raises(NotEntitled):
        await floor.begin(editors=MANY_EDITORS)
    agreed = await floor.caught()
    link = await floor.till.shop.service.upgrade(ANN, "pro")
    floor.till.stripe.portal(link.url).change_plan(floor.till.shop.catalogue.get("pro").price_id)
    floor.till.stripe.webhooks.duplicate(times=2)
    await floor.till.deliver()
    assert await floor.till.tier(WORKSPACE) == "pro"
    granted = await floor.granted()
    assert STARTER < granted <= PRO
    shot = await floor.release(agreed)
    assert shot.session.cap_microcredits == agreed.cap_microcredits
    await floor.check_books(granted, shot)
    again = await floor.release(await floor.caught(editors=MANY_EDITORS))
    await floor.check_books(granted, shot, again)


async def test_a_plan_that_ends_while_a_round_runs_lets_it_finish(floor: Floor) -> None:
    """Never paid again: the workspace is free, the round ends as agreed and is charged, and no month is granted."""
    await floor.buy_pack()
    await floor.subscribe("pro")
    agreed = await floor.caught(editors=MANY_EDITORS)
    await floor.till.shop.service.cancel(ANN)
    floor.till.stripe.advance(days=33)
    await floor.till.deliver()
    assert await floor.till.tier(WORKSPACE) == "free"
    shot = await floor.release(agreed)
    assert shot.spent_microcredits > 0
    assert await floor.granted() == PRO + PACK
    assert await floor.till.shop.monthly.welcome(WORKSPACE)
    assert await floor.granted() == PRO + PACK + FREE
    assert await floor.differences() == ()


async def test_a_month_that_begins_while_a_round_runs_is_granted_once(floor: Floor) -> None:
    """A renewal in the middle of a turn: one more month, and every turn is charged once, whichever month pays it."""
    await floor.subscribe("starter")
    session = await floor.caught()
    floor.till.stripe.advance(days=31.2)
    floor.till.stripe.webhooks.duplicate()
    await floor.till.deliver()
    assert await floor.granted() == 2 * STARTER
    shot = await floor.release(session)
    await floor.check_books(2 * STARTER, shot)


async def test_a_renewal_that_fails_while_a_round_runs_stops_nothing(floor: Floor) -> None:
    """Late is not gone: the session runs to its end on what is there."""
    await floor.subscribe("starter")
    session = await floor.caught()
    floor.till.stripe.set_card(floor.till.stripe.all("customer")[0]["id"], Card.DECLINED)
    floor.till.stripe.advance(days=31.2)
    await floor.till.deliver()
    shot = await floor.release(session)
    assert await floor.till.tier(WORKSPACE) == "starter"
    await floor.check_books(STARTER, shot)


async def test_a_refund_while_a_round_runs_is_taken_and_the_session_waits(floor: Floor) -> None:
    """Turns in flight are charged once, into debt; then the session waits, and a new purchase lets it go on by itself."""
    page = await floor.buy_pack()
    session = await floor.caught()
    floor.till.stripe.refund(page)
    await floor.till.deliver()
    assert (await floor.till.balance(WORKSPACE)).available_microcredits < 0
    waiting = await floor.release(session, Status.WAITING)
    assert waiting.session.park_reason is ParkReason.BALANCE
    await floor.check_books(0, waiting)
    assert (await floor.till.balance(WORKSPACE)).debt_microcredits == waiting.spent_microcredits > 0
    await floor.buy_pack()
    shot = await floor.release(session)
    await floor.check_books(PACK, shot)
    assert shot.spent_microcredits <= session.cap_microcredits


async def test_a_part_that_is_refunded_leaves_the_rest_to_work_with(floor: Floor) -> None:
    """Half the money goes back in the middle of a round: half the credits do, and the session ends as agreed."""
    page = await floor.buy_pack()
    session = await floor.caught()
    floor.till.stripe.refund(page, 500)
    floor.till.stripe.webhooks.duplicate()
    await floor.till.deliver()
    shot = await floor.release(session)
    await floor.check_books(PACK / 2, shot)


async def test_a_chargeback_after_spending_is_debt_until_it_is_bought_off(floor: Floor) -> None:
    """A session ran to its end on credits that the bank takes back: nothing starts, nothing is sold, then all goes on."""
    page = await floor.buy_pack()
    shot = await floor.release(await floor.caught())
    dispute = floor.till.stripe.dispute(page)
    await floor.till.deliver()
    await floor.check_books(0, shot)
    with pytest.raises(InsufficientCredits):
        await floor.begin()
    with pytest.raises(PurchasesFrozen):
        await floor.till.shop.service.buy(ANN)
    floor.till.stripe.close_dispute(dispute["id"], won=False)
    await floor.till.deliver()
    await floor.buy_pack()
    again = await floor.release(await floor.caught())
    await floor.check_books(PACK, shot, again)


async def test_a_chargeback_while_a_round_runs_that_is_won_is_as_if_nothing_had_been(floor: Floor) -> None:
    """Taken in the middle of a round and given back: the session waited, goes on by itself, and the books are whole."""
    page = await floor.buy_pack()
    session = await floor.caught()
    dispute = floor.till.stripe.dispute(page)
    await floor.till.deliver()
    await floor.release(session, Status.WAITING)
    floor.till.stripe.close_dispute(dispute["id"], won=True)
    await floor.till.deliver()
    shot = await floor.release(session)
    await floor.check_books(PACK, shot)
