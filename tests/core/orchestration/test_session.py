"""A session from start to end on a real store, with a scripted model and without an engine."""

import pytest

from core.clock import Clock
from core.sessions.model import EndReason, Fate, Status
from core.sessions.ports import Store
from tests.core.orchestration.harness import Harness
from tests.fakes.model import ScriptedModel, helpful

ROOM = ("writer", "content", "style", "facts", "lead")


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(helpful({0: 5.0, 1: 6.0, 2: 7.0, 3: 8.0}))


@pytest.fixture
async def room(store: Store, clock: Clock, model: ScriptedModel) -> Harness:
    harness = Harness(store, clock, model)
    await harness.found()
    return harness


async def test_an_upload_is_read_first_then_revised(room: Harness, model: ScriptedModel) -> None:
    """Round 0 has no Writer; every later round is Writer, editors, Synthesizer; the last version wins here."""
    session = await room.begin()
    outcome = await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert outcome == {"next": "ended", "reason": "rounds"}
    assert shot.session.status is Status.COMPLETED
    assert shot.session.end_reason is EndReason.ROUNDS
    assert [(item.number, item.score) for item in shot.rounds] == [(0, 5.0), (1, 6.0), (2, 7.0)]
    assert len(shot.turns) == 4 + 5 + 5
    assert [version.number for version in shot.versions] == [0, 1, 2]
    assert shot.session.best_version == 2
    assert shot.versions[2].document.markdown.endswith("r1 r2\n")
    assert {note.fate for note in shot.notes if note.round < 2} == {Fate.APPLIED, Fate.DECLINED}
