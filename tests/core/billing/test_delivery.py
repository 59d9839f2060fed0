"""Notices reach people through their platform, at least once."""

from dataclasses import dataclass, field

import pytest

from core.billing.delivery import NoticeDelivery, platform_of
from core.billing.jobs import TICK_SECONDS
from core.billing.model import Audience, Notice, NoticeKind
from core.billing.notices import tell
from core.billing.ports import BillingTransaction
from core.errors import TransientError
from storage.database import Database
from tests.core.billing.till import Till, W
from tests.fakes.clock import FakeClock


@dataclass
class Platform:
    """An adapter that remembers."""

    told: list[str] = field(default_factory=list)
    works: bool = True
    error: Exception | None = None

    async def deliver(self, notice: Notice) -> bool:
        if self.error is not None:
            raise self.error
        if self.works:
            self.told.append(notice.key)
        return self.works


async def add(store: Database, key: str, workspace_id: str = W, audience: Audience | None = None) -> None:
    now = FakeClock().now()

    def work(tx: BillingTransaction) -> None:
        tell(tx, NoticeKind.LOW_BALANCE, key, workspace_id=workspace_id, now=now, audience=audience, left=5)

    await store.write(work)


async def test_a_notice_is_told_once_by_the_right_platform(memory_store: Database, clock: FakeClock) -> None:
    """Slack's to Slack, Discord's to Discord, the operator's to the log."""
    slack, discord = Platform(), Platform()
    delivery = NoticeDelivery(store=memory_store, clock=clock, adapters={"slack": slack, "discord": discord})
    await add(memory_store, "a")
    await add(memory_store, "b", "discord:1")
    await add(memory_store, "c", "slack-ent:E1")
    await add(memory_store, "d", "", Audience.OPERATOR)
    assert [await delivery.deliver_open() for _ in range(2)] == [4, 0]
    assert (slack.told, discord.told) == (["a", "c"], ["b"])


@pytest.mark.parametrize("error", [None, TransientError("away")], ids=["refused", "raised"])
async def test_what_cannot_be_told_is_tried_again(
    memory_store: Database, clock: FakeClock, error: Exception | None
) -> None:
    """Until it works; nothing behind it waits for it."""
    slack, discord = Platform(works=False, error=error), Platform()
    delivery = NoticeDelivery(store=memory_store, clock=clock, adapters={"slack": slack, "discord": discord})
    await add(memory_store, "a")
    await add(memory_store, "b", "discord:1")
    assert await delivery.deliver_open() == 1
    slack.works, slack.error = True, None
    assert await delivery.deliver_open() == 1
    assert slack.told == ["a"]


async def test_what_can_never_be_told_is_given_up(memory_store: Database, clock: FakeClock) -> None:
    """After hours of tries, so that it does not stand in the way for ever."""
    slack = Platform(works=False)
    delivery = NoticeDelivery(store=memory_store, clock=clock, adapters={"slack": slack})
    await add(memory_store, "a")
    for _ in range(200):
        await delivery.deliver_open()
    assert await memory_store.read(lambda tx: tx.billing.list_open_notices()) == []


async def test_a_process_without_the_platform_leaves_it(memory_store: Database, clock: FakeClock) -> None:
    """It is no failed try: another process will tell."""
    delivery = NoticeDelivery(store=memory_store, clock=clock, adapters={})
    await add(memory_store, "a")
    assert await delivery.deliver_open() == 0
    [notice] = await memory_store.read(lambda tx: tx.billing.list_open_notices())
    assert notice.attempts == 0


@pytest.mark.parametrize(
    ("workspace_id", "platform"),
    [("slack:T1", "slack"), ("slack-ent:E1", "slack"), ("discord:1", "discord"), ("terminal:local", "terminal")],
)
def test_the_platform_stands_in_the_workspaces_id(workspace_id: str, platform: str) -> None:
    """An enterprise is Slack's too."""
    assert platform_of(workspace_id) == platform


@pytest.mark.loopback
async def test_the_jobs_of_the_shop_all_run(till: Till) -> None:
    """Every job has a tick, and a shop in which nothing happened is no trouble to any."""
    jobs = till.shop.jobs({"slack": Platform()})
    assert set(jobs) == set(TICK_SECONDS)
    assert {name: await job() for name, job in jobs.items()} == {**dict.fromkeys(jobs, 0), "billing_free": 1}
