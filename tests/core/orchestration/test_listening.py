"""What is heard while a reply streams."""

import asyncio

from core.casts.model import Phase
from core.orchestration.listening import TurnListener, stand_in_notices
from core.orchestration.ports import Progress
from core.sessions.model import AttemptState, ThreadRef, TurnAttempt
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock

THREAD = ThreadRef("fake", "c")


def _listener(chat: FakeChat, clock: FakeClock, saved: list[str], *block_ids: str) -> TurnListener:
    async def save(attempt: TurnAttempt) -> None:
        saved.append(attempt.text)

    return TurnListener(
        chat=chat,
        progress=Progress(THREAD, "s", 1, "writer", Phase.WRITER, "started", card_id="m1"),
        attempt=TurnAttempt("s/r1/writer", "s", 1, AttemptState.RUNNING, clock.now()),
        save=save,
        clock=clock,
        block_ids=block_ids,
    )


async def test_partial_text_is_saved_every_two_seconds() -> None:
    """A worker that dies loses at most two seconds of what it received."""
    clock, saved = FakeClock(), list[str]()
    listener = _listener(FakeChat(clock=clock), clock, saved)
    for _ in range(5):
        listener.text("one ")
        clock.move(1)
        await asyncio.sleep(0)
    await listener.settled()
    assert saved == ["one one one ", "one one one one one "]


async def test_a_revision_says_how_far_it_is() -> None:
    """The furthest block that the reply names is the progress, wherever a piece of text is cut."""
    chat = FakeChat()
    listener = _listener(chat, FakeClock(), [], "p1", "p2", "p3")
    for piece in ('{"edits": [{"op": "replace", "blo', 'ck": "p2#ab', 'cd", "text": "x"}, {"block": "p1#0000"}]'):
        listener.text(piece)
    assert [(update.done_blocks, update.total_blocks) for update in chat.updates] == [(0, 3), (2, 3), (2, 3)]
    assert {update.card_id for update in chat.updates} == {"m1"}


async def test_a_restart_forgets_what_was_shown() -> None:
    """After a break the text begins afresh, here and on the screen."""
    chat = FakeChat()
    listener = _listener(chat, FakeClock(), [])
    listener.text("half")
    listener.restarted("provider_unreachable")
    listener.text("whole")
    assert listener.partial == "whole"
    assert [update.state for update in chat.updates] == ["writing", "restarted", "writing"]


async def test_a_provider_that_is_down_is_not_taken_for_thinking() -> None:
    """Waits between tries and the change to another model are signs of life of their own."""
    chat = FakeChat()
    listener = _listener(chat, FakeClock(), [])
    listener.retrying("provider_overloaded", 3.0)
    listener.fell_back("a", "b", "provider_overloaded")
    listener.text("whole")
    assert [update.state for update in chat.updates] == ["retrying", "fell_back", "writing"]
    assert listener.fallbacks == [("a", "b", "provider_overloaded")]


def test_who_answered_for_whom_is_said_once() -> None:
    """A chain of stand-ins is one sentence about the one who answered; the same again is not repeated."""
    first, second = ("a", "b", "provider_overloaded"), ("b", "c", "provider_unreachable")
    assert stand_in_notices([]) == ()
    assert stand_in_notices([first, second]) == ("c answered because a and b could not.",)
    assert stand_in_notices([first, first]) == ("b answered because a could not.",)
    assert stand_in_notices([first, first, second]) == (
        "b answered because a could not.",
        "c answered because a and b could not.",
    )
