"""Requests that come twice, and workspaces that have left."""

from dataclasses import replace

import pytest

from core.sessions.errors import BadRequest, NotPossibleNow
from core.sessions.model import Status
from core.sessions.ports import Transaction
from storage.database import Database
from tests.core.orchestration.harness import WORKSPACE, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful


@pytest.fixture
async def house(memory_store: Database) -> Harness:
    harness = Harness(memory_store, FakeClock(), ScriptedModel(helpful({0: 6.0})))
    await harness.found()
    return harness


async def test_a_request_that_names_its_session_makes_it_once(house: Harness) -> None:
    """A process may die between making the session and remembering that it did."""
    asked = house.request(session_id="s_asked")
    first = await house.service.create(asked)
    await house.service.start(first.id, actor="x")
    again = await house.service.create(replace(asked, brief="Something else."))
    assert (again.id, again.brief, again.status) == ("s_asked", first.brief, Status.QUEUED)
    assert len(await house.service.list_sessions()) == 1


async def test_nothing_starts_where_the_app_was_removed(house: Harness) -> None:
    """A workspace that left can neither start nor resume; its draft is kept."""
    draft = await house.service.create(house.request())

    def remove(tx: Transaction) -> None:
        workspace = tx.workspaces.find(WORKSPACE)
        assert workspace is not None
        tx.workspaces.save(replace(workspace, removed_at=house.clock.now()))

    await house.store.write(remove)
    with pytest.raises(BadRequest, match="removed"):
        await house.service.start(draft.id, actor="x")
    assert (await house.service.get(draft.id)).status is Status.DRAFT


@pytest.mark.parametrize("was", [Status.RUNNING, Status.PAUSING], ids=str)
@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_nothing_takes_a_stop_back(house: Harness, was: Status, verb: str) -> None:
    """While a session stops, neither pausing nor resuming changes that, and whoever tries is told so."""
    session = await house.service.create(house.request())
    await house.store.write(lambda tx: tx.sessions.save(replace(session, status=was)))
    stopping = await house.service.stop(session.id, actor="x")
    with pytest.raises(NotPossibleNow) as refused:
        await getattr(house.service, verb)(session.id, actor="x")
    assert (refused.value.verb, refused.value.status) == (verb, Status.STOPPED)
    assert await house.service.get(session.id) == stopping
