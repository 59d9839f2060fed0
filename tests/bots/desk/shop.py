"""A desk that sells: people on one side of it, the local Stripe on the other, everything between them real."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from typing_extensions import override

from bots.desk.billing import billing_part
from bots.desk.notices import DeskNotices
from bots.desk.requests import Request
from bots.views.elements import Link, Table, View
from core.billing.delivery import NoticeDelivery
from core.credits.model import Balance
from core.errors import TransientError
from core.money import MICROCREDITS_PER_CREDIT
from core.sessions.model import Session, SessionFile, Status, ThreadRef
from core.sessions.ports import FileStore
from core.sessions.requests import NewSession, Upload
from core.workspaces.model import Member
from storage.database import Database
from tests.bots.desk.room import CHANNEL, HOME, Room
from tests.core.billing.till import Till, open_till
from tests.core.orchestration.harness import TEXT
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, Whisper, admin

BOSS = "boss"


@dataclass
class ReadingDoor(FakeDoor):
    """A door that reads the files that go with an answer when it sends them, as the real ones do.

    Attributes:
        store: Where they lie.
        read: Bytes by the file's name.
        away: People for whom the platform fails just now.
    """

    store: FileStore | None = None
    read: dict[str, bytes] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)

    @override
    async def tell(self, member_id: str, view: View) -> bool:
        if member_id.rpartition("/")[2] in self.away:
            raise TransientError("busy")
        return await super().tell(member_id, view)

    @override
    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        assert self.store is not None
        for file in files:
            self.read[file.name] = await self.store.get(file.storage_key)
        await super().whisper(request, view, files=files)


@dataclass
class Shop:
    """What a test talks to.

    Attributes:
        room: People and their desk; ``boss`` is an admin.
        till: The shop and Stripe.
        delivery: Brings notices.
    """

    room: Room
    till: Till
    delivery: NoticeDelivery

    @property
    def door(self) -> ReadingDoor:
        assert isinstance(self.room.door, ReadingDoor)
        return self.room.door

    @property
    def last(self) -> Whisper:
        """The newest private answer."""
        return self.room.last

    @property
    def told(self) -> list[Whisper]:
        """Direct messages, oldest first."""
        return self.door.told

    async def pay(self, url: str) -> None:
        """Pay on a page; webhooks come, and people hear of it."""
        await self.till.pay(url)
        await self.delivery.deliver_open()

    async def subscribe(self, tier: str = "starter") -> None:
        """Let the admin take a plan."""
        await self.room.command("billing-upgrade", BOSS, values={"plan": tier})
        await self.pay(link_in(self.last))

    async def balance(self) -> Balance:
        """Return the balance, after the ledger was added up again."""
        return await self.till.balance(HOME)

    async def credits(self) -> float:
        """Return what can be spent, in credits."""
        return (await self.balance()).available_microcredits / MICROCREDITS_PER_CREDIT

    async def draft(self, who: str = "ann", **changes: object) -> Session:
        """Return a session that was not started."""
        fields: dict[str, object] = {
            "workspace_id": HOME,
            "member_id": f"{HOME}/{who}",
            "thread": ThreadRef("fake", CHANNEL),
            "brief": "Tighten this.",
            "upload": Upload("report.md", TEXT),
            "rounds": 1,
            "cast": "quick",
            **changes,
        }
        return await self.room.harness.service.create(NewSession(**fields))  # type: ignore[arg-type]

    async def waiting(self, who: str = "ann") -> Session:
        """Return a session that ran out of credits."""
        await self.set_balance(5_000)
        session = await self.draft(who)
        await self.room.harness.service.start(session.id, actor=f"{HOME}/{who}")
        await self.set_balance(0)
        await self.room.harness.run(session.id)
        parked = await self.room.harness.service.get(session.id)
        assert parked.status is Status.WAITING
        return parked

    async def set_balance(self, credits_: int) -> None:
        """Give or take credits until exactly so many are there."""
        ledger = self.room.harness.ledger
        balance = await self.balance()

        await self.room.store.write(
            lambda tx: ledger.adjust(
                tx.credits,
                workspace_id=HOME,
                amount_microcredits=credits_ * MICROCREDITS_PER_CREDIT - balance.available_microcredits,
                key=f"set-{self.room.count}-{credits_}-{balance.available_microcredits}",
                actor="test",
                reason="test",
            )
        )

    async def name_buyer(self, who: str) -> None:
        """Let *who* be a member who may buy."""
        await self.room.command("help", who)
        member = await self.member(who)
        await self.room.store.write(lambda tx: tx.workspaces.save_member(replace(member, is_buyer=True)))

    async def member(self, who: str) -> Member:
        member = await self.room.store.read(lambda tx: tx.workspaces.find_member(f"{HOME}/{who}"))
        assert member is not None
        return member


def links_in(whisper: Whisper) -> list[str]:
    """Return every address that an answer shows."""
    return [item.url for item in whisper.view.elements if isinstance(item, Link)]


def link_in(whisper: Whisper) -> str:
    """Return the one address that an answer shows."""
    (url,) = links_in(whisper)
    return url


def table_in(whisper: Whisper) -> Table:
    """Return the one table that an answer shows."""
    (table,) = (item for item in whisper.view.elements if isinstance(item, Table))
    return table


@asynccontextmanager
async def open_desk_shop(store: Database, *, may_sell: bool = True) -> AsyncIterator[Shop]:
    """Open a desk that sells, with a workspace of the free tier that has no credits."""
    clock = FakeClock(auto=True)
    room = Room(store, clock)
    await room.found(grant=0)
    await store.write(lambda tx: tx.workspaces.set_tier(HOME, "free"))
    room.door = ReadingDoor(files=room.door.files, store=room.harness.files, standings={BOSS: admin()})
    async with open_till(store, clock, may_sell=may_sell, then=room.harness.service.sweep) as till:
        part = billing_part(till.reader, till.shop.service, welcome=till.shop.monthly.welcome)
        room.desk = room.make_desk(more=(part,))
        notices = DeskNotices(store=store, doors={"fake": room.door}, prices=room.harness.prices, clock=clock)
        delivery = NoticeDelivery(store=store, clock=clock, adapters={"fake": notices})
        try:
            yield Shop(room, till, delivery)
        finally:
            await room.desk.inbox.aclose()
