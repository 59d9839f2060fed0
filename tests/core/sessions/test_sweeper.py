"""What is due is done though nobody asks, and one session's trouble is not another's."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from core.credits.errors import InsufficientCredits, NotEntitled
from core.errors import ConflictError
from core.sessions.admission import Admission
from core.sessions.errors import NotPossibleNow
from core.sessions.model import ParkReason, Session, Status
from core.sessions.ports import Transaction
from core.sessions.sweeper import Sweeper
from storage.database import Database
from tests.core.orchestration.harness import Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful


@dataclass
class _Verbs:
    """Remembers what it was asked, and fails for some."""

    failures: dict[str, Exception] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def resume(self, session_id: str, *, actor: str) -> Session:
        return self._do("resume", session_id)

    async def stop(self, session_id: str, *, actor: str) -> Session:
        return self._do("stop", session_id)

    def _do(self, verb: str, session_id: str) -> Session:
        self.asked.append((verb, session_id))
        raise self.failures.get(session_id, NotPossibleNow(verb, Status.WAITING))


@pytest.mark.parametrize(
    "failure",
    [
        NotEntitled(limit="models", allowed="light", asked="premium", lifted_by="pro"),
        InsufficientCredits(required_microcredits=2, available_microcredits=1),
        ConflictError("somebody was faster"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_session_that_may_not_go_on_keeps_no_other_from_it(memory_store: Database, failure: Exception) -> None:
    """Whatever one session's tier, balance or status refuses, the others that are due are woken."""
    room = Harness(memory_store, FakeClock(auto=True), ScriptedModel(helpful({0: 5.0})))
    await room.found()
    drafts = [await room.service.create(room.request()) for _ in range(3)]
    due = room.clock.now() - timedelta(minutes=1)

    def wait(tx: Transaction) -> None:
        for draft in drafts:
            waiting = replace(draft, status=Status.WAITING, park_reason=ParkReason.PROVIDER, wake_at=due)
            tx.sessions.save(waiting)

    await memory_store.write(wait)
    admission = Admission(intake=room.intake, prices=room.prices, tariff=room.tariff, clock=room.clock)
    sweeper = Sweeper(store=memory_store, admission=admission, engine=room.engine, clock=room.clock)
    verbs = _Verbs({drafts[0].id: failure})
    assert await sweeper.sweep(verbs) == 3
    assert sorted(verbs.asked) == sorted(("resume", draft.id) for draft in drafts)
