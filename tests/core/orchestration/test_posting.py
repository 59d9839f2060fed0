"""The outbox: in order, whole, once, whatever the platform does."""

from dataclasses import replace

import pytest

from core.orchestration.ports import Content, Part, PostKind
from core.orchestration.posting import freshen, intend, post_key
from core.sessions.model import Session
from core.sessions.ports import OutboxState, Transaction
from storage.database import Database
from tests.core.orchestration.harness import Harness
from tests.fakes.chat import Fault
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
