"""What is told without having been asked: to whom, in which words, once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from bots.desk.door import Standing
from bots.desk.notices import DeskNotices
from bots.discord.layout import render_view as render_discord
from bots.slack.blocks import render_view as render_slack
from bots.views.billing_notices import Known, notice_view
from bots.views.elements import Button, Buttons
from core.billing.model import Audience, Notice, NoticeKind, NoticeState
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.sessions.model import Status
from core.sessions.ports import Transaction
from core.workspaces.model import Project
from storage.database import Database
from tests.bots.desk.room import HOME
from tests.bots.desk.shop import BOSS, Shop, link_in, open_desk_shop, table_in
from tests.core.billing.till import PRICES
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, admin

KEY = "test:1"
FACTS: dict[NoticeKind, dict[str, Any]] = {
    NoticeKind.CREDITS_BOUGHT: {"product": "pack_1000", "microcredits": 10**9, "amount_cents": 1_000, "session": "s_1"},
    NoticeKind.PLAN_STARTED: {"tier": "starter", "microcredits": 10**9, "until": "2026-02-02T00:00:00+00:00"},
    NoticeKind.PLAN_CHANGED: {"tier": "pro", "microcredits": 10**9, "until": "2026-02-02T00:00:00+00:00"},
    NoticeKind.PLAN_ENDED: {"tier": "starter", "status": "canceled"},
    NoticeKind.PAYMENT_PENDING: {"product": "pack_1000", "amount_cents": 1_000, "currency": "usd"},
    NoticeKind.CHECKOUT_FAILED: {"product": "pack_1000", "amount_cents": 1_000, "currency": "eur", "session": ""},
    NoticeKind.CHECKOUT_EXPIRED: {"product": "starter", "amount_cents": 2_900, "currency": "usd", "session": "s_1"},
    NoticeKind.PAYMENT_FAILED: {"invoice": "in_1", "amount_cents": 2_900, "currency": "usd"},
    NoticeKind.RENEWAL_SOON: {"tier": "starter", "price_cents": 2_900, "renews_at": "2026-02-02T00:00:00+00:00"},
    NoticeKind.REFUNDED: {"product": "pack_1000", "amount_cents": 500, "currency": "usd", "microcredits": 5 * 10**8},
    NoticeKind.DISPUTED: {"product": "pack_1000", "amount_cents": 500, "currency": "usd", "microcredits": 0},
    NoticeKind.LOW_BALANCE: {"available_microcredits": 1, "came_last_microcredits": 10**9, "tier": "free"},
    NoticeKind.DIGEST: {
        "month": "2026-01",
        "total_microcredits": 3 * 10**6,
        "spend": [
            {"member": f"{HOME}/ann", "project": "p1", "microcredits": 2 * 10**6},
            {"member": "", "project": "", "microcredits": 10**6},
        ],
        "more": 2,
    },
    NoticeKind.ASK_ADMIN: {"asked_by": f"{HOME}/ann", "need_microcredits": 10**7, "session": "s_1"},
    NoticeKind.PLAN_ENDING: {"tier": "starter", "ends_at": "2026-02-02T00:00:00+00:00"},
    NoticeKind.TEXTS_EXPIRE: {"days": 30, "from_at": "2026-02-02T00:00:00+00:00"},
    NoticeKind.APP_LEFT: {"subscription": "sub_1", "tier": "starter", "ends_at": "2026-02-02T00:00:00+00:00"},
    NoticeKind.FRAUD_WARNING: {"warning": "issfr_1"},
    NoticeKind.QUARANTINED: {"event": "evt_1", "type": "invoice.paid", "detail": "another account"},
}
KNOWN = Known(
    members={f"{HOME}/ann": "Ann"},
    projects={"p1": "Launch"},
    products={"starter": "Starter", "pro": "Pro", "pack_1000": "1,000 credits"},
    available_microcredits=5_000_000,
    session_title="Launch note",
    session_status=Status.WAITING,
)


@pytest.fixture
async def shop(memory_store: Database) -> AsyncIterator[Shop]:
    """A desk that sells, and an admin called boss, whom the app has met."""
    async with open_desk_shop(memory_store) as found:
        await found.room.command("help", BOSS)
        yield found


def notice(kind: NoticeKind = NoticeKind.LOW_BALANCE, key: str = KEY, **changes: Any) -> Notice:
    given = Notice(key, HOME, kind, Audience.BUYERS, FakeClock().now(), facts=FACTS[kind])
    return replace(given, **changes)


async def put(shop: Shop, *notices: Notice) -> int:
    """Keep notices and deliver what is open; return how many were told."""
    for one in notices:
        await shop.till.store.write(lambda tx, one=one: tx.billing.add_notice(one))  # type: ignore[misc]
    return await shop.delivery.deliver_open()


@pytest.mark.parametrize("kind", NoticeKind, ids=lambda kind: kind.value)
def test_every_notice_has_words_that_both_platforms_take(kind: NoticeKind) -> None:
    """A heading, a sentence and buttons that say verb and object; nothing is left to a key or an id."""
    view = notice_view(notice(kind), KNOWN)
    assert view.fallback.endswith((".", "first."))
    assert "{" not in view.fallback
    assert "pack_1000" not in view.fallback
    for row in view.elements:
        if isinstance(row, Buttons):
            assert all(button.label and button.action for button in row.buttons)
    assert render_slack(view)
    assert render_discord(view)


@pytest.mark.parametrize("kind", NoticeKind, ids=lambda kind: kind.value)
def test_no_notice_carries_a_link(kind: NoticeKind) -> None:
    """Links are made when they are clicked: a message can be forwarded, and lies in an inbox for years."""
    assert "http" not in str(notice_view(notice(kind), KNOWN))


async def test_named_buyers_are_told_and_other_admins_are_left_in_peace(shop: Shop) -> None:
    """Where somebody was named, they are the billing people; where nobody is, admins whom we met are."""
    await put(shop, notice())
    assert [item.to for item in shop.told] == [BOSS]
    await shop.name_buyer("cleo")
    await put(shop, notice(key="test:2"))
    assert [item.to for item in shop.told] == [BOSS, "cleo"]


async def test_who_takes_no_messages_is_stood_in_for(shop: Shop) -> None:
    """A buyer who cannot be written to is no reason that nobody hears of it."""
    await shop.name_buyer("cleo")
    shop.door.shy = {"cleo"}
    assert await put(shop, notice()) == 1
    assert [item.to for item in shop.told] == [BOSS]


async def test_what_nobody_can_be_told_stays_open(shop: Shop) -> None:
    """It is tried again, and told when somebody can be."""
    shop.door.shy = {BOSS}
    assert await put(shop, notice()) == 0
    shop.door.shy = set()
    assert await shop.delivery.deliver_open() == 1
    assert await shop.delivery.deliver_open() == 0
    assert len(shop.told) == 1


async def test_an_outage_for_one_is_no_repeat_for_another(shop: Shop) -> None:
    """Two buyers, and the platform fails for the second: the first hears it once."""
    await shop.name_buyer("cleo")
    await shop.name_buyer("dan")
    shop.door.away = {"dan"}
    assert await put(shop, notice()) == 0
    shop.door.away = set()
    assert await shop.delivery.deliver_open() == 1
    assert sorted(item.to for item in shop.told) == ["cleo", "dan"]


async def test_a_workspace_without_the_app_is_not_written_to(shop: Shop) -> None:
    """Its notices are done with."""

    def leave(tx: Transaction) -> None:
        workspace = tx.workspaces.find(HOME)
        assert workspace is not None
        tx.workspaces.save(replace(workspace, removed_at=shop.room.clock.now()))

    await shop.room.store.write(leave)
    assert await put(shop, notice()) == 1
    assert shop.told == []
    found = await shop.till.store.read(lambda tx: tx.billing.find_notice(KEY))
    assert found is not None
    assert found.state is NoticeState.SENT


async def test_a_blocked_buyer_hears_nothing(shop: Shop) -> None:
    """Nor does an admin of another company, or somebody who left."""
    await shop.name_buyer("cleo")
    member = await shop.member("cleo")
    await shop.room.store.write(lambda tx: tx.workspaces.save_member(replace(member, is_blocked=True)))
    await shop.room.command("help", "stranger")
    shop.door.standings["stranger"] = Standing("Stranger", is_admin=True, is_outsider=True)
    await put(shop, notice())
    assert [item.to for item in shop.told] == [BOSS]


async def test_a_private_title_is_its_starters_alone(shop: Shop) -> None:
    """Those who may buy hear that somebody needs credits, not what for."""
    session = await shop.waiting()
    await shop.room.change(session, origin="c9")
    await shop.room.press(Button("ask-admin", "", session.id, "5000000"), "ann")
    await shop.delivery.deliver_open()
    (heard,) = shop.told
    assert session.title not in heard.text
    assert "a private session" in heard.text
    assert "5 credits ($0.05) more" in heard.text


async def test_low_balance_is_told_once_until_credits_come(shop: Shop) -> None:
    """Once for what came last; buying makes it worth telling again."""
    await shop.room.command("billing-buy", BOSS)
    await shop.pay(link_in(shop.last))
    await shop.till.use(900, workspace_id=HOME)
    for _ in range(3):
        await shop.till.shop.monthly.watch()
        await shop.delivery.deliver_open()
    low = [item for item in shop.told if "Credits are running low" in item.text]
    assert len(low) == 1
    assert "100 credits ($1.00)" in low[0].text
    await shop.room.press(low[0].button("billing-buy"), BOSS)
    await shop.pay(link_in(shop.last))
    await shop.till.use(1_000, workspace_id=HOME)
    await shop.till.shop.monthly.watch()
    await shop.delivery.deliver_open()
    assert len([item for item in shop.told if "Credits are running low" in item.text]) == 2


async def test_a_first_renewal_is_announced_with_the_way_to_cancel(shop: Shop) -> None:
    """A week before, once; the button cancels after one question."""
    await shop.subscribe()
    await shop.till.pass_days(25)
    for _ in range(2):
        await shop.till.shop.monthly.watch()
        await shop.delivery.deliver_open()
    (heard,) = [item for item in shop.told if "renews soon" in item.text]
    assert "$29.00" in heard.text
    assert "2026-02-01" in heard.text
    await shop.room.press(heard.button("billing-cancel"), BOSS)
    await shop.room.press(shop.last.button("billing-cancel", "yes"), BOSS)
    assert "Starter is cancelled" in shop.last.text


async def test_the_digest_names_members_and_projects(shop: Shop) -> None:
    """Once a month, to those who may buy: who used what, where."""
    await shop.set_balance(5_000)
    now = shop.room.clock.now()
    launch, old = Project("p_1", HOME, "Launch", now, key="launch"), Project("p_2", HOME, "Old", now, key="old")
    for project in (launch, old):
        await shop.room.store.write(lambda tx, one=project: tx.workspaces.save_project(one))  # type: ignore[misc]
    for project_id in (None, "p_1", "p_2"):
        session = await shop.draft("ann", project_id=project_id)
        await shop.room.command("help", "ann")
        await shop.room.harness.service.start(session.id, actor=f"{HOME}/ann")
        await shop.room.harness.run(session.id)
    await shop.room.store.write(lambda tx: tx.workspaces.save_project(replace(old, archived_at=now)))
    await shop.till.pass_days(32)
    for _ in range(2):
        await shop.till.shop.monthly.watch()
        await shop.delivery.deliver_open()
    (heard,) = [item for item in shop.told if "What credits were used for in 2026-01" in item.text]
    assert {row[:2] for row in table_in(heard).rows} == {("Ann", "no project"), ("Ann", "Launch"), ("Ann", "Old")}
    assert heard.to == BOSS
    assert all("$" in row[2] for row in table_in(heard).rows)


async def test_refunds_and_disputes_are_told(shop: Shop) -> None:
    """Money that goes back takes credits along, and those who may buy hear what that did."""
    await shop.room.command("billing-buy", BOSS)
    await shop.pay(link_in(shop.last))
    page = shop.till.stripe.all("checkout.session")[-1]["id"]
    shop.till.stripe.refund(page, 400)
    await shop.till.deliver()
    await shop.delivery.deliver_open()
    assert "400 credits ($4.00) were taken back; the balance is 600 credits ($6.00)" in shop.told[-1].text
    shop.till.stripe.dispute(page)
    await shop.till.deliver()
    await shop.delivery.deliver_open()
    assert any("A payment is disputed" in item.text for item in shop.told)
    await shop.room.command("billing-buy", BOSS)
    assert "Nothing can be bought right now" in shop.last.text


async def test_somebody_who_left_is_passed_over(memory_store: Database) -> None:
    """An admin whom the platform does not know any more is no reason to fail."""

    class Gone(FakeDoor):
        @override
        async def standing(self, actor: Any) -> Standing:
            if actor.external_id == "left":
                raise PostRefused("user_not_found")
            return await super().standing(actor)

    door = Gone(standings={BOSS: admin()})
    async with open_desk_shop(memory_store) as shop:
        for who in ("left", BOSS):
            await shop.room.command("help", who)
        teller = DeskNotices(store=memory_store, doors={"fake": door}, prices=PRICES, clock=shop.room.clock)
        assert await teller.deliver(notice())
        assert [item.to for item in door.told] == [BOSS]


async def test_a_platform_that_is_not_here_leaves_it_to_another_process(shop: Shop, memory_store: Database) -> None:
    """A worker without Discord does not lose Discord's notices."""
    teller = DeskNotices(store=memory_store, doors={}, prices=PRICES, clock=shop.room.clock)
    assert not await teller.deliver(notice())


async def test_the_platform_being_busy_is_a_later_try(shop: Shop) -> None:
    """What may work later is raised to whoever counts tries."""
    shop.door.away = {BOSS}
    teller = DeskNotices(store=shop.room.store, doors={"fake": shop.door}, prices=PRICES, clock=shop.room.clock)
    with pytest.raises(TransientError):
        await teller.deliver(notice())
