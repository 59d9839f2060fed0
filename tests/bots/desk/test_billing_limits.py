"""Each limit of a plan: what is in the way, which plan lifts it, and the button, for who may buy and for who may not."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from bots.commands import COMMANDS
from bots.desk.billing import billing_part
from bots.desk.requests import Attachment
from bots.parsing import Value
from bots.views.elements import Table
from core.billing.overview import BillingReader
from core.sessions.model import Status
from storage.database import Database
from tests.bots.desk.room import CHANNEL, REPORT, Room
from tests.bots.desk.shop import BOSS, Shop, open_desk_shop
from tests.fakes.clock import FakeClock
from tests.fakes.door import admin

LONG = Attachment("F9", "long.md", size_bytes=100_000)
BUYING = re.compile(r"\b(credits?|tiers?|plans?|upgrade\w*|buy\w*|bought|subscri\w+|balance)\b", re.IGNORECASE)


@pytest.fixture
async def shop(memory_store: Database) -> AsyncIterator[Shop]:
    """A desk that sells, an admin called boss, and a workspace of the free plan with credits enough."""
    async with open_desk_shop(memory_store) as found:
        await found.room.command("help", BOSS)
        await found.set_balance(100_000)
        found.door.files["F9"] = b"word " * 15_001
        yield found


async def _nothing(shop: Shop, who: str) -> None:
    """Nothing happened before."""


async def _one_runs(shop: Shop, who: str) -> None:
    session = await shop.draft(who)
    await shop.room.harness.service.start(session.id, actor=session.member_id)


async def _ten_were_started(shop: Shop, who: str) -> None:
    for _ in range(10):
        session = await shop.draft(who)
        await shop.room.harness.service.start(session.id, actor=session.member_id)
        await shop.room.harness.service.stop(session.id, actor=session.member_id)


@dataclass(frozen=True)
class Wall:
    """A limit of the free plan, and how somebody runs into it."""

    typed: str
    said: str
    file: Attachment = REPORT
    before: Callable[[Shop, str], Awaitable[None]] = _nothing
    name: str = "Starter"

    @property
    def plan(self) -> str:
        return self.name.lower()


WALLS = {
    "agents": Wall("--editors 4", "Asked for editors: 4; your plan has 3."),
    "many agents": Wall("--editors 7", "Asked for editors: 7; your plan has 3.", name="Pro"),
    "rounds": Wall("--rounds 4", "Asked for rounds: 4; your plan has 3."),
    "models": Wall("--model claude-opus-5-5", "Asked for models: claude-opus-5-5; your plan has light, standard."),
    "words": Wall("", "Asked for words in a document: 15,001; your plan has 15,000.", file=LONG),
    "sessions at a time": Wall("", "Asked for sessions at a time: 2; your plan has 1.", before=_one_runs),
    "sessions a month": Wall("", "Asked for sessions a month: 11; your plan has 10.", before=_ten_were_started),
}


@pytest.mark.parametrize("name", WALLS)
@pytest.mark.parametrize("who", [BOSS, "ann"])
async def test_each_limit_names_the_plan_that_lifts_it(shop: Shop, who: str, name: str) -> None:
    """The limit, what was asked, the cheapest plan that allows it, and one press to it or to those who may press it."""
    wall = WALLS[name]
    await wall.before(shop, who)
    await shop.room.mention(f"tighten this {wall.typed}", who, files=(wall.file,))
    assert wall.said in shop.last.text
    assert f"The {wall.name} plan includes it." in shop.last.text
    way = next(item for item in shop.last.buttons if item.action in {"billing-upgrade", "ask-admin"})
    assert way.label == (f"Change to {wall.name}" if who == BOSS else "Ask an admin")
    assert way.argument == (wall.plan if who == BOSS else f"tier:{wall.plan}")
    await shop.room.press(way, who)
    if who == BOSS:
        assert f"{wall.name} for $" in shop.last.text
    else:
        assert "Boss has your message now" in shop.last.text
        (heard,) = shop.told
        assert f"Ann asks for the {wall.name} plan" in heard.text
        assert heard.button("billing-upgrade").argument == wall.plan


@pytest.mark.parametrize(
    ("typed", "way_out"),
    [
        ("--editors 12 --rounds 20", "No plan has so many; run one more round after the end."),
        ("--rounds 11", "No plan"),
    ],
)
async def test_what_no_plan_has_leads_elsewhere(shop: Shop, typed: str, way_out: str) -> None:
    """Nobody is sold a plan that would not help."""
    await shop.room.store.write(lambda tx: tx.workspaces.set_tier("fake:w1", "pro"))
    await shop.room.mention(f"tighten this {typed}", BOSS, files=(REPORT,))
    assert way_out in shop.last.text
    assert not [item for item in shop.last.buttons if item.action in {"billing-upgrade", "ask-admin"}]


SAYING: dict[str, dict[str, Value]] = {
    "new": {"brief": "A note", "cap": 5},
    "estimate": {"brief": "A note"},
    "steer": {"text": "Shorter"},
    "continue": {"text": "Shorter"},
    "rename": {"title": "Launch"},
    "settings": {"my-no-ask": 1},
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
async def test_where_nothing_is_sold_no_command_speaks_of_it(memory_store: Database, command: object) -> None:
    """Whatever is typed, by a member or an admin, with a session that is over: no credits, no plan, nothing to buy."""
    name = command.name  # type: ignore[attr-defined]
    room = Room(memory_store, FakeClock(auto=True), checks_balance=False)
    room.door.standings[BOSS] = admin()
    await room.found(grant=0, member_cap_microcredits=10**9, monthly_cap_microcredits=10**10)
    await room.store.write(lambda tx: tx.workspaces.set_tier("fake:w1", "unlimited"))
    harness = room.harness
    reader = BillingReader(store=memory_store, prices=harness.prices, ledger=harness.ledger, clock=room.clock)
    room.desk = room.make_desk(more=(billing_part(reader),))
    await room.ended()
    for who in ("ann", BOSS):
        await room.command(name, who, values=dict(SAYING.get(name, {})))
        await room.mention(f"help {name}", who)
        await room.command("help", who, values={"command": name})
    said = [whisper.text for whisper in (*room.door.whispers, *room.door.told)]
    said += [button.label for whisper in room.door.whispers for button in whisper.buttons]
    assert [text for text in said if BUYING.search(text)] == []


async def test_a_limit_of_money_is_told_in_dollars_where_nothing_is_sold(memory_store: Database) -> None:
    """The budget that an operator set is the one gate there is."""
    room = Room(memory_store, FakeClock(auto=True), checks_balance=False)
    await room.found(grant=0, member_cap_microcredits=1_000_000)
    await room.mention("tighten this", files=(REPORT,))
    assert "Your limit is $0.01 a month; $0.00 of it is used or set aside" in room.last.text
    assert (await room.only()).status is Status.DRAFT


async def test_models_are_shown_with_their_multiplier(shop: Shop) -> None:
    """Each with what the same work costs, as a multiple of the model that works unless somebody chooses."""
    await shop.room.store.write(lambda tx: tx.workspaces.set_tier("fake:w1", "pro"))
    registry = shop.room.harness._casting._registry
    specs = {spec.id: spec for spec in registry.catalogue.list()}
    tariff, now = shop.room.harness.tariff, shop.room.clock.now()
    opus, haiku, base = specs["claude-opus-5-5"], specs["claude-haiku-5-5"], specs["claude-sonnet-5-5"]
    dear, cheap, same = (tariff.compare(spec, base, at=now) for spec in (opus, haiku, base))
    assert dear is not None
    assert cheap is not None
    assert cheap < 1 < dear
    assert same == 1
    await shop.room.command("models", "ann", channel=CHANNEL)
    (table,) = (item for item in shop.last.view.elements if isinstance(item, Table))
    assert table.headers[-1] == "Price"
    assert [row[-1] for row in table.rows] == ["1 x"]
