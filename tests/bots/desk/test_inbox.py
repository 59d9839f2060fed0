"""The inbox: nothing that was acknowledged is lost, and nothing is done twice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bots.commands import Place
from bots.desk.inbox import Inbox
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot, dump_request, load_request
from core.errors import TransientError
from core.sessions.model import ThreadRef
from core.sessions.ports import InboxRow, InboxState
from storage.database import Database
from tests.fakes.clock import FakeClock


def request(identity: str = "q_1") -> Request:
    return Request(
        id=identity,
        kind=RequestKind.MENTION,
        actor=Actor("slack:T1", "U1", "Ada"),
        spot=Spot(ThreadRef("slack", "T1/C1", "1.2"), Place.THREAD, "1.3", {"response_url": "http://x"}),
        text="tighten this",
        values={"rounds": 2, "private": True, "good-enough": 8.5},
        files=(Attachment("F1", "brief.docx", "http://files/F1", 12, "U2"),),
    )


@dataclass
class Desk:
    """Handles requests as it is told."""

    seen: list[Request] = field(default_factory=list)
    act: Callable[[Request], Awaitable[None]] | None = None

    async def handle(self, asked: Request) -> None:
        self.seen.append(asked)
        if self.act is not None:
            await self.act(asked)


def inbox_of(store: Database, desk: Desk, clock: FakeClock) -> Inbox:
    return Inbox(store=store, handle=desk.handle, clock=clock)


def test_a_request_survives_json() -> None:
    """What is stored is what was asked, to the last value and its type."""
    assert load_request(dump_request(request())) == request()


async def test_a_request_is_handled_once_however_often_it_comes(store: Database) -> None:
    """Two events about one message, and a retry of each, are one request."""
    desk, clock = Desk(), FakeClock()
    inbox = inbox_of(store, desk, clock)
    taken = [
        await inbox.take(request("q_1"), source="slack", keys=["Ev1", "T1/C1/1.3"]),
        await inbox.take(request("q_2"), source="slack", keys=["Ev2", "T1/C1/1.3"]),
        await inbox.take(request("q_3"), source="slack", keys=["Ev1", "T1/C1/1.3"]),
    ]
    await inbox.drain()
    assert taken == [True, False, False]
    assert [item.id for item in desk.seen] == ["q_1"]


async def test_what_only_this_process_can_do_comes_first(store: Database) -> None:
    """It begins when the request is stored, and waits for no room; True leaves nothing to do, False the request."""
    desk, clock = Desk(), FakeClock()
    inbox = inbox_of(store, desk, clock)
    states: list[InboxState] = []

    async def look(asked: Request) -> bool:
        row = await store.read(lambda tx: tx.inbox.find(asked.id))
        states.append(row.state if row is not None else InboxState.FAILED)
        return asked.id == "q_1"

    assert await inbox.take(request("q_1"), source="slack", keys=["Ev1"], first=look)
    assert not await inbox.take(request("q_1"), source="slack", keys=["Ev1"], first=look)
    assert await inbox.take(request("q_2"), source="slack", keys=["Ev2"], first=look)
    await inbox.drain()
    assert states == [InboxState.NEW] * 2
    assert [item.id for item in desk.seen] == ["q_2"]
    clock.move(200)
    assert await inbox.sweep() == 0


async def test_what_comes_first_and_fails_or_dies_leaves_the_request(store: Database) -> None:
    """Nobody else takes it for ten seconds; then whoever lives handles it."""
    desk, clock = Desk(), FakeClock()
    dying, living = inbox_of(store, Desk(), clock), inbox_of(store, desk, clock)
    begun = asyncio.Event()

    async def hang(_: Request) -> bool:
        begun.set()
        return await asyncio.Event().wait()

    async def fail(_: Request) -> bool:
        raise ValueError("x")

    await dying.take(request("q_1"), source="slack", keys=["Ev1"], first=hang)
    await begun.wait()
    assert await living.sweep() == 0
    await dying.aclose()
    clock.move(11)
    assert await living.sweep() == 1
    await living.take(request("q_2"), source="slack", keys=["Ev2"], first=fail)
    await living.drain()
    assert [item.id for item in desk.seen] == ["q_1", "q_2"]


async def test_what_a_dead_process_left_is_done_by_another_one_later(store: Database) -> None:
    """A claim ends by itself; until then nobody else takes the request."""
    clock = FakeClock()
    started = asyncio.Event()

    async def hang(_: Request) -> None:
        started.set()
        await asyncio.Event().wait()

    dying = inbox_of(store, Desk(act=hang), clock)
    await dying.take(request(), source="slack", keys=["Ev1"])
    await started.wait()
    await dying.aclose()
    desk = Desk()
    living = inbox_of(store, desk, clock)
    assert await living.sweep() == 0
    clock.move(121)
    assert await living.sweep() == 1
    assert [item.id for item in desk.seen] == ["q_1"]
    assert await living.sweep() == 0


async def test_what_a_sweep_began_is_waited_for_and_cut_as_the_rest(store: Database) -> None:
    """A sweep may take a request before the task of its own: whoever waits, or closes, means both."""
    clock = FakeClock()
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(_: Request) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    inbox = inbox_of(store, Desk(act=hang), clock)
    now = clock.now()
    row = InboxRow("q_1", now, now, dump_request(request()))
    await store.write(lambda tx: tx.inbox.add(row))
    sweeping = asyncio.create_task(inbox.sweep())
    await begun.wait()
    draining = asyncio.create_task(inbox.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    await inbox.aclose()
    assert ended.is_set()
    assert await sweeping == 1
    await draining


async def test_two_processes_that_sweep_at_once_share_the_work(store: Database) -> None:
    """A request is claimed by one of them."""
    clock = FakeClock()
    desks = [Desk(), Desk()]
    first, second = (inbox_of(store, desk, clock) for desk in desks)
    for number in range(8):
        await first.hold(request(f"q_{number}"), waits_for="nobody")
    asked = [request(f"q_{number}") for number in range(8)]
    released = await asyncio.gather(*(box.release(item) for item in asked for box in (first, second)))
    await asyncio.gather(first.sweep(), second.sweep(), first.drain(), second.drain())
    assert sum(released) == 8
    assert sorted(item.id for desk in desks for item in desk.seen) == [item.id for item in asked]


async def test_trouble_that_passes_is_tried_again_and_then_given_up(store: Database) -> None:
    """Five tries with growing waits; the row says why it failed."""
    clock = FakeClock()

    async def fail(_: Request) -> None:
        raise TransientError("later")

    desk = Desk(act=fail)
    inbox = inbox_of(store, desk, clock)
    await inbox.take(request(), source="slack", keys=["Ev1"])
    await inbox.drain()
    for _ in range(6):
        clock.move(200)
        await inbox.sweep()
    row = await store.read(lambda tx: tx.inbox.find("q_1"))
    assert len(desk.seen) == 5
    assert row is not None
    assert (row.state, row.error) == (InboxState.FAILED, "TransientError")


async def test_another_try_knows_what_was_answered(store: Database) -> None:
    """Also in another process; a request that was held and released is answered anew."""
    clock = FakeClock()
    told: list[tuple[str, ...]] = []

    async def fail(asked: Request) -> None:
        told.append(asked.answered)
        await store.write(lambda tx: tx.inbox.add_answer(asked.id, f"k{len(told)}"))
        raise TransientError("later")

    dying = inbox_of(store, Desk(act=fail), clock)
    await dying.take(request(), source="slack", keys=["Ev1"])
    await dying.drain()
    desk = Desk()
    living = inbox_of(store, Desk(act=fail), clock)
    clock.move(10)
    await living.sweep()
    assert told == [(), ("k1",)]
    held = inbox_of(store, desk, clock)
    await held.hold(request(), waits_for="U2")
    await held.release(request())
    await held.drain()
    assert [item.answered for item in desk.seen] == [()]
    await store.write(lambda tx: tx.inbox.add_answer("q_gone", "k"))


async def test_a_held_request_waits_for_one_person_and_is_released_once(store: Database) -> None:
    """Whoever allows it first goes on with it; what they added comes along."""
    clock = FakeClock()

    async def hold(asked: Request) -> None:
        if not asked.consents:
            await inbox.hold(asked, waits_for="U2")

    desk = Desk(act=hold)
    inbox = inbox_of(store, desk, clock)
    await inbox.take(request(), source="slack", keys=["Ev1"])
    await inbox.drain()
    found = await inbox.find_held("q_1")
    assert found is not None
    held, waits_for = found
    assert waits_for == "U2"
    allowed = replace(held, consents=("U2",))
    assert await inbox.release(allowed) is True
    assert await inbox.release(allowed) is False
    await inbox.drain()
    assert [item.consents for item in desk.seen] == [(), ("U2",)]
    assert await inbox.find_held("q_1") is None
    old = clock.now() + timedelta(days=1)
    assert await inbox.forget(old) == 1


@dataclass
class Shelf:
    """Puts files aside."""

    kept: list[str] = field(default_factory=list)

    async def keep(self, asked: Request) -> Request:
        self.kept.append(asked.id)
        return replace(asked, files=tuple(replace(file, url="aside") for file in asked.files))

    async def let_go(self, asked: Request) -> None:
        if any(file.url == "aside" for file in asked.files) and asked.id in self.kept:
            self.kept.remove(asked.id)


async def test_what_waits_is_put_aside_and_let_go_with_its_request(store: Database) -> None:
    """Files whose links would die are there when somebody says yes; of a request that is forgotten nothing stays."""
    shelf, desk, clock = Shelf(), Desk(), FakeClock()
    inbox = Inbox(store=store, handle=desk.handle, clock=clock, keeping=lambda _: shelf)
    await inbox.hold(request("q_1"), waits_for="U2")
    await inbox.hold(replace(request("q_2"), files=()), waits_for="U2")
    assert shelf.kept == ["q_1"]
    found = await inbox.find_held("q_1")
    assert found is not None
    assert [file.url for file in found[0].files] == ["aside"]
    assert await inbox.forget(clock.now()) == 0
    assert shelf.kept == ["q_1"]
    assert await inbox.forget(clock.now() + timedelta(days=1)) == 2
    assert shelf.kept == []
