"""Texts go when their time is over, once; what was paid, scored and marked as a favourite stays."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from bots.views.receipt import receipt_post
from bots.views.session_card import session_card
from core.billing.model import NoticeKind, RetentionTerm
from core.billing.ports import BillingStore, BillingTransaction
from core.billing.retention import LEAST_DAYS, NOTICE, Retention, days_of, next_term
from core.credits.tiers import load_price_list
from core.errors import TransientError
from core.sessions.errors import SessionNotFound
from core.sessions.model import Session
from core.workspaces.model import Workspace, WorkspaceSettings
from storage.database import Database
from tests.core.orchestration.harness import MEMBER, WORKSPACE, Harness, MemoryFiles
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful

PRICES = load_price_list()
FREE = PRICES.tier("free").retention_days or 0
PRO = PRICES.tier("pro").retention_days or 0
DAY = 86_400


class Archive(Harness):
    """A room with a job that clears it up."""

    def retention(self, *, own_days: int | None = None) -> Retention:
        return Retention(
            store=cast("BillingStore", self.store),
            files=self.files,
            prices=PRICES,
            clock=self.clock,
            own_days=own_days,
            tells=True,
        )

    async def clear(self, *, own_days: int | None = None) -> int:
        """Run the job, and return of how many sessions it removed something."""
        return await self.retention(own_days=own_days).run()

    def pass_days(self, days: float) -> None:
        cast("FakeClock", self.clock).move(days * DAY)

    async def ended(self) -> Session:
        """Return a session that ran to its end now."""
        session = await self.begin()
        await self.run(session.id)
        return await self.service.get(session.id)

    async def set_tier(self, tier: str) -> None:
        await self.store.write(lambda tx: tx.workspaces.set_tier(WORKSPACE, tier))

    async def audited(self, action: str) -> int:
        entries = await self.store.read(lambda tx: tx.audit.list_entries(workspace_id=WORKSPACE, limit=1_000))
        return len([entry for entry in entries if entry.action == action])

    async def told(self) -> list[dict[str, object]]:
        """Return what buyers are told of texts that will go."""
        store = cast("BillingStore", self.store)
        found = await store.read(lambda tx: tx.billing.list_open_notices())
        return [item.facts for item in found if item.kind is NoticeKind.TEXTS_EXPIRE]


async def make_archive(store: Database, tier: str = "free") -> Archive:
    archive = Archive(store, FakeClock(auto=True), ScriptedModel(helpful({0: 6.0, 1: 7.0, 2: 7.5})))
    await archive.found(tier=tier)
    await archive.clear()  # the job of its first day
    return archive


@pytest.fixture
async def archive(memory_store: Database) -> Archive:
    """A workspace of the free tier."""
    return await make_archive(memory_store)


async def test_texts_go_when_their_time_is_over_and_the_receipt_stays(store: Database) -> None:
    """On both databases: no text, file or byte is left, and ledger, receipt and scores are as before; it says so."""
    archive = await make_archive(store)
    session = await archive.ended()
    before = await archive.snapshot(session.id)
    assert archive.kept
    archive.pass_days(FREE - 1)
    assert await archive.clear() == 0
    archive.pass_days(1.1)
    assert [await archive.clear() for _ in range(2)] == [1, 0]
    after = await archive.snapshot(session.id)
    assert receipt_post(after) == receipt_post(before)
    assert [turn.score for turn in after.turns] == [turn.score for turn in before.turns]
    assert (after.notes, after.versions, after.files, after.guidance) == ((), (), (), ())
    assert {turn.text for turn in after.turns} == {""}
    attempts = await archive.store.read(lambda tx: tx.sessions.list_attempts(session.id))
    assert {attempt.text for attempt in attempts} <= {""}
    assert archive.kept == {}
    assert f"after {FREE} days" in str(session_card(after))
    assert await archive.differences() == ()


async def test_favourites_and_what_runs_or_waits_are_kept(archive: Archive) -> None:
    """A star keeps texts; without it they go the next time. A session that is paused has not ended."""
    starred = await archive.ended()
    await archive.service.star(starred.id, starred=True, actor=MEMBER)
    paused = await archive.begin()
    await archive.service.pause(paused.id, actor=MEMBER)
    archive.pass_days(FREE + 1)
    assert await archive.clear() == 0
    await archive.service.star(starred.id, starred=False, actor=MEMBER)
    assert await archive.clear() == 1
    assert (await archive.service.get(paused.id)).brief


async def test_going_on_with_a_session_begins_its_time_anew(archive: Archive) -> None:
    """What counts is when it ended last."""
    session = await archive.ended()
    archive.pass_days(FREE - 5)
    again = replace(session, ended_at=archive.clock.now())  # as one more round leaves it
    await archive.store.write(lambda tx: tx.sessions.save(again))
    archive.pass_days(10)
    assert await archive.clear() == 0
    archive.pass_days(FREE)
    assert await archive.clear() == 1


async def test_a_draft_that_nobody_started_goes_wholly(archive: Archive) -> None:
    """It cost nothing, so there is no receipt; its upload goes too."""
    draft = await archive.service.create(archive.request())
    archive.pass_days(FREE + 1)
    assert await archive.clear() == 1
    with pytest.raises(SessionNotFound):
        await archive.service.get(draft.id)
    assert archive.kept == {}


async def test_any_number_of_processes_removes_each_once(postgres_store: Database) -> None:
    """More than a batch of sessions, five processes at once: each goes once, and all of them go."""
    archive = await make_archive(postgres_store)
    first = await archive.ended()

    def many(tx: BillingTransaction) -> None:
        for number in range(60):
            tx.sessions.add(replace(first, id=f"s_{number:03}"))

    await cast("BillingStore", archive.store).write(many)
    archive.pass_days(FREE + 1)
    assert sum(await asyncio.gather(*(archive.clear() for _ in range(5)))) == 61
    assert await archive.audited("session_expired") == 61


class Brittle(MemoryFiles):
    """Files that cannot be deleted at first, as when a process dies between the commit and the file store."""

    is_away = True
    locked = ""

    @override
    async def delete(self, key: str) -> None:
        if self.is_away or key == self.locked:
            raise TransientError("the file store is away")
        await super().delete(key)


@pytest.mark.parametrize("how", ["expired", "forgotten", "deleted"])
async def test_bytes_that_outlived_their_process_go_later(store: Database, how: str) -> None:
    """Expired, cleared or deleted by a person: bytes that could not be deleted then are deleted by the job."""
    archive = await make_archive(store)
    files = Brittle()
    archive.files = files
    archive.rebuild()
    session = await archive.ended()
    if how == "expired":
        archive.pass_days(FREE + 1)
        assert await archive.clear() == 1
    else:
        with pytest.raises(TransientError):
            await (archive.service.delete if how == "deleted" else archive.service.forget_texts)(
                session.id, actor=MEMBER
            )
    assert files.data
    files.is_away = False
    await archive.clear()
    assert files.data == {}


async def test_a_file_that_cannot_be_deleted_keeps_no_other(store: Database) -> None:
    """The job goes on behind it, ends, and tries it again the next time."""
    archive = await make_archive(store)
    files = Brittle()
    files.is_away = False
    archive.files = files
    archive.rebuild()
    for _ in range(2):
        await archive.ended()
    files.locked = min(files.data)
    archive.pass_days(FREE + 1)
    assert await archive.clear() == 2
    assert set(files.data) == {files.locked}
    files.locked = ""
    await archive.clear()
    assert files.data == {}


async def test_a_shorter_term_is_announced_and_begins_two_weeks_later(archive: Archive) -> None:
    """Pro becomes Free: those who may buy are told once what goes when; nothing goes before. The way up holds at once."""
    await archive.set_tier("pro")
    await archive.ended()
    await archive.clear()
    archive.pass_days(FREE + 5)
    await archive.set_tier("free")
    assert [await archive.clear() for _ in range(2)] == [0, 0]
    [facts] = await archive.told()
    assert facts["days"] == FREE
    begins = datetime.fromisoformat(str(facts["from_at"]))
    assert abs(begins - archive.clock.now() - NOTICE) < timedelta(minutes=5)
    archive.pass_days(NOTICE.days - 1)
    assert await archive.clear() == 0
    await archive.set_tier("pro")
    assert await archive.clear() == 0
    archive.pass_days(2)
    assert await archive.clear() == 0, "taken back in time"
    await archive.set_tier("free")
    await archive.clear()
    archive.pass_days(NOTICE.days + 1)
    assert await archive.clear() == 1


async def test_a_shop_that_opens_removes_nothing_at_once(memory_store: Database) -> None:
    """Who was unlimited for years gets two weeks' notice, not an empty archive the next morning."""
    archive = await make_archive(memory_store, tier="unlimited")
    await archive.ended()
    archive.pass_days(400)
    assert await archive.clear() == 0
    await archive.set_tier("free")
    assert await archive.clear() == 0
    assert len(await archive.told()) == 1
    archive.pass_days(NOTICE.days + 1)
    assert await archive.clear() == 1


async def test_where_nothing_is_sold_only_the_operator_says(memory_store: Database) -> None:
    """Without a shop texts are kept for ever, unless RETENTION_DAYS is set."""
    archive = await make_archive(memory_store, tier="unlimited")
    await archive.ended()
    archive.pass_days(4_000)
    assert await archive.clear() == 0
    assert await archive.clear(own_days=90) == 0
    archive.pass_days(NOTICE.days + 1)
    assert await archive.clear(own_days=90) == 1


def workspace(tier: str, chosen: int | None = None) -> Workspace:
    return Workspace(
        WORKSPACE, "fake", "", FakeClock().now(), tier=tier, settings=WorkspaceSettings(retention_days=chosen)
    )


def test_a_workspace_may_choose_fewer_days_than_its_plan() -> None:
    """Never more, and never fewer than requests are kept; the operator's number is for where nothing is sold."""
    assert days_of(PRICES, workspace("pro", 60), own_days=None) == 60
    assert days_of(PRICES, workspace("free", 60), own_days=None) == FREE
    assert days_of(PRICES, workspace("pro", 1), own_days=None) == LEAST_DAYS
    assert days_of(PRICES, workspace("pro"), own_days=10) == PRO
    assert days_of(PRICES, workspace("unlimited"), own_days=10) == 10
    assert days_of(PRICES, workspace("unlimited"), own_days=None) is None


DAYS = st.one_of(st.none(), st.integers(LEAST_DAYS, 1_000))


@given(begin=DAYS, wishes=st.lists(st.tuples(st.integers(0, 40), DAYS), max_size=30))
def test_nothing_goes_sooner_than_two_weeks_after_it_was_announced(
    begin: int | None, wishes: list[tuple[int, int | None]]
) -> None:
    """Whatever is wished in whatever order: a term gets shorter only after it was wanted so short for two weeks."""
    clock = FakeClock()
    term, since = RetentionTerm("w", begin), clock.now()
    short_since: datetime | None = None
    for pause, wanted in wishes:
        clock.move(pause * DAY)
        now = clock.now()
        after = next_term(term, wanted, now)
        is_shorter = wanted is not None and (term.days is None or wanted < term.days)
        if not is_shorter:
            assert after == RetentionTerm("w", wanted)
            short_since = None
        else:
            short_since = short_since or now
            if after.days != term.days:
                assert after == RetentionTerm("w", wanted)
                assert now - short_since >= NOTICE
                short_since = None
            else:
                assert after.shorter_days == wanted
        term = after
    assert clock.now() >= since
