"""Posting, editing and reading back, against a local Discord that fails in the ways in which Discord fails."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bots.discord import limits
from bots.discord.invalid import DiscordPaused
from bots.discord.marks import walk
from bots.discord.parts import shown_of
from bots.discord.places import channel_ref, place_of
from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import Content, HistoryUnreadable, Part, PostKind, PostRefused, PostUncertain
from core.orchestration.posting import post_key
from core.sessions.model import SessionFile, Status, ThreadRef
from core.workspaces.model import Verbosity
from tests.bots.discord.stage import CREATE, EDIT, LIST, THREAD, Stage, sign, stage
from tests.bots.views.samples import SNAPSHOT
from tests.contracts.chat_port import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.model import Kind
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.world import DEFAULT_APP_PERMISSIONS

pytestmark = pytest.mark.loopback
EVER = datetime.min.replace(tzinfo=UTC)
KEY = derived_key("post")
HOUR = 3_600


def _working(on: Stage, number: int = 1, *, upload: bool = False) -> Part:
    rounds = tuple(replace(item, finished_at=None, number=number) for item in SNAPSHOT.rounds if item.number == 1)
    snapshot = replace(on.snapshot(status=Status.RUNNING, has_upload=upload), rounds=rounds, turns=())
    return on.part(PostKind.ROUND_CARD, snapshot, round=number)


async def _deny(on: Stage, *permissions: Permission) -> None:
    """Take permissions from the app."""
    (role,) = [one for one in on.discord.north.roles.values() if one.is_managed]
    role.permissions = int(DEFAULT_APP_PERMISSIONS) & ~int(sum(permissions))
    everyone = on.discord.north.roles[on.discord.north.id]
    everyone.permissions = int(everyone.permissions) & ~int(sum(permissions))


async def _quiet(on: Stage) -> None:
    """Return when no card waits any more."""
    for card in list(on.chat._cards._cards.values()):
        if card.task is not None:
            await card.task


async def test_a_card_begins_the_thread_and_the_result_mentions_the_starter() -> None:
    """The channel holds one message; the thread holds the rest; one person is called, at the end."""
    async with stage() as on:
        thread = await on.open()
        await on.chat.send(thread, on.part(PostKind.RESULT, mention=True), key=KEY)
        (card,) = on.in_channel()
        assert (thread.card, thread.thread) == (card.id, card.id)
        (result,) = on.posts(thread)
        assert [ping.user_id for ping in on.discord.world.pings] == [on.discord.ann.id]
        assert on.discord.world.pings[0].message is result
        assert result.nonce == KEY


async def test_a_session_that_was_asked_for_in_a_thread_or_directly_lives_there() -> None:
    """It works in place: no thread is opened, and the card stands among the other posts."""
    async with stage() as on:
        asked = on.discord.world.add_thread(on.discord.general, "talk", on.discord.ann, Kind.PUBLIC_THREAD)
        thread = await on.open(thread=replace(on.place, thread=asked.id))
        assert thread.thread == asked.id
        await on.chat.send(thread, Part("more"), key=KEY)
        assert on.posts(thread)[0].id == thread.card
        await on.chat.edit(thread, thread.card, Part("changed"))
        assert "changed" in on.text(thread.card)
        direct = on.discord.world.direct(on.discord.ann)
        there = await on.open("d" * 24, thread=ThreadRef("discord", channel_ref("", direct.id)))
        assert (there.thread, len(on.posts(there))) == (direct.id, 1)
        assert on.in_channel() == []


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [(403, 50013, "Create Public Threads"), (400, 50024, "kind of channel"), (400, 160006, "as many")],
    ids=["permission", "kind", "cap"],
)
async def test_where_no_thread_can_be_opened_the_session_says_why_and_goes_on(
    status: int, code: int, word: str
) -> None:
    """An answer in the wrong place is better than none; a repeat says it once."""
    async with stage() as on:
        on.discord.faults.add(Trouble.REFUSED, THREAD, status=status, code=code, times=-1)
        thread = await on.open()
        assert thread.thread == on.discord.general.id
        card = on.part(PostKind.SESSION_CARD)
        assert await on.chat.open_thread(on.session, card, key="c" * 24, since=EVER) == thread
        await on.chat.send(thread, Part("more"), key=KEY)
        assert len(on.in_channel()) == 3
        assert word in on.text(on.in_channel()[1].id)


async def test_a_private_session_gets_a_thread_that_its_starter_is_in() -> None:
    """Nobody else sees it; the session that is asked for there works in place."""
    async with stage() as on:
        ref = await on.chat.open_private(place_of(on.place), "Secret " * 30, on.discord.ann.id)
        channel = on.discord.world.channels[ref.thread]
        assert channel.kind is Kind.PRIVATE_THREAD
        assert channel.thread is not None
        assert on.discord.ann.id in channel.thread.members
        thread = await on.open(thread=ref)
        assert [one.id for one in on.posts(thread)] == [thread.card]
        assert on.in_channel() == []


async def test_a_private_session_that_cannot_be_says_which_permission_is_missing() -> None:
    """It never becomes a public one."""
    async with stage() as on:
        await _deny(on, Permission.CREATE_PRIVATE_THREADS)
        with pytest.raises(PostRefused, match="Create Private Threads"):
            await on.chat.open_private(place_of(on.place), "Secret", on.discord.ann.id)
        assert on.in_channel() == []


@pytest.mark.parametrize("trouble", [Trouble.LOST_ANSWER, Trouble.LOST_REQUEST, Trouble.ERROR_AFTER])
async def test_a_lost_answer_is_uncertain_and_reading_back_tells(trouble: Trouble) -> None:
    """Nothing is sent twice by itself, and the look-up knows whether the post arrived."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(trouble, CREATE, status=503)
        with pytest.raises(PostUncertain):
            await on.chat.send(thread, Part("once"), key=KEY)
        found = await on.chat.find(thread, KEY, EVER)
        arrived = [one.id for one in on.posts(thread)]
        assert found == (arrived[0] if arrived else None)
        assert bool(arrived) is (trouble is not Trouble.LOST_REQUEST)


async def test_a_repeat_within_minutes_makes_no_second_message() -> None:
    """Discord enforces the nonce, and the adapter gets the message that stands there."""
    async with stage() as on:
        thread = await on.open()
        first = await on.chat.send(thread, Part("once"), key=KEY)
        assert await on.another().send(thread, Part("once"), key=KEY) == first
        assert len(on.posts(thread)) == 1


async def test_opening_goes_on_where_it_broke_off() -> None:
    """A crash between card and thread makes neither a second card nor a second thread."""
    async with stage() as on:
        for trouble in (Trouble.LOST_REQUEST, Trouble.LOST_ANSWER):
            on.discord.faults.add(trouble, THREAD)
        with pytest.raises(TransientError):
            await on.open()
        card = on.part(PostKind.SESSION_CARD)
        with pytest.raises(TransientError):
            await on.another().open_thread(on.session, card, key="c" * 24, since=EVER)
        thread = await on.another().open_thread(on.session, card, key="c" * 24, since=EVER)
        assert [one.id for one in on.in_channel()] == [thread.card]
        assert thread.thread == thread.card


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (50001, 403, "missing_access"),
        (50013, 403, "missing_permissions: Send Messages in Threads"),
        (10003, 404, "unknown_channel"),
        (160005, 403, "thread_locked"),
        (50007, 403, "takes_no_messages"),
    ],
)
async def test_what_discord_refuses_is_refused_with_a_word(code: int, status: int, reason: str) -> None:
    """The reason reaches whoever decides what becomes of the session."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(Trouble.REFUSED, CREATE, status=status, code=code)
        with pytest.raises(PostRefused) as refused:
            await on.chat.send(thread, Part("no"), key=KEY)
        assert refused.value.reason == reason


async def test_a_short_limit_is_waited_for_and_a_long_one_is_an_error() -> None:
    """The library waits for what is short; what is long comes back with its seconds."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(Trouble.RATE_LIMITED, CREATE, retry_after=0.01)
        await on.chat.send(thread, Part("soon"), key=KEY)
        on.discord.faults.add(Trouble.RATE_LIMITED, CREATE, retry_after=77)
        with pytest.raises(TransientError) as limited:
            await on.chat.send(thread, Part("later"), key=derived_key("later"))
        assert limited.value.retry_after_seconds == 77
        assert on.invalid.total == 2


async def test_others_limits_do_not_count_and_a_ban_stops_everything() -> None:
    """A shared 429 is nobody's fault; the gatekeeper's closes the door for minutes, without a request more."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(Trouble.SHARED_LIMITED, CREATE, retry_after=0.01)
        await on.chat.send(thread, Part("soon"), key=KEY)
        assert on.invalid.total == 0
        on.discord.faults.add(Trouble.BANNED, CREATE)
        with pytest.raises(TransientError) as banned:
            await on.chat.send(thread, Part("no"), key=derived_key("banned"))
        assert banned.value.retry_after_seconds == limits.BAN_SECONDS
        before = len(on.discord.api.calls)
        with pytest.raises(DiscordPaused):
            await on.chat.send(thread, Part("no"), key=derived_key("banned"))
        assert len(on.discord.api.calls) == before
        await on.clock.sleep(limits.BAN_SECONDS)
        await on.chat.send(thread, Part("again"), key=derived_key("banned"))


async def test_a_wrong_token_is_asked_for_once_a_minute() -> None:
    """Every 401 counts against the address, so nobody hammers; posts wait for a better token."""
    async with stage() as on:
        on.login._token = "wrong"
        for _ in range(5):
            with pytest.raises(TransientError):
                await on.open()
        assert on.invalid.total == 1


async def test_a_look_that_discord_refuses_is_posted_plain() -> None:
    """Refused components never silence a post: its words arrive, on posting and on editing, and its key with them."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(Trouble.REFUSED, CREATE, status=400, code=50035)
        post_id = await on.chat.send(thread, on.part(PostKind.RESULT), key=KEY)
        assert "The best version is that of round 1" in on.text(post_id)
        assert [one["type"] for one in walk(on.message(post_id).components)] == [17, 10]
        assert await on.another().find(thread, KEY, EVER) == post_id
        on.discord.faults.add(Trouble.REFUSED, EDIT, status=400, code=50035)
        await on.chat.edit(thread, post_id, on.part(PostKind.NOTICE, code="parked", facts={"reason": "paused"}))
        assert "somebody paused it" in on.text(post_id)


def _with_file(on: Stage, name: str = "proposal (edited).md", media_type: str = "text/markdown", size: int = 5) -> Part:
    file = SessionFile("f_1", SNAPSHOT.session.id, "result", name, media_type, size, "sessions/x", NOON)
    on.files.data["sessions/x"] = b"bytes"
    return on.part(PostKind.RESULT, replace(on.snapshot(), files=(file,)), file_ids=("f_1",))


async def test_files_stand_in_the_message_that_speaks_of_them() -> None:
    """Text, buttons and files are one message; with Components V2 each file must be shown by one."""
    async with stage() as on:
        thread = await on.open()
        for number, (name, media_type, kind) in enumerate(
            [("a (b).md", "text/markdown", 13), ("c.png", "image/png", 12)]
        ):
            post_id = await on.chat.send(thread, _with_file(on, name, media_type), key=derived_key(number))
            (attachment,) = on.message(post_id).attachments
            assert (attachment.content, attachment.description) == (b"bytes", name)
            assert kind in [one["type"] for one in on.message(post_id).components]


async def test_an_edit_keeps_the_files_that_are_there() -> None:
    """Nothing is uploaded twice, also by a process that did not post them."""
    async with stage() as on:
        thread = await on.open()
        post_id = await on.chat.send(thread, _with_file(on), key=KEY)
        before = [one.id for one in on.message(post_id).attachments]
        part = _with_file(on)
        shown = shown_of(part)
        more = [*shown.components, {"type": 10, "content": "more"}]
        changed = replace(part, payload={**part.payload, "components": more})
        await on.another().edit(thread, post_id, changed)
        assert [one.id for one in on.message(post_id).attachments] == before
        assert "more" in on.text(post_id)
        assert await on.chat.find(thread, KEY, EVER) == post_id


async def test_a_file_that_is_too_large_for_discord_is_a_link() -> None:
    """10 MiB is the limit where nobody pays for more."""
    async with stage() as on:
        thread = await on.open()
        on.addresses["f_1"] = "https://atelier.test/files/token"
        post_id = await on.chat.send(thread, _with_file(on, size=11 * 1024 * 1024), key=KEY)
        assert on.message(post_id).attachments == []
        assert "https://atelier.test/files/token" in on.text(post_id)


async def test_files_that_may_not_be_attached_are_told_and_the_result_arrives() -> None:
    """The words are there, with the permission that is missing, and the way to the files."""
    async with stage() as on:
        await _deny(on, Permission.ATTACH_FILES)
        thread = await on.open()
        on.addresses["f_1"] = "https://atelier.test/files/token"
        post_id = await on.chat.send(thread, _with_file(on), key=KEY)
        seen = on.text(post_id)
        assert "Attach Files" in seen
        assert "https://atelier.test/files/token" in seen
        assert "The best version" in seen


async def test_history_that_cannot_be_read_is_no_absence() -> None:
    """A limit, a fault or a missing permission is an error, never a None that would make a duplicate."""
    async with stage() as on:
        thread = await on.open()
        await on.chat.send(thread, Part("here"), key=KEY)
        for trouble in (Trouble.LOST_ANSWER, Trouble.ERROR_AFTER):
            on.discord.faults.add(trouble, LIST, status=503, times=2)  # aiohttp repeats a GET once by itself
            with pytest.raises(HistoryUnreadable):
                await on.chat.find(thread, KEY, EVER)
            on.discord.faults.clear()
        await _deny(on, Permission.READ_MESSAGE_HISTORY)
        with pytest.raises(HistoryUnreadable, match="Read Message History"):
            await on.chat.find(thread, KEY, EVER)


async def test_a_post_is_found_beyond_the_first_page() -> None:
    """Reading back goes on until everything since the intent was seen."""
    async with stage() as on:
        thread = await on.open()
        world = on.discord.world
        for number in range(130):
            on.discord.say(on.discord.ann, world.channels[thread.thread], f"talk {number}")
        post_id = await on.chat.send(thread, Part("at last"), key=KEY)
        assert await on.chat.find(thread, KEY, EVER) == post_id
        assert await on.chat.find(thread, derived_key("never"), EVER) is None


async def test_nobody_elses_message_is_taken_for_ours() -> None:
    """Another bot may copy the numbers of a message; it is not ours for that."""
    async with stage() as on:
        thread = await on.open()
        post_id = await on.chat.send(thread, Part("ours"), key=KEY)
        message = on.message(post_id)
        message.author = on.discord.ann
        assert await on.chat.find(thread, KEY, EVER) is None


async def test_edits_of_a_card_that_works_make_way_for_newer_ones() -> None:
    """Several changes within two seconds are one call; the final one is made at once, and is the last."""
    async with stage(FakeClock()) as on:
        thread = await on.open(status=Status.RUNNING)
        for spent in range(5):
            snapshot = replace(on.snapshot(status=Status.RUNNING), spent_microcredits=spent * 1_000_000)
            await on.chat.edit(thread, thread.card, on.part(PostKind.SESSION_CARD, snapshot))
        assert on.count(EDIT) == 0
        await on.clock.sleepers()
        await on.chat.edit(thread, thread.card, on.part(PostKind.SESSION_CARD))
        await on.clock.advance(10)
        assert on.count(EDIT) == 1
        assert "Done" in on.text(thread.card)


async def test_an_edit_that_changes_nothing_is_no_call() -> None:
    """Discord's limits are not spent on what people see already."""
    async with stage() as on:
        thread = await on.open()
        await on.chat.edit(thread, thread.card, on.part(PostKind.SESSION_CARD))
        assert on.count(EDIT) == 0


async def test_an_edit_calls_nobody_and_keeps_the_key() -> None:
    """Discord parses an edit's mentions by its defaults, so it is told not to; a process that knows nothing keeps the key."""
    async with stage() as on:
        thread = await on.open()
        post_id = await on.chat.send(thread, Part("before"), key=KEY)
        await on.another().edit(thread, post_id, Part("after <@1> @everyone"))
        assert "after" in on.text(post_id)
        assert on.discord.world.pings == []
        assert await on.chat.find(thread, KEY, EVER) == post_id


async def test_a_first_draft_grows_on_its_rounds_card() -> None:
    """What is written stands there whole and in order, edited every two seconds at most."""
    async with stage() as on:
        thread = await on.open(status=Status.RUNNING)
        card = await on.chat.send(thread, _working(on), key=KEY)
        pieces = [f"word{number} " for number in range(60)]
        edits_at: list[float] = []
        for piece in pieces:
            on.chat.progress(sign(thread, on.session.id, card, delta=piece))
            before = on.count(EDIT)
            await on.clock.sleep(0.5)
            await asyncio.sleep(0.001)
            edits_at += [on.clock.monotonic()] * (on.count(EDIT) - before)
        await _quiet(on)
        assert "".join(pieces).strip() in on.text(card)
        assert len(on.posts(thread)) == 1
        on.chat.progress(sign(thread, on.session.id, card, state="restarted"))
        await _quiet(on)
        assert "word1 " not in on.text(card)


async def test_progress_is_shown_in_few_edits() -> None:
    """Whoever finishes counts more than how far somebody writes; the final card is the last."""
    async with stage() as on:
        thread = await on.open(status=Status.RUNNING)
        card = await on.chat.send(thread, _working(on, 2, upload=True), key=KEY)
        for done in range(1, 32):
            on.chat.progress(sign(thread, on.session.id, card, round=2, done_blocks=done, total_blocks=31))
            await on.clock.sleep(4)
            await _quiet(on)
        for key in ("content", "style", "facts", "lead"):
            on.chat.progress(sign(thread, on.session.id, card, role_key=key, state="finished", score=7.5))
            await _quiet(on)
        assert "7.5" in on.text(card)
        assert on.count(EDIT) == 5
        await on.chat.edit(thread, card, on.part(PostKind.ROUND_CARD, round=1))
        on.chat.progress(sign(thread, on.session.id, card, state="finished"))
        await _quiet(on)
        assert on.count(EDIT) == 6
        assert "7.8" in on.text(card)


async def test_an_archived_thread_is_opened_by_sending_before_anything_is_edited() -> None:
    """What must be said is posted anew, which opens the thread; a sign of life does not wake it."""
    async with stage() as on:
        thread = await on.open(status=Status.RUNNING)
        card = await on.chat.send(thread, _working(on), key=KEY)
        state = on.discord.world.channels[thread.thread].thread
        assert state is not None
        state.is_archived = True
        on.chat.progress(sign(thread, on.session.id, card, role_key="style", state="finished"))
        await _quiet(on)
        assert len(on.posts(thread)) == 1
        new = await on.chat.edit(thread, card, on.part(PostKind.ROUND_CARD, round=1))
        assert new != card
        assert not state.is_archived
        assert "7.8" in on.text(new)
        assert await on.another().edit(thread, new, on.part(PostKind.ROUND_CARD, round=1)) == new
        assert len(on.posts(thread)) == 2


async def test_a_card_older_than_an_hour_is_posted_anew_once() -> None:
    """No old message is edited; the new card says where the thread is, and a repeat finds it."""
    async with stage() as on:
        thread = await on.open(status=Status.RUNNING)
        await on.clock.sleep(HOUR)
        running = replace(on.snapshot(status=Status.RUNNING), spent_microcredits=1)
        assert await on.chat.edit(thread, thread.card, on.part(PostKind.SESSION_CARD, running)) == thread.card
        done = on.part(PostKind.SESSION_CARD)
        new = await on.chat.edit(thread, thread.card, done)
        assert new.startswith(f"{on.discord.general.id}/")
        assert await on.another().edit(thread, thread.card, done) == new
        assert len(on.in_channel()) == 2
        assert on.message(thread.card).editions == []
        changed = on.part(PostKind.SESSION_CARD, on.snapshot(title="Changed soon after"))
        assert await on.another().edit(thread, new, changed) == new
        assert "Changed soon after" in on.text(new)
        assert f"<#{thread.thread}>" in on.text(new)


async def test_a_session_that_goes_on_after_days_has_a_card_that_says_so() -> None:
    """The old card said that it is paused; the new one shows it at work and is kept current."""
    async with stage() as on:
        thread = await on.open(status=Status.PAUSED)
        await on.clock.sleep(3 * 24 * HOUR)
        new = await on.another().edit(
            thread, thread.card, on.part(PostKind.SESSION_CARD, on.snapshot(status=Status.RUNNING))
        )
        assert new != thread.card
        assert "Working" in on.text(new)


async def test_a_wait_that_is_over_is_said_on_its_old_notice_if_discord_lets_us() -> None:
    """Credits take hours to come: its buttons go by one edit; where that is refused it stays, and nothing is posted."""
    async with stage() as on:
        thread = await on.open()
        session = on.snapshot().session
        waiting = replace(on.snapshot(), session=replace(session, status=Status.WAITING))
        facts = {"reason": "balance", "segment": str(session.segment)}
        post_id = await on.chat.send(thread, on.part(PostKind.NOTICE, waiting, code="parked", facts=facts), key=KEY)
        await on.clock.sleep(HOUR)
        posts = len(on.posts(thread))
        gone_on = replace(waiting, session=replace(session, status=Status.RUNNING))
        on.discord.faults.add(Trouble.REFUSED, EDIT, status=400, code=50083)
        over = on.part(PostKind.NOTICE, gone_on, code="parked", facts=facts)
        assert await on.chat.edit(thread, post_id, over) == post_id
        assert "The session waits" in on.text(post_id)
        assert await on.chat.edit(thread, post_id, over) == post_id
        assert "The session waited" in on.text(post_id)
        assert len(on.posts(thread)) == posts


async def test_an_old_rounds_card_that_was_final_stays() -> None:
    """Nobody wants the rounds of yesterday again at the end of a session; one that never ended is told."""
    async with stage() as on:
        thread = await on.open(status=Status.RUNNING)
        final = await on.chat.send(thread, on.part(PostKind.ROUND_CARD, round=0), key=derived_key("r0"))
        working = await on.chat.send(thread, _working(on), key=KEY)
        await on.clock.sleep(HOUR)
        other = on.another()
        changed = on.part(PostKind.ROUND_CARD, replace(on.snapshot(), notes=()), round=0)
        assert await other.edit(thread, final, changed) == final
        assert await other.edit(thread, working, on.part(PostKind.ROUND_CARD, round=1)) != working
        assert len(on.posts(thread)) == 3
        assert on.count(EDIT) == 0


async def test_a_card_that_somebody_deleted_is_not_wanted_and_a_rounds_card_comes_back() -> None:
    """The thread lives without its card; what a round came to is told."""
    async with stage() as on:
        thread = await on.open(status=Status.RUNNING)
        card = await on.chat.send(thread, _working(on), key=KEY)
        on.message(thread.card).is_deleted = True
        on.message(card).is_deleted = True
        assert await on.chat.edit(thread, thread.card, on.part(PostKind.SESSION_CARD)) == thread.card
        assert on.in_channel() == []
        new = await on.chat.edit(thread, card, on.part(PostKind.ROUND_CARD, round=1))
        assert [one.id for one in on.posts(thread)] == [new]


async def test_a_receipt_and_the_lead_editors_words_stand_within_other_posts() -> None:
    """`send` names the message that says it already, in the same process and in another; without one, it is posted."""
    async with stage() as on:
        thread = await on.open()
        full = on.snapshot(verbosity=Verbosity.FULL)
        name = on.part(PostKind.RECEIPT).payload["within"]
        result = await on.chat.send(thread, on.part(PostKind.RESULT), key=str(name))
        receipt = on.part(PostKind.RECEIPT)
        assert await on.chat.send(thread, receipt, key=KEY) == result
        assert await on.another().send(thread, receipt, key=KEY) == result
        assert await on.chat.edit(thread, result, receipt) == result
        lead = on.part(PostKind.TURN, full, round=1, role_key="lead")
        alone = await on.chat.send(thread, lead, key=derived_key("lead"))
        assert len(on.posts(thread)) == 2
        card_key = post_key(on.session.id, PostKind.ROUND_CARD, round_number=0)
        card = await on.chat.send(thread, on.part(PostKind.ROUND_CARD, full, round=0), key=card_key)
        other = on.part(PostKind.TURN, full, round=0, role_key="lead")
        assert await on.another().send(thread, other, key=derived_key("lead0")) == card
        assert alone != card


async def test_every_kind_of_post_passes_every_rule() -> None:
    """The stage holds each body against Discord's description at the end."""
    async with stage() as on:
        thread = await on.open()
        for kind in PostKind:
            facts = {"reason": "balance"}
            content = Content(kind, on.snapshot(), round=1, role_key="style", code="parked", facts=facts, mention=True)
            for number, part in enumerate(on.chat.render(content)):
                await on.chat.send(thread, part, key=derived_key(kind, number))
        assert len(on.posts(thread)) >= len(PostKind) - 1
