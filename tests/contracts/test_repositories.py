"""Laws of the repositories, each on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.errors import ConflictError
from core.sessions.forgetting import forget_texts
from core.sessions.model import Fate, Status
from core.sessions.ports import Arrival, AuditEntry, OutboxRow, OutboxState, Transaction
from core.sessions.projects import Projects
from core.workspaces.model import Template, Verbosity
from storage.database import Database
from storage.models.base import metadata
from storage.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock
from tests.storage import samples
from tests.storage.samples import MEMBER, NOW, PROJECT, WORKSPACE

MINUTE = timedelta(minutes=1)


def seed(tx: Transaction) -> None:
    tx.workspaces.save(WORKSPACE)
    tx.workspaces.save_project(PROJECT)
    tx.sessions.add(samples.session())


@pytest.fixture
async def seeded(store: Database) -> Database:
    """A store that holds a workspace, a project and session ``s_1``."""
    await store.write(seed)
    return store


class TestWorkspaces:
    async def test_come_back_as_they_went_in(self, store: Database) -> None:
        """Workspace, member and project survive with every field."""

        def work(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            tx.workspaces.save_member(MEMBER)
            tx.workspaces.save_project(PROJECT)

        await store.write(work)
        assert await store.read(lambda tx: tx.workspaces.find(WORKSPACE.id)) == WORKSPACE
        assert await store.read(lambda tx: tx.workspaces.find_member(MEMBER.id)) == MEMBER
        assert await store.read(lambda tx: tx.workspaces.find_project(PROJECT.id)) == PROJECT

    async def test_memberships_of_a_person_are_found_newest_first(self, store: Database) -> None:
        """One person of a platform is a member of each workspace that knows them."""
        other = replace(WORKSPACE, id="slack:T9")
        again = replace(
            MEMBER, id=f"{other.id}/{MEMBER.external_id}", workspace_id=other.id, created_at=MEMBER.created_at + MINUTE
        )

        def work(tx: Transaction) -> None:
            for workspace in (WORKSPACE, other):
                tx.workspaces.save(workspace)
            for member in (MEMBER, again, replace(MEMBER, id=f"{other.id}/x", workspace_id=other.id, external_id="x")):
                tx.workspaces.save_member(member)

        await store.write(work)
        assert await store.read(lambda tx: tx.workspaces.list_memberships(MEMBER.external_id)) == [again, MEMBER]

    async def test_saving_again_updates(self, store: Database) -> None:
        """Save inserts once and then updates, and the moment of creation stays."""
        await store.write(lambda tx: tx.workspaces.save(WORKSPACE))
        changed = replace(WORKSPACE, tier="free", removed_at=NOW, created_at=NOW + MINUTE)
        await store.write(lambda tx: tx.workspaces.save(changed))
        found = await store.read(lambda tx: tx.workspaces.list_all())
        assert found == [replace(changed, created_at=NOW)]

    async def test_unknown_ones_are_none(self, store: Database) -> None:
        """What is not there is None, or an empty list."""
        assert await store.read(lambda tx: tx.workspaces.find("x")) is None
        assert await store.read(lambda tx: tx.workspaces.find_member("x")) is None
        assert await store.read(lambda tx: tx.workspaces.find_project("x")) is None
        assert await store.read(lambda tx: tx.workspaces.list_members("x")) == []

    async def test_listing_pages_by_id(self, store: Database) -> None:
        """A page starts after the id that the page before ended with."""
        ids = ["discord:1", "slack:T1", "slack:T2", "terminal:local"]

        def work(tx: Transaction) -> None:
            for workspace_id in reversed(ids):
                tx.workspaces.save(replace(WORKSPACE, id=workspace_id))

        await store.write(work)
        page = await store.read(lambda tx: tx.workspaces.list_all(limit=2, after="discord:1"))
        assert [item.id for item in page] == ids[1:3]

    async def test_archived_projects_are_shown_on_demand(self, store: Database) -> None:
        """A listing leaves archived projects out unless they are asked for."""
        archived = replace(PROJECT, id="p_2", key="old", archived_at=NOW, created_at=NOW + MINUTE)

        def work(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            tx.workspaces.save_project(archived)
            tx.workspaces.save_project(PROJECT)

        await store.write(work)
        assert await store.read(lambda tx: tx.workspaces.list_projects(WORKSPACE.id)) == [PROJECT]
        everything = await store.read(lambda tx: tx.workspaces.list_projects(WORKSPACE.id, archived=True))
        assert everything == [PROJECT, archived]

    async def test_a_name_is_one_projects(self, store: Database) -> None:
        """Of members who ask for the same name at once, one gets it; all are of one workspace."""
        await store.write(lambda tx: tx.workspaces.save(WORKSPACE))
        projects = Projects(store=store, clock=FakeClock())
        asked = (projects.create(WORKSPACE.id, name, actor=MEMBER.id) for name in ("Launch", "launch", "LAUNCH"))
        made = await asyncio.gather(*asked, return_exceptions=True)
        assert sorted(type(one).__name__ for one in made) == ["NameTaken", "NameTaken", "Project"]
        assert len(await store.read(lambda tx: tx.workspaces.list_projects(WORKSPACE.id))) == 1


class TestTemplates:
    async def test_come_back_as_they_went_in(self, store: Database) -> None:
        """With every field, oldest first, until they are deleted, once."""
        full = Template(
            "t_1", WORKSPACE.id, "Weekly", NOW, "weekly", MEMBER.id, "Write it.", "standard", 3, 2, 7.5, "claude",
            10**12, "de-CH", Verbosity.FULL, "House style", notes_only=True,
        )  # fmt: skip
        bare = Template("t_2", WORKSPACE.id, "Bare", NOW + MINUTE, "bare")

        def work(tx: Transaction) -> None:
            tx.workspaces.save(WORKSPACE)
            tx.templates.add(bare)
            tx.templates.add(full)

        await store.write(work)
        assert await store.read(lambda tx: tx.templates.list_templates(WORKSPACE.id)) == [full, bare]
        assert await store.read(lambda tx: tx.templates.list_templates("slack:T9")) == []
        changed = replace(full, name="Monthly", key="monthly", brief="", rounds=None, threshold=None)
        await store.write(lambda tx: tx.templates.save(changed))
        assert await store.read(lambda tx: tx.templates.list_templates(WORKSPACE.id)) == [changed, bare]
        assert await store.write(lambda tx: tx.templates.delete("t_1"))
        assert not await store.write(lambda tx: tx.templates.delete("t_1"))
        assert await store.read(lambda tx: tx.templates.find("t_1")) is None
        assert await store.read(lambda tx: tx.templates.find("t_2")) == bare


class TestSessions:
    async def test_come_back_as_they_went_in(self, seeded: Database) -> None:
        """A session survives with every field, its cast and its thread."""
        assert await seeded.read(lambda tx: tx.sessions.find("s_1")) == samples.session()
        assert await seeded.read(lambda tx: tx.sessions.find("s_2")) is None

    async def test_saving_keeps_who_and_when(self, seeded: Database) -> None:
        """Save updates everything that can change; other sessions stay as they are."""
        other = samples.session("s_2")
        changed = samples.session(status=Status.RUNNING, segment=4, park_reason=None, wake_at=None, title="New")

        def work(tx: Transaction) -> None:
            tx.sessions.add(other)
            tx.sessions.save(changed)

        await seeded.write(work)
        assert await seeded.read(lambda tx: tx.sessions.find("s_1")) == changed
        assert await seeded.read(lambda tx: tx.sessions.find("s_2")) == other

    async def test_locking_returns_the_session(self, seeded: Database) -> None:
        """Lock finds what find finds, and nothing where there is nothing."""
        assert await seeded.write(lambda tx: tx.sessions.lock("s_1")) == samples.session()
        assert await seeded.write(lambda tx: tx.sessions.lock("s_2")) is None

    async def test_listing_filters_and_orders(self, seeded: Database) -> None:
        """Sessions come newest first, narrowed by every filter that is given."""

        def work(tx: Transaction) -> None:
            tx.workspaces.save(replace(WORKSPACE, id="other"))
            tx.sessions.add(samples.session("s_2", created_at=NOW + MINUTE, status=Status.RUNNING, project_id=None))
            tx.sessions.add(samples.session("s_3", created_at=NOW + 2 * MINUTE, member_id="m", project_id=None))
            tx.sessions.add(samples.session("s_4", created_at=NOW + 3 * MINUTE, workspace_id="other"))

        await seeded.write(work)

        async def ids(**filters: object) -> list[str]:
            found = await seeded.read(lambda tx: tx.sessions.list_sessions(**filters))  # type: ignore[arg-type]
            return [item.id for item in found]

        assert await ids() == ["s_4", "s_3", "s_2", "s_1"]
        assert await ids(limit=1) == ["s_4"]
        assert await ids(workspace_id=WORKSPACE.id) == ["s_3", "s_2", "s_1"]
        assert await ids(member_id="m") == ["s_3"]
        assert await ids(project_id=PROJECT.id) == ["s_4", "s_1"]
        assert await ids(statuses=[Status.RUNNING, Status.FAILED]) == ["s_2"]
        assert await ids(before=NOW + 2 * MINUTE) == ["s_2", "s_1"]

    async def test_due_ones_are_waiting_and_their_time_has_come(self, seeded: Database) -> None:
        """Only a WAITING session whose moment has come is due, the longest waiting first."""

        def work(tx: Transaction) -> None:
            tx.sessions.add(samples.session("s_2", wake_at=NOW))
            tx.sessions.add(samples.session("s_3", wake_at=NOW + 6 * MINUTE))
            tx.sessions.add(samples.session("s_4", wake_at=None))
            tx.sessions.add(samples.session("s_5", wake_at=NOW, status=Status.PAUSED))

        await seeded.write(work)
        due = await seeded.read(lambda tx: tx.sessions.list_due(NOW + 5 * MINUTE))
        assert [item.id for item in due] == ["s_2", "s_1"]

    async def test_counting(self, seeded: Database) -> None:
        """Count knows workspace, statuses and the first moment, that moment included."""
        await seeded.write(
            lambda tx: tx.sessions.add(samples.session("s_2", status=Status.RUNNING, created_at=NOW + MINUTE))
        )
        assert await seeded.read(lambda tx: tx.sessions.count(WORKSPACE.id)) == 2
        assert await seeded.read(lambda tx: tx.sessions.count(WORKSPACE.id, statuses=[Status.RUNNING])) == 1
        assert await seeded.read(lambda tx: tx.sessions.count(WORKSPACE.id, since=NOW + MINUTE)) == 1
        assert await seeded.read(lambda tx: tx.sessions.count("other")) == 0

    async def test_the_models_in_use(self, seeded: Database) -> None:
        """Each model that a session was made with is listed once."""

        def add(tx: Transaction) -> None:
            for number, model in enumerate(("zeta", "alpha", "zeta"), 2):
                tx.sessions.add(samples.session(f"s_{number}", model=model))

        await seeded.write(add)
        first = samples.session().model
        assert await seeded.read(lambda tx: list(tx.sessions.list_models())) == sorted({"alpha", "zeta", first})

    async def test_a_thread_finds_its_newest_session(self, seeded: Database) -> None:
        """Of several sessions in one thread the newest is found."""
        newer = samples.session("s_2", created_at=NOW + MINUTE)
        await seeded.write(lambda tx: tx.sessions.add(newer))
        assert await seeded.read(lambda tx: tx.sessions.find_by_thread("slack", "C1", "1.2")) == newer
        assert await seeded.read(lambda tx: tx.sessions.find_by_thread("slack", "C1", "9.9")) is None

    async def test_a_session_needs_its_workspace(self, store: Database) -> None:
        """The database refuses a session that nobody pays for."""
        with pytest.raises(sa.exc.IntegrityError):
            await store.write(lambda tx: tx.sessions.add(samples.session(project_id=None)))


class TestRecords:
    async def test_come_back_as_they_went_in(self, seeded: Database) -> None:
        """File, round, turn, attempt, note, version and guidance survive with every field."""

        def work(tx: Transaction) -> None:
            tx.sessions.add_file(samples.session_file())
            tx.sessions.save_round(samples.round_())
            tx.sessions.add_turn(samples.turn())
            tx.sessions.save_attempt(samples.attempt())
            tx.sessions.save_notes([samples.note()])
            tx.sessions.save_version(samples.version())
            tx.sessions.save_guidance(samples.guidance())

        await seeded.write(work)
        assert await seeded.read(lambda tx: tx.sessions.list_files("s_1")) == [samples.session_file()]
        assert await seeded.read(lambda tx: tx.sessions.list_rounds("s_1")) == [samples.round_()]
        assert await seeded.read(lambda tx: tx.sessions.find_turn(samples.turn().id)) == samples.turn()
        assert await seeded.read(lambda tx: tx.sessions.list_attempts("s_1")) == [samples.attempt()]
        assert await seeded.read(lambda tx: tx.sessions.list_notes("s_1")) == [samples.note()]
        assert await seeded.read(lambda tx: tx.sessions.find_version("s_1", 0)) == samples.version()
        assert await seeded.read(lambda tx: tx.sessions.list_versions("s_1")) == [samples.version()]
        assert await seeded.read(lambda tx: tx.sessions.list_guidance("s_1")) == [samples.guidance()]

    async def test_a_turn_is_recorded_once(self, seeded: Database) -> None:
        """A second turn with the same id is a conflict, and the first one stays."""
        await seeded.write(lambda tx: tx.sessions.add_turn(samples.turn()))
        with pytest.raises(ConflictError):
            await seeded.write(lambda tx: tx.sessions.add_turn(samples.turn(text="again")))
        assert await seeded.read(lambda tx: tx.sessions.list_turns("s_1")) == [samples.turn()]

    async def test_turns_come_by_round_and_finish(self, seeded: Database) -> None:
        """Turns are listed by round, then in order of finishing."""

        def work(tx: Transaction) -> None:
            tx.sessions.add_turn(samples.turn("a", 2))
            tx.sessions.add_turn(samples.turn("b", 1, finished_at=NOW + 2 * MINUTE))
            tx.sessions.add_turn(samples.turn("c", 1, finished_at=NOW + MINUTE))

        await seeded.write(work)
        turns = await seeded.read(lambda tx: tx.sessions.list_turns("s_1"))
        assert [item.role_key for item in turns] == ["c", "b", "a"]

    async def test_a_repeated_file_is_ignored(self, seeded: Database) -> None:
        """The first file with an id is the one that stays."""

        def work(tx: Transaction) -> None:
            tx.sessions.add_file(samples.session_file())
            tx.sessions.add_file(samples.session_file(name="b.docx"))

        await seeded.write(work)
        assert await seeded.read(lambda tx: tx.sessions.list_files("s_1")) == [samples.session_file()]

    async def test_saving_again_updates(self, seeded: Database) -> None:
        """Round, attempt, note, version and guidance are updated by a second save."""

        def work(tx: Transaction) -> None:
            tx.sessions.save_round(samples.round_(score=None, finished_at=None))
            tx.sessions.save_round(samples.round_())
            tx.sessions.save_attempt(samples.attempt(text=""))
            tx.sessions.save_attempt(samples.attempt())
            tx.sessions.save_notes([samples.note(fate=Fate.OPEN)])
            tx.sessions.save_notes([samples.note(), samples.note(2)])
            tx.sessions.save_notes([])
            tx.sessions.save_version(samples.version(score=None))
            tx.sessions.save_version(samples.version())
            tx.sessions.save_guidance(samples.guidance(taken_round=None))
            tx.sessions.save_guidance(samples.guidance())

        await seeded.write(work)
        assert await seeded.read(lambda tx: tx.sessions.list_rounds("s_1")) == [samples.round_()]
        assert await seeded.read(lambda tx: tx.sessions.list_attempts("s_1")) == [samples.attempt()]
        assert await seeded.read(lambda tx: tx.sessions.list_notes("s_1")) == [samples.note(), samples.note(2)]
        assert await seeded.read(lambda tx: tx.sessions.list_versions("s_1")) == [samples.version()]
        assert await seeded.read(lambda tx: tx.sessions.list_guidance("s_1")) == [samples.guidance()]

    async def test_notes_come_in_order_of_their_number(self, seeded: Database) -> None:
        """n2 comes before n10."""
        await seeded.write(lambda tx: tx.sessions.save_notes([samples.note(n) for n in (10, 2, 100, 1)]))
        notes = await seeded.read(lambda tx: tx.sessions.list_notes("s_1"))
        assert [item.id for item in notes] == ["n1", "n2", "n10", "n100"]

    async def test_deleting_takes_everything_with_it(self, seeded: Database) -> None:
        """A deleted session leaves no record behind, and other sessions keep theirs."""

        def work(tx: Transaction) -> None:
            tx.sessions.add(samples.session("s_2"))
            tx.sessions.save_notes([samples.note(), samples.note(session_id="s_2")])
            tx.sessions.add_turn(samples.turn())
            tx.sessions.save_version(samples.version())
            tx.outbox.add(OutboxRow("k1", "s_1", "turn", NOW))
            tx.sessions.delete("s_1")

        await seeded.write(work)
        assert await seeded.read(lambda tx: tx.sessions.find("s_1")) is None
        assert await seeded.read(lambda tx: tx.sessions.list_notes("s_1")) == []
        assert await seeded.read(lambda tx: tx.sessions.find_turn(samples.turn().id)) is None
        assert await seeded.read(lambda tx: tx.sessions.list_versions("s_1")) == []
        assert await seeded.read(lambda tx: tx.outbox.find("k1")) is None
        assert len(await seeded.read(lambda tx: tx.sessions.list_notes("s_2"))) == 1

    async def test_spending_is_that_of_the_named_sessions(self, seeded: Database) -> None:
        """The sum of what their turns cost; of none it is nothing."""

        def work(tx: Transaction) -> None:
            tx.sessions.add(samples.session("s_2"))
            tx.sessions.add_turn(samples.turn(charged_microcredits=5))
            tx.sessions.add_turn(samples.turn("tone", charged_microcredits=7))
            tx.sessions.add_turn(samples.turn(id="s_2/r1/style", session_id="s_2", charged_microcredits=100))

        await seeded.write(work)
        assert await seeded.read(lambda tx: tx.sessions.spent_on(["s_1", "s_9"])) == 12
        assert await seeded.read(lambda tx: tx.sessions.spent_on([])) == 0

    async def test_forgetting_leaves_no_word_and_every_price(self, seeded: Database) -> None:
        """Nothing that people or models wrote is in any table; scores and charges stay, other sessions keep theirs."""

        def work(tx: Transaction) -> None:
            tx.sessions.add(samples.session("s_2"))
            tx.sessions.save_notes([samples.note(comment="Mauve."), samples.note(session_id="s_2")])
            tx.sessions.add_turn(samples.turn(text="Mauve.", summary="Mauve.", self_assessment="Mauve."))
            tx.sessions.save_attempt(samples.attempt(text="Mauve."))
            tx.sessions.save_round(samples.round_(plan=("Mauve.",), summary="Mauve.", questions=("Mauve?",)))
            tx.sessions.save_version(samples.version())
            tx.sessions.save_guidance(samples.guidance(text="Mauve."))
            tx.sessions.add_file(samples.session_file(name="mauve.docx", extracted="Mauve."))
            tx.outbox.add(OutboxRow("k1", "s_1", "notice", NOW, facts={"facts": {"text": "Mauve."}}))
            tx.sessions.save(samples.session(title="Mauve", brief="Mauve.", notices=("Mauve.",)))

        def forget(tx: Transaction) -> tuple[str, ...]:
            session = tx.sessions.lock("s_1")
            assert session is not None
            return tuple(forget_texts(tx, session, at=NOW))

        def dump(tx: UnitOfWork) -> str:
            return "\n".join(
                str(row) for table in metadata.sorted_tables for row in tx.connection.execute(table.select())
            )

        await seeded.write(work)
        assert "mauve" in (await seeded.read(dump)).casefold()
        assert await seeded.write(forget) == ("s_1/f_1",)
        assert "mauve" not in (await seeded.read(dump)).casefold()
        assert await seeded.read(lambda tx: tx.sessions.list_versions("s_1")) == []
        (turn,) = await seeded.read(lambda tx: tx.sessions.list_turns("s_1"))
        assert (turn.charged_microcredits, turn.score) == (samples.turn().charged_microcredits, samples.turn().score)
        (kept,) = await seeded.read(lambda tx: tx.sessions.list_rounds("s_1"))
        assert kept.score == samples.round_().score
        assert len(await seeded.read(lambda tx: tx.sessions.list_notes("s_2"))) == 1
        assert await seeded.write(forget) == ()

    @pytest.mark.parametrize(
        ("text", "stored"),
        [
            ("plain", "plain"),
            ("tab\tnew\r\nline \u2028 é 漢 🎨 \x1f", "tab\tnew\r\nline \u2028 é 漢 🎨 \x1f"),
            ("nul \0 inside", "nul \ufffd inside"),
            ("lone \ud83d surrogate", "lone \ufffd\ufffd\ufffd surrogate"),
            ("a written \\u0000 stays", "a written \\u0000 stays"),
            ("x" * 300_000, "x" * 300_000),
        ],
        ids=["plain", "unicode", "nul", "surrogate", "escape", "long"],
    )
    async def test_any_text_can_be_stored(self, seeded: Database, text: str, stored: str) -> None:
        """Whatever a model writes is stored, in text, JSON and document alike; only what no database takes is marked."""
        document = replace(
            samples.DOCUMENT, blocks=(replace(samples.DOCUMENT.blocks[0], markdown=text),), warnings=(text,)
        )

        def work(tx: Transaction) -> None:
            tx.sessions.save_round(samples.round_(summary=text, plan=(text, text)))
            tx.sessions.save_version(samples.version(document=document, edits=()))

        await seeded.write(work)
        (found,) = await seeded.read(lambda tx: tx.sessions.list_rounds("s_1"))
        assert (found.summary, found.plan) == (stored, (stored, stored))
        version = await seeded.read(lambda tx: tx.sessions.find_version("s_1", 0))
        assert version is not None
        # JSON bytes hold NUL, so a document keeps it; only what is no Unicode at all goes
        assert version.document.blocks[0].markdown == (text if "\0" in text else stored)


class TestOutbox:
    async def test_a_key_is_taken_once(self, seeded: Database) -> None:
        """The second intent with one key is refused, and the first stays as it was."""
        row = OutboxRow("k1", "s_1", "turn", NOW, facts={"round": 1, "sent": ["1.2"]})
        assert await seeded.write(lambda tx: tx.outbox.add(row)) is True
        assert await seeded.write(lambda tx: tx.outbox.add(replace(row, kind="notice"))) is False
        assert await seeded.read(lambda tx: tx.outbox.find("k1")) == row

    async def test_open_rows_come_oldest_first(self, seeded: Database) -> None:
        """Open are INTENT, UNKNOWN and STALE; the oldest comes first; a session's own can be asked for."""
        states = list(OutboxState)

        def work(tx: Transaction) -> None:
            tx.sessions.add(samples.session("s_2"))
            tx.outbox.add(OutboxRow("other", "s_2", "turn", NOW - MINUTE))
            for age, state in enumerate(states):
                tx.outbox.add(OutboxRow(f"k{age}", "s_1", "turn", NOW - age * MINUTE / 60))
                tx.outbox.save(OutboxRow(f"k{age}", "s_1", "turn", NOW, state=state, post_id="9", attempts=age))

        await seeded.write(work)
        rows = await seeded.read(lambda tx: tx.outbox.list_open(session_id="s_1"))
        assert [row.state for row in rows] == [OutboxState.UNKNOWN, OutboxState.STALE, OutboxState.INTENT]
        everybody = await seeded.read(lambda tx: tx.outbox.list_open())
        assert everybody[0].key == "other"
        assert len(await seeded.read(lambda tx: tx.outbox.list_session("s_1"))) == len(states)


class TestInbound:
    async def test_the_last_of_each_kind_is_kept(self, store: Database) -> None:
        """A later one takes the place of the one before; another source is none of it."""
        first = Arrival("slack", "event", "T1", "HTTP", NOW)
        later = replace(first, tenant="T2", at=NOW + timedelta(minutes=1))
        others = (replace(first, kind="command"), replace(first, source="discord"))

        def work(tx: Transaction) -> None:
            for one in (first, *others, later):
                tx.inbound.note_arrival(one)

        await store.write(work)
        assert await store.read(lambda tx: tx.inbound.list_arrivals("slack")) == [others[0], later]

    async def test_an_event_is_new_once(self, store: Database) -> None:
        """The same id of the same source is seen before; of another source it is not."""

        async def add(source: str, event_id: str) -> bool:
            return await store.write(lambda tx: tx.inbound.add(source=source, event_id=event_id, at=NOW))

        assert [await add("slack", "1"), await add("slack", "1"), await add("discord", "1")] == [True, False, True]

    async def test_the_last_moment_and_cleaning_up(self, store: Database) -> None:
        """The last moment is the source's own; what is older than a moment can be forgotten."""

        def work(tx: Transaction) -> int:
            for age in range(3):
                tx.inbound.add(source="slack", event_id=str(age), at=NOW - age * MINUTE)
            return tx.inbound.delete_before(NOW - MINUTE)

        assert await store.write(work) == 1
        assert await store.read(lambda tx: tx.inbound.last_at("slack")) == NOW
        assert await store.read(lambda tx: tx.inbound.last_at("stripe")) is None


class TestAudit:
    async def test_entries_come_newest_first(self, store: Database) -> None:
        """The log is read from its end, for one workspace or for all."""
        entries = [AuditEntry(NOW, "cli", f"act {n}", f"w{n % 2}", "s_1", {"n": n}) for n in range(4)]

        def work(tx: Transaction) -> None:
            for entry in entries:
                tx.audit.add(entry)

        await store.write(work)
        assert await store.read(lambda tx: tx.audit.list_entries()) == entries[::-1]
        assert await store.read(lambda tx: tx.audit.list_entries(workspace_id="w1", limit=1)) == [entries[3]]


@pytest.mark.parametrize("verb", ["UPDATE {} SET actor = 'me'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["audit_log", "credit_entries"])
async def test_the_past_cannot_be_changed(store: Database, table: str, verb: str) -> None:
    """The database itself refuses to change or delete a line of the ledger or of the audit log."""

    def add(tx: Transaction) -> None:
        assert isinstance(tx, UnitOfWork)
        tx.audit.add(AuditEntry(NOW, "cli", "act", "w", "s_1"))
        tx.credits.lock_account("w")
        tx.connection.execute(
            sa.text(
                "INSERT INTO credit_entries (workspace_id, seq, kind, amount_microcredits, posted_after_microcredits,"
                " idempotency_key, actor, at, reason) VALUES ('w', 1, 'grant', 1, 1, 'k', 'cli', CURRENT_TIMESTAMP, '')"
            )
        )

    def change(tx: Transaction) -> None:
        assert isinstance(tx, UnitOfWork)
        tx.connection.execute(sa.text(verb.format(table)))

    await store.write(add)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        await store.write(change)
