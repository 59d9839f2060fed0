"""What is kept about somebody: said, given to them alone, and removed, with its receipt left."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bots.desk.requests import RequestKind
from bots.views.elements import Button
from bots.views.receipt import receipt_post
from core.sessions.model import Session, Status
from core.sessions.ports import Transaction
from core.sessions.takeout import Takeout
from tests.bots.desk.room import HOME, OTHER, REPORT, Room
from tests.fakes.door import admin


async def export(room: Room, who: str = "ann", **more: Any) -> dict[str, bytes]:
    """Return what is in the ZIP that somebody is sent."""
    sent: dict[str, bytes] = {}
    get = room.door.whisper

    async def whisper(request: Any, view: Any, *, files: Any = ()) -> None:
        for file in files:
            sent[file.name] = await room.harness.files.get(file.storage_key)
        await get(request, view, files=files)

    room.door.whisper = whisper  # type: ignore[method-assign]  # the file exists while the answer is sent, not after
    try:
        await room.send(room.request(RequestKind.COMMAND, who, command="data-export", **more))
    finally:
        room.door.whisper = get  # type: ignore[method-assign]  # as before
    (data,) = sent.values() or [b""]
    if not data:
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def of_kind(entries: dict[str, bytes], ending: str) -> list[Any]:
    return [json.loads(data) for name, data in entries.items() if name.endswith(ending)]


async def fresh(room: Room, session: Session) -> Session:
    return await room.harness.service.get(session.id)


async def test_everything_of_a_session_is_in_the_zip(room: Room) -> None:
    """Brief, versions, comments, replies, directions, the document as it was given and came back, and the receipt."""
    session = await room.running()
    await room.say("keep the numbers", thread=session.thread.thread)
    await room.harness.run(session.id)
    entries = await export(room)
    (told,) = of_kind(entries, "/session.json")
    assert told["brief"] == "tighten this"
    assert told["comments"]
    assert told["replies"]
    assert [(one["text"], one["by"]) for one in told["directions"]] == [("keep the numbers", "you")]
    (receipt,) = of_kind(entries, "/receipt.json")
    captured, _ = await room.store.read(lambda tx: tx.credits.session_totals(session.id))
    assert receipt["charged_microcredits"] == captured == sum(one["charged_microcredits"] for one in receipt["turns"])
    versions = await room.store.read(lambda tx: tx.sessions.list_versions(session.id))
    assert sum(name.endswith(".md") and "/versions/" in name for name in entries) == len(versions)
    kept = await room.store.read(lambda tx: tx.sessions.list_files(session.id))
    for file in kept:
        (found,) = [data for name, data in entries.items() if name.endswith(f"/files/{file.kind} {file.name}")]
        assert found == room.harness.kept[file.storage_key]
    (you,) = of_kind(entries, "you.json")
    assert you["id"] == f"{HOME}/ann"
    assert "cost_microdollars" not in b"".join(entries.values()).decode()


async def test_nothing_of_anybody_else_is_in_it(room: Room) -> None:
    """Not of colleagues, an admin's export neither, nor of one's own sessions in another workspace."""
    await room.ended()
    await room.command("new", values={"brief": "Write a secret note", "private": True})
    room.door.standings["eve"] = admin()
    for who in ("bob", "eve"):
        entries = await export(room, who)
        assert sorted(entries) == ["README.txt", "you.json"]
    await room.found(OTHER)
    assert sorted(await export(room, workspace_id=OTHER)) == ["README.txt", "you.json"]
    assert len(of_kind(await export(room), "/session.json")) == 2


async def test_the_file_is_for_one_answer_alone(room: Room) -> None:
    """Afterwards it lies nowhere."""
    await room.ended()
    before = set(room.harness.kept)
    await export(room)
    assert set(room.harness.kept) == before


async def test_many_sessions_come_in_parts(room: Room) -> None:
    """Each part within its size, newest first, every session in exactly one; too large a file is named."""
    for number in range(30):
        await room.command("new", values={"brief": f"Write number {number}"})
    await room.mention("tighten this", files=(REPORT,))
    member = await room.store.read(lambda tx: tx.workspaces.find_member(f"{HOME}/ann"))
    assert member is not None
    takeout = Takeout(store=room.store, files=room.harness.files, most_bytes=20_000)
    before, titles, parts = None, [], 0
    while True:
        parcel = await takeout.pack(member, before=before)
        assert len(parcel.data) <= 20_000
        with zipfile.ZipFile(io.BytesIO(parcel.data)) as archive:
            titles += [json.loads(archive.read(name))["title"] for name in archive.namelist() if "session.json" in name]
        parts += 1
        before = parcel.next_before
        if before is None:
            break
    assert titles == ["report.md", *(f"Write number {number}" for number in reversed(range(30)))]
    assert parts > 1
    small = await Takeout(store=room.store, files=room.harness.files, most_bytes=3_000).pack(member)
    assert (small.sessions, small.left_out) == (1, ("report.md of report.md",))


async def test_names_stay_in_their_folder(room: Room) -> None:
    """Whatever a title or a file is called."""
    session = await room.ended()
    await room.change(session, title="../../etc/passwd\\..\\x:y")
    entries = await export(room)
    assert not [name for name in entries if ".." in name.split("/") or "\\" in name or ":" in name]


async def test_deleting_asks_and_says_what_goes_and_what_stays(room: Room) -> None:
    """Then the texts of all that is over go; what works is left; the receipt reads as before."""
    ended = await room.ended()
    running = await room.running()
    await room.command("new", values={"brief": "Write a note"})
    await room.change((await room.sessions())[0], status=Status.DRAFT)
    before = await room.harness.snapshot(ended.id)
    await room.command("data-delete")
    for words in ("2 sessions", "What goes", "What stays", "the ledger", "1 session that still"):
        assert words in room.last.text
    assert (await fresh(room, ended)).brief == "tighten this --rounds 1".partition(" --")[0]
    confirm = room.last.button("data-delete")
    await room.press(confirm)
    assert "texts of 2 sessions are removed; receipts stay" in room.last.text
    after = await room.harness.snapshot(ended.id)
    assert receipt_post(after) == receipt_post(before)
    assert (after.session.brief, after.versions, after.notes, after.files) == ("", (), (), ())
    assert (await fresh(room, running)).forgotten_at is None
    assert {one.id for one in await room.sessions()} == {ended.id, running.id}
    await room.press(confirm)
    assert "no sessions" in room.last.text
    await room.command("data-delete")
    assert "no texts of yours" in room.last.text


async def test_what_came_after_the_question_stays(room: Room) -> None:
    """An old button removes what it asked about, not what was written since."""
    old = await room.ended()
    await room.command("data-delete")
    confirm = room.last.button("data-delete")
    newer = await room.ended()
    await room.press(confirm)
    assert (await fresh(room, old)).forgotten_at is not None
    assert (await fresh(room, newer)).forgotten_at is None


async def test_one_session_by_its_name(room: Room) -> None:
    """Only that one; one that still works is refused, as is a second time."""
    one, two = await room.ended(), await room.ended()
    await room.command("data-delete", values={"session": one.id})
    assert one.title in room.last.text
    await room.press(room.last.button("data-delete"))
    assert (await fresh(room, one)).forgotten_at is not None
    assert (await fresh(room, two)).forgotten_at is None
    await room.command("data-delete", values={"session": one.id})
    assert "gone already" in room.last.text
    running = await room.running()
    await room.command("data-delete", values={"session": running.id})
    assert "cannot be cleared of its texts" in room.last.text


async def test_only_ones_own(room: Room) -> None:
    """Neither a colleague nor an admin nor another workspace removes somebody's texts, by command or by a button."""
    session = await room.ended()
    room.door.standings["eve"] = admin()
    await room.command("data-delete", values={"session": session.id})
    confirm = room.last.button("data-delete")
    await room.found(OTHER)
    for who, where in (("bob", HOME), ("eve", HOME), ("ann", OTHER)):
        await room.command("data-delete", who, values={"session": session.id}, workspace_id=where)
        await room.press(confirm, who, workspace_id=where)
        assert "removed" not in room.last.text.replace("may have its texts removed", "")
        await room.press(Button("data-delete", "Remove texts", "", confirm.argument), who, workspace_id=where)
        assert "no sessions" in room.last.text
    assert (await fresh(room, session)).forgotten_at is None


async def test_a_repeat_goes_on_where_it_was(room: Room) -> None:
    """A process that died in the middle leaves nothing half-removed behind the second try."""
    for _ in range(3):
        await room.ended()
    await room.command("data-delete")
    confirm = room.last.button("data-delete")
    newest = (await room.sessions())[0]
    await room.harness.service.forget_texts(newest.id, actor="x")
    press = await room.press(confirm)
    assert "2 sessions" in room.last.text
    await room.make_desk().handle(press)
    assert all(one.forgotten_at is not None for one in await room.sessions())


@pytest.mark.parametrize(("own_days", "words"), [(None, "kept until somebody removes them"), (30, "kept for 30 days")])
async def test_what_is_kept_is_said(room: Room, own_days: int | None, words: str) -> None:
    """How long, and which vendors get the text; the buttons lead to both."""

    def unlimited(tx: Transaction) -> None:
        workspace = tx.workspaces.find(HOME)
        assert workspace is not None
        tx.workspaces.save(replace(workspace, tier="unlimited"))

    await room.store.write(unlimited)
    room.desk = room.make_desk(own_retention_days=own_days)
    await room.command("data")
    assert words in room.last.text
    assert "Anthropic" in room.last.text
    assert [button.action for button in room.last.buttons] == ["data-export", "data-delete"]
    await room.press(room.last.button("data-delete"))
    assert "no texts of yours" in room.last.text


async def test_a_tier_s_days_are_said(room: Room) -> None:
    """Or fewer, where the workspace chose so."""
    await room.command("data")
    tier = room.harness.prices.tier("pro")
    expected = "until somebody removes them" if tier.retention_days is None else f"for {tier.retention_days} days"
    assert expected in room.last.text
    await room.found(grant=0, retention_days=10)
    await room.command("data")
    assert "for 10 days" in room.last.text


async def test_a_forgotten_result_is_not_shared(room: Room) -> None:
    """The button of a private session's result is still there; nothing is posted by it."""
    await room.command("new", values={"brief": "Write a note", "private": True, "rounds": 1})
    session = await room.only()
    await room.harness.run(session.id)
    await room.harness.service.forget_texts(session.id, actor="x")
    await room.press(Button("share", "Share result", session.id), channel=session.thread.channel)
    assert "texts of this session were removed" in room.last.text
    assert not await room.store.read(lambda tx: tx.outbox.list_session(session.id))


async def test_a_forgotten_session_is_still_in_its_list(room: Room) -> None:
    """With nothing to press that needs a text; going on with it is refused in words."""
    session = await room.ended()
    await room.harness.service.forget_texts(session.id, actor="x")
    await room.command("status", values={"session": session.id})
    assert "texts were removed on" in room.last.text
    assert room.last.buttons == ()
    await room.press(Button("more", "Run one more round", session.id))
    assert "texts of this session were removed" in room.last.text
    assert (await fresh(room, session)).status is Status.COMPLETED
    await room.mention("make it longer", thread=session.thread.thread)
    assert "texts of this session were removed" in room.last.text
    before = len(room.door.whispers)
    await room.say("make it longer", thread=session.thread.thread)
    assert len(room.door.whispers) == before
    await room.command("files", values={"session": session.id})
    assert "removed with its texts" in room.last.text
    entries = await export(room)
    (told,) = of_kind(entries, "/session.json")
    assert told["texts_removed_at"] is not None
    assert told["created_at"] == (session.created_at + timedelta()).isoformat()
