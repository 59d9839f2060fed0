"""Slack, as people live it: where the app may not speak any more, somebody hears what to do and nothing is lost.

No event says so: the app was down, or Slack has none for it.
"""

from pathlib import Path

import pytest

import samples
from core.orchestration import runtime
from core.sessions.model import ENDED, Session, Status
from tests.fakes.slack.model import Channel, Kind, Message, Person
from tests.scenarios.slack_office import Office, buttons_of, jargon_in
from tests.waiting import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
PACE = 60.0
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
MINUTE = 60.0
WORDS = {
    "read only": "an admin can let me in",
    "locked": "an admin can unlock it",
    "archived": "can bring it back",
    "removed": "type /invite @Atelier there",
    "private": "type /invite @Atelier in it",
}


async def _begin(house: Office, name: str, *, how: str = "", show: str = "normal") -> tuple[Person, Channel, Session]:
    """Have a newcomer start a session of two rounds in a channel of its own, and return all three once it works."""
    slack = house.slack
    name = name.replace(" ", "-")
    person = slack.world.add_person(slack.north, name.replace("-", ""))
    kind = Kind.PRIVATE if how == "private" else Kind.PUBLIC
    channel = await house.room(name, slack.ann, person, kind=kind)
    text = f"{house.named()} tighten this --rounds 2 --good-enough 10 --show {show}"
    await slack.say(person, channel, text, files=[("proposal.docx", SAMPLE)])
    session = await house.running(channel)
    return person, channel, session


def _bar(house: Office, channel: Channel, how: str, *, shut: bool = True) -> None:
    """Close a place to the app, or open it again; no event tells of it."""
    match how:
        case "read only":
            channel.is_read_only = shut
        case "locked":
            card = house.card(channel)
            channel.locked = {card.thread_ts or card.ts} if shut else set()
        case "archived":
            channel.is_archived = shut
        case _:
            (channel.members.discard if shut else channel.members.add)(house.bot().user_id)


def _told(house: Office, person: Person, words: str) -> list[Message]:
    return [one for one in house.slack.direct_messages(person) if words in one.visible_text and one.by]


async def _hears(house: Office, person: Person, words: str, *, number: int = 1) -> Message:
    """Return the newest message to *person* with *words* once there are so many, letting time pass."""

    async def there() -> bool:
        house.pass_time(2)
        return len(_told(house, person, words)) >= number

    await until(there)
    found = _told(house, person, words)[-1]
    assert jargon_in(found.visible_text) == []
    return found


async def _ends(house: Office, channel: Channel) -> Session:
    async def over() -> bool:
        house.pass_time(2)
        return (await house.sessions_in(channel))[-1].status in ENDED

    await until(over)
    return await house.ended(channel, seconds=30)


async def _try_again(house: Office, *, times: int) -> list[str]:
    """Do the job of what was left behind twice, as often as it is worth a call; return what was called for it."""
    slack = house.slack
    before = len(slack.api.calls)
    for _ in range(times):
        house.pass_time(20 * MINUTE)
        for _ in range(2):
            await runtime.get_job("posts")()
            await house.settled()
    return [one.method for one in slack.api.calls[before:]]


def _said_once(house: Office, channel: Channel, *words: str) -> None:
    thread = [one.visible_text for one in house.thread(channel)]
    assert [sum(word in one[:90] for one in thread) for word in words] == [1] * len(words), thread


@pytest.mark.parametrize("how", list(WORDS))
async def test_a_session_that_cannot_speak_waits_and_goes_on(house: Office, how: str) -> None:
    """Mid-round: it pauses, its starter hears once what to do; once that is done, Resume goes on at once and all is said."""
    person, channel, session = await _begin(house, f"waits-{how}", how=how)
    await house.slack.until(lambda: house.thread(channel))
    _bar(house, channel, how)
    notice = await _hears(house, person, "is paused")
    assert WORDS[how] in notice.visible_text
    paused = await house.reaches(channel, Status.PAUSED)
    assert paused.id == session.id
    await _try_again(house, times=3)
    assert len(_told(house, person, "is paused")) == 1
    _bar(house, channel, how, shut=False)
    await house.press(person, notice, "Resume session")
    ended = await _ends(house, channel)
    assert ended.status is Status.COMPLETED
    _said_once(house, channel, "Round 2", "Result", "Receipt")
    assert len(_told(house, person, "is paused")) == 1
    assert _told(house, person, "is done") == []


@pytest.mark.parametrize("how", list(WORDS))
async def test_a_result_that_cannot_be_posted_is_told_of_and_posted_later(house: Office, how: str) -> None:
    """Its starter has the files at once, and the thread has the result when the app may speak again; once each."""
    slack = house.slack
    person, channel, session = await _begin(house, f"unsaid-{how}", how=how)
    await slack.until(lambda: house.thread(channel))
    await house.parts.sessions.stop(session.id, actor="test")
    _bar(house, channel, how)
    notice = await _hears(house, person, "is done")
    assert WORDS[how] in notice.visible_text
    await house.press(person, notice, "Show files")
    await house.settled()
    assert any(one.files for one in slack.direct_messages(person))
    called = await _try_again(house, times=3)
    assert called.count("files.getUploadURLExternal") == 0
    assert len(called) <= 3 * 4, called
    _bar(house, channel, how, shut=False)
    house.pass_time(20 * MINUTE)
    await house.ended(channel, seconds=30)
    _said_once(house, channel, "Result", "Receipt")
    (result,) = [one for one in house.thread(channel) if one.files]
    assert len(_told(house, person, "is done")) == 1
    assert len(result.files) == len(set(result.files))


async def test_who_opens_the_place_at_once_misses_nothing(house: Office) -> None:
    """Resume asks Slack again, however short the time since it refused: the rest of the session is all there."""
    person, channel, _ = await _begin(house, "at-once")
    await house.slack.until(lambda: house.thread(channel))
    _bar(house, channel, "archived")
    await house.slack.until(lambda: _told(house, person, "is paused"), seconds=30)
    await house.reaches(channel, Status.PAUSED)
    _bar(house, channel, "archived", shut=False)
    await house.press(person, _told(house, person, "is paused")[-1], "Resume session")
    await house.ended(channel, seconds=30)
    _said_once(house, channel, "Round 2", "Result", "Receipt")


async def test_a_session_that_says_little_finds_out_too(house: Office) -> None:
    """Where nothing is posted before the end, the edits of its card find that the channel is closed."""
    person, channel, _ = await _begin(house, "quiet", show="quiet")
    _bar(house, channel, "archived")
    await _hears(house, person, "is paused")
    assert (await house.reaches(channel, Status.PAUSED, Status.PAUSING)).end_reason is None


async def test_who_resumes_in_vain_hears_so_again(house: Office) -> None:
    """Where nobody opened the channel the session waits once more, and says so once more."""
    person, channel, _ = await _begin(house, "in-vain")
    await house.slack.until(lambda: house.thread(channel))
    _bar(house, channel, "read only")
    notice = await _hears(house, person, "is paused")
    await house.reaches(channel, Status.PAUSED)
    house.pass_time(2 * MINUTE)
    await house.press(person, notice, "Resume session")
    await _hears(house, person, "is paused", number=2)
    await house.reaches(channel, Status.PAUSED)
    assert _told(house, person, "is done") == []


async def test_a_channel_whose_end_is_told_and_found_is_said_once(house: Office) -> None:
    """The event and the refused posts come at the same time."""
    person, channel, _ = await _begin(house, "both")
    await house.slack.until(lambda: house.thread(channel))
    await house.slack.archive(channel, house.slack.ann)
    await _hears(house, person, "is paused")
    await house.reaches(channel, Status.PAUSED)
    await _try_again(house, times=2)
    assert len(_told(house, person, "is paused")) == 1


async def test_a_thread_whose_first_message_is_gone(house: Office) -> None:
    """It cannot be resumed there; Stop ends it, and its starter gets the files, once."""
    slack = house.slack
    person, channel, _ = await _begin(house, "stone")
    await slack.until(lambda: house.thread(channel))
    (first,) = [
        one for one in slack.messages(channel) if one.ts == (await house.sessions_in(channel))[-1].thread.thread
    ]
    await slack.delete(first)
    notice = await _hears(house, person, "is paused")
    assert "was deleted" in notice.visible_text
    assert "Resume session" not in buttons_of(notice)
    await house.press(person, notice, "Stop session")
    done = await _hears(house, person, "is done")
    await house.press(person, done, "Show files")
    await house.settled()
    await _try_again(house, times=2)
    assert len(_told(house, person, "is done")) == 1
