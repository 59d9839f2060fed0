"""Where the app may not speak, by what Slack answers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bots.desk.requests import Request
from bots.slack.api import TOO_LONG
from bots.slack.barred import CannotSpeak
from core.orchestration.ports import Content, HistoryUnreadable, Part, PostKind, PostRefused
from core.sessions.model import Session, Status, ThreadRef
from tests.bots.slack.stage import Stage, stage
from tests.bots.views.samples import SNAPSHOT
from tests.fakes.slack.faults import Trouble

pytestmark = pytest.mark.loopback
EVER = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "k" * 24
POST = "chat.postMessage"
CLOSED = [
    "is_archived",
    "not_in_channel",
    "channel_not_found",
    "no_permission",
    "restricted_action",
    "restricted_action_read_only_channel",
    "restricted_action_thread_only_channel",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_locked",
    "thread_locked",
    "posting_to_general_channel_denied",
    "messages_tab_disabled",
    "ekm_access_denied",
    "access_denied",
    "team_access_not_granted",
    "missing_scope",
]


def card(on: Stage, status: Status = Status.RUNNING) -> Part:
    """Return the card of the session as it stands."""
    snapshot = replace(SNAPSHOT, session=replace(on.session, status=status))
    return on.chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=snapshot))[0]


async def begin(on: Stage) -> ThreadRef:
    return await on.chat.open_thread(on.session, card(on), key="c" * 24)


@pytest.mark.parametrize("code", CLOSED)
async def test_what_people_can_mend_is_kept_and_not_asked_again_at_once(code: str) -> None:
    """For five minutes nothing is looked up there; then it is."""
    async with stage() as on:
        thread = await begin(on)
        on.slack.faults.add(Trouble.REFUSED, POST, error=code)
        with pytest.raises(CannotSpeak) as refused:
            await on.chat.send(thread, Part("no"), key=KEY)
        assert refused.value.reason == code
        calls = on.calls()
        for again in (on.chat.find(thread, KEY, EVER), on.chat.edit(thread, thread.card, card(on, Status.PAUSED))):
            with pytest.raises(CannotSpeak):
                await again
        assert on.calls() == calls
        on.clock.move(301.0)
        assert await on.chat.find(thread, KEY, EVER) is None


@pytest.mark.parametrize(
    "code", ["msg_too_long", "too_many_attachments", "invalid_arguments", "message_limit_exceeded", "no_text"]
)
async def test_what_is_wrong_with_a_post_says_nothing_of_its_place(code: str) -> None:
    """It is refused for good, and the next one is tried."""
    async with stage() as on:
        thread = await begin(on)
        on.slack.faults.add(Trouble.REFUSED, POST, error=code, times=2 if code in TOO_LONG else 1)
        with pytest.raises(PostRefused) as refused:
            await on.chat.send(thread, Part("no"), key=KEY)
        assert not isinstance(refused.value, CannotSpeak)
        await on.chat.send(thread, Part("yes"), key="l" * 24)
        assert len(on.posts(thread)) == 1


async def test_a_thread_whose_first_message_is_gone_keeps_nothing() -> None:
    """Nobody can bring that back: the post is refused for good, as it was."""
    async with stage() as on:
        thread = await begin(on)
        on.slack.faults.add(Trouble.REFUSED, POST, error="cannot_reply_to_message")
        with pytest.raises(PostRefused) as refused:
            await on.chat.send(thread, Part("no"), key=KEY)
        assert not isinstance(refused.value, CannotSpeak)


async def test_a_channel_without_the_app_is_closed_and_one_without_history_is_not() -> None:
    """Who is not in a channel cannot have posted there since; without the scope nobody can tell."""
    async with stage() as on:
        thread = await begin(on)
        on.slack.faults.add(Trouble.REFUSED, "conversations.replies", error="missing_scope")
        with pytest.raises(HistoryUnreadable):
            await on.chat.find(thread, KEY, EVER)
        on.slack.faults.add(Trouble.REFUSED, "conversations.replies", error="not_in_channel")
        with pytest.raises(CannotSpeak):
            await on.chat.find(thread, KEY, EVER)


async def test_a_session_that_works_again_asks_at_once() -> None:
    """Its card at work says that somebody pressed Resume, perhaps because the place is open."""
    async with stage() as on:
        thread = await begin(on)
        on.slack.faults.add(Trouble.REFUSED, POST, error="restricted_action")
        with pytest.raises(CannotSpeak):
            await on.chat.send(thread, Part("no"), key=KEY)
        await on.chat.edit(thread, thread.card, card(on))
        assert await on.chat.find(thread, KEY, EVER) is None


async def test_a_card_that_was_refused_is_tried_by_who_goes_on_and_not_by_who_waits() -> None:
    """A session that waits for its channel costs no call for five minutes."""
    async with stage() as on:
        on.slack.general.is_read_only = True
        with pytest.raises(CannotSpeak):
            await begin(on)
        calls = on.calls()
        waits = replace(on.session, status=Status.PAUSED)
        with pytest.raises(CannotSpeak):
            await on.chat.open_thread(waits, card(on, Status.PAUSED), key="c" * 24, since=EVER)
        assert on.calls() == calls
        on.slack.general.is_read_only = False
        works = replace(on.session, status=Status.RUNNING)
        assert (await on.chat.open_thread(works, card(on), key="c" * 24, since=EVER)).card


async def test_another_channel_that_is_closed_stops_no_session() -> None:
    """A result that somebody shares elsewhere is refused there, and nothing is found out about the session's thread."""
    async with stage() as on:
        thread = await begin(on)
        on.slack.faults.add(Trouble.REFUSED, POST, error="restricted_action")
        with pytest.raises(PostRefused) as refused:
            await on.chat.send(replace(thread, thread="", card=""), Part("no"), key=KEY)
        assert not isinstance(refused.value, CannotSpeak)


async def test_files_of_a_refused_post_are_uploaded_once() -> None:
    """However often it is tried, one upload waits for it, and the post has it in the end."""
    async with stage() as on:
        thread = await begin(on)
        on.files.data["f1"] = b"words"
        part = Part(
            "result",
            payload={
                "text": "result",
                "blocks": [],
                "plain": "result",
                "files": [{"key": "f1", "name": "a.md", "media_type": "text/markdown"}],
            },
        )
        on.slack.general.is_read_only = True
        for _ in range(3):
            with pytest.raises(CannotSpeak):
                await on.chat.send(thread, part, key=KEY)
        on.slack.general.is_read_only = False
        await on.chat.send(thread, part, key=KEY)
        assert on.slack.api.count("files.getUploadURLExternal") == 1
        (posted,) = on.posts(thread)
        assert len(posted.files) == 1


async def test_what_is_found_is_stored_once_a_minute_whoever_finds_it() -> None:
    """Many posts of many processes are refused in one minute, and one request says so; the session's own card names it."""
    async with stage() as on:
        taken: dict[str, Request] = {}

        async def take(request: Request, *, source: str, keys: Sequence[str]) -> bool:
            assert source == "slack"
            is_new = not set(keys) & set(taken)
            taken.update(dict.fromkeys(keys, request))
            return is_new

        thread = await begin(on)
        chats = [on.chat, on.another()]
        for chat in chats:
            chat.barred.hand_to(take)
        on.slack.general.is_read_only = True
        for chat in chats:
            with pytest.raises(CannotSpeak):
                await chat.send(thread, Part("no"), key=KEY)
            on.clock.move(2.0)  # a post a second and channel
        (found,) = taken.values()
        assert (found.action, found.spot.thread, dict(found.values)) == (
            "slack_barred",
            thread,
            {"reason": "restricted_action_read_only_channel", "session": ""},
        )
        session: Session = on.session
        with pytest.raises(CannotSpeak):
            await on.chat.open_thread(session, card(on), key="d" * 24)
        assert [one.values["session"] for one in taken.values()] == ["", session.id]
