"""A round's card while the round works, and cards that change by themselves."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.posting.boards import Board, roster_of
from bots.posting.cards import Cards, NoRoom, Pace
from bots.posting.contents import is_settled
from bots.views.plain import plain_text
from bots.views.turn import LIVE_DRAFT_CHARACTERS
from core.casts.model import Phase
from core.orchestration.ports import Content, PostKind, Progress
from core.sessions.model import Status, ThreadRef
from tests.bots.views.samples import SNAPSHOT
from tests.fakes.clock import FakeClock

_ROSTER = roster_of(replace(SNAPSHOT, session=replace(SNAPSHOT.session, has_upload=False), turns=()), 1)
_SIGN = Progress(ThreadRef("slack", "C1"), "s_1", 1, "writer", Phase.WRITER, "writing", card_id="1")


@dataclass(frozen=True)
class Post:
    """A message."""

    text: str
    kind: str = PostKind.ROUND_CARD.value
    is_settled: bool = False
    roster: dict[str, Any] = field(default_factory=lambda: _ROSTER)


@given(st.lists(st.text(min_size=1, max_size=900), max_size=8))
def test_a_draft_is_shown_as_far_as_it_is_short(pieces: list[str]) -> None:
    """Text is taken in order and up to a length; then the card says that a file comes."""
    board = Board.of(_ROSTER)
    for piece in pieces:
        board.write(replace(_SIGN, delta=piece))
    whole = "".join(pieces)
    assert board.draft == whole[:LIVE_DRAFT_CHARACTERS]
    assert ("as a file" in plain_text(board.view())) is (len(whole) > LIVE_DRAFT_CHARACTERS)


@pytest.mark.parametrize(
    "changes", [{"phase": Phase.EDITOR}, {"total_blocks": 3}], ids=["an editor's words", "a revision"]
)
def test_only_a_first_draft_is_shown(changes: dict[str, Any]) -> None:
    """What editors write, and a revision by blocks, is no text to read."""
    board = Board.of(_ROSTER)
    assert not board.write(replace(_SIGN, delta="text", **changes))
    assert not Board.of({**_ROSTER, "drafts": False}).write(replace(_SIGN, delta="text"))
    assert board.draft == ""


def test_another_try_begins_with_an_empty_draft() -> None:
    """What a try left half-written is taken back."""
    board = Board.of(_ROSTER)
    assert not board.write(replace(_SIGN, state="started"))
    assert board.write(replace(_SIGN, delta="half"))
    assert board.write(replace(_SIGN, state="restarted"))
    assert "The draft" not in plain_text(board.view())


async def test_a_sign_that_finds_no_room_is_shown_later() -> None:
    """Nothing that a card has to say is lost to the pace."""
    clock, shown, refusals = FakeClock(auto=True), list[str](), [True, False]

    async def edit(_place: str, _post_id: str, post: Post) -> None:
        if refusals and refusals.pop(0):
            raise NoRoom("later", retry_after_seconds=5)
        shown.append(post.text)

    def draw(board: Board, kind: str) -> Post:
        return Post(board.draft, kind)

    cards: Cards[str, Post] = Cards(edit, draw, clock, pace=Pace(2.0, drafts=True))
    cards.know("here", "1", Post(""))
    cards.take("here", replace(_SIGN, delta="written"))
    task = cards._cards["here", "1"].task
    assert task is not None
    await task
    assert shown == ["written"]
    await cards.aclose()


@pytest.mark.parametrize("kind", [PostKind.SESSION_CARD, PostKind.ROUND_CARD])
def test_a_card_is_final_when_nothing_will_change_it_by_itself(kind: PostKind) -> None:
    """A card of what runs may wait; one of what ended must be seen at once."""
    running = replace(SNAPSHOT, session=replace(SNAPSHOT.session, status=Status.RUNNING))
    rounds = tuple(replace(item, finished_at=None) for item in SNAPSHOT.rounds)
    assert not is_settled(Content(kind, replace(running, rounds=rounds), round=1))
    assert is_settled(Content(kind, SNAPSHOT, round=1))
    assert is_settled(Content(PostKind.NOTICE, running))
