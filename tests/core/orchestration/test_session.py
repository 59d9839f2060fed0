"""A session from start to end on a real store, with a scripted model and without an engine."""

import asyncio
import io
import json
from collections.abc import Callable
from datetime import timedelta

import docx
import pytest
from structlog.testing import capture_logs

from core.credits.estimate import Range
from core.documents.errors import ExportFailed
from core.documents.exporting import Exporter, ExportOrder
from core.documents.model import SourceFormat
from core.orchestration.ports import PostKind
from core.providers.base import Reply, Request, StopReason, Usage
from core.providers.errors import Overloaded
from core.sessions.errors import BadRequest, NotPossibleNow
from core.sessions.model import (
    AttemptState,
    EndReason,
    Fate,
    ParkReason,
    Session,
    Status,
    TurnAttempt,
)
from core.sessions.ports import Store, T, Transaction
from core.sessions.requests import Upload
from core.workspaces.model import Verbosity
from storage.database import Database
from tests.core.orchestration.harness import MEMBER, TEXT, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, blocks_of, helpful, notes_of
from tests.waiting import until

RISING = {0: 5.0, 1: 6.0, 2: 7.0, 3: 8.0, 4: 8.5}


async def _room(store: Store, script: object = None) -> Harness:
    model = ScriptedModel(script or helpful(RISING))  # type: ignore[arg-type]  # a script
    harness = Harness(store, FakeClock(auto=True), model)
    await harness.found()
    return harness


@pytest.fixture
async def room(memory_store: Database) -> Harness:
    """A room that works, on a database in memory."""
    return await _room(memory_store)


async def test_an_upload_is_read_first_then_revised(store: Database) -> None:
    """Round 0 has no Writer; every later round is Writer, editors, Synthesizer; the last version wins here."""
    room = await _room(store)
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
    assert shot.spent_microcredits == sum(turn.charged_microcredits for turn in shot.turns)
    assert shot.held_microcredits == 0
    assert await room.differences() == ()


async def test_a_brief_begins_with_a_draft(room: Harness) -> None:
    """Without a file there is no reading: round 1 drafts, and the result comes as Word and Markdown files."""
    session = await room.begin(upload=None, brief="Write about the sea, in two paragraphs, for children of ten.")
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.session.title == "Write about the sea, in two paragraphs, for ..."
    assert [item.number for item in shot.rounds] == [1, 2]
    assert room.scripted.phases()[0] == ("1", "writer", "draft")
    assert sorted(file.name.rsplit(".", 1)[1] for file in shot.files) == ["docx", "md"]


class _Broken:
    """An exporter whose writers of *formats* are broken."""

    def __init__(self, inner: Exporter, *formats: SourceFormat) -> None:
        self._inner = inner
        self._formats = formats

    async def export(self, order: ExportOrder) -> bytes:
        if order.target in self._formats:
            raise ExportFailed("its process died")
        return await self._inner.export(order)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_a_text_that_cannot_be_a_word_file_is_not_lost(room: Harness) -> None:
    """A writer that dies costs the format, neither the session nor the text."""
    room.exporter = _Broken(room.exporter, SourceFormat.DOCX)
    room.rebuild()
    session = await room.begin(upload=None, brief="Write about the sea, in two paragraphs, for children of ten.")
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.session.end_reason is EndReason.ROUNDS
    assert [file.name.rsplit(".", 1)[1] for file in shot.files] == ["md"]


async def test_a_text_is_not_lost_where_no_file_can_be_written_elsewhere(room: Harness) -> None:
    """Without a process for files the session still ends as it should, and its text goes out as Markdown."""
    room.exporter = _Broken(room.exporter, *SourceFormat)
    room.rebuild()
    session = await room.begin()
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.session.end_reason is EndReason.ROUNDS
    (result,) = [file for file in shot.files if file.kind == "result"]
    assert result.name.endswith(".md")
    assert b"paragraph" in await room.files.get(result.storage_key)


async def test_notes_only_changes_nothing(room: Harness) -> None:
    """A critique is the reading alone: no Writer, no file, and it says why it ended."""
    session = await room.begin(notes_only=True)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.session.end_reason is EndReason.NOTES_ONLY
    assert {phase for _, _, phase in room.scripted.phases()} == {"edit", "synthesize"}
    assert [file.kind for file in shot.files] == ["upload"]


async def test_the_threshold_ends_it(room: Harness) -> None:
    """Good enough is good enough."""
    session = await room.begin(threshold=6.0)
    await room.run(session.id)
    assert (await room.service.get(session.id)).end_reason is EndReason.THRESHOLD


async def test_an_upload_that_nothing_beats_comes_back_as_it_was(memory_store: Database) -> None:
    """Version 0 competes, and its own bytes are the result."""
    room = await _room(memory_store, helpful({0: 7.0, 1: 6.0, 2: 5.0}))
    session = await room.begin(rounds=3)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    result = next(file for file in shot.files if file.kind == "result")
    assert shot.session.end_reason is EndReason.PLATEAU
    assert shot.session.best_version == 0
    assert room.kept[result.storage_key] == TEXT


async def test_the_cap_is_a_cap(memory_store: Database) -> None:
    """A session never spends more than its cap, ends because of it, and keeps its best version."""
    room = await _room(memory_store)
    free = await room.begin()
    await room.run(free.id)
    whole = (await room.snapshot(free.id)).spent_microcredits
    session = await room.begin(cap_microcredits=whole // 2)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.session.end_reason is EndReason.CREDITS
    assert shot.session.status is Status.COMPLETED
    assert 0 < shot.spent_microcredits <= whole // 2
    assert shot.session.best_version is not None
    assert await room.differences() == ()


async def test_an_empty_workspace_parks_and_goes_on_after_a_top_up(room: Harness) -> None:
    """Credits that end in the middle cost no work: the session waits, and the sweeper resumes it when there are some."""
    probe = await room.begin()
    await room.run(probe.id)
    whole = (await room.snapshot(probe.id)).spent_microcredits
    await room.set_balance(probe.quote_low_microcredits)
    session = await room.begin()
    await room.set_balance(whole // 2)
    assert await room.run(session.id) == {"next": "parked", "reason": "balance"}
    parked = await room.service.get(session.id)
    assert (parked.status, parked.park_reason) == (Status.WAITING, ParkReason.BALANCE)
    assert parked.wake_at is not None
    assert timedelta(days=6) < parked.wake_at - room.clock.now() <= timedelta(days=7)
    await room.service.sweep()
    assert (await room.service.get(session.id)).status is Status.WAITING
    await room.set_balance(1_000_000_000)
    await room.service.sweep()
    assert (await room.service.get(session.id)).status is Status.QUEUED
    await room.run(session.id)
    assert (await room.service.get(session.id)).status is Status.COMPLETED
    assert len(room.scripted.requests) == 28
    assert await room.differences() == ()


async def test_who_waits_a_week_for_credits_is_stopped(room: Harness) -> None:
    """A session does not wait for ever: after seven days it ends with its best version."""
    probe = await room.begin()
    await room.run(probe.id)
    await room.set_balance(probe.quote_low_microcredits)
    session = await room.begin()
    await room.set_balance((await room.snapshot(probe.id)).spent_microcredits // 2)
    await room.run(session.id)
    await room.clock.sleep(7 * 24 * 3600 + 1)
    await room.service.sweep()
    await room.run(session.id)
    (told,) = [post for post in room.chat.posts if "parked" in post.part.text]
    assert len(told.history) == 1
    assert (await room.service.get(session.id)).status is Status.STOPPED


async def test_an_outage_parks_and_resuming_repeats_no_finished_turn(memory_store: Database) -> None:
    """A provider that fails costs nothing and destroys nothing: only the missing turn is taken again."""
    broken = True

    def script(request: Request) -> str | BaseException:
        if broken and request.labels["role"] == "style_editor" and request.labels["round"] == "1":
            return Overloaded("busy", provider="scripted", model=request.model)
        return helpful(RISING)(request)  # type: ignore[return-value]  # always text

    room = await _room(memory_store, script)
    session = await room.begin()
    outcome = await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert outcome == {"next": "parked", "reason": "provider"}
    assert shot.session.failure_code == "provider_overloaded"
    assert shot.held_microcredits == 0
    notices = [content for content in room.chat.rendered if content.kind is PostKind.NOTICE]
    assert notices[-1].code == "parked"
    assert notices[-1].mention
    (told,) = [post for post in room.chat.posts if "parked" in post.part.text]
    assert not told.history
    broken = False
    await room.service.resume(session.id, actor=MEMBER)
    await room.run(session.id)
    (told,) = [post for post in room.chat.posts if "parked" in post.part.text]
    assert len(told.history) == 1, "nobody can press any more what leads nowhere"
    asked = [item for item in room.scripted.phases() if item == ("1", "content_editor", "edit")]
    assert len(asked) == 1
    assert (await room.service.get(session.id)).status is Status.COMPLETED


@pytest.mark.parametrize("stop", [StopReason.TRUNCATED, StopReason.REFUSED, StopReason.INCOMPLETE])
async def test_a_reply_cut_short_is_never_taken_for_a_document(memory_store: Database, stop: StopReason) -> None:
    """Only a complete reply becomes a version."""

    def script(request: Request) -> str | Reply:
        if request.labels["phase"] == "draft":
            return Reply("# Half a", stop, Usage(10, output_tokens=5), request.model, "scripted")
        return helpful(RISING)(request)  # type: ignore[return-value]  # always text

    room = await _room(memory_store, script)
    session = await room.begin(upload=None)
    assert await room.run(session.id) == {"next": "parked", "reason": "provider"}
    assert (await room.snapshot(session.id)).versions == ()


async def test_unknown_blocks_get_one_repair(memory_store: Database) -> None:
    """Edits that cannot be applied, and notes without an answer, are asked for once more; the rest stands."""
    plain = helpful(RISING)

    def script(request: Request) -> str:
        if request.labels["phase"] == "revise":
            ref, text = blocks_of(request)[-1]
            return json.dumps(
                {
                    "edits": [
                        {"op": "replace", "block": "p99#abcd", "text": "lost", "notes": ["n1"]},
                        {"op": "replace", "block": ref, "text": f"{text} kept", "notes": ["n2"]},
                    ]
                }
            )
        if request.labels["phase"] == "repair":
            assert "p99" in request.text
            answers = [{"note": note["id"], "fate": "declined", "reason": "no"} for note in notes_of(request)]
            return json.dumps({"edits": [], "answers": answers})
        return plain(request)  # type: ignore[return-value]  # always text

    room = await _room(memory_store, script)
    session = await room.begin(rounds=1)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.versions[1].document.markdown.endswith("kept\n")
    assert {note.id: note.fate for note in shot.notes if note.round == 0} == {
        "n1": Fate.DECLINED,
        "n2": Fate.APPLIED,
        "n3": Fate.DECLINED,
    }


async def test_a_writer_that_cannot_edit_rewrites(memory_store: Database) -> None:
    """What is no JSON after a repair is asked for as a whole text; blocks that stayed keep their ids."""
    plain = helpful(RISING)

    def script(request: Request) -> str:
        phase = request.labels["phase"]
        if phase in {"revise", "repair"}:
            return "Sorry, here is my view of it."
        if phase == "rewrite":
            notes = [{"note": note["id"], "fate": "declined", "reason": "no"} for note in notes_of(request)]
            text = "# Report\n\nThe first paragraph is here.\n\nQuite another end.\n"
            return f"{text}\n=== ANSWERS ===\n{json.dumps(notes)}"
        return plain(request)  # type: ignore[return-value]  # always text

    room = await _room(memory_store, script)
    session = await room.begin(rounds=1)
    await room.run(session.id)
    version = (await room.snapshot(session.id)).versions[1]
    assert [block.id for block in version.document.blocks][:2] == ["p1", "p2"]
    assert version.document.markdown.endswith("Quite another end.\n")
    assert version.rewritten


async def test_what_a_provider_finds_too_long_is_condensed_once(memory_store: Database) -> None:
    """A full window costs half of the references, not the session, and the round's card says so."""
    plain = helpful(RISING)

    def script(request: Request) -> str | Reply:
        if len(request.segments[0].text) > 3_000:
            return Reply("", StopReason.CONTEXT_FULL, Usage(10), request.model, "scripted")
        return plain(request)  # type: ignore[return-value]  # always text

    room = await _room(memory_store, script)
    long = "\n\n".join(f"Point {number} is made here. It goes on. And on. And on it goes." for number in range(70))
    session = await room.begin(references=(Upload("facts.md", long.encode()),), rounds=1)
    assert await room.run(session.id) == {"next": "ended", "reason": "rounds"}
    said = (await room.snapshot(session.id)).rounds[0].left_out
    assert said == ("The reference facts.md was condensed because the model found the prompt too long.",)


async def test_a_document_that_fills_the_window_is_refused_before_it_costs(room: Harness) -> None:
    """What no condensing can mend is said at once, with the way out."""
    big = "\n\n".join(" ".join(["internationalisation"] * 100) for _ in range(2_000))
    with pytest.raises(BadRequest, match="Choose a model with a larger window"):
        await room.service.create(room.request(upload=Upload("book.md", big.encode())))


async def test_a_fault_of_ours_ends_in_a_session_that_says_so(memory_store: Database) -> None:
    """What nobody foresaw fails the session, gives every hold back, and retrying goes on from what was recorded."""
    broken = True

    def script(request: Request) -> str | BaseException:
        if broken and request.labels["phase"] == "synthesize":
            return ZeroDivisionError("a fault of ours")
        return helpful(RISING)(request)  # type: ignore[return-value]  # always text

    room = await _room(memory_store, script)
    session = await room.begin(rounds=1)
    assert await room.run(session.id) == {"next": "ended", "reason": "failed"}
    failed = await room.service.get(session.id)
    assert (failed.status, failed.end_reason, failed.failure_code) == (Status.FAILED, EndReason.FAILED, "internal")
    assert (await room.snapshot(session.id)).held_microcredits == 0
    broken = False
    await room.service.retry(session.id, actor=MEMBER)
    await room.run(session.id)
    assert (await room.service.get(session.id)).status is Status.COMPLETED
    assert len([item for item in room.scripted.phases() if item[0] == "0" and item[2] == "edit"]) == 3


async def test_the_text_of_a_broken_try_is_kept_beside_the_turn(room: Harness) -> None:
    """What a dead worker had received stays as an interrupted try; the next one starts afresh and is paid once."""
    session = await room.begin(rounds=1)
    identity = f"{session.id}/r0/style_editor"
    torn = TurnAttempt(identity, session.id, 1, AttemptState.RUNNING, room.clock.now(), text='{"notes": [{"blo')
    await room.store.write(lambda tx: tx.sessions.save_attempt(torn))
    await room.run(session.id)
    tries = await room.store.read(lambda tx: tx.sessions.list_turn_attempts(identity))
    assert [(item.number, item.state, item.text) for item in tries] == [
        (1, AttemptState.INTERRUPTED, '{"notes": [{"blo'),
        (2, AttemptState.COMPLETE, ""),
    ]


async def test_the_time_limit_ends_it_between_rounds(memory_store: Database) -> None:
    """Working time counts, and a round that has begun is finished."""
    clock = FakeClock(auto=True)
    plain = helpful(RISING)

    def script(request: Request) -> str:
        clock.move(30)
        return plain(request)  # type: ignore[return-value]  # always text

    room = Harness(memory_store, clock, ScriptedModel(script))
    await room.found()
    session = await room.begin(rounds=5, max_seconds=200)
    assert await room.run(session.id) == {"next": "ended", "reason": "time"}
    assert [item.number for item in (await room.snapshot(session.id)).rounds] == [0, 1]


async def test_guidance_reaches_the_next_turn_unless_muted(room: Harness) -> None:
    """What people say is read by every later turn; what they take out is read by none."""
    session = await room.service.create(room.request(rounds=1))
    await room.service.guide(session.id, member_id=MEMBER, message_id="m1", text="Keep it friendly.")
    await room.service.guide(session.id, member_id=MEMBER, message_id="m2", text="Secret aside.")
    assert await room.service.mute(session.id, message_id="m2")
    await room.service.start(session.id, actor=MEMBER)
    await room.run(session.id)
    assert all("Keep it friendly." in request.text for request in room.scripted.requests)
    assert not any("Secret aside." in request.text for request in room.scripted.requests)
    assert (await room.snapshot(session.id)).guidance[0].taken_round == 0


async def test_one_more_round_and_continue(room: Harness) -> None:
    """An ended session can go on: whatever the score, with its own cap raised, and with what people say."""
    session = await room.begin(threshold=5.0)
    await room.run(session.id)
    ended = await room.service.get(session.id)
    assert ended.end_reason is EndReason.THRESHOLD
    more = await room.service.one_more_round(session.id, actor=MEMBER)
    assert more.segment == 2
    await room.run(session.id)
    assert [item.number for item in (await room.snapshot(session.id)).rounds] == [0, 1]
    await room.service.continue_(session.id, actor=MEMBER, guidance="Shorter, please.")
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert [item.number for item in shot.rounds] == [0, 1, 2]
    assert "Shorter, please." in room.scripted.requests[-1].text
    assert [post.kind for post in room.chat.rendered].count(PostKind.RECEIPT) == 3
    assert shot.spent_microcredits <= shot.session.cap_microcredits


@pytest.mark.parametrize("guidance", ["", "Shorter, please."], ids=["more", "continue"])
async def test_one_more_round_is_one(memory_store: Database, guidance: str) -> None:
    """Its price was named: rounds that were planned at first and never needed are not run after it, whatever it scores."""
    room = await _room(memory_store, helpful({0: 8.0, 1: 3.0, 2: 4.0, 3: 5.0, 4: 6.0}))
    session = await room.begin(rounds=4, threshold=7.0)
    await room.run(session.id)
    for rounds in ([0, 1], [0, 1, 2]):
        if guidance:
            await room.service.continue_(session.id, actor=MEMBER, guidance=guidance)
        else:
            await room.service.one_more_round(session.id, actor=MEMBER)
        await room.run(session.id)
        shot = await room.snapshot(session.id)
        assert [item.number for item in shot.rounds] == rounds
        assert shot.session.end_reason is EndReason.ROUNDS


async def test_one_more_round_before_the_reading_costs_both(room: Harness) -> None:
    """Who stopped before anything was read and goes on pays for the reading, too: that is the quote of such a session."""
    session = await room.begin(rounds=1)
    await room.service.stop(session.id, actor=MEMBER)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert (shot.session.status, shot.rounds) == (Status.STOPPED, ())
    price = await room.store.read(lambda tx: room.intake.price_next(tx, shot.session))
    assert price == Range(session.quote_low_microcredits, session.quote_high_microcredits)


async def test_what_people_go_on_with_is_in_the_result(memory_store: Database) -> None:
    """They know the best version and want another: one that did not hear them does not come back for its score."""
    room = await _room(memory_store, helpful({0: 5.0, 1: 8.0, 2: 7.0, 3: 6.0, 4: 6.5}))
    session = await room.begin(rounds=1)
    await room.run(session.id)
    await room.service.continue_(session.id, actor=MEMBER, guidance="Name the budget first.")
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert shot.session.best_version == 2
    results = [room.kept[file.storage_key] for file in shot.files if file.kind == "result"]
    assert sorted(b"r1 r2" in data for data in results) == [False, True]
    await room.service.one_more_round(session.id, actor=MEMBER)
    await room.run(session.id)
    assert (await room.service.get(session.id)).best_version == 2, "a round for which nobody said anything competes"
    await room.service.continue_(session.id, actor=MEMBER, guidance="Thank the team.")
    await room.run(session.id)
    assert (await room.service.get(session.id)).best_version == 4


async def test_a_finished_file_bears_the_date_of_its_version(room: Harness) -> None:
    """A Word file that the room wrote says when its text was written, not some fixed day."""
    session = await room.begin(upload=None, brief="A note.", rounds=1)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    best = next(one for one in shot.versions if one.number == shot.session.best_version)
    (word,) = [room.kept[file.storage_key] for file in shot.files if file.name.endswith(".docx")]
    assert docx.Document(io.BytesIO(word)).core_properties.created == best.created_at.replace(microsecond=0)


async def test_stop_of_a_waiting_session_is_at_once(room: Harness) -> None:
    """A session that nobody runs is stopped by the verb; its closing segment posts result and receipt."""
    session = await room.begin()
    await room.service.pause(session.id, actor=MEMBER)
    stopped = await room.service.stop(session.id, actor=MEMBER)
    assert stopped.status is Status.STOPPED
    await room.run(session.id)
    kinds = [content.kind for content in room.chat.rendered]
    assert kinds.count(PostKind.RECEIPT) == 1
    with pytest.raises(NotPossibleNow):
        await room.service.pause(session.id, actor=MEMBER)


async def test_a_resume_that_crosses_the_pause_is_not_lost(room: Harness) -> None:
    """Who resumes while the worker is about to park finds the session running, not paused for good."""
    session = await room.begin(rounds=1)
    await room.store.write(lambda tx: room.runner._begin(tx, session.id, session.segment))
    await room.service.pause(session.id, actor=MEMBER)
    await room.service.resume(session.id, actor=MEMBER)
    assert await room.runner._park(session.id, ParkReason.PAUSED, "") == {"next": "continue", "reason": "resumed"}
    assert await room.run(session.id) == {"next": "ended", "reason": "rounds"}


async def test_a_reference_is_read_and_not_changed(room: Harness) -> None:
    """References stand in the shared prefix of every prompt."""
    session = await room.begin(references=(Upload("facts.md", b"The sky is blue."),), rounds=1)
    await room.run(session.id)
    heads = {request.segments[0].text for request in room.scripted.requests}
    assert len(heads) == 1
    assert '<reference name="facts.md">\nThe sky is blue.' in heads.pop()


async def test_editors_of_a_round_share_all_but_the_last_segment(room: Harness) -> None:
    """The prefix is equal byte for byte, which is what makes it cheap."""
    session = await room.begin(rounds=1)
    await room.run(session.id)
    first_round = [item for item in room.scripted.requests if item.labels["round"] == "0"]
    assert len({(item.system, item.segments[:-1], str(item.json_schema)) for item in first_round}) == 1
    assert len({item.segments[-1] for item in first_round}) == 4


@pytest.mark.parametrize(
    ("verbosity", "upload", "rounds", "most"),
    [
        (Verbosity.QUIET, True, 2, 2),
        (Verbosity.NORMAL, True, 2, 5),
        (Verbosity.FULL, True, 2, 20),
        (Verbosity.QUIET, False, 3, 2),
        (Verbosity.NORMAL, False, 3, 5),
        (Verbosity.FULL, False, 3, 20),
    ],
)
async def test_the_message_budget(room: Harness, verbosity: Verbosity, *, upload: bool, rounds: int, most: int) -> None:
    """One card in the channel; in the thread at most what people chose; the starter is mentioned once, at the end."""
    changes = {} if upload else {"upload": None}
    session = await room.begin(verbosity=verbosity, rounds=rounds, **changes)
    await room.run(session.id)
    shot = await room.snapshot(session.id)
    assert [post.is_card for post in room.chat.posts].count(True) == 1
    assert len(room.chat.texts_in(shot.session.thread)) <= most
    assert sum(MEMBER in text for text in room.chat.texts) == 1


async def test_a_step_that_runs_again_posts_and_pays_nothing_twice(room: Harness) -> None:
    """A crash after any commit: whoever runs the step again finds what was recorded and does only the rest."""
    session = await room.begin()
    crash_at = 0
    while True:
        crash_at += 1
        crashing = _Crashing(room.store, crash_at)
        twin = Harness(crashing, room.clock, room.model)  # type: ignore[arg-type]  # a store that dies
        twin.chat, twin.files = room.chat, room.files
        twin.rebuild()
        try:
            await twin.run(session.id)
        except _Crash:
            continue
        break
    shot = await room.snapshot(session.id)
    assert len(shot.turns) == 14
    assert room.chat.duplicates == []
    assert shot.held_microcredits == 0
    assert shot.spent_microcredits == sum(turn.charged_microcredits for turn in shot.turns)
    assert await room.differences() == ()
    assert crash_at >= 10


class _Crash(BaseException):
    """The process dies: nothing catches it."""


class _Crashing:
    """A store whose process dies right after its n-th commit."""

    def __init__(self, inner: Store, commits: int) -> None:
        self._inner, self._left = inner, commits

    async def write(self, work: Callable[[object], object]) -> object:
        if self._left <= 0:
            raise _Crash
        result = await self._inner.write(work)
        self._left -= 1
        if self._left <= 0:
            raise _Crash
        return result

    async def read(self, work: Callable[[object], object]) -> object:
        if self._left <= 0:
            raise _Crash
        return await self._inner.read(work)


async def test_a_deleted_session_leaves_the_ledger(room: Harness) -> None:
    """Texts and files go; what was paid stays on the books."""
    session: Session = await room.begin(rounds=1)
    await room.run(session.id)
    spent = (await room.snapshot(session.id)).spent_microcredits
    await room.service.delete(session.id, actor=MEMBER)
    assert room.kept == {}
    entries = await room.store.read(lambda tx: tx.credits.list_entries(session.workspace_id))
    assert -sum(entry.amount_microcredits for entry in entries if entry.hold_id) == spent


async def test_a_reply_that_comes_after_the_end_changes_nothing(room: Harness) -> None:
    """A session that ended without waiting for its turns stays as it ended: no turn, no charge, no fault in the log."""
    room.scripted.gate = asyncio.Event()
    session = await room.begin()
    step = asyncio.create_task(room.runner.step(session.id, 1))
    await until(lambda: _equal(room.scripted.waiting, 3))
    await room.finisher.finish(session.id, EndReason.STOPPED, "")
    with capture_logs() as logs:
        room.scripted.gate.set()
        outcome = await step
    shot = await room.snapshot(session.id)
    assert outcome == {"next": "superseded", "reason": "ended"}
    assert shot.session.status is Status.STOPPED
    assert (shot.turns, shot.spent_microcredits, shot.held_microcredits) == ((), 0, 0)
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert await room.differences() == ()


async def test_a_turn_cut_after_the_end_keeps_its_text(room: Harness) -> None:
    """What was cut too late to be settled is kept beside the turns, and who cut it sees a cancellation, not a fault."""
    room.scripted.gate = asyncio.Event()
    session = await room.begin()
    step = asyncio.create_task(room.runner.step(session.id, 1))
    await until(lambda: _equal(room.scripted.waiting, 3))
    await room.service.stop(session.id, actor="test")
    await room.finisher.finish(session.id, EndReason.STOPPED, "")
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    attempts = await room.store.read(lambda tx: tx.sessions.list_attempts(session.id))
    assert [item.state for item in attempts] == [AttemptState.INTERRUPTED] * 3
    assert all(item.text for item in attempts)
    assert await room.differences() == ()


async def test_a_whole_reply_is_written_though_people_stop_at_that_moment(memory_store: Database) -> None:
    """Whoever stops while replies are being written leaves once they are: what was used is there, and charged."""
    store = _HeldStore(memory_store)
    room = await _room(store)
    room.scripted.gate = asyncio.Event()
    session = await room.begin()
    step = asyncio.create_task(room.runner.step(session.id, 1))
    await until(lambda: _equal(room.scripted.waiting, 3))
    store.gate.clear()
    room.scripted.gate.set()
    await until(lambda: _equal(store.waiting, 3))
    step.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await step
    shot = await room.snapshot(session.id)
    assert len(shot.turns) == 3
    assert shot.spent_microcredits == sum(turn.charged_microcredits for turn in shot.turns) > 0
    assert shot.held_microcredits == 0


class _HeldStore:
    """A store whose writes wait at a gate."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._store.read(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return await self._store.write(work)


async def _equal(value: object, wanted: object) -> bool:
    return value == wanted
