"""A whole session over the real SDKs while a provider is down: who answers, what it costs, what people are told."""

from collections.abc import AsyncIterator, Sequence

import pytest

from bots.views.plain import plain_text
from bots.views.posts import view_of
from core.orchestration.ports import Content, Part, PostKind, Snapshot
from core.providers.base import Usage
from core.providers.catalogue import Catalogue
from core.providers.limits import Limits
from core.providers.registry import Credentials, ModelRegistry
from core.sessions.model import ParkReason, Status
from core.workspaces.model import Verbosity, WorkspaceSettings
from storage.database import Database
from tests.core.orchestration.harness import WORKSPACE, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful, whoever_asks
from tests.fakes.model_peer import ModelPeer, Script

pytestmark = pytest.mark.loopback

CHEAP, DEAR = "gemini-3.8-flash", "claude-sonnet-5-5"
STOOD_IN = f"{DEAR} answered because {CHEAP} could not."


@pytest.fixture
async def peer() -> AsyncIterator[ModelPeer]:
    server = ModelPeer(Catalogue.load())
    await server.start()
    server.answer = whoever_asks
    yield server
    await server.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(auto=True)


@pytest.fixture
async def registry(peer: ModelPeer, clock: FakeClock) -> AsyncIterator[ModelRegistry]:
    """All three providers with a key; which of them a workspace allows is the test's business."""
    urls = {f"{name}_base_url": peer.base_url(name) for name in ("anthropic", "google", "openai")}
    credentials = Credentials(anthropic_key="a", google_key="g", openai_key="o", **urls)
    built = ModelRegistry(Catalogue.load(), credentials, clock=clock, paid_calls=False, limits=Limits(pace_seconds=0.0))
    yield built
    await built.aclose()


async def _room(
    store: Database, clock: FakeClock, registry: ModelRegistry, *providers: str, verbosity: Verbosity = Verbosity.NORMAL
) -> Harness:
    room = Harness(store, clock, ScriptedModel(helpful({})), registry=registry)
    room.chat.renderer = _words
    settings = WorkspaceSettings(providers=providers, model=CHEAP, verbosity=verbosity)
    await room.found(settings=settings)
    return room


def _words(content: Content) -> Sequence[Part]:
    return (Part(text=plain_text(view_of(content)), payload={"kind": content.kind.value}),)


def _answered(shot: Snapshot) -> dict[int, set[str]]:
    return {item.number: {turn.model for turn in shot.turns if turn.round == item.number} for item in shot.rounds}


def _posts(room: Harness, kind: PostKind) -> list[str]:
    return [post.part.text for post in room.chat.posts if post.part.payload["kind"] == kind.value]


async def test_an_outage_in_the_middle_is_bridged_said_and_paid_to_the_micro_credit(
    store: Database, clock: FakeClock, registry: ModelRegistry, peer: ModelPeer
) -> None:
    """While a provider is down an allowed, dearer one answers, within what was held; when it is back it answers again.

    The round's card says who stood in, nothing else is posted, and nobody who is not allowed sees the text.
    """
    room = await _room(store, clock, registry, "google", "anthropic")
    session = await room.begin(cap_microcredits=200_000_000)  # so that no reply is cut short for money
    assert (await room.runner.step(session.id, session.segment))["next"] == "continue"
    peer.down = {"google"}
    assert (await room.runner.step(session.id, session.segment))["next"] == "continue"
    peer.down = set()
    clock.move(60)  # the circuit lets a probe through again
    await room.run(session.id)

    shot = await room.snapshot(session.id)
    assert shot.session.status is Status.COMPLETED
    assert _answered(shot) == {0: {CHEAP}, 1: {DEAR}, 2: {CHEAP}}
    cards = _posts(room, PostKind.ROUND_CARD)
    assert [card.count(STOOD_IN) for card in cards] == [0, 1, 0]
    assert _posts(room, PostKind.NOTICE) == []
    states = [update.state for update in room.chat.updates if update.round == 1 and update.role_key == "writer"]
    assert list(dict.fromkeys(states)) == ["started", "retrying", "fell_back", "writing", "finished"]
    assert not any("gpt" in str(body.get("model", "")) for body in peer.requests)
    assert peer.problems == []

    catalogue = registry.catalogue
    chain = (catalogue.get(CHEAP), catalogue.get(DEAR))
    holds = {item.id: item for item in await store.read(lambda tx: tuple(tx.credits.list_holds(WORKSPACE)))}
    for turn in shot.turns:
        spec, hold = catalogue.get(turn.model), holds[turn.id]
        role = shot.session.cast.role(turn.role_key)
        most = Usage(input_uncached_tokens=turn.usage.input_tokens, output_tokens=role.max_output_tokens)
        assert hold.amount_microcredits >= max(
            room.tariff.charge_microcredits(item, most, at=clock.now()) for item in chain
        )
        assert turn.charged_microcredits == room.tariff.charge_microcredits(spec, turn.usage, at=turn.finished_at)
    assert shot.spent_microcredits == sum(turn.charged_microcredits for turn in shot.turns)
    assert shot.held_microcredits == 0
    assert await room.differences() == ()


async def test_a_quiet_thread_hears_of_it_in_the_receipt(
    memory_store: Database, clock: FakeClock, registry: ModelRegistry, peer: ModelPeer
) -> None:
    """Who wants two posts a session gets no round's card, so the receipt says who stood in for whom, once."""
    room = await _room(memory_store, clock, registry, "google", "anthropic", verbosity=Verbosity.QUIET)
    peer.down = {"google"}
    session = await room.begin(notes_only=True)
    await room.run(session.id)
    (receipt,) = _posts(room, PostKind.RECEIPT)
    assert receipt.count(STOOD_IN) == 1
    assert _posts(room, PostKind.ROUND_CARD) == []


async def test_nobody_stands_in_who_is_not_allowed(
    memory_store: Database, clock: FakeClock, registry: ModelRegistry, peer: ModelPeer
) -> None:
    """Where a workspace allows one provider its outage parks the session; nothing is charged and no other is asked."""
    room = await _room(memory_store, clock, registry, "google")
    peer.down = {"google"}
    session = await room.begin()
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert (shot.session.status, shot.session.park_reason) == (Status.WAITING, ParkReason.PROVIDER)
    assert (shot.spent_microcredits, shot.held_microcredits) == (0, 0)
    assert all("contents" in body for body in peer.requests)  # Google's own shape
    peer.down = set()
    clock.move(60)
    await room.service.resume(session.id, actor="ann")
    await room.run(session.id)
    assert (await room.service.get(session.id)).status is Status.COMPLETED
    assert await room.differences() == ()


async def test_after_the_first_word_the_same_model_answers(
    memory_store: Database, clock: FakeClock, registry: ModelRegistry, peer: ModelPeer
) -> None:
    """A stream that breaks off in view of people is begun again by the same model: no stand-in, no word about one."""
    room = await _room(memory_store, clock, registry, "google", "anthropic")
    peer.script(Script(words=("Half ",), ends=False))
    session = await room.begin(notes_only=True)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert _answered(shot) == {0: {CHEAP}}
    assert not any(turn.notices for turn in shot.turns)
    assert [update.state for update in room.chat.updates].count("restarted") == 1
