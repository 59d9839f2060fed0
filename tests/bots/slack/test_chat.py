"""Posting, editing and reading back, against a local Slack that fails in the ways in which Slack fails."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import TransientError
from core.ids import derived_key
from core.orchestration.ports import Content, HistoryUnreadable, Part, PostKind, PostRefused, PostUncertain, Snapshot
from core.sessions.model import SessionFile, Status, ThreadRef
from tests.bots.slack.stage import Stage, sign, stage
from tests.bots.views.samples import SNAPSHOT
from tests.contracts.chat_port import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble

pytestmark = pytest.mark.loopback
EVER = datetime.min.replace(tzinfo=UTC)
KEY = derived_key("post")


def _snapshot(on: Stage, **changes: object) -> Snapshot:
    return replace(SNAPSHOT, session=replace(on.session, **changes))  # type: ignore[arg-type]  # any field


async def _open(on: Stage, **changes: object) -> ThreadRef:
    snapshot = _snapshot(on, **changes)
    card = on.chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=snapshot))[0]
    return await on.chat.open_thread(snapshot.session, card, key=derived_key("card"))


def _part(on: Stage, kind: PostKind, snapshot: Snapshot | None = None, **facts: object) -> Part:
    content = Content(kind=kind, snapshot=snapshot or _snapshot(on), **facts)  # type: ignore[arg-type]  # any field
    return on.chat.render(content)[0]


def _working(on: Stage, number: int = 1) -> Part:
    snapshot = replace(
        _snapshot(on, status=Status.RUNNING, has_upload=False),
        rounds=tuple(replace(item, finished_at=None) for item in SNAPSHOT.rounds if item.number == 1),
        turns=(),
    )
    rounds = tuple(replace(item, number=number) for item in snapshot.rounds)
    return _part(on, PostKind.ROUND_CARD, replace(snapshot, rounds=rounds), round=number)


async def test_a_card_begins_the_thread_and_the_result_mentions_the_starter() -> None:
    """The channel holds one message; the thread holds the rest; one mention, at the end."""
    async with stage() as on:
        thread = await _open(on)
        await on.chat.send(thread, _part(on, PostKind.RESULT, mention=True), key=KEY)
        assert [one.ts for one in on.slack.messages(on.slack.general)] == [thread.card]
        (result,) = on.posts(thread)
        assert f"<@{on.slack.ann.id}>" in result.text
        assert result.metadata["event_payload"] == {"key": KEY}


async def test_a_session_that_was_asked_for_in_a_thread_lives_there() -> None:
    """Its card joins the thread, and the channel sees it."""
    async with stage() as on:
        asked = await on.chat.send(on.place, Part("somebody's question"), key=KEY)
        thread = await _open(on, thread=replace(on.place, thread=asked))
        assert thread.thread == asked
        assert thread.card != asked
        assert [one.ts for one in on.slack.messages(on.slack.general)] == [asked, thread.card]


@pytest.mark.parametrize("trouble", [Trouble.LOST_ANSWER, Trouble.LOST_REQUEST, Trouble.ERROR_AFTER, Trouble.GARBAGE])
async def test_a_lost_answer_is_uncertain_and_reading_back_tells(trouble: Trouble) -> None:
    """Nothing is sent twice by itself, and the look-up knows whether the post arrived."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(trouble, "chat.postMessage")
        with pytest.raises(PostUncertain):
            await on.chat.send(thread, Part("once"), key=KEY)
        found = await on.chat.find(thread, KEY, EVER)
        arrived = [one.ts for one in on.posts(thread)]
        assert found == (arrived[0] if arrived else None)
        assert bool(arrived) is (trouble in {Trouble.LOST_ANSWER, Trouble.ERROR_AFTER})
        assert on.slack.api.count("chat.postMessage") == 2


async def test_a_rate_limit_says_how_long_and_is_obeyed() -> None:
    """429 is an error with its seconds, and nothing goes to that channel before they are over."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(Trouble.RATE_LIMITED, "chat.postMessage", retry_after=17)
        with pytest.raises(TransientError) as limited:
            await on.chat.send(thread, Part("later"), key=KEY)
        assert limited.value.retry_after_seconds == 17
        before = on.clock.monotonic()
        await on.chat.send(thread, Part("later"), key=KEY)
        assert on.clock.monotonic() - before >= 17


@pytest.mark.parametrize(
    "code",
    [
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "token_revoked",
        "account_inactive",
        "cannot_reply_to_message",
    ],
)
async def test_what_slack_refuses_is_refused_with_its_code(code: str) -> None:
    """The reason reaches whoever decides what becomes of the session."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(Trouble.REFUSED, error=code)
        with pytest.raises(PostRefused) as refused:
            await on.chat.send(thread, Part("no"), key=KEY)
        assert refused.value.reason == code


@pytest.mark.parametrize("code", ["token_expired", "invalid_auth", "service_unavailable"])
async def test_what_passes_by_itself_is_no_refusal(code: str) -> None:
    """A token that is renewed meanwhile costs a try, not a post."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(Trouble.REFUSED, "chat.postMessage", error=code)
        with pytest.raises(TransientError):
            await on.chat.send(thread, Part("later"), key=KEY)
        await on.chat.send(thread, Part("later"), key=KEY)
        assert len(on.posts(thread)) == 1


async def test_a_card_that_slack_cannot_draw_is_posted_as_plain_text() -> None:
    """Refused blocks never silence a post: its words arrive without their looks, on posting and on editing."""
    async with stage() as on:
        thread = await _open(on)
        part = _part(on, PostKind.RESULT)
        on.slack.faults.add(Trouble.REFUSED, "chat.postMessage", error="invalid_blocks")
        ts = await on.chat.send(thread, part, key=KEY)
        message = on.slack.message(on.slack.general, ts)
        assert message.blocks == []
        assert "The best version is that of round 1" in message.text
        on.slack.faults.add(Trouble.REFUSED, "chat.update", error="invalid_blocks")
        await on.chat.edit(thread, ts, _part(on, PostKind.RECEIPT))
        assert "Charged" in on.slack.message(on.slack.general, ts).text


async def test_what_is_too_long_for_slack_comes_as_a_file() -> None:
    """A message that neither blocks nor plain text can hold is a file and one plain line."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(Trouble.REFUSED, "chat.postMessage", error="msg_blocks_too_long")
        text = " ".join(f"w{number}" for number in range(1_500))
        ts = await on.chat.send(thread, Part(text), key=KEY)
        (file,) = on.slack.files(on.slack.general)
        assert file.content is not None
        assert text in file.content.decode()
        assert on.slack.message(on.slack.general, ts).files == [file.id]


async def test_an_edit_that_is_too_long_for_slack_comes_as_a_file() -> None:
    """Nothing is cut: the message keeps one line, and all of its words stand in a file beside it."""
    async with stage() as on:
        thread = await _open(on)
        ts = await on.chat.send(thread, Part("short"), key=KEY)
        text = " ".join(f"w{number}" for number in range(1_500))
        on.slack.faults.add(Trouble.REFUSED, "chat.update", error="msg_too_long")
        await on.chat.edit(thread, ts, Part(text))
        message = on.slack.message(on.slack.general, ts)
        (file,) = on.slack.files(on.slack.general)
        assert file.content is not None
        assert text in file.content.decode()
        assert (message.files, message.blocks) == ([file.id], [])


@pytest.mark.parametrize("is_edit", [False, True], ids=["post", "edit"])
async def test_a_long_text_whose_file_is_refused_says_so(*, is_edit: bool) -> None:
    """As much as Slack takes, and where the rest is."""
    async with stage() as on:
        thread = await _open(on)
        ts = await on.chat.send(thread, Part("short"), key=KEY)
        part = Part(" ".join(f"w{number}" for number in range(1_500)))
        on.slack.faults.add(Trouble.REFUSED, "files.getUploadURLExternal", error="file_uploads_disabled")
        if is_edit:
            on.slack.faults.add(Trouble.REFUSED, "chat.update", error="msg_too_long")
            await on.chat.edit(thread, ts, part)
        else:
            on.slack.faults.add(Trouble.REFUSED, "chat.postMessage", error="msg_too_long")
            ts = await on.chat.send(thread, part, key="K2")
        text = on.slack.message(on.slack.general, ts).text
        assert len(text) <= 4_000
        assert text.startswith("w0 w1")
        assert "`file_uploads_disabled`): press Show files" in text


def _with_file(on: Stage, name: str = "proposal (edited).md", media_type: str = "text/markdown") -> Part:
    file = SessionFile("f_1", SNAPSHOT.session.id, "result", name, media_type, 5, "sessions/x", NOON)
    on.files.data["sessions/x"] = b"bytes"
    return _part(on, PostKind.RESULT, replace(_snapshot(on), files=(file,)), file_ids=("f_1",))


async def test_files_stand_in_the_message_that_speaks_of_them() -> None:
    """Text, buttons and files are one message; a picture says what it shows."""
    async with stage() as on:
        thread = await _open(on)
        ts = await on.chat.send(thread, _with_file(on, "chart.png", "image/png"), key=KEY)
        (file,) = on.slack.files(on.slack.general)
        assert (file.name, file.content, file.alt_text) == ("chart.png", b"bytes", "chart.png")
        assert len(on.posts(thread)) == 1
        assert on.slack.message(on.slack.general, ts).files == [file.id]


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "file.upload", "files.completeUploadExternal"])
async def test_a_failed_upload_leaves_nothing_half_made(method: str) -> None:
    """Where the bytes did not arrive nothing is posted, and the next try is the first that people see."""
    async with stage() as on:
        thread = await _open(on)
        part = _with_file(on)
        on.slack.faults.add(Trouble.LOST_REQUEST, method)
        with pytest.raises(TransientError):
            await on.chat.send(thread, part, key=KEY)
        assert on.posts(thread) == []
        await on.chat.send(thread, part, key=KEY)
        assert len(on.posts(thread)) == 1
        assert len(on.slack.files(on.slack.general)) == 1


async def test_a_crash_between_message_and_files_is_mended_by_the_look_up() -> None:
    """A message that waits for its files gets them when it is found, and says so once only."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(Trouble.LOST_REQUEST, "chat.update")
        with pytest.raises(PostUncertain):
            await on.chat.send(thread, _with_file(on), key=KEY)
        (message,) = on.posts(thread)
        assert message.files == []
        assert await on.chat.find(thread, KEY, EVER) == message.ts
        (message,) = on.posts(thread)
        assert len(message.files) == 1
        assert message.metadata["event_payload"] == {"key": KEY}


@pytest.mark.parametrize(
    ("method", "code"), [("files.getUploadURLExternal", "file_uploads_disabled"), ("chat.update", "file_not_found")]
)
async def test_files_that_slack_refuses_are_told_and_the_result_arrives(method: str, code: str) -> None:
    """The words are there, with why the files are not, and the way to them."""
    async with stage() as on:
        thread = await _open(on)
        on.slack.faults.add(Trouble.REFUSED, method, error=code)
        ts = await on.chat.send(thread, _with_file(on), key=KEY)
        seen = on.slack.message(on.slack.general, ts).visible_text
        assert code in seen
        assert "press Show files" in seen


async def test_an_agent_speaks_under_its_own_name_where_the_app_may() -> None:
    """Name and picture with the scope, the app's own name without: the words arrive in both."""
    for without in ((), ("chat:write.customize",)):
        async with stage(without=without) as on:
            thread = await _open(on)
            ts = await on.chat.send(thread, _part(on, PostKind.TURN, round=0, role_key="content"), key=KEY)
            message = on.slack.message(on.slack.general, ts)
            assert (message.username, message.icon) == (("", "") if without else ("Content editor", ":compass:"))
            assert "Content editor says so." in message.visible_text


async def test_history_that_cannot_be_read_is_no_absence() -> None:
    """A limit, a fault or a missing scope is an error, never a None that would make a duplicate."""
    async with stage() as on:
        thread = await _open(on)
        for trouble in (Trouble.RATE_LIMITED, Trouble.SERVER_ERROR, Trouble.LOST_ANSWER):
            on.slack.faults.add(trouble, "conversations.replies", times=2)  # aiohttp repeats a GET once by itself
            with pytest.raises(HistoryUnreadable):
                await on.chat.find(thread, KEY, EVER)
            on.slack.faults.clear()
    async with stage(without=["channels:history"]) as on:
        thread = await _open(on)
        with pytest.raises(HistoryUnreadable):
            await on.chat.find(thread, KEY, EVER)


@pytest.mark.parametrize("limited", [True, False])
async def test_a_post_is_found_beyond_the_first_page(*, limited: bool) -> None:
    """Reading back goes on until everything since the intent was seen, once a minute where Slack says so."""
    async with stage(history_limited=limited) as on:
        thread = await _open(on)
        for number in range(20):
            await on.chat.send(thread, Part(f"message {number}"), key=derived_key(number))
        assert await on.chat.find(thread, derived_key(19), EVER) == on.posts(thread)[-1].ts


async def test_edits_of_a_card_that_works_make_way_for_newer_ones() -> None:
    """Several changes within two seconds are one call; the final one is made at once, and is the last."""
    clock = FakeClock()
    async with stage(clock) as on:
        thread = await _open(on, status=Status.RUNNING)
        for spent in range(5):
            snapshot = replace(_snapshot(on, status=Status.RUNNING), spent_microcredits=spent * 1_000_000)
            await on.chat.edit(thread, thread.card, _part(on, PostKind.SESSION_CARD, snapshot))
        assert on.slack.api.count("chat.update") == 0
        await clock.sleepers()
        await on.chat.edit(thread, thread.card, _part(on, PostKind.SESSION_CARD))
        await clock.advance(10)
        assert on.slack.api.count("chat.update") == 1
        assert "Done" in on.slack.message(on.slack.general, thread.card).visible_text


async def test_an_edit_that_changes_nothing_is_no_call() -> None:
    """Slack's budget is not spent on what people see already."""
    async with stage() as on:
        thread = await _open(on)
        await on.chat.edit(thread, thread.card, _part(on, PostKind.SESSION_CARD))
        assert on.slack.api.count("chat.update") == 0


async def test_a_rounds_card_shows_who_is_how_far_and_not_too_often() -> None:
    """Progress is an edit every three seconds at most, at most five a round, and none after the final one."""
    async with stage() as on:
        thread = await _open(on)
        card = await on.chat.send(thread, _working(on, 2), key=KEY)
        for done in range(1, 32):
            update = sign(thread, on.session.id, card, round=2, done_blocks=done, total_blocks=31)
            on.chat.progress(update)
            await on.clock.sleep(4)
        await _quiet(on)
        shown = on.slack.message(on.slack.general, card).visible_text
        assert "of 31 paragraphs" in shown
        for key in ("content", "style", "facts", "lead"):
            on.chat.progress(sign(thread, on.session.id, card, role_key=key, state="finished", score=7.5))
            await _quiet(on)
        assert "7.5" in on.slack.message(on.slack.general, card).visible_text
        assert on.slack.api.count("chat.update") == 5
        await on.chat.edit(thread, card, _part(on, PostKind.ROUND_CARD, round=1))
        on.chat.progress(sign(thread, on.session.id, card, state="finished"))
        await _quiet(on)
        assert on.slack.api.count("chat.update") == 6
        assert "7.8" in on.slack.message(on.slack.general, card).visible_text


async def test_a_provider_that_is_down_shows_on_the_card() -> None:
    """While a provider is asked again, or another in its place, the card says so instead of "thinking"."""
    async with stage() as on:
        thread = await _open(on)
        card = await on.chat.send(thread, _working(on, 2), key=KEY)
        for state, words in (("retrying", "trying again"), ("fell_back", "asking another model")):
            on.chat.progress(sign(thread, on.session.id, card, round=2, state="started"))
            on.chat.progress(sign(thread, on.session.id, card, round=2, state=state))
            await _quiet(on)
            assert f": {words}" in on.slack.message(on.slack.general, card).visible_text


async def _quiet(on: Stage) -> None:
    """Return when nothing is under way any more."""
    for card in list(on.chat._cards._cards.values()):
        if card.task is not None:
            await card.task
    for draft in list(on.chat._drafts._drafts.values()):
        if draft.task is not None and draft.is_over:
            await draft.task
