"""The fake keeps the laws that the adapters keep."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from core.errors import TransientError
from core.orchestration.ports import Content, HistoryUnreadable, Part, PostKind, PostRefused, PostUncertain
from core.sessions.model import ThreadRef
from tests.contracts.chat_port import ChatPortLaws
from tests.fakes.chat import FakeChat, Fault

_THREAD = ThreadRef(platform="terminal", channel="C1", thread="m1", card="m1")
_EVER = datetime.min.replace(tzinfo=UTC)


class FakeHarness:
    def __init__(self) -> None:
        self.chat = FakeChat(renderer=_whole)

    async def shown(self) -> Sequence[tuple[str, str]]:
        return [(post.id, post.part.text) for post in self.chat.posts]


def _whole(content: Content) -> tuple[Part, ...]:
    turns = [turn for turn in content.snapshot.turns if turn.role_key == content.role_key]
    if content.kind is PostKind.TURN:
        return tuple(Part(text=turn.summary) for turn in turns)
    return (Part(text=content.kind.value),)


class TestFakeChat(ChatPortLaws):
    @pytest.fixture
    def harness(self) -> FakeHarness:
        return FakeHarness()


@pytest.mark.parametrize(
    ("fault", "error", "arrives"),
    [
        (Fault.LOST_ANSWER, PostUncertain, True),
        (Fault.LOST_POST, PostUncertain, False),
        (Fault.BUSY, TransientError, False),
        (Fault.REFUSED, PostRefused, False),
    ],
)
async def test_a_fault_happens_once_and_leaves_what_the_platform_would(
    fault: Fault, error: type[Exception], *, arrives: bool
) -> None:
    """Each fault raises its error for one send, and the message is there or not as with a real platform."""
    chat = FakeChat(faults=[fault])
    with pytest.raises(error):
        await chat.send(_THREAD, Part(text="hello"), key="k")
    assert (await chat.find(_THREAD, "k", _EVER) is not None) is arrives
    await chat.send(_THREAD, Part(text="hello"), key="k2")
    assert chat.texts[-1] == "hello"


async def test_two_posts_of_one_key_are_named_as_duplicates() -> None:
    """The fake takes a blind resend, as platforms do, and tells on it."""
    chat = FakeChat()
    for _ in range(2):
        await chat.send(_THREAD, Part(text="twice"), key="same")
    assert chat.duplicates == ["same"]


async def test_history_that_cannot_be_read_is_an_error_not_an_absence() -> None:
    """`find` never answers None when it does not know."""
    chat = FakeChat(unreadable=True)
    with pytest.raises(HistoryUnreadable):
        await chat.find(_THREAD, "k", _EVER)
