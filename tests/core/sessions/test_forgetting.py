"""What is left of a session whose texts were removed."""

import pytest

from bots.views.receipt import receipt_post
from bots.views.session_card import session_card
from core.sessions.errors import NotPossibleNow, TextsForgotten
from storage.database import Database
from tests.core.orchestration.harness import MEMBER, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful


@pytest.fixture
async def house(memory_store: Database) -> Harness:
    harness = Harness(memory_store, FakeClock(auto=True), ScriptedModel(helpful({0: 6.0, 1: 7.0, 2: 7.5})))
    await harness.found()
    return harness


async def test_the_receipt_reads_as_before(house: Harness) -> None:
    """Rounds, roles, models, scores and amounts are there; no text, no file and no byte of one is."""
    session = await house.begin()
    await house.run(session.id)
    before = await house.snapshot(session.id)
    assert house.kept
    await house.service.forget_texts(session.id, actor=MEMBER)
    after = await house.snapshot(session.id)
    assert receipt_post(after) == receipt_post(before)
    assert (after.notes, after.versions, after.files, after.guidance) == ((), (), (), ())
    assert house.kept == {}
    assert after.session.brief == ""
    assert after.session.title == f"Session of {session.created_at:%Y-%m-%d}"
    assert "were removed" in str(session_card(after))
    assert await house.differences() == ()


async def test_what_was_forgotten_cannot_go_on(house: Harness) -> None:
    """One more round would have nothing to work on; a repeat of forgetting changes nothing."""
    session = await house.begin()
    with pytest.raises(NotPossibleNow):
        await house.service.forget_texts(session.id, actor=MEMBER)
    await house.run(session.id)
    await house.service.forget_texts(session.id, actor=MEMBER)
    first = await house.service.get(session.id)
    with pytest.raises(TextsForgotten):
        await house.service.one_more_round(session.id, actor=MEMBER)
    with pytest.raises(TextsForgotten):
        await house.service.continue_(session.id, actor=MEMBER, guidance="Shorter.")
    await house.service.forget_texts(session.id, actor=MEMBER)
    assert await house.service.get(session.id) == first
