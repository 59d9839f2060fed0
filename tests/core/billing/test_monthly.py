"""The calendar: free credits, once; notices, once."""

import asyncio
from datetime import UTC, datetime

import pytest

from core.billing.model import Audience, NoticeKind
from core.billing.monthly import Monthly
from core.billing.overview import next_month
from core.credits.model import LotKind
from core.money import MICROCREDITS_PER_CREDIT
from core.workspaces.model import Workspace
from storage.database import Database
from tests.core.billing.till import ANN, BEN, FREE, PACK, STARTER, Till, W, open_till
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.loopback


async def test_free_credits_come_once_a_month(till: Till) -> None:
    """However often the clock ticks; what was not used is gone a day after the month."""
    assert [await till.shop.monthly.grant_free() for _ in range(3)] == [1, 0, 0]
    assert await till.credits() == FREE
    await till.use(50)
    await till.pass_days(31)  # the first of February
    assert await till.shop.monthly.grant_free() == 1
    assert await till.credits() == 2 * FREE - 50
    await till.pass_days(1)
    assert await till.credits() == FREE


async def test_who_pays_or_left_gets_none(till: Till) -> None:
    """Only present workspaces of the free tier, and never the terminal's."""
    now = till.clock.now()

    for workspace in (
        Workspace("slack:T2", "slack", "", now, tier="starter"),
        Workspace("slack:T3", "slack", "", now, removed_at=now),
        Workspace("terminal:local", "terminal", "", now),
        Workspace("discord:4", "discord", "", now, tier="unlimited"),
    ):
        await till.store.write(lambda tx, one=workspace: tx.workspaces.save(one))  # type: ignore[misc]
    assert await till.shop.monthly.grant_free() == 1
    accounts = await till.read(lambda tx: tx.credits.list_accounts())
    assert [item.workspace_id for item in accounts] == [W]


async def test_a_new_workspace_does_not_wait_for_the_clock(till: Till) -> None:
    """Its first month is there with it, once."""
    assert [await till.shop.monthly.welcome(W) for _ in range(2)] == [True, False]
    assert not await till.shop.monthly.welcome("slack:T9")
    assert await till.shop.monthly.grant_free() == 0
    assert await till.credits() == FREE


async def test_many_workspaces_are_all_served(till: Till) -> None:
    """More than a page of them."""
    for number in range(120):
        await till.add_workspace(f"discord:{number}")
    assert await till.shop.monthly.grant_free() == 121
    assert await till.shop.monthly.grant_free() == 0


async def test_any_number_of_processes_grants_once(postgres_store: Database, clock: FakeClock) -> None:
    """Ten schedulers at once, on PostgreSQL."""
    async with open_till(postgres_store, clock) as till:
        for number in range(5):
            await till.add_workspace(f"discord:{number}")
        monthly = [
            Monthly(store=postgres_store, catalogue=till.shop.catalogue, ledger=till.ledger, clock=clock)
            for _ in range(10)
        ]
        granted = await asyncio.gather(*(item.grant_free() for item in monthly))
        assert sum(granted) == 6
        assert await till.credits() == FREE


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
    ids=str,
)
def test_months_follow_each_other(now: datetime, expected: datetime) -> None:
    """Short ones, long ones, and over the year."""
    assert next_month(now) == expected


class TestLowBalance:
    async def test_it_is_told_once_for_what_came_last(self, till: Till) -> None:
        """Below a fifth: one notice to the buyers; new credits make it worth telling again."""
        await till.add_member(BEN, is_buyer=True)
        await till.buy_pack()
        assert await till.shop.monthly.watch() == 0
        await till.use(PACK * 4 // 5 + 1)
        assert [await till.shop.monthly.watch() for _ in range(3)] == [1, 0, 0]
        [notice] = await till.notices(NoticeKind.LOW_BALANCE)
        assert (notice.audience, notice.member_ids) == (Audience.BUYERS, (BEN.member_id,))
        till.clock.move(60)
        await till.buy_pack()
        await till.use(PACK)
        assert await till.shop.monthly.watch() == 1

    async def test_who_never_had_any_is_not_told(self, till: Till) -> None:
        """Nothing came, so nothing is low."""
        assert await till.shop.monthly.watch() == 0


async def test_the_digest_tells_what_last_month_was_used_for(till: Till) -> None:
    """In the first days of a month, once, with the sum and by whom."""
    await till.buy_pack()
    await till.use(40)
    await till.use(2)
    assert await till.shop.monthly.watch() == 0
    await till.pass_days(32)
    assert [await till.shop.monthly.watch() for _ in range(2)] == [1, 0]
    [notice] = await till.notices(NoticeKind.DIGEST)
    assert notice.facts["month"] == "2026-01"
    assert notice.facts["total_microcredits"] == 42 * MICROCREDITS_PER_CREDIT
    assert notice.facts["spend"] == [{"member": "", "project": "", "microcredits": 42 * MICROCREDITS_PER_CREDIT}]
    await till.pass_days(32)
    assert await till.shop.monthly.watch() == 0, "nothing was used in February"


class TestOverview:
    async def test_a_workspace_that_bought_nothing(self, till: Till) -> None:
        """Free, with the next free credits on the first."""
        overview = await till.reader.overview(W)
        assert (overview.tier.key, overview.subscription, overview.has_portal) == ("free", None, False)
        assert overview.next_grant is not None
        assert overview.next_grant.at == datetime(2026, 2, 1, tzinfo=UTC)

    async def test_lots_use_and_the_next_month_are_shown(self, till: Till) -> None:
        """Lots in the order of use, this month's use and all of it, the renewal."""
        await till.buy_pack()
        await till.use(7)
        await till.pass_days(40)
        await till.subscribe()
        await till.use(5)
        overview = await till.reader.overview(W)
        assert [lot.kind for lot in overview.balance.lots] == [LotKind.MONTHLY, LotKind.PACK]
        assert overview.used_month_microcredits == 5 * MICROCREDITS_PER_CREDIT
        assert overview.used_total_microcredits == 12 * MICROCREDITS_PER_CREDIT
        assert overview.subscription is not None
        assert overview.next_grant is not None
        assert overview.next_grant.at == overview.subscription.period_end
        assert overview.next_grant.microcredits == STARTER * MICROCREDITS_PER_CREDIT

    async def test_where_nothing_is_sold_everybody_is_unlimited(self, till: Till) -> None:
        """No tier, no grant, nothing to buy; use is shown all the same."""
        reader = till.reader
        reader._catalogue = None
        await till.use(3)
        overview = await reader.overview(W)
        assert (overview.tier.key, overview.next_grant) == ("unlimited", None)
        assert overview.used_total_microcredits == 3 * MICROCREDITS_PER_CREDIT
        assert (await reader.plans(W)).products == ()

    async def test_plans_stand_side_by_side(self, till: Till) -> None:
        """Cheapest first, with the one that the workspace has."""
        plans = await till.reader.plans(W)
        assert ([tier.key for tier in plans.tiers], plans.current) == (["free", "starter", "pro"], "free")
        assert {product.key for product in plans.products} == {"starter", "pro", "pack_1000"}

    async def test_history_is_paged_backwards(self, till: Till) -> None:
        """Newest first, every entry once, until there are no more."""
        await till.buy_pack()
        for _ in range(7):
            await till.use(1)
        seen: list[int] = []
        before: int | None = None
        while True:
            page = await till.reader.history(W, before=before, limit=3)
            seen += [entry.seq for entry in page.entries]
            before = page.before
            if before is None:
                break
        assert seen == list(range(8, 0, -1))
        assert (await till.reader.history("slack:T9")).entries == ()
        assert (await till.reader.history(W, before=1)).entries == ()

    async def test_history_as_csv_runs_no_formula(self, till: Till) -> None:
        """Every entry is a row; text that a spreadsheet would run is only text."""
        await till.store.write(
            lambda tx: till.ledger.adjust(
                tx.credits, workspace_id=W, amount_microcredits=5, key="k", actor="ana", reason='=cmd|"x"!A1'
            )
        )
        await till.buy_pack()
        rows = (await till.reader.history_csv(W)).splitlines()
        assert rows[0].startswith("number,at,kind,credits,balance")
        assert len(rows) == 3
        assert "'=cmd" in rows[1]
        assert rows[2].split(",")[3] == str(PACK)

    async def test_invoices_are_for_buyers(self, till: Till) -> None:
        """Newest first, of every customer that the workspace had."""
        await till.buy_pack()
        await till.subscribe()
        invoices = await till.shop.service.invoices(ANN)
        assert [item.total for item in invoices][-1] in {1_000, 2_900}
        assert all(item.hosted_invoice_url for item in invoices)
        assert (await till.shop.service.portal(ANN)).url
