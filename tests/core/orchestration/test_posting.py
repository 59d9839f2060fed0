"""The outbox: in order, whole, once, whatever the platform does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime

import pytest
from typing_extensions import override

from core.clock import SystemClock
from core.orchestration.ports import Content, Part, PostKind
from core.orchestration.posting import Poster, freshen, intend, post_key
from core.sessions.model import Session, ThreadRef
from core.sessions.ports import OutboxState, Transaction
from storage.database import Database
from storage.post_locks import post_locks
from tests.core.orchestration.harness import Harness
from tests.fakes.chat import FakeChat, Fault
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful


@pytest.fixture
async def room(memory_store: Database) -> Harness:
    """A room with a draft that nobody runs."""
    harness = Harness(memory_store, FakeClock(auto=True), ScriptedModel(helpful({0: 5.0})))
    await harness.found()
    return harness


async def _draft(room: Harness) -> Session:
    return await room.service.create(room.request())


async def _mean(room: Harness, session: Session, *kinds: PostKind) -> frozenset[str]:
    now = room.clock.now()
    return await room.store.write(lambda tx: frozenset(intend(tx, session, kind, now=now) for kind in kinds))


async def _states(room: Harness, session: Session) -> dict[str, OutboxState]:
    rows = await room.store.read(lambda tx: tx.outbox.list_session(session.id))
    return {row.kind: row.state for row in rows}


async def test_a_post_is_sent_once_and_in_order(room: Harness) -> None:
    """Meaning a post twice is meaning it once; the card opens the thread, the rest follows."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD, PostKind.RESULT, PostKind.RECEIPT)
    await _mean(room, session, PostKind.RESULT)
    assert await room.poster.flush(session.id, fresh=fresh)
    assert await room.poster.flush(session.id)
    assert [text.split()[0] for text in room.chat.texts] == ["session_card", "result", "receipt"]
    assert [call.verb for call in room.chat.calls] == ["open_thread", "send", "send"]
    assert (await room.service.get(session.id)).thread.thread != ""


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.LOST_POST, Fault.BUSY])
async def test_a_lost_answer_makes_no_second_post(room: Harness, fault: Fault) -> None:
    """When nobody knows whether a post arrived, it is looked for before it is sent again."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD, PostKind.RESULT)
    room.chat.faults[:] = [None, fault]
    assert await room.poster.flush(session.id, fresh=fresh)
    assert room.chat.duplicates == []
    assert len(room.chat.posts) == 2


async def test_who_finds_an_intent_after_a_crash_looks_first(room: Harness) -> None:
    """A row that this process did not just mean may have been sent by one that died."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    await room.poster.flush(session.id, fresh=fresh)
    thread = (await room.service.get(session.id)).thread
    key = post_key(session.id, PostKind.RESULT)
    await _mean(room, session, PostKind.RESULT)
    await room.chat.send(thread, Part("sent by the dead"), key=key)
    assert await room.poster.flush(session.id)
    assert len([post for post in room.chat.posts if post.key == key]) == 1


async def test_an_unreadable_history_is_counted_not_guessed(room: Harness) -> None:
    """What cannot be looked up is neither sent again nor forgotten; it goes on when the platform can be read."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    await room.poster.flush(session.id, fresh=fresh)
    await _mean(room, session, PostKind.RESULT)
    room.chat.unreadable = True
    assert not await room.poster.flush(session.id)
    assert await _states(room, session) == {"session_card": OutboxState.SENT, "result": OutboxState.UNKNOWN}
    assert room.poster.unknown == 1
    room.chat.unreadable = False
    assert await room.poster.flush(session.id)
    assert len(room.chat.posts) == 2


async def test_a_refused_post_holds_nothing_back(room: Harness) -> None:
    """What the platform will never take is marked, and the rest goes on."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD, PostKind.RESULT, PostKind.RECEIPT)
    room.chat.faults[:] = [None, Fault.REFUSED]
    assert await room.poster.flush(session.id, fresh=fresh)
    assert await _states(room, session) == {
        "session_card": OutboxState.SENT,
        "result": OutboxState.REFUSED,
        "receipt": OutboxState.SENT,
    }


async def test_what_lasts_waits_for_an_app_that_is_away(room: Harness) -> None:
    """Result, receipt and edits are there once it is back, in order and once; what has passed by then is not said."""
    session = await _draft(room)
    await room.poster.flush(session.id, fresh=await _mean(room, session, PostKind.SESSION_CARD))
    await room.store.write(lambda tx: freshen(tx, session.id, [PostKind.SESSION_CARD]))
    fresh = await _mean(room, session, PostKind.NOTICE, PostKind.RESULT, PostKind.RECEIPT)
    room.chat.edit_faults[:] = [Fault.AWAY, Fault.AWAY]
    for _ in range(2):
        assert not await room.poster.flush(session.id, fresh=fresh)
    assert await _states(room, session) == {
        "session_card": OutboxState.STALE,
        "notice": OutboxState.REFUSED,
        "result": OutboxState.INTENT,
        "receipt": OutboxState.INTENT,
    }
    assert len(room.chat.posts) == 1
    assert await room.poster.flush(session.id)
    assert [text.split()[0] for text in room.chat.texts] == ["session_card", "result", "receipt"]
    assert room.chat.duplicates == []


async def test_a_stale_post_is_edited(room: Harness) -> None:
    """What is no longer true is changed in place, and grows by further messages when it became longer."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    await room.poster.flush(session.id, fresh=fresh)

    def longer(_: Content) -> tuple[Part, ...]:
        return Part("one"), Part("two")

    room.chat.renderer = longer
    await room.store.write(lambda tx: freshen(tx, session.id, [PostKind.SESSION_CARD]))
    assert await room.poster.flush(session.id)
    assert room.chat.texts == ["one", "two"]
    assert room.chat.duplicates == []


async def test_a_long_post_goes_on_where_it_broke_off(room: Harness) -> None:
    """Each part has its own key: a crash between two parts repeats neither."""
    session = await _draft(room)
    room.chat.renderer = lambda _: (Part("one"), Part("two"), Part("three"))
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    room.chat.faults[:] = [None, None, Fault.LOST_ANSWER]
    assert await room.poster.flush(session.id, fresh=fresh)
    assert room.chat.texts == ["one", "two", "three"]


async def test_a_platform_that_this_process_does_not_serve_keeps_its_posts(room: Harness) -> None:
    """Another process posts them."""
    session = await _draft(room)
    await _mean(room, session, PostKind.SESSION_CARD)

    def moved(tx: Transaction) -> None:
        tx.sessions.save(replace(session, thread=replace(session.thread, platform="elsewhere")))

    await room.store.write(moved)
    assert not await room.poster.flush(session.id)
    assert await _states(room, session) == {"session_card": OutboxState.INTENT}


async def test_a_post_that_cannot_be_rendered_is_a_plain_line(room: Harness) -> None:
    """A fault in a view costs its looks, not the session."""
    session = await _draft(room)

    def broken(_: Content) -> tuple[Part, ...]:
        raise NameError("a fault of ours")

    room.chat.renderer = broken
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    assert await room.poster.flush(session.id, fresh=fresh)
    assert room.chat.texts == ["report.md: session card"]


class SlowChat(FakeChat):
    """A platform whose answers take a while: others come in between."""

    @override
    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        await self._answering()
        return await super().open_thread(session, card, key=key, since=since)

    @override
    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        await self._answering()
        post_id = await super().send(thread, part, key=key)
        await self._answering()
        return post_id

    @override
    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        await self._answering()
        return await super().edit(thread, post_id, part)

    async def _answering(self) -> None:
        await asyncio.sleep(0.002)


@pytest.fixture
async def processes(store: Database, database_url: str) -> AsyncIterator[list[Poster]]:
    """Three posters that share a database and a platform and nothing else, as processes do."""
    async with AsyncExitStack() as stack:
        chat = SlowChat(platform="fake")
        posters = []
        for _ in range(3):
            locks = post_locks(database_url)
            assert locks is not None
            stack.push_async_callback(locks.aclose)
            posters.append(Poster(store=store, chats={"fake": chat}, clock=SystemClock(), locks=locks))
        yield posters


async def test_processes_that_flush_at_once_send_every_post_once_and_in_order(
    store: Database, processes: list[Poster]
) -> None:
    """However many processes post for a session, each post is sent by one of them, in the order it was meant.

    Each believes that it just meant them all, so nothing but the lock keeps the second from sending.
    """
    room = Harness(store, SystemClock(), ScriptedModel(helpful({0: 5.0})))
    await room.found()
    session = await _draft(room)
    names = [f"n{number:02}" for number in range(8)]

    def mean(tx: Transaction) -> frozenset[str]:
        now = room.clock.now()
        card = intend(tx, session, PostKind.SESSION_CARD, now=now)
        return frozenset(
            [card, *(intend(tx, session, PostKind.NOTICE, now=room.clock.now(), name=n, code=n) for n in names)]
        )

    fresh = await store.write(mean)
    assert all(await asyncio.gather(*(poster.flush(session.id, fresh=fresh) for poster in processes * 4)))
    chat = processes[0].chat("fake")
    assert isinstance(chat, FakeChat)
    assert chat.texts == ["session_card", *(f"notice {name}" for name in names)]
    assert chat.duplicates == []


async def test_a_process_that_waits_too_long_leaves_the_posts_to_the_next_flush(
    store: Database, database_url: str
) -> None:
    """Who cannot post because another process does gives up after a while, and nothing is lost."""
    room = Harness(store, FakeClock(auto=True), ScriptedModel(helpful({0: 5.0})))
    await room.found()
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    mine, theirs = post_locks(database_url), post_locks(database_url)
    assert mine is not None
    assert theirs is not None
    poster = Poster(store=store, chats={"fake": room.chat}, clock=room.clock, locks=mine)
    assert await theirs.take(session.id)
    assert not await poster.flush(session.id, fresh=fresh)
    assert room.chat.posts == []
    await theirs.give(session.id)
    assert await poster.flush(session.id)
    assert room.chat.texts == ["session_card"]
    await mine.aclose()
    await theirs.aclose()


@pytest.mark.parametrize("state", ["sent for the first time", "edited"])
async def test_what_changes_while_it_is_sent_is_edited_once_more(room: Harness, state: str) -> None:
    """A change that is recorded while its post is under way is not lost with the answer."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    if state == "edited":
        assert await room.poster.flush(session.id, fresh=fresh)
        await room.store.write(lambda tx: freshen(tx, session.id, [PostKind.SESSION_CARD]))
    room.chat.renderer = lambda content: (Part(content.snapshot.session.title),)

    class Interrupted(FakeChat):
        interrupted = False

        async def _interrupt(self) -> None:
            if not self.interrupted:
                self.interrupted = True
                await room.service.rename(session.id, "Another title", actor="ann")
                await room.store.write(lambda tx: freshen(tx, session.id, [PostKind.SESSION_CARD]))

        @override
        async def open_thread(
            self, session: Session, card: Part, *, key: str, since: datetime | None = None
        ) -> ThreadRef:
            await self._interrupt()
            return await super().open_thread(session, card, key=key, since=since)

        @override
        async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
            await self._interrupt()
            return await super().edit(thread, post_id, part)

    chat = Interrupted(platform="fake", clock=room.clock, renderer=room.chat.renderer, posts=room.chat.posts)
    poster = Poster(store=room.store, chats={"fake": chat}, clock=room.clock)
    assert await poster.flush(session.id, fresh=fresh)
    assert chat.interrupted
    assert chat.texts == ["Another title"]
    assert await _states(room, session) == {"session_card": OutboxState.SENT}


async def test_what_another_process_began_is_looked_up_however_fresh(room: Harness) -> None:
    """A post that another process began to send, and died over, is looked up even by the one that just meant it."""
    session = await _draft(room)
    fresh = await _mean(room, session, PostKind.SESSION_CARD)
    await room.poster.flush(session.id, fresh=fresh)
    thread = (await room.service.get(session.id)).thread
    fresh = await _mean(room, session, PostKind.RESULT)
    (key,) = fresh

    class Dying(FakeChat):
        @override
        async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
            await super().send(thread, part, key=key)
            raise asyncio.CancelledError

    dying = Dying(platform="fake", clock=room.clock, posts=room.chat.posts)
    with pytest.raises(asyncio.CancelledError):
        await Poster(store=room.store, chats={"fake": dying}, clock=room.clock).flush(session.id)
    assert await room.poster.flush(session.id, fresh=fresh)
    assert [post.thread.thread for post in room.chat.posts if post.key == key] == [thread.thread]
